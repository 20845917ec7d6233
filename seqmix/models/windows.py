"""Windows of consecutive tokens, each pooled to one position, so that the blocks work on a sequence `stride` times shorter.

The last window of a sequence may be shorter. Padding has no part in any: the mean is over a window's real tokens.

With F frames, the tokens of a window are pooled apart by their place modulo F, and each frame becomes a sequence of its own. A
mean over all tokens of a window of DNA would lose the reading frame, by which coding sequences are known. With three frames and
k-mers of three letters, a sequence is one of codons, and what is learned of one frame holds for all three.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def window_count(length: int, stride: int) -> int:
    """Return the number of windows of a sequence of this length."""
    return -(-length // stride)


def windows(x: Tensor, stride: int, frames: int = 1, padding: float = 0) -> Tensor:
    """Return the tokens of each window in each frame, `(B F, ceil(L / stride), stride / F, ...)`.

    Args:
        x: `(B, L, ...)`.
        stride: tokens in a window.
        frames: number F of frames; it divides `stride`. Rows r F to r F + F - 1 are those of sequence r.
        padding: value of the tokens after the end of the last window.
    """
    missing = -x.shape[1] % stride
    if missing:
        x = F.pad(x, (*(0, 0) * (x.dim() - 2), 0, missing), value=padding)
    if frames == 1:
        return x.unflatten(1, (-1, stride))
    return x.unflatten(1, (-1, stride // frames, frames)).movedim(3, 1).flatten(0, 1)


def window_mask(mask: Tensor, stride: int, frames: int = 1) -> Tensor:
    """Return which windows hold a real token, `(B F, ceil(L / stride))` bool, of the mask `(B, L)`; see `windows`."""
    return mask if stride == 1 else windows(mask, stride, frames).any(2)


def pool_windows(x: Tensor, mask: Tensor, stride: int, how: str, frames: int = 1) -> Tensor:
    """Return the mean or maximum of each window's real tokens, zero in windows without real tokens.

    Args:
        x: `(B, L, D)`, zero at padding.
        mask: `(B, L)` bool, True = a real token.
        stride: tokens in a window.
        how: "mean" or "max".
        frames: number F of frames; it divides `stride`.

    Returns:
        `(B F, ceil(L / stride), D)`, rows as in `windows`.
    """
    if stride == 1:
        return x
    real = windows(mask, stride, frames)
    if how == "mean":
        return windows(x, stride, frames).sum(2) / _sizes(real)[:, :, None]
    lowest = -float("inf")
    largest = windows(x.masked_fill(~mask[:, :, None], lowest), stride, frames, lowest).amax(2)
    return largest.masked_fill(~real.any(2)[:, :, None], 0.0)


def embed_windows(ids: Tensor, shown: Tensor, mask: Tensor, weight: Tensor, stride: int, frames: int = 1) -> Tensor:
    """Return the mean embedding of each window's real tokens, without a tensor of the size of all embeddings.

    Args:
        ids: `(B, L)`, rows of `weight`.
        shown: `(B, L)` bool, True = a token whose embedding counts; the others count as zero.
        mask: `(B, L)` bool, True = a real token.
        weight: `(V, D)`, token embeddings.
        stride: tokens in a window.
        frames: number F of frames; it divides `stride`.

    Returns:
        `(B F, ceil(L / stride), D)`, rows as in `windows`.
    """
    sizes = _sizes(windows(mask, stride, frames))
    shares = (windows(shown & mask, stride, frames) / sizes[:, :, None]).to(weight.dtype)
    bags = windows(ids.int(), stride, frames).flatten(0, 1)
    means = F.embedding_bag(bags, weight, mode="sum", per_sample_weights=shares.flatten(0, 1))
    return means.unflatten(0, sizes.shape)


def _sizes(real: Tensor) -> Tensor:
    """Return the number of real tokens, at least 1, of windows `(B, N, T)` bool: `(B, N)`."""
    return real.sum(2).clamp_min(1)
