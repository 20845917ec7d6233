"""Inputs - files, folders, standard input - to a stream of records with labels, groups and splits.

Where a label comes from, unless the user says it: several FASTA files: the file's stem; a folder of folders: the
folder; one FASTA file: `label=…` or `class=…` in the header; a table: a column named label, class, target or y.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from seqmix.data.label_source import LabelSource, make_label_source
from seqmix.data.options import SEQUENCE_FORMATS, TABLE_FORMATS, ReadOptions
from seqmix.data.readers.entry import Entry, TableOptions
from seqmix.data.readers.formats import detect_format, parse
from seqmix.data.readers.opening import BLOCK, Hashing, open_stream, reading
from seqmix.data.readers.releases import RELEASE_FORMATS, Source, find_release, listed, parse_release, readable, recognise
from seqmix.errors import ConfigError, InputError

LABEL_COLUMNS = ("label", "class", "target", "y")
_LABEL_IN_HEADER = re.compile(r"(?:^|[\s|;\[])(label|class)=")


@dataclass(slots=True)
class Record:
    """One sequence or document.

    `text` is `bytes` for a sequence as it stands in its file (white space included), `str` for a document, and an array
    for a sequence of numbers.
    `label`, `group` and `split` are None where nothing says them; its `str` names file, record and line.
    `pair` is the second text, where a record is a pair of them; `stratum` what each split has its share of, beside classes.
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


def _place(source: str, identifier: str, line: int) -> str:
    place = f"record '{identifier}'" + (f" (line {line})" if line else "")
    return f"{source}: {place}" if source else place


def find_sources(
    inputs: Iterable[str | Path] | str | Path,
    split: str | None = None,
    *,
    own_formats: bool = True,
    in_memory: str = "records",
) -> list[Source]:
    """Return the files that `inputs` stand for; folders are searched, `-` is standard input.

    Args:
        inputs: files and folders.
        split: of all of them; None for what a release says of its files.
        own_formats: whether files of a release are read in its format; no, where the user says another.
        in_memory: the Python parameter for what is in memory and not in a file.

    Raises:
        InputError: a path does not exist, or a folder holds nothing that can be read.
    """
    sources: list[Source] = []
    for given in inputs if isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes) else [inputs]:
        path = _existing(given, in_memory)
        if path is None:
            sources.append(Source(None))
        elif path.is_dir():
            sources += find_release(path, own_formats) or _files_in(path, own_formats)
        else:
            sources.append((recognise(path) if own_formats else None) or Source(path))
    # A split that all have in common, such as that of a single file, divides nothing.
    if split or len({source.split for source in sources}) == 1:
        for source in sources:
            source.split = split
    return sources


def _existing(given: object, in_memory: str) -> Path | None:
    """Return the path of a file or folder that exists; None for standard input.

    Raises:
        InputError: it does not exist, or is not a path at all but, it seems, a sequence.
    """
    if not isinstance(given, str | Path):
        raise InputError(f"a file or folder must be given by its path, got {given!r:.60}; {_elsewhere(in_memory)}")
    if str(given) == "-":
        return None
    try:
        if Path(given).exists():
            return Path(given)
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        pass
    text = str(given)
    path_like = isinstance(given, Path) or (text.isprintable() and len(text) < 256 and ("." in text or "/" in text))
    sequence = not path_like
    shown = f"{text[:57]}..." if sequence and len(text) > 60 else text
    raise InputError(f"{shown}: no such file or folder" + (f"; {_elsewhere(in_memory)}" if sequence else ""))


def _elsewhere(in_memory: str) -> str:
    return f"what is not in a file but in memory is passed in Python as {in_memory}=[...]"


def _files_in(folder: Path, own_formats: bool) -> list[Source]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and readable(p, folder))
    if not files:
        raise InputError(f"{folder}: no readable file in this folder (FASTA, FASTQ, GenBank, CSV, TSV, JSONL, .txt)")
    sources = []
    for file in files:
        inner = file.relative_to(folder).parts
        plain = Source(file, None, inner[0] if len(inner) > 1 else None, "/".join(inner))
        sources.append((recognise(file) if own_formats else None) or plain)
    return sources


def parse_class_files(texts: Sequence[str]) -> dict[str, list[str | Path]]:
    """ "turtle=a.fa,b.fa" and the like to the files of each class.

    Raises:
        ConfigError: there is no "=", no name before it, or no file behind it.
    """
    found: dict[str, list[str | Path]] = {}
    for text in texts:
        name, _, files = (part.strip() for part in text.partition("="))
        paths = [file.strip() for file in files.split(",")]
        if not name or not all(paths):
            raise ConfigError(f"--class must be NAME=FILE or NAME=FILE,FILE,…, such as turtle=a.fa.gz,b.fa.gz: got '{text}'")
        found.setdefault(name, []).extend(paths)
    return found


def class_sources(class_files: Mapping[str, Sequence[str | Path]]) -> list[Source]:
    """The files of each class; a folder stands for all files in it.

    Raises:
        InputError: a file does not exist, or is said to be of two classes.
    """
    sources: dict[Path | None, Source] = {}
    for name, files in class_files.items():
        for source in chain.from_iterable(map(_plain_sources, map(Path, files))):
            source.folder_class = name
            if (earlier := sources.setdefault(source.path, source)) is not source:
                raise InputError(f"{source.name}: this file is given twice with --class: '{earlier.folder_class}' and '{name}'")
    return list(sources.values())


def _plain_sources(path: Path) -> list[Source]:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    return _files_in(path, own_formats=False) if path.is_dir() else [Source(path)]


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
        self._label = make_label_source(options.label_from, "label_from") if labels and options.label_from else None
        self._group = make_label_source(options.group_from, "group_from") if labels and options.group_from else None
        self._split = make_label_source(options.split_from, "split_from") if labels and options.split_from else None
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
                    kind = source.format or detect_format(head, source.name, self.options.encoding)
                source.format = kind
                if number == 0:
                    self.is_sequence = kind in SEQUENCE_FORMATS
                yield from self._records(stream, kind, source)
                source.sha256 = hasher.finish()

    def notes(self) -> list[str]:
        """What was recognised, and what of it was left out, in words."""
        releases = {source.release: None for source in self.sources if source.release}
        found = [f"read as: {name}" for name in dict.fromkeys(release.name for release in releases)]
        found += [note for release in releases for note in release.notes]
        empty = [name for source in self.sources for name in source.left_out]
        return [*found, f"left out: {listed(empty, 'empty image')}"] if empty else found

    def inputs(self) -> list[dict[str, str]]:
        """Every file that was read: its name, format and SHA-256. Images in a folder are hashed one after the other."""
        files = [(s.name, s.format, s.sha256) for s in self.sources]
        files += [(name, s.format, digest) for s in self.sources for name, digest in s.companions.items()]
        return [{"file": file, "format": kind, "sha256": digest} for file, kind, digest in dict.fromkeys(files)]

    def _records(self, stream: BinaryIO, kind: str, source: Source) -> Iterator[Record]:
        given = self.options
        options = TableOptions(given.text_column, given.id_column, given.encoding, given.pair_column)
        if kind in RELEASE_FORMATS:
            entries = parse_release(stream, source, self.options.encoding)
        else:
            entries = parse(stream, kind, source.name, options)
        yield from self.labelled(entries, kind, source, source.name)

    def labelled(self, entries: Iterator[Entry], kind: str, source: Source, name: str) -> Iterator[Record]:
        """Yield entries as records: with label, group and split, and without those that the options leave out.

        Args:
            entries: of one source.
            kind: the format of the source.
            source: what its place says of its records.
            name: the name of the source in messages; "" if it has none.
        """
        first = next(entries, None)
        if first is None:
            raise InputError(f"{name}: no {kind} record in this file; leave it out or make it again")
        label_source = (self._label or self._find_label_source(first, kind, source)) if self.wants_labels else None
        if label_source and self.label_from is None:
            self.label_from = label_source.text
        if label_source:
            label_source.separator = self.options.label_separator
        for asked in (label_source, self._group, self._split):
            if asked:
                asked.check(first, name)
        classes = set(self.options.classes)
        path, folder = source.path, source.folder_class
        for entry in chain((first,), entries):
            if kind == "text" and source.inner:
                entry.id = source.inner
            label = label_source.find(entry, path) if label_source else folder
            if label_source and label is None and self.options.label_separator and label_source.has_cell(entry):
                label = ""  # it is empty: none of the labels
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
            yield Record(entry.id, entry.text, label, group, split, name, entry.line, entry.pair, source.stratum)

    def _wanted(self, label: str, classes: set[str]) -> str | None:
        """The label, or of several those asked for; None: it is not."""
        separator = self.options.label_separator
        parts = [part.strip() for part in label.split(separator)] if separator else [label]
        self.seen_classes.update(parts)
        kept = [part for part in parts if part in classes]
        return (separator or "").join(kept) if kept else None

    def _find_label_source(self, first: Entry, kind: str, source: Source) -> LabelSource | None:
        """What the file's place, header or columns offer as labels."""
        if source.folder_class is not None:
            return None
        if kind in (*TABLE_FORMATS, *RELEASE_FORMATS, "memory"):
            names = {name.strip().lower(): name for name in first.columns}
            column = next((names[name] for name in LABEL_COLUMNS if name in names), None)
            return make_label_source(f"column:{column}") if column else None
        if kind not in SEQUENCE_FORMATS:
            return None
        if self._by_file:
            return make_label_source("file")
        match = _LABEL_IN_HEADER.search(first.header)
        return make_label_source(f"header:{match.group(1)}") if match else None


def _open_source(source: Source, stack: ExitStack) -> tuple[BinaryIO, Hashing]:
    try:
        if source.path is None:
            raw: BinaryIO = sys.stdin.buffer
        else:
            raw = stack.enter_context(source.path.open("rb", buffering=0))
    except OSError as error:
        raise InputError(f"{source.name}: cannot be opened: {error.strerror}") from error
    hashing = Hashing(raw)
    return io.BufferedReader(hashing, BLOCK), hashing
