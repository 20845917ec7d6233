"""The parts of a training: the model, its average and optimiser, the data, and the state."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqmix.config import Config, TrainingConfig
from seqmix.data.batching import group_batches, plan_batches, put_together, sample_balanced
from seqmix.data.dataset import Dataset
from seqmix.data.transforms import augment
from seqmix.data.vocabulary import Tokens
from seqmix.models.branches import Branches, Model
from seqmix.models.members import MixingBranch, members_of
from seqmix.objectives.base import LEAST_GAIN, Objective
from seqmix.training.events import Cause
from seqmix.training.lexical import FittedLexical
from seqmix.training.state import State, state_of


@dataclass
class Trainer:
    """The parts of a training, which `fit` trains.

    Attributes:
        model: the classifier, on the device.
        dataset: the data set.
        config: the full configuration of the run.
        device: the device to compute on.
        lexical: the fitted lexical branch; None if there is none.
        state: the state of the training.
        averaged: the model that is validated and kept: with the running average of the weights, or statistics of its own
            (`settle`), or `model` itself.
        optimizer: AdamW over the model's weights.
        scaler: scales the loss with precision fp16.
        forward: the model, compiled if configured.
    """

    model: MixingBranch
    dataset: Dataset
    config: Config
    device: torch.device
    lexical: FittedLexical | None = None
    state: State = field(default_factory=State)
    averaged: MixingBranch = field(init=False)
    optimizer: torch.optim.AdamW = field(init=False)
    scaler: torch.amp.GradScaler = field(init=False)
    forward: Callable[[Tensor, Tensor], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        training = self.config.training
        settled = any(member.standardisation is not None for member in members_of(self.model))
        apart = bool(training.average) or settled
        self.averaged = copy.deepcopy(self.model).requires_grad_(False) if apart else self.model
        self.optimizer = new_optimizer(self.model, training)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=training.precision == "fp16")
        self.forward = torch.compile(self.model, dynamic=True) if training.compile else self.model
        self._clock = time.monotonic()

    @property
    def objective(self) -> Objective:
        """The objective of the data set."""
        return self.dataset.objective

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The length of every record in characters, after truncation, `(n,)`."""
        return self.dataset.cut_lengths(self.config.data.max_length)

    @cached_property
    def training_lengths(self) -> NDArray[np.int64]:
        """The length of the longest part of every record that a training step sees, `(n,)`."""
        longest = self.config.training.crop_length
        return np.minimum(self.lengths, longest) if longest else self.lengths

    @cached_property
    def targets(self) -> Tensor:
        """The targets of all records."""
        return self.objective.targets(self.dataset.labels)

    @cached_property
    def class_weights(self) -> Tensor:
        """The weights `(C,)` of the classes in the loss: ones, or inverse to their frequency in the training split."""
        if self.config.training.class_weights == "none":
            return torch.ones(self.objective.n_outputs, device=self.device)
        weights = self.objective.class_weights(self.dataset.labels[self.dataset.indices("train")])
        return torch.from_numpy(weights).to(self.device, torch.float32)

    def epoch_records(self) -> NDArray[np.int64]:
        """Return the records of this epoch: their indices, plus the number of records n for each time a record came before."""
        training, train = self.config.training, self.dataset.indices("train")
        if training.sampling == "all":
            return train
        n = len(self.dataset)
        order = (training.seed, self.state.epoch, n)  # `training_view` has the same with an index below n
        drawn, before = sample_balanced(self.dataset.label_objective.strata(self.dataset.labels[train]), order)
        return train[drawn] + n * before

    def plan(self) -> list[NDArray[np.int64]]:
        """Return the records in each batch of this epoch, as in `epoch_records`."""
        training, train = self.config.training, self.epoch_records()
        batches = plan_batches(
            self.batch_lengths(train),
            tokens_per_batch=self.state.tokens_per_batch or training.tokens_per_batch,
            batch_size=training.batch_size,
            order=(training.seed, self.state.epoch),
        )
        return [train[batch] for batch in batches]

    def steps(self, plan: list[NDArray[np.int64]]) -> list[tuple[list[NDArray[np.int64]], float]]:
        """Return the optimiser steps of an epoch: the batches of each, and the number that its summed loss is divided by.

        With `least_records`, steps have about as many records, however many batches that takes, and the number is the mean
        number of records in a step; otherwise it is the mean number in so many batches.
        """
        training, records = self.config.training, sum(map(len, plan))
        groups = group_batches(plan, accumulate=training.accumulate, least_records=training.least_records)
        if training.least_records:
            return [(group, records / len(groups)) for group in groups]
        return [(group, records / len(plan) * len(group)) for group in groups]

    def in_pieces(self, group: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Return the batches of a step in the parts that fit into memory."""
        together = self.together(group)
        return [part for batch in together for part in np.array_split(batch, min(self.state.pieces, len(batch)))]

    def together(self, group: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Return the batches of a step as they are computed: several at once, if the configuration says so."""
        at_once = self.config.training.tokens_at_once
        if not at_once:
            return group
        longest = [int(self.batch_lengths(batch).max()) for batch in group]
        return put_together(group, longest, at_once)

    def batch_lengths(self, records: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tokens of records as in `epoch_records`, CLS among them; of pairs, twice those of the longer sequence."""
        return (self.training_lengths[records % len(self.dataset)] + (self.model.pooling == "cls")) * self.dataset.n_sequences

    def training_view(self, record: int) -> list[Tokens]:
        """Return the sequences of a training record, truncated and augmented as in this epoch.

        Args:
            record: as in `epoch_records`; each time that a record comes, it is augmented in another way.
        """
        training = self.config.training
        before, index = divmod(record, len(self.dataset))
        return [
            augment(
                tokens,
                (training.seed, self.state.epoch, index, *((part,) if part or before else ()), *((before,) if before else ())),
                crop=training.crop,
                crop_length=training.crop_length,
                reverse_complement=training.reverse_complement,
                complement=self.dataset.vocabulary.complement,
            )
            for part, tokens in enumerate(self.dataset.truncated(index, self.config.data))
        ]

    @cached_property
    def constant(self) -> NDArray[np.float64]:
        """The constant prediction that fits the training labels best."""
        return self.objective.constant_prediction(self.dataset.labels[self.dataset.indices("train")])

    @property
    def learned_nothing(self) -> bool:
        """Whether the weights that are kept are no better on validation than a constant prediction."""
        return self.state.gain <= LEAST_GAIN

    def kept_model(self, weight: float | None) -> Model:
        """Return the model to keep after a validation.

        Args:
            weight: weight of the mixing branch beside the lexical one; None without a lexical branch.
        """
        if self.lexical is None or weight is None:
            return self.averaged
        return Branches(self.lexical.model, self.averaged, self.dataset.label_objective, weight)

    @property
    def used_up(self) -> bool:
        """Whether there is a time budget and it is used up."""
        return 0 < self.config.training.budget <= self.state.elapsed

    @property
    def over(self) -> bool:
        """Whether no further step is allowed because the time budget or the number of steps is used up."""
        return self.used_up or 0 < self.config.training.max_steps <= self.state.step

    def due(self, batches: int) -> bool:
        """Return whether to validate before the next step, in an epoch with this many batches."""
        training, state = self.config.training, self.state
        if self.over or 0 < training.validate_every <= state.step - state.validated:
            return True
        last = not training.validate_every or 0 < training.epochs <= state.epoch + 1
        return last and state.batch >= batches

    def progress(self, done: float) -> float:
        """Return the finished share of the training, 0 to 1, after `done` epochs and in the middle of the next step.

        The share is that of epochs, of steps or of time, whichever is greatest.
        """
        training, state = self.config.training, self.state
        of_epochs = done / training.epochs if training.epochs else 0.0
        of_steps = (state.step + 0.5) / training.max_steps if training.max_steps else 0.0
        of_time = state.elapsed / training.budget if training.budget else 0.0
        return max(of_epochs, min(1.0, of_steps), min(1.0, of_time))

    def scheduled(self, done: float) -> float:
        """Return the share of the training that the learning rate of the next step is for; see `progress`.

        With a time budget, which no time was taken of, the first step would be lost to a rate of 0; it is given a tenth of the
        warm-up.
        """
        training = self.config.training
        first = training.budget and not self.state.step
        return max(self.progress(done), 0.1 * training.warmup if first else 0.0)

    def start_clock(self) -> None:
        """Start to count the time of training."""
        self._clock = time.monotonic()

    def count_time(self) -> None:
        """Add the seconds since the last call to the elapsed time, if there is a budget."""
        now = time.monotonic()
        if self.config.training.budget:  # without a budget, equal trainings must have equal states
            self.state.elapsed += now - self._clock
        self._clock = now

    @property
    def cause(self) -> Cause:
        """Why training ended."""
        if self.state.reached:
            return "goal"
        if self.over:
            return "time" if self.used_up else "steps"
        return "epochs" if 0 < self.config.training.epochs <= self.state.epoch else "patience"

    def update_average(self) -> None:
        """Move the average towards the weights, faster in the first steps, when the weights are still far from good.

        Buffers, which hold random draws and counts, are copied, not averaged.
        """
        if self.averaged is not self.model:
            decay = min(self.config.training.average, self.state.step / (self.state.step + 9))
            for average, current in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
                average.lerp_(current.detach(), 1.0 - decay)
            for kept, buffer in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
                kept.copy_(buffer)

    def hide(self) -> None:
        """Let the members hide tokens as often as the state says."""
        for member, hidden in zip(members_of(self.model), self.state.hidden, strict=False):
            member.dropout_tokens = hidden

    def pack(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the whole state as tensors and JSON."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.averaged is not self.model:
            tensors.update({f"averaged.{name}": tensor for name, tensor in self.averaged.state_dict().items()})
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors.update({f"optimizer.{index}.{name}": tensor for name, tensor in slots.items()})
        tensors["random.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.device)
        return tensors, {"state": asdict(self.state), "scaler": self.scaler.state_dict()}

    def unpack(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Restore the state that `pack` returned.

        Raises:
            Exception: of various kinds, if it does not fit the model.
        """
        for model, prefixes in ((self.model, ("model.",)), (self.averaged, ("averaged.", "model."))):
            # States saved before `settle` existed hold one model if weights were not averaged.
            prefix = next((prefix for prefix in prefixes if any(name.startswith(prefix) for name in tensors)), prefixes[0])
            model.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        self._unpack_optimizer(tensors)
        torch.set_rng_state(tensors["random.cpu"])
        if self.device.type == "cuda" and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], self.device)
        self.scaler.load_state_dict(facts["scaler"])
        self.state = state_of(facts["state"])
        if len(self.state.hidden) not in (0, len(members_of(self.model))):
            raise ValueError(f"hidden is {self.state.hidden}")
        self.hide()

    def _unpack_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        saved = self.optimizer.state_dict()
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                index, slot = rest.split(".")
                saved["state"].setdefault(int(index), {})[slot] = tensor
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        for index, slots in saved["state"].items():
            shape = trained[index].shape
            if {name: tensor.shape for name, tensor in slots.items()} != {"step": (), "exp_avg": shape, "exp_avg_sq": shape}:
                raise ValueError(f"the optimiser's numbers for parameter {index} have another shape than it")
        self.optimizer.load_state_dict(saved)


def new_optimizer(model: nn.Module, training: TrainingConfig) -> torch.optim.AdamW:
    """Return AdamW as configured; only matrices decay."""
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.dim() > 1]
    vectors = [p for p in trained if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=training.lr)


def learning_rate(config: Config, progress: float, peak: float = 0.0) -> float:
    """Return the learning rate after a fraction `progress` (0 to 1) of the training: linear warm-up, then the schedule.

    Args:
        config: the configuration.
        progress: the finished share of the training.
        peak: the rate after the warm-up; 0 for the configured one.
    """
    training, peak = config.training, peak or config.training.lr
    if progress < training.warmup:
        return peak * progress / training.warmup
    rest = (progress - training.warmup) / max(1e-12, 1.0 - training.warmup)
    if training.schedule == "cosine":
        return peak * 0.5 * (1.0 + math.cos(math.pi * rest))
    return peak * (1.0 - rest) if training.schedule == "linear" else peak
