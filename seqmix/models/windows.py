"""Windows of consecutive tokens, each pooled to one position, so that the blocks work on a sequence `stride` times shorter.

The last window of a sequence may be shorter. Padding has no part in any: the mean is over a window's real tokens.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def window_count(length: int, stride: int) -> int:
    """Return the number of windows of a sequence of this length."""
    return -(-length // stride)


def window_mask(mask: Tensor, stride: int) -> Tensor:
    """Return which windows hold a real token, `(B, ceil(L / stride))` bool, of the mask `(B, L)`."""
    return mask if stride == 1 else _windows(mask, stride).any(2)


def pool_windows(x: Tensor, mask: Tensor, stride: int, how: str) -> Tensor:
    """Return the mean or maximum of each window's real tokens, zero in windows without.

    Args:
        x: `(B, L, D)`, zero at padding.
        mask: `(B, L)` bool, True = a real token.
        stride: tokens in a window.
        how: "mean" or "max".

    Returns:
        `(B, ceil(L / stride), D)`.
    """
    if stride == 1:
        return x
    if how == "mean":
        return _windows(x, stride).sum(2) / _sizes(mask, stride)[:, :, None]
    largest = _windows(x.masked_fill(~mask[:, :, None], -float("inf")), stride, -float("inf")).amax(2)
    return largest.masked_fill(~window_mask(mask, stride)[:, :, None], 0.0)


def embed_windows(ids: Tensor, shown: Tensor, mask: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Return the mean embedding of each window's real tokens, without a tensor of the size of all embeddings.

    Args:
        ids: `(B, L)`, rows of `weight`.
        shown: `(B, L)` bool, True = a token whose embedding counts; the others count as zero.
        mask: `(B, L)` bool, True = a real token.
        weight: `(V, D)`, token embeddings.
        stride: tokens in a window.

    Returns:
        `(B, ceil(L / stride), D)`.
    """
    sizes = _sizes(mask, stride)
    shares = (_windows(shown & mask, stride) / sizes[:, :, None]).to(weight.dtype)
    bags = _windows(ids.int(), stride).flatten(0, 1)
    means = F.embedding_bag(bags, weight, mode="sum", per_sample_weights=shares.flatten(0, 1))
    return means.unflatten(0, sizes.shape)


def _sizes(mask: Tensor, stride: int) -> Tensor:
    """Return the number of real tokens in each window, at least 1: `(B, ceil(L / stride))`."""
    return _windows(mask, stride).sum(2).clamp_min(1)


def _windows(x: Tensor, stride: int, padding: float = 0) -> Tensor:
    """Return x `(B, L, ...)` as `(B, ceil(L / stride), stride, ...)`, with `padding` after the end."""
    missing = -x.shape[1] % stride
    if missing:
        x = F.pad(x, (*(0, 0) * (x.dim() - 2), 0, missing), value=padding)
    return x.unflatten(1, (-1, stride))
