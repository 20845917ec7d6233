"""Vocabularies by the names of their alphabets, given or saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seqmix.data.options import ALPHABETS
from seqmix.data.vocabulary.base import Vocabulary
from seqmix.data.vocabulary.fixed import FIXED, FixedAlphabet
from seqmix.data.vocabulary.gathered import Gathered, Gathering
from seqmix.data.vocabulary.numeric import Bytes, Reals
from seqmix.data.vocabulary.subword_learning import SubwordLearning
from seqmix.data.vocabulary.subwords import SUBWORDS, Subwords
from seqmix.errors import ConfigError, param

GATHERED = ("chars", "words")

Encoder = Vocabulary | Gathering | SubwordLearning


def make_vocabulary(
    alphabet: str,
    unknown: str | None = None,
    *,
    symbols: Iterable[str] | None = None,
    merges: Iterable[str] | None = None,
    channels: int | None = None,
    mean: Sequence[float] | None = None,
    scale: Sequence[float] | None = None,
    trained: bool = False,
) -> Vocabulary:
    """Return the vocabulary of an alphabet, given by its name.

    Args:
        alphabet: one of `ALPHABETS`.
        unknown: see `Vocabulary`; None for "error" in a fixed alphabet and "map" in the others.
        symbols: for "chars" and "words", the characters or words; the others bring theirs.
        merges: for "subwords", see `Subwords`.
        channels: for "real", see `Reals`.
        mean: for "real", see `Reals`.
        scale: for "real", see `Reals`.
        trained: see `Vocabulary`.

    Raises:
        ConfigError: there is no such alphabet or policy, or there are too many symbols.
    """
    if alphabet not in ALPHABETS:
        raise ConfigError(f"{param('alphabet')} must be auto, {', '.join(ALPHABETS)}: got '{alphabet}'", option="alphabet")
    if alphabet in FIXED:
        return FixedAlphabet(alphabet, unknown or "error", trained=trained)
    if alphabet == "bytes":
        return Bytes(unknown or "map", trained=trained)
    if alphabet == "real":
        return Reals(unknown or "map", channels, mean, scale, trained=trained)
    if alphabet == SUBWORDS:
        return Subwords(unknown or "map", merges or (), trained=trained)
    return Gathered(alphabet, unknown or "map", symbols or (), trained=trained)


def new_encoder(alphabet: str, unknown: str | None = None, size: int | None = None) -> Encoder:
    """Return what encodes the records of a new data set: the vocabulary, or what gathers or learns its symbols first.

    Args:
        alphabet: one of `ALPHABETS`.
        unknown: see `Vocabulary`; None for "error" in a fixed alphabet and "map" in the others.
        size: for "subwords", the number of them at most; None for as many as usual.

    Raises:
        ConfigError: there is no such alphabet or policy, or what learns the symbols is not installed.
    """
    if alphabet == SUBWORDS:
        return SubwordLearning(unknown, size)
    return Gathering(alphabet, unknown) if alphabet in GATHERED else make_vocabulary(alphabet, unknown)


def vocabulary_of(saved: Mapping[str, Any], *, trained: bool = False) -> Vocabulary:
    """Return the vocabulary that `Vocabulary.to_dict` saved, as in `dataset.json`.

    Args:
        saved: what it returned.
        trained: see `Vocabulary`.
    """
    given = {name: saved.get(name) for name in ("symbols", "merges", "channels", "mean", "scale")}
    return make_vocabulary(saved["alphabet"], saved["unknown"], trained=trained, **given)
