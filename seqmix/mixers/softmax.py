"""Softmax attention (Vaswani et al., 2017), through PyTorch's fused `scaled_dot_product_attention`.

Cost: O(L^2 D) operations per block. Quadratic: a reference, not a tool for long sequences.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from seqmix.functional import softmax_attention
from seqmix.mixers.base import AttentionMixer


class Softmax(AttentionMixer):
    """Multi-head softmax attention.

    Args:
        n_heads: number of heads H.
        attention_dropout: probability of dropping an attention weight in training, in [0, 1); 0.1 in the code of Skyformer's
            paper.
    """

    quadratic = True
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {"attention_dropout": {"at_least": 0, "below": 1}}

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2, attention_dropout: float = 0.0) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, attention_dropout=attention_dropout)
        self.attention_dropout = attention_dropout

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        return softmax_attention(q, k, v, mask, dropout=self.attention_dropout if self.training else 0.0)
