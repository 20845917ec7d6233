"""The recipe that data are trained with if the user names none."""

from __future__ import annotations

import numpy as np

from seqmix.data.dataset import Dataset

_DEFAULT_RECIPES = {
    "dna": "dna",
    "dna-iupac": "dna",
    "protein": "protein",
    "chars": "text",
    "bytes": "text",
    "words": "text",
    "subwords": "subwords",
}
_LOOKED_AT, _CHARACTERS = 100, 5000  # how many records are looked at for words, and how many tokens of each
_LONGEST = 16  # mean length of the words of a text, at most, weighted by their lengths


def default_recipe(dataset: Dataset) -> str | None:
    """Return the name of the recipe that data are trained with if the user names none; None if there is none for such data."""
    name = None if dataset.are_images else _DEFAULT_RECIPES.get(dataset.vocabulary.alphabet)
    return "characters" if name == "text" and not has_words(dataset) else name


def has_words(dataset: Dataset) -> bool:
    """Return whether records consist of words: most letters stand in words of usual lengths, several to a record."""
    vocabulary, train = dataset.vocabulary, dataset.indices("train")
    spelled = [""] * vocabulary.first + [text.lower() for text in vocabulary.spellings]
    squares = letters = words = 0
    some = train[np.linspace(0, len(train) - 1, min(len(train), _LOOKED_AT), dtype=np.int64)]
    for i in some:
        text = "".join([spelled[token] for token in dataset.tokens(int(i))[:_CHARACTERS]])
        in_word = np.fromiter((character.isalnum() for character in text), dtype=bool, count=len(text))
        lengths = np.diff(np.flatnonzero(~np.append(in_word, False)), prepend=-1) - 1
        lengths = lengths[lengths > 0]
        squares, letters, words = squares + int((lengths**2).sum()), letters + int(lengths.sum()), words + len(lengths)
    return words >= 2 * len(some) and squares <= _LONGEST * letters
