"""Windows of consecutive tokens, each pooled to one position, so that the blocks work on a sequence `stride` times shorter.

The last window of a sequence may be shorter. Padding has no part in any: the mean is over a window's real tokens.

With P phases, the tokens of a window are pooled apart by their place modulo P, and the results stand side by side. A mean over
all tokens of a window of DNA would lose the reading frame, by which coding sequences are known; with three phases it is kept.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def window_count(length: int, stride: int) -> int:
    """Return the number of windows of a sequence of this length."""
    return -(-length // stride)


def windows(x: Tensor, stride: int, phases: int = 1, padding: float = 0) -> Tensor:
    """Return the tokens of each phase of each window, `(B, ceil(L / stride) P, stride / P, ...)`.

    Args:
        x: `(B, L, ...)`.
        stride: tokens in a window.
        phases: number P of phases; it divides `stride`.
        padding: value of the tokens after the end of the last window.
    """
    missing = -x.shape[1] % stride
    if missing:
        x = F.pad(x, (*(0, 0) * (x.dim() - 2), 0, missing), value=padding)
    if phases == 1:
        return x.unflatten(1, (-1, stride))
    return x.unflatten(1, (-1, stride // phases, phases)).movedim(3, 2).flatten(1, 2)


def window_mask(mask: Tensor, stride: int) -> Tensor:
    """Return which windows hold a real token, `(B, ceil(L / stride))` bool, of the mask `(B, L)`."""
    return mask if stride == 1 else windows(mask, stride).any(2)


def pool_windows(x: Tensor, mask: Tensor, stride: int, how: str, phases: int = 1) -> Tensor:
    """Return the mean or maximum of each window's real tokens, zero in windows without real tokens.

    Args:
        x: `(B, L, D)`, zero at padding.
        mask: `(B, L)` bool, True = a real token.
        stride: tokens in a window.
        how: "mean" or "max".
        phases: number P of phases; it divides `stride`.

    Returns:
        `(B, ceil(L / stride), P D)`.
    """
    if stride == 1:
        return x
    real = windows(mask, stride, phases)
    if how == "mean":
        pooled = windows(x, stride, phases).sum(2) / _sizes(real)[:, :, None]
    else:
        lowest = -float("inf")
        largest = windows(x.masked_fill(~mask[:, :, None], lowest), stride, phases, lowest).amax(2)
        pooled = largest.masked_fill(~real.any(2)[:, :, None], 0.0)
    return _side_by_side(pooled, phases)


def embed_windows(ids: Tensor, shown: Tensor, mask: Tensor, weight: Tensor, stride: int, phases: int = 1) -> Tensor:
    """Return the mean embedding of each window's real tokens, without a tensor of the size of all embeddings.

    Args:
        ids: `(B, L)`, rows of `weight`.
        shown: `(B, L)` bool, True = a token whose embedding counts; the others count as zero.
        mask: `(B, L)` bool, True = a real token.
        weight: `(V, D)`, token embeddings.
        stride: tokens in a window.
        phases: number P of phases; it divides `stride`.

    Returns:
        `(B, ceil(L / stride), P D)`.
    """
    sizes = _sizes(windows(mask, stride, phases))
    shares = (windows(shown & mask, stride, phases) / sizes[:, :, None]).to(weight.dtype)
    bags = windows(ids.int(), stride, phases).flatten(0, 1)
    means = F.embedding_bag(bags, weight, mode="sum", per_sample_weights=shares.flatten(0, 1))
    return _side_by_side(means.unflatten(0, sizes.shape), phases)


def _sizes(real: Tensor) -> Tensor:
    """Return the number of real tokens, at least 1, of windows `(B, N, T)` bool: `(B, N)`."""
    return real.sum(2).clamp_min(1)


def _side_by_side(pooled: Tensor, phases: int) -> Tensor:
    """Return pooled phases `(B, N P, D)` as `(B, N, P D)`."""
    return pooled if phases == 1 else pooled.unflatten(1, (-1, phases)).flatten(2)
