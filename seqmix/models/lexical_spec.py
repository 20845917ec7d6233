"""What a lexical branch counts, and which one suits a data set; nothing here waits for torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqmix.data.dataset import Dataset


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


def suiting_lexical(dataset: Dataset) -> str:
    """Return which lexical branch suits a data set, "kmers" or "ngrams"; "none" if it has nothing to count or no labels."""
    vocabulary = dataset.vocabulary
    if not dataset.learns_labels:
        return "none"
    return "kmers" if vocabulary.letters else "none" if vocabulary.channels or dataset.are_images else "ngrams"
