"""Kernelized attention: a Gaussian kernel replaces softmax (Chen et al., "Skyformer", NeurIPS 2021, equation 3).

Cost: O(L^2 D) operations and O(L D) memory per block. Quadratic in time; Skyformer approximates it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from seqmix.functional import kernelized_attention
from seqmix.mixers.base import AttentionMixer


class Kernelized(AttentionMixer):
    """Multi-head kernelized attention.

    Args:
        n_heads: number of heads H.
        attention_dropout: probability of dropping a value of the kernel in training, in [0, 1); 0.1 in the published code.
    """

    quadratic = True
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {"attention_dropout": {"at_least": 0, "below": 1}}

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2, attention_dropout: float = 0.0) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, attention_dropout=attention_dropout)
        self.attention_dropout = attention_dropout

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        return kernelized_attention(q, k, v, mask, dropout=self.attention_dropout if self.training else 0.0)
