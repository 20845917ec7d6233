"""ChordMixer: channel tracks rotated by the chord offsets, and an MLP (Khalitov et al., ICLR 2023).

Each layer is ``x + mlp(rotate(x))``, or with ``variant = "published"``, as in the published code, ``x + rotate(mlp(x))`` with
weights that begin as Xavier's and biases that begin at 0. In the tasks of Long Range Arena, that code norms x before the MLP
(`prenorm`) and the sum after it (`norm`); it drops outputs of the MLP's layers (`dropout`) and of the MLP (`dropout_layer`).

The channels are divided into tracks; track 0 stays, track m = 1, 2, ... is rotated by 2^(m-1) positions, and an MLP mixes the
tracks at every position. After ceil(log2 N) layers every position depends on every other.

Cost: O(L W^2 log N) operations and O(L W log N) memory per block, with W = track_size (1 + ceil(log2 N)) channels and N
positions that the model is built for.

Tracks rotate on the circle of each sequence's own length. Deviations from the published code: the total width of the tracks
follows from the length, so a linear layer leads into and out of them; all sequences pass through the number of layers of the
length that the model is built for, where that code has fewer layers for shorter sequences of varying lengths; by default, the
rotation comes first, there are no norms and no dropout, and weights begin as those of `nn.Linear`; and there is no batch norm,
which that code has after the sum in Long Range Arena, because an output would depend on the other sequences of the batch. It
trains with a weight decay of 0.001 to 0.4 and 500 to 100,000 steps of warm-up: options of training, not of this mixer.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.mixers.base import Mixer


class ChordMixer(Mixer):
    """A stack of ChordMixer layers.

    Args:
        track_size: channels in a track.
        d_hidden: hidden width of each layer's MLP; 0 for twice the channels of all tracks.
        variant: "rotate-first", or "published" for the order and the initial weights of the published code.
        prenorm: "layer" for a layer norm in front of each layer's first step, or "none".
        norm: "layer" for a layer norm of each layer's sum, or "none".
        dropout: probability of dropping a hidden value or an output of an MLP in training, in [0, 1).
        dropout_layer: probability of dropping an output of an MLP once more, in [0, 1).
    """

    block = "plain"
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "track_size": {"at_least": 1, "at_most": 65_536},
        "d_hidden": {"at_least": 0, "at_most": 1_000_000},
        "variant": {"choices": ("rotate-first", "published")},
        "prenorm": {"choices": ("none", "layer")},
        "norm": {"choices": ("none", "layer")},
        "dropout": {"at_least": 0, "below": 1},
        "dropout_layer": {"at_least": 0, "below": 1},
    }

    def __init__(
        self,
        d_model: int,
        max_length: int,
        *,
        track_size: int = 8,
        d_hidden: int = 0,
        variant: str = "rotate-first",
        prenorm: str = "none",
        norm: str = "none",
        dropout: float = 0.0,
        dropout_layer: float = 0.0,
    ) -> None:
        super().__init__()
        given = {"variant": variant, "prenorm": prenorm, "norm": norm, "dropout": dropout, "dropout_layer": dropout_layer}
        self.check_options(d_model, track_size=track_size, d_hidden=d_hidden, **given)
        n_layers = max(1, (max_length - 1).bit_length())
        self.track_size, self.n_tracks = track_size, 1 + n_layers
        self.published, self.dropout, self.dropout_layer = variant == "published", dropout, dropout_layer
        width = self.n_tracks * track_size
        hidden = d_hidden or 2 * width
        self.expand = nn.Linear(d_model, width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)) for _ in range(n_layers)
        )
        self.reduce = nn.Linear(width, d_model)
        self.prenorms = _norms(prenorm, width, n_layers)
        self.norms = _norms(norm, width, n_layers)
        if self.published:
            for layer in [module for module in self.modules() if isinstance(module, nn.Linear)]:
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        x = self.expand(x)
        positions = _rotated(mask, self.n_tracks)
        for number, layer in enumerate(self.layers):
            step = self.prenorms[number](x) if self.prenorms else x
            step = (
                self._rotate(self._mix(step, layer), positions)
                if self.published
                else self._mix(self._rotate(step, positions), layer)
            )
            x = self.norms[number](x + step) if self.norms else x + step
        return self.reduce(x)

    def _mix(self, x: Tensor, layer: Any) -> Tensor:
        """Return the output `(B, L, W)` of an MLP."""
        first, activation, last = layer
        hidden = F.dropout(activation(first(x)), self.dropout, self.training)
        return F.dropout(F.dropout(last(hidden), self.dropout, self.training), self.dropout_layer, self.training)

    def _rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        """Return x `(B, L, W)` with the tracks of position i from where `_rotated` says."""
        tracks = x.unflatten(-1, (self.n_tracks, self.track_size))  # (B, L, T, S)
        return tracks.gather(1, positions.expand(*tracks.shape)).flatten(2)


def _norms(kind: str, width: int, count: int) -> nn.ModuleList:
    """Return the norms of all layers; empty for none."""
    return nn.ModuleList(nn.LayerNorm(width) for _ in range(count if kind == "layer" else 0))


def _rotated(mask: Tensor, n_tracks: int) -> Tensor:
    """Return the position that each track at position i reads from, i + offset on its own circle: `(B, L, T, 1)`."""
    lengths = mask.sum(1)[:, None, None].clamp_min(1)
    offsets = torch.tensor([0, *(2**m for m in range(n_tracks - 1))], device=mask.device)
    position = torch.arange(mask.shape[1], device=mask.device)[:, None]
    return torch.where(position < lengths, (position + offsets) % lengths, position)[..., None]
