"""`calibrate`: at the end of a training, measure on validation what makes answers trustworthy, and store it in the run.

It takes one more pass over the validation split, with the weights that are kept, as they are stored: however often a training
was interrupted, the result is the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqmix.calibration.fit import fit_calibration
from seqmix.calibration.maps import Calibration
from seqmix.calibration.novelty import Novelty
from seqmix.calibration.seen import MOST_RECORDS, Seen
from seqmix.calibration.stored import save_measured
from seqmix.data.dataset import Dataset
from seqmix.models.batched import branch_outputs
from seqmix.models.branches import combined
from seqmix.run import Run
from seqmix.system.devices import choose_device

_MOST_TRAINING = 2000  # training records that others are compared with


def calibrate(run: Run, dataset: Dataset, check: Callable[[], None] = lambda: None) -> Calibration:
    """Fit the calibration of a run, and write `calibration.json` and `seen.json`.

    Args:
        run: the run, with its weights.
        dataset: the data set that it was trained on.
        check: called between batches; may raise.

    Returns:
        The calibration.
    """
    training, objective = run.config.training, dataset.label_objective
    validation = dataset.indices("val")
    outputs = _outputs(run, dataset, validation, check)
    answered = outputs.isfinite().all(1)
    outputs, scored = outputs[answered], validation[answered.numpy()]
    labels = dataset.labels[scored]
    groups = None if dataset.groups is None else dataset.groups[scored]
    calibration = fit_calibration(objective, outputs, labels, method=training.calibration, groups=groups, seed=training.seed)
    seen = Seen.of(
        objective,
        objective.predictions(calibration.apply(objective, outputs)),
        labels,
        novelty=_novelty(run, dataset, validation, check),
        records={split: len(dataset.indices(split)) for split in ("train", "val")},
        groups=groups,
        seed=training.seed,
    )
    run.check_held()
    save_measured(run.path, calibration, seen)
    return calibration


def _outputs(run: Run, dataset: Dataset, validation: NDArray[np.int64], check: Callable[[], None]) -> Tensor:
    """Return the outputs of the whole model for the validation records, `(n, n_outputs)`."""
    import torch

    if not len(validation):
        return torch.zeros(0, dataset.label_objective.n_outputs)
    device = choose_device(run.config.training.device if run.has_mixer else "cpu")
    model, data = run.load_model().to(device), run.config.data
    tokens = {"tokens_per_batch": most} if (most := run.config.training.tokens_per_batch) else {}
    outputs = branch_outputs(
        model,
        dataset.label_objective,
        lambda i: dataset.truncated(int(validation[i]), data),
        dataset.cut_lengths(data.max_length)[validation],
        device=device,
        window=data.window,
        on_batch=lambda _: check(),
        **tokens,
    )
    return combined(model, outputs)


def _novelty(run: Run, dataset: Dataset, validation: NDArray[np.int64], check: Callable[[], None]) -> Novelty | None:
    """Return what is usual among some training and validation records; None without validation records."""
    generator = np.random.default_rng(run.config.training.seed)

    def some(indices: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        return np.sort(generator.choice(indices, most, replace=False)) if len(indices) > most else indices

    if not len(validation):
        return None
    train, val = some(dataset.indices("train"), _MOST_TRAINING), some(validation, MOST_RECORDS)
    check()
    seen = run.config.data
    return Novelty.of(
        dataset.vocabulary,
        [dataset.truncated(int(i), seen) for i in train],
        [dataset.truncated(int(i), seen) for i in val],
    )
