"""Records, streams of them, and how entries of files or memory become records with label, group and split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from numpy.typing import NDArray

from seqmix.data.label_source import LabelSource, make_label_source
from seqmix.data.options import SEQUENCE_FORMATS, TABLE_FORMATS, ReadOptions
from seqmix.data.readers.entry import Entry
from seqmix.data.readers.releases import RELEASE_FORMATS, Source
from seqmix.errors import InputError, command, param

LABEL_COLUMNS = ("label", "class", "target", "y")
_LABEL_IN_HEADER = re.compile(r"(?:^|[\s|;\[])(label|class)=")


@dataclass(slots=True)
class Record:
    """One sequence or document; its `str` names file, record and line.

    Attributes:
        id: the identifier.
        text: `bytes` for a sequence as it stands in its file (white space included), `str` for a document, an array for a
            sequence of numbers.
        label: None if unknown.
        group: records of one group stay in one split; None if unknown.
        split: "train", "val", "test" or a synonym; None if it is to be drawn.
        source: name of the file; "" if there is none.
        line: where the record begins; 0 if unknown.
        pair: the second text, if the record is a pair.
        stratum: every split gets its share of each, besides the classes.
    """

    id: str
    text: bytes | str | NDArray[Any]
    label: str | None
    group: str | None
    split: str | None
    source: str
    line: int
    pair: bytes | str | NDArray[Any] | None = None
    stratum: str = ""

    def __str__(self) -> str:
        return _place(self.source, self.id, self.line)


def label_column(entry: Entry) -> str | None:
    """Return the name of the column that holds the label if none is named; None if there is no such column."""
    names = {name.strip().lower(): name for name in entry.columns}
    return next((names[name] for name in LABEL_COLUMNS if name in names), None)


def _place(source: str, identifier: str, line: int) -> str:
    place = f"record '{identifier}'" + (f" (line {line})" if line else "")
    return f"{source}: {place}" if source else place


@dataclass(slots=True)
class LabelFindings:
    """What was met where labels were looked for.

    Attributes:
        source: where labels were read, as the user writes it; None if nowhere.
        unlabelled: number of records left out since they have no label.
        other_class: number of records left out since they are of classes that are not wanted.
        classes: all classes that were met, if only some are wanted.
    """

    source: str | None = None
    unlabelled: int = 0
    other_class: int = 0
    classes: set[str] = field(default_factory=set)


class RecordStream(Protocol):
    """Where `prepare` gets records from. All but `options` is known for certain only after the iteration.

    Attributes:
        options: how the records are read.
        is_sequence: whether they are of a sequence format.
        labels: what was met where labels were looked for.
    """

    options: ReadOptions
    is_sequence: bool
    labels: LabelFindings

    def __iter__(self) -> Iterator[Record]: ...

    def notes(self) -> list[str]:
        """Return what a user should know of the inputs, a line each."""

    def inputs(self) -> list[dict[str, str]]:
        """Return name, format and SHA-256 of every file that was read."""


@dataclass(slots=True)
class MadeRecords:
    """A stream of records that a program makes: there are no files, and labels and splits are in the records.

    Attributes:
        records: the records.
        options: see `RecordStream`.
        is_sequence: see `RecordStream`.
        labels: see `RecordStream`.
    """

    records: Iterable[Record]
    options: ReadOptions = field(default_factory=ReadOptions)
    is_sequence: bool = False
    labels: LabelFindings = field(default_factory=LabelFindings)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def notes(self) -> list[str]:
        """Return nothing."""
        return []

    def inputs(self) -> list[dict[str, str]]:
        """Return nothing."""
        return []


class Labeller:
    """Makes records of entries: finds label, group and split, and leaves out the records that are not wanted.

    Args:
        options: where labels, groups and splits are, and which records are wanted.
        labels: whether labels, groups and splits are wanted at all.
        by_file: whether files without other labels are classes.

    Attributes:
        found: what was met where labels were looked for.
    """

    def __init__(self, options: ReadOptions, *, labels: bool = True, by_file: bool = False) -> None:
        self.options = options
        self.found = LabelFindings(options.label_from if labels else None)
        self._wants_labels, self._by_file = labels, labels and by_file
        self._classes = set(options.classes)
        self._label = make_label_source(options.label_from, "label_from") if labels and options.label_from else None
        self._group = make_label_source(options.group_from, "group_from") if labels and options.group_from else None
        self._split = make_label_source(options.split_from, "split_from") if labels and options.split_from else None

    def records(self, entries: Iterator[Entry], kind: str, source: Source, name: str) -> Iterator[Record]:
        """Yield the entries of a source as records.

        Args:
            entries: of the source.
            kind: its format.
            source: what its place says of its records.
            name: its name in messages; "" if it has none.

        Raises:
            InputError: there is no entry, or one has no label or split where it should have one.
        """
        first = next(entries, None)
        if first is None:
            raise InputError(f"{name}: no {kind} record in this file; leave it out or make it again")
        labels = self._label_source(first, kind, source)
        for asked in (labels, self._group, self._split):
            if asked:
                asked.check(first, name)
        path = source.path
        for entry in chain((first,), entries):
            if kind == "text" and source.inner:
                entry.id = source.inner
            label = self._find_label(entry, source, labels)
            if label is None and labels:
                self._refuse_unlabelled(entry, labels, name)
                continue
            if self._classes and (label := self._wanted(label)) is None:
                self.found.other_class += 1
                continue
            group = self._group.find(entry, path) if self._group else None
            split = self._find_split(entry, source, name) if self._split else source.split
            yield Record(entry.id, entry.text, label, group, split, name, entry.line, entry.pair, source.stratum)

    def _label_source(self, first: Entry, kind: str, source: Source) -> LabelSource | None:
        """Return where the labels of a source are; None if its folder is the label, or there are none."""
        if not self._wants_labels:
            return None
        labels = self._label or self._guess_label_source(first, kind, source)
        if labels:
            labels.separator = self.options.label_separator
            self.found.source = self.found.source or labels.text
        return labels

    def _guess_label_source(self, first: Entry, kind: str, source: Source) -> LabelSource | None:
        """Return what the place, the header or the columns of a file offer as labels."""
        if source.folder_class is not None:
            return None
        if kind in (*TABLE_FORMATS, *RELEASE_FORMATS, "memory"):
            column = label_column(first)
            return make_label_source(f"column:{column}") if column else None
        if kind not in SEQUENCE_FORMATS:
            return None
        if self._by_file:
            return make_label_source("file")
        match = _LABEL_IN_HEADER.search(first.header)
        return make_label_source(f"header:{match.group(1)}") if match else None

    def _find_label(self, entry: Entry, source: Source, labels: LabelSource | None) -> str | None:
        if labels is None:
            return source.folder_class
        label = labels.find(entry, source.path)
        if label is None and self.options.label_separator and labels.has_cell(entry):
            return ""  # the cell is empty: none of the labels
        return label

    def _refuse_unlabelled(self, entry: Entry, labels: LabelSource, name: str) -> None:
        if not self.options.skip_unlabelled:
            raise InputError(
                f"{_place(name, entry.id, entry.line)}: no label from '{labels.text}'; "
                f"{command('prepare')} leaves such records out with {param('skip_unlabelled', True)}"
            )
        self.found.unlabelled += 1

    def _wanted(self, label: str | None) -> str | None:
        """Return the label, or those of several that are wanted; None if none is."""
        if label is None:
            return None
        separator = self.options.label_separator
        parts = [part.strip() for part in label.split(separator)] if separator else [label]
        self.found.classes.update(parts)
        kept = [part for part in parts if part in self._classes]
        return (separator or "").join(kept) if kept else None

    def _find_split(self, entry: Entry, source: Source, name: str) -> str:
        assert self._split
        split = self._split.find(entry, source.path)
        if split is None:
            raise InputError(
                f"{_place(name, entry.id, entry.line)}: no split from '{self._split.text}'; "
                "give every record one of train, val, test"
            )
        return split
