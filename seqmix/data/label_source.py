"""Where the label, the group or the split of a record is read from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqmix.data.options import TABLE_FORMATS
from seqmix.data.readers.entry import Entry, TableOptions
from seqmix.data.readers.formats import detect_format, parse
from seqmix.data.readers.opening import open_stream, reading, unpacked_name
from seqmix.errors import InputError, param


class LabelSource(ABC):
    """Where a label, a group or a split is read from; `make_label_source` makes one from the user's text.

    Attributes:
        text: the source as the user writes it, such as "header:gene".
        parameter: the parameter that the source was given with, for messages.
        separator: the text between the labels of a record; None if a record has only one label.
    """

    def __init__(self, text: str, parameter: str) -> None:
        self.text, self.parameter = text, parameter
        self.separator: str | None = None

    def check(self, first: Entry, name: str) -> None:
        """Raise an `InputError` if the first entry of the file `name` shows that the source is not in this file."""
        return

    @abstractmethod
    def find(self, entry: Entry, path: Path | None) -> str | None:
        """Return the value for an entry; None if it has none.

        Args:
            entry: the entry.
            path: the file that holds it; None for standard input.
        """

    def has_cell(self, entry: Entry) -> bool:
        """Return whether a table has a cell for an entry, even an empty one."""
        return False

    def _cell(self, value: Any) -> str | None:
        """Return the text of a cell; None if it is missing or empty."""
        if isinstance(value, list) and self.separator:  # how JSON writes several labels
            value = self.separator.join(map(str, value))
        return None if value is None else str(value).strip() or None


class _Header(LabelSource):
    """KEY:value, KEY=value or [KEY=value] in the header; a qualifier in GenBank."""

    def __init__(self, text: str, parameter: str, key: str) -> None:
        super().__init__(text, parameter)
        self._key, name = key, re.escape(key) + "[:=]"
        self._pattern = re.compile(rf'\[{name}([^\];]*)[\];]|(?:^|[\s|;]){name}(?:"([^"]*)"|([^\s|;\]]+))')

    def find(self, entry: Entry, path: Path | None) -> str | None:
        if self._key in entry.columns:
            return str(entry.columns[self._key])
        return _first_group(self._pattern.search(entry.header))


class _HeaderRegex(LabelSource):
    """The first group of a regular expression."""

    def __init__(self, text: str, parameter: str, expression: str) -> None:
        super().__init__(text, parameter)
        try:
            self._pattern = re.compile(expression)
        except re.error as error:
            raise InputError(f"{param(parameter)}: '{expression}' is not a regular expression: {error}") from error
        if self._pattern.groups < 1:
            what = parameter.removesuffix("_from")
            raise InputError(f"{param(parameter)}: '{expression}' needs a group (…) around the part that is the {what}")

    def find(self, entry: Entry, path: Path | None) -> str | None:
        return _first_group(self._pattern.search(entry.header))


class _Column(LabelSource):
    """A column of the table that the records are in."""

    def __init__(self, text: str, parameter: str, name: str) -> None:
        super().__init__(text, parameter)
        self._name = name

    def check(self, first: Entry, name: str) -> None:
        if self._name not in first.columns:
            columns = ", ".join(first.columns) or "none, this is not a table"
            raise InputError(
                f"{name}: there is no column '{self._name}' for {param(self.parameter)}; the columns are: {columns}"
            )

    def find(self, entry: Entry, path: Path | None) -> str | None:
        return self._cell(entry.columns.get(self._name))

    def has_cell(self, entry: Entry) -> bool:
        return True


class _Table(LabelSource):
    """A table of its own, with a column of ids: FILE, or FILE:COLUMN."""

    def __init__(self, text: str, parameter: str, location: str) -> None:
        super().__init__(text, parameter)
        self._values = _read_table(location, parameter)

    def find(self, entry: Entry, path: Path | None) -> str | None:
        return self._cell(self._values.get(entry.id))

    def has_cell(self, entry: Entry) -> bool:
        return entry.id in self._values


class _Stem(LabelSource):
    """The name of the file, without its extensions."""

    def find(self, entry: Entry, path: Path | None) -> str | None:
        return None if path is None else file_stem(path)


class _Folder(LabelSource):
    """The folder that the file is in."""

    def find(self, entry: Entry, path: Path | None) -> str | None:
        return None if path is None else path.parent.name


_WITH_KEY: dict[str, Callable[[str, str, str], LabelSource]] = {
    "header": _Header,
    "header-regex": _HeaderRegex,
    "table": _Table,
    "column": _Column,
}
_WITHOUT_KEY: dict[str, Callable[[str, str], LabelSource]] = {"file": _Stem, "folder": _Folder}


def make_label_source(text: str, parameter: str = "label_from") -> LabelSource:
    """Return the source that a user writes as "header:KEY", "table:FILE", "file" and the like.

    Args:
        text: the source.
        parameter: the parameter that the source was given with: "label_from", "group_from" or "split_from".

    Raises:
        InputError: there is no such source, or the file that it names cannot be read.
    """
    kind, _, key = text.partition(":")
    if key and kind in _WITH_KEY:
        return _WITH_KEY[kind](text, parameter, key)
    if kind in _WITHOUT_KEY:
        return _WITHOUT_KEY[kind](text, parameter)
    raise InputError(
        f"{param(parameter)} must be header:KEY, header-regex:RE, table:FILE, column:NAME, file or folder: got '{text}'"
    )


def _first_group(match: re.Match[str] | None) -> str | None:
    return next((group for group in match.groups() if group is not None), None) if match else None


def _read_table(location: str, parameter: str) -> dict[str, str]:
    """Return the values of a CSV, TSV or JSONL file with a header, by id."""
    name, _, column = location.partition(":") if not Path(location).exists() else (location, "", "")
    path = Path(name)
    if not path.is_file():
        raise InputError(f"{param(parameter)}: there is no file '{name}'")
    with reading(name), path.open("rb") as raw:
        stream = open_stream(raw, name)
        kind, names = _table_header(stream.peek(4096), name)
        what = parameter.removesuffix("_from")
        id_column = "id" if "id" in names or kind == "jsonl" else names[0]
        value = column or (what if what in names or kind == "jsonl" else names[min(1, len(names) - 1)])
        options = TableOptions(text_column=value, id_column=id_column)
        return {entry.id: str(entry.text) for entry in parse(stream, kind, name, options)}


def _table_header(head: bytes, name: str) -> tuple[str, list[str]]:
    """Return the format of a table and the names of its columns, from its first bytes."""
    kind = detect_format(head, name, "utf-8")
    first = head.split(b"\n", 1)[0]
    if kind not in TABLE_FORMATS:
        kind = "tsv" if b"\t" in first else "csv"
    cells = first.decode("utf-8-sig", "replace").strip().split("\t" if kind == "tsv" else ",")
    return kind, [cell.strip().strip('"') for cell in cells]


def file_stem(path: Path) -> str:
    """Return `mouse` for `data/mouse.fa.gz`: the name without the extensions that tell its format."""
    name = unpacked_name(path.name)
    return name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name
