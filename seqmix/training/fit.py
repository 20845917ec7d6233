"""The training loop: `fit()` is a generator of events over a `Trainer`'s model, data and state.

The best weights are those with the best validation score; the test split is never used. All random numbers come from the
seed, and the whole state may be saved at every event.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqmix.data.batching import collate, interleave
from seqmix.errors import DivergedError, InputError, SeqmixError, param
from seqmix.models.batched import branch_outputs, member_outputs
from seqmix.models.branches import MIXING, best_weight
from seqmix.models.members import Members, members_of
from seqmix.models.unanswered import far_value, unanswered
from seqmix.objectives.base import LEAST_GAIN
from seqmix.system.devices import autocast
from seqmix.system.memory import is_out_of_memory, release_memory
from seqmix.training.events import EpochEnd, LearnedNothing, MemoryShort, StepEnd
from seqmix.training.settle import settle
from seqmix.training.trainer import Trainer, learning_rate

_UNCHOSEN = 0.5  # weight of the mixing branch beside the lexical one without a validation split


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """Results on the validation split; see `EpochEnd` for `both`, `weight` and `gain`.

    Attributes:
        scores: scores of the mixing branch by name; empty without a validation split.
        both: scores of both branches together.
        weight: weight of the mixing branch in these.
        gain: `Objective.gain` of the mixing branch.
    """

    scores: dict[str, float] = field(default_factory=dict)
    both: dict[str, float] = field(default_factory=dict)
    weight: float | None = None
    gain: float | None = None


def fit(
    trainer: Trainer, check: Callable[[], None] = lambda: None
) -> Iterator[StepEnd | EpochEnd | MemoryShort | LearnedNothing]:
    """Train from the trainer's state to the end; yield an event for every optimiser step and every validation.

    When memory runs out, the step is repeated with its batches cut in half, and the gradients of the halves are added up.
    Without dropout, which draws new random numbers for each part, the result is that of the whole batch.

    When the time budget or the number of steps is used up, the rest of the epoch is left out: the weights are validated,
    and training ends.

    At every event, the trainer's state is consistent and may be saved.

    Args:
        trainer: model, data and state; changed in place.
        check: called between validation batches; may raise.

    Raises:
        DivergedError: the loss or a weight is not a finite number.
    """
    state = trainer.state
    trainer.start_clock()
    began, tokens_before = time.monotonic(), state.tokens
    while not state.finished:
        plan = trainer.plan()
        yield from _steps(trainer, plan)
        if not trainer.due(len(plan)):
            state.epoch, state.batch = state.epoch + 1, 0
            continue
        settle(trainer, check)
        found = _validate(trainer, check)
        _check_finite(trainer, found.scores)
        trainer.count_time()
        per_step = state.records / max(1, state.step - state.validated)
        event = _judge(trainer, found, len(plan), time.monotonic() - began, state.tokens - tokens_before)
        warning = _warning(trainer, event, len(plan), per_step)
        yield event
        if warning:
            yield warning
        began, tokens_before = time.monotonic(), state.tokens


def _steps(trainer: Trainer, plan: list[NDArray[np.int64]]) -> Iterator[StepEnd | MemoryShort]:
    """Take the steps of an epoch until it ends or a validation is due."""
    state = trainer.state
    trainer.model.train()
    steps = trainer.steps(plan)
    begins = np.cumsum([0, *(len(group) for group, _ in steps)])
    while state.batch < len(plan) and not trainer.due(len(plan)):
        # Found by the batches that are done, so that a resumed training takes the same steps.
        group, mean_size = steps[int(np.searchsorted(begins, state.batch))]
        # The middle of the step, so that neither the first nor the last has a rate of 0.
        middle = (state.batch + 0.5 * len(group)) / len(plan)
        state.lr = learning_rate(trainer.config, trainer.scheduled(state.epoch + middle), state.peak_lr)
        pieces = state.pieces
        loss, tokens = take_step(trainer, group, mean_size)
        state.batch += len(group)
        state.step += 1
        trainer.model.after_step(state.step)
        trainer.update_average()
        size = sum(map(len, group))
        state.loss_sum += loss * size
        state.records += size
        state.tokens += tokens
        trainer.count_time()
        if state.pieces != pieces:
            yield MemoryShort(state.step, state.pieces)
        done = trainer.progress(state.epoch + state.batch / len(plan))
        yield StepEnd(state.epoch + 1, state.batch, len(plan), state.step, loss, state.lr, tokens, done)


def take_step(trainer: Trainer, group: list[NDArray[np.int64]], mean_size: float) -> tuple[float, int]:
    """Take an optimiser step over a group of batches; return the mean loss of its records, and the number of tokens.

    Args:
        trainer: the trainer, whose model is changed.
        group: records of each batch, as in `Trainer.epoch_records`.
        mean_size: mean number of records in such a step.

    Raises:
        DivergedError: the loss is not a finite number.
    """
    state, clip = trainer.state, trainer.config.training.clip
    for parameters in trainer.optimizer.param_groups:
        parameters["lr"] = state.lr
    before = torch.get_rng_state()
    largest = max(len(indices) for indices in trainer.together(group))
    while True:
        try:
            total, tokens = add_gradients(trainer, trainer.in_pieces(group), mean_size)
            break
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if state.pieces >= largest:
                longest = max(len(part) for indices in group for i in indices for part in trainer.training_view(int(i)))
                raise SeqmixError(
                    f"memory ran out at step {state.step + 1} with a single sequence of {longest:,} "
                    f"{trainer.dataset.vocabulary.noun}s; cut sequences "
                    f"with {param('max_length')}, or keep less in memory with model.checkpoint_blocks = true"
                ) from error
        # Outside the handler, the error no longer keeps the tensors of the attempt alive.
        state.pieces *= 2
        torch.set_rng_state(before)
        release_memory(trainer.device)
    if not math.isfinite(total):
        raise _diverged(trainer, f"the training loss is {total}", state.step + 1)
    if clip:
        trainer.scaler.unscale_(trainer.optimizer)
        for member in members_of(trainer.model):  # apart, as if each was trained alone
            if trainer.config.training.clip_by == "value":
                torch.nn.utils.clip_grad_value_(member.parameters(), clip)
            else:
                torch.nn.utils.clip_grad_norm_(member.parameters(), clip)
    trainer.scaler.step(trainer.optimizer)
    trainer.scaler.update()
    return total / sum(len(indices) for indices in group), tokens


def add_gradients(trainer: Trainer, parts: list[NDArray[np.int64]], size: float) -> tuple[float, int]:
    """Compute the gradients of records.

    The gradient is that of the summed loss divided by the mean number of records in a step, so that a record has the same
    weight in a step of few long sequences as in one of many short ones.

    Args:
        trainer: the trainer; gradients are left on the parameters of its model.
        parts: records of each batch, as in `Trainer.epoch_records`.
        size: mean number of records in a step.

    Returns:
        The sum of the records' losses, and the number of tokens.
    """
    trainer.optimizer.zero_grad(set_to_none=True)
    total, tokens, members = 0.0, 0, len(members_of(trainer.model))
    for indices in parts:
        loss, read = summed_loss(trainer, indices)
        trainer.scaler.scale(loss * members / size).backward()
        total += loss.item()
        tokens += read
    return total, tokens


def summed_loss(trainer: Trainer, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
    """Return the sum of the training losses of a batch of records, the mean over the members, and its tokens."""
    training = trainer.config.training
    batch = collate(
        interleave([trainer.training_view(int(i)) for i in indices]),
        cls=trainer.model.pooling == "cls",
        pin=trainer.device.type == "cuda",
    )
    tokens = int(batch.mask.sum())
    batch = batch.to(trainer.device)
    with autocast(trainer.device, training.precision):
        logits = trainer.forward(batch.ids, batch.mask)
    target = trainer.targets[indices % len(trainer.dataset)].to(trainer.device)
    members = len(members_of(trainer.model))
    target = target.repeat(members, *(1,) * (target.dim() - 1))
    losses = trainer.objective.loss(logits.float(), target, trainer.class_weights, training.label_smoothing)
    return losses.sum() / members, tokens


def _diverged(trainer: Trainer, what: str, step: int) -> DivergedError:
    kept = (
        "the best weights so far are kept"
        if trainer.state.validations
        else "no weights have been validated yet, so none are kept"
    )
    numbers = ", or remove numbers that are far from all others" if trainer.dataset.vocabulary.channels else ""
    return DivergedError(
        f"{what} at step {step}: training diverged; lower {param('lr')}, or lengthen the warm-up (training.warmup = "
        f"0.1){numbers}; {kept}"
    )


def _validate(trainer: Trainer, check: Callable[[], None]) -> Validation:
    """Score the mixing branch on the validation split, and choose its weight beside the lexical branch."""
    validation, lexical = trainer.dataset.indices("val"), trainer.lexical
    if not len(validation):
        return Validation(weight=_UNCHOSEN if lexical else None)
    model, labels = trainer.averaged, trainer.dataset.labels[validation]
    how: dict[str, Any] = {
        "objective": trainer.objective,
        "records": lambda i: trainer.dataset.truncated(int(validation[i]), trainer.config.data),
        "lengths": trainer.lengths[validation],
        "device": trainer.device,
        "precision": trainer.config.training.precision,
        "tokens_per_batch": trainer.state.tokens_per_batch or trainer.config.training.tokens_per_batch,
        "window": trainer.config.data.window,
        "on_batch": lambda _: check(),
    }
    if isinstance(model, Members):
        first, second = member_outputs(model, **how)
        _check_answers(trainer, first + second)
        model.weigh(best_weight(model.objective, first, second, labels, trainer.config.training.select)[0])
        found = model.combine((first, second))
    else:
        found = branch_outputs(model, **how)[MIXING]
    _check_answers(trainer, found)
    predictions = trainer.objective.predictions(found)
    results = Validation(
        scores=trainer.objective.point_scores(predictions, labels),
        gain=trainer.objective.gain(predictions, trainer.constant, labels),
    )
    if lexical is None:
        return results
    select = trainer.config.training.select
    weight, both = best_weight(trainer.dataset.label_objective, lexical.validation, found, labels, select)
    return replace(results, both=both, weight=weight)


def _check_answers(trainer: Trainer, outputs: Tensor) -> None:
    """Raise an error if outputs for the validation records are not finite: one that names the record if it has odd numbers."""
    failed = unanswered(outputs.double().numpy())
    if not len(failed):
        return
    dataset = trainer.dataset
    number = int(dataset.indices("val")[failed[0]])
    if far := far_value(dataset.truncated(number, trainer.config.data), dataset.vocabulary):
        raise InputError(f"{dataset.path}: record '{dataset.ids()[number]}' of the validation split has no answer; {far}")
    raise _diverged(trainer, "an output is not a finite number", trainer.state.step)


def _check_finite(trainer: Trainer, scores: Mapping[str, float]) -> None:
    """Raise a `DivergedError` if a weight or the validation loss is not finite."""
    if not all(bool(p.isfinite().all()) for p in trainer.averaged.parameters()):
        raise _diverged(trainer, "some weights are not finite", trainer.state.step)
    if not math.isfinite(loss := scores.get(trainer.objective.loss_score, 0.0)):
        raise _diverged(trainer, f"the validation loss is {loss}", trainer.state.step)


def _judge(trainer: Trainer, found: Validation, batches: int, seconds: float, tokens: int) -> EpochEnd:
    """Update the state with the results of a validation, and move it to the next epoch if this one has ended."""
    state, training = trainer.state, trainer.config.training
    score, loss = trainer.objective.judge(found.scores, training.select)
    compared, compared_loss = _smoothed(trainer, score, loss)
    # Without validation scores the last weights are kept. Small validation splits have many ties: of two equal scores, the
    # one with the lower loss is better.
    best = not math.isfinite(compared) or (compared, -compared_loss) > (state.best, -state.best_loss)
    if best:
        if math.isfinite(compared):
            state.best, state.best_loss = compared, compared_loss
        state.best_epoch, state.best_step = state.epoch + 1, state.step
        state.gain = math.inf if found.gain is None else found.gain
    event = EpochEnd(
        epoch=state.epoch + 1,
        step=state.step,
        train_loss=state.loss_sum / state.records if state.records else math.nan,
        validation=found.scores,
        best=best,
        lr=state.lr,
        seconds=seconds,
        tokens_per_second=tokens / max(seconds, 1e-9),
        both=found.both,
        weight=found.weight,
        gain=found.gain,
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


def _warning(trainer: Trainer, event: EpochEnd, batches: int, records_per_step: float) -> LearnedNothing | None:
    """Return the warning that nothing was learned so far, if it is time for it, and note that it was given."""
    state, dataset = trainer.state, trainer.dataset
    early = not state.finished and trainer.progress(state.epoch + state.batch / batches) < trainer.objective.learns_by
    if early or state.warned or not event.step or event.gain is None or max(event.gain, state.gain) > LEAST_GAIN:
        return None
    state.warned = True
    labels = dataset.labels[dataset.indices("val")]
    constant = trainer.objective.point_scores(np.tile(trainer.constant, (len(labels), 1)), labels)
    return LearnedNothing(
        epoch=event.epoch,
        step=event.step,
        validation=event.validation,
        constant=constant,
        constant_loss=trainer.objective.validation_loss(constant) or 0.0,
        train_loss=event.train_loss,
        records=len(dataset.indices("train")),
        records_per_step=records_per_step,
        lr=state.peak_lr or trainer.config.training.lr,
        last=state.finished,
    )


def _smoothed(trainer: Trainer, score: float, loss: float) -> tuple[float, float]:
    """Return the score and the loss of a validation by which weights are compared, and update their exponential means.

    The sum of the weights of an exponential mean from 0 is ``1 - smooth**n`` after n validations. A smoothed score can only
    be the best so far if the score itself is above the best smoothed one, so that earlier good scores do not keep bad weights.
    """
    state, smooth = trainer.state, trainer.config.training.smooth
    if not smooth or not math.isfinite(score):
        return score, loss
    state.smoothed = smooth * state.smoothed + (1.0 - smooth) * score
    state.smoothed_loss = smooth * state.smoothed_loss + (1.0 - smooth) * loss
    weights = 1.0 - smooth ** (state.validations + 1)
    return state.smoothed / weights, state.smoothed_loss / weights
