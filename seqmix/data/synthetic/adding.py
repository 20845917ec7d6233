"""The adding problem: a sequence of numbers, two of them marked; the target is their sum.

A sample is `(L, 2)`. Channel 0 is uniform in [-1, 1); channel 1 is 1 at two distinct positions and 0 elsewhere, and all pairs
of positions are equally likely. The target is ``0.5 + (a + b) / 4`` for marked numbers a and b, which is in [0, 1]. A
prediction within 0.04 of the target counts as right.

Sources: Hochreiter and Schmidhuber, Neural Computation 1997; in this form, Yu et al., Paramixer, CVPR 2022. Cost: O(L).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqmix.data.synthetic.base import Sample, Task, two_positions
from seqmix.data.synthetic.options import LengthOptions


class Adding(Task[LengthOptions]):
    """Add the two marked numbers (regression)."""

    name = "adding"
    kind: ClassVar[Literal["classification", "regression"]] = "regression"
    alphabet = "real"
    tolerance = 0.04

    options_type = LengthOptions

    def samples(self, count: int, rng: np.random.Generator, options: LengthOptions) -> Iterator[Sample]:
        """Generate samples with `(length, 2)` float32 as `text` and the target as `label`; see `Task.samples`."""
        for _ in range(count):
            text = np.zeros((options.length, 2), dtype=np.float32)
            # In [0, 1), numpy draws float32 as multiples of 2^-24, for which 2 u - 1 is exact.
            text[:, 0] = 2 * rng.random(options.length, dtype=np.float32) - 1
            marked = list(two_positions(rng, options.length))
            text[marked, 1] = 1
            a, b = text[marked, 0].tolist()
            yield Sample(text, repr(0.5 + (a + b) / 4))

    def show(self, sample: Sample) -> str:
        """Return the marked positions and numbers, and the target."""
        text: NDArray[np.float32] = np.asarray(sample.text, dtype=np.float32)
        terms = ", ".join(f"x[{i}] = {text[i, 0]:.4f}" for i in np.flatnonzero(text[:, 1]).tolist())
        return f"{len(text):,} numbers; marked: {terms}; target {float(sample.label):.4f}"
