"""ChordMixer: channel tracks rotated by the chord offsets, then an MLP (Khalitov et al., ICLR 2023).

Each layer is ``x + mlp(rotate(x))``. The channels are divided into tracks; track 0 stays, track m = 1, 2, ... is rotated by
2^(m-1) positions, and an MLP mixes the tracks at every position. After ceil(log2 N) layers every position depends on every
other.

Cost: O(L W^2 log N) operations and O(L W log N) memory per block, with W = track_size (1 + ceil(log2 N)) channels and N
positions that the model is built for.

Tracks rotate on the circle of each sequence's own length. Deviations from the paper: the total width of the tracks follows
from the length, so a linear layer leads into and out of them; all sequences pass through the number of layers of the length
that the model is built for.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from seqmix.mixers.base import Mixer


class ChordMixer(Mixer):
    """A stack of ChordMixer layers.

    Args:
        track_size: channels in a track.
        d_hidden: hidden width of each layer's MLP; 0 for twice the channels of all tracks.
    """

    block = "plain"
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "track_size": {"at_least": 1, "at_most": 65_536},
        "d_hidden": {"at_least": 0, "at_most": 1_000_000},
    }

    def __init__(self, d_model: int, max_length: int, *, track_size: int = 8, d_hidden: int = 0) -> None:
        super().__init__()
        self.check_options(d_model, track_size=track_size, d_hidden=d_hidden)
        n_layers = max(1, (max_length - 1).bit_length())
        self.track_size, self.n_tracks = track_size, 1 + n_layers
        width = self.n_tracks * track_size
        hidden = d_hidden or 2 * width
        self.expand = nn.Linear(d_model, width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)) for _ in range(n_layers)
        )
        self.reduce = nn.Linear(width, d_model)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        x = self.expand(x)
        positions = _rotated(mask, self.n_tracks)
        for layer in self.layers:
            tracks = x.unflatten(-1, (self.n_tracks, self.track_size))  # (B, L, T, S)
            x = x + layer(tracks.gather(1, positions.expand(*tracks.shape)).flatten(2))
        return self.reduce(x)


def _rotated(mask: Tensor, n_tracks: int) -> Tensor:
    """Return the position that each track at position i reads from, i + offset on its own circle: `(B, L, T, 1)`."""
    lengths = mask.sum(1)[:, None, None].clamp_min(1)
    offsets = torch.tensor([0, *(2**m for m in range(n_tracks - 1))], device=mask.device)
    position = torch.arange(mask.shape[1], device=mask.device)[:, None]
    return torch.where(position < lengths, (position + offsets) % lengths, position)[..., None]
