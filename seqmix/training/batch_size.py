"""Choose the tokens per batch by measuring: `tokens_per_batch="auto"`.

The longest sequences, which need most memory, are measured. Starting from a small number of tokens, the number is doubled as
long as this makes training a tenth faster, leaves enough steps in an epoch for learning, and stays well within memory.
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
_FASTER = 1.1  # gain in tokens per second that doubling must bring
_STEPS = 50  # least number of steps in an epoch: with fewer, models learn worse, however fast the steps are
_SHARE = 0.5  # share of the free memory that the next doubling may be expected to use


def choose_tokens_per_batch(trainer: Trainer, check: Callable[[], None] = lambda: None) -> int:
    """Return the tokens per batch for a trainer's data and device; model, optimiser and random state do not change.

    Args:
        trainer: a trainer before its first step.
        check: called between measurements; may raise.
    """
    train = trainer.dataset.indices("train")
    longest_first = train[np.argsort(-trainer.training_lengths[train], kind="stable")]
    characters = int(trainer.training_lengths[train].sum()) * trainer.dataset.n_sequences
    most = min(LARGEST, max(SMALLEST, characters // _STEPS))
    free = free_memory(trainer.device)
    best, best_speed, tokens = SMALLEST, 0.0, SMALLEST
    with torch.random.fork_rng():
        while tokens <= most:
            check()
            speed, taken = _measure(trainer, longest_first, tokens)
            if speed is None or speed < best_speed * _FASTER:
                break
            best, best_speed = tokens, speed
            if free is not None and taken is not None and 2 * taken > _SHARE * free:
                break
            tokens *= 2
    trainer.optimizer.zero_grad(set_to_none=True)
    return best


def _measure(trainer: Trainer, order: NDArray[np.int64], tokens_per_batch: int) -> tuple[float | None, int | None]:
    """Return the speed with this many tokens per batch (None if memory runs out) and the bytes used (None if unknown)."""
    forget_peak(trainer.device)
    before, _ = used_memory(trainer.device)
    speed: float | None
    try:
        speed = _speed(trainer, order, tokens_per_batch)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        speed = None
    _, peak = used_memory(trainer.device)
    release_memory(trainer.device)
    return speed, None if peak is None or before is None else peak - before


def _speed(trainer: Trainer, order: NDArray[np.int64], tokens_per_batch: int) -> float:
    """Return the tokens per second at which the gradients of the first batch in `order` are computed; the best of two."""
    lengths = trainer.training_lengths[order] * trainer.dataset.n_sequences
    batch = order[plan_batches(lengths, tokens_per_batch=tokens_per_batch)[0]]
    trainer.model.train()
    best = 0.0
    for _ in range(2):
        began = time.perf_counter()
        _, tokens = add_gradients(trainer, [batch], len(batch))
        if trainer.device.type == "cuda":
            torch.cuda.synchronize(trainer.device)
        best = max(best, tokens / (time.perf_counter() - began))
    return best
