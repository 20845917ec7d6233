"""Answers that are not finite numbers, and their cause: values far from those of training, or too low a precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary import Tokens, Vocabulary
from seqmix.errors import InputError, param

_FAR = 1e4  # standard deviations


def unanswered(answers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the numbers of the rows `(n, …)` that are not finite."""
    return np.flatnonzero(~np.isfinite(answers).reshape(len(answers), -1).all(1))


def no_answer(where: object, sequences: Sequence[Tokens], vocabulary: Vocabulary, precision: str) -> InputError:
    """Return the error for a record whose answer is not finite.

    Args:
        where: the record.
        sequences: its sequences, as the model sees them.
        vocabulary: the vocabulary of the model.
        precision: as in `TrainingConfig`.
    """
    said = f"{where}: the model has no answer, because its result is not a finite number"
    if far := far_value(sequences, vocabulary):
        return InputError(f"{said}; {far}")
    if precision != "fp32":
        return InputError(f"{said}; compute with {param('precision', 'fp32')}")
    return InputError(f"{said}; the training may have diverged: look at the losses in its metrics.jsonl, and train again")


def far_value(sequences: Sequence[Tokens], vocabulary: Vocabulary) -> str:
    """Return what to do about the number of a record that is farthest from those of training; "" if none is far."""
    if not vocabulary.channels:
        return ""
    mean, scale = (np.array(given or [default]) for given, default in ((vocabulary.mean, 0.0), (vocabulary.scale, 1.0)))
    values = np.concatenate(sequences).astype(np.float64)
    off = np.abs(values - mean) / scale
    position, channel = np.unravel_index(int(off.argmax()), off.shape)
    if off[position, channel] < _FAR:
        return ""
    inside = f" in channel {channel + 1}" if vocabulary.channels > 1 else ""
    return (
        f"{values[position, channel]:.6g}{inside} is far from the numbers of training, around {mean[channel]:.6g} ± "
        f"{scale[channel]:.2g}: if it stands for a missing value, fill it in, or remove the record"
    )
