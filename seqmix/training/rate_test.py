"""Find the learning rate by trying: `lr="auto"`.

A copy of the model takes a few dozen steps, each with a higher learning rate than the one before. The loss of a step is
compared with that of the untrained model on the same records, so that easy and hard records do not look like progress. The
rate at which training is fastest and about to fail is where the smoothed loss is lowest; a tenth of it is safe.

After L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017, section 3.3.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from seqmix.errors import DivergedError
from seqmix.objectives.metrics import Floats
from seqmix.system.memory import release_memory
from seqmix.training.fit import summed_loss, take_step
from seqmix.training.trainer import Trainer

LOWEST, HIGHEST = 1e-4, 2e-2  # bounds of the chosen rate
_FIRST, _LAST = 1e-5, 1.0  # rates of the first and the last step
_STEPS, _FEWEST = 30, 12
_SHARE = 0.1  # share of the time budget that the steps may take
_SMOOTHING = 0.6  # weight of the earlier steps in the smoothed loss
_BEGINNING = 5  # steps whose smoothed loss is of too few steps to be the lowest; their rates are far below the bounds
_MARGIN = 0.1  # chosen rate, as a share of the one where the loss is lowest
_FAILED = 0.2  # rise of the loss, relative to that of the untrained model, at which training has failed (if it is not noise)


def choose_learning_rate(trainer: Trainer, check: Callable[[], None] = lambda: None) -> tuple[float, int]:
    """Return a peak learning rate for a trainer's model and data, and the steps that were tried.

    Model, optimiser and random state do not change; of a time budget, the time is used.

    Args:
        trainer: a trainer before its first step.
        check: called between steps; may raise.
    """
    began = time.monotonic()
    with torch.random.fork_rng():
        rates, changes = _try(trainer, check)
    release_memory(trainer.device)
    if trainer.config.training.budget:
        trainer.state.elapsed += time.monotonic() - began
    return pick_rate(rates, changes), len(rates)


def pick_rate(rates: Floats, changes: Floats) -> float:
    """Return the learning rate to train with, a tenth of the highest rate at which the smoothed loss is about lowest.

    Losses that differ by less than twice their standard error are equal. So, where no rate lowers the loss within the trial,
    the rate is a tenth of the highest that does not raise it. After a step at which training fails, the loss means nothing: a
    broken model that always gives the same answer is not much worse than the untrained one.

    Args:
        rates: learning rate of each step, rising, `(n,)`.
        changes: loss of each step, less that of the untrained model and divided by it, `(n,)`.
    """
    valid = len(changes) - _fails(changes)
    smoothed, spread = _smoothed(changes)
    if not valid:
        return LOWEST
    noise = spread * math.sqrt((1.0 - _SMOOTHING) / (1.0 + _SMOOTHING))
    lowest = smoothed[min(_BEGINNING, valid - 1) : valid].min()
    best = np.flatnonzero(smoothed[:valid] <= lowest + 2.0 * noise)[-1]
    return float(np.clip(_MARGIN * rates[best], LOWEST, HIGHEST))


def _smoothed(changes: Floats) -> tuple[Floats, float]:
    """Return the exponential means of the changes, and the standard deviation of their noise."""
    smoothed, mean = np.empty(len(changes)), 0.0
    for step, change in enumerate(changes):
        mean = _SMOOTHING * mean + (1.0 - _SMOOTHING) * change
        smoothed[step] = mean / (1.0 - _SMOOTHING ** (step + 1))
    # From the median, which a few outliers do not change. A change is part of its own mean, and so nearer to it.
    median = float(np.median(np.abs(changes - smoothed))) if len(changes) else 0.0
    own = 1.0 - _SMOOTHING
    return smoothed, 1.4826 * median / math.sqrt(1.0 - 2.0 * own + own / (1.0 + _SMOOTHING))


def _fails(changes: Floats) -> bool:
    """Return whether training fails in the last step: its loss is far above that of the untrained model."""
    return bool(len(changes)) and changes[-1] > max(_FAILED, 5.0 * _smoothed(changes)[1])


def _try(trainer: Trainer, check: Callable[[], None]) -> tuple[Floats, Floats]:
    """Take steps with rising rates on a copy of the model, until training fails.

    Returns:
        The rates, and the relative changes of the loss, see `pick_rate`.
    """
    settings = replace(trainer.config, training=replace(trainer.config.training, average=0.0, compile=False))
    trial = Trainer(
        copy.deepcopy(trainer.model), trainer.dataset, settings, trainer.device, state=replace(trainer.state, peak_lr=_FIRST)
    )
    trainer.model.train()
    trial.model.train()
    budget = trainer.config.training.budget
    steps, rates, changes = _STEPS, list[float](), list[float]()
    for group, mean_size in _endless(trial):
        check()
        began = time.monotonic()
        trial.state.lr = _FIRST * (_LAST / _FIRST) ** (len(rates) / (steps - 1))
        try:
            loss, _ = take_step(trial, group, mean_size)
        except DivergedError:
            break
        with torch.no_grad():
            before = sum(float(summed_loss(trainer, part)[0]) for part in trial.in_pieces(group)) / sum(map(len, group))
        if budget and not rates:
            steps = int(np.clip(_SHARE * budget / max(1e-9, time.monotonic() - began), _FEWEST, _STEPS))
        rates.append(trial.state.lr)
        changes.append(loss / before - 1.0)
        if len(rates) == steps or _fails(np.array(changes)):
            break
    return np.array(rates), np.array(changes)


def _endless(trial: Trainer) -> Iterator[tuple[list[NDArray[np.int64]], float]]:
    """Yield the batches of one step after the other, and the mean size of a step, epoch after epoch."""
    while True:
        yield from trial.steps(trial.plan())
        trial.state.epoch += 1
