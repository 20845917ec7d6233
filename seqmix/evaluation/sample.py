"""The records that a run is evaluated on: a split of its data set, or new labelled files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.options import ReadOptions
from seqmix.data.prepare import prepare_for
from seqmix.data.resplit import split_origin
from seqmix.ensembles.members import Ensemble
from seqmix.errors import DatasetError, param
from seqmix.evaluation.new_files import count_known
from seqmix.evaluation.training_data import as_prepared, check_unseen, training_data
from seqmix.evaluation.verdict import Answers, related
from seqmix.models.prediction import notes_on_changes
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats
from seqmix.reporting.text import counted
from seqmix.run import Run


@dataclass(frozen=True, slots=True)
class Sample:
    """The records to evaluate on.

    Attributes:
        dataset: the data set.
        indices: record numbers, `(n,)`.
        source: description of the records.
        trained: data set that the run was trained on; None if not available.
        notes: what a reader of the scores should know.
        own: whether they are of the data set that the run was trained on.
        measured: how near the nearest training record is, `(n,)`, where the data set does not say; None if that is unknown.
    """

    dataset: Dataset
    indices: NDArray[np.int64]
    source: str
    trained: Dataset | None
    notes: tuple[str, ...] = ()
    own: bool = False
    measured: Floats | None = None

    @property
    def labels(self) -> Labels:
        return self.dataset.labels[self.indices]

    @property
    def nearness(self) -> Floats | None:
        """How near the nearest training record is, `(n,)`; None if unknown."""
        known = self.dataset.nearness if self.own else None  # that of new files is to each other
        if known is None or split_origin(self.dataset.info):  # it is that of other splits
            return self.measured
        return np.asarray(known[self.indices], dtype=np.float64)

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """Number of the group of each record, `(n,)`; None if unknown."""
        known = self.dataset.groups
        return None if known is None else np.asarray(known[self.indices])

    def answers(self, objective: LabelObjective, predictions: Floats, resamples: int) -> Answers:
        """Return what is needed to judge a model that predicts these records so."""
        constant = None
        if self.trained is not None and len(train := self.trained.indices("train")):
            constant = objective.constant_prediction(self.trained.labels[train])
        return Answers(objective, predictions, self.labels, constant, related(self.groups), self.nearness, resamples)


def own_split(run: Run, split: str, moved: Path | None) -> Sample:
    """Return a split of the data set that the run was trained on."""
    dataset = training_data(run, moved)
    check_unseen(run, dataset, split)
    indices = dataset.indices(split)
    if not len(indices):
        raise DatasetError(f"{dataset.path}: the {split} split is empty; choose another with {param('split')}")
    notes = ("the training split was evaluated: these scores say nothing about new data",) if split == "train" else ()
    own = f" ({origin})" if not isinstance(run, Ensemble) and (origin := split_origin(run.info)) else ""
    trained = as_prepared(dataset) if isinstance(run, Ensemble) else dataset
    return Sample(dataset, indices, f"{split} split{own}", trained, notes, own=True)


def new_files(
    run: Run,
    files: Sequence[str | Path],
    class_files: Mapping[str, Sequence[str | Path]],
    read: ReadOptions,
    folder: Path,
    baselines: bool,
) -> Sample:
    """Prepare new labelled files in `folder`; count those of their records that the run was trained on, where that is known."""
    seen = run.config.data
    dataset = prepare_for(
        run.info,
        [item if str(item) == "-" else Path(item) for item in files],
        folder,
        max_length=seen.max_length or None,
        truncate=seen.truncate,
        read=read,
        class_files=class_files,
    )
    trained, notes = None, list(dataset.info["notes"])
    notes += notes_on_changes(dataset.info["truncated"], dataset.info["replaced"], seen, dataset.vocabulary.noun)
    found, before = dataset.info.get("label_from"), run.info.get("label_from")
    if not (class_files or read.label_from) and found and found != before:
        notes.append(f"labels were read from '{found}', not from '{before}' as in training ({param('label_from')})")
    if left := dataset.info["dropped"]["without label"]:
        notes.append(f"{counted(left, 'record')} without a label {'is' if left == 1 else 'are'} left out")
    try:
        trained = seen_before = training_data(run, None)
    except DatasetError as error:
        if baselines:
            notes.append(f"no baselines: {error}")
    else:
        if isinstance(run, Ensemble):
            trained = as_prepared(seen_before)
        if known := count_known(run, seen_before, dataset):
            notes.append(f"{known:,} of {len(dataset):,} records were trained on: these scores say little about new data")
    source = ", ".join(map(str, files or chain(*class_files.values())))
    return Sample(dataset, np.arange(len(dataset)), source, trained, tuple(notes))


def moved_dataset(data: Sequence[str | Path]) -> Path | None:
    """Return the first input that is a dataset folder; None if all are files to read."""
    folders = (Path(item) for item in data if str(item) != "-")
    return next((folder for folder in folders if (folder / "dataset.json").is_file()), None)
