"""k-mers as token ids, computed from character ids on whatever device those are on.

A k-mer begins at each character (stride 1), so n characters have n - k + 1 k-mers.

Cost: k operations per position.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_FIRST_CHARACTER = 2  # after PAD and CLS
SPECIAL_KMERS = 3  # PAD, CLS, and any k-mer with a character that is not a letter (such as N)


def kmer_count(k: int, letters: int) -> int:
    """Return the number of k-mer ids: letters ** k, plus the special ones."""
    return int(SPECIAL_KMERS + letters**k)


def kmers(ids: Tensor, mask: Tensor, k: int, letters: int, *, cls: bool = False) -> tuple[Tensor, Tensor]:
    """Return the k-mers of each sequence.

    ``kmer[i] = 3 + sum_j letter[i + j] * letters ** (k - 1 - j)`` for i = 0..n-k. The id is 2 if one of the characters is not a
    letter, or if the whole sequence is shorter than k (it then has a single k-mer).

    Args:
        ids: `(B, L)` integers: 0 PAD, 1 CLS, 2.. characters, of which the first `letters` are letters.
        mask: `(B, L)` bool, True = a real character; real characters come first.
        k: characters in a k-mer; letters ** k is at most 2^31 - 4.
        letters: number of letters, e.g. 4 for DNA.
        cls: whether each sequence begins with CLS, which is kept.

    Returns:
        ids: `(B, L')` int32, with L' = max(1, L - k + 1), plus 1 for CLS.
        mask: `(B, L')` bool, True = a real k-mer.
    """
    if cls:
        inner, kept = kmers(ids[:, 1:], mask[:, 1:], k, letters)
        return F.pad(inner, (1, 0), value=1), F.pad(kept, (1, 0), value=True)
    counts = (mask.sum(1) - (k - 1)).clamp_min(1)
    if ids.shape[1] < k:
        short = k - ids.shape[1]
        ids, mask = F.pad(ids, (0, short)), F.pad(mask, (0, short), value=False)
    length = ids.shape[1] - k + 1
    letter = ids.to(torch.int32) - _FIRST_CHARACTER
    proper = mask & (letter >= 0) & (letter < letters)
    code = torch.zeros_like(letter[:, :length])
    whole = torch.ones_like(proper[:, :length])
    for j in range(k):
        code.mul_(letters).add_(letter[:, j : j + length])
        whole &= proper[:, j : j + length]
    kept = torch.arange(length, device=ids.device) < counts[:, None]
    return torch.where(whole, code + SPECIAL_KMERS, SPECIAL_KMERS - 1).masked_fill(~kept, 0), kept
