"""Skyformer in the order of operations of the published code, written anew: the opponent of benchmarks/skyformer.py.

The kernel of all rows of [Q; K] with the landmarks is computed at once; ``A_K (M + gamma I)^-1`` comes first, an n * d * d
product, then its product with V, then A_Q times that; everything is kept for the backward pass. The landmarks' own kernel is
gathered from the (2 n) * d matrix, as published. It is cheaper than the published code in one respect: there is one set of
landmarks, where that code sums over several, with random signs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return the Gaussian kernel `(..., N, M)` of rows `(..., N, E)` and `(..., M, E)` that are already scaled."""
    squares_a = 0.5 * a.square().sum(-1, keepdim=True)
    squares_b = 0.5 * b.square().sum(-1).unsqueeze(-2)
    return torch.exp(a @ b.transpose(-1, -2) - squares_a - squares_b)


def inverse(matrix: Tensor, iterations: int = 6) -> Tensor:
    """Return the inverse by Newton-Schulz iteration, scaled over the whole batch as published."""
    identity = torch.eye(matrix.shape[-1])
    z = matrix.transpose(-1, -2) / matrix.sum(-2).max()
    for _ in range(iterations):
        kz = matrix @ z
        z = 0.25 * z @ (13 * identity - kz @ (15 * identity - kz @ (7 * identity - kz)))
    return z


class PublishedSkyformer(nn.Module):
    """Multi-head Skyformer attention, with the same parameters as seqmix's mixer."""

    def __init__(self, d_model: int, *, n_heads: int = 2, n_landmarks: int = 128, gamma: float = 0.1) -> None:
        super().__init__()
        self.n_heads, self.n_landmarks, self.gamma = n_heads, n_landmarks, gamma
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.project = nn.Linear(d_model, d_model)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        real = mask[:, None, :, None]
        scale = q.shape[-1] ** -0.25
        q, k, v = q * (real * scale), k * (real * scale), v * real
        both = torch.cat((q, k), dim=2)  # (B, H, 2 L, E)
        rows = (torch.rand(x.shape[0], self.n_landmarks) * mask.sum(1, keepdim=True)).long()
        rows[:, self.n_landmarks // 2 :] += x.shape[1]
        rows = rows[:, None, :, None].expand(-1, self.n_heads, -1, -1)
        landmarks = both.gather(2, rows.expand(-1, -1, -1, both.shape[3]))
        both_kernel = kernel(both, landmarks)  # (B, H, 2 L, M)
        queries, keys = both_kernel[:, :, : x.shape[1]], both_kernel[:, :, x.shape[1] :]
        own = both_kernel.gather(2, rows.expand(-1, -1, -1, self.n_landmarks)) + self.gamma * torch.eye(self.n_landmarks)
        root = own.sum(-1, keepdim=True).rsqrt()
        root_row = root.transpose(-1, -2)
        keys = (keys * root_row) @ inverse(root * own * root_row)  # n * d * d
        keys = keys * root_row * real
        out = queries @ (keys.transpose(-1, -2) @ v)
        return self.project(out.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Pre-norm attention and feed-forward with residuals; parameters have the names of seqmix's model."""

    def __init__(self, mixer: nn.Module, d_model: int, d_feedforward: int) -> None:
        super().__init__()
        self.norm_mixer = nn.LayerNorm(d_model)
        self.mixer = mixer
        self.norm_feedforward = nn.LayerNorm(d_model)
        self.feedforward = nn.Sequential(
            nn.Linear(d_model, d_feedforward), nn.GELU(), nn.Identity(), nn.Linear(d_feedforward, d_model)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.mixer(self.norm_mixer(x), mask)
        return x + self.feedforward(self.norm_feedforward(x))


class PublishedTransformer(nn.Module):
    """Embedding, pre-norm blocks, final norm, mean pooling, linear head: the same as seqmix's model except for the mixer."""

    def __init__(self, *, vocab_size: int, n_classes: int, d_model: int, d_feedforward: int, blocks: int, **options: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(
            Block(PublishedSkyformer(d_model, **options), d_model, d_feedforward) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, n_classes)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x) * mask[:, :, None]
        return self.head(x.sum(1) / mask.sum(1, keepdim=True))
