"""Records that are in memory: strings, tuples, dicts, arrays, series and data frames, read as a table would be.

One record after the other, in constant memory: an iterator may be of any length. Pandas is neither needed nor imported; a
data frame is what has `columns` and `itertuples`, a series or mapping what has `items`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import chain
from numbers import Real
from types import NoneType
from typing import Any

import numpy as np

from seqmix.data.held_out import flags_of
from seqmix.data.likely_labels import LikelyLabels
from seqmix.data.memory_values import cell_of, check_unicode, identifier_of, is_matrix, is_scalar, label_of, text_of
from seqmix.data.options import ReadOptions
from seqmix.data.readers.columns import ID_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS, find_column, plain, repeated_columns
from seqmix.data.readers.entry import Entry, TableOptions
from seqmix.data.readers.releases import Source
from seqmix.data.readers.text_cells import checked_texts, stands_for_missing
from seqmix.data.records import LabelFindings, Labeller, Record, label_column
from seqmix.data.splits.column import SplitColumn
from seqmix.data.vocabulary import Vocabulary
from seqmix.errors import ConfigError, InputError, SeqmixError, param, shown

_FACTS = ("group", "split", "pair")  # columns with a meaning that need not be named, beside id, text and label


class MemoryRecords:
    """The labelled records of `prepare(records=...)`, as a `RecordStream`; can be iterated over once if `given` can.

    Args:
        given: records, as `prepare` takes them.
        options: how they are read. Columns named "group" and "split" are used by default.
        many_labels: whether a record may have several labels; without a separator in the options, they must be lists.
        raw: whether bytes that are not a sequence are taken as they are.

    Attributes:
        labels: what was found where labels were expected.
    """

    is_sequence = False

    def __init__(self, given: Iterable[Any], options: ReadOptions, *, many_labels: bool = False, raw: bool = False) -> None:
        source = options.label_from or "column:"
        self._only_lists = many_labels and options.label_separator is None and source.startswith("column:")
        self._label_column = source.removeprefix("column:")
        self.given = given
        self.options = replace(options, label_separator=",") if self._only_lists else options  # joins what a list holds
        self.labels = LabelFindings()
        self._raw = raw
        self._remarks: list[str] = []
        self._checksum = ""
        self._labeller: Labeller | None = None

    def __iter__(self) -> Iterator[Record]:
        """Yield the records; their checksum is known at the end."""
        columns = TableOptions(self.options.text_column, self.options.id_column, note=self._remarks.append)
        entries = checked_texts(memory_entries(self.given, self.options, raw=self._raw), "records", columns)
        first = next(entries, None)
        if first is None:
            raise InputError(f"{param('records')} is empty: there is nothing to prepare")
        if not self._label_column:
            self._label_column = label_column(first) or ""
        self._check_labels(first)
        self.options = _with_columns(self.options, first)
        self._labeller = labeller = Labeller(self.options)
        self.labels = labeller.found
        digest = hashlib.sha256()
        checked = chain((first,), map(self._check_labels, entries))
        for record in labeller.records(checked, "memory", Source(None, format="memory"), ""):
            digest.update(json.dumps([record.id, record.label, record.group, record.split]).encode())
            for text in (record.text, record.pair):
                digest.update(
                    text.tobytes() if isinstance(text, np.ndarray) else text.encode() if isinstance(text, str) else text or b""
                )
            yield record
        self._checksum = digest.hexdigest()

    def notes(self) -> list[str]:
        """Return what a user should know of where labels, groups and splits were found."""
        return [f"records: {remark}" for remark in self._remarks] + (self._labeller.notes() if self._labeller else [])

    def inputs(self) -> list[dict[str, Any]]:
        """Return the checksum of the records that were kept, as of a file."""
        return [{"file": "records", "format": "memory", "sha256": self._checksum}]

    @property
    def split_column(self) -> SplitColumn:
        """What was found in split columns that the options do not name; a column named "split" is always used."""
        return self._labeller.split_column if self._labeller else SplitColumn()

    def origins(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def _check_labels(self, entry: Entry) -> Entry:
        """Return the entry; several labels of a record need a separator, which none of them may contain."""
        if self._label_column in entry.columns:
            label = label_of(entry.columns[self._label_column], entry.id)
            entry.columns = {**entry.columns, self._label_column: label}
        if self._only_lists and not isinstance(entry.columns.get(self._label_column), list | NoneType):
            raise ConfigError(
                f"record '{entry.id}': {param('task', 'multilabel')} and {param('label_separator')} go together where labels "
                f"are not lists: give a list of labels, or the text between them, for example {param('label_separator', ',')}",
                option="label_separator",
            )
        for name, cell in entry.columns.items():
            if not isinstance(cell, list) or name.lower() not in LABEL_COLUMNS:
                continue
            separator = self.options.label_separator
            if separator is None:
                raise InputError(f"record '{entry.id}': it has several labels; allow that with {param('label_separator', ',')}")
            if odd := next((label for label in cell if separator in str(label)), None):
                raise InputError(
                    f"record '{entry.id}': the label {odd!r} contains the separator {separator!r}; "
                    f"choose another {param('label_separator')}"
                )
        return entry


def _with_columns(options: ReadOptions, first: Entry) -> ReadOptions:
    """Return the options with the columns named "group" and "split", if there are such and nothing else is stated."""
    found = {plain(name): name for name in first.columns}
    if not options.group_from and "group" in found:
        options = replace(options, group_from=f"column:{found['group']}")
    if not options.split_from and "split" in found and not flags_of(options):
        options = replace(options, split_from=f"column:{found['split']}")
    return options


def memory_records(sequences: Iterable[Any], options: ReadOptions, *, paired: bool, vocabulary: Vocabulary) -> Iterator[Record]:
    """Yield records in memory for the model of a vocabulary, ignoring any labels.

    See `memory_entries`. A record whose text cannot be read has an error.
    """
    raw = vocabulary.alphabet == "bytes"
    for entry in memory_entries(sequences, options, paired=paired, what="sequences", raw=raw):
        for part in ("text", "pair"):
            if vocabulary.letters and stands_for_missing(cell := getattr(entry, part)):
                setattr(entry, part, "")
                entry.missing = cell.strip()
        error = InputError(entry.error) if entry.error else None
        yield Record(entry.id, entry.text, None, None, None, "", 0, entry.pair, error=error, missing=entry.missing)


def memory_entries(
    given: Iterable[Any], options: ReadOptions, *, paired: bool = False, what: str = "records", raw: bool = False
) -> Iterator[Entry]:
    """Yield an entry for each record in memory.

    Args:
        given: a list, iterator, series, mapping of ids to sequences, or data frame. A record is a text, bytes, an array of
            numbers, a tuple (id, sequence) or (id, sequence, label), a dict, a row of a data frame, a `Record`, or a record of
            Biopython.
        options: the columns of data frames and dicts, by the same names as those of tables.
        paired: whether tuples are (first, second) or (id, first, second) instead.
        what: the Python parameter that the records come from.
        raw: whether bytes that are not a sequence are taken as they are, not as a text.

    Raises:
        InputError: a record is none of these, or the iterator failed. An invalid text sets the `error` of its entry instead.
    """
    parse = _Parser(options, paired, raw)
    look = LikelyLabels(what)
    for identifier, item in _items(given, what, options):
        entry = parse.entry(identifier, item)
        check_unicode(entry.id, identifier)
        if not paired and (not entry.columns or isinstance(given, Mapping)):
            look.at(entry)
        yield entry
    look.at_the_end()


def _items(given: Any, what: str, options: ReadOptions) -> Iterator[tuple[str, Any]]:
    """Yield each item with the id that it has if it does not bring one: its place, index or key."""
    if isinstance(given, str | bytes | bytearray | AbstractSet) or not isinstance(given, Iterable) or is_scalar(given):
        hint = "a set has no order" if isinstance(given, AbstractSet) else f"got {shown(given)}"
        raise InputError(f"{param(what)} must be a list of sequences, or an iterator, series or data frame of them: {hint}")
    named: Iterator[tuple[Any, Any]]
    if hasattr(given, "columns") and hasattr(given, "itertuples"):
        names = [str(name) for name in given.columns]
        _refuse_repeated(names, what, options)
        named = ((row[0], dict(zip(names, row[1:], strict=True))) for row in given.itertuples(name=None))
    elif isinstance(given, Mapping):
        named = ((name, {"id": name, "text": text}) for name, text in given.items())
    elif hasattr(given, "items") and hasattr(given, "index"):
        named = iter(given.items())
    else:
        named = enumerate(given)
    count = 0
    while True:
        try:
            name, item = next(named)
        except StopIteration:
            return
        except SeqmixError:
            raise
        except Exception as error:
            raise InputError(f"{param(what)}: the iterator failed after {count:,} records: {error!r}") from error
        yield str(name), item
        count += 1


def _refuse_repeated(names: Sequence[str], what: str, options: ReadOptions) -> None:
    """Raise an `InputError` if a data frame has two columns with the same name and the name is used."""
    asked = (options.text_column, options.id_column, options.pair_column, options.label_from, options.group_from)
    known = {*TEXT_COLUMNS, *ID_COLUMNS, *LABEL_COLUMNS, *_FACTS, *(plain(one.removeprefix("column:")) for one in asked if one)}
    for name, repeated in repeated_columns(names).items():
        if plain(name) in known:
            raise repeated.error(param(what))


class _Parser:
    """Makes entries of records in memory, all of them of one form."""

    def __init__(self, options: ReadOptions, paired: bool, raw: bool) -> None:
        self.options, self.paired, self.raw = options, paired, raw
        self._parts = 0  # of the first tuple
        self._columns: dict[str, None] | None = None  # of the first dict
        self._text_column = self._id_column = self._pair_column = ""

    def entry(self, identifier: str, item: Any) -> Entry:
        if isinstance(item, Record):
            facts = {"label": item.label, "group": item.group, "split": item.split}
            columns = {name: value for name, value in facts.items() if value is not None}
            self._check_same(columns, item.id)
            return Entry(
                item.id, item.text, item.line, "", columns, item.pair, item.made_id, item.error.text if item.error else ""
            )
        if isinstance(item, Mapping):
            return self._row(identifier, item)
        if hasattr(item, "seq") and hasattr(item, "id"):
            header = str(getattr(item, "description", ""))
            return self._entry(identifier_of(item.id, identifier), item.seq, header=header)
        if hasattr(item, "_asdict") and self._has_text(item._fields):  # a row of a data frame, from itertuples()
            row = item._asdict()
            return self._row(str(row.pop("Index", identifier)), row)
        if hasattr(item, "items") and hasattr(item, "index") and self._has_text(item.index):  # the same, from iterrows()
            return self._row(identifier if item.name is None else str(item.name), dict(item.items()))
        if isinstance(item, tuple | list) and not self._are_numbers(item):
            return self._tuple(identifier, item)
        return self._entry((identifier, False), item)

    def _entry(self, named: tuple[str, bool], *texts: Any, columns: Mapping[str, Any] | None = None, header: str = "") -> Entry:
        """Return an entry of one or two texts; if one cannot be read, the entry has the error."""
        (name, made), error = named, ""
        found: list[Any] = [""] * len(texts)
        try:
            found = [text_of(text, name, self.options.encoding, raw=self.raw) for text in texts]
        except InputError as reason:
            error = reason.text
        return Entry(name, found[0], 0, header, columns or {}, found[1] if len(texts) > 1 else None, made, error)

    def _has_text(self, names: Iterable[Any]) -> bool:
        known = {*TEXT_COLUMNS, *([plain(self.options.text_column)] if self.options.text_column else [])}
        return any(isinstance(name, str) and plain(name) in known for name in names)

    @staticmethod
    def _are_numbers(item: Sequence[Any]) -> bool:
        return all(isinstance(part, Real) for part in item) or is_matrix(item)

    def _tuple(self, identifier: str, item: tuple[Any, ...] | list[Any]) -> Entry:
        form = "(first, second) or (id, first, second)" if self.paired else "(id, sequence) or (id, sequence, label)"
        if len(item) not in (2, 3) or (self._parts and len(item) != self._parts):
            odd = f", as the first has {self._parts} parts" if self._parts else ""
            raise InputError(f"record '{identifier}': a tuple must be {form}{odd}: got {shown(item)}")
        self._parts = len(item)
        if self.paired:
            name, *texts = item if len(item) == 3 else (identifier, *item)
            return self._entry(identifier_of(name, identifier), *texts)
        if not isinstance(item[0], str | bytes | int | np.integer):
            raise InputError(f"record '{identifier}': a tuple must be {form}, and an id a text: got {shown(item)}")
        columns = {"label": cell_of(item[2], identifier)} if len(item) == 3 else {}
        return self._entry(identifier_of(item[0], identifier), item[1], columns=columns)

    def _row(self, identifier: str, item: Mapping[Any, Any]) -> Entry:
        row = {str(name): cell_of(value, identifier) for name, value in item.items()}
        if self._columns is None:
            names, options = list(row), self.options
            where = f"record '{identifier}'"
            self._text_column = find_column(names, options.text_column, TEXT_COLUMNS, where, "text")
            self._id_column = find_column(names, options.id_column, ID_COLUMNS, where, "id", required=False)
            usual = ("pair",)
            self._pair_column = find_column(names, options.pair_column, usual, where, "pair", required=False)
        self._check_same(row, identifier)
        name, made = identifier_of(row.get(self._id_column), identifier)
        pair = row.get(self._pair_column)
        texts = [row.get(self._text_column), *([] if pair is None else [pair])]
        if self._text_column in row:
            return self._entry((name, made and bool(self._id_column)), *texts, columns=row)
        error = f"record '{identifier}': it has no '{self._text_column}', which the first record has"
        return Entry(name, "", 0, "", row, None if pair is None else "", made, error)

    def _check_same(self, row: Mapping[str, Any], identifier: str) -> None:
        """Refuse a label, group or split that the first record lacks: it would be overlooked."""
        if self._columns is None:
            self._columns = dict.fromkeys(row)
        if len(row) > len(self._columns) or row.keys() != self._columns.keys():
            odd = [name for name in row if name not in self._columns and name.lower() in (*LABEL_COLUMNS, *_FACTS)]
            if odd:
                raise InputError(f"record '{identifier}': it has a '{odd[0]}', and the first record has none")
