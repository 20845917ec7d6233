"""Pooled features of training records as a model has them when it answers, not as it has them in training.

In training, tokens are hidden, parts of blocks are skipped and records are cropped; and the weights that are kept are averages.
All of that moves the means of the pooled features. Where records are unlike, that is little next to what they differ by. On
aligned genomes, whose features are nearly equal in all records, it is most of a standard deviation, and answers were worse than
those of the largest class. Averaged weights need statistics of their own anyway (Izmailov et al., UAI 2018, section 3.2, on
batch normalisation).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqmix.data.vocabulary import Tokens
from seqmix.models.batched import outputs_of, window_of
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.members import members_of
from seqmix.models.pooled_features import PooledFeatures
from seqmix.training.trainer import Trainer

_FEWEST, _MOST = 256, 1024  # records that means are taken over
_TRIED = 96  # records that the noise is measured on
_ATTEMPTS, _NEAR = 5, 0.15  # to find the probability at which the noise is as configured, give or take this share
_LEAST_VARIANCE = 1e-12


def settle(trainer: Trainer, check: Callable[[], None] = lambda: None) -> None:
    """Give the model that is kept the means of its pooled features over training records.

    The records are the same each time, as many as validation has but at least 256 (or all) and at most 1,024. Variances stay
    those of training, on whose scale the head has learned.

    Args:
        trainer: the trainer, whose `averaged` is changed.
        check: called between batches; may raise.
    """
    validation = len(trainer.dataset.indices("val"))
    records = _some(trainer, min(_MOST, max(_FEWEST, validation)))
    for member in members_of(trainer.averaged):
        if member.standardisation is not None:
            member.standardisation.settle(_features(trainer, member, records, check).mean(0))


def hidden_tokens(trainer: Trainer, check: Callable[[], None] = lambda: None) -> list[float]:
    """Return for each member the probability of hiding tokens that `model.hidden_noise` leaves of `model.dropout_tokens`.

    The noise is the variance of what hiding changes in a pooled feature of a record, divided by the variance of that feature
    over records: the median over features, before the first step. It grows about with the odds of hiding, which are changed
    until the noise is nearly as configured. Neither the model nor the random state changes.

    Args:
        trainer: a trainer before its first step.
        check: called between batches; may raise.
    """
    records, found = _some(trainer, _TRIED), []
    with torch.random.fork_rng():
        for member in members_of(trainer.model):
            limited = member.dropout_tokens and member.config.hidden_noise
            found.append(_lowered(trainer, member, records, check) if limited else member.dropout_tokens)
    return found


def _lowered(trainer: Trainer, member: SequenceClassifier, records: NDArray[np.int64], check: Callable[[], None]) -> float:
    """Return the highest probability of hiding tokens, at most the configured one, at which the noise is as configured."""
    most, seed = member.config.hidden_noise, trainer.config.training.seed
    clean = _features(trainer, member, records, check)
    signal, odds = clean.var(0).clamp_min(_LEAST_VARIANCE), _odds(member.dropout_tokens)
    for attempt in range(_ATTEMPTS):
        torch.manual_seed(seed)  # the same draws, so that fewer hidden tokens are some of those before
        noise = _features(trainer, member, records, check, odds / (1.0 + odds)) - clean
        ratio = max(float((noise.var(0) / signal).median()), _LEAST_VARIANCE) / most
        if abs(math.log(ratio)) < _NEAR or (ratio < 1 and not attempt):
            break
        odds = min(odds / ratio, _odds(member.dropout_tokens))
    return odds / (1.0 + odds)


def _odds(probability: float) -> float:
    return probability / (1.0 - probability)


def _some(trainer: Trainer, count: int) -> NDArray[np.int64]:
    """Return at most `count` training records, always the same."""
    train = trainer.dataset.indices("train")
    return np.random.default_rng(trainer.config.training.seed).permutation(train)[:count]


def _features(
    trainer: Trainer,
    member: SequenceClassifier,
    records: NDArray[np.int64],
    check: Callable[[], None],
    hidden: float = 0.0,
) -> Tensor:
    """Return the features of each sequence of the records before they are standardised, `(n, pooled_width)`, float64."""
    training, window = trainer.config.training, trainer.config.data.window
    options: dict[str, Any] = {"tokens_per_batch": trainer.state.tokens_per_batch or training.tokens_per_batch}
    lengths = trainer.lengths[records]
    found = outputs_of(
        PooledFeatures(member, hidden),
        lambda i: _seen(trainer.dataset.truncated(int(records[i]), trainer.config.data), window, i),
        np.minimum(lengths, window) if window else lengths,
        lambda _: check(),
        device=trainer.device,
        precision=training.precision,
        **{name: value for name, value in options.items() if value},
    )
    return found.double().unflatten(1, (2 if member.paired else 1, -1)).flatten(0, 1)


def _seen(sequences: Sequence[Tokens], window: int, number: int) -> Sequence[Tokens]:
    """Return sequences as they are answered for: whole, or one of the windows, another for each `number`."""
    if not window:
        return sequences
    counts = [-(-len(tokens) // window) for tokens in sequences]
    return [window_of(tokens, window, count, number % count) for tokens, count in zip(sequences, counts, strict=True)]
