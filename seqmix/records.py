"""Inputs - files, folders, standard input - to a stream of records with labels, groups and splits.

Where a label comes from, unless the user says it: several FASTA files: the file's stem; a folder of folders: the
folder; one FASTA file: `label=…` or `class=…` in the header; a table: a column named label, class, target or y.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from seqmix.errors import InputError
from seqmix.formats import (
    BLOCK,
    ENDINGS,
    FORMATS,
    SEQUENCE_FORMATS,
    TABLE_FORMATS,
    Entry,
    TableOptions,
    detect_format,
    open_stream,
    parse,
    reading,
)

LABEL_COLUMNS = ("label", "class", "target", "y")
_LABEL_IN_HEADER = re.compile(r"(?:^|[\s|;\[])(label|class)=")


@dataclass(slots=True)
class Record:
    """One sequence or document.

    `text` is `bytes` for a sequence as it stands in its file (white space included), `str` for a document, and an array
    for a sequence of numbers.
    `label`, `group` and `split` are None where nothing says them; its `str` names file, record and line.
    `pair` is the second text, where a record is a pair of them.
    """

    id: str
    text: bytes | str | NDArray[Any]
    label: str | None
    group: str | None
    split: str | None
    source: str
    line: int
    pair: bytes | str | NDArray[Any] | None = None

    def __str__(self) -> str:
        return _place(self.source, self.id, self.line)


def _place(source: str, identifier: str, line: int) -> str:
    return f"{source}: record '{identifier}'" + (f" (line {line})" if line else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """How inputs are read.

    Attributes:
        format: one of `FORMATS`, or "auto": by content.
        encoding: of documents and tables, as Python names it.
        text_column, id_column: of tables; None: the usual names.
        pair_column: of tables whose records are pairs of texts: where the second one is.
        label_separator: a record may have several labels, which stand in one text with this between them.
        label_from, group_from, split_from: None, or a source such as "header:gene" (see `KeySource`).
        classes: keep only records of these classes; empty: all.
        skip_unlabelled: leave out records whose label is missing instead of stopping.
    """

    format: str = "auto"
    encoding: str = "utf-8"
    text_column: str | None = None
    id_column: str | None = None
    pair_column: str | None = None
    label_from: str | None = None
    label_separator: str | None = None
    group_from: str | None = None
    split_from: str | None = None
    classes: tuple[str, ...] = ()
    skip_unlabelled: bool = False

    def __post_init__(self) -> None:
        if self.format not in ("auto", *FORMATS):
            raise InputError(f"--input-format must be auto, {', '.join(FORMATS)}: got '{self.format}'")
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise InputError(f"--encoding: Python knows no encoding '{self.encoding}'; try utf-8 or latin-1") from error


class KeySource:
    """Where a label, a group or a split is read from, written as the user writes it.

    `header:KEY` (KEY:value, KEY=value or [KEY=value] in the header; a qualifier in GenBank), `header-regex:RE`
    (its first group), `table:FILE` (columns id and value, or `table:FILE:COLUMN`), `column:NAME`, `file` (the
    stem), `folder`.
    """

    KINDS = ("header", "header-regex", "table", "column", "file", "folder")

    def __init__(self, text: str, what: str) -> None:
        self.text = text
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
            return None if value is None else str(value).strip() or None
        if path is None:
            return None
        return file_stem(path) if self.kind == "file" else path.parent.name


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


@dataclass(slots=True)
class Source:
    """One input file (path None: standard input) and what its place says of its records."""

    path: Path | None
    split: str | None = None
    folder_class: str | None = None
    inner: str = ""  # its path inside a folder that was given; the id of a document
    sha256: str = ""
    format: str = ""

    @property
    def name(self) -> str:
        return str(self.path) if self.path else "standard input"


def file_stem(path: Path) -> str:
    """`mouse` for `data/mouse.fa.gz`: the name without what tells its format."""
    name = path.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name


def find_sources(inputs: Sequence[str | Path], split: str | None = None) -> list[Source]:
    """The files that `inputs` stand for; folders are searched, `-` is standard input.

    Raises:
        InputError: a path does not exist, or a folder holds nothing that can be read.
    """
    sources: list[Source] = []
    for given in inputs:
        path = Path(given)
        if str(given) == "-":
            sources.append(Source(None, split))
        elif path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.is_file() and _readable(p, path))
            if not files:
                raise InputError(f"{path}: no readable file in this folder (FASTA, FASTQ, GenBank, CSV, TSV, JSONL, .txt)")
            for file in files:
                inner = file.relative_to(path).parts
                sources.append(Source(file, split, inner[0] if len(inner) > 1 else None, "/".join(inner)))
        elif path.exists():
            sources.append(Source(path, split))
        else:
            raise InputError(f"{path}: no such file or folder")
    return sources


def _readable(path: Path, root: Path) -> bool:
    inner = path.relative_to(root).parts
    return path.name.lower().removesuffix(".gz").endswith(ENDINGS) and not any(p.startswith(".") for p in inner)


class RecordReader:
    """Iterates over the records of some sources, in order, and remembers what it met on the way.

    Attributes:
        label_from: the label source that was used: the user's, or the one found by looking.
        is_sequence: whether the first file is of a sequence format.
        unlabelled: records left out for want of a label; other_class: those of classes not asked for.
    """

    def __init__(self, sources: Sequence[Source], options: ReadOptions, *, labels: bool = True) -> None:
        self.sources = list(sources)
        self.options = options
        self.wants_labels = labels
        self.label_from = options.label_from if labels else None
        self._label = KeySource(options.label_from, "label") if labels and options.label_from else None
        self._group = KeySource(options.group_from, "group") if labels and options.group_from else None
        self._split = KeySource(options.split_from, "split") if labels and options.split_from else None
        # Files of one split, that is: train.fa, val.fa and test.fa are no classes.
        files = {s.path for s in sources if s.folder_class is None and s.path and s.split == sources[0].split}
        self._by_file = labels and len(files) > 1
        self.is_sequence = True
        self.unlabelled = 0
        self.other_class = 0
        self.seen_classes: set[str] = set()

    def __iter__(self) -> Iterator[Record]:
        for number, source in enumerate(self.sources):
            with ExitStack() as stack:
                raw, hasher = _open_source(source, stack)
                stream = open_stream(raw, source.name)
                with reading(source.name):
                    head = stream.peek(65536)
                kind = self.options.format
                if kind == "auto":
                    kind = detect_format(head, source.name, self.options.encoding)
                source.format = kind
                if number == 0:
                    self.is_sequence = kind in SEQUENCE_FORMATS
                yield from self._records(stream, kind, source)
                source.sha256 = hasher.finish()

    def _records(self, stream: BinaryIO, kind: str, source: Source) -> Iterator[Record]:
        given = self.options
        options = TableOptions(given.text_column, given.id_column, given.encoding, given.pair_column)
        entries = parse(stream, kind, source.name, options)
        first = next(entries, None)
        if first is None:
            raise InputError(f"{source.name}: no {kind} record in this file; leave it out or make it again")
        label_source = (self._label or self._find_label_source(first, kind, source)) if self.wants_labels else None
        if label_source and self.label_from is None:
            self.label_from = label_source.text
        for asked in (label_source, self._group, self._split):
            if asked:
                asked.check(first, source.name)
        classes = set(self.options.classes)
        name, path, folder = source.name, source.path, source.folder_class
        for entry in chain((first,), entries):
            if kind == "text" and source.inner:
                entry.id = source.inner
            label = label_source.find(entry, path) if label_source else folder
            if label_source and label is None and self.options.label_separator and label_source.kind == "column":
                label = ""  # an empty cell: none of the labels
            if label_source and label is None:
                if not self.options.skip_unlabelled:
                    raise InputError(
                        f"{_place(name, entry.id, entry.line)}: no label from '{label_source.text}'; "
                        "seqmix prepare leaves such records out with --skip-unlabelled"
                    )
                self.unlabelled += 1
                continue
            if classes and label is not None:
                label = self._wanted(label, classes)
            if classes and label is None:
                self.other_class += 1
                continue
            group = self._group.find(entry, path) if self._group else None
            split = self._split.find(entry, path) if self._split else source.split
            yield Record(entry.id, entry.text, label, group, split, name, entry.line, entry.pair)

    def _wanted(self, label: str, classes: set[str]) -> str | None:
        """The label, or of several those asked for; None: it is not."""
        separator = self.options.label_separator
        parts = [part.strip() for part in label.split(separator)] if separator else [label]
        self.seen_classes.update(parts)
        kept = [part for part in parts if part in classes]
        return (separator or "").join(kept) if kept else None

    def _find_label_source(self, first: Entry, kind: str, source: Source) -> KeySource | None:
        """What the file's place, header or columns offer as labels."""
        if source.folder_class is not None:
            return None
        if kind in TABLE_FORMATS:
            names = {name.strip().lower(): name for name in first.columns}
            column = next((names[name] for name in LABEL_COLUMNS if name in names), None)
            return KeySource(f"column:{column}", "label") if column else None
        if kind not in SEQUENCE_FORMATS:
            return None
        if self._by_file:
            return KeySource("file", "label")
        match = _LABEL_IN_HEADER.search(first.header)
        return KeySource(f"header:{match.group(1)}", "label") if match else None


class _HashingRaw(io.RawIOBase):
    """A raw stream that computes the SHA-256 of what passes through it."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw = raw
        self._hasher = hashlib.sha256()
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.raw.read(len(buffer))
        # A pipe may hand over a few bytes: the first read gathers enough to tell the format from.
        while not self._begun and len(data) < min(4096, len(buffer)) and (more := self.raw.read(len(buffer) - len(data))):
            data += more
        self._begun = True
        self._hasher.update(data)
        buffer[: len(data)] = data
        return len(data)

    def finish(self) -> str:
        """Reads what is left and returns the digest of the whole."""
        while data := self.raw.read(BLOCK):
            self._hasher.update(data)
        return self._hasher.hexdigest()


def _open_source(source: Source, stack: ExitStack) -> tuple[BinaryIO, _HashingRaw]:
    try:
        if source.path is None:
            raw: BinaryIO = sys.stdin.buffer
        else:
            raw = stack.enter_context(source.path.open("rb", buffering=0))
    except OSError as error:
        raise InputError(f"{source.name}: cannot be opened: {error.strerror}") from error
    hashing = _HashingRaw(raw)
    return io.BufferedReader(hashing, BLOCK), hashing
