"""Near relatives and equal records of a data set: what of its test records a model has as good as seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.relatives.nearness import NEAR, Nearness, measure
from seqmix.data.writer import sequence_key

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

_BINS = 10  # of the histogram


def leaks_of(dataset: Dataset, measured: Nearness | None, most: int) -> dict[str, Any] | None:
    """Return what is known of the near relatives of validation and test records; None if nearness is not defined.

    Args:
        dataset: the data set.
        measured: their nearest training records; None if it is not defined.
        most: number of pairs that are named.
    """
    if measured is None:
        return None
    return {
        "compared": measured.unit,
        "sampled": round(measured.rate, 6),
        "stored": dataset.nearness is not None,
        "splits": {name: _of_split(dataset, measured, s) for s, name in enumerate(SPLITS) if s and (dataset.split == s).any()},
        "pairs": _worst_pairs(dataset, measured, most),
    }


def measured_for(dataset: Dataset) -> Nearness | None:
    """Return the nearest training record of each validation and test record of a data set."""
    return measure(dataset.all_tokens, dataset.offsets, dataset.n_sequences, dataset.vocabulary, dataset.split)


def _of_split(dataset: Dataset, measured: Nearness, number: int) -> dict[str, Any]:
    inside = np.flatnonzero(dataset.split == number)
    values, nearest = measured.nearest.containment[inside], measured.nearest.record[inside]
    known, near = ~np.isnan(values), values >= NEAR
    counts, _ = np.histogram(values[known], _BINS, (0.0, 1.0))
    return {
        "records": len(inside),
        "too short to compare": int((~known).sum()),
        "near": int(near.sum()),
        "share": float(near.mean()),
        "same label": _agreement(dataset, inside[near], nearest[near]),
        "histogram": counts.tolist(),
    }


def _agreement(dataset: Dataset, records: NDArray[np.int64], nearest: NDArray[np.int64]) -> float | None:
    """Return the share of records that have the label of their nearest relative; None if that says nothing."""
    if not len(records) or not dataset.labelled or not dataset.classes:
        return None
    same = dataset.labels[records] == dataset.labels[nearest]
    return float(same.reshape(len(records), -1).all(1).mean())


def _worst_pairs(dataset: Dataset, measured: Nearness, most: int) -> list[dict[str, Any]]:
    """Return the records with the nearest relatives in training, those of the test split first."""
    values = np.nan_to_num(measured.nearest.containment)
    order = np.lexsort((np.arange(len(values)), -values, -dataset.split.astype(int)))
    near = [int(i) for i in order if values[i] >= NEAR][:most]
    ids = dataset.ids()
    return [
        {
            "split": SPLITS[int(dataset.split[i])],
            "id": ids[i],
            "label": label_of(dataset, i),
            "nearest": ids[other],
            "its label": label_of(dataset, other),
            "containment": round(float(values[i]), 4),
        }
        for i in near
        for other in (int(measured.nearest.record[i]),)
    ]


def label_of(dataset: Dataset, number: int) -> str | None:
    """Return the label of a record as a text; None if it has none."""
    label = dataset.label_objective.decode(dataset.labels[number])
    return ", ".join(label) if isinstance(label, tuple) else None if label is None else str(label)


def twins_of(dataset: Dataset, most: int) -> dict[str, Any]:
    """Return what is known of equal records (of DNA, also reverse complements).

    Args:
        dataset: the data set.
        most: number of examples.
    """
    complement = dataset.vocabulary.complement
    keys = np.array([_key(dataset, i, complement) for i in range(len(dataset))], dtype=np.int64)
    _, group, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    labels = np.unique(dataset.labels, axis=0, return_inverse=True)[1].reshape(-1)
    apart, unlike = _differ(group, dataset.split, len(sizes)), _differ(group, labels, len(sizes))
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(sizes)
    shown = [g for g in np.lexsort((-sizes, ~apart, ~unlike)) if sizes[g] > 1][:most]
    ids = dataset.ids() if shown else []
    return {
        "records": int(sizes[sizes > 1].sum()),
        "sequences": int((sizes > 1).sum()),
        "in several splits": int(apart.sum()),
        "with different labels": int(unlike.sum()),
        "examples": [
            [
                {"id": ids[i], "label": label_of(dataset, i), "split": SPLITS[int(dataset.split[i])]}
                for i in order[ends[g] - sizes[g] : ends[g]][:4].tolist()
            ]
            for g in shown
        ],
    }


def _key(dataset: Dataset, number: int, complement: bytes | None) -> int:
    keys = [sequence_key(sequence.tobytes(), complement) for sequence in dataset.sequences(number)]
    return keys[0] if len(keys) == 1 else hash(tuple(sorted(keys)))


def _differ(group: NDArray[np.int64], values: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Return which groups have records with different values, `(count,)`."""
    low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
    np.minimum.at(low, group, values.astype(np.int64))
    np.maximum.at(high, group, values.astype(np.int64))
    return low < high
