"""Where a training stands."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class State:
    """Where training stands, next to weights, optimiser and random generators.

    Attributes:
        epoch, batch: the next batch is number `batch` of epoch `epoch`, both from 0.
        step: optimiser steps so far.
        lr: learning rate of the last step.
        loss_sum, records, tokens: since the last validation.
        validations, validated: how many there were, and the step of the last.
        best, best_loss, best_epoch, best_step: the best validation score (higher is better), the loss with it, its epoch, from
            1, and step; 0: none yet.
        stale: validations since.
        tokens_per_batch: what was chosen where the configuration leaves it open; 0: as configured.
        pieces: parts in which each batch is computed, their gradients added up: more than 1 since memory ran out.
        elapsed: seconds of training so far, validation included; counted where there is a budget.
        reached: the last validation was as good as `training.goal`.
        finished: nothing is left to do.
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
