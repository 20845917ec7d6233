"""What a model predicts for records, and counts of what was met on the way; nothing here waits for torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from seqmix.calibration.unusual import Unusual
from seqmix.config import DataConfig
from seqmix.errors import InputError, unmarked
from seqmix.reporting.text import counted

_SHOWN = 5  # characters outside the alphabet that are listed
_MOST_IDS = 1_000_000  # records up to which ids are compared, so that memory has a bound


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model predicts for one record.

    Attributes:
        id: id of the record.
        length: length in characters before truncation; for a pair, that of the first text.
        label: the most probable class; for a multilabel model, all classes that are probable enough; "" for a regression.
        probabilities: probability of every class by name, in the order of the classes; empty for a regression.
        value: the predicted number; None if the model is not a regression.
        pair_length: length of the second text of a pair in characters; None if the record is not a pair.
        file: the file of the record; None if it is not from a file.
        error: why the record cannot be predicted (`on_error="mark"`); label and probabilities are then empty. None if it can.
        novelty: share of the run's validation records that are less unusual than this one, 0 to 1; None if unknown.
        answers: with the option `sets`, the classes or labels among which the true ones are; None otherwise.
        interval: with the option `sets`, lower and upper end of the interval of a regression; None otherwise.
    """

    id: str
    length: int
    label: str
    probabilities: Mapping[str, float]
    value: float | None = None
    pair_length: int | None = None
    file: str | None = field(default=None, compare=False)
    error: str | None = None
    novelty: float | None = None
    answers: tuple[str, ...] | None = None
    interval: tuple[float, float] | None = None


@dataclass(slots=True)
class Tally:
    """Counts of the records that were classified.

    Attributes:
        records: number of records that were predicted.
        truncated: number of records that were cut.
        replaced: number of occurrences of each character outside the alphabet.
        files: number of files that are read; 0 if none is.
        skipped: number of records that cannot be predicted and were left out.
        marked: number of records that cannot be predicted and have an empty prediction.
        first_error: why the first of them cannot be predicted, with marks (see `seqmix.errors`); "" if there is none.
        repeated_ids: number of records that repeat an earlier id, among the first million.
        unknown: number of sequences that were predicted though all their letters are unknown, such as N.
        far: number of records that were predicted though they have numbers far from those of training.
        left_empty: number of records whose label was left empty, since the model is not confident enough.
        unusual: counts of the records that are unlike those of training; see `Unusual`.
        notes: what was found out about the files, one line each; complete once all files are read.
        broken_off: why files were not read to their ends, with marks; what was read of them before was predicted.
    """

    records: int = 0
    truncated: int = 0
    replaced: Counter[str] = field(default_factory=Counter)
    files: int = 0
    skipped: int = 0
    marked: int = 0
    first_error: str = ""
    repeated_ids: int = 0
    unknown: int = 0
    far: int = 0
    left_empty: int = 0
    unusual: Unusual = field(default_factory=Unusual)
    notes: list[str] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)
    _ids: set[int] = field(default_factory=set, repr=False)

    def meet(self, identifier: str) -> None:
        """Count an id that occurred before."""
        if len(self._ids) < _MOST_IDS:
            before = len(self._ids)
            self._ids.add(hash(identifier))
            self.repeated_ids += len(self._ids) == before

    def fail(self, error: InputError, *, marked: bool) -> None:
        """Count a record that cannot be predicted."""
        self.marked += marked
        self.skipped += not marked
        self.first_error = self.first_error or error.text

    def check_any(self) -> None:
        """Raise an `InputError` if all records were left out, so that nothing was predicted."""
        if self.skipped and not self.records + self.marked:
            which = f"none of the {self.skipped:,} records can" if self.skipped > 1 else "the only record cannot"
            raise InputError(
                f"{which} be predicted, and nothing is left without {'them' if self.skipped > 1 else 'it'}; "
                f"the first: {self.first_error}"
            )

    def check_whole(self) -> None:
        """Raise an `InputError` if a file was not read to its end."""
        if self.broken_off:
            more = len(self.broken_off) - 1
            others = (
                f"; {counted(more, 'other file')} {'was' if more == 1 else 'were'} not read to the end, too" if more else ""
            )
            raise InputError(f"the predictions cover only part of the input: {self.broken_off[0]}{others}")

    def failures(self, spelled: Callable[[str], str] = unmarked) -> list[str]:
        """Return what a user should know of records that cannot be predicted; empty if all can.

        Args:
            spelled: writes out the marks of messages (see `seqmix.errors`).
        """
        met = counted(self.records + self.skipped + self.marked, "record")
        return [
            f"{what}: {failed:,} of {met}, which cannot be predicted; the first: {spelled(self.first_error)}"
            for failed, what in ((self.skipped, "left out"), (self.marked, "given an empty label"))
            if failed
        ]

    def lines(self, data: DataConfig, noun: str = "character", spelled: Callable[[str], str] = unmarked) -> list[str]:
        """Return what a user should know, in words; empty if nothing was changed.

        Args:
            data: the configuration that says how long sequences are cut.
            noun: what a token is called.
            spelled: writes out the marks of messages (see `seqmix.errors`).
        """
        lines = [*self.notes, *self.failures(spelled)]
        if self.repeated_ids:
            have = "has" if self.repeated_ids == 1 else "have"
            apart = "; the column 'file' tells those of different files apart" if self.files > 1 else ""
            lines.append(f"{counted(self.repeated_ids, 'record')} {have} the id of an earlier record{apart}")
        if self.unknown:
            consist = "consists" if self.unknown == 1 else "consist"
            lines.append(
                f"{counted(self.unknown, 'record')} {consist} of unknown letters alone, such as N: nothing tells its class"
            )
        if self.far:
            lines.append(
                f"{counted(self.far, 'record')} with numbers far from those of training, such as values for missing ones"
            )
        if self.left_empty:
            lines.append(f"{self.left_empty:,} of {counted(self.records, 'label')} left empty: the model is not sure enough")
        lines += self.unusual.lines(noun)
        return lines + notes_on_changes(self.truncated, self.replaced, data, noun)


def notes_on_changes(truncated: int, replaced: Mapping[str, int], data: DataConfig, noun: str = "character") -> list[str]:
    """Return notes on what a model does not see of records; [] if it sees all.

    Args:
        truncated: number of records that were cut.
        replaced: number of occurrences of each character outside the alphabet.
        data: the configuration that says how long sequences are cut.
        noun: what a token is called.
    """
    notes = []
    if truncated:
        cut = f"{counted(truncated, 'record')} {'was' if truncated == 1 else 'were'} cut"
        notes.append(f"{cut} to {counted(data.max_length, noun)} ({data.truncate} kept), as in training")
    if replaced:
        most, total = Counter(replaced).most_common(_SHOWN), sum(replaced.values())
        listed = ", ".join(f"{character!r} {count:,}" for character, count in most)
        others = total - sum(count for _, count in most)
        rest = f" and {others:,} other{'s' * (others > 1)}" if others else ""
        notes.append(f"{counted(total, noun)} {'is' if total == 1 else 'are'} not in the model's alphabet: {listed}{rest}")
    return notes
