"""The state of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class State:
    """The state of a training, apart from weights, optimiser and random generators.

    Attributes:
        epoch: epoch of the next batch, from 0.
        batch: number of the next batch in its epoch, from 0.
        step: optimiser steps so far.
        lr: learning rate of the last step.
        loss_sum: sum of the losses of all records since the last validation.
        records: records since the last validation.
        tokens: tokens since the last validation.
        validations: validations so far.
        validated: step of the last validation.
        smoothed: exponential mean of the validation scores, not yet divided by the sum of its weights (`training.smooth`).
        smoothed_loss: the same of the validation losses.
        best: the best validation score (higher is better), smoothed if configured.
        best_loss: the validation loss at the best score, smoothed if configured.
        best_epoch: epoch of the best score, from 1; 0 before the first validation.
        best_step: step of the best score; 0 before the first validation.
        gain: standard errors by which the kept weights are better on validation than a constant prediction (`Objective.gain`).
        warned: whether `LearnedNothing` was yielded.
        stale: validations since the best score.
        tokens_per_batch: the measured number of tokens per batch; 0 to use the configured one.
        peak_lr: the learning rate that was found by trying; 0 to use the configured one.
        hidden: for each member, the probability of hiding a token that `model.hidden_noise` leaves; empty for the configured.
        pieces: parts that each batch is computed in, with their gradients added up; more than 1 once memory ran out.
        elapsed: seconds of training so far, including validation; counted only if there is a budget.
        reached: whether the last validation score reached `training.goal`.
        finished: whether training has ended.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    lr: float = 0.0
    loss_sum: float = 0.0
    records: int = 0
    tokens: int = 0
    validations: int = 0
    validated: int = 0
    smoothed: float = 0.0
    smoothed_loss: float = 0.0
    best: float = -math.inf
    best_loss: float = math.inf
    best_epoch: int = 0
    best_step: int = 0
    gain: float = math.inf
    warned: bool = False
    stale: int = 0
    tokens_per_batch: int = 0
    peak_lr: float = 0.0
    hidden: list[float] = field(default_factory=list)
    pieces: int = 1
    elapsed: float = 0.0
    reached: bool = False
    finished: bool = False


def state_of(saved: Mapping[str, Any]) -> State:
    """Return the state that was saved as a table, with defaults for what earlier versions did not save.

    Raises:
        TypeError: there is no such attribute.
        ValueError: an attribute has an impossible value.
    """
    # States saved before `validate_every` existed lack the number of validations, which was one for each epoch.
    state = State(**{"validations": saved["epoch"], **saved})
    for one in fields(State):
        value = getattr(state, one.name)
        if one.type == "bool":
            fits = isinstance(value, bool)
        elif one.type == "int":
            fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63
        elif one.type == "float":
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            fits = isinstance(value, list) and all(isinstance(share, int | float) and 0 <= share < 1 for share in value)
        if not fits:
            raise ValueError(f"{one.name} is {value!r}")
    if state.pieces < 1 or not max(state.best_step, state.validated) <= state.step:
        raise ValueError(f"{state.step} steps, the last of them validated after {state.validated}")
    return state
