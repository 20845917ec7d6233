"""The contract of a synthetic task: from options and a random generator to a stream of labelled samples.

A task is defined exactly, by its module's docstring and by a solver in the tests that does not know the generator. Samples are
made on demand, in constant memory: the first n are the same however many follow. Each split has its own generator, so that it
does not depend on the number of samples in the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.config.options import options_of
from seqmix.errors import ConfigError, param
from seqmix.system.ranges import check_numbers


@dataclass(frozen=True, slots=True)
class Place:
    """Where something that decides about the label stands in a sample.

    Attributes:
        name: what stands there.
        start: its first position, counted from 0.
        end: the position behind its last.
        strand: "+" or "-".
    """

    name: str
    start: int
    end: int
    strand: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled sequence.

    Attributes:
        text: a document or a DNA sequence (`str`: characters, or words separated by single spaces), a sequence of bytes, or
            numbers `(L, D)`.
        label: the name of the class; for a regression, the `repr` of the target.
        places: what decides about the label, and where, in order of the positions; empty if the task does not tell.
    """

    text: bytes | str | NDArray[np.float32]
    label: str
    places: tuple[Place, ...] = ()


class Options(Protocol):
    """A frozen dataclass whose fields have defaults, one of them the length."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def length(self) -> int: ...


OptionsT = TypeVar("OptionsT", bound=Options)


class Task(ABC, Generic[OptionsT]):
    """A generator of labelled sequences.

    Attributes:
        name: the task's name on the command line.
        kind: "classification" or "regression".
        alphabet: what a position holds: "real" (numbers), "chars", "words", "bytes" or "dna".
        tolerance: largest error of a prediction that counts as right; None for a classification.
        classes: names of the classes, of all variants of the task; empty for a regression.
        options_type: the dataclass of its options.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["classification", "regression"]] = "classification"
    alphabet: ClassVar[Literal["real", "chars", "words", "bytes", "dna"]]
    tolerance: ClassVar[float | None] = None
    classes: ClassVar[tuple[str, ...]] = ()
    options_type: type[OptionsT]

    def options(self, given: Mapping[str, object]) -> OptionsT:
        """Return options from their names and values.

        Args:
            given: values by name; None for an option that is not given.

        Raises:
            ConfigError: the task has no such option, or its value is not allowed.
        """
        known = options_of(self.options_type)
        chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        for name in chosen:
            if name not in known:
                raise ConfigError(
                    f"the task '{self.name}' has no option {param(name)}; it has: {', '.join(map(param, known))}", option=name
                )
        return self.options_type(**chosen)

    @abstractmethod
    def samples(self, count: int, rng: np.random.Generator, options: OptionsT) -> Iterator[Sample]:
        """Generate `count` samples, determined by what is drawn from `rng`.

        Args:
            count: number of samples.
            rng: the only source of randomness.
            options: of type `options_type`.

        Yields:
            One sample after another.
        """

    def facts(self, options: OptionsT) -> dict[str, Any]:
        """Return what follows from the options and is worth knowing about the data, as JSON can store it."""
        return {}

    @abstractmethod
    def show(self, sample: Sample) -> str:
        """Return a sample for people to read: one line of about a hundred characters, or a small picture."""


def split_generators(seed: int) -> dict[str, np.random.Generator]:
    """Return independent random generators for "train", "val" and "test".

    Raises:
        ConfigError: the seed is negative or too large.
    """
    check_numbers(seed=seed)
    children = np.random.SeedSequence(seed).spawn(len(SPLITS))
    return {name: np.random.default_rng(child) for name, child in zip(SPLITS, children, strict=True)}


def two_positions(rng: np.random.Generator, length: int) -> tuple[int, int]:
    """Draw two distinct positions in 0..length-1, the earlier first; all pairs are equally likely."""
    first, second = int(rng.integers(length)), int(rng.integers(length - 1))
    second += second >= first
    return min(first, second), max(first, second)
