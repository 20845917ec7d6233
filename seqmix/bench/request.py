"""What a user may request of a measurement, found out before torch is loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path

from seqmix.errors import ConfigError, param
from seqmix.system.locks import locked
from seqmix.system.ranges import NUMBERS, check_number, refusal
from seqmix.system.renaming import Standing, standing

_DIGITS = 20  # of a number that is read


class Results:
    """The files of a measurement: NAME.json, NAME.svg and NAME.png in a folder.

    Args:
        folder: the folder.
        name: the stem that is asked for.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._before = self._standing()

    @cached_property
    def stem(self) -> str:
        """The stem to write them under, now that they are complete: another one if something else has taken the name."""
        if self._standing() == self._before:
            return self._name
        names = (f"{self._name}-{number}" for number in count(2))
        return next(name for name in names if not any(os.path.lexists(path) for path in self._files(name)))

    def check(self) -> None:
        """Raise a `ConfigError` that says where they are, if not under the name that was asked for."""
        if self.stem != self._name:
            raise ConfigError(
                f"{self._folder / self._name}.json appeared or changed while it was being measured here; it is left as it "
                f"is, and what was measured here is kept as {self._folder / self.stem}.json"
            )

    def _files(self, name: str) -> list[Path]:
        return [self._folder / f"{name}{ending}" for ending in (".json", ".svg", ".png")]

    def _standing(self) -> list[Standing]:
        return [standing(path) for path in self._files(self._name)]


@contextmanager
def results_in(folder: Path, overwrite: bool, name: str = "bench") -> Iterator[Results]:
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
        yield Results(folder, name)


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
