"""Temporal order: two symbols among distractors; the class says which they are, in their order.

A sample has `L` characters, each uniformly one of a, b, c and d, but for two distinct positions, of which each pair is
equally likely: there stand X or Y, each with probability 1/2. Classes: XX, XY, YX and YY.

Hochreiter and Schmidhuber, Neural Computation 1997 (problem 6a); Yu et al., Paramixer, CVPR 2022. Cost: O(L).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqmix.data.synthetic.base import LengthOptions, Sample, Task, two_positions

_DISTRACTORS = np.frombuffer(b"abcd", dtype=np.uint8)
_SYMBOLS = np.frombuffer(b"XY", dtype=np.uint8)
_AROUND = 12
"""Characters shown on either side of a symbol."""


class TemporalOrder(Task[LengthOptions]):
    """Tell the order of two symbols."""

    name = "temporal-order"
    alphabet = "chars"
    classes = ("XX", "XY", "YX", "YY")
    summary = "tell the order in which two symbols, X or Y, stand among a, b, c and d (4 classes)"
    options_type = LengthOptions

    def samples(self, count: int, rng: np.random.Generator, options: LengthOptions) -> Iterator[Sample]:
        """`text` is a `str` of `length` characters."""
        for _ in range(count):
            text = _DISTRACTORS[rng.integers(4, size=options.length, dtype=np.uint8)]
            symbols = _SYMBOLS[rng.integers(2, size=2)]
            text[list(two_positions(rng, options.length))] = symbols
            yield Sample(text.tobytes().decode("ascii"), symbols.tobytes().decode("ascii"))

    def show(self, sample: Sample) -> str:
        """The surroundings of both symbols, and the class."""
        text = str(sample.text)
        shown = ""
        end = 0
        for place in (i for i, symbol in enumerate(text) if symbol in "XY"):
            start = max(end, place - _AROUND)
            shown += ("…" if start > end else "") + text[start : place + _AROUND + 1]
            end = min(len(text), place + _AROUND + 1)
        return f"{shown}{'…' if end < len(text) else ''}: {sample.label}"
