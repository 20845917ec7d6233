"""Subwords: pieces of words that byte-pair encoding has learned from the training split.

A text is first divided into *words* (letters, digits, other characters or white space, each with the space before it), and a
word into the pieces that merging its bytes gives, most frequent pairs first (Sennrich et al. 2016; on bytes as Radford et
al. 2019). The 256 bytes are pieces themselves: every text can be written, and what was written is the text again.

A vocabulary is its merges, and encoding needs nothing but this file; the merges are learned in `subword_learning`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

import numpy as np

from seqmix.data.vocabulary.base import BYTE_LETTERS, FIRST, PAD, Tokens, Vocabulary
from seqmix.data.vocabulary.symbol_table import WHITESPACE

SUBWORDS = "subwords"  # the name of the alphabet
_REMEMBERED = 1 << 17  # words whose pieces are kept in memory: some 30 MB

# Runs are bounded, since the time for a word grows with the square of its length. Letters may be followed by the marks that
# Python does not count as letters: accents, and the vowel signs of the scripts from Hebrew to Burmese.
_MARKS = r"[\u0300-\u036f\u0590-\u109f]"
_WORD = re.compile(
    rf" ?[^\W\d_]{{1,64}}(?:{_MARKS}[^\W\d_]{{0,8}}){{0,16}}"  # letters
    r"| ?\d{1,64}"
    r"| ?(?:[^\w\s]|_){1,64}"  # neither letters, digits nor white space
    r"|\s{1,64}(?!\S)"  # white space, but for the last character, which belongs to the word that follows
    r"|\s"
)


def _spelling() -> dict[int, int]:
    """Return a visible character for each byte: itself if it is visible in Latin-1, else one from 256 on, as in GPT-2."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: byte for byte in visible} | {byte: 256 + place for place, byte in enumerate(hidden)}


_SPELLED = _spelling()
_SPOKEN = {character: byte for byte, character in _SPELLED.items()}
_PARTS = {0xDC00 + byte: BYTE_LETTERS + byte for byte in range(128, 256)}  # of what Python decodes a stray byte as
_BETWEEN = 0xFF  # a byte that UTF-8 does not have
BYTES = [chr(_SPELLED[byte]) for byte in range(256)]  # the symbols of single bytes


class Subwords(Vocabulary):
    """The 256 bytes, and the pieces of words that merges make of them.

    Args:
        unknown: see `Vocabulary`; nothing is unknown here.
        merges: pairs of pieces to join, separated by a space, in the order in which they were learned; bytes are spelled as
            visible characters.
        trained: see `Vocabulary`.
    """

    noun = "subword"

    def __init__(self, unknown: str = "map", merges: Iterable[str] = (), *, trained: bool = False) -> None:
        self.merges = list(merges)
        symbols = [*BYTES, *dict.fromkeys(pair.replace(" ", "") for pair in self.merges)]
        super().__init__(SUBWORDS, unknown, symbols, PAD, trained)
        self._words = _Words(self.symbols, self.merges)

    def _encode_text(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens:
        # One pipeline of iterators of C, without a list of the words of a document that may be long.
        tokens = chain.from_iterable(map(self._words.__getitem__, words_of(as_text(text))))
        return np.fromiter(tokens, dtype=self.dtype)

    @property
    def spellings(self) -> Sequence[str]:
        """The text of each piece; a letter for each byte of a character that is in several pieces."""
        return [_bytes_of(symbol).decode("utf-8", "surrogateescape").translate(_PARTS) for symbol in self.symbols]

    @property
    def piece_bytes(self) -> list[bytes]:
        """The bytes of each piece."""
        return [_bytes_of(symbol) for symbol in self.symbols]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of token indices; PAD and CLS are left out."""
        return _bytes_of("".join(self._symbols_of(tokens))).decode("utf-8", "replace")

    def to_dict(self) -> dict[str, Any]:
        """Return the vocabulary as it is saved in `dataset.json`."""
        return {**super().to_dict(), "merges": self.merges}


class _Words(dict[str, tuple[int, ...]]):
    """The token indices of words, each worked out when it is met first; not too many are remembered."""

    def __init__(self, symbols: list[str], merges: list[str]) -> None:
        self._tokens = {symbol: token for token, symbol in enumerate(symbols, FIRST)}
        self._ranks = {tuple(pair.split(" ")): rank for rank, pair in enumerate(merges)}

    def __missing__(self, word: str) -> tuple[int, ...]:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[word] = tokens = tuple(self._tokens[piece] for piece in self._pieces(spelled_words([word])))
        return tokens

    def _pieces(self, word: str) -> list[str]:
        """Return the pieces of a word: of all pairs of neighbours, the one that was learned first is joined, and so on."""
        pieces, never = list(word), len(self._ranks)
        rank_of = self._ranks.get
        ranks = [rank_of(pair, never) for pair in pairwise(pieces)]
        while ranks and (first := min(ranks)) < never:
            i = ranks.index(first)
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
            del ranks[i]
            if i:
                ranks[i - 1] = rank_of((pieces[i - 1], pieces[i]), never)
            if i < len(ranks):
                ranks[i] = rank_of((pieces[i], pieces[i + 1]), never)
        return pieces


def as_text(text: bytes | str) -> str:
    """Return a document, or a sequence without its white space, in the composed form of Unicode (NFC)."""
    if isinstance(text, bytes):
        text = text.translate(None, WHITESPACE).decode("latin-1")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def words_of(text: str) -> Iterator[str]:
    """Return an iterator over the words of a text, which together are the text."""
    return map(itemgetter(0), _WORD.finditer(text))


def _bytes_of(spelled: str) -> bytes:
    """Return the bytes that visible characters stand for."""
    return spelled.translate(_SPOKEN).encode("latin-1")


def spelled_words(words: Iterable[str]) -> str:
    """Return the UTF-8 bytes of words, each as the visible character that stands for it, with spaces between the words."""
    return bytes((_BETWEEN,)).join(map(str.encode, words)).decode("latin-1").translate(_SPELLED | {_BETWEEN: ord(" ")})
