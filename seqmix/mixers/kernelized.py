"""Kernelized attention: a Gaussian kernel replaces softmax (Chen et al., "Skyformer", NeurIPS 2021, equation 3).

Cost: O(L^2 D) operations and O(L D) memory per block. Quadratic in time; Skyformer approximates it.
"""

from __future__ import annotations

from torch import Tensor

from seqmix.functional import kernelized_attention
from seqmix.mixers.base import AttentionMixer


class Kernelized(AttentionMixer):
    """Multi-head kernelized attention.

    Args:
        n_heads: number of heads H.
    """

    quadratic = True

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        return kernelized_attention(q, k, v, mask)
