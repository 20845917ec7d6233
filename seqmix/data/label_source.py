"""Where the label, the group or the split of a record is read from."""

from __future__ import annotations

import re
from pathlib import Path

from seqmix.data.options import TABLE_FORMATS
from seqmix.data.readers.entry import Entry, TableOptions
from seqmix.data.readers.formats import detect_format, parse
from seqmix.data.readers.opening import open_stream, reading, unpacked_name
from seqmix.errors import InputError


class LabelSource:
    """Where a label, a group or a split is read from, written as the user writes it.

    `header:KEY` (KEY:value, KEY=value or [KEY=value] in the header; a qualifier in GenBank), `header-regex:RE`
    (its first group), `table:FILE` (columns id and value, or `table:FILE:COLUMN`), `column:NAME`, `file` (the
    stem), `folder`.
    """

    KINDS = ("header", "header-regex", "table", "column", "file", "folder")

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.separator: str | None = None  # between the labels of a record
        self.flag = "--group" if what == "group" else f"--{what}-from"
        self.kind, _, self.key = text.partition(":")
        if self.kind not in self.KINDS or (not self.key and self.kind not in ("file", "folder")):
            raise InputError(
                f"{self.flag} must be header:KEY, header-regex:RE, table:FILE, column:NAME, file or folder: got '{text}'"
            )
        self._table: dict[str, str] = {}
        if self.kind == "header":
            key = re.escape(self.key) + "[:=]"
            self._pattern = re.compile(rf'\[{key}([^\];]*)[\];]|(?:^|[\s|;]){key}(?:"([^"]*)"|([^\s|;\]]+))')
        elif self.kind == "header-regex":
            try:
                self._pattern = re.compile(self.key)
            except re.error as error:
                raise InputError(f"{self.flag}: '{self.key}' is no regular expression: {error}") from error
            if self._pattern.groups < 1:
                raise InputError(f"{self.flag}: '{self.key}' needs a group (…) around the part that is the {what}")
        elif self.kind == "table":
            self._table = _read_key_table(self.key, what, self.flag)

    def check(self, first: Entry, name: str) -> None:
        """Raises an `InputError` where the first entry of the file `name` has not the column asked for."""
        if self.kind == "column" and self.key not in first.columns:
            columns = ", ".join(first.columns) or "none, this is no table"
            raise InputError(f"{name}: there is no column '{self.key}' for {self.flag}; the columns are: {columns}")

    def find(self, entry: Entry, path: Path | None) -> str | None:
        """The value for an entry of the file `path`, or None."""
        if self.kind in ("header", "header-regex"):
            if self.kind == "header" and self.key in entry.columns:
                return str(entry.columns[self.key])
            match = self._pattern.search(entry.header)
            return next((group for group in match.groups() if group is not None), None) if match else None
        if self.kind in ("table", "column"):
            value = self._table.get(entry.id) if self.kind == "table" else entry.columns.get(self.key)
            if isinstance(value, list) and self.separator:  # JSON says several labels in its own way
                value = self.separator.join(map(str, value))
            return None if value is None else str(value).strip() or None
        if path is None:
            return None
        return file_stem(path) if self.kind == "file" else path.parent.name

    def has_cell(self, entry: Entry) -> bool:
        """Whether a table has a cell for an entry, empty though it may be."""
        return self.kind == "column" or entry.id in self._table


def _read_key_table(location: str, what: str, flag: str) -> dict[str, str]:
    """id -> value, from a CSV, TSV or JSONL file with a header."""
    name, _, column = location.partition(":") if not Path(location).exists() else (location, "", "")
    path = Path(name)
    if not path.is_file():
        raise InputError(f"{flag}: there is no file '{name}'")
    with reading(name), path.open("rb") as raw:
        stream = open_stream(raw, name)
        head = stream.peek(4096)
        kind = detect_format(head, name, "utf-8")
        if kind not in TABLE_FORMATS:
            kind = "tsv" if b"\t" in head.split(b"\n", 1)[0] else "csv"
        first = head.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip()
        names = [cell.strip().strip('"') for cell in first.split("\t" if kind == "tsv" else ",")]
        id_column = "id" if "id" in names or kind == "jsonl" else names[0]
        value = column or (what if what in names or kind == "jsonl" else names[min(1, len(names) - 1)])
        options = TableOptions(text_column=value, id_column=id_column)
        return {entry.id: str(entry.text) for entry in parse(stream, kind, name, options)}


def file_stem(path: Path) -> str:
    """`mouse` for `data/mouse.fa.gz`: the name without what tells its format."""
    name = unpacked_name(path.name)
    return name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name
