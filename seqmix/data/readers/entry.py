"""What parsers give, an `Entry` for each record of a file, and the decoding that they have in common."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO

from numpy.typing import NDArray

from seqmix.errors import InputError, param


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
        f"say how the file is encoded, for example {param('encoding', 'latin-1')}"
    )
