"""S4D: a diagonal state space model, as a convolution over the whole length (Gu et al., NeurIPS 2022).

Each channel is ``x'(t) = A x(t) + B u(t), y(t) = 2 Re(C x(t)) + D u(t)`` with a diagonal complex A (initialised as S4D-Lin,
A_n = -1/2 + i pi n) and B = 1, discretised by zero-order hold. Its impulse response is
``K_l = 2 Re sum_n C_n (exp(dt A_n) - 1) / A_n exp(dt A_n l)``. One such model reads forwards and one backwards: not causal.

Cost: O(L log L D + L D N) operations and O(L D) memory per block, with N = d_state / 2 complex states.

The convolution uses FFTs, in float32 at least. Padding is zero, as are positions beyond the ends.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.mixers.base import Mixer


class S4D(Mixer):
    """A bidirectional diagonal state space layer, GELU, and a gated linear output.

    Args:
        d_state: real dimension of each channel's state in each direction; even.
        dt_min: smallest initial step size; step sizes are drawn log-uniformly.
        dt_max: largest initial step size.
    """

    model_defaults: ClassVar[dict[str, Any]] = {"d_model": 64, "blocks": 2}
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "d_state": {"at_least": 2, "at_most": 65_536, "parity": "even"},
        "dt_min": {"above": 0, "at_most": 1000, "not_above": "dt_max"},
        "dt_max": {"above": 0, "at_most": 1000},
    }

    def __init__(self, d_model: int, max_length: int, *, d_state: int = 64, dt_min: float = 0.001, dt_max: float = 0.1) -> None:
        super().__init__()
        self.check_options(d_model, d_state=d_state, dt_min=dt_min, dt_max=dt_max)
        n = d_state // 2
        low, high = math.log(dt_min), math.log(dt_max)
        self.log_dt = nn.Parameter(low + (high - low) * torch.rand(2, d_model))
        self.log_decay = nn.Parameter(torch.full((2, d_model, n), math.log(0.5)))  # log(-Re A): A stays stable
        self.frequency = nn.Parameter((math.pi * torch.arange(n)).repeat(2, d_model, 1))
        self.output = nn.Parameter(torch.randn(2, d_model, n, 2) * 0.5**0.5)  # C, real and imaginary parts
        self.skip = nn.Parameter(torch.randn(d_model))
        self.gate = nn.Linear(d_model, 2 * d_model)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        signal = x.masked_fill(~mask[:, :, None], 0.0).transpose(1, 2)  # (B, D, L)
        with torch.autocast(x.device.type, enabled=False):
            wide = signal.to(torch.promote_types(signal.dtype, torch.float32))
            y = self._convolve(wide) + self.skip[:, None] * wide
        return F.glu(self.gate(F.gelu(y.to(x.dtype)).transpose(1, 2)), dim=-1)

    def _convolve(self, signal: Tensor) -> Tensor:
        """Convolve a signal `(B, D, L)` in both directions at once; the backward direction sees only later positions."""
        length = signal.shape[2]
        forwards, backwards = self.kernel(length)
        size = _quick_size(2 * length)
        # On the FFT's circle, position -l stands for l positions later.
        around = F.pad(forwards, (0, size - length)) + F.pad(backwards.flip(-1), (size - length, 0))
        spectrum = torch.fft.rfft(signal, n=size) * torch.fft.rfft(around, n=size)
        return torch.fft.irfft(spectrum, n=size)[..., :length]

    def kernel(self, length: int) -> Tensor:
        """Return the impulse responses `(2, D, L)`, forwards and backwards."""
        dt = self.log_dt.exp()[..., None]
        rate = torch.complex(-self.log_decay.exp(), self.frequency)  # A
        weight = torch.view_as_complex(self.output) * torch.expm1(dt * rate) / rate
        # exp(dt A l) for l = a step + b factorises: one matrix product of sqrt(L) wide factors, not L exponentials per state.
        step = math.isqrt(length - 1) + 1
        inner, outer = (torch.arange(n, dtype=dt.dtype, device=dt.device) for n in (step, -(-length // step)))
        left = weight[..., None, :] * torch.exp((dt * rate * step)[..., None, :] * outer[:, None])  # (2, D, L / step, N)
        right = torch.exp((dt * rate)[..., None] * inner)  # (2, D, N, step)
        return 2 * (left @ right).real.flatten(-2)[..., :length]


def _quick_size(least: int) -> int:
    """Return the smallest 2^a or 3 2^a that is at least `least`: sizes for which FFTs are fast."""
    power = 1 << (least - 1).bit_length()
    return min(power, 3 * power // 4) if 3 * power // 4 >= least else power
