"""All folds together: what every record was answered by the models that have not seen it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.errors import RunError
from seqmix.evaluation.paired import paired_difference
from seqmix.evaluation.result import Evaluation
from seqmix.evaluation.verdict import related
from seqmix.experiments.answers import MODEL, SIMPLE, read_predictions
from seqmix.experiments.crossval.result import Fold, Pooled
from seqmix.experiments.run_trial import Trial
from seqmix.objectives.metrics import Floats


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """The answers for all records.

    Attributes:
        indices: numbers of the records, `(n,)`, ascending.
        model: the models' predictions, `(n, C)` or `(n, 1)`.
        simple: those of the simple methods; None if none were fitted.
        fold: the fold of each record, `(n,)`, from 1.
    """

    indices: NDArray[np.int64]
    model: Floats
    simple: Floats | None
    fold: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers for the records of a fold.

    Attributes:
        indices: numbers of the records, `(n,)`.
        model: as in `OutOfFold`.
        simple: as in `OutOfFold`.
    """

    indices: NDArray[np.int64]
    model: Floats
    simple: Floats | None


def fold_answers(folder: Path, trials: Sequence[Trial], split: NDArray[np.int8]) -> Answers:
    """Return the mean of what the trainings of one fold answer, which differ in their seeds.

    Args:
        folder: of the campaign.
        trials: the trainings.
        split: the splits of the fold.

    Raises:
        RunError: what they answered is missing or damaged.
    """
    indices = np.flatnonzero(split == 2)
    found, simple = [], None
    for trial in trials:
        place = folder / trial.folder
        if (model := read_predictions(place / MODEL, len(indices))) is None:
            raise RunError(f"{place}: {MODEL} is missing or damaged; delete the run folder, and repeat the command")
        found.append(model)
        simple = read_predictions(place / SIMPLE, len(indices)) if simple is None else simple
    return Answers(indices, np.mean(found, axis=0), simple)


def fold_row(dataset: Dataset, number: int, split: NDArray[np.int8], answers: Answers, trials: Sequence[Trial]) -> Fold:
    """Return the scores of a fold.

    Args:
        dataset: the data set.
        number: of the fold, from 1.
        split: its splits.
        answers: from `fold_answers`.
        trials: its trainings.
    """
    objective, labels = dataset.label_objective, dataset.labels[answers.indices]
    return Fold(
        number=number,
        records=len(labels),
        trained=int((split == 0).sum()),
        validated=int((split == 1).sum()),
        scores=objective.point_scores(answers.model, labels),
        simple={} if answers.simple is None else objective.point_scores(answers.simple, labels),
        method=next((trial.simple["title"] for trial in trials if trial.simple), ""),
    )


def put_together(by_fold: Mapping[int, Answers]) -> OutOfFold:
    """Return the answers of all folds in the order of the records."""
    indices = np.concatenate([answers.indices for answers in by_fold.values()])
    order = np.argsort(indices)
    simple = [answers.simple for answers in by_fold.values() if answers.simple is not None]
    return OutOfFold(
        indices[order],
        np.concatenate([answers.model for answers in by_fold.values()])[order],
        np.concatenate(simple)[order] if len(simple) == len(by_fold) else None,
        np.concatenate([np.full(len(answers.indices), number) for number, answers in by_fold.items()])[order],
    )


def pool(
    dataset: Dataset, found: OutOfFold, groups: NDArray[np.int64], *, folder: Path, model: str, resamples: int = 1000
) -> Pooled:
    """Return the scores of all records, with intervals over groups.

    Args:
        dataset: the data set.
        found: the answers.
        groups: the group of each of these records, `(n,)`.
        folder: of the campaign.
        model: the model in words.
        resamples: number of bootstrap samples.
    """
    objective, labels = dataset.label_objective, dataset.labels[found.indices]
    together = related(groups)
    simple, difference = {}, None
    if found.simple is not None:
        simple = objective.scores(found.simple, labels, resamples, groups=together)
        difference = paired_difference(objective, found.model, found.simple, labels, groups=together, resamples=resamples)
    evaluation = Evaluation(
        run=str(folder),
        source="every record, by a model that has not seen it",
        task=objective.kind,
        model=model,
        records=len(labels),
        classes=list(objective.classes),
        scores=objective.scores(found.model, labels, resamples, groups=together),
        columns=list(objective.compared),
        branches={},
        baselines={},
        pictures=[],
        history=[],
        notes=[],
        **vars(objective.details(found.model, labels)),
    )
    return Pooled(evaluation=evaluation, groups=len(np.unique(groups)), simple=simple, difference=difference)
