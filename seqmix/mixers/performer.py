"""Performer: attention through positive orthogonal random features, FAVOR+ (Choromanski et al., ICLR 2021).

``exp(q . k / sqrt(E))`` is the expectation of ``phi(q) . phi(k)`` with ``phi(x) = exp(W x' - |x'|^2 / 2) / sqrt(M)`` and
x' = x / E^(1/4), where the rows of W are normally distributed (lemma 1). Making the rows orthogonal in blocks of E lowers the
variance.

Cost: O(L M D) operations and O(L M) memory per block, with M features.

Features are stabilised by subtracting the largest exponent, per row for queries and per sequence for keys, which cancels in
the normalised result. The random features are saved with the weights, so `eval()` does not depend on chance.

Deviations from the code of Skyformer's paper: that one divides queries and keys by E^(1/4) twice, so that it approximates
softmax(q . k / E); adds 1e-4, not 1e-6, to the features; and subtracts the largest exponent of all keys in the batch.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqmix.mixers.base import AttentionMixer

_EPSILON = 1e-6  # added to the features so that their sum never vanishes


class Performer(AttentionMixer):
    """Multi-head FAVOR+ attention.

    Args:
        n_heads: number of heads H.
        n_features: number of random features M.
        kernel: "softmax" for positive features of the softmax kernel, "relu" for generalised attention with features relu(W
            x').
        redraw_every: optimiser steps after which the features are redrawn; 0 for never.
    """

    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "n_features": {"at_least": 1, "at_most": 65_536},
        "kernel": {"choices": ("softmax", "relu")},
        "redraw_every": {"at_least": 0, "at_most": 1_000_000_000_000},
    }
    weight: Tensor

    def __init__(
        self,
        d_model: int,
        max_length: int,
        *,
        n_heads: int = 2,
        n_features: int = 128,
        kernel: str = "softmax",
        redraw_every: int = 0,
    ) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, n_features=n_features, kernel=kernel, redraw_every=redraw_every)
        self.kernel, self.redraw_every = kernel, redraw_every
        self.register_buffer("weight", _orthogonal_features(n_features, d_model // n_heads))

    def after_step(self, step: int) -> None:
        if self.redraw_every and step % self.redraw_every == 0:
            self.weight.copy_(_orthogonal_features(*self.weight.shape))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        real = mask[:, None, :, None]
        with torch.autocast(q.device.type, enabled=False):
            wide = torch.promote_types(q.dtype, torch.float32)
            features_q = self._features(q.to(wide), dims=(-1,))
            features_k = self._features(k.to(wide).masked_fill(~real, 0.0), dims=(-1, -2), real=real)
            summed = features_k.transpose(-1, -2) @ v.to(wide).masked_fill(~real, 0.0)  # (B, H, M, E)
            total = features_q @ features_k.sum(2)[..., None]  # (B, H, L, 1)
            return (features_q @ summed / total).to(v.dtype)

    def _features(self, x: Tensor, dims: tuple[int, ...], real: Tensor | None = None) -> Tensor:
        """Return features `(B, H, L, M)`, up to a factor shared by everything along `dims`; zero for rows that are not real."""
        x = x * x.shape[-1] ** -0.25
        projected = x @ self.weight.to(x.dtype).T
        if self.kernel == "relu":
            features = F.relu(projected) + _EPSILON
        else:
            exponent = projected - 0.5 * x.square().sum(-1, keepdim=True)
            if real is not None:
                exponent = exponent.masked_fill(~real, -torch.inf)
            features = torch.exp(exponent - exponent.amax(dims, keepdim=True)) + _EPSILON
        return features if real is None else features.masked_fill(~real, 0.0)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any]:
        return {"n_features": n}


def _orthogonal_features(n_features: int, width: int) -> Tensor:
    """Draw rows `(M, E)` that are orthogonal in blocks of E and have the norms of normally distributed vectors."""
    blocks = []
    for _ in range(-(-n_features // width)):
        rotation, triangle = torch.linalg.qr(torch.randn(width, width))
        # These signs make the rotation uniform: the decomposition alone prefers some directions, which never averages out.
        blocks.append((rotation * triangle.diagonal().sign()).T)
    return torch.cat(blocks)[:n_features] * torch.randn(n_features, width).norm(dim=1, keepdim=True)
