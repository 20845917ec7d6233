"""The folds of a cross-validation: groups are kept whole, and classes are dealt out evenly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.record_groups import record_groups
from seqmix.data.resplit import OUT
from seqmix.data.splits.assign import stratified_split
from seqmix.errors import ConfigError, DatasetError, param
from seqmix.reporting.text import counted

_LARGEST_VALIDATION = 0.25  # of the records that are not in the fold
_TRAIN, _VAL, _TEST = 0, 1, 2  # numbers in `Dataset.split`


def make_folds(dataset: Dataset, folds: int, seed: int, *, keep_test: bool = False) -> NDArray[np.int64]:
    """Return in which fold each record is predicted, `(n,)` from 0; -1 for a record that stays out.

    It is scikit-learn's StratifiedGroupKFold; where all records are alone, StratifiedKFold, which is faster. With several
    labels, the rarest label of a record is its stratum. Numbers are all of one stratum (KFold, where all are alone).

    Args:
        dataset: the data set.
        folds: number of folds.
        seed: of the generator that deals the groups out.
        keep_test: whether the records of the test split stay out.

    Raises:
        ConfigError: there are fewer groups than folds.
        DatasetError: a class has fewer groups than folds.
    """
    chosen = np.flatnonzero(dataset.split != _TEST) if keep_test else np.arange(len(dataset))
    groups = np.unique(record_groups(dataset)[chosen], return_inverse=True)[1].reshape(-1)
    strata = dataset.label_objective.strata(dataset.labels[chosen])
    _check(dataset, strata, groups, folds)
    fold = np.full(len(dataset), OUT, dtype=np.int64)
    for number, inside in enumerate(_divisions(strata, groups, folds, seed)):
        fold[chosen[inside]] = number
    return fold


def _check(dataset: Dataset, strata: NDArray[np.int64], groups: NDArray[np.int64], folds: int) -> None:
    """Refuse a number of folds that there are too few groups for."""
    there = int(groups.max(initial=-1)) + 1
    if there < folds:
        raise ConfigError(
            f"{param('folds', folds)}: {dataset.path} has {counted(there, 'group')} of related records; use at most {there}",
            option="folds",
        )
    if not dataset.label_objective.one_class:
        return
    for number, name in enumerate(dataset.classes):
        inside = strata == number
        of_class = len(np.unique(groups[inside]))
        if of_class < folds:
            raise DatasetError(
                f"{dataset.path}: the class '{name}' has {counted(int(inside.sum()), 'record')} in "
                f"{counted(of_class, 'group')} of related ones, too few for {folds} folds: "
                + (f"use {param('folds', of_class)}, or " if of_class > 1 else "")
                + "prepare the data without the class, or with more of its records"
            )


def _divisions(strata: NDArray[np.int64], groups: NDArray[np.int64], folds: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the positions of the records of each fold."""
    from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold

    alone, even = len(np.unique(groups)) == len(groups), len(np.unique(strata)) < 2
    kind = StratifiedGroupKFold if not alone else KFold if even else StratifiedKFold
    dealer = kind(folds, shuffle=True, random_state=seed % (1 << 32))
    for _, inside in dealer.split(np.zeros(len(groups)), strata, None if alone else groups):
        yield inside


def split_of_fold(dataset: Dataset, fold: NDArray[np.int64], number: int, seed: int) -> NDArray[np.int8]:
    """Return the splits for a fold, `(n,)`: it is the test split, and of the others a part is taken for validation.

    The part is as large as a fold, but at most a quarter of the others; groups are kept whole, and it has each class in
    proportion.

    Args:
        dataset: the data set.
        fold: from `make_folds`.
        number: of the fold, from 0.
        seed: of the order in which groups are dealt.

    Raises:
        DatasetError: a class is missing in the training part.
    """
    objective, others = dataset.label_objective, (fold != OUT) & (fold != number)
    share = min(_LARGEST_VALIDATION, 1 / max(1, int(fold.max())))
    split = np.where(fold == number, _TEST, OUT).astype(np.int8)
    strata = objective.strata(dataset.labels[others])
    members = record_groups(dataset)[others]
    split[others] = stratified_split(strata, members, (1 - share, share, 0.0), seed + number)
    if objective.one_class:
        for name, count in objective.count(dataset.labels[split == _TRAIN]).items():
            if not count:
                raise DatasetError(
                    f"{dataset.path}: the class '{name}' has too few groups: none is left to train on in fold {number + 1}; "
                    f"use fewer {param('folds')}, or another {param('seed')}"
                )
    return split
