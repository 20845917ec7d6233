"""Linformer: keys and values projected along the length to a fixed number of features (Wang et al., 2020).

Cost: O(L M D) operations and O(L D + M N) memory per block, with M features and N positions that the model is built for.

The projection has one column per position, so a model is built for the longest sequence in the data. In a longer sequence,
position i uses the column of position i modulo N.

Deviations from published implementations: the projection is a parameter, saved and trained like all others, and begins with a
standard deviation of N^(-1/2); in the code of Skyformer's paper it begins with 0.02 and is neither trained nor saved on a GPU.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from seqmix.functional import linformer_attention
from seqmix.mixers.base import AttentionMixer


class Linformer(AttentionMixer):
    """Multi-head Linformer attention.

    Args:
        n_heads: number of heads H.
        n_features: number of rows M of each head's projection.
        share_kv: whether keys and values share one projection.
    """

    for_longest = True
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {"n_features": {"at_least": 1, "at_most": 65_536}}

    def __init__(
        self, d_model: int, max_length: int, *, n_heads: int = 2, n_features: int = 128, share_kv: bool = True
    ) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, n_features=n_features)
        shape = (n_heads, n_features, max_length)
        # Scaled so that projected keys start out as large as a single key.
        self.projection = nn.Parameter(torch.randn(shape) * max_length**-0.5)
        self.projection_values = None if share_kv else nn.Parameter(torch.randn(shape) * max_length**-0.5)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        return linformer_attention(q, k, v, mask, self.projection, self.projection_values)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any]:
        return {"n_features": n}
