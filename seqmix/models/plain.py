"""A linear model that looks at little of a record: its length, statistics of its numbers, its values one by one, or nothing.

In: token indices `(B, L)`, or numbers `(B, L, channels)`, and a mask `(B, L)`, True = a real position. Out: outputs `(B, C)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqmix.errors import shown
from seqmix.models.plain_spec import PLAIN, PlainSpec


class PlainClassifier(nn.Module):
    """A linear model of plain features: ``(features - centre) / spread @ weight + bias``.

    Args:
        spec: the features.
        width: number of features F.
        n_outputs: number of classes C, or of other outputs.
    """

    centre: Tensor
    spread: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, spec: PlainSpec, width: int, n_outputs: int) -> None:
        super().__init__()
        self.spec, self.paired, self.pooling = spec, spec.paired, "mean"
        self.register_buffer("centre", torch.zeros(width, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(width, dtype=torch.float64))
        self.register_buffer("weight", torch.zeros(width, n_outputs, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(n_outputs, dtype=torch.float64))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return outputs `(B, C)`; arguments as in `LexicalClassifier.forward`, or real numbers as `ids`."""
        rows = [row[real].numpy() for row, real in zip(ids.cpu(), mask.cpu(), strict=True)]
        half = len(rows) // 2
        records = list(zip(rows[:half], rows[half:], strict=True)) if self.paired else [(row,) for row in rows]
        with torch.autocast(ids.device.type, enabled=False):
            features = torch.from_numpy(self.spec.of(records)).to(self.weight)
            return (features - self.centre) / self.spread @ self.weight + self.bias


def restored_plain(saved: Mapping[str, Any], tensors: Mapping[str, Tensor], n_outputs: int, *, paired: bool) -> PlainClassifier:
    """Return a stored plain model, in `eval()`.

    Args:
        saved: its spec as a table.
        tensors: its buffers.
        n_outputs: number of classes C, or of other outputs.
        paired: whether records are pairs.

    Raises:
        Exception: of various kinds, if spec, buffers and outputs do not match.
    """
    spec = PlainSpec(**saved)
    width, outputs = tensors["weight"].shape
    if spec.features not in PLAIN or spec.paired is not paired or outputs != n_outputs or not 0 <= spec.inputs <= width:
        raise ValueError(f"{shown(dict(saved))} does not go with the data")
    model = PlainClassifier(spec, width, n_outputs)
    model.load_state_dict(dict(tensors))
    return model.eval()
