"""Values among numbers that are likely to stand for missing ones, such as -999 or NetCDF's 9.96921e+36."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.reporting.text import counted

_USUAL = frozenset(
    float(np.float32(sign * size))
    for sign in (1, -1)
    for size in (999, 9999, 99999, 999999, 999.9, 32767, 32768, 65535, 2147483647, 9.969209968386869e36, 1e20)
)
_HUGE = 1e15  # larger than measurements usually are
_FAR = 100  # ranges of the other values that an extreme is off if it occurs more than once, or is huge
_VERY_FAR = 10_000  # the same if it occurs once
_CHUNK = 1 << 20  # positions that are held at a time
_SHOWN = 3  # channels


@dataclass(frozen=True, slots=True)
class LikelyFill:
    """A value that is far from all others of its channel.

    Attributes:
        channel: number of the channel, from 0.
        value: the value.
        count: how often it occurs.
        least: the smallest of the other values.
        greatest: the largest of them.
    """

    channel: int
    value: float
    count: int
    least: float
    greatest: float


def ranges(values: NDArray[Any]) -> list[list[float]]:
    """Return the least and the greatest value of each channel, of numbers `(n, channels)`."""
    return np.stack(_ends(_chunks(values)), axis=1).tolist() if len(values) else []


def notes_on_fills(values: NDArray[Any], record_of: Callable[[int], str], what: str = "channel") -> list[str]:
    """Return a note for each of the first channels that have such values.

    Args:
        values: finite numbers, `(n, channels)`.
        record_of: describes the record of a position, from 0 to n - 1.
        what: what a channel is called; where there is only one, it has no number.
    """
    found = likely_fills(values)
    notes = []
    for fill in found[:_SHOWN]:
        where = f"{what} {fill.channel + 1}" if values.shape[1] > 1 else "numbers" if what == "channel" else f"{what}s"
        are = "value is" if fill.count == 1 else "values are"
        first = next(start + int(place[0]) for start, place in _places(values, fill) if len(place))
        notes.append(
            f"{where}: {fill.count:,} {are} {fill.value:.6g}, and all others from {fill.least:.6g} to {fill.greatest:.6g}: if "
            f"that stands for missing values, fill them in or remove them (the first is in {record_of(first)})"
        )
    if len(found) > _SHOWN:
        notes.append(f"the same in {counted(len(found) - _SHOWN, f'more {what}')}")
    return notes


def likely_fills(values: NDArray[Any]) -> list[LikelyFill]:
    """Return the values that are far from all others of their channel; arguments as in `notes_on_fills`."""
    if not (parts := _chunks(values)):
        return []
    ends = np.stack(_ends(parts))
    inner = ends[::-1].astype(np.float64)  # the least and the greatest value that is neither
    counts = np.zeros(ends.shape, dtype=np.int64)
    for part in parts:
        is_end = part == ends[:, None]
        counts += is_end.sum(1)
        rest = is_end.any(0)
        inner[0] = np.minimum(inner[0], np.where(rest, np.inf, part).min(0))
        inner[1] = np.maximum(inner[1], np.where(rest, -np.inf, part).max(0))
    found = []
    for channel in range(values.shape[1]):
        bounds = inner[0, channel].item(), inner[1, channel].item()
        odd = [_is_far(ends[i, channel].item(), counts[i, channel].item(), *bounds) for i in (0, 1)]
        least, greatest = (inner[i, channel].item() if odd[i] else ends[i, channel].item() for i in (0, 1))
        found += [
            LikelyFill(channel, ends[i, channel].item(), counts[i, channel].item(), least, greatest) for i in (0, 1) if odd[i]
        ]
    return found


def _chunks(values: NDArray[Any]) -> list[NDArray[Any]]:
    return [values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK)]


def _ends(parts: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the least and the greatest value of each channel, `(channels,)` each."""
    return np.min([part.min(0) for part in parts], axis=0), np.max([part.max(0) for part in parts], axis=0)


def _is_far(value: float, count: int, least: float, greatest: float) -> bool:
    """Return whether a value that occurs `count` times is far from others between `least` and `greatest`."""
    if least > greatest:  # there are two values at most
        return False
    spread, gap = greatest - least, max(least - value, value - greatest)
    if value in _USUAL:
        return gap > spread
    return gap > (_FAR if count > 1 or abs(value) >= _HUGE else _VERY_FAR) * spread and (spread > 0 or abs(value) >= _HUGE)


def _places(values: NDArray[Any], fill: LikelyFill) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the start of each chunk, and where in it the value is."""
    for start in range(0, len(values), _CHUNK):
        yield start, np.flatnonzero(values[start : start + _CHUNK, fill.channel] == fill.value)
