"""What parsers give, an `Entry` for each record of a file, and what they have in common: opening, decoding, explaining."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO

from numpy.typing import NDArray

from seqmix.errors import InputError

BLOCK = 1 << 20
_COMPRESSED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(slots=True)
class Entry:
    """One entry of a file, before labels: its id, header line or columns, and the text; line 0: not known.

    `pair` is the second text, where an entry is a pair of them.
    """

    id: str
    text: bytes | str | NDArray[Any]
    line: int
    header: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    pair: bytes | str | NDArray[Any] | None = None


@dataclass(slots=True, frozen=True)
class TableOptions:
    """Which columns of a CSV, TSV or JSONL file hold what; None: the usual names are tried (of a pair's second: none is)."""

    text_column: str | None = None
    id_column: str | None = None
    encoding: str = "utf-8"
    pair_column: str | None = None


def open_stream(raw: BinaryIO, name: str) -> io.BufferedReader:
    """`raw`, unpacked where it is gzip, as a stream that can be peeked at.

    Raises:
        InputError: compressed in a way that is not read.
    """
    buffered: Any = raw if hasattr(raw, "peek") else io.BufferedReader(raw, BLOCK)
    start = buffered.peek(8)[:8]
    if start.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered), BLOCK)
    for magic, kind in _COMPRESSED.items():
        if start.startswith(magic):
            raise InputError(f"{name}: this is {kind} data, only gzip is read; unpack it first")
    return buffered


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Explains what goes wrong while the bytes of a file are read and unpacked.

    Raises:
        InputError: the file is damaged, or the disk is.
    """
    try:
        yield
    except EOFError as error:
        raise InputError(f"{name}: the gzip file ends too early; it was cut off: copy or download it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{name}: the gzip file is damaged ({error}); copy or download it again") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


@contextmanager
def as_text(stream: BinaryIO, encoding: str, newline: str | None = None) -> Iterator[TextIO]:
    """`stream`, decoded; it stays open."""
    text = io.TextIOWrapper(stream, with_bom(encoding), newline=newline)
    try:
        yield text
    finally:
        with suppress(ValueError):  # the stream was closed before this was
            text.detach()


def with_bom(encoding: str) -> str:
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def decoded_lines(stream: BinaryIO, name: str, encoding: str, newline: str | None = None) -> Iterator[str]:
    """The lines of `stream`, decoded."""
    number = 0
    with as_text(stream, encoding, newline) as text:
        try:
            for line in text:
                number += 1
                yield line
        except UnicodeDecodeError as error:  # in bytes read because no whole line was left
            raise undecodable(error, name, number) from error


def undecodable(error: UnicodeDecodeError, name: str, lines_before: int) -> InputError:
    line = lines_before + 1 + error.object[: error.start].count(b"\n")
    return InputError(
        f"{name}: line {line}: byte {error.object[error.start]:#04x} is not valid {error.encoding} text; "
        "say how the file is encoded, for example --encoding latin-1"
    )
