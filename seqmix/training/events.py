"""The events of a training, which `train` passes to `on_event`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from seqmix.calibration.maps import Calibration
from seqmix.data.dataset import Dataset
from seqmix.models.lexical_spec import LexicalSpec
from seqmix.run import Run
from seqmix.training.state import State

Cause = Literal["goal", "time", "steps", "epochs", "patience", "fitted"]  # why training ended


@dataclass(frozen=True, slots=True)
class RecipeAdapted:
    """Settings of the recipe do not go with those that the user states, and were changed; precedes `Started`.

    Attributes:
        recipe: name of the recipe.
        changes: the values in the recipe and in the run, by option such as "model.stride".
    """

    recipe: str
    changes: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Started:
    """Training starts or resumes.

    Attributes:
        run: the run.
        dataset: the training data set.
        parameters: number of the model's trainable parameters.
        device: the device that the model is trained on.
        resumed: whether an earlier training is resumed.
        state: the state that training starts from.
    """

    run: Run
    dataset: Dataset
    parameters: int
    device: str
    resumed: bool
    state: State


@dataclass(frozen=True, slots=True)
class WeightsTaken:
    """The model begins with the weights of another run (`training.init`).

    Attributes:
        source: folder of this run.
        pretrained: whether it was pretrained, rather than trained.
        parameters: number of parameters that were taken over.
        new_head: whether the head is new.
        frozen: whether only the head is trained.
    """

    source: Path
    pretrained: bool
    parameters: int
    new_head: bool
    frozen: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """Training has ended.

    Attributes:
        run: the run.
        best_epoch: epoch of the weights that are kept, from 1.
        reason: why training ended, in words.
        best_step: step of the weights that are kept.
        earlier: whether an earlier call finished the training, so that this one had nothing left to do.
        cause: why training ended: the goal was reached; or time, steps, epochs or patience ran out; or the
            model is a lexical branch alone, which is only fitted.
        learned_nothing: whether the weights that are kept are no better on validation than a constant prediction.
    """

    run: Run
    best_epoch: int
    reason: str
    best_step: int = 0
    earlier: bool = False
    cause: Cause = "epochs"
    learned_nothing: bool = False


@dataclass(frozen=True, slots=True)
class LexicalFitted:
    """The lexical branch was fitted, before the mixing branch is trained.

    Attributes:
        spec: its features, weighting and penalty; `spec.title` in words.
        validation: its validation scores by name; empty without a validation split.
        seconds: time that choosing and fitting took.
    """

    spec: LexicalSpec
    validation: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Training has ended, and the probabilities of the weights that are kept were calibrated on the validation split.

    Attributes:
        calibration: the result; its `method` is "none" where nothing was fitted, for its `reason`.
    """

    calibration: Calibration


@dataclass(frozen=True, slots=True)
class TokensPerBatchChosen:
    """The number of tokens per batch was measured.

    Attributes:
        tokens_per_batch: the fastest number of tokens that leaves enough steps and memory.
    """

    tokens_per_batch: int


@dataclass(frozen=True, slots=True)
class LearningRateChosen:
    """The learning rate was found by trying.

    Attributes:
        lr: the peak learning rate.
        steps: steps of the trial.
    """

    lr: float
    steps: int


@dataclass(frozen=True, slots=True)
class FewerTokensHidden:
    """Records are so alike that tokens are hidden less often than configured (`model.hidden_noise`).

    Attributes:
        configured: the probability of hiding a token that is configured, for each member of the mixing branch.
        hidden: the probability that is used.
    """

    configured: tuple[float, ...]
    hidden: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StepEnd:
    """An optimiser step was taken.

    Attributes:
        epoch: epoch of the step, from 1.
        batch: batches of the epoch so far.
        batches: batches in the epoch.
        step: number of the step, from 1.
        loss: mean loss of the records of the step.
        lr: learning rate of the step.
        tokens: tokens in the batches of the step.
        done: finished share of the whole training, 0 to 1: by epochs, steps or time, whichever is greatest.
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
        pieces: parts that each batch is computed in from now on.
    """

    step: int
    pieces: int


@dataclass(frozen=True, slots=True)
class LearnedNothing:
    """Neither the current nor the kept weights are better than a constant answer on validation.

    Yielded once, after a third of the training (`Objective.learns_by`) or at its end. The mixing branch is meant, whatever the
    lexical branch has learned. Better means by more than chance: by `LEAST_GAIN` standard errors in any measure
    (`Objective.gain`).

    Attributes:
        epoch: the epoch, from 1.
        step: steps so far.
        validation: validation scores by name.
        constant: the scores of the constant prediction that fits the training labels best.
        constant_loss: its loss, on the scale of `train_loss`.
        train_loss: mean training loss since the last validation.
        records: training records.
        records_per_step: mean number of records in a step.
        lr: peak learning rate.
        last: whether training ends here.
    """

    epoch: int
    step: int
    validation: dict[str, float]
    constant: dict[str, float]
    constant_loss: float
    train_loss: float
    records: int
    records_per_step: float
    lr: float
    last: bool = False

    @property
    def memorises(self) -> bool:
        """Whether the training loss is clearly below that of the constant prediction, so that something is memorised."""
        return self.train_loss < 0.8 * self.constant_loss


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The weights were validated, after an epoch or after `validate_every` steps.

    Attributes:
        epoch: the epoch, from 1.
        step: steps so far.
        train_loss: mean training loss since the last validation.
        validation: validation scores by name; empty without a validation split.
        best: whether the scores are the best so far.
        lr: learning rate of the last step.
        seconds: time since the last validation.
        tokens_per_second: training tokens per second since the last validation.
        both: validation scores of the mixing and the lexical branch together; empty without a lexical branch.
        weight: weight of the mixing branch in these; None without a lexical branch.
        gain: standard errors by which the weights are better on validation than a constant prediction (`Objective.gain`); None
            without a validation split.
    """

    epoch: int
    step: int
    train_loss: float
    validation: dict[str, float]
    best: bool
    lr: float
    seconds: float
    tokens_per_second: float
    both: dict[str, float] = field(default_factory=dict)
    weight: float | None = None
    gain: float | None = None


Event = (
    RecipeAdapted
    | Started
    | WeightsTaken
    | LexicalFitted
    | TokensPerBatchChosen
    | LearningRateChosen
    | FewerTokensHidden
    | StepEnd
    | MemoryShort
    | EpochEnd
    | LearnedNothing
    | Calibrated
    | Finished
)
