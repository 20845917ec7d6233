"""The minimal gated recurrent unit (minGRU), in both directions (Feng et al., "Were RNNs All We Needed?", 2024, section 3.1).

The state is ``h_t = (1 - z_t) * h_(t-1) + z_t * c_t``, with the gate ``z_t = sigmoid(W x_t + b)``, the candidate
``c_t = V x_t + v`` and h_0 = 0. Neither depends on the state, so that all positions are computed in parallel.

Cost: O(L D^2) operations and O(L D) memory per block.

At padding z is zero: the state passes through unchanged, in either direction. The state is in float32 at least.

Deviations from the paper: half of the channels run from the end to the beginning, and the gates' biases begin such that the
channels remember for different times (Tallec and Ollivier, "Can recurrent neural networks warp time?", ICLR 2018).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.functional import linear_recurrence
from seqmix.mixers.base import Mixer


class MinGRU(Mixer):
    """A minimal gated recurrent unit, whose channels run in both directions.

    Args:
        bidirectional: whether half of the channels run from the end to the beginning; otherwise all run forwards,
            which excludes pooling by a CLS token.
        memory: positions that the slowest channels remember at first, at least 2; those of each direction begin with time
            scales from 2 to this, evenly spaced on a logarithmic scale.
    """

    model_defaults: ClassVar[dict[str, Any]] = {"d_model": 64, "blocks": 2}
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {"memory": {"at_least": 2, "at_most": 1_000_000_000_000}}

    def __init__(self, d_model: int, max_length: int, *, bidirectional: bool = True, memory: float = 64.0) -> None:
        super().__init__()
        self.check_options(d_model, memory=memory)
        self.forwards_only = not bidirectional
        self.backwards = d_model // 2 if bidirectional else 0  # channels that run backwards: the last ones
        self.gate = nn.Linear(d_model, d_model)
        self.candidate = nn.Linear(d_model, d_model)
        channels = (d_model - self.backwards, self.backwards)
        scales = [torch.logspace(math.log10(2), math.log10(memory), n) for n in channels]
        with torch.no_grad():
            self.gate.bias.copy_(-torch.log(torch.cat(scales) - 1))  # the gate is 1 / scale where W x = 0

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        x = x.transpose(0, 1).contiguous()  # (L, B, D)
        padding = ~mask.T[:, :, None]
        middle = x.shape[2] - self.backwards
        states = [self._run(x, padding, slice(middle), reverse=False)]
        if self.backwards:
            states.append(self._run(x, padding, slice(middle, None), reverse=True))
        return torch.cat([one.transpose(0, 1) for one in states], dim=2).to(x.dtype)

    def _run(self, x: Tensor, padding: Tensor, channels: slice, *, reverse: bool) -> Tensor:
        """Return the states of some channels, which run in one direction; x and the states are `(L, B, D)`."""
        gate, candidate = (F.linear(x, layer.weight[channels], layer.bias[channels]) for layer in (self.gate, self.candidate))
        with torch.autocast(x.device.type, enabled=False):
            wide = torch.promote_types(x.dtype, torch.float32)
            open_ = torch.sigmoid(gate.to(wide).masked_fill(padding, -math.inf))
            return linear_recurrence(1 - open_, open_ * candidate.to(wide), reverse=reverse)
