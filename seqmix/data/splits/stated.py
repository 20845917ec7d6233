"""Splits that inputs, names or columns state for their records: each of them must have records in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from seqmix.config.data import SPLIT_NAMES, SPLITS
from seqmix.errors import InputError, advice, command, param

_UNLABELLED = "unlabelled"


@dataclass(slots=True)
class StatedSplits:
    """What was stated about splits while records were read.

    Attributes:
        places: where each split is stated, in words, by its number.
        ways: how it is stated: an option such as "--test" or "--hold-out", "files", "folders" or "column"; "" for a release.
        left_out: number of records that were left out, by the number of their split and the reason.
    """

    places: dict[int, dict[str, None]] = field(default_factory=dict)
    ways: dict[int, str] = field(default_factory=dict)
    left_out: Counter[tuple[int, str]] = field(default_factory=Counter)

    def state(self, split: str | None, place: str, way: str) -> int | None:
        """Note that a split is stated, and return its number; None if there is no such split.

        Args:
            split: its name.
            place: where, in words.
            way: how; see `ways`.
        """
        number = SPLIT_NAMES.get(str(split or "").strip().lower())
        if number is not None:
            self.places.setdefault(number, {})[place] = None
            self.ways.setdefault(number, way)
        return number

    def leave_out(self, number: int | None, reason: str = _UNLABELLED) -> None:
        """Count a record that is left out of a split."""
        if number is not None:
            self.left_out[number, reason] += 1

    def check(self, kept: Sequence[int], leaks: Sequence[int], labels: str | None, others: str) -> None:
        """Raise an `InputError` if a split that is stated has no record.

        Args:
            kept: number of records of each split.
            leaks: number of those left out since they equal a record of a later split, or are of its group.
            labels: where labels are read, as the user writes it.
            others: why other records were left out, in words.
        """
        for number in sorted(self.places):
            if kept[number]:
                continue
            counts = {
                f"without a label from '{labels}' ({param('skip_unlabelled', True)})": self.left_out[number, _UNLABELLED],
                f"of other classes than the {param('classes')}": self.left_out[number, "class"],
                "equal to a record of a later split, or of one group with it": leaks[number],
            }
            reasons = [f"{count:,} were {reason}" for reason, count in counts.items() if count] or [others]
            places = [*self.places[number]]
            shown = ", ".join(places[:3]) + (", …" if len(places) > 3 else "")
            raise InputError(
                f"no record is left in the {SPLITS[number]} split ({shown}): {', '.join(reasons)}"
                + advice(*self._ways_out(number, leaks=bool(leaks[number])))
            )

    def _ways_out(self, number: int, *, leaks: bool) -> list[str]:
        """Return what the user can do."""
        way = self.ways[number]
        name = SPLITS[number]
        fractions = f"say how all records are divided with {param('split', '0.6,0.2,0.2')}"
        if way == "--split-from":
            ways = [f"leave out {param('split_from')}, and {fractions}"]
        elif way in ("--hold-out", "--validate"):
            ways = [f"name other records with {param(way.removeprefix('--').replace('-', '_'))}"]
        elif way.startswith("--"):
            ways = [f"leave out {param(name)}"] if name != "train" else []
        else:
            ways = [fractions]
        if leaks:
            ways.append("prepare one fold by itself, if the inputs hold several")
        if self.left_out[number, _UNLABELLED]:
            ways.append(f"give these records labels ({command('predict')} takes them without)")
        return ways or ["give other inputs for it"]
