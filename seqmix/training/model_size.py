"""Whether there is enough memory to train a model, checked before any is allocated."""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn

from seqmix.config import TrainingConfig
from seqmix.errors import ConfigError
from seqmix.reporting.text import amount
from seqmix.system.memory import free_memory

_OTHERS = "the options of the mixer"
_DECIDING = {
    "embedding": ("model.d_model", "model.kmer", "model.hashed_words"),
    "position": ("model.max_length", "model.d_model"),
    "stem": ("model.d_model", "model.stem_kernel"),
    "blocks": ("model.blocks", "model.d_model", "model.d_feedforward", _OTHERS),
    "words": ("model.words", "model.d_words"),
    "head": ("model.d_model", "model.head_hidden", "model.max_length (with flat pooling)"),
}
"""The options that decide how many weights each part of a model has."""


def check_memory(model: nn.Module, training: TrainingConfig, device: torch.device) -> None:
    """Refuse a model that does not fit into memory when it is trained.

    Args:
        model: the model, which may be on the meta device.
        training: how it is trained.
        device: where it is trained; a model is built on the CPU.

    Raises:
        ConfigError: it does not fit.
    """
    weights = _weights(model)
    # Gradients, the two moments of AdamW, and the average that is kept.
    copies = 1 + (0 if training.freeze else 3) + (training.average > 0)
    for place, each in {torch.device("cpu"): 1, device: copies}.items():
        needed, free = 4 * each * weights.total(), free_memory(place)
        if free is not None and needed > free:
            raise ConfigError(_refusal(weights, needed, free, each))


def _weights(model: nn.Module) -> Counter[str]:
    """Return how many weights each part of a model has; the parts have the names in `_DECIDING`, or "others"."""
    found: Counter[str] = Counter()
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        found[next((part for part in name.split(".") if part in _DECIDING), "others")] += tensor.numel()
    return found


def _refusal(weights: Counter[str], needed: int, free: int, copies: int) -> str:
    """Return the error for a model that needs more memory than is free."""
    (largest, count), total = weights.most_common(1)[0], weights.total()
    also = ", their gradients and the optimiser's moments" if copies > 2 else ""
    *first, last = _DECIDING.get(largest, (_OTHERS,))
    options = f"{', '.join(first)} and {last}" if first else last
    return (
        f"the model cannot be built: it is too large for this computer's memory: its {total:,} weights{also} need "
        f"{amount(needed)}, but only {amount(free)} is free; {count / total:.0%} of the weights are in its "
        f"{largest}, whose size depends on {options}: choose smaller ones"
    )
