"""Hashed character n-grams and words of texts, counted or as tokens, computed from characters on whatever device those are on.

Every span of characters has the hash ``sum_j c[i + j] * BASE ** j`` in wrapping 64-bit integers: a difference of two prefix
sums, multiplied by the inverse power of the odd base. It does not depend on where the span stands. The bits are mixed with a
constant for each kind of n-gram before they are reduced to buckets.

Cost: a few operations per character and n-gram; a word costs as much as an n-gram.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

BASE = 0x2545F4914F6CDD1D
INVERSE = pow(BASE, -1, 1 << 64)
_MIX = 0x1B873593CC9E2D51
_PAIR = 0x5851F42D4C957F2D
SPECIAL_WORDS = 3  # PAD, CLS, and what stands for a text without any token
_WORD, _BIGRAM = 101, 102  # salts; those of character n-grams are their lengths


def _signed(number: int) -> int:
    """Return the int64 with the bits of an unsigned 64-bit number."""
    number %= 1 << 64
    return number - (1 << 64) if number >> 63 else number


@dataclass(frozen=True)
class Characters:
    """The characters of a batch of texts, one after the other.

    Attributes:
        codes: a number for each character, `(N,)` int64.
        in_word: whether it is part of a word, `(N,)` bool.
        blank: whether it is white space, `(N,)` bool.
        rows: row of each character, ascending, `(N,)` int64.
    """

    codes: Tensor
    in_word: Tensor
    blank: Tensor
    rows: Tensor

    @cached_property
    def hashes(self) -> SpanHashes:
        """The hashes of spans of the characters."""
        return SpanHashes(self.codes)


class SpanHashes:
    """Hashes of spans of characters.

    Args:
        codes: a number for each character, `(N,)` int64.
    """

    def __init__(self, codes: Tensor) -> None:
        self._powers, self._inverse = (_powers(base, len(codes) + 1, codes.device) for base in (BASE, INVERSE))
        self._sums = torch.nn.functional.pad((codes + 1) * self._powers[:-1], (1, 0)).cumsum(0)

    def __call__(self, starts: Tensor, ends: Tensor, salt: int) -> Tensor:
        """Return the mixed hash of each span of characters `starts` to before `ends`, int64."""
        return _mixed((self._sums[ends] - self._sums[starts]) * self._inverse[starts], salt)


def character_ngrams(characters: Characters, lengths: Sequence[int], buckets: int) -> tuple[Tensor, Tensor]:
    """Return row and bucket of each character n-gram, of all lengths.

    Args:
        characters: the texts.
        lengths: lengths of the n-grams.
        buckets: number of buckets, a power of two.
    """
    hashes, rows = characters.hashes, characters.rows
    found, where = [], []
    for n in lengths:
        starts = torch.arange(max(0, len(rows) - n + 1), device=rows.device)
        starts = starts[rows[: len(starts)] == rows[n - 1 :][: len(starts)]]
        found.append(_bucket(hashes(starts, starts + n, n), buckets))
        where.append(rows[starts])
    return torch.cat(where), torch.cat(found)


def word_ngrams(characters: Characters, buckets: int) -> tuple[Tensor, Tensor]:
    """Return row and bucket of each word, then of each pair of neighbouring words.

    Args:
        characters: the texts; a word is a maximal run of `in_word`.
        buckets: number of buckets, a power of two.
    """
    words, of_word = _spans(characters, characters.in_word)
    neighbours = of_word[1:] == of_word[:-1]
    pairs = _mixed(words[:-1] * _signed(_PAIR) + words[1:], _BIGRAM)[neighbours]
    return torch.cat((of_word, of_word[1:][neighbours])), _bucket(torch.cat((words, pairs)), buckets)


def word_tokens(characters: Characters, rows: int, buckets: int, *, cls: bool = False) -> tuple[Tensor, Tensor]:
    """Return texts as tokens: each word is one, and so is each other character that is not white space.

    Args:
        characters: the texts; a word is a maximal run of `in_word`.
        rows: number B of texts.
        buckets: number of buckets, a power of two.
        cls: whether each text begins with CLS.

    Returns:
        ids: `(B, L')` int32, 0 PAD, 1 CLS, 2 for all of a text without any token, then the buckets.
        mask: `(B, L')` bool, True = a real token.
    """
    hashes, of_token = _spans(characters, ~characters.blank)
    counts = torch.bincount(of_token, minlength=rows)
    first, empty = int(cls), counts == 0
    places = torch.arange(len(of_token), device=counts.device) - (counts.cumsum(0) - counts)[of_token]
    lengths = counts + empty + first
    ids = torch.zeros(rows, int(lengths.max()) if rows else first, dtype=torch.int32, device=counts.device)
    ids[of_token, places + first] = (_bucket(hashes, buckets) + SPECIAL_WORDS).int()
    ids[empty, first : first + 1] = SPECIAL_WORDS - 1
    if cls:
        ids[:, 0] = 1
    return ids, torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]


def _spans(characters: Characters, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return hash and row of each word and of each other character, of those that are `wanted`, `(N,)` bool."""
    rows, inside = characters.rows, characters.in_word
    goes_on = inside[1:] & inside[:-1] & (rows[1:] == rows[:-1])
    false = inside.new_zeros(1)
    starts = (wanted & ~torch.cat((false, goes_on))[: len(inside)]).nonzero()[:, 0]
    ends = (wanted & ~torch.cat((goes_on, false))[: len(inside)]).nonzero()[:, 0] + 1
    return characters.hashes(starts, ends, _WORD), rows[starts]


def _powers(base: int, count: int, device: torch.device) -> Tensor:
    """Return ``base ** 0, base ** 1, …`` modulo 2^64."""
    powers = torch.ones(1, dtype=torch.int64)
    while len(powers) < count:
        powers = torch.cat((powers, powers * _signed(pow(base, len(powers), 1 << 64))))
    return powers[:count].to(device)


def _mixed(hashes: Tensor, salt: int) -> Tensor:
    """Return hashes whose every bit depends on all bits, and differently for each salt."""
    for _ in range(2):
        hashes = (hashes ^ (hashes >> 29) ^ salt) * _signed(_MIX)
    return hashes ^ (hashes >> 32)


def _bucket(hashes: Tensor, buckets: int) -> Tensor:
    return (hashes >> 20) & (buckets - 1)
