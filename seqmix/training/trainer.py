"""The training loop: `fit()` is a generator of events over a `Trainer`'s model, data and state.

The best weights are those of the best validation score; the test split is never looked at. Everything random comes
from the seed, and whenever an event arrives the whole state may be saved.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqmix.config import Config, TrainingConfig
from seqmix.data.batching import collate, interleave, plan_batches
from seqmix.data.dataset import Dataset
from seqmix.data.transforms import augment
from seqmix.data.vocabulary import Tokens
from seqmix.errors import SeqmixError
from seqmix.models.batched import predict_batches
from seqmix.models.classifier import SequenceClassifier
from seqmix.objectives import objective_of
from seqmix.objectives.base import Objective
from seqmix.system.devices import autocast
from seqmix.system.memory import is_out_of_memory, release_memory
from seqmix.training.events import EpochEnd, MemoryShort, StepEnd
from seqmix.training.state import State


@dataclass(slots=True)
class Trainer:
    """What `fit` works on: the model, its optimiser, and the data, on a device.

    `averaged` is what is validated and kept: the running average of the model's weights, or the model itself; `objective`
    what is learned.
    """

    model: SequenceClassifier
    dataset: Dataset
    config: Config
    device: torch.device
    state: State = field(default_factory=State)
    objective: Objective = field(init=False)
    averaged: SequenceClassifier = field(init=False)
    optimizer: torch.optim.AdamW = field(init=False)
    scaler: torch.amp.GradScaler = field(init=False)
    forward: Callable[[Tensor, Tensor], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        training = self.config.training
        self.objective = objective_of(self.dataset.info)
        self.averaged = copy.deepcopy(self.model).requires_grad_(False) if training.average else self.model
        self.optimizer = new_optimizer(self.model, training)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=training.precision == "fp16")
        self.forward = torch.compile(self.model, dynamic=True) if training.compile else self.model

    def training_view(self, index: int) -> list[Tokens]:
        """The sequences of a training record as they are seen in this epoch."""
        training = self.config.training
        return [
            augment(
                tokens,
                (training.seed, self.state.epoch, index, *((part,) if part else ())),
                crop=training.crop,
                reverse_complement=training.reverse_complement,
                complement=self.dataset.vocabulary.complement,
            )
            for part, tokens in enumerate(self.dataset.truncated(index, self.config.data))
        ]

    @property
    def used_up(self) -> bool:
        """Whether there is a budget of time and nothing is left of it."""
        return 0 < self.config.training.budget <= self.state.elapsed

    @property
    def over(self) -> bool:
        """Whether there may be no further step, as the budget of time or the number of steps is used up."""
        return self.used_up or 0 < self.config.training.max_steps <= self.state.step

    def due(self, batches: int) -> bool:
        """Whether validation comes before the next step, in an epoch of so many batches."""
        training, state = self.config.training, self.state
        if self.over or 0 < training.validate_every <= state.step - state.validated:
            return True
        last = not training.validate_every or 0 < training.epochs <= state.epoch + 1
        return last and state.batch >= batches

    def progress(self, done: float) -> float:
        """How much of the training is over, 0 to 1, after `done` epochs and in the middle of the next step.

        By epochs, by steps or by time, whichever is most.
        """
        training, state = self.config.training, self.state
        of_epochs = done / training.epochs if training.epochs else 0.0
        of_steps = (state.step + 0.5) / training.max_steps if training.max_steps else 0.0
        of_time = state.elapsed / training.budget if training.budget else 0.0
        return max(of_epochs, min(1.0, of_steps), min(1.0, of_time))

    def count_time(self, since: float) -> float:
        """Adds the seconds since `since` to the training's, where there is a budget; returns the time now."""
        now = time.monotonic()
        if self.config.training.budget:  # without one, equal trainings have equal states
            self.state.elapsed += now - since
        return now

    def update_average(self) -> None:
        """Moves the average towards the weights, faster in the first steps, when they are still far from good.

        What is drawn or counted (buffers) is not averaged, but taken over.
        """
        if self.averaged is not self.model:
            decay = min(self.config.training.average, self.state.step / (self.state.step + 9))
            for average, current in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
                average.lerp_(current.detach(), 1.0 - decay)
            for kept, buffer in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
                kept.copy_(buffer)

    def pack(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All of the state as tensors and JSON."""
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
        """The inverse of `pack`."""
        for prefix, model in {"model.": self.model, "averaged.": self.averaged}.items():
            if stored := {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}:
                model.load_state_dict(stored)
        saved = self.optimizer.state_dict()
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                index, slot = rest.split(".")
                saved["state"].setdefault(int(index), {})[slot] = tensor
        self.optimizer.load_state_dict(saved)
        torch.set_rng_state(tensors["random.cpu"])
        if self.device.type == "cuda" and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], self.device)
        self.scaler.load_state_dict(facts["scaler"])
        # Runs that were begun when every epoch was validated do not say how many validations there were.
        self.state = State(**{"validations": facts["state"]["epoch"], **facts["state"]})


def new_optimizer(model: nn.Module, training: TrainingConfig) -> torch.optim.AdamW:
    """AdamW as configured; matrices alone decay."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=training.lr)


def learning_rate(config: Config, progress: float) -> float:
    """The learning rate after a fraction `progress` (0 to 1) of the training: linear warm-up, then the schedule."""
    training = config.training
    if progress < training.warmup:
        return training.lr * progress / training.warmup
    rest = (progress - training.warmup) / max(1e-12, 1.0 - training.warmup)
    if training.schedule == "cosine":
        return training.lr * 0.5 * (1.0 + math.cos(math.pi * rest))
    return training.lr * (1.0 - rest) if training.schedule == "linear" else training.lr


def fit(trainer: Trainer, check: Callable[[], None] = lambda: None) -> Iterator[StepEnd | EpochEnd | MemoryShort]:
    """Trains from the trainer's state to the end; an event for every optimiser step and every validation.

    Where memory runs out, the step is done again with its batches in halves, whose gradients are added up: without
    dropout, which draws anew for each part, the result is that of the whole.

    When the time budget or the number of steps is used up, the rest of the epoch is left out: it is validated, and
    training is over.

    Whenever an event arrives, the trainer's state is consistent and may be saved.

    Args:
        trainer: model, data and state; changed in place.
        check: called between validation batches; may raise.

    Raises:
        SeqmixError: the loss or a weight is no finite number.
    """
    training, state = trainer.config.training, trainer.state
    train, validation = trainer.dataset.indices("train"), trainer.dataset.indices("val")
    lengths = trainer.dataset.cut_lengths(trainer.config.data.max_length)
    targets = trainer.objective.targets(trainer.dataset.labels)
    weights = class_weights(trainer).to(trainer.device)
    clock = began = time.monotonic()
    tokens_before = state.tokens
    while not state.finished:
        plan = plan_batches(
            (lengths[train] + (trainer.model.pooling == "cls")) * trainer.dataset.n_sequences,
            tokens_per_batch=state.tokens_per_batch or training.tokens_per_batch,
            batch_size=training.batch_size,
            order=(training.seed, state.epoch),
        )
        trainer.model.train()
        mean_size = len(train) / len(plan)
        while state.batch < len(plan) and not trainer.due(len(plan)):
            group = plan[state.batch : state.batch + training.accumulate]
            middle = (state.batch + 0.5 * len(group)) / len(plan)  # of the step: neither the first nor the last is wasted
            lr = learning_rate(trainer.config, trainer.progress(state.epoch + middle))
            pieces = state.pieces
            loss, tokens = _step(trainer, [train[p] for p in group], targets, weights, lr, mean_size)
            state.batch += len(group)
            state.step += 1
            state.lr = lr
            trainer.model.after_step(state.step)
            trainer.update_average()
            size = sum(len(p) for p in group)
            state.loss_sum += loss * size
            state.records += size
            state.tokens += tokens
            clock = trainer.count_time(clock)
            if state.pieces != pieces:
                yield MemoryShort(state.step, state.pieces)
            done = trainer.progress(state.epoch + state.batch / len(plan))
            yield StepEnd(state.epoch + 1, state.batch, len(plan), state.step, loss, lr, tokens, done)
        if not trainer.due(len(plan)):
            state.epoch, state.batch = state.epoch + 1, 0
            continue
        scores = _validate(trainer, validation, lengths, check) if len(validation) else {}
        if not all(bool(p.isfinite().all()) for p in trainer.averaged.parameters()):
            raise _diverged("there are weights that are no finite number", state.step)
        if not math.isfinite(loss := scores.get(trainer.objective.loss_score, 0.0)):
            raise _diverged(f"the validation loss is {loss}", state.step)
        clock = trainer.count_time(clock)
        yield _judge(trainer, scores, len(plan), time.monotonic() - began, state.tokens - tokens_before)
        began, tokens_before = time.monotonic(), state.tokens


def class_weights(trainer: Trainer) -> Tensor:
    """Weights `(C,)` of the classes in the loss: ones, or inverse to their frequency in the training split."""
    if trainer.config.training.class_weights == "none":
        return torch.ones(trainer.objective.n_outputs)
    weights = trainer.objective.class_weights(trainer.dataset.labels[trainer.dataset.indices("train")])
    return torch.from_numpy(weights).to(torch.float32)


def _step(
    trainer: Trainer, group: list[Any], targets: Tensor, weights: Tensor, lr: float, mean_size: float
) -> tuple[float, int]:
    """One optimiser step over a group of batches; returns the mean loss of its records and their tokens."""
    training, state = trainer.config.training, trainer.state
    for parameters in trainer.optimizer.param_groups:
        parameters["lr"] = lr
    before = torch.get_rng_state()
    largest = max(len(indices) for indices in group)
    while True:
        try:
            parts = [part for indices in group for part in np.array_split(indices, min(state.pieces, len(indices)))]
            total, tokens = add_gradients(trainer, parts, targets, weights, mean_size * len(group))
            break
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if state.pieces >= largest:
                longest = max(len(part) for indices in group for i in indices for part in trainer.training_view(int(i)))
                raise SeqmixError(
                    f"memory ran out at step {state.step + 1} with a single sequence of {longest:,} characters; cut them "
                    "(--max-length), or keep less (--set model.checkpoint_blocks=true)"
                ) from error
        # Outside of the handler, where the error no longer holds on to the tensors of the attempt.
        state.pieces *= 2
        torch.set_rng_state(before)
        release_memory(trainer.device)
    if not math.isfinite(total):
        raise _diverged(f"the training loss is {total}", state.step + 1)
    if training.clip:
        trainer.scaler.unscale_(trainer.optimizer)
        torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), training.clip)
    trainer.scaler.step(trainer.optimizer)
    trainer.scaler.update()
    return total / sum(len(indices) for indices in group), tokens


def add_gradients(trainer: Trainer, parts: list[Any], targets: Tensor, weights: Tensor, size: float) -> tuple[float, int]:
    """Gradients of records, in batches `parts`; returns the sum of their losses and their tokens.

    The gradient is that of the summed loss over the mean size of a batch, so that a record weighs the same in a
    batch of few long sequences and in one of many short.
    """
    training = trainer.config.training
    trainer.optimizer.zero_grad(set_to_none=True)
    total, tokens = 0.0, 0
    for indices in parts:
        batch = collate(
            interleave([trainer.training_view(int(i)) for i in indices]),
            cls=trainer.model.pooling == "cls",
            pin=trainer.device.type == "cuda",
        )
        tokens += int(batch.mask.sum())
        batch = batch.to(trainer.device)
        with autocast(trainer.device, training.precision):
            logits = trainer.forward(batch.ids, batch.mask)
        target = targets[indices].to(trainer.device)
        loss = trainer.objective.loss(logits.float(), target, weights, training.label_smoothing).sum()
        trainer.scaler.scale(loss / size).backward()
        total += loss.item()
    return total, tokens


def _diverged(what: str, step: int) -> SeqmixError:
    return SeqmixError(
        f"{what} at step {step}: training diverged; lower --lr, or lengthen the warm-up (--set training.warmup=0.1); the "
        "weights that were best so far are kept"
    )


def _validate(trainer: Trainer, validation: Any, lengths: Any, check: Callable[[], None]) -> dict[str, float]:
    found = predict_batches(
        trainer.averaged,
        trainer.objective,
        lambda i: trainer.dataset.truncated(int(validation[i]), trainer.config.data),
        lengths[validation],
        device=trainer.device,
        precision=trainer.config.training.precision,
        tokens_per_batch=trainer.state.tokens_per_batch or trainer.config.training.tokens_per_batch,
        on_batch=lambda _: check(),
    )
    return trainer.objective.point_scores(found, trainer.dataset.labels[validation])


def _judge(trainer: Trainer, scores: dict[str, float], batches: int, seconds: float, tokens: int) -> EpochEnd:
    """Takes validation scores into the state, and moves it to the next epoch where this one is through."""
    state, training = trainer.state, trainer.config.training
    score, loss = trainer.objective.judge(scores, training.select)
    # Without validation scores there is nothing to choose by: the last weights are the ones to keep.
    # Small validation splits have many ties: of two equal scores, the one with the lower loss is better.
    best = not math.isfinite(score) or (score, -loss) > (state.best, -state.best_loss)
    if best:
        if math.isfinite(score):
            state.best, state.best_loss = score, loss
        state.best_epoch, state.best_step = state.epoch + 1, state.step
    event = EpochEnd(
        epoch=state.epoch + 1,
        step=state.step,
        train_loss=state.loss_sum / max(1, state.records),
        validation=scores,
        best=best,
        lr=state.lr,
        seconds=seconds,
        tokens_per_second=tokens / max(seconds, 1e-9),
    )
    state.stale = 0 if best else state.stale + 1
    state.validations, state.validated = state.validations + 1, state.step
    state.loss_sum, state.records, state.tokens = 0.0, 0, 0
    if trainer.over or state.batch >= batches:
        state.epoch, state.batch = state.epoch + 1, 0
    last = 0 < training.epochs <= state.epoch
    state.reached = trainer.objective.reaches(score, training.goal, training.select)
    state.finished = last or trainer.over or state.reached or 0 < training.patience <= state.stale
    return event
