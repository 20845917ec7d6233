"""Which split each record of a new data set is in, and which records are left out for the sake of the splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.options import PrepareOptions
from seqmix.data.record_streams import RecordStream
from seqmix.data.similar import Made, Similar
from seqmix.data.splits.assign import components, parse_fractions, split_leaks, stratified_split
from seqmix.data.splits.balance import balanced_split
from seqmix.data.splits.similarity import parse_split_by
from seqmix.data.writer import LengthLimits, WrittenRecords
from seqmix.errors import param
from seqmix.objectives.labelled import EncodedLabels

Deal = Callable[
    [NDArray[np.int64], NDArray[np.int64], tuple[float, float, float], int, NDArray[np.int64] | None], NDArray[np.int8]
]


@dataclass(frozen=True, slots=True)
class Division:
    """The splits of n records.

    Attributes:
        split: `(n,)` 0 train, 1 validation, 2 test.
        keep: `(n,)`; False for a record that equals one of a later split, or is of one group with it.
        members: `(n,)` component numbers: equal records, and those of one stated group, are in one component.
        notes: what a user should know of it.
        origin: what chance decided, in words; "" if all splits were given.
    """

    split: NDArray[np.int8]
    keep: NDArray[np.bool_]
    members: NDArray[np.int64]
    notes: list[str]
    origin: str = ""

    @property
    def leaks(self) -> int:
        """Number of records that are not kept."""
        return int((~self.keep).sum())

    def groups(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the group of each chosen record, `(n chosen,)`: 0 for that of the first, 1 for the next one, and so on."""
        _, first, groups = np.unique(self.members[chosen], return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[groups].astype(np.int64)


def divide(
    written: WrittenRecords, encoded: EncodedLabels, options: PrepareOptions, *, held_out: Sequence[int] = ()
) -> Division:
    """Divide records into training, validation and test: as they say themselves, or by fractions and chance.

    Args:
        written: the records.
        encoded: their labels.
        options: fractions and seed.
        held_out: the splits whose records are held out by name; the other records are divided among the other splits.

    Raises:
        InputError: a class has fewer records than there are splits, or the records cannot be divided by similarity.
    """
    strata = encoded.strata * (written.strata.max(initial=0) + 1) + written.strata
    keys = [written.sequence_keys, written.whole_keys, written.group_keys]
    if not held_out and not (written.splits >= 0).any():
        wanted = sum(fraction > 0 for fraction in parse_fractions(options.split))
        encoded.objective.check_sizes(encoded.labels, wanted)
    if options.split_by:
        similar = Similar.of(written, keys, parse_split_by(options.split_by))
        made, members = similar.divide(
            lambda found: _Dealer(strata, found, options, balanced_split).divide(written.splits, held_out)
        )
    else:
        members = components(keys)
        made = _Dealer(strata, members, options, stratified_split).divide(written.splits, held_out)
    division = Division(made.split, ~split_leaks(members, made.split), members, list(made.notes), made.origin)
    if options.split_by:
        division.notes.extend(similar.notes(made, division.keep, members, encoded))
    if division.leaks:
        related = ", similar to," if options.split_by else ""
        division.notes.append(
            f"{division.leaks:,} training or validation records were left out: equal to{related} or of one group with, "
            "records of a later split"
        )
    return division


@dataclass(frozen=True, slots=True)
class _Dealer:
    """Divides records whose components are known.

    Attributes:
        strata: `(n,)`; every split gets its share of each.
        members: `(n,)` component numbers.
        options: fractions and seed.
        deal: deals components out.
    """

    strata: NDArray[np.int64]
    members: NDArray[np.int64]
    options: PrepareOptions
    deal: Deal

    def divide(self, given: NDArray[np.int64], held_out: Sequence[int]) -> Made:
        """Divide records of which none, some or all have a split.

        Args:
            given: the splits that are given, `(n,)`; -1 for none.
            held_out: the splits that records are held out for, by name.
        """
        seed, everything = self.options.seed, np.ones(len(given), dtype=bool)
        if held_out:
            return self._around(held_out, given)
        if not (given >= 0).any():
            fractions = parse_fractions(self.options.split)
            shares = "/".join(f"{100 * fraction:g}" for fraction in fractions)
            return Made(self._dealt(fractions, None), fractions, everything, f"drawn at random, {shares}, seed {seed}")
        if _lacks_validation(given) and (share := _validation_share(self.options.split)):
            # The training inputs are divided; relatives of a test record are found by the leak check.
            fractions = (1 - share, share, 0.0)
            split = self._dealt(fractions, np.where(given == 2, 2, -1))
            note = f"no validation split is given: {int((split == 1).sum()):,} training records were taken for it (--split)"
            origin = f"validation drawn at random from training, {100 * share:.3g} %, seed {seed}"
            return Made(split, fractions, given != 2, origin, [note])
        return Made(given.astype(np.int8), (0.0, 0.0, 0.0), ~everything)

    def _around(self, splits: Sequence[int], held: NDArray[np.int64]) -> Made:
        """Divide the records that are not held out; relatives of those that are go into training, and are left out as leaks.

        Args:
            splits: those that records are held out for.
            held: split of the records that are held out, `(n,)`; -1 of the others.
        """
        shares = np.array(parse_fractions(self.options.split))
        shares[list(splits)] = 0
        train, val, test = (shares / shares.sum()).tolist()
        related = np.isin(self.members, self.members[held >= 0]) & (held < 0)
        split = self._dealt((train, val, test), np.where(related, 0, held))
        drawn = f"{100 * val:.3g} % validation" if val else f"{100 * test:.3g} % test"
        by_chance = f"of the others {drawn}, drawn at random, seed {self.options.seed}"
        origin = "all others for training" if train == 1 else by_chance
        return Made(split, (train, val, test), (held < 0) & ~related, origin)

    def _dealt(self, fractions: tuple[float, float, float], fixed: NDArray[np.int64] | None) -> NDArray[np.int8]:
        return self.deal(self.strata, self.members, fractions, self.options.seed, fixed)


def _lacks_validation(splits: NDArray[np.int64]) -> bool:
    """Return whether training and test records are given, but none for validation: those are taken out of training."""
    return {int(split) for split in np.unique(splits)} == {0, 2}


def _validation_share(split: str) -> float:
    """Return the share of validation records among those that are not for testing."""
    train, validation, _ = parse_fractions(split)
    return validation / (train + validation)


def check_stated(
    stream: RecordStream, division: Division, split: NDArray[np.int8], limits: LengthLimits, *, too_short: int
) -> None:
    """Raise an `InputError` if no record is left in a split that is stated.

    Args:
        stream: the records.
        division: their splits.
        split: those of the records that are left.
        limits: of the lengths.
        too_short: number of records left out since they are shorter.
    """
    stated, column = stream.labels.splits, stream.split_column
    for number in column.values if column.used else ():
        stated.state(SPLITS[number], f"column '{next(iter(column.names))}'", "column")
    leaks = np.bincount(division.split[~division.keep], minlength=len(SPLITS))
    short = f"all were shorter than {param('min_length', limits.min_length)}"
    others = short if too_short else "all were without a known character"
    stated.check(np.bincount(split, minlength=len(SPLITS)).tolist(), leaks.tolist(), stream.labels.source, others)
