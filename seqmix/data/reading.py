"""Reading the records of files and standard input, one after the other, in constant memory.

Where a label comes from, unless the user says it: FASTA files: `label=…` or `class=…` in the headers, or else the folder in
a folder of folders, or the file's stem; a table: a column named label, class, target or y, or else the folder; documents: the
folder.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np

from seqmix.data.options import SEQUENCE_FORMATS, TABLE_FORMATS, ReadOptions
from seqmix.data.origins import name_by_file, notes_on_places, origins_of, prefer_headers, text_place, unused_folders
from seqmix.data.readers.encodings import in_utf8, noting_unlikely
from seqmix.data.readers.entry import Entry, TableOptions
from seqmix.data.readers.formats import detect_format, is_table_by_name, parse
from seqmix.data.readers.opening import BLOCK, BrokenOffError, Hashing, open_stream, reading
from seqmix.data.readers.releases import RELEASE_FORMATS, Source, listed, parse_release
from seqmix.data.readers.table_texts import first_lines, looks_like_table
from seqmix.data.readers.text_lines import remark_on_lines
from seqmix.data.records import LabelFindings, Labeller, Record
from seqmix.data.splits.column import SplitColumn
from seqmix.data.vocabulary import AlphabetsOfFiles, Vocabulary
from seqmix.errors import InputError
from seqmix.reporting.text import counted
from seqmix.system.unchanged import FileState, refuse_change, unchanging


class RecordReader:
    """The records of some sources, in order, as a `RecordStream`.

    Args:
        sources: where they are.
        options: how they are read.
        labels: whether labels, groups and splits are wanted.
        split_stated: the option by which the user says how records are divided; "" if there is none.
        keep_unreadable: whether a document that cannot be read is a record with an error, rather than an error, and what was
            read of a file that breaks off is kept.
        like: how the training data were read, if new data should be read the same way; the delimiter may differ.
        model: the vocabulary of the model that new data are for.

    Attributes:
        is_sequence: whether the first file is of a sequence format.
        labels: what was found where labels were expected.
        broken_off: why files were not read to their ends, with marks (see `seqmix.errors`).
    """

    def __init__(
        self,
        sources: Sequence[Source],
        options: ReadOptions,
        *,
        labels: bool = True,
        split_stated: str = "",
        like: ReadOptions | None = None,
        keep_unreadable: bool = False,
        model: Vocabulary | None = None,
    ) -> None:
        self.sources = list(sources)
        self._keep_unreadable = keep_unreadable
        self.options = options
        self._must_have_delimiter = like is None or like.delimiter != options.delimiter
        self._notes: list[str] = []
        by_file = labels and name_by_file(self.sources, self._notes)
        if labels and not options.label_from:
            by_file = prefer_headers(self.sources, self._notes, by_file=by_file, form=options.format)
        if options.label_from and options.label_from != "file":
            self._notes.clear()
        self._labeller = Labeller(options, labels=labels, by_file=by_file, split_stated=split_stated)
        self.labels: LabelFindings = self._labeller.found
        self.is_sequence = True
        self.broken_off: list[str] = []
        self._of_sequences = model is not None and model.letters > 0
        self._alphabets = AlphabetsOfFiles(model)
        self._remarks: dict[str, list[str]] = {}  # how tables are read, with the names of those tables
        self._states: dict[int, FileState | None] = {}  # of the sources, by number, when they were opened
        self._read_before = 0  # bytes of the sources before the one that is being read
        self._hasher: Hashing | None = None

    def share_read(self) -> float | None:
        """Return the share of the inputs' bytes that was read so far, 0 to 1; None if their size is unknown."""
        if not self._size:
            return None
        return min(1.0, (self._read_before + (self._hasher.taken if self._hasher else 0)) / self._size)

    @cached_property
    def _size(self) -> int:
        """Bytes of all sources as they lie on the disk; 0 if unknown."""
        sizes = [source.path.stat().st_size if source.path and source.path.is_file() else 0 for source in self.sources]
        return sum(sizes) if all(sizes) else 0

    def __iter__(self) -> Iterator[Record]:
        """Yield the records; the checksum of a file is known at its end."""
        for number, source in enumerate(self.sources):
            count = 0
            try:
                with closing(self._of_source(number, source)) as records:
                    for record in records:
                        count += 1
                        yield record
            except InputError as error:
                if isinstance(error, BrokenOffError):
                    error.records = count
                    error.text += f"; {counted(count, 'record')} of it {'was' if count == 1 else 'were'} read"
                if not (self._keep_unreadable and count):
                    raise
                self.broken_off.append(error.text)

    def _of_source(self, number: int, source: Source) -> Generator[Record]:
        """Yield the records of a source."""
        with ExitStack() as stack:
            raw, hasher = _open_source(source, stack)
            self._hasher, self._states[number] = hasher, hasher.state
            with reading(source.name):
                packed = open_stream(raw, source.name)
                stream, encoding = in_utf8(packed, source.name, self.options.encoding, self._remark_on(source))
                head = stream.peek(65536)
            kind = self.options.format
            if kind == "auto":
                empty = self._keep_unreadable and len(self.sources) > 1 and not head.strip()
                kind = source.format or ("text" if empty else self._detect(head, source, encoding))
            source.format = kind
            if number == 0:
                self.is_sequence = kind in SEQUENCE_FORMATS
            records = self._records(stream, kind, source, encoding)
            if kind == "text" and self._keep_unreadable:
                records = _kept(records, source)
            is_sequence = kind in SEQUENCE_FORMATS
            watched = is_sequence or kind in TABLE_FORMATS
            yield from self._alphabets.watched(source.name, records, is_sequence=is_sequence) if watched else records
            source.sha256 = hasher.finish()
            self._read_before += hasher.taken
            self._hasher = None

    def _detect(self, head: bytes, source: Source, encoding: str) -> str:
        """Return the format of a source; a document of a folder of classes is one text, whatever is in it."""
        given = self.options
        tables = "with a header" if source.document else "all"
        if source.folder_class is not None and not source.by_user:
            tables = "none"
        places = (place for place in (given.label_from, given.group_from, given.split_from) if place)
        columns = [place.removeprefix("column:") for place in places if place.startswith("column:")]
        columns += [name for name in (given.text_column, given.id_column, given.pair_column) if name]
        kind = detect_format(head, source.name, encoding, columns, tables=tables)
        if source.document and kind in SEQUENCE_FORMATS:
            return "text"
        if kind == "text" and tables == "with a header" and looks_like_table(head, encoding):
            remark = "read as one document, though it looks like a table: put a line with the names of the columns above it"
            self._remarks.setdefault(remark, []).append(source.name)
        elif kind == "text":
            of_class = source.document or (source.folder_class is not None and not source.by_user)
            if remark := remark_on_lines(first_lines(head, encoding), of_class=of_class):
                self._remarks.setdefault(remark, []).append(source.name)
        if kind in ("csv", "tsv") and source.path and not is_table_by_name(source.name):
            remark = "read as a table, since its first line names the columns (one document: --input-format text)"
            self._remarks.setdefault(remark, []).append(source.name)
        return kind

    def _records(self, stream: io.BufferedReader, kind: str, source: Source, encoding: str) -> Iterator[Record]:
        given, note = self.options, self._remark_on(source)
        if kind in RELEASE_FORMATS:
            entries = parse_release(stream, source, encoding)
        else:
            stream = noting_unlikely(stream, encoding, note)
            columns = TableOptions(
                given.text_column,
                given.id_column,
                encoding,
                given.pair_column,
                given.delimiter,
                note,
                self._must_have_delimiter,
                self._of_sequences,
            )
            entries = parse(stream, kind, source.name, columns)
        return self._labeller.records(self._looked_at(entries, kind, source), kind, source, source.name)

    def _remark_on(self, source: Source) -> Callable[[str], None]:
        """Return a function that collects remarks on how a source is read."""
        return lambda remark: self._remarks.setdefault(remark, []).append(source.name)

    def _looked_at(self, entries: Iterator[Entry], kind: str, source: Source) -> Iterator[Entry]:
        """Yield the entries; the first tells where the texts of the source are, all together what its content is."""
        for number, entry in enumerate(entries):
            if number == 0:
                source.text_place = text_place(kind, source, entry, self.options)
            if kind != "text":
                text = entry.text.tobytes() if isinstance(entry.text, np.ndarray) else entry.text
                source.content = hash((source.content, entry.id, text))
            yield entry

    def notes(self) -> list[str]:
        """Return what was recognised, what of it was left out, and which options had no effect."""
        releases = {source.release: None for source in self.sources if source.release}
        notes = list(dict.fromkeys(note for source in self.sources for note in source.notes)) + self._notes
        notes += self._repeated_content()
        notes += [f"read as: {name}" for name in dict.fromkeys(release.name for release in releases)]
        notes += [note for release in releases for note in release.notes]
        notes += self._alphabets.notes()
        if empty := [name for source in self.sources for name in source.left_out]:
            notes.append(f"left out: {listed(empty, 'empty image')}")
        notes += [
            f"{names[0]}{f' and {len(names) - 1:,} more' * (len(names) > 1)}: {remark}"
            for remark, names in self._remarks.items()
        ]
        notes += self._labeller.notes() + unused_folders(self.sources)
        notes += [] if self.options.label_from else notes_on_places(self.sources)
        if any(source.format in TABLE_FORMATS for source in self.sources):
            return notes
        options = self.options
        columns = {"text": options.text_column, "id": options.id_column, "pair": options.pair_column}
        places = (options.label_from, options.group_from, options.split_from, options.hold_out, options.validate)
        beside = any(str(where).startswith("table:") for where in places)
        given = [
            f"--{name}-column"
            for name, column in columns.items()
            if column and not (name == "id" and self._labeller.uses_id_column)
        ]
        if options.delimiter and not beside:
            given.append("--delimiter")
        return notes + [f"{flag} had no effect: no input is a CSV, TSV or JSONL table" for flag in given]

    def _repeated_content(self) -> list[str]:
        """Return notes on files with equal records, which are not documents."""
        first: dict[int, Source] = {}
        notes = []
        for source in self.sources:
            if source.format != "text" and (earlier := first.setdefault(source.content, source)) is not source:
                same = source.name == earlier.name
                notes.append(f"{source.name} " + ("is given twice" if same else f"has the same records as {earlier.name}"))
        return notes if len(notes) < 4 else [*notes[:3], f"{len(notes) - 3:,} more files have the records of another"]

    @property
    def split_column(self) -> SplitColumn:
        """What was found in columns of splits that nobody named; known for certain after the iteration."""
        return self._labeller.split_column

    def origins(self) -> dict[str, str]:
        """Return in words where labels, texts and splits were read; "" for splits if no record has one."""
        return origins_of(self.sources, self.options)

    def inputs(self) -> list[dict[str, Any]]:
        """Return name, format, SHA-256 and size of every file; the images of a folder are hashed one after the other.

        Raises:
            InputError: a file has changed since it was read.
        """
        for number, before in self._states.items():
            if path := self.sources[number].path:
                refuse_change(before, FileState.of(path), self.sources[number].name)
        files = {(s.name, s.format, s.sha256): self._states.get(number) for number, s in enumerate(self.sources)}
        files |= {(name, s.format, digest): None for s in self.sources for name, digest in s.companions.items()}
        return [
            {"file": name, "format": kind, "sha256": digest, **({"bytes": state.size} if state else {})}
            for (name, kind, digest), state in files.items()
        ]


def _kept(records: Iterator[Record], source: Source) -> Iterator[Record]:
    """Yield the record of a document; if it cannot be read, one that says why."""
    try:
        yield from records
    except InputError as error:
        yield Record(source.inner or source.name, "", None, None, None, source.name, 0, error=error)


def _open_source(source: Source, stack: ExitStack) -> tuple[BinaryIO, Hashing]:
    """Open a source until the stack is closed; what is read of it is hashed."""
    try:
        raw: BinaryIO = stack.enter_context(source.path.open("rb", buffering=0)) if source.path else sys.stdin.buffer
    except OSError as error:
        raise InputError(f"{source.name}: cannot be opened: {error.strerror}") from error
    hashing = Hashing(raw, stack.enter_context(unchanging(raw, source.name)))
    return io.BufferedReader(hashing, BLOCK), hashing
