"""Signs that the lines of a text are not a document: each has a record with its label, or numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_FEWEST = 6  # lines, the fewest to judge by
_LABEL = re.compile(r"[A-Z][A-Z_]+(?::\w+)?|[-+]?\d|\w{1,30}:|__label__\S+")  # before the text of a line
_BEHIND = re.compile(
    r".*[^\s#@|:~=^>-]\s*(#{2,}|@{2,}|\|{2,}|:{2,}|~{2,}|={2,}>?|-{1,2}>|\^{2,})\s*(\S[^\t]{0,29})"
)  # a sign, and a label
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,;|]+")
_END = 80  # characters of a line, in which a label and a sign before it are looked for
_LONGEST = 40  # characters of a number or a name
_SHARE = 0.6  # of the cells of a line that are numbers, in a table of numbers


def remark_on_lines(lines: Sequence[str], *, of_class: bool) -> str:
    """Return a remark on a text whose lines are records rather than parts of a document; "" if they are not.

    Args:
        lines: the first lines that are not blank.
        of_class: whether the file is one of the documents of a class.
    """
    if len(lines) < _FEWEST:
        return ""
    if _are_numbers(lines):
        return (
            "read as one text, though it holds numbers: write sequences of numbers as JSONL, an object such as "
            '{"values": [0.5, 1.5], "label": "a"} on each line (one document: --input-format text)'
        )
    if of_class:
        return ""
    words = [line.split(None, 1) for line in lines]
    if all(len(parts) > 1 for parts in words) and _are_labels([parts[0] for parts in words], _LABEL):
        what, way = f"begins with one of a few labels, such as {words[0][0]!r}", "s/[[:blank:]]/\\t/"
        header = "label<tab>text"
    elif all(found := [_BEHIND.fullmatch(line.rstrip()[-_END:]) for line in lines]) and _of_one_sign(found):
        sign = next(one[1] for one in found if one)
        what, way, header = f"ends with '{sign}' and one of a few labels", f"s/ *{sign} */\\t/", "text<tab>label"
    else:
        return ""
    return (
        f"read as one document, though each line {what}: write a table with the header {header}, for example from the lines "
        f"that sed '{way}' FILE gives (one document: --input-format text)"
    )


def _are_labels(words: Sequence[str], form: re.Pattern[str] | None = None) -> bool:
    """Return whether words are a few different ones, each repeated often."""
    counts = Counter(words)
    if form is not None and not all(map(form.fullmatch, counts)):
        return False
    return len(counts) > 1 and 2 * len(counts) <= len(words)


def _of_one_sign(found: Sequence[re.Match[str] | None]) -> bool:
    signs = {one[1] for one in found if one}
    return len(signs) == 1 and _are_labels([one[2] for one in found if one])


def _are_numbers(lines: Sequence[str]) -> bool:
    """Return whether lines are numbers: one on each, or several, most with a decimal point, perhaps with a name beside them."""
    rows = [[cell for cell in _BETWEEN.split(line.strip()) if cell] for line in lines]
    if any(len(cell) > _LONGEST for row in rows for cell in row):
        return False
    numbers = [[cell for cell in row if _NUMBER.fullmatch(cell)] for row in rows]
    if all(len(row) == 1 for row in rows):
        found = [row[0] for row in numbers if row]
        return len(found) == len(rows) and len({*found}) > 2
    if len({len(row) for row in rows}) > 1 and any(len(own) < len(row) for own, row in zip(numbers, rows, strict=True)):
        return False
    if any(len(own) < max(2, _SHARE * len(row)) for own, row in zip(numbers, rows, strict=True)):
        return False
    cells = [cell for own in numbers for cell in own]
    return 2 * sum("." in cell or "e" in cell.lower() for cell in cells) > len(cells)
