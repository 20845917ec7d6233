"""Informer's ProbSparse attention: only queries with uneven scores attend (Zhou et al., AAAI 2021).

A query's unevenness is the maximum minus the mean of its scores with a sample of the keys (equation 4). The u most uneven
queries attend to all keys; every other query receives the mean of the values, which is uniform attention, close to its own.

Cost: O(L u D) operations and O(L u) memory per block.

Deviations from the published code: samples, means and choices are over real tokens only; all queries share one sample of u
keys, which is a matrix product, where a sample per query would gather L u keys; in `eval()` the sample is fixed and evenly
spread; u is `n_features`, not a multiple of log L (in the code of Skyformer's paper, 144 at length 4,096); and the mean of the
scores is over the sample, where that code divides their sum by the number of all keys. In `eval()`, of queries that are
equally uneven up to rounding, such as those of equal tokens, the first attend, so that an answer does not depend on the other
sequences of a batch.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from seqmix.functional import softmax_attention
from seqmix.mixers.base import AttentionMixer

_ROUNDING = 1e-5  # relative to the largest product of a query and a key; unevenness that differs by less is considered equal


class Informer(AttentionMixer):
    """Multi-head ProbSparse attention.

    Args:
        n_heads: number of heads H.
        n_features: number u of sampled keys, and of queries that attend.
    """

    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {"n_features": {"at_least": 1, "at_most": 65_536}}

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2, n_features: int = 128) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, n_features=n_features)
        self.n_features = n_features

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        real = mask[:, None, :, None]
        mean = v.masked_fill(~real, 0.0).sum(2, keepdim=True) / mask.sum(1)[:, None, None, None]
        chosen = self._uneven(q.detach(), k.detach(), mask)[..., None]  # (B, H, u, 1)
        attended = softmax_attention(q.gather(2, chosen.expand(-1, -1, -1, q.shape[3])), k, v, mask)
        return mean.expand_as(v).scatter(2, chosen.expand(-1, -1, -1, v.shape[3]), attended)

    def _uneven(self, q: Tensor, k: Tensor, mask: Tensor) -> Tensor:
        """Return the positions `(B, H, u)` of the queries with the most uneven scores; padded queries come last."""
        sample = self._sample(mask.sum(1))[:, None, :, None].expand(-1, q.shape[1], -1, q.shape[3])
        sampled = k.gather(2, sample)
        scores = q @ sampled.transpose(-1, -2)
        unevenness = (scores.amax(-1) - scores.mean(-1)).masked_fill(~mask[:, None, :], -torch.inf)
        most = unevenness.topk(min(self.n_features, mask.shape[1]), dim=-1)
        if self.training:
            return most.indices
        sizes = q.norm(dim=-1).masked_fill(~mask[:, None, :], 0.0)
        rounding = _ROUNDING * sizes.amax(-1, keepdim=True) * sampled.norm(dim=-1).amax(-1, keepdim=True)
        return _first_of_ties(unevenness, most.values[..., -1:], rounding)[..., : most.indices.shape[-1]]

    def _sample(self, lengths: Tensor) -> Tensor:
        """Return the positions `(B, u)` of sampled real keys: random in training, evenly spread in `eval()`."""
        n = self.n_features
        if self.training:
            share = torch.rand(len(lengths), n, device=lengths.device, dtype=torch.float64)
        else:
            share = (torch.arange(n, device=lengths.device, dtype=torch.float64) + 0.5) / n
        return torch.minimum((share * lengths[:, None]).long(), lengths[:, None] - 1)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any]:
        return {"n_features": n}


def _first_of_ties(values: Tensor, least: Tensor, rounding: Tensor) -> Tensor:
    """Return all positions `(..., L)`: those of values above `least`, then of equal ones, then of others, each in their order.

    Args:
        values: `(..., L)`.
        least: `(..., 1)`.
        rounding: most that equal values differ by, `(..., 1)`.
    """
    ranks = (values < least - rounding).byte() + (values <= least + rounding).byte()
    return ranks.argsort(dim=-1, stable=True)
