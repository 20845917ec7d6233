"""Lengths, amounts of memory, durations and scores, read from and written as text for people."""

from __future__ import annotations

import math
import re

from seqmix.errors import ConfigError, param
from seqmix.objectives.regression import IN_UNITS
from seqmix.system.ranges import NUMBERS

MINUS = "\N{MINUS SIGN}"
_EQUAL = 1e-12  # bounds of an interval that differ by no more are equal
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}


def parse_length(text: str, name: str = "length") -> int:
    """Return "1024" or "1k" as 1024.

    Args:
        text: a whole number; k stands for 1,024 and M for 1,048,576.
        name: the parameter, with its range in `seqmix.system.ranges`.

    Raises:
        ConfigError: the text is not a length, or the length is out of its range.
    """
    found = re.fullmatch(r"(\d{1,12})([kKmM]?)", text.strip())
    length = int(found[1]) * _UNITS[found[2].lower()] if found else 0
    if not NUMBERS[name].holds(length):
        raise ConfigError(
            f"{param(name)}: '{text}' is not a whole number {NUMBERS[name].range}, such as 1024 or 1k (k is 1,024, M is "
            "1,048,576)",
            option=name,
        )
    return length


def parse_lengths(text: str, name: str = "lengths") -> list[int]:
    """Return "1k,4k,1M" as [1024, 4096, 1048576].

    Args:
        text: lengths, separated by commas.
        name: the parameter, for messages.

    Raises:
        ConfigError: a part of the text is not a length, or a length is out of its range.
    """
    return [parse_length(part, name) for part in text.split(",")]


def short(length: int) -> str:
    """Return a length for people: "512", "4k", "1M"."""
    for unit, factor in (("M", 1 << 20), ("k", 1 << 10)):
        if length % factor == 0:
            return f"{length // factor}{unit}"
    return f"{length:,}"


def amount(size: float) -> str:
    """Return bytes for people: "31 GB", "850 MB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{_three_digits(size / factor)} {unit}"
    return f"{size:.0f} B"


def duration(seconds: float) -> str:
    """Return seconds for people: "95 s", "1.2 s", "35 ms"."""
    if seconds >= 1:
        return f"{_three_digits(seconds)} s"
    return f"{_three_digits(1000 * seconds)} ms"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 record", "1,200 records"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def capitalised(text: str) -> str:
    """Return `text` with a capital first letter and all others unchanged: "ROC AUC" stays."""
    return text[:1].upper() + text[1:]


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a score for people: "0.932", or "-" if it is not defined."""
    return "-" if value is None or not math.isfinite(value) else f"{value:z.{digits}f}"


def score_text(name: str, value: float | None) -> str:
    """Return a score for people: "0.932"; an error in the targets' unit, which may be large or small, has four digits."""
    return number(value) if name not in IN_UNITS or value is None or not math.isfinite(value) else f"{value:.4g}"


def signed(value: float, digits: int = 3) -> str:
    """Return a difference for people, with its sign: "+0.5", "−1.1", "0.0"; "-" if it is not defined."""
    if not math.isfinite(value):
        return "-"
    text = f"{abs(value):.{digits}f}"
    return text if not float(text) else f"{MINUS if value < 0 else '+'}{text}"


def interval_text(name: str, low: float, high: float) -> str:
    """Return the interval of a score: "0.901 to 0.955"; "" if it is undefined, or empty because no resample differed."""
    return f"{score_text(name, low)} to {score_text(name, high)}" if high - low > _EQUAL else ""


_DURATION = re.compile(r"(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def parse_duration(text: str, name: str = "budget") -> float:
    """Return the seconds in "90s", "5m", "1h", "2h30m" or a plain number of seconds.

    Args:
        text: the duration.
        name: the parameter, for the error.

    Raises:
        ConfigError: the text is not a duration.
    """
    plain = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", plain):
        return float(plain)
    found = _DURATION.fullmatch(plain)
    if not found:
        raise ConfigError(
            f"{param(name)}: '{text}' is not a duration; use e.g. 90s, 5m, 1h or 2h30m, or a number of seconds", option=name
        )
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds
