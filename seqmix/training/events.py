"""The events of a training, which `train` passes to its caller."""

from __future__ import annotations

from dataclasses import dataclass

from seqmix.data.dataset import Dataset
from seqmix.run import Run
from seqmix.training.state import State


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins or goes on; `batches`: in this epoch."""

    run: Run
    dataset: Dataset
    parameters: int
    device: str
    resumed: bool
    state: State


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to do: `reason` in words; the weights that are kept are those of `best_step`, in `best_epoch`.

    `earlier`: an earlier call finished the training.
    """

    run: Run
    best_epoch: int
    reason: str
    best_step: int = 0
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class BudgetChosen:
    """`--tokens-per-batch auto` has found how many tokens a batch should have."""

    tokens_per_batch: int


@dataclass(frozen=True, slots=True)
class StepEnd:
    """One optimiser step was made (`batch` of `batches` in this epoch).

    Attributes:
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
    """Memory ran out in a step, which was done again with every batch in `pieces` parts, as all later ones will be."""

    step: int
    pieces: int


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """An epoch, or with `validate_every` that many steps, are over and were validated.

    Training loss, validation scores (empty without a validation split), whether they are best; `epoch`: the one it is in.
    """

    epoch: int
    step: int
    train_loss: float
    validation: dict[str, float]
    best: bool
    lr: float
    seconds: float
    tokens_per_second: float


Event = Started | BudgetChosen | StepEnd | MemoryShort | EpochEnd | Finished
