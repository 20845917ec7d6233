"""Records that are in memory: strings, tuples, dicts, arrays, series and data frames, read as a table would be.

One record after the other, in constant memory: an iterator may be of any length. Pandas is neither needed nor imported; a
data frame is what has `columns` and `itertuples`, a series or mapping what has `items`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import chain
from numbers import Real
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.options import ReadOptions
from seqmix.data.readers.columns import ID_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS, find_column
from seqmix.data.readers.entry import Entry
from seqmix.data.readers.releases import Source
from seqmix.data.records import LabelFindings, Labeller, Record, label_column
from seqmix.data.splits.column import SplitColumn
from seqmix.errors import ConfigError, InputError, SeqmixError, param, shown

_FACTS = ("group", "split", "pair")  # columns with a meaning that need not be named, beside id, text and label


class MemoryRecords:
    """The labelled records of `prepare(records=...)`, as a `RecordStream`; can be iterated over once if `given` can.

    Args:
        given: records, as `prepare` takes them.
        options: how they are read. Columns named "group" and "split" are used without being asked for.
        many_labels: whether a record may have several labels; without a separator in the options, they must be lists.

    Attributes:
        labels: what was met where labels were looked for.
    """

    is_sequence = False

    def __init__(self, given: Iterable[Any], options: ReadOptions, *, many_labels: bool = False) -> None:
        source = options.label_from or "column:"
        self._only_lists = many_labels and options.label_separator is None and source.startswith("column:")
        self._label_column = source.removeprefix("column:")
        self.given = given
        self.options = replace(options, label_separator=",") if self._only_lists else options  # joins what a list holds
        self.labels = LabelFindings()
        self._checksum = ""
        self._labeller: Labeller | None = None

    def __iter__(self) -> Iterator[Record]:
        """Yield the records; their checksum is known at the end."""
        entries = memory_entries(self.given, self.options)
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
        return self._labeller.notes() if self._labeller else []

    def inputs(self) -> list[dict[str, str]]:
        """Return the checksum of the records that were kept, as of a file."""
        return [{"file": "records", "format": "memory", "sha256": self._checksum}]

    @property
    def split_column(self) -> SplitColumn:
        """Nothing: a column named "split" is always used."""
        return SplitColumn()

    def origins(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def _check_labels(self, entry: Entry) -> Entry:
        """Return the entry; several labels of a record need a separator, which none of them may contain."""
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
    """Return the options with the columns named "group" and "split", if there are such and no others are named."""
    if not options.group_from and "group" in first.columns:
        options = replace(options, group_from="column:group")
    if not options.split_from and "split" in first.columns:
        options = replace(options, split_from="column:split")
    return options


def memory_records(sequences: Iterable[Any], options: ReadOptions, *, paired: bool) -> Iterator[Record]:
    """Yield records in memory whose labels, if there are any, do not matter; see `memory_entries`."""
    for entry in memory_entries(sequences, options, paired=paired, what="sequences"):
        yield Record(entry.id, entry.text, None, None, None, "", 0, entry.pair)


def memory_entries(
    given: Iterable[Any], options: ReadOptions, *, paired: bool = False, what: str = "records"
) -> Iterator[Entry]:
    """Yield an entry for each record in memory.

    Args:
        given: a list, iterator, series, mapping of ids to sequences, or data frame. A record is a text, bytes, an array of
            numbers, a tuple (id, sequence) or (id, sequence, label), a dict, a `Record`, or a record of Biopython.
        options: the columns of data frames and dicts, by the same names as those of tables.
        paired: whether tuples are (first, second) or (id, first, second) instead.
        what: the Python parameter that the records come from.

    Raises:
        InputError: a record is not one of these, or its iterator failed.
    """
    parse = _Parser(options, paired)
    for identifier, item in _items(given, what):
        entry = parse.entry(identifier, item)
        _check_unicode(entry.id, identifier)
        yield entry


def _items(given: Any, what: str) -> Iterator[tuple[str, Any]]:
    """Yield each item with the id that it has if it does not bring one: its place, index or key."""
    if isinstance(given, str | bytes | bytearray | AbstractSet) or not isinstance(given, Iterable) or _is_scalar(given):
        hint = "a set has no order" if isinstance(given, AbstractSet) else f"got {shown(given)}"
        raise InputError(f"{param(what)} must be a list of sequences, or an iterator, series or data frame of them: {hint}")
    named: Iterator[tuple[Any, Any]]
    if hasattr(given, "columns") and hasattr(given, "itertuples"):
        names = [str(name) for name in given.columns]
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


class _Parser:
    """Makes entries of records in memory, all of them of one form."""

    def __init__(self, options: ReadOptions, paired: bool) -> None:
        self.options, self.paired = options, paired
        self._parts = 0  # of the first tuple
        self._columns: dict[str, None] | None = None  # of the first dict
        self._text_column = self._id_column = self._pair_column = ""

    def entry(self, identifier: str, item: Any) -> Entry:
        if isinstance(item, Record):
            facts = {"label": item.label, "group": item.group, "split": item.split}
            columns = {name: value for name, value in facts.items() if value is not None}
            self._check_same(columns, item.id)
            return Entry(item.id, item.text, item.line, "", columns, item.pair)
        if isinstance(item, Mapping):
            return self._row(identifier, {str(name): _cell(value, identifier) for name, value in item.items()})
        if hasattr(item, "seq") and hasattr(item, "id"):
            return Entry(str(item.id), _text(item.seq, item.id), 0)
        if isinstance(item, tuple | list) and not all(isinstance(part, Real) for part in item) and not _is_matrix(item):
            return self._tuple(identifier, item)
        return Entry(identifier, _text(item, identifier), 0)

    def _tuple(self, identifier: str, item: tuple[Any, ...] | list[Any]) -> Entry:
        form = "(first, second) or (id, first, second)" if self.paired else "(id, sequence) or (id, sequence, label)"
        if len(item) not in (2, 3) or (self._parts and len(item) != self._parts):
            odd = f", as the first has {self._parts} parts" if self._parts else ""
            raise InputError(f"record '{identifier}': a tuple must be {form}{odd}: got {shown(item)}")
        self._parts = len(item)
        if self.paired:
            name, *texts = item if len(item) == 3 else (identifier, *item)
            return Entry(str(name), _text(texts[0], name), 0, "", {}, _text(texts[1], name))
        if not isinstance(item[0], str | int | np.integer):
            raise InputError(f"record '{identifier}': a tuple must be {form}, and an id a text: got {shown(item)}")
        columns = {"label": _cell(item[2], identifier)} if len(item) == 3 else {}
        return Entry(str(item[0]), _text(item[1], item[0]), 0, "", columns)

    def _row(self, identifier: str, row: dict[str, Any]) -> Entry:
        if self._columns is None:
            names, options = list(row), self.options
            where = f"record '{identifier}'"
            self._text_column = find_column(names, options.text_column, TEXT_COLUMNS, where, "text")
            self._id_column = find_column(names, options.id_column, ID_COLUMNS, where, "id", required=False)
            usual = ("pair",)
            self._pair_column = find_column(names, options.pair_column, usual, where, "pair", required=False)
        self._check_same(row, identifier)
        if self._text_column not in row:
            raise InputError(f"record '{identifier}': it has no '{self._text_column}', which the first record has")
        name = row.get(self._id_column)
        name = identifier if name is None or name == "" else str(name)
        pair = row.get(self._pair_column)
        second = None if pair is None else _text(pair, name)
        return Entry(name, _text(row[self._text_column], name), 0, "", row, second)

    def _check_same(self, row: Mapping[str, Any], identifier: str) -> None:
        """Refuse a label, group or split that the first record lacks: it would be overlooked."""
        if self._columns is None:
            self._columns = dict.fromkeys(row)
        if len(row) > len(self._columns) or row.keys() != self._columns.keys():
            odd = [name for name in row if name not in self._columns and name.lower() in (*LABEL_COLUMNS, *_FACTS)]
            if odd:
                raise InputError(f"record '{identifier}': it has a '{odd[0]}', and the first record has none")


def _cell(value: Any, identifier: str) -> Any:
    """Return a cell as tables have them: None if it is missing, a list if it is a collection."""
    if isinstance(value, str):
        _check_unicode(value, identifier)
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    if type(value).__name__ in ("NAType", "NaTType"):  # pandas' other ways to say so
        return None
    return sorted(value) if isinstance(value, AbstractSet) else list(value) if isinstance(value, tuple) else value


def _is_scalar(item: Any) -> bool:
    """Whether a number or array of numpy, or of what resembles it, has no dimension."""
    return getattr(item, "ndim", None) == 0


def _is_matrix(item: Any) -> bool:
    """Whether a list is of rows of numbers."""
    return (
        isinstance(item, list) and all(isinstance(row, list | tuple) and row for row in item) and isinstance(item[0][0], Real)
    )


def _text(value: Any, identifier: object) -> bytes | str | NDArray[Any]:
    """Return a sequence as readers give it: text, bytes, or an array of numbers `(n, channels)`."""
    if isinstance(value, str):
        _check_unicode(value, identifier)
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "__bytes__"):
        return bytes(value)
    if not isinstance(value, list | tuple) and (not hasattr(value, "__array__") or _is_scalar(value)):
        raise InputError(f"record '{identifier}': a sequence must be a text, bytes or an array of numbers: got {shown(value)}")
    try:
        array = np.asarray(value)
    except Exception as error:  # ragged lists, tensors on another device, whatever else calls itself an array
        raise InputError(f"record '{identifier}': its numbers cannot be read as an array: {error}") from error
    if not array.size:
        return np.empty((0, 1), dtype=np.float32)
    if array.ndim not in (1, 2) or array.dtype.kind not in "iuf":
        raise InputError(
            f"record '{identifier}': numbers must have one dimension, or two (positions, channels): got an array of "
            f"shape {array.shape} and type {array.dtype}"
        )
    if array.dtype == np.uint8 and array.ndim == 1:
        return array  # bytes, for the alphabet of that name
    with np.errstate(over="ignore"):  # becomes infinite, which is refused with all that is not finite
        return array.astype(np.float32).reshape(len(array), -1)


def _check_unicode(text: str, identifier: object) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        odd = error.object[error.start]
        raise InputError(f"record {identifier!r}: {odd!r} is half of a surrogate pair, not a character") from error
