"""Where the label, the group or the split of a record is read from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from seqmix.data.labels.headers import HeaderValues
from seqmix.data.labels.several import joined, quoted_labels, written_list
from seqmix.data.labels.tables import LabelTable
from seqmix.data.options import ReadOptions
from seqmix.data.readers.columns import Repeated, named_column, shown_columns
from seqmix.data.readers.entry import Entry
from seqmix.data.readers.opening import unpacked_name
from seqmix.errors import InputError, advice, param, shown

_COUNTED = 100_000  # records that are looked at to explain an error


class LabelSource(ABC):
    """Where a label, a group or a split is read from; `make_label_source` makes one from the user's text.

    Attributes:
        text: the source as the user writes it, such as "header:gene".
        parameter: the parameter that the source was given with, for messages.
        separator: the text between the labels of a record; None if a record has only one label.
        uses_id_column: whether the option that names a column of ids has an effect here.
    """

    uses_id_column = False

    def __init__(self, text: str, parameter: str, options: ReadOptions) -> None:
        self.text, self.parameter = text, parameter
        self.separator = options.label_separator if parameter == "label_from" else None
        self._written: list[tuple[str, str]] = []  # the first list that was written as text, and what was read
        self._n_written = 0
        self._entries = self._found = 0  # entries so far, and those with a value
        self._without = ""  # a record without a group, and why

    def check(self, first: Entry, name: str) -> None:
        """Raise an `InputError` if the first entry of the file `name` shows that the source is not in this file."""
        return

    def find(self, entry: Entry, path: Path | None) -> str | None:
        """Return the value for an entry; None if it has none.

        Args:
            entry: the entry.
            path: the file that holds it; None for standard input.

        Raises:
            InputError: the entry has several values, or one that is not a text or number.
        """
        value = self._value(entry, path)
        self._entries += 1
        self._found += value is not None
        if value is None and self.parameter == "group_from" and not self._without:
            self._without = f"{_where(entry, path)}: {self.absent(entry)}"
        return value

    @abstractmethod
    def _value(self, entry: Entry, path: Path | None) -> str | None:
        """Return what `find` returns."""

    def absent(self, entry: Entry) -> str:
        """Return why an entry has no value, in words."""
        return f"there is none from '{self.text}'"

    def missing(self, entry: Entry, path: Path | None, others: Iterator[Entry]) -> str:
        """Return why an entry has no value, how many have none, and what can be done, as the end of a message.

        Args:
            entry: the entry, which was looked at.
            path: the file that holds it; None for standard input.
            others: those behind it, which are looked at to see how many have none.
        """
        with suppress(InputError):  # of a later one, which matters less
            for other in islice(others, _COUNTED):
                self.find(other, path)
        what = self.parameter.removesuffix("_from")
        text = self.absent(entry)
        if self._entries > 1 and not self._found:
            where = f"; say where {what}s are with {param(self.parameter)}" if what == "label" else ""
            return f"{text}; none of the {self._entries:,} records has a {what}{where}"
        if self._entries > 1:
            lacking = self._entries - self._found
            text += f"; {lacking:,} of {self._entries:,} records {'have' if lacking > 1 else 'has'} no {what}"
        return text + (advice(f"leave such records out with {param('skip_unlabelled', True)}") if what == "label" else "")

    def has_cell(self, entry: Entry) -> bool:
        """Return whether a table has a cell for an entry, even an empty one."""
        return False

    def notes(self) -> list[str]:
        """Return what a user should know of the values that were found, once all entries were looked at.

        Raises:
            InputError: they are not what they seemed to be.
        """
        if self._entries and not self._found and self._without:
            raise InputError(
                f"no record has a group from '{self.text}': {self._without}; correct {param('group_from')}, or leave it out"
            )
        return [
            f"{self._n_written:,} label{'s' * (self._n_written > 1)} written as {form}, such as {cell}"
            for form, cell in self._written[:1]
        ]

    def _cell(self, value: Any, where: str) -> str | None:
        """Return the text of a cell; None if it is missing or empty.

        Raises:
            InputError: it is an object, a list where one value is expected, or that of two columns.
        """
        if value is None or value != value:  # JSON of pandas and Python has NaN for what is missing
            return None
        if isinstance(value, Repeated):
            raise value.error(where)
        if isinstance(value, bytes | bytearray):  # of an array in memory
            value = value.decode(errors="backslashreplace")
        what = self.parameter.removesuffix("_from")
        if isinstance(value, dict):
            raise InputError(
                f"{where}: the {what} is an object, {shown(value)}, not a text or a number; write what is in it as columns "
                f"of their own, and name one with {param(self.parameter, 'column:NAME')}"
            )
        if isinstance(value, list):
            return self._joined(value, where)
        text = str(value).strip()
        if text == "\\N":  # what MySQL writes for NULL
            return None
        if self.parameter == "label_from" and text:
            return self._one_text(text, where)
        return text or None

    def _one_text(self, text: str, where: str) -> str | None:
        """Return the text of a cell; if it is a list that was written as text, or has labels in quotes, as a list is joined."""
        labels, form, way = written_list(text, bare=bool(self.separator)), "lists", ""
        if labels is not None and not self.separator:
            raise InputError(
                f"{where}: the label is a list, written as {shown(text)}"
                + advice(f"allow several labels with {param('label_separator', ',')}")
            )
        if labels is None and self.separator:
            labels, form = quoted_labels(text, self.separator), "texts in quotes"
            way = f"write another sign between labels in the cells, and state it with {param('label_separator')}"
        if labels is None or not self.separator:
            return text
        self._n_written += 1
        if not self._written and labels:
            self._written.append((form, f"{shown(text)}: read as {' and '.join(map(repr, labels[:3]))}"))
        return joined(labels, self.separator, where, way).strip() or None

    def _joined(self, values: list[Any], where: str) -> str | None:
        """Return the values of a list as a text, which is how JSON writes several labels."""
        what = self.parameter.removesuffix("_from")
        if not self.separator:
            several = advice("write one value")
            if what == "label":
                several = advice(f"allow several labels with {param('label_separator', ',')}")
            raise InputError(f"{where}: the {what} is a list, {shown(values)}{several}")
        present = [value for value in values if value is not None]
        if strange := next((value for value in present if isinstance(value, dict | list)), None):
            raise InputError(f"{where}: the label {shown(strange)} is not a text or number; write one value for each label")
        return joined(list(map(str, present)), self.separator, where).strip() or None


class _Header(LabelSource):
    """KEY:value, KEY=value or [KEY=value] in the header; a qualifier in GenBank."""

    def __init__(self, text: str, parameter: str, options: ReadOptions, key: str) -> None:
        super().__init__(text, parameter, options)
        self._key, self._values = key, HeaderValues(key, parameter, self.separator)

    def _value(self, entry: Entry, path: Path | None) -> str | None:
        if self._key in entry.columns:
            return self._cell(entry.columns[self._key], _where(entry, path))
        return self._values.find(entry.header, _where(entry, path))

    def absent(self, entry: Entry) -> str:
        if self._key in entry.columns:
            return f"its '{self._key}' is empty"
        if not entry.header or entry.columns:
            return f"it has no '{self._key}'" + (f", but {shown_columns(entry.columns)}" if entry.columns else " and no header")
        return self._values.absent(entry.header)

    def notes(self) -> list[str]:
        return [*self._values.notes(), *super().notes()]


class _HeaderRegex(LabelSource):
    """The group of a regular expression; of several, the one named like what is wanted, or the only one that matches."""

    def __init__(self, text: str, parameter: str, options: ReadOptions, expression: str) -> None:
        super().__init__(text, parameter, options)
        try:
            self._pattern = re.compile(expression)
        except re.error as error:
            raise InputError(f"{param(parameter)}: '{expression}' is not a regular expression: {error}") from error
        self._what = what = parameter.removesuffix("_from")
        if self._pattern.groups < 1:
            raise InputError(f"{param(parameter)}: '{expression}' needs a group (…) around the part that is the {what}")

    def _value(self, entry: Entry, path: Path | None) -> str | None:
        match = self._pattern.search(entry.header)
        if match is None:
            return None
        if self._what in self._pattern.groupindex:
            return (match[self._what] or "").strip() or None
        found = list(dict.fromkeys(group.strip() for group in match.groups() if group is not None))
        if len(found) > 1:
            raise InputError(
                f"{_where(entry, path)}: {len(found)} groups of '{self._pattern.pattern}' match: "
                f"{', '.join(map(repr, found))}; leave one group, around the {self._what}, and write others as (?:…), or name "
                f"it: (?P<{self._what}>…)"
            )
        return found[0] or None if found else None

    def absent(self, entry: Entry) -> str:
        matches = "matches nothing in" if self._pattern.search(entry.header) else "does not match"
        return f"'{self._pattern.pattern}' {matches} the header {shown(entry.header)}"


class _Column(LabelSource):
    """A column of the table that the records are in."""

    def __init__(self, text: str, parameter: str, options: ReadOptions, name: str) -> None:
        super().__init__(text, parameter, options)
        self._name = self._asked = name

    def check(self, first: Entry, name: str) -> None:
        if not first.columns and first.header:
            raise InputError(
                f"{name}: there is no column '{self._asked}', this is not a table; a key in headers is read with "
                f"{param(self.parameter, f'header:{self._asked}')}"
            )
        self._name = named_column(list(first.columns), self._asked, name, param(self.parameter), lambda: self._unlabelled(name))
        if isinstance(value := first.columns[self._name], Repeated):
            raise value.error(name)

    def _unlabelled(self, name: str) -> str:
        """Return what to do with a file that may be one without labels, such as the test file of a competition."""
        if self.parameter != "label_from":
            return ""
        last = name.replace("\\", "/").rsplit("/", 1)[-1]
        return advice(f"if this file has no labels, leave it out, in a folder with {param('exclude', last)}")

    def _value(self, entry: Entry, path: Path | None) -> str | None:
        return self._cell(entry.columns.get(self._name), _where(entry, path))

    def absent(self, entry: Entry) -> str:
        if self._name not in entry.columns and entry.columns:
            return f"it has no '{self._name}', but {shown_columns(entry.columns)}"
        return f"its cell in column '{self._name}' is empty"

    def has_cell(self, entry: Entry) -> bool:
        return True


class _Table(LabelSource):
    """A table of its own, with a column of ids: FILE, or FILE:COLUMN."""

    def __init__(self, text: str, parameter: str, options: ReadOptions, location: str) -> None:
        super().__init__(text, parameter, options)
        self._table = LabelTable(location, parameter, options, self._cell)
        self.uses_id_column = self._table.has_named_ids

    def _value(self, entry: Entry, path: Path | None) -> str | None:
        return self._table.find(entry.id, made=entry.made_id)

    def has_cell(self, entry: Entry) -> bool:
        return entry.id in self._table

    def missing(self, entry: Entry, path: Path | None, others: Iterator[Entry]) -> str:
        return self._table.missing(entry.id, ((other.id, other.made_id) for other in others))

    def notes(self) -> list[str]:
        return [*self._table.notes, *self._table.findings(), *super().notes()]


class _Stem(LabelSource):
    """The name of the file, without its extensions."""

    def _value(self, entry: Entry, path: Path | None) -> str | None:
        return None if path is None else file_stem(path)


class _Folder(LabelSource):
    """The folder that the file is in."""

    def _value(self, entry: Entry, path: Path | None) -> str | None:
        return None if path is None else path.parent.name if path.parent.name not in ("", "..") else path.resolve().parent.name


_WITH_KEY: dict[str, Callable[[str, str, ReadOptions, str], LabelSource]] = {
    "header": _Header,
    "header-regex": _HeaderRegex,
    "table": _Table,
    "column": _Column,
}
_OTHER_NAMES = {
    "regex": "header-regex",
    "regexp": "header-regex",
    "col": "column",
    "field": "column",
    "csv": "table",
    "tsv": "table",
    "filename": "file",
    "stem": "file",
    "dir": "folder",
    "directory": "folder",
}
_WITHOUT_KEY: dict[str, Callable[[str, str, ReadOptions], LabelSource]] = {"file": _Stem, "folder": _Folder}


def make_label_source(text: str, parameter: str = "label_from", options: ReadOptions | None = None) -> LabelSource:
    """Return the source that a user writes as "header:KEY", "table:FILE", "file" and the like.

    Args:
        text: the source.
        parameter: the parameter that the source was given with: "label_from", "group_from" or "split_from".
        options: the separator of labels, and the encoding and delimiter of tables.

    Raises:
        InputError: there is no such source, or the file that it names cannot be read.
    """
    kind, _, key = text.partition(":")
    options = options or ReadOptions()
    if key and kind in _WITH_KEY:
        return _WITH_KEY[kind](text, parameter, options, key)
    if not key and kind in _WITHOUT_KEY:
        return _WITHOUT_KEY[kind](kind, parameter, options)
    raise InputError(
        f"{param(parameter)} must be header:KEY, header-regex:RE, table:FILE, column:NAME, file or folder: got '{text}'"
        + _meant(text, parameter)
    )


def _meant(text: str, parameter: str) -> str:
    """Return what a user may have meant with a source that is none, as an addition to a message; "" if nothing is likely."""
    text = text.strip()
    if Path(text.partition(":")[0]).is_file():
        return f"; if that is a table: {param(parameter, f'table:{text}')}"
    kind, sign, key = (
        (part.strip() for part in re.split(r"([:=])", text, maxsplit=1)) if re.search("[:=]", text) else (text, "", "")
    )
    kind = kind.casefold().replace("_", "-")
    if kind in _WITHOUT_KEY:
        return f"; nothing stands behind '{kind}'"
    near = _OTHER_NAMES.get(kind) or next(iter(get_close_matches(kind, [*_WITH_KEY, *_WITHOUT_KEY], n=1, cutoff=0.75)), None)
    if near in _WITH_KEY:
        return f"; did you mean {near}:{key or '…'}?"
    if near:
        return f"; did you mean {near}?"
    return "" if sign or not text else f"; did you mean column:{text}, or in headers header:{text}?"


def _where(entry: Entry, path: Path | None) -> str:
    return (f"{path}: " if path else "") + f"record '{entry.id}'" + (f" (line {entry.line})" if entry.line else "")


# Species in the names of files of Ensembl, assemblies in those of NCBI: Homo_sapiens.GRCh38.cdna.all.fa.gz,
# GCF_000001405.40_GRCh38.p14_rna.fna.gz
_ENSEMBL = re.compile(r"([A-Z][a-z]+_[A-Za-z0-9_]+)\..+\.(?:cdna|cds|dna|dna_rm|dna_sm|ncrna|pep)(?:\..+)?")
_NCBI = re.compile(r"(GC[AF]_\d+\.\d+(?:_.+?)?)_(?:genomic|rna|protein|cds_from_genomic|rna_from_genomic|translated_cds)")
_SEQUENCES = re.compile(r"(.+)\.(?:fa|fasta|fna|fas|faa|fastq|fq)", re.IGNORECASE)  # before .txt


def file_stem(path: Path, *, whole: bool = False) -> str:
    """Return `mouse` for `data/mouse.fa.gz`: the name without the extensions that tell its format.

    Args:
        path: the file.
        whole: keep all else of the name; otherwise only the species of a file of Ensembl, the assembly of one of NCBI.
    """
    name = unpacked_name(path.name)
    stem = name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name
    if name.lower().endswith(".txt") and (shown := _SEQUENCES.fullmatch(stem)):  # by editors and systems that hide endings
        stem = shown[1]
    known = None if whole else _ENSEMBL.fullmatch(stem) or _NCBI.fullmatch(stem)
    return known[1] if known else stem
