"""The objects of a JSON array, read one at a time: memory holds only the largest object, however long the array is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from seqmix.data.readers.opening import BrokenOffError
from seqmix.errors import InputError

PIECE = 1 << 16  # characters that are read at once
LARGEST = 1 << 30  # characters of an object
_BLANK, _BETWEEN = re.compile(r"[\s\ufeff]*"), re.compile(r"[\s,]*")
_TAIL = 16  # characters at the end, among which a value may be cut


class Window:
    """The current part of an array; the rest is read when it is needed.

    Args:
        pieces: the text.
        name: of the file, for messages.

    Attributes:
        text: the part.
        place: where the next value begins in it.
    """

    def __init__(self, pieces: Iterator[str], name: str) -> None:
        self.text, self.place, self._pieces, self._name = "", 0, pieces, name
        self._line, self._counted = 1, 0  # the line of a place in the text

    @property
    def next(self) -> str:
        """The character at the place; "" at the end of the text."""
        return self.text[self.place : self.place + 1]

    def skip(self, blank: re.Pattern[str] = _BLANK) -> str:
        """Move to the next character that is not blank; return what was skipped."""
        passed = ""
        while True:
            begin, found = self.place, blank.match(self.text, self.place)
            self.place = found.end() if found else begin
            passed += self.text[begin : self.place]
            if self.place < len(self.text) or not self._more():
                return passed

    def line(self) -> int:
        """Return the number of the line of the place."""
        self._line += self.text.count("\n", self._counted, self.place)
        self._counted = self.place
        return self._line

    def value(self, decoder: json.JSONDecoder, invalid: Callable[[str, ValueError, str], InputError]) -> tuple[Any, str]:
        """Return the value at the place and its text, and move past it.

        Raises:
            InputError: it is not valid, or does not end.
        """
        while True:
            where = f"{self._name}: line {self.line()}"
            try:
                value, end = decoder.raw_decode(self.text, self.place)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self.text) - _TAIL
                if cut and self._more():
                    continue
                if error.msg.startswith("Unterminated") or error.pos >= len(self.text.rstrip()):
                    raise BrokenOffError(f"{where}: the JSON that begins here does not end; the file was cut off") from error
                number = self._line + self.text.count("\n", self.place, error.pos)
                raise invalid(f"{self._name}: line {number}", error, self.text[self.place : self.place + 100]) from error
            except ValueError as error:  # a number of thousands of digits
                raise invalid(where, error, self.text[self.place : self.place + 100]) from error
            text, self.place = self.text[self.place : end], end
            return value, text

    def _more(self) -> bool:
        """Read about as much again as is left after the place; return whether there was more."""
        self.line()
        left = self.text[self.place :]
        if len(left) > LARGEST:
            raise InputError(
                f"{self._name}: line {self._line}: the JSON that begins here has more than {LARGEST:,} characters; "
                "write one object per record"
            )
        parts, size = [left], 0
        for piece in self._pieces:
            parts.append(piece)
            size += len(piece)
            if size >= max(PIECE, len(left)):
                break
        if size:
            self.text, self.place, self._counted = "".join(parts), 0, 0
        return size > 0


def behind_comma(window: Window) -> bool:
    """Move to the next value of an array; return whether a comma was skipped."""
    return "," in window.skip(_BETWEEN)
