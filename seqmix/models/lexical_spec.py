"""What a lexical branch counts, and which one suits a data set; nothing here waits for torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqmix.data.dataset import Dataset
from seqmix.data.vocabulary import Vocabulary
from seqmix.errors import shown

WEIGHTINGS = ("frequencies", "hellinger", "tf-idf", "standardised")
_LONGEST = 12  # k-mer that is counted
_MOST_BITS = 25  # of a number of buckets


@dataclass(frozen=True, kw_only=True, slots=True)
class LexicalSpec:
    """What a lexical model counts, and how counts become features.

    Attributes:
        features: "kmers" or "ngrams".
        k: characters in a k-mer.
        letters: number of letters that k-mers are made of.
        parts: of n-grams: "words" (1 and 2 in a row), "characters" (3 to 5 in a row), or both.
        buckets: of n-grams: buckets of each part, a power of two.
        weighting: "frequencies", "hellinger" (their square roots), "tf-idf" (sublinear) or "standardised" (frequencies, each
            with mean 0 and variance 1 over the training records). All but the last are scaled to norm 1, each
            part of each sequence by itself.
        strength: inverse of the penalty on the weights.
        paired: whether a record is two sequences, whose features are multiplied and subtracted.
    """

    features: str
    k: int = 0
    letters: int = 0
    parts: Sequence[str] = ()
    buckets: int = 0
    weighting: str = "frequencies"
    strength: float = 1.0
    paired: bool = False

    @property
    def counted(self) -> int:
        """The number of different things that are counted."""
        return self.letters**self.k if self.features == "kmers" else len(self.parts) * self.buckets

    @property
    def width(self) -> int:
        """The number of features F."""
        return self.counted * (2 if self.paired else 1)

    @property
    def noun(self) -> str:
        """What is counted: "6-mers", or "words and character n-grams"."""
        if self.features == "kmers":
            return f"{self.k}-mers"
        return " and ".join("character n-grams" if part == "characters" else part for part in self.parts)

    @property
    def title(self) -> str:
        """The model in words: "6-mers, standardised, C 10"."""
        return f"{self.noun}, {self.weighting}, C {float(f'{self.strength:.3g}'):g}"


def spec_of(saved: Mapping[str, Any], vocabulary: Vocabulary, *, paired: bool) -> LexicalSpec:
    """Return the spec that was saved as a table, if a model of this vocabulary may have it.

    Args:
        saved: its attributes.
        vocabulary: the vocabulary of the tokens.
        paired: whether records are pairs.

    Raises:
        ValueError: it may not.
        TypeError: likewise.
    """
    spec = LexicalSpec(**saved)
    if spec.features == "kmers":
        fits = spec.letters == vocabulary.letters > 0 and spec.k in range(1, _LONGEST + 1) and not spec.parts
    else:
        parts = list(spec.parts)
        fits = spec.features == "ngrams" and parts in [["words"], ["characters"], ["words", "characters"]]
        fits = fits and spec.buckets in [1 << power for power in range(_MOST_BITS)]
    if not fits or spec.weighting not in WEIGHTINGS or spec.paired is not paired:
        raise ValueError(f"{shown(dict(saved))} are not features of this vocabulary")
    return spec


def suiting_lexical(dataset: Dataset) -> str:
    """Return which lexical branch suits a data set, "kmers" or "ngrams"; "none" if it has nothing to count or no labels."""
    vocabulary = dataset.vocabulary
    if not dataset.learns_labels:
        return "none"
    return "kmers" if vocabulary.letters else "none" if vocabulary.channels or dataset.are_images else "ngrams"
