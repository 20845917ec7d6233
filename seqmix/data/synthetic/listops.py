"""ListOps: nested operations on lists of digits, written as words; the class is the digit they come to.

The grammar of Long Range Arena: the root has depth 1. A node of a depth below `max_depth` is an operator with
probability 1/4, else a digit; one at `max_depth` is a digit. Digits are uniform in 0..9, operators uniform among MIN,
MAX, MED (the median, rounded down) and SM (the sum modulo 10), the number of arguments uniform in 2..`max_args`. The
length of a tree is 2 for each operator (`[MAX` and `]`) plus 1 for each digit. Of these trees only those with
``min_length < length < max``, both bounds left out, are kept, and none twice: an 8-byte digest of each is
remembered, within a split. The text is without the parentheses of the published files: ``[MAX 4 3 [MIN 2 3 ] 1 ]``,
15 distinct words in all.

Few trees have the length asked for (about one in a hundred), so that lengths are drawn before trees. How many nodes of
a level are operators, and how many of these have how many arguments, decides the length; given these numbers, every
arrangement of the operators within their level is equally likely. Thus the numbers alone are drawn, level by level, for
thousands of trees at once; those of the wrong length are thrown away, and the others arranged. This is the
distribution of the naive rejection, exactly.

Nangia and Bowman, 2018; Tay et al., Long Range Arena, ICLR 2021. Cost: O(L) for each sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from seqmix.data.synthetic.base import Sample, Task
from seqmix.errors import ConfigError

Ints = NDArray[np.int64]

_WORDS = np.array([*"0123456789", "[MIN", "[MAX", "[MED", "[SM", "]"])
_OPERATORS = 4
_CLOSE = len(_WORDS) - 1
_OPERATOR_SHARE = 0.25
_BATCH_NUMBERS = 400_000
"""Numbers drawn at once; with the default options, those of 4,000 trees."""
_PATIENCE = 8_000_000
"""Trees in a row without a new sample before generation gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOpsOptions:
    """Which trees are kept.

    Attributes:
        length: samples have fewer words than this.
        min_length: samples have more words than this.
        max_depth: depth at which there are digits only; the root has depth 1.
        max_args: the most arguments of an operator.
    """

    length: int = 2000
    min_length: int = 500
    max_depth: int = 10
    max_args: int = 10

    def __post_init__(self) -> None:
        for flag, value, least in (
            ("--min-length", self.min_length, 0),
            ("--max-depth", self.max_depth, 1),
            ("--max-args", self.max_args, 2),
        ):
            if value < least:
                raise ConfigError(f"{flag} must be at least {least}: got {value}")
        if self.length < self.min_length + 2:
            raise ConfigError(
                f"--length {self.length} with --min-length {self.min_length} leaves no length between, both being left out; "
                f"--length must be at least {self.min_length + 2}"
            )
        size = 1
        for _ in range(self.max_depth - 1):
            size = min(2 + self.max_args * size, self.length)  # beyond the length, it is large enough
        if size <= self.min_length:
            raise ConfigError(
                f"--max-depth {self.max_depth} and --max-args {self.max_args} allow {size} words at most, and --min-length "
                f"{self.min_length} asks for more; raise the first two or lower the last"
            )

    @property
    def batch(self) -> int:
        """Trees whose lengths are drawn at once."""
        return max(1, _BATCH_NUMBERS // (self.max_depth * self.max_args))


@dataclass(frozen=True, slots=True)
class _Counts:
    """The numbers that decide the lengths of `T` trees.

    Attributes:
        nodes: `(T, levels)`, nodes at each depth.
        operators: `(T, levels, max_args - 1)`, how many of them have 2, 3, … arguments.
    """

    nodes: Ints
    operators: Ints

    def __getitem__(self, rows: NDArray[np.bool_] | slice) -> _Counts:
        return _Counts(self.nodes[rows], self.operators[rows])


class ListOps(Task[ListOpsOptions]):
    """Work out nested lists."""

    name = "listops"
    alphabet = "words"
    classes = tuple("0123456789")
    summary = "work out nested minima, maxima, medians and sums modulo 10 of digits (10 classes)"
    options_type = ListOpsOptions

    def samples(self, count: int, rng: np.random.Generator, options: ListOpsOptions) -> Iterator[Sample]:
        """`text` is words with one space between.

        Raises:
            ConfigError: such trees are too rare, or there are fewer than `count` of them.
        """
        seen: set[bytes] = set()
        vain = 0
        while len(seen) < count:
            vain += options.batch
            if vain > _PATIENCE:
                raise ConfigError(
                    f"no new tree of {options.min_length + 1} to {options.length - 1} words in {_PATIENCE:,} trials, "
                    f"after {len(seen):,} of {count:,}; let --length, --min-length, --max-depth and --max-args allow more"
                )
            for text, value in _arrange(_draw_counts(rng, options), rng):
                digest = blake2b(text.encode("ascii"), digest_size=8).digest()
                if digest not in seen and len(seen) < count:
                    seen.add(digest)
                    vain = 0
                    yield Sample(text, str(value))

    def show(self, sample: Sample) -> str:
        """The first and last words, and the value."""
        words = str(sample.text).split(" ")
        if len(words) > 30:
            left_out = f"… {len(words) - 28:,} words …"
            words = [*words[:20], left_out, *words[-8:]]
        return f"{' '.join(words)} = {sample.label}"


def _draw_counts(rng: np.random.Generator, options: ListOpsOptions) -> _Counts:
    """The counts of those of a batch of trees that have the right length."""
    trees, depths, kinds = options.batch, options.max_depth, options.max_args - 1
    counts = _Counts(np.zeros((trees, depths), dtype=np.int64), np.zeros((trees, depths, kinds), dtype=np.int64))
    counts.nodes[:, 0] = 1
    lengths = np.ones(trees, dtype=np.int64)
    open_trees = np.arange(trees)
    for depth in range(options.max_depth - 1):
        operators = rng.binomial(counts.nodes[open_trees, depth], _OPERATOR_SHARE)
        open_trees, operators = open_trees[operators > 0], operators[operators > 0]
        by_arguments = rng.multinomial(operators, np.full(kinds, 1 / kinds))
        children = by_arguments @ np.arange(2, options.max_args + 1)
        counts.operators[open_trees, depth] = by_arguments
        counts.nodes[open_trees, depth + 1] = children
        lengths[open_trees] += operators + children  # a digit became an operator: one word more
        open_trees = open_trees[lengths[open_trees] < options.length]  # it could only grow
    return counts[(options.min_length < lengths) & (lengths < options.length)]


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of one depth, tree after tree, each tree's from left to right.

    Attributes:
        symbols: `(N,)` what they are, as numbers of words.
        parents: places of the operators among them, `(P,)`.
        arities: the numbers of their arguments, `(P,)`.
    """

    symbols: Ints
    parents: Ints
    arities: Ints

    @property
    def starts(self) -> Ints:
        """Where the arguments of each operator start in the level below, `(P,)`."""
        return np.cumsum(self.arities) - self.arities


def _arrange(counts: _Counts, rng: np.random.Generator) -> Iterator[tuple[str, int]]:
    """Trees with the given counts: their texts and values."""
    if not len(counts.nodes):
        return
    levels = [_draw_level(counts.nodes[:, depth], counts.operators[:, depth], rng) for depth in range(counts.nodes.shape[1])]
    values, sizes = _from_below(levels)
    ends = np.cumsum(sizes[0])
    words = np.full(ends[-1], _CLOSE, dtype=np.int64)
    place = ends - sizes[0]
    for depth, level in enumerate(levels):
        words[place] = level.symbols
        if len(level.parents):
            # A child comes after its operator and its elder siblings.
            before = np.cumsum(sizes[depth + 1]) - sizes[depth + 1]
            place = before + np.repeat(place[level.parents] + 1 - before[level.starts], level.arities)
        else:
            place = np.zeros(0, dtype=np.int64)
    spelled = _WORDS[words].tolist()
    for start, end, value in zip((ends - sizes[0]).tolist(), ends.tolist(), values.tolist(), strict=True):
        yield " ".join(spelled[start:end]), value


def _draw_level(nodes: Ints, operators: Ints, rng: np.random.Generator) -> _Level:
    """Nodes of one depth for `T` trees: which are operators, and which of these have how many arguments.

    `nodes`: `(T,)`; `operators`: `(T, max_args - 1)`, the counts that the level must have.
    """
    tree = np.repeat(np.arange(len(nodes)), nodes)
    shuffled = np.argsort(tree + rng.random(len(tree)))  # within each tree
    rank = np.arange(len(tree)) - np.repeat(np.cumsum(nodes) - nodes, nodes)
    chosen = shuffled[rank < np.repeat(operators.sum(1), nodes)]
    # In random order, too: so the arguments may be dealt out by size.
    arguments = np.repeat(np.tile(np.arange(2, operators.shape[1] + 2), len(nodes)), operators.ravel())
    symbols = rng.integers(10, size=len(tree))
    symbols[chosen] = 10 + rng.integers(_OPERATORS, size=len(chosen))
    order = np.argsort(chosen)
    return _Level(symbols, chosen[order], arguments[order])


def _from_below(levels: list[_Level]) -> tuple[Ints, list[Ints]]:
    """The values of the roots, and the lengths of the subtrees of each level's nodes."""
    values = np.zeros(0, dtype=np.int64)
    sizes: list[Ints] = [values]
    for level in reversed(levels):
        own = level.symbols.copy()
        size = np.ones_like(own)
        if len(level.parents):
            own[level.parents] = _apply(level, values)
            size[level.parents] = 2 + np.add.reduceat(sizes[0], level.starts)
        values = own
        sizes.insert(0, size)
    return values, sizes


def _apply(level: _Level, values: Ints) -> Ints:
    """The operators of a level to the values below it: `(P,)`."""
    starts, arities = level.starts, level.arities
    parent = np.repeat(np.arange(len(arities)), arities)
    ordered = values[np.lexsort((values, parent))]
    low, high = ordered[starts + (arities - 1) // 2], ordered[starts + arities // 2]
    results = np.stack(
        [ordered[starts], ordered[starts + arities - 1], (low + high) // 2, np.add.reduceat(values, starts) % 10]
    )
    return results[level.symbols[level.parents] - 10, np.arange(len(arities))]
