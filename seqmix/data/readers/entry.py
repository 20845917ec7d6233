"""What parsers give, an `Entry` for each record of a file, and the decoding that they have in common."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO, TextIO

from numpy.typing import NDArray

from seqmix.data.readers.likely_encodings import undecodable
from seqmix.errors import InputError

_LINE_ENDS, _WIDE_LINE_ENDS = ("\v", "\f"), ("\x85", "\u2028", "\u2029")


@dataclass(slots=True)
class Entry:
    """One entry of a file, before labels are looked for.

    Attributes:
        id: the identifier.
        text: `bytes` of a sequence format, `str` of a document, or an array of numbers.
        line: where the entry begins; 0 if unknown.
        header: its header line, if the format has one.
        columns: its cells by the names of their columns, or its qualifiers.
        pair: the second text, if the entry is a pair.
        made_id: whether the reader made the identifier, for an entry that has none.
        error: why the entry has no text that can be read, with marks (see `seqmix.errors`); "" if it has one.
        missing: what stands for a text that is missing, such as "NA"; "" if nothing does.
    """

    id: str
    text: bytes | str | NDArray[Any]
    line: int
    header: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    pair: bytes | str | NDArray[Any] | None = None
    made_id: bool = False
    error: str = ""
    missing: str = ""


@dataclass(slots=True, frozen=True)
class TableOptions:
    """How a CSV, TSV or JSONL file is read.

    Attributes:
        text_column: column of the text; None for the first with a usual name.
        id_column: column of the id; None for the first with a usual name, if there is one.
        encoding: as Python names it.
        pair_column: column of the second text; None if records are not pairs.
        delimiter: character between cells; None to find it by the header.
        note: called with what a user should know about how a table is read.
        must_have_delimiter: whether another character between the cells is an error.
        of_sequences: whether the texts are known to be sequences.
    """

    text_column: str | None = None
    id_column: str | None = None
    encoding: str = "utf-8"
    pair_column: str | None = None
    delimiter: str | None = None
    note: Callable[[str], object] = bool
    must_have_delimiter: bool = False
    of_sequences: bool = False


@contextmanager
def as_text(stream: BinaryIO, encoding: str, newline: str | None = None) -> Iterator[TextIO]:
    """Decode a stream, which stays open."""
    text = io.TextIOWrapper(stream, with_bom(encoding), newline=newline)
    try:
        yield text
    finally:
        with suppress(ValueError):  # the stream was closed before this was
            text.detach()


def with_bom(encoding: str) -> str:
    """Return the encoding that skips a byte-order mark, if this is UTF-8."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def decoded_lines(stream: BinaryIO, name: str, encoding: str, newline: str | None = None, longest: int = -1) -> Iterator[str]:
    """Yield the lines of a stream, decoded.

    Args:
        stream: the file.
        name: its name, for messages.
        encoding: as Python names it.
        newline: as in `open`.
        longest: the most characters to yield at once, with longer lines in pieces; -1 for whole lines.

    Raises:
        InputError: a byte is not valid in this encoding.
    """
    number = 0
    with as_text(stream, encoding, newline) as text:
        try:
            for line in text if longest < 0 else iter(partial(text.readline, longest), ""):
                number += line.endswith("\n")
                yield line
        except UnicodeDecodeError as error:  # in bytes read because no whole line was left
            raise undecodable(error, name, number) from error


def header_title(header: bytes, name: str, line: int, encoding: str, note: Callable[[str], object] = bool) -> tuple[str, str]:
    """Return the identifier of a sequence and the whole of its header line, without what marks it.

    Args:
        header: the line.
        name: of the file, for messages.
        line: its number.
        encoding: as Python names it; a header that is not in it is read byte by byte (Latin-1).
        note: called where this was done.

    Raises:
        InputError: it is blank, or there is another line behind it.
    """
    if b"\r" in header.rstrip(b"\r\n"):
        raise InputError(f"{name}: line {line}: lines end with a carriage return only; convert them, for example with mac2unix")
    try:
        title = header.decode(encoding).strip()
    except UnicodeDecodeError:
        title = header.decode("latin-1").strip()  # identifiers only: one byte, one character
        note(f"headers that are not {encoding} were read as latin-1 (--encoding)")
    words = title.split(None, 1)
    if not words:
        raise InputError(f"{name}: line {line}: the header has no identifier")
    return words[0], title


def with_line_feeds(text: str) -> str:
    """Return a text whose lines end with a line feed, whatever the system that it was written on.

    Ends of lines are those of Unicode: carriage return, with a line feed or without, vertical tab, form feed, next line
    (U+0085), and the separators of lines and paragraphs (U+2028, U+2029).
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    for end in _LINE_ENDS if text.isascii() else (*_LINE_ENDS, *_WIDE_LINE_ENDS):
        if end in text:
            text = text.replace(end, "\n")
    return text


def raising(error: InputError) -> Iterator[Any]:
    """Return an iterator that raises an error found while looking ahead, once it is reached."""
    raise error
    yield


def once(note: Callable[[str], object]) -> Callable[[str], None]:
    """Return what calls `note` with each remark the first time only."""
    said: set[str] = set()

    def tell(remark: str) -> None:
        if remark not in said:
            said.add(remark)
            note(remark)

    return tell
