"""Pretraining: `pretrain()` trains the mixing branch to predict hidden tokens, without labels, and writes a run folder.

`train` continues from its weights (`training.init`). What is hidden and predicted is described in `seqmix.models.masked`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config import Config
from seqmix.config.options import taking_options
from seqmix.data.dataset import Dataset
from seqmix.errors import DatasetError, command, param
from seqmix.objectives.pretraining import Pretraining
from seqmix.run import Run
from seqmix.system.arguments import typed
from seqmix.training.events import Event
from seqmix.training.keywords import pretraining_keywords
from seqmix.training.run_training import run_training

_TRAIN, _TEST = 0, 2  # numbers in `Dataset.split`


@typed()
@taking_options([one for _, one in pretraining_keywords().values()], unset=True)
def pretrain(
    data: str | Path | Dataset | None = None,
    output: str | Path | None = None,
    *,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    recipe: str | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    resume: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    progress: bool = False,
    **given: Any,
) -> Run:
    """Train a model to predict hidden tokens, as a start for `train`, and write a run folder.

    The records need no labels. If the data set has labels, the test split is left out; otherwise nothing can be tested on
    it, so it is trained on as well. The validation split chooses the weights to keep. Both strands of DNA are used.

    Args:
        data: the data set or its folder; None for `data.path` of `config`, or else "seqmix-data".
        output: the run folder; None for runs/NNN-pretraining-<mixer> or, with `resume`, the newest run under runs/.
        config: see `train`.
        recipe: see `train`.
        settings: see `train`.
        resume: continue an interrupted run from its last saved step, with what is left of its time budget.
        overwrite: replace `output` if it is a run folder.
        threads: threads on the CPU; None for OMP_NUM_THREADS, or one for each core.
        on_event: called with every `Event`.
        progress: whether to draw a progress bar.
        given

    Returns:
        The run, with its best weights saved. It answers nothing itself: ``train(data, init=run)`` trains a classifier from it.

    Raises:
        ConfigError: an option is unknown or not allowed, or the model cannot be built.
        DatasetError: there is no data set, or it cannot be trained on.
        RunError: `output` exists, or cannot be resumed.
        Interrupted: SIGINT, SIGTERM or SIGHUP arrived; the state was saved, and `resume` continues from there.
    """
    return run_training(
        open_without_labels,
        data,
        output,
        given,
        config=config,
        recipe=recipe,
        settings=settings,
        resume=resume,
        overwrite=overwrite,
        threads=threads,
        on_event=on_event,
        progress=progress,
    )


def open_without_labels(data: str | Path | Dataset) -> Dataset:
    """Return a data set whose objective is to predict hidden tokens.

    Raises:
        DatasetError: the data set is missing or damaged, holds numbers instead of tokens, or has no training records.
    """
    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    if dataset.vocabulary.channels:
        raise DatasetError(
            f"{dataset.path}: the data set holds numbers, not tokens, and pretraining hides tokens; train on it without"
        )
    split = dataset.split if dataset.labelled else np.where(dataset.split == _TEST, _TRAIN, dataset.split)
    if not (split == _TRAIN).any():
        raise DatasetError(
            f"{dataset.path}: the training split is empty; run {command('prepare')} again with another {param('split')}"
        )
    facts = Pretraining.describe_tokens(_count_tokens(dataset, np.flatnonzero(split == _TRAIN)))
    view = Dataset(dataset.path, dataset.info | facts | {"task": Pretraining.kind})
    view.split = split
    return view


def _count_tokens(dataset: Dataset, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each token that is predicted occurs in these records."""
    counts = np.zeros(len(dataset.vocabulary), dtype=np.int64)
    for index in indices:
        for tokens in dataset.sequences(int(index)):
            counts += np.bincount(tokens, minlength=len(counts))
    counts[dataset.vocabulary.unknown_id] = 0
    return counts
