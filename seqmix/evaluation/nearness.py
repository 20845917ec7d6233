"""How near the records that a run is evaluated on are to those that it was trained on, where the data set does not say."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.relatives.nearness import measure
from seqmix.evaluation.sample import Sample
from seqmix.objectives.metrics import Floats

_TRAIN, _ASKED = 0, 2  # numbers of splits


def with_nearness(sample: Sample, scratch: Path) -> Sample:
    """Return records with their nearness to training, measured now if the data set does not say, and if it can be known.

    Args:
        sample: the records.
        scratch: a folder for a file as large as the tokens of all records.
    """
    trained = sample.dataset if sample.own else sample.trained
    if sample.nearness is not None or trained is None or _seen(sample):
        return sample
    return replace(sample, measured=nearness_to_training(trained, sample.dataset, sample.indices, scratch))


def _seen(sample: Sample) -> bool:
    """Return whether some of the records are training records themselves."""
    return sample.own and bool(np.isin(sample.indices, sample.dataset.indices("train")).any())


def nearness_to_training(trained: Dataset, tested: Dataset, indices: NDArray[np.int64], scratch: Path) -> Floats | None:
    """Return which share of the k-mers or shingles of each record its nearest training record has, `(n,)`; None if undefined.

    Args:
        trained: the data set that was trained on, with its splits.
        tested: the data set of the records; the same, or new files that were read with its vocabulary.
        indices: numbers of the records in `tested`, `(n,)`.
        scratch: a folder for a file as large as the tokens of all these records.
    """
    parts = [(trained, trained.indices("train")), (tested, indices)]
    lengths = np.array([len(tokens) for data, some in parts for i in some for tokens in data.sequences(int(i))], dtype=np.int64)
    dtype, shape = trained.token_form
    if not len(lengths) or not lengths.sum() or trained.token_form != tested.token_form:
        return None
    offsets = np.concatenate(([0], lengths.cumsum()))
    file = scratch / "sequences.npy"
    tokens = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=(int(offsets[-1]), *shape))
    places = pairwise(offsets)
    for data, some in parts:
        for i in some:
            for sequence in data.sequences(int(i)):
                start, end = next(places)
                tokens[start:end] = sequence
    split = np.repeat(np.array((_TRAIN, _ASKED), dtype=np.int8), [len(some) for _, some in parts])
    found = measure(tokens, offsets, trained.n_sequences, trained.vocabulary, split)
    return None if found is None else np.asarray(found.nearest.containment[split == _ASKED], dtype=np.float64)
