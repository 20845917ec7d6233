"""Columns of tables and keys of headers that seem to tell splits and are not used: folds, flags such as `is_train`, stages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from seqmix.config.data import SPLIT_NAMES
from seqmix.data.readers.columns import plain
from seqmix.data.readers.entry import Entry

_FLAG = re.compile(
    r"(is|in|for|use)?[_ -]?(train|training|test|testing|val|valid|validation|dev|holdout)([_ -]?(set|split|data|flag))?"
)
_FOLD = re.compile(
    r"((k|cv|data|data_?set|train_?test|test|outer|inner|fold)[_ -]?)?"
    r"(folds?|splits?|sets?|subset|partitions?|cv|stage|phase|usage)"
    r"([_ -]?(id|idx|index|no|number|name|type))?"
)
_YES_NO = {"true", "false", "yes", "no", "t", "f", "y", "n", "0", "1", "0.0", "1.0"}
_PUBLIC = [f"{kind}{sign}test" for kind in ("public", "private") for sign in ("", " ", "_", "-")]  # as Kaggle divides its tests
_OTHER_SPLITS = {
    *SPLIT_NAMES,
    *_PUBLIC,
    "public",
    "private",
    "holdout",
    "hold-out",
    "unlabeled",
    "unlabelled",
    "ignore",
    "none",
}
_NUMBER = re.compile(r"\d{1,3}(\.0)?")
_IN_HEADER = re.compile(r"(?:^|[\s|;,\[])([A-Za-z][\w-]*)[=:]([^\s|;,\]]+)")
_MOST = 20  # different values of a column that tells folds


@dataclass(slots=True)
class _Mark:
    """What was found at a place: its name, and how often there was each value, of no more than `_MOST` + 1."""

    name: str
    values: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class SplitMarks:
    """Places that seem to tell splits.

    Attributes:
        found: by the place as the user writes it, such as "column:fold".
    """

    found: dict[str, _Mark] = field(default_factory=dict)

    def columns(self, names: Iterable[str], taken: Collection[str | None] = ()) -> list[str]:
        """Return the columns to look at.

        Args:
            names: of all columns.
            taken: columns with another meaning.
        """
        return [name for name in names if name not in taken and _may_tell(name)]

    def keys(self, header: str) -> bool:
        """Return whether a header has keys to look at."""
        return any(_may_tell(key) for key, _ in _IN_HEADER.findall(header))

    def add(self, place: str, name: str, value: object) -> None:
        """Add what a record has in a place.

        Args:
            place: as the user writes it, such as "column:fold".
            name: of the column or key.
            value: what is there.
        """
        values = self.found.setdefault(place, _Mark(name)).values
        text = "" if value is None or value != value else str(value).strip()
        if text in values or len(values) <= _MOST:
            values[text] = values.get(text, 0) + 1

    def watched(self, entries: Iterable[Entry], columns: Sequence[str] = ()) -> Iterator[Entry]:
        """Yield entries; what they have in columns, or in their headers if there are none, is added."""
        for entry in entries:
            for name in columns:
                self.add(f"column:{name}", name, entry.columns.get(name))
            if not columns:
                for key, value in _IN_HEADER.findall(entry.header):
                    if _may_tell(key):
                        self.add(f"header:{key}", key, value)
            yield entry

    def notes(self, without: Collection[str] = ()) -> list[str]:
        """Return a note on each place whose values seem to tell splits.

        Args:
            without: places that are used, or explained elsewhere.
        """
        return [
            f"{_described(place, mark)} is not used for splits ({_way(place, mark)})"
            for place, mark in self.found.items()
            if place not in without and _tells(mark)
        ]


def _may_tell(name: str) -> bool:
    return bool(_FLAG.fullmatch(plain(name)) or _FOLD.fullmatch(plain(name)))


def _tells(mark: _Mark) -> bool:
    """Return whether values seem to tell splits."""
    values = {value.lower() for value in mark.values}
    if not 2 <= len(values) <= _MOST or sum(mark.values.values()) < 2 * len(values):
        return False
    some = values - {""}
    if _FLAG.fullmatch(plain(mark.name)) and some <= _YES_NO:
        return True
    if values & set(SPLIT_NAMES) and some <= _OTHER_SPLITS:
        return True
    if not _FOLD.fullmatch(plain(mark.name)) or len(some) < 2:
        return False
    return all(map(_NUMBER.fullmatch, some)) or some <= _OTHER_SPLITS


def _described(place: str, mark: _Mark) -> str:
    kind, _, where = place.partition(":")
    shown = [value or "empty" for value in mark.values]
    values = f"({', '.join(shown[:3])}{', …' * (len(shown) > 3)})"
    if kind == "header":
        return f"'{mark.name}' in the headers {values}"
    of = f" of {where.removesuffix(f':{mark.name}')}" if kind == "table" else ""
    return f"column '{mark.name}'{of} {values}"


def _way(place: str, mark: _Mark) -> str:
    values = {value.lower() for value in mark.values}
    if values <= set(SPLIT_NAMES) and 0 in {SPLIT_NAMES[value] for value in values}:
        return f"--split-from {place} uses it"
    return "--split-from takes only train, val and test: write these there to use it"
