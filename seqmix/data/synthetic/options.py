"""The options of the synthetic tasks, each declared once: checks, help and the flags of `seqmix generate` come from here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seqmix.config.options import check, documented, option
from seqmix.errors import ConfigError, param
from seqmix.system.ranges import MOST_MADE, MOST_SEED, refusal

DASHES = {"easy": 6, "medium": 9, "hard": 14}
"""Dashes of a long curve, for each difficulty."""
SIDES = (32, 64, 128)
_PIXELS = "the number of pixels: " + ", ".join(f"{side * side} ({side} x {side})" for side in SIDES)
VARIANTS = {"order": ("A-first", "B-first"), "spacing": ("equal", "unequal"), "frame": ("in-frame", "out-of-frame")}
"""The classes of each variant."""
LINKER = 8
"""Letters of the linker; the counts of words of up to one letter more are the same in both classes."""
_BATCH_NUMBERS = 400_000  # drawn at once; with the default options, those of 4,000 trees
_SHARE_OF_LENGTH = {"order": (5, 8), "spacing": (2, 5), "frame": (1, 16)}  # the default distance, as a fraction
_FRAME_SPREAD = 12
_LEAST_FRAME_SPREAD = 6  # a multiple of three has a number that is none, at least LINKER apart, among 13 in a row


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class LengthOptions:
    """Options of a task whose only option is the length."""

    length: int = option(1024, "Positions in each sample.", at_least=2, at_most=MOST_MADE)

    def __post_init__(self) -> None:
        check(self, spelled=param)


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class ListOpsOptions:
    """Which trees are kept."""

    length: int = option(2000, "Samples have fewer words than this.", at_least=2, at_most=MOST_MADE)
    min_length: int = option(500, "Samples have more words than this.", at_least=0, at_most=MOST_MADE, flag=True)
    max_depth: int = option(
        10,
        "Largest depth of a tree, where all nodes are digits; the root has depth 1.",
        at_least=1,
        at_most=1000,
        flag=True,
    )
    max_args: int = option(10, "Most arguments of an operator.", at_least=2, at_most=10_000, flag=True)

    def __post_init__(self) -> None:
        check(self, spelled=param)
        if self.length < self.min_length + 2:
            raise ConfigError(
                f"no length lies between {param('min_length', self.min_length)} and {param('length', self.length)} "
                f"(both exclusive); {param('length')} must be at least {self.min_length + 2}",
                option="length",
            )
        size = 1
        for _ in range(self.max_depth - 1):
            size = min(2 + self.max_args * size, self.length)  # larger sizes make no difference
        if size <= self.min_length:
            raise ConfigError(
                f"{param('max_depth', self.max_depth)} and {param('max_args', self.max_args)} allow at most {size} words, but "
                f"{param('min_length', self.min_length)} requires more; raise the first two or lower the last"
            )

    @property
    def batch(self) -> int:
        """Trees whose lengths are drawn at once."""
        return max(1, _BATCH_NUMBERS // (self.max_depth * self.max_args))


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class PathfinderOptions:
    """Size and difficulty of the images."""

    length: int = option(
        1024, "Pixels: 1024, 4096 or 16384 (32, 64 or 128 a side).", at_least=1024, at_most=16384, allowed=_PIXELS
    )
    difficulty: str = option("hard", "How long the long curves are: 6, 9 or 14 dashes.", choices=tuple(DASHES), flag=True)

    def __post_init__(self) -> None:
        check(self, spelled=param)
        if self.length not in {side * side for side in SIDES}:
            raise ConfigError(refusal(param("length"), _PIXELS, self.length), option="length")

    @property
    def side(self) -> int:
        """Pixels a side."""
        return math.isqrt(self.length)


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class MotifsOptions:
    """What is to be told apart, and how hard it is."""

    length: int = option(8192, "Letters in each sample.", at_least=1, at_most=MOST_MADE)
    variant: str = option("order", "What differs between the classes.", choices=tuple(VARIANTS), flag=True)
    distance: int | None = option(
        None,
        "Letters from motif to motif.",
        at_least=1,
        at_most=MOST_MADE,
        shown="5/8 of the length of a copy; spacing: 2/5; frame: 1/16",
        flag=True,
    )
    spread: int | None = option(
        None,
        "Largest deviation from the distance.",
        at_least=0,
        at_most=MOST_MADE,
        shown="a tenth of the distance; frame: 12",
        flag=True,
    )
    copies: int = option(
        1, "Stretches of equal length, each with the motifs of one class.", at_least=1, at_most=1_000_000, flag=True
    )
    motif_length: int = option(14, "Letters of a motif, 8 to 24.", at_least=8, at_most=24, flag=True)
    degenerate: int = option(4, "Positions of a motif that allow two letters.", at_least=0, at_most=24, flag=True)
    motif_seed: int = option(0, "Seed of the motifs.", at_least=0, at_most=MOST_SEED, flag=True)
    decoys: int = option(
        2, "Places in the background of each copy with halves of both motifs.", at_least=0, at_most=1_000_000, flag=True
    )

    def __post_init__(self) -> None:
        check(self, spelled=param)
        if self.degenerate > self.motif_length:
            raise ConfigError(
                f"{param('degenerate')} must be at most {param('motif_length')} ({self.motif_length}): got {self.degenerate}",
                option="degenerate",
            )
        if self.variant == "frame" and self.deviation < _LEAST_FRAME_SPREAD:
            raise ConfigError(
                f"{param('spread')} must be at least {_LEAST_FRAME_SPREAD} for frame: got {self.deviation}", option="spread"
            )
        low, most = self._shortest, self._span
        if self.between[0] < low:
            raise ConfigError(
                f"{param('distance')} less {param('spread')} must be at least {low} for {self.variant}: got {self.between[0]}; "
                f"choose a larger {param('distance')} or {param('length')}",
                option="distance",
            )
        if most > self.stretch:
            raise ConfigError(
                f"{param('length')} must be at least {most * self.copies} for motifs {self.between[1]} letters apart"
                f"{f' in {self.copies} copies' if self.copies > 1 else ''}: got {self.length}",
                option="length",
            )

    @property
    def stretch(self) -> int:
        """Letters of each copy; the last has those that are left over, too."""
        return self.length // self.copies

    @property
    def between(self) -> tuple[int, int]:
        """Smallest and largest distance."""
        return self._distance - self.deviation, self._distance + self.deviation

    @property
    def deviation(self) -> int:
        """Largest deviation from the distance."""
        if self.spread is not None:
            return self.spread
        return _FRAME_SPREAD if self.variant == "frame" else self._distance // 10

    @property
    def chance_matches(self) -> float:
        """Expected matches of a motif in the background of a sample."""
        positions = max(0, self.length - self.motif_length + 1)
        return positions * 2.0 ** (self.degenerate - 2 * self.motif_length)

    @property
    def _distance(self) -> int:
        share, of = _SHARE_OF_LENGTH[self.variant]
        return self.stretch * share // of if self.distance is None else self.distance

    @property
    def _shortest(self) -> int:
        """The smallest distance that motifs and linkers leave room for."""
        if self.variant == "spacing":
            return 2 * (self.motif_length + LINKER)
        return self.motif_length + LINKER * (2 if self.variant == "order" else 1)

    @property
    def _span(self) -> int:
        """Most letters from the first motif to the last, with the linkers around them."""
        longest = self.between[1]
        if self.variant == "spacing":
            return 2 * longest + self.motif_length
        return longest + self.motif_length + LINKER * (2 if self.variant == "order" else 1)
