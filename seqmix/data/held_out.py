"""Records that are held out by name: `--hold-out 'chr8,chr9'` are the test split, `--validate chr7` the validation split.

A selection is `NAME,…`, `/REGEX/,…`, or either behind `KEY=`, where KEY is a column of a table or a key in headers. A name is
that of a record: the first word of its header, the whole header, or what stands before the place of an interval (`chr8` for
`chr8:1000-3000`). A regular expression is searched for in the header, or in the id of a record without one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.data.labels.source import LabelSource, make_label_source
from seqmix.data.options import ReadOptions
from seqmix.data.readers.columns import plain
from seqmix.data.readers.entry import Entry
from seqmix.data.readers.releases import Source
from seqmix.data.splits.selection import parse_selection
from seqmix.errors import ConfigError, InputError, advice, param, shown, suggestion

_INTERVAL = re.compile(r"(?:.*::)?(.+?):\d+(?:-|\.\.)\d+(?:\([+.-]\)|:[+.-])?")  # chr8:1000-3000(+), as bedtools writes it
_VALUE = re.compile(r"([A-Za-z_][\w.-]*)[=:]([^\s;|,\]]+)")
_LISTED, _REMEMBERED = 8, 10_000  # names that a message lists, and that are remembered for it


def splits_held_out(options: ReadOptions) -> list[int]:
    """Return the numbers of the splits whose records are named."""
    return [number for number, text in ((1, options.validate), (2, options.hold_out)) if text]


def flags_of(options: ReadOptions) -> str:
    """Return the options that hold records out, as on the command line: "--hold-out and --validate"."""
    given = {"--hold-out": options.hold_out, "--validate": options.validate}
    return " and ".join(flag for flag, text in given.items() if text)


def joined(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the lists of names among the given options as the texts that are stored.

    Raises:
        ConfigError: a name has a comma.
    """
    found = {}
    for parameter in ("hold_out", "validate"):
        if isinstance(names := given.get(parameter), list | tuple):
            texts = list(map(str, names))
            if odd := next((text for text in texts if "," in text and not text.startswith("/")), None):
                raise ConfigError(
                    f"{param(parameter)}: a name with a comma is chosen by a regular expression between slashes: got {odd!r}",
                    option=parameter,
                )
            found[parameter] = ",".join(texts)
    return found


def refuse_two_ways(split: str, read: ReadOptions, sources: Sequence[Source]) -> None:
    """Raise a `ConfigError` where records are held out by name, and their splits are stated in another way, too.

    Args:
        split: the fractions that are given; "auto" for none.
        read: say which records are held out.
        sources: the files, with the splits that they have.
    """
    given = [name for name in ("hold_out", "validate") if getattr(read, name)]
    if not given:
        return
    names = " and ".join(map(param, given))
    own = [source for source in sources if source.split]
    if own:
        own.sort(key=lambda source: source.split == "train")
        way = own[0].split_by
        by = param(way[2:]) if way.startswith("--") else f"{own[0].name}, which has splits of its own,"
        raise ConfigError(f"{names} and {by} cannot be combined; state the splits in one of these ways")
    if len(given) == 2 and split != "auto":
        raise ConfigError(
            f"{param('split')} would have no effect: with {names}, all other records are for training; leave it out"
        )


class HeldOut:
    """Finds the records that are held out, and counts them.

    Args:
        options: say which records are held out, and how tables beside them are read.
    """

    def __init__(self, options: ReadOptions) -> None:
        given = {"hold_out": ("test", options.hold_out), "validate": ("val", options.validate)}
        self._selected = [_Selected(text, name, split, options) for name, (split, text) in given.items() if text]
        self._records = self._found = 0
        self._names: dict[str, None] = {}

    def check(self, first: Entry, name: str) -> None:
        """Raise an `InputError` if the first entry of the file `name` shows that a column is not in it."""
        for one in self._selected:
            one.check(first, name)

    def split_of(self, entry: Entry, path: Path | None) -> str | None:
        """Return the split of a record that is held out; None of the others.

        Args:
            entry: the record.
            path: the file that holds it; None for standard input.

        Raises:
            InputError: a record is selected twice, for testing and for validation.
        """
        self._records += 1
        names = _names_of(entry)
        if len(self._names) < _REMEMBERED:
            self._names[names[-1]] = None
        found = [one for one in self._selected if one.has(entry, path, names)]
        if len(found) > 1:
            raise InputError(f"record '{entry.id}': it is in both {param('hold_out')} and {param('validate')}; keep them apart")
        self._found += bool(found)
        return found[0].split if found else None

    def stated(self) -> Iterable[tuple[str, str, str]]:
        """Yield the splits that are stated: the split, where, and the option."""
        return ((one.split, f"{one.flag} {one.selection.text}", one.flag) for one in self._selected)

    def notes(self) -> list[str]:
        """Return what was held out, in a line for each split.

        Raises:
            InputError: a name or an expression fits no record, or no record is left for training.
        """
        for one in self._selected:
            one.refuse_unmatched([*self._names])
        if self._found == self._records:
            raise InputError(
                f"all {self._records:,} records are held out ({' and '.join(param(one.parameter) for one in self._selected)}): "
                "none is left to train on"
            )
        return [one.note(self._records) for one in self._selected]


def _names_of(entry: Entry) -> list[str]:
    """Return the names of a record; the last is that of what it is a part of, if it is an interval."""
    names = [entry.header, entry.id] if entry.header and entry.header != entry.id else [entry.id]
    if ":" in entry.id and (interval := _INTERVAL.fullmatch(entry.id)):
        names.append(interval[1])
    return names


class _Selected:
    """The records of one option."""

    def __init__(self, text: str, parameter: str, split: str, options: ReadOptions) -> None:
        self.selection, self.parameter, self.split = parse_selection(text, parameter), parameter, split
        self.flag = f"--{parameter.replace('_', '-')}"
        self._options = options
        self._source: LabelSource | None = None
        if (key := self.selection.key) and ":" in key:
            self._source = make_label_source(key, parameter, options)
        self.counts: Counter[str] = Counter()
        self._values: dict[str, None] = {}
        self._elsewhere: dict[str, str] = {}  # keys that have a name as their value
        self._first_header = ""

    def check(self, first: Entry, name: str) -> None:
        key = self.selection.key
        if key and ":" not in key:
            kind = "column" if first.columns and not first.header else "header"
            known = next((column for column in first.columns if plain(column) == plain(key)), key)
            self._source = make_label_source(f"{kind}:{known}", self.parameter, self._options)
        if self._source:
            self._source.check(first, name)
        self._first_header = self._first_header or first.header or first.id

    def has(self, entry: Entry, path: Path | None, names: Sequence[str]) -> bool:
        """Return whether an entry is selected, given its names, and count it."""
        texts = names
        if self._source:
            value = self._source.find(entry, path)
            texts = [value, value.split()[0]] if value is not None else []  # a description may follow in a header
            if value is not None and len(self._values) < _REMEMBERED:
                self._values[value] = None
        found = next((name for name in self.selection.names if name in texts), None)
        if found is None:
            lines = texts[:1]  # the header
            found = next((text for text, one in self.selection.patterns.items() if any(map(one.search, lines))), None)
        if found is None:
            if not self._source and len(self.counts) < len(self.selection.names):
                self._look_elsewhere(entry)
            return False
        self.counts[found] += 1
        return True

    def _look_elsewhere(self, entry: Entry) -> None:
        """Note the columns and keys that have what was given for the name of a record."""
        pairs = [(key, str(value)) for key, value in entry.columns.items()] + _VALUE.findall(entry.header)
        for key, value in pairs:
            if value in self.selection.names:
                self._elsewhere.setdefault(value, key)

    def refuse_unmatched(self, names: Sequence[str]) -> None:
        missing = [item for item in self.selection.items if item not in self.counts]
        if not missing:
            return
        first, key = missing[0], self.selection.key
        more = f" (nor {', '.join(map(repr, missing[1:_LISTED]))})" if len(missing) > 1 else ""
        there = [*self._values] if key else names
        if key and not there:
            raise InputError(f"{param(self.parameter)}: no record has a '{key}'; the first is {shown(self._first_header)}")
        if first in self.selection.patterns:
            what = f"'{key}'" if key else "the name or header of a record"
            problem = f"{first} is not found in {what}"
            there = there if key else [self._first_header, *there[1:]]
        else:
            problem = f"no record has '{first}' as '{key}'" if key else f"no record is called '{first}'"
        verb = "is" if len(there) == 1 else "are"
        text = f"{param(self.parameter)}: {problem}{more}; there {verb} {_listed(there)}{suggestion(first, there[:1000])}"
        if where := self._elsewhere.get(first):
            text += advice(f"use {param(self.parameter, f'{where}={self.selection.text}')}, as it is a value of '{where}'")
        raise InputError(text)

    def note(self, records: int) -> str:
        what = "held out for testing" if self.split == "test" else "validated on"
        each = [f"{item} {self.counts[item]:,}" for item in self.selection.items]
        shown_items = ", ".join(each[:_LISTED]) + (f" and {len(each) - _LISTED} more" if len(each) > _LISTED else "")
        by = f" by '{self.selection.key}'" if self.selection.key else ""
        return f"{what}{by}: {self.counts.total():,} of {records:,} records ({shown_items})"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(shown(name)[1:-1] for name in names[:_LISTED]) + more
