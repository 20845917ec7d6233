"""Words of K characters (k-mers) as token indices, computed from character indices wherever these are.

Cost: K operations for each position. A word that begins at each character (stride 1), so n characters have
n - K + 1 words.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_FIRST_CHARACTER = 2  # behind PAD and CLS
SPECIAL_WORDS = 3  # PAD, CLS, and the word with a character that is no letter (such as N)


def kmer_count(k: int, letters: int) -> int:
    """Number of word ids: letters ** k, and the special ones."""
    return int(SPECIAL_WORDS + letters**k)


def kmers(ids: Tensor, mask: Tensor, k: int, letters: int, *, cls: bool = False) -> tuple[Tensor, Tensor]:
    """The words of `k` characters of each sequence.

    ``word[i] = 3 + sum_j letter[i + j] * letters ** (k - 1 - j)`` for i = 0..n-k; 2 where one of the characters is no
    letter, or where the whole sequence is shorter than k (one word then).

    Args:
        ids: `(B, L)` integers: 0 PAD, 1 CLS, 2.. characters of which the first `letters` are letters.
        mask: `(B, L)` bool, True = a real character; real ones stand in front.
        k: characters of a word, letters ** k at most 2^31 - 4.
        letters: number of letters, such as 4 for DNA.
        cls: the first of each sequence is CLS; it stays what and where it is.

    Returns:
        ids `(B, L')` int32 and mask `(B, L')` of the words, L' = max(1, L - k + 1) (and CLS).
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
    found = torch.where(whole, code + SPECIAL_WORDS, SPECIAL_WORDS - 1).masked_fill(~kept, 0)
    return found, kept
