"""A residual network of dilated convolutions, the baseline that genomics users know (as in Basenji, Kelley et al., 2018).

Layer m = 1, 2, ... is ``x + convolution(gelu(norm(x)))`` with dilation 2^(m-1). By default there are enough layers for the
first position to see the last.

Cost: O(L D^2 K log N) operations and O(L D log N) memory per block, with kernel width K and N positions that the model is
built for.

Padding is set to zero before every convolution, as are positions beyond the ends. Deviation from the paper: the norm is over
the channels of one position, not over a batch, where other sequences would change the answer.
"""

from __future__ import annotations

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

    def __init__(self, d_model: int, max_length: int, *, kernel_size: int = 9, n_layers: int = 0) -> None:
        super().__init__()
        if kernel_size < 3 or kernel_size % 2 == 0:
            raise ValueError(f"mixer.kernel_size must be odd and at least 3: got {kernel_size}")
        if n_layers < 0:
            raise ValueError(f"mixer.n_layers must be 0 (as many as needed) or more: got {n_layers}")
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
