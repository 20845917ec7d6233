"""ListOps: nested operations on lists of digits, written as words; the class is the digit they evaluate to.

The grammar is that of Long Range Arena. The root has depth 1. A node of a depth below `max_depth` is an operator with
probability 1/4 and otherwise a digit; a node at `max_depth` is a digit. Digits are uniform in 0..9, operators are uniform
among MIN, MAX, MED (the median, rounded down) and SM (the sum modulo 10), and the number of arguments is uniform in
2..`max_args`. The length of a tree is 2 for each operator (`[MAX` and `]`) plus 1 for each digit. Only trees with ``min_length
< length < max`` are kept, and no tree occurs twice in a split, for which an 8-byte digest of each is remembered. The text
omits the parentheses of the published files: ``[MAX 4 3 [MIN 2 3 ] 1 ]``, with 15 distinct words in all.

Only about one in a hundred trees has the required length, so lengths are drawn before trees. The length is determined by how
many nodes of each level are operators, and how many of these have how many arguments; given these counts, all arrangements of
the operators within their level are equally likely. So only the counts are drawn, level by level, for thousands of trees at
once; those of the wrong length are discarded and the others arranged. The resulting distribution is exactly that of naive
rejection sampling.

Sources: Nangia and Bowman, 2018; Tay et al., Long Range Arena, ICLR 2021. Cost: O(L) per sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from seqmix.data.synthetic.base import Sample, Task
from seqmix.data.synthetic.options import ListOpsOptions
from seqmix.errors import ConfigError, param

Ints = NDArray[np.int64]

_WORDS = np.array([*"0123456789", "[MIN", "[MAX", "[MED", "[SM", "]"])
_OPERATORS = 4
_CLOSE = len(_WORDS) - 1
_OPERATOR_SHARE = 0.25
_PATIENCE = 8_000_000  # trees in a row without a new sample before generation gives up


@dataclass(frozen=True, slots=True)
class _Counts:
    """The counts that determine the lengths of `T` trees.

    Attributes:
        nodes: `(T, levels)`, nodes at each depth.
        operators: `(T, levels, max_args - 1)`, how many of them have 2, 3, … arguments.
    """

    nodes: Ints
    operators: Ints

    def __getitem__(self, rows: NDArray[np.bool_] | slice) -> _Counts:
        return _Counts(self.nodes[rows], self.operators[rows])


class ListOps(Task[ListOpsOptions]):
    """Evaluate nested minima, maxima, medians and sums modulo 10 of digits (10 classes)."""

    name = "listops"
    alphabet = "words"
    classes = tuple("0123456789")

    options_type = ListOpsOptions

    def samples(self, count: int, rng: np.random.Generator, options: ListOpsOptions) -> Iterator[Sample]:
        """Generate samples with words separated by single spaces as `text`; see `Task.samples`.

        Raises:
            ConfigError: such trees are too rare, or there are fewer than `count` of them.
        """
        seen: set[bytes] = set()
        trials = 0  # since the last new tree
        while len(seen) < count:
            trials += options.batch
            if trials > _PATIENCE:
                limits = ", ".join(param(name) for name in ("length", "min_length", "max_depth"))
                raise ConfigError(
                    f"no new tree of {options.min_length + 1} to {options.length - 1} words in {_PATIENCE:,} trials, "
                    f"after {len(seen):,} of {count:,}; relax {limits} or {param('max_args')}"
                )
            for text, value in _arrange(_draw_counts(rng, options), rng):
                digest = blake2b(text.encode("ascii"), digest_size=8).digest()
                if digest not in seen and len(seen) < count:
                    seen.add(digest)
                    trials = 0
                    yield Sample(text, str(value))

    def show(self, sample: Sample) -> str:
        """Return the first and last words, and the value."""
        words = str(sample.text).split(" ")
        if len(words) > 30:
            left_out = f"… {len(words) - 28:,} words …"
            words = [*words[:20], left_out, *words[-8:]]
        return f"{' '.join(words)} = {sample.label}"


def _draw_counts(rng: np.random.Generator, options: ListOpsOptions) -> _Counts:
    """Draw the counts of a batch of trees, and return those of the right length."""
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
        lengths[open_trees] += operators + children  # a digit that becomes an operator adds one word
        open_trees = open_trees[lengths[open_trees] < options.length]  # a tree only ever grows
    return counts[(options.min_length < lengths) & (lengths < options.length)]


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of one depth, tree after tree, from left to right within each tree.

    Attributes:
        symbols: `(N,)`, indices of words.
        parents: `(P,)`, which of the nodes are operators.
        arities: `(P,)`, number of arguments of each operator.
    """

    symbols: Ints
    parents: Ints
    arities: Ints

    @property
    def starts(self) -> Ints:
        """Where the arguments of each operator start in the level below, `(P,)`."""
        return np.cumsum(self.arities) - self.arities


def _arrange(counts: _Counts, rng: np.random.Generator) -> Iterator[tuple[str, int]]:
    """Arrange trees with the given counts, and yield their texts and values."""
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
    """Draw the nodes of one depth: which are operators, and which of these have how many arguments.

    Args:
        nodes: `(T,)`, number of nodes of each tree.
        operators: `(T, max_args - 1)`, how many of them must be operators with 2, 3, … arguments.
        rng: random generator.
    """
    tree = np.repeat(np.arange(len(nodes)), nodes)
    shuffled = np.argsort(tree + rng.random(len(tree)))  # within each tree
    rank = np.arange(len(tree)) - np.repeat(np.cumsum(nodes) - nodes, nodes)
    chosen = shuffled[rank < np.repeat(operators.sum(1), nodes)]
    # The chosen nodes are in random order, so arguments can be dealt out in order of size.
    arguments = np.repeat(np.tile(np.arange(2, operators.shape[1] + 2), len(nodes)), operators.ravel())
    symbols = rng.integers(10, size=len(tree))
    symbols[chosen] = 10 + rng.integers(_OPERATORS, size=len(chosen))
    order = np.argsort(chosen)
    return _Level(symbols, chosen[order], arguments[order])


def _from_below(levels: list[_Level]) -> tuple[Ints, list[Ints]]:
    """Return the values of the roots `(T,)`, and the sizes of the subtrees of each level's nodes, `(N,)` per level."""
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
    """Apply the operators of a level to the values below it, and return the results `(P,)`."""
    starts, arities = level.starts, level.arities
    parent = np.repeat(np.arange(len(arities)), arities)
    ordered = values[np.lexsort((values, parent))]
    low, high = ordered[starts + (arities - 1) // 2], ordered[starts + arities // 2]
    results = np.stack(
        [ordered[starts], ordered[starts + arities - 1], (low + high) // 2, np.add.reduceat(values, starts) % 10]
    )
    return results[level.symbols[level.parents] - 10, np.arange(len(arities))]
