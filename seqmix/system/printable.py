"""Text that shows what it holds: characters that a terminal or a page would obey are written out.

Names, labels and paths come from files of all kinds. A control character, an escape sequence or a mark of writing direction in
them would colour, move or reorder the text around it; a byte of a file name that is not UTF-8 cannot be written at all.
"""

from __future__ import annotations

import re
from unicodedata import category

_LONGEST = 60  # characters of a name in a message
_BYTES = range(0xDC80, 0xDD00)  # how Python keeps the bytes of a name that is not UTF-8
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_OBEYED_OR_BROKEN = re.compile(f"{_OBEYED.pattern[:-1]}\t\n]")


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return `text` with ``\x1b``, ``\u202e``, ``\n`` and the like in place of characters that would not be shown.

    Args:
        text: any text.
        lines: whether line breaks and tabs are kept.
    """
    return (_OBEYED if lines else _OBEYED_OR_BROKEN).sub(_written_out, text)


def quoted(name: str) -> str:
    """Return a name in quotes, as messages show it: on one line, cut if it is long, with nothing in it that is not shown."""
    cut = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    shown = "".join(letter if category(letter) != "Cf" else _escaped(letter) for letter in printable(cut))
    return f"'{shown}'"


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code in _BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return _escaped(found[0])


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
