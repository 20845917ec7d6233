"""Long-short attention of Transformer-LS: a sliding window and a dynamic projection (Zhu et al., NeurIPS 2021).

Segments of `window` tokens attend to themselves and half a window on either side, and to `n_features` sums over the whole
sequence, ``P^T K`` and ``P^T V`` with ``P = softmax(K W_p)`` along the length: a projection that depends on the input rather
than on positions. Near and far keys and values each have a layer norm of their own (DualLN), so that neither outweighs the
other.

Cost: O(L (2 w + M) D) operations and O(L (2 + M / w) D) memory per block, with M features and window w.

Deviations from the paper: the projection is computed from the keys; attention is not causal; softmax and windows are over real
tokens only.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.mixers.base import AttentionMixer


class LongShort(AttentionMixer):
    """Multi-head long-short attention.

    Args:
        n_heads: number of heads H.
        window: tokens w in a segment; even.
        n_features: number of columns M of each head's dynamic projection.
    """

    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "window": {"at_least": 2, "at_most": 1_048_576, "parity": "even"},
        "n_features": {"at_least": 1, "at_most": 65_536},
    }

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2, window: int = 64, n_features: int = 128) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, window=window, n_features=n_features)
        self.window, self.n_features = window, n_features
        self.dynamic = nn.Linear(d_model, n_heads * n_features)
        self.norm_near, self.norm_far = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        size, length = self.window, q.shape[2]
        share = self._heads(self.dynamic(_flat(k))).masked_fill(~mask[:, None, :, None], -torch.inf).softmax(2)
        v = v.masked_fill(~mask[:, None, :, None], 0.0)
        far = [self._heads(self.norm_far(_flat(share.transpose(-1, -2) @ x))) for x in (k, v)]  # (B, H, M, E)
        near = [_windows(self._heads(self.norm_near(_flat(x))), size) for x in (k, v)]  # (B, H, S, 2 w, E)
        n_segments = near[0].shape[2]
        seen = _windows(mask[:, None, :, None], size)[..., 0]  # (B, 1, S, 2 w)
        seen = F.pad(seen, (0, self.n_features), value=True)[..., None, :].expand(-1, q.shape[1], -1, -1, -1)
        keys, values = (
            torch.cat((x, y[:, :, None].expand(-1, -1, n_segments, -1, -1)), dim=3).flatten(0, 1)
            for x, y in zip(near, far, strict=True)
        )
        segments = F.pad(q, (0, 0, 0, n_segments * size - length)).unflatten(2, (n_segments, size))
        out = F.scaled_dot_product_attention(segments.flatten(0, 1), keys, values, attn_mask=seen.flatten(0, 1))
        return out.unflatten(0, q.shape[:2]).flatten(2, 3)[:, :, :length]


def _flat(x: Tensor) -> Tensor:
    """Join heads `(B, H, L, E)` to `(B, L, D)`."""
    return x.transpose(1, 2).flatten(2)


def _windows(x: Tensor, size: int) -> Tensor:
    """Return segments of x `(B, H, L, E)` with half a window on either side, zero beyond the ends: `(B, H, S, 2 size, E)`."""
    rest = -x.shape[2] % size
    return F.pad(x, (0, 0, size // 2, size // 2 + rest)).unfold(2, 2 * size, size).transpose(-1, -2)
