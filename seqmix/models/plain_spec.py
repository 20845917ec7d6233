"""What a plain model looks at: little of a record, or nothing; nothing here waits for torch.

Such models stand beside a trained one in an evaluation. Where records have nothing that a lexical model could count, or where
their length tells more, one of them is the best simple method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary import Tokens
from seqmix.objectives.metrics import Floats

NOTHING, LENGTH, STATISTICS, VALUES = "nothing", "length only", "means and spreads", "values at each position"
PLAIN = (NOTHING, LENGTH, STATISTICS, VALUES)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainSpec:
    """What a plain model looks at.

    Attributes:
        features: one of `PLAIN`.
        name: the name of the method, such as "largest class" if it looks at nothing.
        inputs: positions of a sequence whose values are looked at; 0 if not its values are.
        size: what values are divided by.
        strength: inverse of the penalty on the weights.
        paired: whether a record is two sequences, whose features are multiplied and subtracted (lengths stand side by side).
    """

    features: str
    name: str
    inputs: int = 0
    size: float = 1.0
    strength: float = 1.0
    paired: bool = False

    @property
    def noun(self) -> str:
        """What is looked at."""
        return self.name

    @property
    def title(self) -> str:
        """The model in words: "length only, C 10"."""
        return self.name if self.features == NOTHING else f"{self.name}, C {float(f'{self.strength:.3g}'):g}"

    @property
    def standardised(self) -> bool:
        """Whether features are scaled to mean 0 and variance 1 over the training records."""
        return self.features in (LENGTH, STATISTICS)

    def of(self, records: Sequence[Sequence[Tokens]]) -> NDArray[Any]:
        """Return the features of one or more records, `(n, F)`, before they are standardised."""
        places = range(2 if self.paired else 1)
        if self.features == NOTHING:
            return np.zeros((len(records), 1))
        if self.features == LENGTH:
            return np.log([[max(1, len(record[place])) for place in places] for record in records])
        made = [np.array([self._look(record[place]) for record in records]) for place in places]
        return made[0] if len(made) == 1 else np.hstack((made[0] * made[1], np.abs(made[0] - made[1])))

    def _look(self, sequence: Tokens) -> NDArray[Any]:
        if self.features == STATISTICS:
            return _statistics(sequence)
        values = np.zeros(self.inputs, dtype=np.float32)
        values[: len(sequence)] = sequence[: self.inputs]
        return values / np.float32(self.size)


def _statistics(values: Tokens) -> Floats:
    """Return mean, standard deviation, minimum and maximum of each channel."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.concatenate((values.mean(0), values.std(0), values.min(0), values.max(0))).astype(np.float64)
    return found if values.dtype == np.float64 or np.isfinite(found).all() else _statistics(values.astype(np.float64))
