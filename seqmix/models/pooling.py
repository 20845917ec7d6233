"""Pooling: what becomes of the features of all positions of a sequence, one vector for the head."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.config import ModelConfig

_MOMENTUM = 0.1  # share of the statistics that sixteen records replace
_RECORDS = 16
_LEAST_VARIANCE = 1e-8
_MOMENTS = 0.1  # scale of moments


def pooled_width(config: ModelConfig, n_positions: int) -> int:
    """Return the number of pooled features of a sequence.

    Args:
        config: the configuration of the model.
        n_positions: positions that the blocks see at most.
    """
    of_mean = config.moments + (2 if config.frames > 1 else 1)
    parts = {"mean": of_mean, "mean-max": of_mean + 1, "cls": 1, "flat": n_positions * config.frames}
    return parts[config.pooling] * config.d_model


def pool(features: Tensor, mask: Tensor, config: ModelConfig, n_positions: int) -> Tensor:
    """Pool the features of sequences.

    Args:
        features: `(B F, L', D)`, zero at padding; the F frames of a sequence are consecutive rows.
        mask: `(B F, L')` bool, True = a real position.
        config: the configuration of the model.
        n_positions: positions that the blocks see at most.

    Returns:
        `(B, pooled_width)`:

        * mean: the mean of the positions in all frames; with several frames, the largest of the frames' means; and the moments,
          means of ``sqrt(2) cos(pi m (i + 1/2) / n)`` times the features over the n positions i of a frame, for m = 1, 2, ….
          These are the lowest coefficients of a discrete cosine transform: where along a sequence its features are.
        * mean-max: the same, and the largest value at any position.
        * cls: the features of the first position.
        * flat: those of all positions, zero after the end.
    """
    if config.pooling == "cls":
        return features[:, 0]
    if config.pooling == "flat":
        return F.pad(features, (0, 0, 0, n_positions - features.shape[1])).unflatten(0, (-1, config.frames)).flatten(1)
    means = _moments(features, mask, config.moments).unflatten(0, (-1, config.frames))  # (B, F, 1 + moments, D)
    real = mask.any(1).unflatten(0, (-1, config.frames))  # a short sequence has no token in some frames
    found = [(means.sum(1) / real.sum(1)[:, None, None]).flatten(1)]
    if config.frames > 1:
        found.append(means[:, :, 0].masked_fill(~real[:, :, None], -math.inf).amax(1))
    if config.pooling == "mean-max":
        largest = features.masked_fill(~mask[:, :, None], -math.inf).amax(1)
        found.append(largest.unflatten(0, (-1, config.frames)).amax(1))
    return torch.cat(found, dim=1)


def quietened(pooled: Tensor, config: ModelConfig) -> Tensor:
    """Return pooled features `(B, pooled_width)` with moments a tenth of what they were.

    A step of the optimiser then changes answers ten times less through a moment than through a mean: places are learned where
    the means do not suffice. Otherwise small sets of records were fitted by the places of what occurs anywhere.
    """
    if not config.moments:
        return pooled
    scale = torch.ones_like(pooled[0])
    scale[config.d_model : config.d_model * (1 + config.moments)] = _MOMENTS
    return pooled * scale


def _moments(features: Tensor, mask: Tensor, count: int) -> Tensor:
    """Return the mean and `count` moments of the features `(B, L', D)` at real positions, `(B, 1 + count, D)`; 0 if none is."""
    size = mask.sum(1).clamp_min(1)[:, None]
    if not count:
        return (features.sum(1) / size)[:, None]
    exact = torch.float64 if features.dtype == torch.float64 else torch.float32
    place = (mask.cumsum(1).to(exact) - 0.5) / size
    waves = torch.arange(count + 1, device=mask.device)[None, :, None] * (math.pi * place[:, None])
    weights = (waves.cos() / size[:, None]).masked_fill(~mask[:, None], 0.0)
    weights[:, 1:] *= math.sqrt(2.0)
    return weights.to(features.dtype) @ features


class Standardisation(nn.Module):
    """Subtracts the means of features, and divides by their standard deviations, over the records of training.

    The mean over a sequence varies the less from record to record the longer the sequences are, so that a head learns from it
    more and more slowly. Batch normalisation (Ioffe and Szegedy, ICML 2015) would amend that, but its answer for a record
    depends on the batch, and batches of long records are small. Here, training and prediction use the same moving statistics,
    which are constants for the gradient; the answer for a record depends on that record alone.

    The statistics are exponential averages over the records, each weighted by its share in what was seen so far. Before any
    training they change nothing. Of a model that answers, the means are measured again (`settle`).

    Args:
        width: number of features.
    """

    mean: Tensor
    variance: Tensor
    total: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.zeros(width))
        self.register_buffer("total", torch.zeros(()))  # of the weights of all records, which approaches 1

    def forward(self, x: Tensor) -> Tensor:
        """Return features `(B, width)`, standardised, in single precision or better."""
        x = x if x.dtype == torch.float64 else x.float()
        if self.training:
            self._take(x.detach().to(self.mean.dtype))
        found = (x - self.mean.to(x.dtype)) * self.variance.to(x.dtype).clamp_min(_LEAST_VARIANCE).rsqrt()
        return torch.where(self.total > 0, found, x)

    @torch.no_grad()
    def settle(self, mean: Tensor) -> None:
        """Set the means of the features, `(width,)`."""
        self.mean.copy_(mean)

    @torch.no_grad()
    def _take(self, x: Tensor) -> None:
        """Update the statistics, by Welford's formula: small deviations from large means do not cancel out."""
        share = 1.0 - (1.0 - _MOMENTUM) ** (len(x) / _RECORDS)
        self.total.lerp_(torch.ones_like(self.total), share)
        new = share / self.total
        mean = x.mean(0)
        change = mean - self.mean
        within = torch.lerp(self.variance, (x - mean).square().mean(0), new)
        self.variance.copy_(within + new * (1.0 - new) * change.square())
        self.mean += new * change
