"""Batches: which records stand together, and the padded tensors made of them.

Which records make up a batch is a pure function of their lengths, the seed and the epoch, so a resumed run sees what the
uninterrupted one would have seen. Batches hold similar lengths and a bounded number of tokens: little time goes into
padding, and memory is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqmix.data.vocabulary import CLS, Tokens

# Lengths are multiplied by 1 to 1 + this before sorting: neighbours in length change from epoch to epoch.
_JITTER = 0.05


@dataclass(slots=True)
class Batch:
    """Padded sequences; B is the number of records, of pairs twice that (see `interleave`).

    Attributes:
        ids: `(B, L)`, uint8 or int32 as the tokens are; `(B, L, channels)` float32 for real numbers.
        mask: `(B, L)` bool, True at a real position (CLS among them).
    """

    ids: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device; from pinned memory the copy does not wait."""
        return Batch(self.ids.to(device, non_blocking=True), self.mask.to(device, non_blocking=True))


def collate(sequences: Sequence[Tokens], *, cls: bool = False, pin: bool = False) -> Batch:
    """Return sequences side by side, padded with PAD (0) to the longest.

    Args:
        sequences: token arrays, none empty.
        cls: put a CLS token in front of each; the sequence loses no token.
        pin: use page-locked memory, for a GPU.
    """
    lengths = [len(sequence) + cls for sequence in sequences]
    shape = (len(sequences), max(lengths))
    # One byte stays one byte on the way to the device; torch has no arithmetic for two unsigned ones.
    dtype = np.int32 if sequences[0].dtype == np.uint16 else sequences[0].dtype
    padded = np.zeros((*shape, *sequences[0].shape[1:]), dtype=dtype)
    mask = np.zeros(shape, dtype=np.bool_)
    for row, real, sequence, n in zip(padded, mask, sequences, lengths, strict=True):
        row[cls:n] = sequence
        real[:n] = True
    if cls:
        padded[:, 0] = CLS
    batch = Batch(torch.from_numpy(padded), torch.from_numpy(mask))
    return Batch(batch.ids.pin_memory(), batch.mask.pin_memory()) if pin else batch


def interleave(records: Sequence[Sequence[Tokens]]) -> list[Tokens]:
    """Return the rows of a batch: the first sequences of all records, then, of pairs, their second ones."""
    return [sequence for row in zip(*records, strict=True) for sequence in row]


def plan_batches(
    lengths: NDArray[np.int64], *, tokens_per_batch: int, batch_size: int = 0, order: tuple[int, int] | None = None
) -> list[NDArray[np.int64]]:
    """Return which positions of `lengths` make up each batch.

    Args:
        lengths: tokens of each record, `(n,)`; of a pair, twice those of the longer sequence.
        tokens_per_batch: most tokens in a batch, padding included; a longer record is a batch of its own.
        batch_size: most records in a batch, whatever their tokens; 0 if only the tokens count.
        order: (seed, epoch) of a shuffled order for training; None for the order of lengths, longest first, for evaluation.

    Returns:
        Arrays of positions that together hold each of 0..n-1 once.
    """
    if order is None:
        ranked = np.argsort(-lengths.astype(np.float64), kind="stable")
        return _cut_into_batches(ranked, lengths, tokens_per_batch, batch_size)
    generator = np.random.default_rng(order)
    ranked = np.argsort(-lengths * (1.0 + _JITTER * generator.random(len(lengths))), kind="stable")
    batches = _cut_into_batches(ranked, lengths, tokens_per_batch, batch_size)
    return [batches[i] for i in generator.permutation(len(batches))]


def sample_balanced(groups: NDArray[np.int64], order: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw as many records as there are, of each group equally often, give or take one.

    The records of a group are drawn equally often, too: in a large group some are left out, in a small one all are repeated.

    Args:
        groups: number of the group of each record, `(n,)`.
        order: seed; a function of the epoch.

    Returns:
        Positions of records `(n,)`, and how often each was drawn before, `(n,)`.
    """
    generator = np.random.default_rng(order)
    numbers = np.unique(groups)
    shares = np.full(len(numbers), len(groups) // len(numbers))
    shares[generator.permutation(len(numbers))[: len(groups) % len(numbers)]] += 1
    drawn, before = [], []
    for number, share in zip(numbers, shares, strict=True):
        members = generator.permutation(np.flatnonzero(groups == number))
        drawn.append(np.resize(members, share))
        before.append(np.arange(share) // len(members))
    return np.concatenate(drawn), np.concatenate(before)


def group_batches(
    batches: Sequence[NDArray[np.int64]], *, accumulate: int = 1, least_records: int = 0
) -> list[list[NDArray[np.int64]]]:
    """Return the batches of each optimiser step: consecutive ones, each in one step.

    Args:
        batches: the batches of an epoch, in their order.
        accumulate: least batches in a step; the last step may have fewer.
        least_records: least records in a step. What is left at the end and is too little for a step belongs to the last step.
    """
    groups: list[list[NDArray[np.int64]]] = [[]]
    for batch in batches:
        if len(groups[-1]) >= accumulate and sum(map(len, groups[-1])) >= least_records:
            groups.append([])
        groups[-1].append(batch)
    if len(groups) > 1 and sum(map(len, groups[-1])) < least_records:
        rest = groups.pop()
        groups[-1] += rest
    return groups


def put_together(batches: Sequence[NDArray[np.int64]], longest: Sequence[int], tokens_at_once: int) -> list[NDArray[np.int64]]:
    """Return consecutive batches put together into larger ones, where these stay small enough.

    Args:
        batches: records of each batch.
        longest: tokens of the longest record of each batch.
        tokens_at_once: most tokens in what is put together, padding included.
    """
    joined: list[list[NDArray[np.int64]]] = []
    records, most = 0, 0
    for batch, tokens in zip(batches, longest, strict=True):
        records, most = records + len(batch), max(most, tokens)
        if not joined or records * most > tokens_at_once:
            joined.append([])
            records, most = len(batch), tokens
        joined[-1].append(batch)
    return [np.concatenate(some) for some in joined]


def _cut_into_batches(
    ranked: NDArray[np.int64], lengths: NDArray[np.int64], tokens_per_batch: int, batch_size: int
) -> list[NDArray[np.int64]]:
    """Cut an order of records into batches that are as large as they may be."""
    batches: list[NDArray[np.int64]] = []
    start, longest = 0, 0
    for position, index in enumerate(ranked):
        grown = max(longest, int(lengths[index]))
        count = position - start + 1
        full = count > batch_size if batch_size else grown * count > tokens_per_batch
        if full and count > 1:
            batches.append(ranked[start:position])
            start, grown = position, int(lengths[index])
        longest = grown
    return [*batches, ranked[start:]] if len(ranked) else batches
