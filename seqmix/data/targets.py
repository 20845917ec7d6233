"""What a data set's records are to be predicted as: label texts to `labels.npy`, and strata for the split.

Classification: class numbers `(n,)`, -1 without label. Multilabel: `(n, C)` of 0 and 1. Regression: real numbers `(n,)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import InputError

_SHOWN = 40  # characters of a wrong label
_BINS = 10  # of a regression's targets, each of which is in every split in proportion
_LEAST = 10  # records in each of them: with fewer, splits would not have their shares
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets of n records.

    Attributes:
        labels: as in `labels.npy`; strata: `(n,)` numbers of which every split has its share; classes: names.
    """

    labels: NDArray[Any]
    strata: NDArray[np.int64]
    classes: list[str]


def make_targets(
    task: str,
    texts: Sequence[str],
    numbers: NDArray[np.int64],
    *,
    separator: str | None,
    classes: Sequence[str] | None = None,
    named: Callable[[int], str] = str,
) -> Targets:
    """The targets of records whose label texts are `texts[numbers]`, or none where the number is -1.

    Args:
        task: one of `TASKS`; separator: what stands between the labels of a record, in multilabel.
        classes: their names and order where a model has them; None: all that occur, sorted.
        named: what a record, given by its number, is called.

    Raises:
        InputError: a text is no number, or no class of `classes`.
    """
    if task == "regression":
        for number, text in enumerate(texts):
            if not is_number(text):
                shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
                raise InputError(
                    f"{named(int(np.flatnonzero(numbers == number)[0]))}: the label '{shown}' is no (finite) number, as --task "
                    "regression needs; name another --label-from, correct the record, or take it out"
                )
        values = np.array([float(text) for text in texts])[numbers]
        bins = min(_BINS, len(values) // _LEAST)
        inner = np.quantile(values, np.arange(1, bins) / bins) if bins > 1 else []
        return Targets(values, np.searchsorted(np.unique(inner), values, side="right"), [])
    parts = [split_labels(text, separator) if task == "multilabel" else [text] for text in texts]
    names = list(classes) if classes is not None else sorted({name for part in parts for name in part})
    place = {name: i for i, name in enumerate(names)}
    if strange := sorted({name for part in parts for name in part} - place.keys()):
        raise InputError(f"the model does not know the class '{strange[0]}'; its classes are: {', '.join(names)}")
    if task == "multilabel" and not names:
        raise InputError("no record has a label; say where labels are with --label-from")
    if task == "classification":
        rank = np.array([place[part[0]] for part in parts] + [-1], dtype=np.int64)
        return Targets(rank[numbers], rank[numbers], names)
    rows = np.zeros((len(texts), len(names)), dtype=np.uint8)
    for row, part in zip(rows, parts, strict=True):
        row[[place[name] for name in part]] = 1
    labels = rows[numbers]
    frequency = labels.sum(0, dtype=np.int64)
    # The rarest label of a record: where it goes matters most.
    rarest = np.where(labels > 0, frequency, len(labels) + 1).argmin(1)
    return Targets(labels, np.where(labels.any(1), rarest, -1), names)


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def split_labels(text: str, separator: str | None) -> list[str]:
    """ "heart, lung" to ["heart", "lung"]."""
    return [part.strip() for part in text.split(separator) if part.strip()]


def describe(task: str, targets: NDArray[Any], split: NDArray[np.int8], tolerance: float | None) -> dict[str, Any]:
    """What `dataset.json` says of a regression's targets; nothing of classes."""
    if task != "regression":
        return {}
    train = targets[split == 0] if (split == 0).any() else targets
    quantiles = {f"{q:.0%}": float(value) for q, value in zip(_QUANTILES, np.quantile(targets, _QUANTILES), strict=True)}
    scale = float(train.std())
    return {"target": {"mean": float(train.mean()), "scale": scale or 1.0, "tolerance": tolerance, "quantiles": quantiles}}


def count(task: str, labels: NDArray[Any], classes: Sequence[str]) -> Mapping[str, int]:
    """Records by class."""
    if task == "regression" or not classes:
        return {"records" if task == "regression" else "unlabelled": len(labels)}
    if task == "multilabel":
        return {name: int(labels[:, i].sum()) for i, name in enumerate(classes)}
    return {name: int((labels == i).sum()) for i, name in enumerate(classes)}
