"""Streams of records, which `prepare` writes: of files, of memory, or of a program that makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from seqmix.data.options import ReadOptions
from seqmix.data.records import LabelFindings, Record
from seqmix.data.splits.column import SplitColumn


class RecordStream(Protocol):
    """Where `prepare` gets records from. All but `options` is known for certain only after the iteration.

    Attributes:
        options: how the records are read.
        is_sequence: whether they are of a sequence format.
        labels: what was met where labels were looked for.
    """

    options: ReadOptions
    is_sequence: bool
    labels: LabelFindings

    def __iter__(self) -> Iterator[Record]: ...

    def notes(self) -> list[str]:
        """Return what a user should know of the inputs, a line each."""

    def inputs(self) -> list[dict[str, Any]]:
        """Return name, format, SHA-256 and, if known, size of every file that was read."""

    @property
    def split_column(self) -> SplitColumn:
        """What was found in columns of splits that nobody named."""

    def origins(self) -> dict[str, str]:
        """Return in words where labels, texts and splits were read; {} if the records say no more than that they have them."""


@dataclass(slots=True)
class MadeRecords:
    """A stream of records that a program makes: there are no files, and labels and splits are in the records.

    Attributes:
        records: the records.
        options: see `RecordStream`.
        is_sequence: see `RecordStream`.
        labels: see `RecordStream`.
    """

    records: Iterable[Record]
    options: ReadOptions = field(default_factory=ReadOptions)
    is_sequence: bool = False
    labels: LabelFindings = field(default_factory=LabelFindings)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def notes(self) -> list[str]:
        """Return nothing."""
        return []

    def inputs(self) -> list[dict[str, Any]]:
        """Return nothing."""
        return []

    @property
    def split_column(self) -> SplitColumn:
        """Nothing: there are no columns."""
        return SplitColumn()

    def origins(self) -> dict[str, str]:
        """Return nothing."""
        return {}
