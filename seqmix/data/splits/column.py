"""A column of a table that says the split of each record, without being asked for: "split", or "set", "partition", "fold"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLIT_NAMES, SPLITS
from seqmix.data.readers.entry import Entry
from seqmix.data.splits.marks import SplitMarks

_COLUMNS = ("split", "set", "partition", "fold")


@dataclass(slots=True)
class SplitColumn:
    """What was found in columns of splits. They are used if all records have the name of a split there, and training is one.

    Attributes:
        stated: the option by which the user says how records are divided; "" if there is none.
        names: the names of the columns, in order.
        values: the splits that were met, 0 to 2.
        other: the first value that is not the name of a split, with its record; "" if there is none.
        contradictions: number of records for which the name of the file or folder says something else.
        used: whether splits of records are those of the columns; see `settle`.
        marks: other places that seem to tell splits.
    """

    stated: str = ""
    names: dict[str, None] = field(default_factory=dict)
    values: set[int] = field(default_factory=set)
    other: str = ""
    contradictions: int = 0
    used: bool = False
    marks: SplitMarks = field(default_factory=SplitMarks)

    def choose(self, first: Entry, taken: Iterable[str | None]) -> str | None:
        """Return the column of a table to look at; None if there is none.

        Args:
            first: the first row.
            taken: columns with another meaning.
        """
        names = {name.strip().lower(): name for name in first.columns if name not in taken}
        name = next((names[usual] for usual in _COLUMNS if usual in names), None)
        if name is not None:
            self.names[name] = None
        return name

    def find(self, entry: Entry, column: str, given: str | None) -> str | None:
        """Return the split of a record: the one that is given by the place of its file, or else that of the column."""
        value = str(entry.columns.get(column) or "").strip()
        number = SPLIT_NAMES.get(value.lower())
        if number is None:
            self.other = self.other or (f"'{value}'" if value else "an empty cell") + f" (record '{entry.id}')"
        else:
            self.values.add(number)
        if given is not None:
            self.contradictions += number is not None and number != SPLIT_NAMES[given]
            return given
        if number is None or self.stated:
            return None
        self.used = True
        return value

    def leave_out(self, entry: Entry, column: str) -> int | None:
        """Return the number of the split of a record that is left out; None if the column tells none."""
        number = SPLIT_NAMES.get(str(entry.columns.get(column) or "").strip().lower())
        if number is not None:
            self.values.add(number)
        return number

    def settle(self, splits: NDArray[np.int64]) -> None:
        """Decide, after the last record, whether the columns are used; otherwise remove what they say from `splits`."""
        if self.used and not (self._divides and (splits >= 0).all()):
            splits[:] = -1
            self.used = False

    @property
    def _divides(self) -> bool:
        return not self.other and 0 in self.values and len(self.values) > 1

    def notes(self) -> list[str]:
        """Return what a user should know: columns and keys that look as if they held splits but were not used."""
        own = self._own_notes()
        return own + self.marks.notes([f"column:{name}" for name in self.names] if own or self.used else ())

    def unused(self) -> list[str]:
        """Return a note on columns that name splits, where all records are evaluated; [] if they name none but test."""
        if not self.values - {SPLIT_NAMES["test"]}:
            return []
        name, splits = next(iter(self.names)), [SPLITS[number] for number in sorted(self.values)]
        return [
            f"all records are evaluated, though column '{name}' names splits ({', '.join(splits)}): give a table of the rows "
            "of one split to evaluate these alone"
        ]

    def _own_notes(self) -> list[str]:
        if self.used or not self.names:
            return []
        name = next(iter(self.names))
        way = f"(--split-from column:{name} uses it)"
        if self.other:
            way = f"(to use it, write train, val or test in all its rows, then --split-from column:{name})"
        if self.contradictions:
            return [f"column '{name}' names other splits for {self.contradictions:,} records than their files do {way}"]
        if self.stated and self.values and not self.other:
            return [f"column '{name}' was not used for splits: {self.stated} is given {way}"]
        if self.other and (self.values or name.strip().lower() == "split"):
            return [f"column '{name}' was not used for splits: {self.other} is not the name of a split {way}"]
        if self.values and not self.other and not self._divides:
            return [f"column '{name}' was not used for splits: it does not name training and another split"]
        return []
