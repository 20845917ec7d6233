"""Where a training stands."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class State:
    """Where training stands, next to weights, optimiser and random generators.

    Attributes:
        epoch: epoch of the next batch, from 0.
        batch: number of the next batch in it, from 0.
        step: optimiser steps so far.
        lr: learning rate of the last step.
        loss_sum: sum of the losses of all records since the last validation.
        records: records since the last validation.
        tokens: tokens since the last validation.
        validations: validations so far.
        validated: step of the last validation.
        best: the best validation score (higher is better).
        best_loss: the validation loss with it.
        best_epoch: its epoch, from 1; 0 if there is none yet.
        best_step: its step; 0 if there is none yet.
        stale: validations since the best.
        tokens_per_batch: what was measured if the configuration leaves it open; 0 for as configured.
        pieces: parts in which each batch is computed, their gradients added up; more than 1 once memory ran out.
        elapsed: seconds of training so far, validation included; counted if there is a budget.
        reached: whether the last validation was as good as `training.goal`.
        finished: whether nothing is left to do.
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
    best: float = -math.inf
    best_loss: float = math.inf
    best_epoch: int = 0
    best_step: int = 0
    stale: int = 0
    tokens_per_batch: int = 0
    pieces: int = 1
    elapsed: float = 0.0
    reached: bool = False
    finished: bool = False
