"""Symbols <-> token indices: the alphabets, their special tokens, and what happens to unknown symbols.

Index 0 is PAD, index 1 is CLS, the symbols follow. A vocabulary is saved with the data set and with the model, so that new
sequences are read as the training data were. There are five sorts:

* `FixedAlphabet`: "dna", "dna-iupac" and "protein", whose letters are known beforehand.
* `Gathered`: "chars" and "words", which consist of what occurs in the training split.
* `Subwords`: "subwords", pieces of words that are learned from the training split (`SubwordLearning`).
* `Bytes`: "bytes", the UTF-8 bytes of a text, or intensities.
* `Reals`: "real", which has no symbols: vectors of real numbers pass through as they are.
"""

from seqmix.data.vocabulary.base import CLS, PAD, Tokens, Vocabulary
from seqmix.data.vocabulary.fixed import FixedAlphabet
from seqmix.data.vocabulary.gathered import Gathered, Gathering
from seqmix.data.vocabulary.guess import AlphabetsOfFiles, guess_alphabet, names_proteins, notes_on_guess
from seqmix.data.vocabulary.make import Encoder, make_vocabulary, new_encoder, vocabulary_of
from seqmix.data.vocabulary.numeric import Bytes, Reals
from seqmix.data.vocabulary.subword_learning import SubwordLearning
from seqmix.data.vocabulary.subwords import Subwords

__all__ = [
    "CLS",
    "PAD",
    "AlphabetsOfFiles",
    "Bytes",
    "Encoder",
    "FixedAlphabet",
    "Gathered",
    "Gathering",
    "Reals",
    "SubwordLearning",
    "Subwords",
    "Tokens",
    "Vocabulary",
    "guess_alphabet",
    "make_vocabulary",
    "names_proteins",
    "new_encoder",
    "notes_on_guess",
    "vocabulary_of",
]
