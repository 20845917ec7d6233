"""Bad input to `prepare`: one clear line, nothing written, nothing left behind - or read as it should be."""

import errno
import gzip
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.data.dataset import Dataset
from seqmix.data.dataset_json import ARRAYS, EXTRA_ARRAYS
from seqmix.data.readers import opening
from seqmix.errors import SeqmixError
from tests.support.preparing import CONTENT, decoded, dna, labelled_fasta, message_of, prepare, standard_input

FASTA = "".join(f">{c}{i} label={c}\n{dna(50, f'{c}{i}')}\n" for c in "ab" for i in range(10)).encode()
PACKED = gzip.compress("".join(f">r{i}\n{dna(500, i)}\n" for i in range(2000)).encode())


def binary(n, seed=0, without=b""):
    return bytes(random.Random(seed).choices([b for b in range(256) if b not in without], k=n))


# name of the file, its content, options, parts of the message
BAD = {
    "empty file": ("x.fa", b"", {}, ["empty"]),
    "empty packed file": ("x.fa.gz", gzip.compress(b""), {}, ["empty"]),
    "blank file": ("x.fa", b" \n\n\t\n", {}, ["empty"]),
    "empty document": ("x.txt", b"", {}, ["empty"]),
    "no record": ("x.fa", b"; only\n; comments\n", {}, ["no fasta record"]),
    "table without rows": ("x.csv", b"id,text,label\n", {}, ["no csv record"]),
    "jsonl without rows": ("x.jsonl", b"\n", {}, ["empty"]),
    "gzip cut off": ("x.fa.gz", PACKED[: len(PACKED) // 2], {}, ["gzip", "cut off", "again"]),
    "gzip cut off at the start": ("x.fa.gz", PACKED[:15], {}, ["gzip", "cut off", "again"]),
    "gzip cut off at the end": ("x.fa.gz", PACKED[:-4], {}, ["gzip", "cut off", "again"]),
    "damaged gzip": ("x.fa.gz", PACKED[:1000] + binary(500) + PACKED[1500:], {}, ["gzip", "damaged", "again"]),
    "damaged start of gzip": ("x.fa.gz", PACKED[:10] + b"\xff" * 50 + PACKED[60:], {}, ["gzip", "damaged", "again"]),
    "damaged checksum of gzip": ("x.fa.gz", PACKED[:-8] + b"\0" * 8, {}, ["gzip", "damaged", "again"]),
    "binary file": ("x.bin", binary(5000), {}, ["binary"]),
    "binary FASTA": ("x.fa", binary(5000), {}, ["binary"]),
    "binary file without a zero": ("x.dat", binary(5000, without=b"\0"), {}, ["binary"]),
    "image": ("x.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", {}, ["binary"]),
    "pickle": ("x.pkl", b"\x80\x04\x95\x10\0\0\0", {}, ["binary"]),
    "utf-16 unannounced": ("x.txt", "hello".encode("utf-16-le"), {}, ["UTF-16", "--encoding utf-16-le"]),
    "protein as dna": (
        "x.fa",
        b">p1 first\nMKVLAW\n",
        {"alphabet": "dna"},
        ["record 'p1' (line 1)", "position", "nucleotide", "alphabet='protein'"],
    ),
    "dna with a stray letter": (
        "x.fa",
        b">s1\n" + b"ACGT" * 20 + b"\n>s2\nACGT\nAC!T\n",
        {},
        ["record 's2' (line 3)", "'!' at position 7", "unknown='map'", "unknown='drop'"],
    ),
    "a break missing in DNA": (
        "x.fa",
        b">s1\n" + b"ACGT" * 20 + b">s2\nACGT\n>s3\nAC\n",
        {},
        ["record 's1' (line 1)", "line break is missing before '>'", "position 81"],
    ),
    "a break missing in a protein": (
        "x.fa",
        b">s1\nMKV\n>s2\nMKVLAWFQ>s3\nMKV\n",
        {},
        ["record 's2' (line 3)", "line break is missing before '>'", "position 9"],
    ),
    "a break missing and unknown letters dropped": (
        "x.fa",
        b">s1\nAC-GT>s2 label=a\nACGT\n",
        {"alphabet": "dna", "unknown": "drop"},
        ["record 's1' (line 1)", "line break is missing before '>'"],
    ),
    "a break missing in a joined file": ("x.fa", b">s1\nACGT\xef\xbb\xbf>s2\nACGT\n", {}, ["line break is missing"]),
    "protein with a stray letter": (
        "x.fa",
        b">s1\nMKVLAWFQ\n>s2\nMKV?LAW\n",
        {},
        ["record 's2' (line 3)", "'?' at position 4", "an amino-acid code", "unknown='map'", "alphabet='chars'"],
    ),
    "many stray letters": ("x.fa", b">s1\nhello, world\n", {}, ["record 's1' (line 1)", "','", "alphabet='chars'"]),
    "long DNA with a letter of a protein": (
        "x.fa",
        b">s1\n" + b"ACGT" * 90 + b"E\n",
        {},
        ["'E'", "position 361", "nucleotide"],
    ),
    "header without sequence": (
        "x.fa",
        b">s1 label=a\nACGT\n>s2 label=b\n>s3 label=a\nACGT\n",
        {},
        ["record 's2' (line 3)", "no sequence", "--min-length 1"],
    ),
    "last header without sequence": ("x.fa", b">s1\nACGT\n>s2", {}, ["record 's2' (line 3)", "no sequence", "--min-length 1"]),
    "line ends of old": ("x.fa", b">s1\rACGT\r>s2\rACGT\r", {}, ["line 1", "carriage return"]),
    "json array": ("x.json", b'["a", "b"]\n', {}, ["line 1", "JSON, an array of texts", "not of objects", "line of its own"]),
    "json over many lines": ("x.json", b'{\n"a": {"b": 1}\n}\n', {}, ["one JSON object", "line of its own"]),
    "sequence of white space": ("x.fa", b">s1\n \t\n\n", {}, ["record 's1' (line 1)", "no sequence"]),
    "sequence of unknown characters": (
        "x.fa",
        b">s1\nACGT\n>s2\n---\n",
        {"alphabet": "dna", "unknown": "drop"},
        ["record 's2' (line 3)", "unknown characters", "--min-length 1"],
    ),
    "empty cell": ("x.csv", b"id,text\n1,abc\n2,\n", {}, ["record '2' (line 3)", "no text", "--min-length 1"]),
    "latin-1 document": ("x.txt", "ein\nschönes Haus".encode("latin-1"), {}, ["line 2", "0xf6", "--encoding latin-1"]),
    "latin-1 table": (
        "x.csv",
        ("id,text\n" + "1,abc\n" * 5000 + "2,schön\n").encode("latin-1"),
        {},
        ["line 5002", "0xf6", "--encoding"],
    ),
    "latin-1 jsonl": ("x.jsonl", '{"text": "a"}\n{"text": "ö"}\n'.encode("latin-1"), {}, ["line 2", "0xf6", "--encoding"]),
    "wrong encoding": ("x.txt", "schön".encode(), {"encoding": "ascii"}, ["line 1", "0xc3", "ascii", "--encoding"]),
    "no label column": ("x.csv", b"id,text\n1,A\n", {"label_from": "column:kind"}, ["'kind'", "id, text"]),
    "label missing": ("x.csv", b"id,text,label\n1,A,x\n2,C,\n", {}, ["record '2' (line 3)", "no label", "--skip-unlabelled"]),
    "one class only": ("x.fa", FASTA.replace(b"label=b", b"label=a"), {}, ["one class", "'a'", "--label-from"]),
    "class of one record": (
        "x.fa",
        FASTA + b">c label=rare\nACGT\n",
        {},
        ["'rare'", "1 record;", "--classes", "--split"],
    ),
    "class of two records": ("x.fa", FASTA + b">c label=c\nAC\n>d label=c\nGC\n", {}, ["'c'", "2 records;", "3"]),
    "all too short": ("x.fa", FASTA, {"min_length": 1000}, ["20", "--min-length"]),
    "no such class": ("x.fa", FASTA, {"classes": ("x", "y")}, ["20", "--classes"]),
    "none labelled": (
        "x.fa",
        FASTA,
        {"label_from": "header:kind", "skip_unlabelled": True},
        ["20", "header:kind"],
    ),
    "split by an unknown name": (
        "x.csv",
        b"id,text,part\n1,A,left\n",
        {"split_from": "column:part"},
        ["'left'", "record '1' (line 2)", "train"],
    ),
}


@pytest.fixture
def work(tmp_path):
    """A folder that must be empty after a failure."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(("name", "content", "options", "wanted"), BAD.values(), ids=BAD)
def test_bad_input_is_explained_and_leaves_no_files(name, content, options, wanted, tmp_path, work):
    path = tmp_path / name
    path.write_bytes(content)
    message = message_of(lambda: prepare(path, work / "data", **options))
    for part in wanted:
        assert mentions(message, part)
    assert list(work.iterdir()) == []


def mentions(message, part):
    """Whether a message has a text in it, or the Python name of a flag."""
    flag, _, value = part.partition(" ")
    name = flag[2:].replace("-", "_")
    spellings = (f"{name}={value}", f"{name}={value!r}") if value else (name,)
    return part in message or (part.startswith("--") and any(spelled in message for spelled in spellings))


NAMES_ITS_FILE = [key for key in BAD if not key.startswith(("one class", "class of", "all too", "no such", "none"))]


@pytest.mark.parametrize("key", NAMES_ITS_FILE)
def test_error_names_the_file(key, tmp_path, work):
    name, content, options, _ = BAD[key]
    (tmp_path / name).write_bytes(content)
    assert str(tmp_path / name) in message_of(lambda: prepare(tmp_path / name, work / "data", **options))


def test_error_in_second_file_names_it(tmp_path, work):
    (tmp_path / "good.fa").write_bytes(FASTA)
    (tmp_path / "bad.fa").write_bytes(b"")
    message = message_of(prepare, [tmp_path / "good.fa", tmp_path / "bad.fa"], work / "data")
    assert "bad.fa" in message
    assert list(work.iterdir()) == []


def test_bad_standard_input_is_explained(work, monkeypatch):
    for content, wanted in ((b"", "empty"), (PACKED[:100], "cut off"), (binary(500), "binary")):
        standard_input(monkeypatch, content)
        message = message_of(prepare, "-", work / "data")
        assert "standard input" in message
        assert wanted in message
        assert list(work.iterdir()) == []


def test_file_beside_class_folders_is_left_out_with_a_note(tmp_path, work):
    for name in ("set/good/1.txt", "set/bad/2.txt", "set/README.txt", "set/loose.txt"):
        for copy in range(1 if name.count("/") < 2 else 3):
            path = (tmp_path / name).with_stem(f"{(tmp_path / name).stem}{copy or ''}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"words {path}")
    dataset = prepare(tmp_path / "set", work / "data")
    assert dataset.classes == ["bad", "good"]
    assert any(note.startswith("left out: 2 files (.txt 2)") for note in dataset.info["notes"])


def test_repeated_ids_are_kept_and_reported(tmp_path, work):
    path = labelled_fasta(tmp_path / "x.fa")
    path.write_text(path.read_text().replace(">a1 ", ">a0 ").replace(">a2 ", ">a0 "))
    dataset = prepare(path, work / "data")
    assert Counter(dataset.ids())["a0"] == 3
    assert len(dataset) == 20
    assert any(note.startswith("2 ") and "id" in note for note in dataset.info["notes"])


def test_windows_line_endings_tabs_and_spaces_change_nothing(tmp_path, work):
    (tmp_path / "x.fa").write_bytes(b">s1 label=x\nACGTACGT\n>s2 label=y\nGGTT\n")
    (tmp_path / "y.fa").write_bytes(b">s1 label=x\r\n ACGT\tAC GT \r\n\r\n>s2 label=y\r\n\tGG TT\r\n")
    plain, odd = (prepare(tmp_path / f"{n}.fa", work / n, classes=("x", "y"), **TWO) for n in "xy")
    assert decoded(odd) == decoded(plain) == {"s1": "ACGTACGT", "s2": "GGTT"}
    assert odd.classes == plain.classes == ["x", "y"]
    assert not odd.info["replaced"]


TWO = {"split": "1,0,0"}


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "fastq", "genbank", "embl"])
def test_windows_line_endings_change_nothing_in_other_formats(kind, tmp_path, work):
    (tmp_path / "plain").write_bytes(CONTENT[kind])
    (tmp_path / "windows").write_bytes(CONTENT[kind].replace(b"\n", b"\r\n"))
    plain, windows = (prepare(tmp_path / name, work / name, **TWO) for name in ("plain", "windows"))
    assert decoded(windows) == decoded(plain)
    assert windows.info["inputs"][0]["format"] == kind


def test_documents_are_read_in_the_given_encoding(tmp_path, work):
    (tmp_path / "x.txt").write_bytes("schönes Haus".encode("latin-1"))
    assert decoded(prepare(tmp_path / "x.txt", work / "data", encoding="latin-1")) == {"x.txt": "schönes Haus"}


def test_single_line_of_50_megabases_is_read(tmp_path, work):
    block = dna(1 << 16, 0).encode()
    count = 50_000_000 // len(block)
    with (tmp_path / "x.fa").open("wb") as out:
        out.write(b">long one\n")
        for _ in range(count):
            out.write(block)
        out.write(b"\n>short\nACGT\n")
    dataset = prepare(tmp_path / "x.fa", work / "data")
    assert dataset.lengths.tolist() == [count * len(block), 4]
    assert dataset.vocabulary.decode(dataset.tokens(0)[-len(block) :]).encode() == block
    (tmp_path / "x.fa").unlink()


def test_existing_output_is_left_alone(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    before = prepare(path, tmp_path / "data").fingerprint
    message = message_of(prepare, path, tmp_path / "data", seed=1)
    for part in ("data exists", "another output", "overwrite=True"):
        assert part in message
    assert Dataset.open(tmp_path / "data").fingerprint == before


@pytest.mark.parametrize("what", ["folder", "file"])
def test_overwrite_never_replaces_other_folders(what, tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    mine = tmp_path / "mine" / "thesis.txt" if what == "folder" else tmp_path / "mine"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("years of work")
    message = message_of(prepare, path, tmp_path / "mine", overwrite=True)
    assert "not a data set" in message
    assert mine.read_text() == "years of work"


def test_failed_overwrite_keeps_old_data_set(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    before = prepare(path, tmp_path / "data").fingerprint
    (tmp_path / "bad.fa").write_bytes(b">s1\n!!\n")
    message_of(prepare, tmp_path / "bad.fa", tmp_path / "data", overwrite=True, alphabet="dna")
    assert Dataset.open(tmp_path / "data").fingerprint == before
    assert {p.name for p in tmp_path.iterdir()} == {"x.fa", "bad.fa", "data"}


@pytest.mark.parametrize("name", [*ARRAYS, *EXTRA_ARRAYS, "dataset.json"])
@pytest.mark.parametrize("damage", ["changed", "cut off", "missing"])
def test_damaged_data_set_is_not_opened(name, damage, tmp_path):
    prepare(labelled_fasta(tmp_path / "x.fa"), tmp_path / "data")
    path = tmp_path / "data" / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut off":
        path.write_bytes(content[: len(content) // 2])
    elif name == "dataset.json":
        path.write_bytes(content.replace(b'"tokens.npy": "', b'"tokens.npy": "0'))
    else:
        path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    message = message_of(Dataset.open, tmp_path / "data")
    assert str(tmp_path / "data") in message
    assert "seqmix.prepare" in message
    if name != "dataset.json":
        assert name in message


class FullDisk:
    """A file on a disk that fills up after some bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)

    def writelines(self, parts):
        for part in parts:
            self.write(part)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()


@pytest.mark.parametrize("room", [100, 500])
def test_full_disk_is_explained_and_leaves_no_files(room, tmp_path, work, monkeypatch):
    real = Path.open

    def limited(path, mode="r", *args, **options):
        file = real(path, mode, *args, **options)
        return FullDisk(file, room) if path.name == "tokens.npy" and "w" in mode else file

    path = labelled_fasta(tmp_path / "x.fa")
    monkeypatch.setattr(Path, "open", limited)
    message = message_of(prepare, path, work / "data")
    for part in (str(work / "data"), "No space left on device", "another output"):
        assert part in message
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("alphabet", ["dna", "chars"])
def test_file_size_limit_is_explained_like_a_full_disk(alphabet, tmp_path, work):
    (tmp_path / "x.fa").write_text(">s1\n" + dna(300_000, 0) + "\n")
    run = subprocess.run(
        [sys.executable, "-m", "seqmix", "prepare", tmp_path / "x.fa", "-o", work / "data", "--alphabet", alphabet],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert "cannot be written: File too large" in run.stderr
    assert list(work.iterdir()) == []


def test_uncreatable_output_is_explained(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    (tmp_path / "file").write_text("")
    message = message_of(prepare, path, tmp_path / "file" / "data")
    assert str(tmp_path / "file" / "data") in message
    assert "another output" in message


@pytest.mark.parametrize("after", [1, 2])
def test_interrupted_prepare_leaves_no_files(after, tmp_path, work):
    (tmp_path / "x.fa").write_text("".join(f">r{i}\nACGT\n" for i in range(1500)))
    calls = []

    def interrupt(records, characters):
        calls.append(records)
        assert list(work.iterdir())  # under way
        if len(calls) == after:
            raise KeyboardInterrupt

    from seqmix import prepare as run_prepare

    with pytest.raises(KeyboardInterrupt):
        run_prepare(tmp_path / "x.fa", work / "data", progress=interrupt)
    assert len(calls) == after
    assert list(work.iterdir()) == []


def test_command_interrupted_while_reading_leaves_no_files(work):
    process = subprocess.Popen(
        [sys.executable, "-m", "seqmix", "prepare", "-", "-o", work / "data"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        process.stdin.write(">s1\n" + "ACGT\n" * 2000)
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while not list(work.glob(".data.*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(work.glob(".data.*"))
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert message == "seqmix: interrupted\n"
    assert list(work.iterdir()) == []


def test_read_error_is_not_blamed_on_output(tmp_path, work, monkeypatch):
    class Broken:
        def __init__(self, stream):
            self.stream, self.reads = stream, 0

        def peek(self, n):
            return self.stream.peek(n)

        def read(self, n):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    from seqmix.data import reading

    path = labelled_fasta(tmp_path / "x.fa")
    monkeypatch.setattr(reading, "open_stream", lambda raw, name: Broken(opening.open_stream(raw, name)))
    message = message_of(prepare, path, work / "data")
    assert message.startswith(str(path))
    assert "Input/output error" in message
    assert list(work.iterdir()) == []


COMMAND_CASES = [
    "empty file",
    "no record",
    "gzip cut off",
    "damaged start of gzip",
    "binary file",
    "header without sequence",
    "latin-1 document",
    "label missing",
    "one class only",
    "class of one record",
]


@pytest.mark.parametrize("key", COMMAND_CASES)
def test_command_prints_one_line_and_exits_with_1(key, tmp_path, work):
    name, content, options, wanted = BAD[key]
    assert not options
    (tmp_path / name).write_bytes(content)
    result = CliRunner().invoke(app, ["prepare", str(tmp_path / name), "-o", str(work / "data")])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.startswith("seqmix: ")
    assert result.stderr.count("\n") == 1
    for part in wanted:
        assert part in result.stderr
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["x.fa", "--alphabet", "dna"], ["'E' at position 6", "--alphabet protein"]),
        (["x.fa", "--label-from", "column:kind"], ["'kind'", "--label-from", "x.fa"]),
        (["x.fa", "--group", "genes"], ["--group must be", "genes"]),
        (["x.fa", "--split", "60,20,20"], ["--split", "0.6,0.2,0.2"]),
        (["x.fa", "--encoding", "utf-9"], ["--encoding", "utf-9"]),
        (["nowhere.fa"], ["nowhere.fa", "no such file"]),
        (["x.fa", "-o", "x.fa"], ["x.fa exists", "--output"]),
    ],
)
def test_command_explains_bad_options(arguments, wanted, work, monkeypatch):
    monkeypatch.chdir(work)
    Path("x.fa").write_text(">p1\nACGTAEMKV\n")
    result = CliRunner().invoke(app, ["prepare", *arguments])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") == 1
    for part in wanted:
        assert part in result.stderr
    assert [path.name for path in work.iterdir()] == ["x.fa"]


def test_command_reports_what_it_changed(work, monkeypatch):
    monkeypatch.chdir(work)
    text = labelled_fasta(Path("x.fa"), per_class=10, length=60).read_text()
    Path("x.fa").write_text(text + ">a0 label=a\nACGTRYRR\n" + f">twin label=a\n{dna(60, 'a0')}\n>short label=b\nAC\n")
    result = CliRunner().invoke(app, ["prepare", "x.fa", "--min-length", "5", "--max-length", "50"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    for part in (
        "22 records",
        "records cut to 50 characters",
        "shorter than min_length",
        "'R' replaced",
        "twin",
        "1 records have the id of an earlier record",
        "median",
        "seqmix-data",
        "seqmix train",
    ):
        assert part in result.stderr
    assert Dataset.open("seqmix-data").info["replaced"] == {"R": 3, "Y": 1}


def test_command_with_quiet_prints_nothing(work, monkeypatch):
    monkeypatch.chdir(work)
    labelled_fasta(Path("x.fa"))
    result = CliRunner().invoke(app, ["prepare", "x.fa", "--quiet"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_unlabelled_input_is_prepared_and_reported(work, monkeypatch):
    monkeypatch.chdir(work)
    Path("x.fa").write_bytes(CONTENT["fasta"])
    result = CliRunner().invoke(app, ["prepare", "x.fa"])
    assert result.exit_code == 0
    assert "no labels were found" in result.stderr
    assert "--label-from" in result.stderr


def test_all_errors_derive_from_seqmix_error():
    from seqmix import errors

    for name in ("InputError", "DatasetError", "ConfigError"):
        assert issubclass(getattr(errors, name), SeqmixError)


def test_odd_letters_are_characters_where_the_user_says_so(tmp_path, work):
    (tmp_path / "x.fa").write_bytes(b">s1\nMKVLA?Q\n>s2\nhello, world\n>s3\nMK1\n")
    dataset = prepare(tmp_path / "x.fa", work / "data", alphabet="chars", split="1,0,0")
    assert decoded(dataset) == {"s1": "MKVLA?Q", "s2": "hello,world", "s3": "MK1"}


@pytest.mark.parametrize("order", [("a.faa", "b.fna"), ("b.fna", "a.faa"), ("a.faa", "b.fna", "c.fna")])
def test_files_of_dna_beside_files_of_proteins_are_pointed_out(order, tmp_path, work):
    for name in order:
        letters = "ACGT" if name.endswith("fna") else "ACDEFGHIKLMNPQRSTVWY"
        rows = ["".join(random.Random(f"{name}{i}").choices(letters, k=80)) for i in range(6)]
        (tmp_path / name).write_text("".join(f">{name}{i}\n{row}\n" for i, row in enumerate(rows)))
    dataset = prepare([tmp_path / name for name in order], work / "data")
    (note,) = [note for note in dataset.info["notes"] if "DNA" in note]
    assert "b.fna" in note and "a.faa" in note and "proteins" in note
    alone = prepare([tmp_path / "a.faa"], work / "alone", split="1,0,0")
    assert not any("DNA" in note for note in alone.info["notes"])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not tell which files are open")
@pytest.mark.parametrize(("name", "row"), [("x.csv", "{1},{0}\n"), ("x.tsv", "{1}\t{0}\n"), ("x.fa", ">{0} label={0}\n{1}\n")])
def test_files_are_closed_when_a_record_is_refused(name, row, tmp_path):
    header = "" if name == "x.fa" else row.format("label", "sequence")
    rows = [row.format("ab"[number % 2], dna(40, number)) for number in range(3000)]
    (tmp_path / name).write_text("".join([header, row.format("a", "ACGTEACGT"), *rows]))
    with pytest.raises(SeqmixError) as caught:
        prepare(tmp_path / name, tmp_path / "data", alphabet="dna")
    assert str(tmp_path / name) not in [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]
    assert "'E' at position 5" in str(caught.value)
