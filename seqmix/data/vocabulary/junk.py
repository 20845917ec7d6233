"""Lines among those of a sequence that are something else: messages of programs, numbers, codes of a terminal."""

from __future__ import annotations

import re

from seqmix.data.vocabulary.symbol_table import WHITESPACE

_GAPS = b"-.*~?"
_NUMBERED = re.compile(rb"\s*\d+(?:\s+[A-Za-z*.-]+)+(?:\s+\d+)?\s*|\s*[A-Za-z*.-]+(?:\s+[A-Za-z*.-]+)*\s+\d+\s*")
_SHOWN = 40  # characters of a line
_SHARE, _LEAST = 0.2, 3  # foreign letters of a line that is not sequence


def junk_at(raw: bytes, place: int, codes: bytes, first_line: int) -> str:
    """Return what a message says of the line around a foreign letter; "" if it looks like sequence but for that letter.

    Args:
        raw: the sequence as it stands in its file.
        place: of the letter.
        codes: the letters that are codes.
        first_line: number of the line in which `raw` begins; 0 if unknown.
    """
    begin = raw.rfind(b"\n", 0, place) + 1
    end = raw.find(b"\n", place)
    line = raw[begin : len(raw) if end < 0 else end].rstrip(b"\r")
    before = raw.count(b"\n", 0, begin)
    number = f"line {first_line + before}" if first_line else "the line"
    shown = line.strip().decode("utf-8", "replace")
    shown = repr(shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…")
    if b"\x1b" in line:
        return f"{number} has codes for the colours of a terminal; make the file again without, as with --color=never"
    if line.strip() == b"--" and len(raw) > len(line) + 2:
        return f"{number} is '--', which grep writes between matches; make the file again with grep --no-group-separator"
    if line.lstrip().startswith(b"#"):
        return (
            f"{number}, {shown}, is not sequence but a comment, or begins annotations as in GFF; remove such lines and the "
            "annotations below them"
        )
    if _NUMBERED.fullmatch(line):
        return f"{number}, {shown}, is numbered; take the numbers out, for example with sed '/^>/!s/[0-9]//g'"
    if _is_other(line, raw[:begin] + raw[begin + len(line) :], codes):
        return f"{number}, {shown}, looks like a message or the like and not like sequence; take it out, or make the file again"
    return ""


def _is_other(line: bytes, others: bytes, codes: bytes) -> bool:
    """Return whether a line has several sorts of punctuation, or many foreign letters where the other lines have none."""
    foreign = line.translate(None, codes + WHITESPACE + _GAPS)
    marks = bytes(code for code in foreign if code < 128 and not chr(code).isalnum())
    if len({*marks}) > 1:
        return True
    letters = line.translate(None, WHITESPACE)
    rest = others.translate(None, WHITESPACE)
    return len(foreign) >= max(_LEAST, _SHARE * len(letters)) and bool(rest) and not rest.translate(None, codes + _GAPS)
