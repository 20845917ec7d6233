"""Small valid inputs of all formats, and random damage to bytes; everything follows from the generator that is given."""

import codecs
import gzip
import io
import json
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.support.preparing import CONTENT, packed

Random = random.Random

_LINES = [
    b"ID   PR00_ECOLI              Reviewed;          21 AA.",
    b"AC   P00000;",
    b"OS   Escherichia coli.",
    b"SQ   SEQUENCE   21 AA;  6000 MW;  0000000000000000 CRC64;",
    b"     MKVLAWFQDE ERSTNPIGHY C",
    b"//",
    b"",
]


def _image() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(out, "PNG")
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/a.fa", CONTENT["fasta"])
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a.fa")
        info.size = len(CONTENT["fasta"])
        archive.addfile(info, io.BytesIO(CONTENT["fasta"]))
    return out.getvalue()


SEEDS = {
    **CONTENT,
    "swissprot": b"\n".join(_LINES),
    "labelled": b"".join(b">r%d label=%s\nACGTACGT%s\n" % (i, b"ab"[i % 2 : i % 2 + 1], b"GT"[i % 2 :] * i) for i in range(12)),
    "protein": b">p1\nMKVLAWFQDEERSTNPIGHYC*\n>p2\nMKVL\nAWFQ\n",
    "text": "Dear all,\n\nüber alles: 🙂\n".encode(),
    "mail": b"> you wrote\nI disagree.\n",
    "labels": b'id,text,label\n1,abc,x\n2,"a ""b"", c",y\n3,def,x\n',
    "numbers": b'{"id": 1, "values": [0.1, 2, 3e5], "label": 1}\n{"values": [[1, 2], [3, 4]]}\n',
    "nested": b'{"text": "a", "label": {"a": [1, {"b": null}]}}\n',
    "listops": b"Source\tTarget\n( ( [MAX 1 ) ] )\t3\n",
    "pairs": b"1.0\tA\tB\tone text\tanother\n0.0\tC\tD\tone text\tanother\n",
    "image": _image(),
    "zip": _zip(),
    "tar": _tar(),
    "nothing": b"",
}
NAMES = (
    *("x", "x.fa", "x.fasta.gz", "x.fq", "x.gb", "x.embl", "x.dat", "x.seq", "x.csv", "x.tsv", "x.jsonl", "x.json", "x.txt"),
    *("x.md", "x.sam", "x.bed", "x.xls", "data_batch_1", "data_batch_1.bin", "x.aan_pairs.tsv", "x.\udcff.fa", "\udce9.txt"),
)
_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-7", "cp500", "latin-1", "utf-8-sig")
_TOKENS = (
    *(b">", b"@", b"+", b";", b"\r", b"\n", b"\r\n", b"\t", b",", b'"', b"\0", b"//", b"LOCUS       ", b"ID   ", b"ORIGIN"),
    *(
        b"{",
        b"[",
        b"]}",
        b"\\ud83d",
        b"NaN",
        b"1e999",
        b"-0",
        b"null",
        b"label=",
        b"label",
        b"text",
        b"sep=;\n",
        b"\xff",
        b"\x80",
    ),
    *(b"\xe2\x80\xa8", b"\xc2\x85", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE, b"\x1b[31m", b"[red]", b"%s{}"),
    *(b"bp    DNA     linear   BCT 01-JAN-2020", b"..", b"join(1..2,<3..>4)", b"9" * 5000, b"\x0b\x0c\x1c\x1d\x1e\x85"),
)


def _flip(data: bytearray, rng: Random) -> None:
    for _ in range(rng.randint(1, 8)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)


def _cut(data: bytearray, rng: Random) -> None:
    del data[rng.randint(0, len(data)) :]


def _remove(data: bytearray, rng: Random) -> None:
    start = rng.randint(0, len(data))
    del data[start : start + rng.randint(1, 30)]


def _insert(data: bytearray, rng: Random) -> None:
    place = rng.randint(0, len(data))
    data[place:place] = rng.choice(_TOKENS) * rng.choice((1, 1, 2, 50))


def _noise(data: bytearray, rng: Random) -> None:
    place = rng.randint(0, len(data))
    data[place:place] = rng.randbytes(rng.choice((1, 4, 300)))


def _repeat(data: bytearray, rng: Random) -> None:
    start = rng.randint(0, len(data))
    data[start:start] = data[start : start + rng.randint(1, 60)] * rng.choice((1, 2, 40))


def _shuffle_lines(data: bytearray, rng: Random) -> None:
    lines = bytes(data).split(b"\n")
    rng.shuffle(lines)
    data[:] = b"\n".join(lines)


def _line_ends(data: bytearray, rng: Random) -> None:
    data[:] = bytes(data).replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\n\r", b"\xe2\x80\xa8", b"")))


def _splice(data: bytearray, rng: Random) -> None:
    other = rng.choice(list(SEEDS.values()))
    place = rng.randint(0, len(data))
    data[place:place] = other[rng.randint(0, len(other)) :]


def _recode(data: bytearray, rng: Random) -> None:
    data[:] = bytes(data).decode("latin-1").encode(rng.choice(_ENCODINGS), "replace")


def _pack(data: bytearray, rng: Random) -> None:
    form = rng.choice(("gz", "bz2", "xz", "zst", "twice", "members"))
    if form == "twice":
        data[:] = gzip.compress(gzip.compress(bytes(data)))
    elif form == "members":
        half = rng.randint(0, len(data))
        data[:] = gzip.compress(bytes(data[:half])) + gzip.compress(bytes(data[half:]))
    else:
        data[:] = packed(form, bytes(data))


def _nest(data: bytearray, rng: Random) -> None:
    depth = rng.choice((50, 3000, 100_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    data[:] = b'{"text": "x", "label": ' + opening * depth + b"1" + closing * rng.choice((depth, 0)) + b"}\n"


def _bomb(data: bytearray, rng: Random) -> None:
    """A PNG that says that it is enormous."""
    header = b"IHDR" + struct.pack(">IIBBBBB", rng.choice((1, 60_000, 1 << 31)), rng.choice((1, 60_000)), 8, 0, 0, 0, 0)
    data[:] = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def _deep_label(data: bytearray, rng: Random) -> None:
    data[:] = json.dumps({"text": "x" * rng.randint(0, 9), "label": rng.choice(([], {}, [[]], 1e400, None, True, ""))}).encode()


MUTATIONS: tuple[Callable[[bytearray, Random], None], ...] = (
    *(_flip, _flip, _cut, _remove, _insert, _insert, _insert, _noise, _repeat, _shuffle_lines, _line_ends, _splice, _recode),
    *(_pack, _nest, _bomb, _deep_label),
)


def damaged(rng: Random) -> bytes:
    """Return the content of a file: one of the seeds after up to six changes, or noise."""
    if rng.random() < 0.02:
        return rng.randbytes(rng.randint(0, 3000))
    data = bytearray(rng.choice(list(SEEDS.values())))
    for _ in range(rng.randint(0, 6)):
        rng.choice(MUTATIONS)(data, rng)
        del data[1 << 20 :]
    return bytes(data)
