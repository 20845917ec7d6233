"""The data set that a run was trained on, or that the members of an ensemble were."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqmix.data.dataset import Dataset
from seqmix.data.dataset_json import fingerprint, sizes_of
from seqmix.data.resplit import OUT, as_trained
from seqmix.ensembles.members import Ensemble
from seqmix.errors import DatasetError, param
from seqmix.run import Run

_TRAIN, _VAL, _TEST = 0, 1, 2  # numbers in `Dataset.split`


def training_data(run: Run, moved: Path | None) -> Dataset:
    """Open the data set that the run was trained on, in the splits that it was trained on.

    The training split of an ensemble is what any member was trained on, its validation split what the weights of any other were
    chosen by, and its test split what of the data set's own is left.

    Args:
        run: the run.
        moved: folder of the data set; the one recorded in the run if None.

    Raises:
        DatasetError: it is missing, damaged, or not what the run was trained on.
    """
    if isinstance(run, Ensemble):
        return _of_members(run, moved)
    path = moved or Path(run.config.data.path)
    if not path.exists():
        raise DatasetError(
            f"{path}: the data set of this run is missing; give its new folder, or new labelled files, with {param('data')}"
        )
    dataset = as_trained(Dataset.open(path), run.path, run.info)
    if dataset.fingerprint != run.dataset_fingerprint and moved and moved.absolute() != Path(run.config.data.path).absolute():
        raise DatasetError(
            f"{path}: this is another data set than {run.config.data.path}, which {run.path} was trained on; to score "
            f"the model on its records, give the labelled files that it was made of with {param('data')}"
        )
    if dataset.fingerprint != run.dataset_fingerprint:
        raise DatasetError(
            f"{path}: the data set, and perhaps its splits, have changed since {run.path} was trained on it; prepare it as "
            f"before, or evaluate on labelled files with {param('data')}"
        )
    return dataset


def _of_members(run: Ensemble, moved: Path | None) -> Dataset:
    """Open the data set that all members were trained on, in splits that say what they have seen of it."""
    views = [training_data(member, moved) for member in run.members]
    first = views[0]
    if other := next((view for view in views if fingerprint(view.stored) != fingerprint(first.stored)), None):
        raise DatasetError(
            f"{run.path}: its runs were trained on different data sets, {first.path} and {other.path}; evaluate on labelled "
            f"files with {param('data')}"
        )
    if all(view.fingerprint == first.fingerprint for view in views):
        return first
    own, splits = as_prepared(first).split, np.stack([view.split for view in views])
    left = np.where(own == _TEST, _TEST, OUT)
    split = np.where((splits == _TRAIN).any(0), _TRAIN, np.where((splits == _VAL).any(0), _VAL, left))
    return first.with_split(split, "what no run has seen")


def as_prepared(dataset: Dataset) -> Dataset:
    """Return a data set in the splits of its folder."""
    return Dataset.open(dataset.path, verify=False)


def check_unseen(run: Run, dataset: Dataset, split: str) -> None:
    """Refuse a split of the data set of an ensemble of which members have seen records in training, the training split apart.

    Args:
        run: the run, or the ensemble.
        dataset: `training_data` of it.
        split: name of the split.

    Raises:
        DatasetError: they have seen some.
    """
    if not isinstance(run, Ensemble) or split == "train" or dataset.info is dataset.stored:
        return
    whole, unseen = sizes_of(dataset.stored)[split], len(dataset.indices(split))
    if unseen < whole:
        raise DatasetError(
            f"{run.path}: {whole - unseen:,} of the {whole:,} records of the {split} split were seen in training by runs of "
            f"this ensemble, so that scores on it would say nothing about new data; evaluate on new labelled files with "
            f"{param('data')}, or read the scores of a cross-validation, in which no model scores a record that it has seen"
        )
