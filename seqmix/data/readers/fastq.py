"""The parser of FASTQ; a sequence, and its qualities, may be on several lines."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import BinaryIO

from seqmix.data.readers.entry import Entry, header_title
from seqmix.data.readers.opening import BrokenOffError
from seqmix.errors import InputError


def parse_fastq(stream: BinaryIO, name: str, encoding: str = "utf-8", note: Callable[[str], object] = bool) -> Iterator[Entry]:
    """Yield FASTQ records, without their qualities.

    Raises:
        InputError: a record is damaged or cut off; the message names its line.
    """
    number = 0
    while line := stream.readline():
        number += 1
        line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip():
            continue
        where = f"{name}: line {number}"
        if not line.startswith(b"@"):
            raise InputError(f"{where}: damaged FASTQ: a header line '@…' was expected, got {line[:40].decode('latin-1')!r}")
        identifier, title = header_title(line[1:], name, number, encoding, note)
        sequence, read = _sequence(stream, where)
        yield Entry(identifier, sequence, number, title)
        number += read + _skip_qualities(stream, len(sequence), where)


def _sequence(stream: BinaryIO, where: str) -> tuple[bytes, int]:
    """Read a sequence and the line '+' behind it; return it without line breaks, and how many lines these were."""
    parts: list[bytes] = []
    while not (line := stream.readline()).startswith(b"+"):
        if not line:
            raise BrokenOffError(f"{where}: damaged FASTQ: the record is cut off: no line '+' follows its sequence")
        parts.append(line.rstrip())
    return b"".join(parts), len(parts) + 1


def _skip_qualities(stream: BinaryIO, wanted: int, where: str) -> int:
    """Skip one quality for each letter of a sequence and return how many lines these were."""
    found = read = 0
    while found < wanted:
        line = stream.readline()
        if not line:
            raise BrokenOffError(f"{where}: damaged FASTQ: the record is cut off: {wanted:,} letters and {found:,} qualities")
        read += 1
        found += len(line.rstrip())
    if found > wanted:
        raise InputError(f"{where}: damaged FASTQ: {wanted:,} letters and {found:,} qualities")
    return read
