"""Records, and how entries of files or memory become records with label, group and split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from seqmix.config.data import SPLIT_NAMES
from seqmix.data.held_out import HeldOut, flags_of
from seqmix.data.labels.hints import LABEL_IN_HEADER, column_hints, has_other_form, header_hint, later_labels, unused_hints
from seqmix.data.labels.source import LabelSource, make_label_source
from seqmix.data.likely_groups import LikelyGroups
from seqmix.data.options import SEQUENCE_FORMATS, TABLE_FORMATS, ReadOptions
from seqmix.data.readers.columns import LABEL_COLUMNS, usual_columns
from seqmix.data.readers.entry import Entry
from seqmix.data.readers.releases import RELEASE_FORMATS, Source
from seqmix.data.splits.column import SplitColumn
from seqmix.data.splits.stated import StatedSplits
from seqmix.errors import InputError, advice, param
from seqmix.objectives.multilabel import split_labels


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
        made_id: whether the reader made the identifier, for a record that has none.
        error: why its text cannot be read; such records come only from readers for predictions.
        missing: what stands for a text that is missing, such as "NA"; "" if nothing does.
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
    made_id: bool = False
    error: InputError | None = None
    missing: str = ""

    def __str__(self) -> str:
        return _place(self.source, self.id, self.line)


def label_column(entry: Entry, table: str = "") -> str | None:
    """Return the name of the column that holds the label if none is named; None if there is no such column.

    Args:
        entry: the first of the table.
        table: its name, for messages; "" if it has none.

    Raises:
        InputError: there are several such columns.
    """
    where = table or f"record '{entry.id}'"
    found = usual_columns(list(entry.columns), LABEL_COLUMNS, where)
    if len(found) > 1:
        raise InputError(
            f"{where}: the columns {' and '.join(map(repr, found))} may both hold labels; choose one, for example "
            f"{param('label_from', f'column:{found[0]}')}"
        )
    return found[0] if found else None


def _place(source: str, identifier: str, line: int) -> str:
    place = f"record '{identifier}'" + (f" (line {line})" if line else "")
    return f"{source}: {place}" if source else place


@dataclass(slots=True)
class LabelFindings:
    """What was met where labels were looked for.

    Attributes:
        source: where labels were read, as the user writes it; None if nowhere.
        unlabelled: number of records left out since they have no label.
        first_unlabelled: the first of them, and why it has none.
        other_class: number of records left out since they are of classes that are not wanted.
        classes: all classes that were met, if only some are wanted.
        splits: the splits that were stated, and what was left out of them.
    """

    source: str | None = None
    unlabelled: int = 0
    first_unlabelled: str = ""
    other_class: int = 0
    classes: set[str] = field(default_factory=set)
    splits: StatedSplits = field(default_factory=StatedSplits)


class Labeller:
    """Makes records of entries: finds label, group and split, and leaves out the records that are not wanted.

    Args:
        options: where labels, groups and splits are, and which records are wanted.
        labels: whether labels, groups and splits are wanted at all.
        by_file: whether files without other labels are classes.
        split_stated: the option by which the user says how records are divided; "" if there is none.

    Attributes:
        found: what was met where labels were looked for.
        split_column: what was found in columns of splits that nobody named.
        held_out: finds the records that are held out by name; None if none are.
    """

    def __init__(self, options: ReadOptions, *, labels: bool = True, by_file: bool = False, split_stated: str = "") -> None:
        self.options = options
        self.found = LabelFindings(options.label_from if labels else None)
        self.held_out = HeldOut(options) if labels and flags_of(options) else None
        self.split_column = SplitColumn("--split-from" if options.split_from else flags_of(options) or split_stated)
        self._wants_labels, self._by_file = labels, labels and by_file
        self._classes = set(options.classes)
        self._label = self._source("label_from") if labels and options.label_from else None
        self._group = self._source("group_from") if labels and options.group_from else None
        self._split = self._source("split_from") if labels and options.split_from else None
        stated = options.group_from or options.split_from or self.held_out or not labels
        self._likely_groups = None if stated else LikelyGroups(several=bool(options.label_separator))
        self._guessed: dict[str, LabelSource] = {}  # sources of labels that were found by looking
        self._hints: dict[str, None] = {}  # where labels may be, in files without

    @property
    def uses_id_column(self) -> bool:
        """Whether a table of labels, groups or splits has the column of ids that is named in the options."""
        return any(source.uses_id_column for source in (self._label, self._group, self._split) if source)

    def _source(self, parameter: str) -> LabelSource:
        return make_label_source(getattr(self.options, parameter), parameter, self.options)

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
        if kind == "jsonl" and first.made_id and source.inner:
            if (second := next(entries, None)) is None:  # the only record of a file gets the name of the file
                first.id, first.made_id = source.inner, False
            else:
                entries = chain((second,), entries)
        self._refuse_damaged(first)
        labels = self._label_source(first, kind, source, name)
        for asked in (labels, self._group, self._split, self.held_out):
            if asked:
                asked.check(first, name)
        source.label_place = labels.text if labels else ""
        column = self._split_column(first, kind, labels)
        entries = self._marked(first, chain((first,), entries), kind, labels)
        if labels is None and self._wants_labels and kind in (*SEQUENCE_FORMATS, "jsonl") and source.folder_class is None:
            entries = later_labels(entries, name, self._hints)
        is_table = kind in (*TABLE_FORMATS, "memory")
        if self._wants_labels and self._label is None and is_table and (labels or source.folder_class is None):
            chosen = labels.text.removeprefix("column:") if labels else ""
            by_file = self._by_file and bool(source.stem)
            entries = column_hints(entries, self.options, self._hints, chosen=chosen, by_file=by_file)
        if self._wants_labels and source.folder_class is not None and (labels is None or labels.text == "folder"):
            self._refuse_missing(source)
        if labels and labels.text == "file" and source.stem is None:
            raise InputError(f"{name}: its name is not a class; name the class of each file with {param('class_files')}")
        if labels and labels.text == "file" and not source.stem:
            raise InputError(
                f"{name}: its name tells a split and no class, as those of other files do; put the records of each class into "
                f"a file such as {source.split or 'test'}_CLASS.fa, or say where labels are with {param('label_from')}"
            )
        path, options = source.path, self.options
        if self._likely_groups and source.split is None:
            used = (options.text_column, options.id_column, options.pair_column, labels and labels.text.partition(":")[2])
            self._likely_groups.begin(first, [name for name in used if name])
        for held, where, way in self.held_out.stated() if self.held_out else ():
            self.found.splits.state(held, where, way)
        if self._wants_labels and not self._split:
            self.found.splits.state(source.split, source.split_name or source.name, source.split_by)
        for entry in entries:
            self._refuse_damaged(entry)
            if kind == "text" and source.inner:
                entry.id = source.inner
            label = self._find_label(entry, source, labels)
            if label is None and labels:
                self._refuse_unlabelled(entry, path, entries, labels, name)
                self.found.splits.leave_out(self._stated_split(entry, source, column))
                continue
            if self._classes and (label := self._wanted(label)) is None:
                self.found.other_class += 1
                self.found.splits.leave_out(self._stated_split(entry, source, column), "class")
                continue
            group = self._group.find(entry, path) if self._group else None
            if self._likely_groups:
                self._likely_groups.add(entry, label)
            split: str | None = source.split
            if self._split:
                split = self._find_split(entry, entries, source, name)
            if column is not None:
                split = self.split_column.find(entry, column, split)
            if self.held_out:
                split = self.held_out.split_of(entry, path)
            yield Record(
                entry.id,
                entry.text,
                label,
                group,
                split,
                name,
                entry.line,
                entry.pair,
                source.stratum,
                entry.made_id,
                InputError(entry.error) if entry.error else None,
                entry.missing,
            )

    def notes(self) -> list[str]:
        """Return what a user should know of labels, groups and splits, once all entries were looked at.

        Raises:
            InputError: what was taken for labels cannot be labels.
        """
        sources = [source for source in (self._label, self._group, self._split) if source]
        notes = [note for source in (*sources, *self._guessed.values()) for note in source.notes()]
        notes += self.held_out.notes() if self.held_out else []
        if self._likely_groups and not self.split_column.used:
            notes += self._likely_groups.notes([source.text for source in (self._label, *self._guessed.values()) if source])
        return list(dict.fromkeys(notes)) + list(self._hints)

    def _label_source(self, first: Entry, kind: str, source: Source, name: str) -> LabelSource | None:
        """Return where the labels of a source are; None if its folder is the label, or there are none."""
        if not self._wants_labels:
            return None
        labels = self._label
        if not labels and (text := self._guess(first, kind, name, source)):
            labels = self._guessed.setdefault(text, make_label_source(text, "label_from", self.options))
        if labels:
            self.found.source = self.found.source or labels.text
        return labels

    def _guess(self, first: Entry, kind: str, name: str, source: Source) -> str | None:
        """Return where the header or the columns of a file offer labels, as the user writes it."""
        if source.folder_class is not None and (kind not in TABLE_FORMATS or source.by_user or source.release):
            if kind in SEQUENCE_FORMATS and not source.by_user:
                self._hints.update(dict.fromkeys(unused_hints(first, "folders")))
            return None
        if kind in (*TABLE_FORMATS, *RELEASE_FORMATS) or (kind == "memory" and not first.header):
            column = label_column(first, name)
            return f"column:{column}" if column else None
        if kind not in (*SEQUENCE_FORMATS, "memory"):
            return None
        if self._by_file:
            self._hints.update(dict.fromkeys(unused_hints(first, "files")))
            return "file"
        keys = list(dict.fromkeys(LABEL_IN_HEADER.findall(first.header)))
        if len(keys) > 1:
            raise InputError(
                f"{_place(name, first.id, first.line)}: the header has {' and '.join(f'{key}=…' for key in keys)}; choose one, "
                f"for example {param('label_from', f'header:{keys[0]}')}"
            )
        if not keys and "header:label" in self._guessed and has_other_form(first.header):
            return "header:label"
        if not keys and (hint := header_hint(first)):
            self._hints[hint] = None
        return f"header:{keys[0]}" if keys else None

    def _split_column(self, first: Entry, kind: str, labels: LabelSource | None) -> str | None:
        """Return the column that may say the split of each record of a table, though nobody named it."""
        if kind not in (*TABLE_FORMATS, "memory") or not self._wants_labels or self._split:
            return None
        options = self.options
        used = [one.text.removeprefix("column:") for one in (labels, self._group) if one]
        return self.split_column.choose(first, [*used, options.text_column, options.id_column, options.pair_column])

    def _marked(self, first: Entry, entries: Iterator[Entry], kind: str, labels: LabelSource | None) -> Iterator[Entry]:
        """Return the entries; what in them seems to tell splits is noted while they are read."""
        marks = self.split_column.marks
        if not self._wants_labels or self._split:
            return entries
        if kind in (*TABLE_FORMATS, "memory") and not first.header:
            options = self.options
            used = [one.text.removeprefix("column:") for one in (labels, self._group) if one]
            columns = marks.columns(first.columns, [*used, options.text_column, options.id_column, options.pair_column])
            return marks.watched(entries, columns) if columns else entries
        return marks.watched(entries) if kind in (*SEQUENCE_FORMATS, "memory") and marks.keys(first.header) else entries

    def _refuse_damaged(self, entry: Entry) -> None:
        """Raise the error of an entry without a text, unless it is for the prediction to decide about."""
        if entry.error and self._wants_labels:
            raise InputError(entry.error)

    @staticmethod
    def _refuse_missing(source: Source) -> None:
        """Raise an `InputError` if a folder beside that of the class of a source holds nothing that is read."""
        if source.missing_classes:
            missing = source.missing_classes
            unread = dict.fromkeys(folder.name for folder in missing)
            names = ", ".join(map(repr, [*unread][:5]))
            reasons = "; ".join(f"'{folder.path}': {folder.reason}" for folder in missing[:3])
            which = missing[0].name if len(unread) < len(missing) else missing[0].path
            readable = any(folder.readable for folder in missing)
            raise InputError(
                f"folders are classes, and nothing in {names} is read: {reasons if len(missing) > 1 else missing[0].reason}"
                + advice(
                    f"leave such folders out with {param('exclude', which)}",
                    *([f"read files of any ending with {param('include', '*')}"] if readable else []),
                )
            )

    def _find_label(self, entry: Entry, source: Source, labels: LabelSource | None) -> str | None:
        if labels is None:
            return source.folder_class
        label = source.stem if labels.text == "file" else labels.find(entry, source.path)
        if labels.text == "folder" and source.split_name and source.path and source.path.parent.name == source.split_name:
            label = source.folder_class
        if label is None and self.options.label_separator and labels.has_cell(entry):
            return ""  # the cell is empty: none of the labels
        return label

    def _refuse_unlabelled(
        self, entry: Entry, path: Path | None, others: Iterator[Entry], labels: LabelSource, name: str
    ) -> None:
        if not self.options.skip_unlabelled:
            raise InputError(f"{_place(name, entry.id, entry.line)}: no label: {labels.missing(entry, path, others)}")
        if not self.found.unlabelled:
            self.found.first_unlabelled = f"{_place(name, entry.id, entry.line)}: {labels.absent(entry)}"
        self.found.unlabelled += 1

    def _wanted(self, label: str | None) -> str | None:
        """Return the label, or those of several that are wanted; None if none is."""
        if label is None:
            return None
        separator = self.options.label_separator
        parts = split_labels(label, separator) if separator else [label]
        self.found.classes.update(parts)
        kept = [part for part in parts if part in self._classes]
        return (separator or "").join(kept) if kept else None

    def _stated_split(self, entry: Entry, source: Source, column: str | None) -> int | None:
        """Return the number of the split that is stated for a record that is left out; None if none is."""
        if self.held_out:
            return SPLIT_NAMES.get(self.held_out.split_of(entry, source.path) or "")
        if self._split:
            return self.found.splits.state(self._split.find(entry, source.path), self._split.text, "--split-from")
        number = self.split_column.leave_out(entry, column) if column is not None else None
        return SPLIT_NAMES[source.split] if source.split else number

    def _find_split(self, entry: Entry, others: Iterator[Entry], source: Source, name: str) -> str:
        assert self._split
        split = self._split.find(entry, source.path)
        if split is None:
            raise InputError(
                f"{_place(name, entry.id, entry.line)}: no split: {self._split.missing(entry, source.path, others)}; "
                "give every record one of train, val, test"
            )
        self.found.splits.state(split, self._split.text, "--split-from")
        return split
