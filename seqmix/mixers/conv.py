"""A residual network of dilated convolutions, the baseline that genomics users know (as in Basenji, Kelley et al., 2018).

Layer m = 1, 2, ... is ``x + convolution(gelu(norm(x)))`` with dilation 2^(m-1). By default there are enough layers for the
first position to see the last.

Cost: O(L D^2 K log N) operations and O(L D log N) memory per block, with kernel width K and N positions that the model is
built for.

Padding is set to zero before every convolution, as are positions beyond the ends. Deviation from the paper: the norm is over
the channels of one position, not over a batch, where other sequences would change the answer.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.mixers.base import Mixer


class Conv(Mixer):
    """A stack of residual dilated convolutions.

    Args:
        kernel_size: odd width of the convolutions, at least 3.
        n_layers: number of layers; 0 for as many as cover the length that the model is built for.
    """

    block = "plain"
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "kernel_size": {"at_least": 3, "at_most": 99_999, "parity": "odd"},
        "n_layers": {"at_least": 0, "at_most": 40},
    }

    def __init__(self, d_model: int, max_length: int, *, kernel_size: int = 9, n_layers: int = 0) -> None:
        super().__init__()
        self.check_options(d_model, kernel_size=kernel_size, n_layers=n_layers)
        side = kernel_size // 2
        needed = max(1, (-(-(max_length - 1) // side)).bit_length())  # smallest n with side (2^n - 1) >= max_length - 1
        dilations = [2**m for m in range(n_layers or needed)]
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in dilations)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(d_model, d_model, kernel_size, padding=side * dilation, dilation=dilation) for dilation in dilations
        )

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        keep = mask[:, :, None]
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            signal = F.gelu(norm(x)).masked_fill(~keep, 0.0)
            x = x + convolution(signal.transpose(1, 2)).transpose(1, 2)
        return x
