"""The contract of a synthetic task: options and a random generator in, a stream of samples with their labels out.

A task is defined exactly, by its module's docstring and by a solver in the tests that knows nothing of the generator.
Samples are made as they are asked for, in constant memory: the first n are the same however many follow. Each split
has a generator of its own, so that none depends on how many samples another has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqmix.data.splitting import SPLITS
from seqmix.errors import ConfigError
from seqmix.options import check_type


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled sequence.

    Attributes:
        text: a document (`str`: characters, or words with one space between), a sequence of bytes, or numbers `(L, D)`.
        label: the name of the class; for a regression the target, as `repr` of a float.
    """

    text: bytes | str | NDArray[np.float32]
    label: str


class Options(Protocol):
    """A frozen dataclass whose fields have defaults; one of them is the length."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def length(self) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthOptions:
    """Options of a task that has no others.

    Attributes:
        length: positions in each sample, at least 2.
    """

    length: int = 1024

    def __post_init__(self) -> None:
        if self.length < 2:
            raise ConfigError(f"--length must be at least 2, for two marked positions: got {self.length}")


OptionsT = TypeVar("OptionsT", bound=Options)


class Task(ABC, Generic[OptionsT]):
    """A generator of labelled sequences.

    Attributes:
        name: as the command line spells it.
        kind: what is learned, a class or a number.
        alphabet: what a position holds: "real" (numbers), "chars", "words" or "bytes".
        tolerance: a prediction this near to the target counts as right; None for a classification.
        classes: names of the classes; none for a regression.
        options_type: the dataclass of its options.
        summary: one line for listings.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["classification", "regression"]] = "classification"
    alphabet: ClassVar[Literal["real", "chars", "words", "bytes"]]
    tolerance: ClassVar[float | None] = None
    classes: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[str]
    options_type: type[OptionsT]

    @property
    def default_length(self) -> int:
        """The length where none is given."""
        return self.options_type().length

    def options(self, given: Mapping[str, object]) -> OptionsT:
        """Options from their names and values; None stands for an option that is not given.

        Raises:
            ConfigError: the task has no such option, or its value is not allowed.
        """
        known = {field.name: field.default for field in fields(self.options_type)}
        said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        for name, value in said.items():
            flag = _flag(name)
            if name not in known:
                has = ", ".join(map(_flag, known))
                raise ConfigError(f"the task '{self.name}' has no option {flag}; leave it out; of its own it has: {has}")
            check_type(value, type(known[name]), name, spelled=_flag)
        return self.options_type(**said)

    @abstractmethod
    def samples(self, count: int, rng: np.random.Generator, options: OptionsT) -> Iterator[Sample]:
        """`count` samples, one after the other; what is drawn from `rng` decides them all."""

    @abstractmethod
    def show(self, sample: Sample) -> str:
        """A sample for people: one line of about a hundred characters, or a small picture."""


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def split_generators(seed: int) -> dict[str, np.random.Generator]:
    """A generator for each split, independent of the others: "train", "val" and "test".

    Raises:
        ConfigError: the seed is below 0.
    """
    if seed < 0:
        raise ConfigError(f"--seed must be 0 or above: got {seed}")
    children = np.random.SeedSequence(seed).spawn(len(SPLITS))
    return {name: np.random.default_rng(child) for name, child in zip(SPLITS, children, strict=True)}


def two_positions(rng: np.random.Generator, length: int) -> tuple[int, int]:
    """Two distinct positions in 0..length-1, the earlier first; each pair is equally likely."""
    first, second = int(rng.integers(length)), int(rng.integers(length - 1))
    second += second >= first
    return min(first, second), max(first, second)
