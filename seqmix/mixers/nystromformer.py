"""Nyströmformer: softmax attention through the means of segments (Xiong et al., AAAI 2021).

Cost: O(L M D + M^3) operations and O(L D + M^2) memory per block, with M landmarks.

Deviations from the published code, so that a sequence has one answer: segments divide each sequence's own real tokens, of
which there may be any number; the pseudo-inverse is scaled for each matrix on its own.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from seqmix.functional import nystrom_attention
from seqmix.mixers.base import AttentionMixer


class Nystromformer(AttentionMixer):
    """Multi-head Nyström attention.

    Args:
        n_heads: number of heads H.
        n_landmarks: number M of segments whose means represent all queries and keys.
        iterations: steps of the iterative pseudo-inverse.
        conv_kernel: odd width of a depthwise convolution of the values that is added to the output, with one filter per head;
            0 for none.
    """

    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "n_landmarks": {"at_least": 1, "at_most": 65_536},
        "iterations": {"at_least": 1, "at_most": 1000},
        "conv_kernel": {"at_least": 1, "at_most": 99_999, "parity": "odd", "or_zero": True},
    }

    def __init__(
        self,
        d_model: int,
        max_length: int,
        *,
        n_heads: int = 2,
        n_landmarks: int = 128,
        iterations: int = 6,
        conv_kernel: int = 0,
    ) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, n_landmarks=n_landmarks, iterations=iterations, conv_kernel=conv_kernel)
        self.n_landmarks, self.iterations = n_landmarks, iterations
        self.convolution: nn.Conv2d | None = None
        if conv_kernel:
            padding = (conv_kernel // 2, 0)
            self.convolution = nn.Conv2d(n_heads, n_heads, (conv_kernel, 1), padding=padding, groups=n_heads, bias=False)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        out = nystrom_attention(q, k, v, mask, self.n_landmarks, self.iterations)
        return out if self.convolution is None else out + self.convolution(v.masked_fill(~mask[:, None, :, None], 0.0))

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any]:
        return {"n_landmarks": n}
