"""Temporal order: two symbols among distractors; the class is which symbols they are, in order.

A sample has `L` characters, each uniformly one of a, b, c and d, except at two distinct positions, which hold X or Y with
probability 1/2 each; all pairs of positions are equally likely. The classes are XX, XY, YX and YY.

Sources: Hochreiter and Schmidhuber, Neural Computation 1997 (problem 6a); Yu et al., Paramixer, CVPR 2022. Cost: O(L).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqmix.data.synthetic.base import Sample, Task, two_positions
from seqmix.data.synthetic.options import LengthOptions

_DISTRACTORS = np.frombuffer(b"abcd", dtype=np.uint8)
_SYMBOLS = np.frombuffer(b"XY", dtype=np.uint8)
_CONTEXT = 12  # characters shown on either side of a symbol


class TemporalOrder(Task[LengthOptions]):
    """Tell the order of two symbols (4 classes)."""

    name = "temporal-order"
    alphabet = "chars"
    classes = ("XX", "XY", "YX", "YY")

    options_type = LengthOptions

    def samples(self, count: int, rng: np.random.Generator, options: LengthOptions) -> Iterator[Sample]:
        """Generate samples with a `str` of `length` characters as `text`; see `Task.samples`."""
        for _ in range(count):
            text = _DISTRACTORS[rng.integers(4, size=options.length, dtype=np.uint8)]
            symbols = _SYMBOLS[rng.integers(2, size=2)]
            text[list(two_positions(rng, options.length))] = symbols
            yield Sample(text.tobytes().decode("ascii"), symbols.tobytes().decode("ascii"))

    def show(self, sample: Sample) -> str:
        """Return the surroundings of both symbols, and the class."""
        text = str(sample.text)
        shown = ""
        end = 0
        for place in (i for i, symbol in enumerate(text) if symbol in "XY"):
            start = max(end, place - _CONTEXT)
            shown += ("…" if start > end else "") + text[start : place + _CONTEXT + 1]
            end = min(len(text), place + _CONTEXT + 1)
        return f"{shown}{'…' if end < len(text) else ''}: {sample.label}"
