"""The published formulations, written from their descriptions: the opponents of the benchmarks.

Paramixer multiplies a sparse factor by gather, scale and scatter-add over `(B, L * links, D)`, and computes the links of every
factor over all positions at once, keeping all activations for the backward pass. Skyformer is in `reference_skyformer.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def targets(length: int, offsets: list[int]) -> Tensor:
    """Return the position that each link of each position points to, `(L * K,)`."""
    return ((torch.arange(length)[:, None] + torch.tensor(offsets)) % length).reshape(-1)


def mix(links: Tensor, values: Tensor, target: Tensor) -> Tensor:
    """Compute ``W V`` by gather, scale and scatter-add: links `(B, L, K)`, values `(B, L, D)`, target `(L * K,)`."""
    b, length, k = links.shape
    d = values.shape[2]
    gathered = values.index_select(1, target)  # (B, L * K, D)
    scaled = gathered * links.reshape(b, length * k, 1)
    rows = torch.arange(length).repeat_interleave(k)[None, :, None].expand(b, -1, d)
    return torch.zeros_like(values).scatter_add(1, rows, scaled)


class MLP(nn.Sequential):
    """Two layers with GELU."""

    def __init__(self, d_in: int, d_hidden: int, d_out: int) -> None:
        super().__init__(nn.Linear(d_in, d_hidden), nn.GELU(), nn.Linear(d_hidden, d_out))


class PublishedParamixer(nn.Module):
    """One Paramixer block as a classifier: embedding, optional positions, CHORD factors, flat linear head."""

    def __init__(
        self,
        *,
        length: int,
        vocab_size: int = 7,
        d_model: int = 32,
        d_hidden: int = 128,
        n_links: int = 15,
        n_factors: int = 14,
        positions: bool = True,
        dropout_embedding: float = 0.2,
        dropout: float = 0.8,
        n_classes: int = 2,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(length, d_model) if positions else None
        self.dropout_embedding, self.dropout = nn.Dropout(dropout_embedding), nn.Dropout(dropout)
        self.links = nn.ModuleList(MLP(d_model, d_hidden, n_links) for _ in range(n_factors))
        self.values = MLP(d_model, d_hidden, d_model)
        self.head = nn.Linear(length * d_model, n_classes)
        self.register_buffer("target", targets(length, [0, *(2**k for k in range(n_links - 1))]))

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits `(B, C)` for ids `(B, L)`."""
        x = self.embedding(ids)
        if self.position is not None:
            x = x + self.position.weight
        x = self.dropout_embedding(x)
        values = self.values(x)
        for mlp in self.links:
            values = mix(mlp(x), values, self.target) + values
        out: Tensor = self.head(self.dropout(values).flatten(1))
        return out
