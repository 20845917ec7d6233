"""Records that a report shows: those that the model was most certain of and wrong about, and the first ones as images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.vocabulary import Tokens
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats

_WORST = 20  # wrong answers that a report lists
_BEGINNING = 40  # characters of a sequence that it shows
_TOKENS = 240  # of which these characters are made; a subword may be empty
_VALUES = 4  # positions of a series that it shows
_PICTURES, _LEAST_SIDE = 8, 8  # number of images kept, and the smallest side of an image


def worst_records(
    objective: LabelObjective, dataset: Dataset, indices: NDArray[np.int64], predictions: Floats, nearness: Floats | None
) -> list[dict[str, Any]]:
    """Return what `Evaluation.worst` holds.

    Args:
        objective: the objective of the model.
        dataset: the data set.
        indices: records that were scored, `(n,)`.
        predictions: what the model predicts for them.
        nearness: how near the nearest training record is, `(n,)`; None if unknown.
    """
    found = objective.worst(predictions, dataset.labels[indices], _WORST)
    names = dataset.ids() if found else []
    shown = []
    for one in found:
        place = one.pop("index")
        number = int(indices[place])
        near = None if nearness is None or not math.isfinite(nearness[place]) else float(nearness[place])
        shown.append({"id": names[number], **one, "nearness": near, "beginning": _beginning(dataset, number)})
        if objective.one_class and len(shown) <= _PICTURES and (side := _side(dataset, indices)):
            shown[-1]["picture"] = {"side": side, "intensities": _intensities(dataset, number)}
    return shown


def _beginning(dataset: Dataset, number: int) -> str:
    """Return the beginning of a record for people to read, of both texts of a pair; "" for images."""
    if dataset.are_images:
        return ""
    if dataset.vocabulary.channels:
        parts = [_values(sequence) for sequence in dataset.sequences(number)]
    else:
        parts = [_text(dataset, sequence) for sequence in dataset.sequences(number)]
    return " | ".join(parts)


def _text(dataset: Dataset, sequence: Tokens) -> str:
    text = dataset.vocabulary.decode(sequence[:_TOKENS])
    more = len(text) > _BEGINNING or len(sequence) > _TOKENS
    return text[:_BEGINNING] + "…" * more


def _values(sequence: Tokens) -> str:
    rows = [" ".join(f"{value:.3g}" for value in position) for position in sequence[:_VALUES]]
    return "; ".join(rows) + " …" * (len(sequence) > _VALUES)


def first_pictures(
    objective: LabelObjective, dataset: Dataset, indices: NDArray[np.int64], predictions: Floats
) -> list[dict[str, Any]]:
    """Return what `Evaluation.pictures` holds: the first records as images if all records are squares of intensities."""
    if not objective.one_class or not (side := _side(dataset, indices)):
        return []
    return [
        {
            "side": side,
            "intensities": _intensities(dataset, int(index)),
            "true": objective.decode(dataset.labels[index]),
            "predicted": objective.answer(row).label,
        }
        for index, row in zip(indices[:_PICTURES], predictions[:_PICTURES], strict=True)
    ]


def _side(dataset: Dataset, indices: Sequence[int] | NDArray[np.int64]) -> int:
    """Return the side of the images that records are; 0 if they are none."""
    length = int(dataset.lengths[indices[0]])
    side = math.isqrt(length)
    is_square = dataset.n_sequences == 1 and dataset.are_images and side >= _LEAST_SIDE and side * side == length
    return side if is_square else 0


def _intensities(dataset: Dataset, index: int) -> list[int]:
    found: Iterable[int] = dataset.tokens(index).astype(np.int64) - dataset.vocabulary.first
    return [int(value) for value in found]
