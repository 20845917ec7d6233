"""Cells that hold several labels: lists that were written out as text, labels in quotes, and the separator between labels."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence

from seqmix.errors import InputError, advice, param, shown
from seqmix.objectives.labelled import EncodedLabels
from seqmix.objectives.multilabel import split_labels

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.|"")*\""""
_NUMBER = r"[+-]?\d+(?:\.\d*)?"
_LIST = re.compile(
    r"(?:(?:np\.)?(?:array|list|tuple|set|frozenset|Index|c)\()?(?:\[(.*)\]|\{(.*)\}|\((.*)\))(?:, *dtype=[^()]*)?\)?",
    re.DOTALL,
)
_SHORT = re.compile(r"(?:set|list|tuple|frozenset)\(\)|c\((.*)\)", re.DOTALL)  # an empty set in Python, a vector in R
_ELEMENT = re.compile(rf"\s*({_QUOTED}|{_NUMBER}|None|null|nan)\s*(,|(?=[\s'\"])|$)", re.DOTALL)
_BARE = re.compile(rf"(?:(?:{_QUOTED}|[^\[\](){{}}'\",]+)(?:,|$))+", re.DOTALL)
_SEPARATORS = ("|", ";", ",", "\t", "\n", "/", "+", "&", ":", " ")
_BITS = {"0", "1", "0.0", "1.0"}
_NAMES = {"\t": "tab", "\n": "\\n", " ": "' '"}


def written_list(text: str, *, bare: bool) -> list[str] | None:
    """Return the labels of a list that a program wrote as text; None if it is not such a list.

    These are the forms of Python, JSON, NumPy, R and PostgreSQL, such as `['joy', 'anger']`, `["joy"]`, `['joy' 'anger']`,
    `{'joy'}` and `[]`.

    Args:
        text: a cell, without outer white space.
        bare: whether labels without quotes may stand in the brackets, as in `[joy, anger]`.
    """
    if text[-1:] not in "])}":
        return None
    short = _SHORT.fullmatch(text)
    found = short or _LIST.fullmatch(text)
    if not found:
        return None
    inner = next((part for part in found.groups() if part is not None), "").strip()
    if not inner:
        return []
    if not short and found[3] is not None and not ("," in inner and inner[0] in "'\""):
        return None  # words in brackets
    labels = _elements(inner)
    if labels is None and bare and text[0] in "[{" and _BARE.fullmatch(inner):
        parts = [part.strip() for part in re.findall(rf"{_QUOTED}|[^,]+", inner)]
        labels = [_unquoted(part) if part[0] in "'\"" else part for part in parts if part]
    return labels


def _elements(text: str) -> list[str] | None:
    """Return the quoted texts and numbers that commas or white space divide; None if there is anything else."""
    labels = []
    place = 0
    while place < len(text.rstrip()):
        found = _ELEMENT.match(text, place)
        if not found:
            return None
        place = found.end()
        if found[1] not in ("None", "null", "nan"):
            labels.append(_unquoted(found[1]))
    return labels


def _unquoted(text: str) -> str:
    if text[0] not in "'\"":
        return text.removesuffix(".")
    if '""' in text[1:-1] and text[0] == '"':
        return text[1:-1].replace('""', '"').strip()
    try:
        return str(ast.literal_eval(text)).strip()
    except (ValueError, SyntaxError):
        return text[1:-1].strip()


def quoted_labels(text: str, separator: str) -> list[str] | None:
    """Return the labels of a cell in which some are in quotes, such as `"heart, left", lung`; None if none is.

    Args:
        text: the cell.
        separator: the text between the labels.
    """
    if '"' not in text:
        return None
    by = re.escape(separator.strip() or separator)
    one = rf'\s*("(?:[^"]|"")*"|[^"]*?)\s*(?:{by}|$)'
    labels, place = [], 0
    while place < len(text):
        found = re.compile(one, re.DOTALL).match(text, place)
        if not found or found.end() == place:
            return None
        labels.append(found[1][1:-1].replace('""', '"').strip() if found[1].startswith('"') else found[1])
        place = found.end()
    return [label for label in labels if label]


def check_elements(labels: Sequence[str], where: str) -> None:
    """Raise an `InputError` if a list holds a 0 or 1 for every class instead of the names of some."""
    if len(labels) > len(set(labels)) and {*labels} <= _BITS:
        raise InputError(
            f"{where}: the label {shown(list(labels))} seems to hold a 0 or 1 for each class; write the names of the classes "
            "that a record has"
        )


def check_separator(texts: Sequence[str], separator: str | None) -> list[str]:
    """Return notes on labels that are written as lists, and on a separator that is in no label.

    Args:
        texts: the labels of records as they are written, each once.
        separator: the text between the labels of a record; None if a record has only one label.
    """
    notes = []
    if listed := next((text for text in texts if text.startswith("[") and text.endswith("]") and "," in text), None):
        notes.append(f"the label {listed!r} is written as a list, but read as text; if it is one: --label-separator ,")
    if not separator or not texts or any((separator.strip() or separator) in text for text in texts):
        return notes
    other = _likely_separator(texts)
    way = f"the labels hold {other!r}: --label-separator {_spelled(other)}" if other else "correct --label-separator?"
    return [*notes, f"the separator {separator!r} is in no label, so no record has more than one; {way}"]


def check_without(encoded: EncodedLabels) -> list[str]:
    """Return a note on records without any label, or on labels that all records have, where records may have several."""
    if not encoded.objective.many_labels:
        return []
    if len(encoded.labels) > 1 and encoded.labels.shape[1] > 1 and encoded.labels.all():
        way = "; if they are a 0 or 1 for each class, write the names of the classes that a record has"
        names = [*encoded.objective.classes]
        return [f"each record has all {len(names)} labels, so there is nothing to learn" + way * ({*names} <= _BITS)]
    without = int((~encoded.labels.any(1)).sum())
    return [f"{without:,} of {len(encoded.labels):,} records carry none of the labels"] if without else []


def _likely_separator(texts: Sequence[str]) -> str:
    """Return the character that divides labels into parts which occur in others too; "" if there is none."""
    for sign in _SEPARATORS:
        lists = [split_labels(text, sign) for text in texts]
        parts = Counter(part for names in lists for part in names)
        if any(len(names) > 1 for names in lists) and max(parts.values()) > 1 and (sign not in ": " or len(parts) < len(texts)):
            return sign
    return next((sign for sign in _SEPARATORS[:2] if any(sign in text for text in texts)), "")


def _spelled(sign: str) -> str:
    return _NAMES.get(sign, sign if sign in ",/+:" else f"'{sign}'")


def joined(labels: Sequence[str], separator: str, where: str, way: str = "") -> str:
    """Return labels as one text with the separator between them.

    Args:
        labels: the labels.
        separator: the text between them.
        where: the record, for messages.
        way: what to do about a label that holds the separator; "" to choose another separator.

    Raises:
        InputError: a label holds the separator, or the labels are a 0 or 1 for each class.
    """
    for label in labels:
        if (separator.strip() or separator) in label:
            raise InputError(
                f"{where}: the label {shown(label)} is not a text or number without the separator {separator!r}"
                + advice(way or f"choose another {param('label_separator')}")
            )
    check_elements(labels, where)
    return separator.join(labels)
