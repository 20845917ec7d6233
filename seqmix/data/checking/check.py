"""`check()`: look a data set over before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.checking.composition import Composition, composition_of
from seqmix.data.checking.findings import findings_on
from seqmix.data.checking.giveaways import giveaways
from seqmix.data.checking.leaks import leaks_of, measured_for, twins_of
from seqmix.data.checking.result import DataCheck
from seqmix.data.dataset import Dataset
from seqmix.system.arguments import typed
from seqmix.system.ranges import check_numbers

_LOOKED_AT = 20_000  # records whose composition is looked at
_FITTED = 5_000  # records that linear models are fitted to
_MOST_CLASSES = 100  # that linear models tell apart
_QUANTILES = {"shortest": 0.0, "25%": 0.25, "median": 0.5, "75%": 0.75, "longest": 1.0}


@typed("data")
def check(data: Dataset | str | Path = "seqmix-data", *, pairs: int = 10, seed: int = 0) -> DataCheck:
    """Look a data set over: near relatives across splits, equal records, classes, and what length or composition give away.

    Nothing is written. It takes seconds; of large data sets, the composition of 20,000 records is looked at.

    Args:
        data: the data set or its folder.
        pairs: how many of the nearest pairs, and of the groups of equal records, are named.
        seed: of the records and folds that are drawn.

    Returns:
        What was found; `findings` has it in sentences, `suggestions` the commands that help.

    Raises:
        DatasetError: there is no data set, or it is damaged.
        ConfigError: a number is out of its range.
    """
    check_numbers(pairs=pairs, seed=seed)
    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    drawn = np.random.default_rng(seed).permutation(len(dataset))
    looked_at = np.sort(drawn[:_LOOKED_AT])
    composition = composition_of(dataset, looked_at)
    found: dict[str, Any] = {
        "leaks": leaks_of(dataset, measured_for(dataset), pairs),
        "twins": twins_of(dataset, pairs),
        "classes": [_row(dataset, name, members, looked_at, composition) for name, members in _classes(dataset).items()],
        "giveaways": _giveaways(dataset, drawn[:_FITTED], looked_at, composition, seed),
        "groups": _groups(dataset),
    }
    findings, suggestions = findings_on(dataset, found)
    return DataCheck(
        path=str(dataset.path),
        task=dataset.objective.kind,
        alphabet=dataset.vocabulary.alphabet,
        records=len(dataset),
        sizes=dataset.sizes,
        parts=composition.parts,
        looked_at=len(looked_at),
        findings=findings,
        suggestions=suggestions,
        **found,
    )


def _classes(dataset: Dataset) -> dict[str, NDArray[np.bool_]]:
    """Return the records of each class, or of each quarter of the targets, `(n,)`; without labels, all of them."""
    labels, objective = dataset.labels, dataset.label_objective
    if not dataset.labelled:
        return {"all": np.ones(len(dataset), dtype=bool)}
    if objective.has_classes:
        return {name: objective.members(labels, c) for c, name in enumerate(dataset.classes)}
    low, *inner, high = np.quantile(labels, (0, 0.25, 0.5, 0.75, 1)).tolist()
    quarter = np.searchsorted(np.array(inner), labels, side="left")
    bounds = [low, *inner, high]
    return {f"target {bounds[q]:.4g} to {bounds[q + 1]:.4g}": quarter == q for q in range(4) if (quarter == q).any()}


def _row(
    dataset: Dataset, name: str, members: NDArray[np.bool_], looked_at: NDArray[np.int64], composition: Composition
) -> dict[str, Any]:
    """Return what is known of the records of a class."""
    lengths = dataset.lengths[members]
    here = members[looked_at]
    values: list[int] = np.quantile(lengths, list(_QUANTILES.values()), method="nearest").tolist() if len(lengths) else []
    gc = None if composition.gc is None or not here.any() else round(float(composition.gc[here].mean()), 4)
    means = composition.values[here].mean(0) if here.any() else []
    return {
        "class": name,
        **{split: int((members & (dataset.split == s)).sum()) for s, split in enumerate(SPLITS)},
        "records": int(members.sum()),
        "share": float(members.mean()) if len(members) else 0.0,
        "length": dict(zip(_QUANTILES, values, strict=False)),
        "gc": gc,
        "composition": {part: round(float(mean), 5) for part, mean in zip(composition.parts, means, strict=False)},
    }


def _groups(dataset: Dataset) -> dict[str, Any]:
    """Return what is known of the groups that were kept together; {} if the data set does not store them."""
    if dataset.groups is None:
        return {}
    inside = {name: len(np.unique(dataset.groups[dataset.split == s])) for s, name in enumerate(SPLITS)}
    return {**dataset.info.get("groups", {}), "in splits": inside}


def _giveaways(
    dataset: Dataset, drawn: NDArray[np.int64], looked_at: NDArray[np.int64], composition: Composition, seed: int
) -> list[dict[str, Any]]:
    """Return what length, GC content and composition alone predict."""
    if not dataset.labelled or len(dataset.classes) > _MOST_CLASSES:
        return []
    records = np.sort(drawn)
    places = np.searchsorted(looked_at, records)
    lengths = np.diff(dataset.offsets).reshape(-1, dataset.n_sequences)[records]
    features: dict[str, Callable[[], NDArray[np.float64]]] = {}
    if np.ptp(lengths) > 0:
        logs = np.log1p(lengths.astype(np.float64))
        features["length"] = lambda: np.hstack((logs, logs**2))
    if composition.gc is not None:
        gc = composition.gc[places]
        features["GC content"] = lambda: np.stack((gc, gc**2), axis=1)
    if composition.parts:
        features["composition"] = lambda: composition.values[places]
    return [asdict(one) for one in giveaways(dataset, records, {name: made() for name, made in features.items()}, seed)]
