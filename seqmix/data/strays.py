"""Files in a folder that only accompany the data: about it, empty, or tables without texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.data.options import ReadOptions
from seqmix.data.readers.columns import LABEL_COLUMNS, TEXT_COLUMNS, plain
from seqmix.data.readers.delimited import Delimited
from seqmix.data.readers.encodings import in_utf8
from seqmix.data.readers.entry import TableOptions
from seqmix.data.readers.formats import detect_format
from seqmix.data.readers.json_rows import json_rows
from seqmix.data.readers.opening import open_stream, unpacked_name
from seqmix.data.splits.names import word_of
from seqmix.errors import SeqmixError

# Files about the data: README.txt, 00_ABOUT.txt, LICENSE, md5sums.txt, dataset_infos.json
_ABOUT = re.compile(
    r"(\d+[._ -]?)?(read[_-]?me([._ -].*)?|about|licen[cs]es?|copying|copyright|notice|disclaimer|terms([_ -]of[_ -]use)?|"
    r"authors?|contributors?|credits|acknowledge?ments?|citation|changelog|change_?log|manifest|"
    r"dataset_(infos?|dict|metadata)|dataset-metadata|state|(md5|sha\d+)?_?checksums?|(md5|sha\d+)(sums?)?)"
)
_ONLY_JSON = {"state"}  # of the names above
_SMALL = 256  # bytes
_LONG = 20  # characters of a cell that may be a text


def is_about(file: Path) -> bool:
    """Return whether the name of a file says that it is about the data."""
    name = unpacked_name(file.name.lower())
    stem = name.rpartition(".")[0] or name
    return bool(_ABOUT.fullmatch(stem)) and (stem not in _ONLY_JSON or name.endswith(".json"))


def is_blank(file: Path) -> bool:
    """Return whether there is nothing, or white space only, in a file."""
    try:
        if file.stat().st_size > _SMALL:
            return False
        with file.open("rb") as raw:
            return not open_stream(raw, str(file)).read(_SMALL).strip()
    except (SeqmixError, OSError):
        return False


def without_texts(tables: Sequence[Path], read: ReadOptions) -> list[Path]:
    """Return the tables without a column of texts, such as labels and settings, if others have one.

    A table with long cells is not among them, nor one that is named as a split if no other is of this split: that no column of
    theirs is named as texts are is an error.
    """
    first = {file: _first_row(file, read) for file in tables}
    wanted = {plain(read.text_column)} if read.text_column else set(TEXT_COLUMNS)
    found = {file: row is not None and bool(wanted & set(map(plain, row))) for file, row in first.items()}
    if not any(found.values()):
        return []
    splits = {_split(file) for file in tables if found[file]}
    return [file for file, row in first.items() if not found[file] and _split(file) in splits | {None} and _is_other(file, row)]


def has_labels(file: Path, read: ReadOptions) -> bool:
    """Return whether a table has a column that is named as those of labels are."""
    row = _first_row(file, read)
    return row is not None and len(row) > 1 and bool(set(LABEL_COLUMNS) & set(map(plain, row)))


def _split(file: Path) -> str | None:
    """Return the split that the name of a file tells; None if it tells none."""
    told = word_of(unpacked_name(file.name).rpartition(".")[0])
    return told[0] if told else None


def _is_other(file: Path, row: Mapping[str, Any] | None) -> bool:
    """Return whether a file is a table of short cells, or JSON of another form than rows."""
    if row is None:
        return unpacked_name(file.name.lower()).endswith(".json")
    return not any(isinstance(cell, str) and len(cell) >= _LONG for cell in row.values())


def _first_row(file: Path, read: ReadOptions) -> Mapping[str, Any] | None:
    """Return the first row of a table, or its header with empty cells if it has no other row; None if it cannot be read."""
    name = str(file)
    try:
        with file.open("rb") as raw:
            stream, encoding = in_utf8(open_stream(raw, name), name, read.encoding)
            kind = detect_format(stream.peek(65536), name, encoding)
            options = TableOptions(encoding=encoding, delimiter=read.delimiter)
            if kind == "jsonl":
                return next((row.cells for row in json_rows(stream, name, options)), None)
            if kind not in ("csv", "tsv"):
                return None
            table = Delimited(stream, name, "\t" if kind == "tsv" else ",", options)
            return next((row for _, row in table), dict.fromkeys(table.columns, ""))
    except (SeqmixError, OSError):
        return None
