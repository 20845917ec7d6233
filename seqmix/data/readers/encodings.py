"""Texts of two or four bytes a character (UTF-16 and UTF-32, as Windows and Excel write them), read as UTF-8."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import Any

from seqmix.data.readers.likely_encodings import likely_encodings
from seqmix.data.readers.opening import BLOCK
from seqmix.errors import InputError, param

# UTF-32 comes first: its mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEAST = 64  # bytes of a text without zeros, in which a text of two or four bytes a character would have some
_ZEROS = {"utf-16-le": (0, 1), "utf-16-be": (1, 0), "utf-32-le": (0, 1, 1, 1), "utf-32-be": (1, 1, 1, 0)}  # of an ASCII text


def in_utf8(
    stream: io.BufferedReader, name: str, encoding: str, note: Callable[[str], object] = bool
) -> tuple[io.BufferedReader, str]:
    """Return a stream in an encoding that contains ASCII, and the name of the encoding.

    A stream in UTF-16 or UTF-32, by its byte-order mark or as `encoding` says, is converted to UTF-8 while it is read.

    Args:
        stream: the file, unpacked; it can be peeked at.
        name: of the file, for messages.
        encoding: as Python names it.
        note: called if the file turns out to have another encoding than `encoding`.

    Raises:
        InputError: `encoding` needs a byte-order mark and there is none.
    """
    start = stream.peek(4)[:4]
    wide = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    stated = codecs.lookup(encoding).name
    if wide is None and stated in ("utf-16", "utf-32") and start:
        guess = unmarked(stream.peek(4096)[:4096])
        advice = f"use {param('encoding', guess)}" if guess else f"it is not in {stated}: leave out {param('encoding')}"
        raise InputError(f"{name}: {stated} text starts with a byte-order mark and this does not; {advice}")
    if start.startswith(codecs.BOM_UTF8) and stated not in ("utf-8", "utf-8-sig"):
        note(f"read as utf-8, by its byte-order mark, not as {encoding}")
        return stream, "utf-8"
    if wide and not stated.startswith(wide):
        note(f"read as {wide}, by its byte-order mark")
    if wide is None and stated.startswith(("utf-16", "utf-32")):
        if _is_plain(stream.peek(4096)[:4096]):
            note(f"read as utf-8, as it has none of the zero bytes of {encoding}")
            return stream, "utf-8"
        wide = stated
    if wide is None:
        return stream, encoding
    converted: Any = io.BufferedReader(_InUtf8(stream, wide, name), BLOCK)
    return converted, "utf-8"


def _is_plain(head: bytes) -> bool:
    """Return whether a text is UTF-8 beyond doubt, and not one of two or four bytes a character."""
    if len(head) < _LEAST or b"\0" in head:
        return False
    try:
        return bool(codecs.getincrementaldecoder("utf-8")().decode(head))  # the last character may be cut off
    except UnicodeDecodeError:
        return False


def noting_unlikely(stream: io.BufferedReader, encoding: str, note: Callable[[str], object]) -> io.BufferedReader:
    """Return a stream; if it is read with one byte per character but is unlikely to be such a text, `note` says so.

    That is a text that is valid in UTF-8, and in Latin-1 one with control characters, where Windows has quotes.

    Args:
        stream: the file, unpacked.
        encoding: as Python names it.
        note: called once, if there are bytes that are letters or quotes in another encoding.
    """
    stated = codecs.lookup(encoding).name
    if len(bytes(range(128, 256)).decode(encoding, "replace")) != 128 or stated in ("utf-8", "ascii"):
        return stream
    watched: Any = io.BufferedReader(_NotingUnlikely(stream, stated == "iso8859-1", encoding, note), BLOCK)
    return watched


class _NotingUnlikely(io.RawIOBase):
    """The content of a stream, with a note if it is unlikely to be in the encoding that it is read in."""

    def __init__(self, stream: io.BufferedReader, is_latin_1: bool, encoding: str, note: Callable[[str], object]) -> None:
        self._stream, self._is_latin_1, self._encoding, self._note = stream, is_latin_1, encoding, note
        self._noted = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read1(len(buffer))
        if not self._noted and not data.isascii():
            likely = likely_encodings(data)[0]
            if likely == "utf-8":
                self._note(
                    f"read as {self._encoding}, though its bytes are valid UTF-8, which is probably meant: leave out "
                    "--encoding, and convert files that are not in UTF-8"
                )
                self._noted = True
            elif self._is_latin_1 and likely != "latin-1":
                why = (
                    "bytes 0x80 to 0x9f are control characters" if likely == "cp1252" else "these bytes are unlikely to be text"
                )
                self._note(f"{why} in latin-1; {likely} is probably meant (--encoding {likely})")
                self._noted = True
        buffer[: len(data)] = data
        return len(data)


def unmarked(head: bytes) -> str | None:
    """Return the encoding of a text in UTF-16 or UTF-32 without a byte-order mark, by where its zeros are; None if unknown."""
    for encoding, zeros in _ZEROS.items():
        width = len(zeros)
        units = len(head) // width
        shares = [1 - head[place : units * width : width].count(0) / max(units, 1) for place in range(width)]
        if units and all(share < 0.3 if zero else share > 0.9 for share, zero in zip(shares, zeros, strict=True)):
            return encoding
    return None


class _InUtf8(io.RawIOBase):
    """The content of a stream, converted to UTF-8.

    Args:
        stream: the stream.
        encoding: of the stream.
        name: of the file, for messages.
    """

    def __init__(self, stream: io.BufferedReader, encoding: str, name: str) -> None:
        self._stream, self._encoding, self._name = stream, encoding, name
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = memoryview(b"")
        self._lines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        more = True
        while not self._ready and more:
            data = self._stream.read1(BLOCK)  # read() would lose what it has when the file breaks off
            more = bool(data)
            try:
                text = self._decoder.decode(data, final=not more)
            except UnicodeError as error:
                raise InputError(
                    f"{self._name}: after line {self._lines}: this is not valid {self._encoding} text; "
                    f"say how the file is encoded with {param('encoding')}"
                ) from error
            self._lines += text.count("\n")
            self._ready = memoryview(text.encode())
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)
