"""What a user may request of a measurement, found out before torch is loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seqmix.errors import ConfigError, param
from seqmix.system.locks import locked
from seqmix.system.ranges import NUMBERS, check_number, refusal

_DIGITS = 20  # of a number that is read


@contextmanager
def results_in(folder: Path, overwrite: bool, name: str = "bench") -> Iterator[None]:
    """Check before measuring that the results can be written, and keep other processes from writing them meanwhile.

    Args:
        folder: the output folder.
        overwrite: whether to replace existing results.
        name: the stem of the files.

    Raises:
        ConfigError: the files exist, the folder cannot be written to, or another process measures for it.
    """
    _check_output(folder, overwrite, name)
    with locked(folder, name, "measuring", make=True, error=ConfigError):
        _check_output(folder, overwrite, name)
        yield


def _check_output(folder: Path, overwrite: bool, name: str) -> None:
    if (file := folder / f"{name}.json").exists() and not overwrite:
        raise ConfigError(f"{file} exists; replace it with {param('overwrite', True)}, or choose another {param('output')}")
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise ConfigError(f"{folder}: cannot be written: {place} is not a writable folder; choose another {param('output')}")


def check_all(name: str, values: Sequence[int]) -> None:
    """Refuse a list of numbers that is empty or contains a number out of its range.

    Args:
        name: the parameter, with its range in `seqmix.system.ranges`.
        values: the numbers.

    Raises:
        ConfigError: it is empty, or a number is out of its range.
    """
    if not values:
        raise ConfigError(refusal(param(name), f"numbers {NUMBERS[name].range}", tuple(values)), option=name)
    for value in values:
        check_number(name, value, NUMBERS[name])


def parse_features(text: str) -> list[int]:
    """Read "16,64" as [16, 64].

    Raises:
        ConfigError: a part of the text is not a number of features.
    """
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdecimal() and len(part) < _DIGITS and NUMBERS["features"].holds(int(part))):
            raise ConfigError(
                f"'{part}' is not a number of features; use whole numbers {NUMBERS['features'].range}, "
                "separated by commas, such as 16,64,256",
                option="features",
            )
    return [int(part) for part in parts]
