"""Linear attention: the feature map elu + 1 replaces the exponential (Katharopoulos et al., ICML 2020).

Cost: O(L E D) operations and O(L D) memory per block, with head width E.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from seqmix.mixers.base import AttentionMixer


class Linear(AttentionMixer):
    """Multi-head linear attention, not causal: ``phi(q) (phi(K)^T V) / (phi(q) . sum phi(K))`` with phi = elu + 1.

    Args:
        n_heads: number of heads H.
    """

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        q, k = _features(q), _features(k).masked_fill(~mask[:, None, :, None], 0.0)
        total = (q * k.sum(2, keepdim=True)).sum(-1, keepdim=True)  # (B, H, L, 1)
        return q @ (k.transpose(-1, -2) @ v.masked_fill(~mask[:, None, :, None], 0.0)) / total


def _features(x: Tensor) -> Tensor:
    """Return elu(x) + 1, which is positive everywhere."""
    return F.relu(x) + x.clamp_max(0.0).exp()
