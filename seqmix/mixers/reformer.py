"""Reformer: attention within buckets of a locality-sensitive hash (Kitaev et al., ICLR 2020). Not causal.

Queries serve as keys, normalised to length one. In each of several rounds, tokens are hashed by random rotations, sorted by
bucket and cut into chunks; a token attends to tokens of its bucket in its own chunk and the previous one. The rounds are
combined exactly (section 2, equation 3): the result is softmax over all tokens met in any round, where a token met in several
rounds counts once. A token attends to itself only if it meets no other.

Cost: O(R L (c D + log L)) operations and O(R L c) memory per block, with R rounds and chunks of c tokens.

Buckets and chunks follow each sequence's own length: the number of buckets is a power of two, with c tokens or fewer per
bucket on average. Hashes of more than 64 buckets combine several rotations, so that their cost does not grow with the square
of the length. Rotations are redrawn at every training step and fixed in `eval()`.

The variant "transformers" is the implementation that the code of Skyformer's paper uses, that of the library transformers: a
token attends to all tokens of its chunk and the previous one, whatever their buckets; scores are not divided by sqrt(E); the
rounds are combined by their shares of the attention weights, so that a token met in several counts several times; there are
about twice as many buckets; and the projections have no biases. That code has chunks of 64 (`bucket_size`). What still differs
from it: the first chunk of a round follows the last one of the same round, not of the round before; chunks and buckets follow
each sequence's own length; heads share the rotations; and in `eval()` they are fixed.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqmix.mixers.base import AttentionMixer

_ROTATION_BITS = 6  # at most 64 buckets from one rotation
_MAX_ROTATIONS = 4  # per hash
_SELF_SCORE = -5e4  # score of a token with itself


class Reformer(AttentionMixer):
    """Multi-head LSH attention with shared queries and keys.

    Args:
        n_heads: number of heads H.
        n_hashes: number of hashing rounds R.
        bucket_size: tokens c in a chunk; also the most tokens in a bucket on average.
        variant: "exact" for attention within buckets and an exact combination of the rounds, as in the paper, or "transformers"
            for the implementation of the library transformers.
    """

    shared_qk = True
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "n_hashes": {"at_least": 1, "at_most": 1024},
        "bucket_size": {"at_least": 1, "at_most": 1_048_576},
        "variant": {"choices": ("exact", "transformers")},
    }
    rotations: Tensor

    def __init__(
        self,
        d_model: int,
        max_length: int,
        *,
        n_heads: int = 2,
        n_hashes: int = 2,
        bucket_size: int = 32,
        variant: str = "exact",
    ) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, n_hashes=n_hashes, bucket_size=bucket_size, variant=variant)
        self.n_hashes, self.bucket_size, self.exactly = n_hashes, bucket_size, variant == "exact"
        if not self.exactly:
            for layer in (self.query, self.value):
                layer.register_parameter("bias", None)
        self.register_buffer("rotations", torch.randn(n_hashes, _MAX_ROTATIONS, d_model // n_heads, 2 ** (_ROTATION_BITS - 1)))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        rotations = torch.randn_like(self.rotations) if self.training else self.rotations
        size, length = self.bucket_size, q.shape[2]
        missing = -length % size
        q, v = (F.pad(x.masked_fill(~mask[:, None, :, None], 0.0), (0, 0, 0, missing)) for x in (q, v))
        mask = F.pad(mask, (0, missing))
        with torch.no_grad():
            rounds = [_Round(self._buckets(q, mask, rotation), mask, size) for rotation in rotations]
        outs, totals = zip(*(self._attend_round(q, v, mask, number, rounds) for number in range(len(rounds))), strict=True)
        weights = torch.stack(totals).softmax(0)[..., None]  # (R, B, H, L, 1)
        return (torch.stack(outs) * weights.to(v.dtype)).sum(0)[:, :, :length]

    def _attend_round(self, q: Tensor, v: Tensor, mask: Tensor, number: int, rounds: list[_Round]) -> tuple[Tensor, Tensor]:
        """Attend within the chunks of one round.

        Returns:
            The output `(B, H, L, E)`, and the logarithm of the sum of the attention weights `(B, H, L)`.
        """
        here = rounds[number]
        queries, values = here.sorted(q), here.sorted(v)
        keys, values = (here.with_previous(x) for x in (F.normalize(queries, dim=-1), values))
        with torch.autocast(q.device.type, enabled=False):
            wide = torch.promote_types(q.dtype, torch.float32)
            scores = queries.to(wide) @ keys.to(wide).transpose(-1, -2) * self._scale(q)
            with torch.no_grad():
                met = torch.zeros_like(scores)
                for other in rounds if self.exactly else []:
                    met += other.meet(here)
                own = here.pairs(torch.arange(mask.shape[1], device=q.device).expand(q.shape[:3]))
                seen = here.meet(here) if self.exactly else here.near()
            scores = scores.masked_fill(own[0] == own[1], _SELF_SCORE) - met.clamp_min(1.0).log()
            # Padded queries meet no key. Let them attend to everything, which avoids NaN; their outputs are not used.
            scores = scores.masked_fill(~seen, -torch.inf).masked_fill(~here.pairs(here.real)[0], 0.0)
            total = scores.logsumexp(-1, keepdim=True)
            out = (scores - total).exp() @ values.to(wide)
        return here.unsorted(out.to(v.dtype)), here.unsorted(total)[..., 0]

    def exact(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        own = torch.eye(q.shape[2], dtype=torch.bool, device=q.device)
        scores = q @ F.normalize(q, dim=-1).transpose(-1, -2) * self._scale(q)
        weights = scores.masked_fill(own, _SELF_SCORE).masked_fill(~mask[:, None, None, :], -torch.inf).softmax(-1)
        return weights @ v

    def _scale(self, q: Tensor) -> float:
        return float(q.shape[-1] ** -0.5) if self.exactly else 1.0

    def _buckets(self, q: Tensor, mask: Tensor, rotation: Tensor) -> Tensor:
        return _hash(q, mask, rotation.to(q.dtype), self.bucket_size, exactly=self.exactly)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any]:
        return {"bucket_size": max(1, n // 4)}  # two rounds, each with a chunk and the previous one


class _Round:
    """One round of hashing: the bucket of each token, and its chunk in the order sorted by bucket.

    Attributes:
        buckets: `(B, H, L)`, bucket of each token.
        chunks: `(B, H, L)`, chunk of each token.
        real: `(B, H, L)` bool, which tokens are real.
        before: `(B, C)`, the chunk before each chunk; the last chunk with real tokens comes before the first, and -1 means
            that there is no other.
    """

    def __init__(self, buckets: Tensor, mask: Tensor, size: int) -> None:
        length = buckets.shape[2]
        self.buckets, self.size, self.real = buckets, size, mask[:, None].expand_as(buckets)
        position = torch.arange(length, device=buckets.device)
        self._order = (buckets * length + position).masked_fill(~self.real, torch.iinfo(torch.int64).max).argsort(-1)
        self._rank = self._order.argsort(-1)
        self.chunks = self._rank // size
        used = -(-mask.sum(1, keepdim=True) // size)
        before = torch.arange(length // size, device=buckets.device) - 1
        self.before = torch.where(before < 0, torch.where(used > 1, used - 1, -1), before)

    def sorted(self, x: Tensor) -> Tensor:
        """Sort x `(B, H, L, E)` by bucket and cut it into chunks: `(B, H, C, c, E)`."""
        return x.gather(2, self._order[..., None].expand_as(x)).unflatten(2, (-1, self.size))

    def unsorted(self, x: Tensor) -> Tensor:
        """Undo `sorted`."""
        x = x.flatten(2, 3)
        return x.gather(2, self._rank[..., None].expand_as(x))

    def with_previous(self, x: Tensor) -> Tensor:
        """Append to each chunk of `(B, H, C, c, E)` the chunk before it: `(B, H, C, 2 c, E)`."""
        index = self.before.clamp_min(0)[:, None, :, None, None].expand_as(x)
        return torch.cat((x, x.gather(2, index)), dim=3)

    def pairs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Arrange x `(B, H, L)` by the queries `(B, H, C, c, 1)` and by the keys `(B, H, C, 1, 2 c)` of this round."""
        queries = self.sorted(x[..., None])
        return queries, self.with_previous(queries).transpose(-1, -2)

    def meet(self, at: _Round) -> Tensor:
        """Return which query-key pairs of round `at` meet in this round: `(B, H, C, c, 2 c)` bool."""
        query_bucket, key_bucket = at.pairs(self.buckets)
        query_chunk, key_chunk = at.pairs(self.chunks)
        before = self.before[:, None].expand(-1, self.chunks.shape[1], -1).gather(2, self.chunks.flatten(2))
        query_before, _ = at.pairs(before)
        met = (query_bucket == key_bucket) & ((query_chunk == key_chunk) | (query_before == key_chunk))
        return met & (self.near() if at is self else at.pairs(self.real)[1])

    def near(self) -> Tensor:
        """Return which keys of each chunk and the one before it are real, each counted once: `(B, H, C, 1, 2 c)` bool."""
        real = self.pairs(self.real)[1]
        there = (self.before >= 0)[:, None, :, None, None]  # a chunk without a previous one was paired with itself
        own = torch.ones_like(real[..., : self.size])
        return real & torch.cat((own, there.expand_as(own)), dim=-1)


def _hash(q: Tensor, mask: Tensor, rotation: Tensor, size: int, *, exactly: bool = True) -> Tensor:
    """Return the bucket `(B, H, L)` of each query `(B, H, L, E)`: one digit per rotation, the nearest of its signed axes."""
    lengths = mask.sum(1)
    needed = -(-lengths // size) if exactly else 2 * (lengths // size)  # number of buckets of each sequence
    bits = torch.log2(needed.clamp_min(1).double())
    bits = (bits.ceil() if exactly else bits.floor()).long()[:, None, None, None]
    buckets = torch.zeros(q.shape[:3], dtype=torch.int64, device=q.device)
    axis = torch.arange(rotation.shape[2], device=q.device)
    for digit in range(min(_MAX_ROTATIONS, -(-int(bits.max()) // _ROTATION_BITS))):
        axes = (1 << (bits - digit * _ROTATION_BITS).clamp(0, _ROTATION_BITS)) // 2  # an axis has two directions: two buckets
        along = (q @ rotation[digit]).masked_fill(axis >= axes, -torch.inf)
        against = (-along).masked_fill(axis >= axes, -torch.inf)
        highest, nearest = torch.cat((along, against), dim=-1).max(-1)
        nearest = torch.where(nearest >= len(axis), nearest - len(axis) + axes[..., 0], nearest)
        buckets += nearest.masked_fill(highest.isinf(), 0) << (digit * _ROTATION_BITS)
    return buckets
