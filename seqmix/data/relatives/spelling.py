"""How the tokens of an alphabet are taken for shingles: as nucleotides, runs of symbols, or words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.hashing import Hashes, Places, mixed
from seqmix.data.relatives.nucleotides import Nucleotides
from seqmix.data.relatives.symbols import SymbolRuns
from seqmix.data.relatives.words import WordRuns
from seqmix.data.vocabulary import Bytes, Encoder, FixedAlphabet, Gathered, Gathering, SubwordLearning, Subwords
from seqmix.data.vocabulary.base import FIRST

_BITS = 42  # that a shingle holds at least, as a 21-mer of DNA does
_AMINO_ACIDS = 6  # of a k-mer: relatives of proteins differ in more letters
_WORDS = 5  # of a shingle, at least
_LONG_WORD = 24  # characters; where words are longer on average, there are no blanks between them
_LOOKED_AT = 1 << 17  # tokens
_CONTROL = 0.01  # share of control characters above which bytes are not a text
_FEW_LETTERS = 25  # different ones, of which k-mers that are written as words consist


class Shingler(Protocol):
    """Finds the sampled shingles of a run of sequences.

    Attributes:
        span: tokens beyond a place that are needed for the shingle that starts there.
        unit: what the shingles are called, such as "21-mers".
        per_unit: tokens for each shingle.
    """

    span: int
    unit: str
    per_unit: float

    def __call__(self, tokens: NDArray[Any], ends: Places, rate: float) -> tuple[Hashes, Places, Places]: ...


def shingler_for(encoder: Encoder, tokens: NDArray[Any]) -> Shingler | None:
    """Return what finds the shingles of a data set's tokens; None if its records are numbers or images, or not long enough.

    Args:
        encoder: the vocabulary, or what stands for it while the records are read.
        tokens: all tokens, `(N,)`; some are looked at.
    """
    if tokens.ndim != 1 or not len(tokens):
        return None
    if isinstance(encoder, FixedAlphabet):
        if encoder.letters == len("ACGT"):
            return Nucleotides()
        return SymbolRuns(_AMINO_ACIDS, f"{_AMINO_ACIDS}-mers", FIRST + encoder.letters)
    sample = _sample(tokens)
    if encoder.alphabet == "words":
        symbols = _symbols(encoder)
        hashes = np.array([_hash(symbol) for symbol in symbols], dtype=np.uint64)
        span = _words_of_shingle(sample, [len(symbols[token]) for token in sample[:1000]], symbols)
        return SymbolRuns(span, f"runs of {span} words", hashes=hashes)
    if isinstance(encoder, Bytes | SubwordLearning):
        return _of_bytes(sample, FIRST if isinstance(encoder, Bytes) else 0)
    if isinstance(encoder, Subwords):
        return None  # replaced by its bytes, see `sketches`
    return _of_characters(encoder, sample, int(tokens.max())) if isinstance(encoder, Gathered | Gathering) else None


def _sample(tokens: NDArray[Any]) -> NDArray[Any]:
    """Return some of the tokens, from eight places."""
    size = _LOOKED_AT // 8
    if len(tokens) <= _LOOKED_AT:
        return np.asarray(tokens)
    return np.concatenate([tokens[start : start + size] for start in np.linspace(0, len(tokens) - size, 8).astype(int)])


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.lower().encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _symbols(encoder: Encoder) -> list[str]:
    """Return the symbol of each token index."""
    if isinstance(encoder, Gathering):
        return [encoder.numbers.symbol(number) for number in range(encoder.numbers.size)]
    assert isinstance(encoder, Gathered)
    return [""] * FIRST + list(encoder.symbols)


def _of_characters(encoder: Gathered | Gathering, sample: NDArray[Any], highest: int) -> Shingler:
    if isinstance(encoder, Gathering):
        characters: Sequence[str] = list(map(chr, range(highest + 1)))
    else:
        characters = _symbols(encoder)
    codes = np.array([_code(character) for character in characters], dtype=np.uint64)
    return _of_text(sample, codes)


def _of_bytes(sample: NDArray[Any], first: int) -> Shingler | None:
    values = sample.astype(np.int64) - first
    control = (values < 32) & ~np.isin(values, (9, 10, 11, 12, 13))
    if control.mean() > _CONTROL:
        return None
    codes = [_code(chr(byte)) if byte < 128 else 1 + byte for byte in range(256)]
    return _of_text(sample, np.array([0] * first + codes, dtype=np.uint64))


def _code(character: str) -> int:
    """Return a number for a character of a word in lower case, 0 for all other characters."""
    if len(character) != 1 or not (character.isalnum() or "\u0300" <= character <= "\u109f"):
        return 0
    lower = character.lower()
    return ord(lower if len(lower) == 1 else character) + 1


def _of_text(sample: NDArray[Any], codes: Hashes) -> Shingler:
    """Return what finds the shingles of a text: words if it has blanks."""
    finder = WordRuns(_WORDS, 1.0, codes)
    hashes, starts, stops = finder.words(sample, np.array([len(sample)]))
    if not len(hashes) or len(sample) > _LONG_WORD * len(hashes):
        span = _runs(_entropy(sample))
        return SymbolRuns(span, f"runs of {span} characters", hashes=mixed(np.arange(1, len(codes) + 1, dtype=np.uint64)))
    letters = np.unique(sample[codes[sample] != 0])
    span = _span(_entropy(hashes), stops - starts, len(letters))
    return WordRuns(span, len(sample) / len(hashes), codes)


def _words_of_shingle(sample: NDArray[Any], lengths: Sequence[int], symbols: Sequence[str]) -> int:
    letters = {letter for token in np.unique(sample[:1000]).tolist() for letter in symbols[token]}
    return _span(_entropy(sample), np.array(lengths), len(letters))


def _span(bits: float, lengths: NDArray[Any], letters: int) -> int:
    """Return how many words a shingle has: five of a language, more of few different words, and 21 letters of k-mers.

    Args:
        bits: entropy of the words.
        lengths: of some words.
        letters: different letters in the words.
    """
    common = int(np.median(lengths)) if len(lengths) else 1
    if letters <= _FEW_LETTERS and common >= 2 and (lengths == common).mean() > 0.95:
        return max(_WORDS, 22 - common)  # they may overlap, by all letters but one
    return _runs(bits)


def _runs(bits: float) -> int:
    """Return how many symbols of an entropy hold enough bits; five at least."""
    return max(_WORDS, math.ceil(_BITS / max(1.0, bits)))


def _entropy(values: NDArray[Any]) -> float:
    """Return the entropy of values, in bits."""
    counts = np.unique(values, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
