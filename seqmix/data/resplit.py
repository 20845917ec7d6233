"""Other splits of the same records: what `Dataset.with_split` describes, and a run that was trained on them keeps.

A cross-validation trains on the same files with other splits for every fold. The run folder then holds its own `split.npy`; the
`dataset.json` in it has the checksum of that file, so that the run and the data set are known to belong together.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.agreement import load_array
from seqmix.errors import DatasetError, param
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

OUT = -1  # in a split: the record is in none
FILE = "split.npy"
_ORIGIN = "own_split"  # in `dataset.json`: where the splits come from, in words


def checked_split(split: NDArray[Any], n: int) -> NDArray[np.int8]:
    """Return the splits of n records as they are stored.

    Raises:
        DatasetError: there is not a 0, 1, 2 or -1 for each record.
    """
    given = np.asarray(split)
    if given.shape != (n,) or given.dtype.kind not in "iu" or not np.isin(given, (OUT, *range(len(SPLITS)))).all():
        raise DatasetError(
            f"{param('split')} must have 0 (train), 1 (val), 2 (test) or {OUT} (in none) for each of the {n:,} records"
        )
    return given.astype(np.int8)


def resplit_info(
    stored: Mapping[str, Any], objective: LabelObjective, labels: Labels, split: NDArray[np.int8], origin: str
) -> dict[str, Any]:
    """Return the `dataset.json` of the same records in other splits.

    Args:
        stored: that of the data set.
        objective: its objective.
        labels: its labels.
        split: the splits, `(n,)`.
        origin: where they come from, in words.
    """
    parts = {name: labels[split == s] for s, name in enumerate(SPLITS)}
    return {
        **stored,
        **objective.describe(labels, split == 0),
        "sizes": {name: len(part) for name, part in parts.items()},
        "counts": {name: objective.count(part) for name, part in parts.items()},
        "arrays": {**stored["arrays"], FILE: hashlib.sha256(split_file(split)).hexdigest()},
        _ORIGIN: origin,
    }


def split_file(split: NDArray[np.int8]) -> bytes:
    """Return the content of a `split.npy`."""
    out = io.BytesIO()
    np.save(out, split)
    return out.getvalue()


def split_origin(info: Mapping[str, Any]) -> str:
    """Return where the splits of a run come from, in words; "" if they are those of its data set."""
    return str(info.get(_ORIGIN, ""))


def as_trained(dataset: Dataset, folder: Path, info: Mapping[str, Any]) -> Dataset:
    """Return a data set in the splits that a run was trained on: the run's own, if it has them.

    Args:
        dataset: the data set.
        folder: the run folder.
        info: its `dataset.json`.

    Raises:
        DatasetError: the run's splits are missing or damaged, or are those of other records.
    """
    if not (origin := split_origin(info)):
        return dataset
    file = folder / FILE
    if not file.is_file():
        raise DatasetError(f"{folder}: the run folder is damaged: {FILE} ({origin}) is missing; restore it, or train again")
    split = load_array(file)
    if hashlib.sha256(split_file(split)).hexdigest() != info["arrays"][FILE]:
        raise DatasetError(
            f"{folder}: the run folder is damaged: {FILE} does not match its checksum; restore it, or train again"
        )
    if len(split) != len(dataset):
        raise DatasetError(
            f"{dataset.path}: the data set has changed since {folder} was trained on it: {len(dataset):,} records, not "
            f"{len(split):,}"
        )
    return dataset.with_split(split, origin)
