"""Ranges of numbers: the allowed values of an option, in words and as a check.

Every number that a user gives has a range with two ends: wider than anyone needs, but narrow enough that no size computed from
it overflows and no loop over it runs forever. Dataclasses declare the ranges of their options (see `seqmix.config.options`),
mixer classes those of theirs; the other numbers of commands and functions are in `NUMBERS`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from seqmix.errors import ConfigError, param, shown, suggestion

MOST_POSITIONS = 10**12
"""Characters or tokens; ten times the longest genome known."""
MOST_MADE = 1 << 27
"""Positions of a sequence that is generated in memory: 128M, in the notation of lengths."""
MOST_STEPS = 10**12
"""Optimiser steps."""
MOST_RECORDS = 10**9
"""Records, or passes over them."""
MOST_SECONDS = 10**9
"""Seconds; 31 years."""
MOST_THREADS = 1024
"""Threads of a process."""
MOST_WIDTH = 10**6
"""Channels."""
MOST_SEED = (1 << 63) - 1
"""The largest whole number that TOML has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """The allowed values of an option.

    Attributes:
        choices: the allowed values; () if they are not a fixed list.
        at_least: smallest value; None for no limit.
        above: value that must be exceeded; None for no limit.
        at_most: largest value; None for no limit.
        below: value that must not be reached; None for no limit.
        parity: "odd" or "even" to allow only such numbers; "" for all.
        or_zero: whether 0 is allowed as well.
        allowed: the allowed values as an error states them; "" for a text made from the others.
    """

    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    parity: str = ""
    or_zero: bool = False
    allowed: str = ""

    @property
    def range(self) -> str:
        """The allowed values in words; "" if all are allowed."""
        if self.allowed or self.choices:
            return self.allowed or f"one of {', '.join(self.choices)}"
        found = " and ".join(part for part in (self.parity, self._between) if part)
        return f"0, or {found}" if self.or_zero else found

    @property
    def _between(self) -> str:
        """The allowed values in words, as far as they follow from the two ends."""
        below = "" if self.below is None else f"below {_number(self.below)}"
        if self.at_least is not None and (below or self.at_most is not None):
            return f"from {_number(self.at_least)} to {below or _number(self.at_most or 0)}"
        if self.at_least is not None:
            return "0 or more" if self.at_least == 0 else f"at least {_number(self.at_least)}"
        above = "" if self.above is None else f"above {_number(self.above)}"
        at_most = "" if self.at_most is None else f"at most {_number(self.at_most)}"
        return " and ".join(part for part in (above, below, at_most) if part)

    @property
    def ends(self) -> bool:
        """Whether there is a smallest and a largest value."""
        return None not in (
            self.at_least if self.above is None else self.above,
            self.at_most if self.below is None else self.below,
        )

    def holds(self, value: Any) -> bool:
        """Return whether a value of the right type is in the range; None, where the type includes it, always is."""
        if value is None:
            return True
        if self.choices or isinstance(value, str):
            return not self.choices or value in self.choices
        if self.or_zero and value == 0:
            return True
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
            and (not self.parity or value % 2 == (self.parity == "odd"))
        )


def _number(value: float) -> str:
    """Return the end of a range for people: "1,000", "0.5", "1e+300"."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def refusal(name: str, allowed: str, got: Any, choices: Collection[str] = ()) -> str:
    """Return the error for a value that is not allowed: "lr must be above 0: got -1"."""
    close = suggestion(got, choices) if isinstance(got, str) else ""
    return f"{name} must be {allowed}: got {shown(got)}{close}"


NUMBERS = {
    "batch_size": Range(at_least=1, at_most=1_000_000),
    "channels": Range(at_least=0, at_most=MOST_WIDTH),
    "d_model": Range(at_least=1, at_most=MOST_WIDTH),
    "features": Range(at_least=1, at_most=65_536),
    "length": Range(at_least=1, at_most=MOST_MADE),
    "letters": Range(at_least=0, at_most=65_536),
    "lengths": Range(at_least=16, at_most=MOST_MADE),
    "folds": Range(at_least=2, at_most=1000),
    "jobs": Range(at_least=1, at_most=1024),
    "max_length": Range(at_least=1, at_most=MOST_POSITIONS),
    "memory_limit": Range(at_least=0, at_most=1 << 60),
    "n_classes": Range(at_least=1, at_most=MOST_WIDTH),
    "pairs": Range(at_least=0, at_most=1_000_000),
    "repeats": Range(at_least=1, at_most=10_000),
    "resamples": Range(at_least=1, at_most=1_000_000),
    "seed": Range(at_least=0, at_most=MOST_SEED),
    "seeds": Range(at_least=1, at_most=1000),
    "steps": Range(at_least=1, at_most=100_000),
    "test": Range(at_least=0, at_most=MOST_RECORDS),
    "threads": Range(at_least=1, at_most=MOST_THREADS),
    "time_limit": Range(above=0, at_most=MOST_SECONDS),
    "train": Range(at_least=1, at_most=MOST_RECORDS),
    "val": Range(at_least=0, at_most=MOST_RECORDS),
    "vocab_size": Range(at_least=1, at_most=(1 << 31) - 1),
}
"""The ranges of the numbers that commands and functions take besides declared options, by parameter."""


def check_numbers(**given: Any) -> None:
    """Check numbers against `NUMBERS`.

    Args:
        given: the numbers, or None where one is not given, by parameter.

    Raises:
        ConfigError: a number is out of its range.
    """
    for name, value in given.items():
        check_number(name, value, NUMBERS[name])


def check_number(name: str, value: Any, allowed: Range) -> None:
    """Raise a `ConfigError` if the value of a parameter is out of its range; None, for "not given", never is."""
    if not allowed.holds(value):
        raise ConfigError(refusal(param(name), allowed.range, value), option=name)
