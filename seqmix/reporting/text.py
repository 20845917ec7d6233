"""Lengths, amounts of memory and durations: read from what people write, and written for them."""

from __future__ import annotations

import math
import re

from seqmix.errors import ConfigError
from seqmix.objectives.regression import IN_UNITS

SHORTEST = 16  # tokens: of what is measured
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}


def parse_length(text: str) -> int:
    """ "1024" or "1k" as 1024.

    Raises:
        ConfigError: it is no length.
    """
    found = re.fullmatch(r"(\d{1,12})([kKmM]?)", text.strip())
    if not found:
        raise ConfigError(f"--length must be a whole number above 0, such as 1024, or 1k for it: got '{text}'")
    return int(found[1]) * _UNITS[found[2].lower()]


def parse_lengths(text: str) -> list[int]:
    """ "1k,4k,1M" as [1024, 4096, 1048576].

    Raises:
        ConfigError: something in it is no length.
    """
    lengths = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d{1,12})([kKmM]?)", part.strip())
        length = int(found[1]) * _UNITS[found[2].lower()] if found else 0
        if length < SHORTEST:
            raise ConfigError(
                f"'{part.strip()}' is no length; lengths are whole numbers from {SHORTEST}, k for 1,024 and M for 1,048,576, "
                "separated by commas, such as 1k,4k,64k"
            )
        lengths.append(length)
    return lengths


def short(length: int) -> str:
    """A length for people: "512", "4k", "1M"."""
    for unit, factor in (("M", 1 << 20), ("k", 1 << 10)):
        if length % factor == 0:
            return f"{length // factor}{unit}"
    return f"{length:,}"


def amount(size: float) -> str:
    """Bytes for people: "31 GB", "850 MB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{_three_digits(size / factor)} {unit}"
    return f"{size:.0f} B"


def duration(seconds: float) -> str:
    """Seconds for people: "95 s", "1.2 s", "35 ms"."""
    if seconds >= 1:
        return f"{_three_digits(seconds)} s"
    return f"{_three_digits(1000 * seconds)} ms"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 record", "1,200 records"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def capitalised(text: str) -> str:
    """Return `text` with a capital first letter, the others as they are: "ROC AUC" stays."""
    return text[:1].upper() + text[1:]


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def number(value: float | None, digits: int = 3) -> str:
    """A score for people: "0.932", "-" where it is not defined."""
    return "-" if value is None or not math.isfinite(value) else f"{value:z.{digits}f}"


def score_text(name: str, value: float | None) -> str:
    """A score for people, by its name: "0.932"; an error in the targets' unit, which may be great or small, has four digits."""
    return number(value) if name not in IN_UNITS or value is None or not math.isfinite(value) else f"{value:.4g}"


_DURATION = re.compile(r"(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def parse_duration(text: str) -> float:
    """ "90s", "5m", "1h", "2h30m" or a plain number, which is seconds, as seconds.

    Raises:
        ConfigError: it is none of these.
    """
    plain = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", plain):
        return float(plain)
    found = _DURATION.fullmatch(plain)
    if not found:
        raise ConfigError(f"'{text}' is no duration; allowed are such as 90s, 5m, 1h, 2h30m, or a number of seconds")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds
