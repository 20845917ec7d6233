"""Tokens read as the characters that they stand for, and as words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqmix.functional.ngrams import Characters, word_tokens


class CharacterTable:
    """The characters that each token stands for, in lower case.

    Args:
        spellings: the text of each token, from the first that is not special.
        first: number of special tokens, which stand for nothing.
    """

    def __init__(self, spellings: Sequence[str], first: int) -> None:
        texts = [text.lower() for text in spellings]
        lengths = torch.tensor([0] * first + [len(text) for text in texts], device="cpu")
        whole = "".join(texts)
        self._codes = torch.tensor([ord(character) for character in whole], dtype=torch.int64, device="cpu")
        kinds = [(character.isalnum(), character.isspace()) for character in whole]
        self._kinds = torch.tensor(kinds, dtype=torch.bool, device="cpu").reshape(-1, 2)
        self._lengths, self._starts = lengths, lengths.cumsum(0) - lengths

    def read(self, ids: Tensor, mask: Tensor) -> Characters:
        """Return the characters of texts `(B, L)`, after each other."""
        if self._codes.device != ids.device:
            self._codes, self._kinds = self._codes.to(ids.device), self._kinds.to(ids.device)
            self._lengths, self._starts = self._lengths.to(ids.device), self._starts.to(ids.device)
        rows, _ = mask.nonzero(as_tuple=True)
        tokens = ids[mask].long()
        lengths = self._lengths[tokens]
        ends = lengths.cumsum(0)
        within = torch.arange(int(ends[-1]) if len(ends) else 0, device=ids.device) - (ends - lengths).repeat_interleave(
            lengths
        )
        places = self._starts[tokens].repeat_interleave(lengths) + within
        in_word, blank = self._kinds[places].unbind(1)
        return Characters(self._codes[places], in_word, blank, rows.repeat_interleave(lengths))


class HashedWords:
    """Reads texts as words, each hashed to a token.

    Unlike a list of words, this knows every word of a new text, and needs no pass over the data; two words share a token with a
    probability of 1 / buckets.

    Args:
        spellings: see `CharacterTable`.
        first: see `CharacterTable`.
        buckets: number of different tokens, a power of two.
    """

    def __init__(self, spellings: Sequence[str], first: int, buckets: int) -> None:
        self._table, self._buckets = CharacterTable(spellings, first), buckets

    def __call__(self, ids: Tensor, mask: Tensor, *, cls: bool = False) -> tuple[Tensor, Tensor]:
        """Return the words of texts `(B, L)` and their mask, as `functional.ngrams.word_tokens` does."""
        if cls:
            ids, mask = ids[:, 1:], mask[:, 1:]
        return word_tokens(self._table.read(ids, mask), len(ids), self._buckets, cls=cls)
