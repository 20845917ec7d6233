"""BigBird: blocks that attend to neighbouring, global and random blocks (Zaheer et al., NeurIPS 2020).

Tokens are grouped into blocks. A block attends to itself and its two neighbours, to the first and the last block, and to
`n_random_blocks` others. The first and the last block attend to all tokens, and so connect everything (the paper's internal
transformer construction).

Cost: O(L b (5 + r) D) operations and O(L (5 + r) D) memory per block of the model, with token blocks of size b and r random
blocks.

Blocks follow each sequence's own length, and the last one may be shorter; neighbours do not wrap around. No block is attended
to twice. The remaining blocks are divided into r equal shares, and one is drawn from each by a fixed hash of head and block:
the same in training, in `eval()`, and for every sequence of the same length.

Deviations from the implementation in the code of Skyformer's paper (the one of the library transformers, with blocks of 64: set
`block_size`): that one draws the random blocks anew in each call, at lengths of 1,024, 3,072 and 4,096 among the first 1,024
tokens alone, and follows the padded length.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqmix.functional import softmax_attention
from seqmix.mixers.base import AttentionMixer


class BigBird(AttentionMixer):
    """Multi-head block-sparse attention.

    Args:
        n_heads: number of heads H.
        block_size: tokens in a block; 64 in the code of Skyformer's paper.
        n_random_blocks: number of random blocks that each block attends to.
    """

    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "block_size": {"at_least": 1, "at_most": 1_048_576},
        "n_random_blocks": {"at_least": 0, "at_most": 65_536},
    }

    def __init__(
        self, d_model: int, max_length: int, *, n_heads: int = 2, block_size: int = 16, n_random_blocks: int = 3
    ) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, block_size=block_size, n_random_blocks=n_random_blocks)
        self.block_size, self.n_random_blocks = block_size, n_random_blocks

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        size, length = self.block_size, q.shape[2]
        n_blocks = -(-length // size)
        used = ((mask.sum(1) - 1) // size + 1).clamp_min(1)  # number of blocks of each sequence
        blocks, attended = self._plan(used, n_blocks)  # (B, H, N, K)
        missing = n_blocks * size - length
        q, k, v = (F.pad(x, (0, 0, 0, missing)).unflatten(2, (n_blocks, size)) for x in (q, k, v))  # (B, H, N, b, E)
        real = F.pad(mask, (0, missing)).unflatten(1, (n_blocks, size))[:, None].expand(-1, q.shape[1], -1, -1)
        keys, values = (_take(x, blocks) for x in (k, v))  # (B, H, N, K b, E)
        seen = (_take(real[..., None], blocks)[..., 0] & attended.repeat_interleave(size, dim=-1))[..., None, :]
        q_blocks, keys, values = (x.flatten(0, 1) for x in (q, keys, values))
        out: Tensor = F.scaled_dot_product_attention(q_blocks, keys, values, attn_mask=seen.flatten(0, 1)).unflatten(
            0, q.shape[:2]
        )
        # The first and the last block attend to everything.
        number = torch.arange(n_blocks, device=q.device)[:, None, None]
        whole = F.pad(mask, (0, missing))
        for block in (torch.zeros_like(used), used - 1):
            here = _take(q, block[:, None, None, None].expand(-1, q.shape[1], 1, 1))[:, :, 0]
            wide = softmax_attention(here, k.flatten(2, 3), v.flatten(2, 3), whole)
            out = torch.where(number == block[:, None, None, None, None], wide[:, :, None], out)
        return out.flatten(2, 3)[:, :, :length]

    def _plan(self, used: Tensor, n_blocks: int) -> tuple[Tensor, Tensor]:
        """Return the blocks that each block attends to `(B, H, N, K)`, and which of these entries count."""
        i = torch.arange(n_blocks, device=used.device)[None, None, :, None]
        last = used[:, None, None, None] - 1
        low, high = (i - 1).clamp_min(1), torch.minimum(i + 1, last - 1)  # neighbours, without the first and last block
        neighbours = i + torch.arange(-1, 2, device=used.device)
        near = (high - low + 1).clamp_min(0)
        free = (last - 1 - near).clamp_min(0)  # number of blocks that are neither global nor neighbours
        share, shares = torch.arange(self.n_random_blocks, device=used.device), max(1, self.n_random_blocks)
        chance = _chance(torch.arange(self.n_heads, device=used.device)[None, :, None, None], i, share)
        start, end = share * free // shares, (share + 1) * free // shares
        drawn = torch.where(free <= shares, share, start + (chance * (end - start)).long())
        others = 1 + drawn + torch.where(1 + drawn >= low, near, 0)
        shape = (len(used), self.n_heads, n_blocks, -1)
        edges = torch.cat((torch.zeros_like(last), last), dim=-1)
        found = [edges.expand(shape), neighbours.expand(shape), others.expand(shape)]
        counts = [
            torch.cat((torch.ones_like(last, dtype=torch.bool), last > 0), dim=-1).expand(shape),
            ((neighbours >= low) & (neighbours <= high)).expand(shape),
            (drawn < free).expand(shape),
        ]
        return torch.cat(found, dim=-1).clamp(0, n_blocks - 1), torch.cat(counts, dim=-1)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any]:
        return {"block_size": max(1, n // 8)}  # three neighbours, two global, three random


def _take(x: Tensor, blocks: Tensor) -> Tensor:
    """Gather blocks `(B, H, N, K)` of x `(B, H, *, b, E)` and join them: `(B, H, N, K b, E)`."""
    index = blocks.flatten(2)[..., None, None].expand(-1, -1, -1, *x.shape[3:])
    taken: Tensor = x.gather(2, index).unflatten(2, blocks.shape[2:])
    return taken.flatten(3, 4)


def _chance(head: Tensor, block: Tensor, draw: Tensor) -> Tensor:
    """Return fixed pseudo-random numbers in [0, 1), float64."""
    mixed = (head * 73856093) ^ (block * 19349663) ^ (draw * 83492791)
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    mixed ^= mixed >> 16
    return mixed.double() / 2**32
