"""How many tokens a batch should have, found by measuring: `tokens_per_batch="auto"`.

The longest sequences come first, as they need most. Starting from few tokens, the number is doubled for as long as that
makes training faster by a tenth, leaves enough steps in an epoch for learning, and stays well within the memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seqmix.data.batching import plan_batches
from seqmix.system.memory import forget_peak, free_memory, is_out_of_memory, release_memory, used_memory
from seqmix.training.fit import add_gradients
from seqmix.training.trainer import Trainer

SMALLEST, LARGEST = 1 << 12, 1 << 22
_FASTER = 1.1  # tokens a second that doubling must gain
_STEPS = 50  # in an epoch, at least: fewer learn worse, however quick they are
_SHARE = 0.5  # of the memory that is free, which the next doubling may be expected to take


def choose_tokens_per_batch(trainer: Trainer, check: Callable[[], None] = lambda: None) -> int:
    """Return the tokens per batch for a trainer's data and device; model, optimiser and random generators stay as they are.

    Args:
        trainer: before its first step.
        check: called between trials; may raise.
    """
    train = trainer.dataset.indices("train")
    lengths = trainer.lengths[train]
    longest = train[np.argsort(-lengths, kind="stable")]
    most = max(SMALLEST, int(lengths.sum()) * trainer.dataset.n_sequences // _STEPS)
    best, best_speed = SMALLEST, 0.0
    budget = SMALLEST
    free = free_memory(trainer.device)
    with torch.random.fork_rng():
        while budget <= min(most, LARGEST):
            check()
            forget_peak(trainer.device)
            before, _ = used_memory(trainer.device)
            speed: float | None
            try:
                speed = _speed(trainer, longest, np.sort(lengths)[::-1], budget)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                speed = None
            _, peak = used_memory(trainer.device)
            release_memory(trainer.device)
            if speed is None or speed < best_speed * _FASTER:
                break
            best, best_speed = budget, speed
            if free is not None and peak is not None and before is not None and 2 * (peak - before) > _SHARE * free:
                break
            budget *= 2
    trainer.optimizer.zero_grad(set_to_none=True)
    return best


def _speed(trainer: Trainer, order: NDArray[np.int64], lengths: NDArray[np.int64], budget: int) -> float:
    """Return the tokens per second of computing the gradients of the first batch in `order`, longest first; the best of two."""
    batch = order[plan_batches(lengths * trainer.dataset.n_sequences, tokens_per_batch=budget)[0]]
    trainer.model.train()
    best = 0.0
    for _ in range(2):
        began = time.perf_counter()
        _, tokens = add_gradients(trainer, [batch], len(batch))
        if trainer.device.type == "cuda":
            torch.cuda.synchronize(trainer.device)
        best = max(best, tokens / (time.perf_counter() - began))
    return best
