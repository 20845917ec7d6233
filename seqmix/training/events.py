"""The events of a training, which `train` passes to `on_event`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqmix.data.dataset import Dataset
from seqmix.run import Run
from seqmix.training.state import State

Cause = Literal["goal", "time", "steps", "epochs", "patience"]  # why a training is over


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins or goes on.

    Attributes:
        run: the run that is trained.
        dataset: what it is trained on.
        parameters: number of the model's trainable parameters.
        device: where it is trained.
        resumed: whether an earlier training goes on.
        state: where it stands.
    """

    run: Run
    dataset: Dataset
    parameters: int
    device: str
    resumed: bool
    state: State


@dataclass(frozen=True, slots=True)
class Finished:
    """Training is over.

    Attributes:
        run: the run.
        best_epoch: epoch of the weights that are kept, from 1.
        reason: why training is over, in words.
        best_step: step of the weights that are kept.
        earlier: whether an earlier call finished the training, and this one had nothing left to do.
        cause: why training is over: the goal was reached, time, steps or epochs are used up, or patience is.
    """

    run: Run
    best_epoch: int
    reason: str
    best_step: int = 0
    earlier: bool = False
    cause: Cause = "epochs"


@dataclass(frozen=True, slots=True)
class TokensPerBatchChosen:
    """The number of tokens per batch was measured.

    Attributes:
        tokens_per_batch: the fastest number that leaves enough steps and memory.
    """

    tokens_per_batch: int


@dataclass(frozen=True, slots=True)
class StepEnd:
    """An optimiser step was made.

    Attributes:
        epoch: the epoch of the step, from 1.
        batch: batches of the epoch that are done.
        batches: batches in the epoch.
        step: number of the step, from 1.
        loss: mean loss of its records.
        lr: its learning rate.
        tokens: tokens in its batches.
        done: share of the whole training that is over, 0 to 1: by epochs, steps or time, whichever is most.
    """

    epoch: int
    batch: int
    batches: int
    step: int
    loss: float
    lr: float
    tokens: int
    done: float = 0.0


@dataclass(frozen=True, slots=True)
class MemoryShort:
    """Memory ran out in a step, which was repeated with smaller batches.

    Attributes:
        step: number of the step.
        pieces: parts in which each batch is computed from now on.
    """

    step: int
    pieces: int


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The weights were validated: an epoch is over, or `validate_every` steps are.

    Attributes:
        epoch: the epoch, from 1.
        step: steps so far.
        train_loss: mean training loss since the last validation.
        validation: scores by name; empty without a validation split.
        best: whether they are the best so far.
        lr: learning rate of the last step.
        seconds: since the last validation.
        tokens_per_second: since the last validation.
    """

    epoch: int
    step: int
    train_loss: float
    validation: dict[str, float]
    best: bool
    lr: float
    seconds: float
    tokens_per_second: float


Event = Started | TokensPerBatchChosen | StepEnd | MemoryShort | EpochEnd | Finished
