"""How the merges of `Subwords` are learned, by the library `tokenizers`; and what stands for the vocabulary until then."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary.subwords import BYTES, SUBWORDS, Subwords, as_text, spelled_words, words_of
from seqmix.errors import ConfigError, InputError, param

SIZE = 8192  # of a vocabulary
_LONGEST = 24  # bytes of a piece
_LEAST = 2  # occurrences of a pair that is worth a piece
_GROUP = 1 << 14  # words that are handed over at a time


class SubwordLearning:
    """Stands for a `Subwords` vocabulary while the training split, and with it the merges, are not known yet.

    Args:
        unknown: see `Vocabulary`; None for "map".
        size: the number of pieces at most, the 256 bytes among them; None for `SIZE`.

    Raises:
        ConfigError: `tokenizers` is not installed.
    """

    alphabet = SUBWORDS
    dtype = np.uint8
    shape: tuple[int, ...] = ()
    complement: bytes | None = None
    final_lengths: ClassVar[bool] = False

    def __init__(self, unknown: str | None = None, size: int | None = None) -> None:
        if find_spec("tokenizers") is None:
            raise ConfigError(
                f"{param('alphabet', SUBWORDS)} needs tokenizers to learn the subwords of a data set: pip install tokenizers",
                option="alphabet",
            )
        self.unknown, self.size = unknown or "map", size or SIZE
        Subwords(self.unknown)  # the policy is checked before a record is read

    def encode(self, text: bytes | str | NDArray[Any], replaced: Counter[str], where: object) -> NDArray[np.uint8]:
        """Return the UTF-8 bytes of a text, `(L,)`: it is divided when the merges are known.

        Raises:
            InputError: this is not a text.
        """
        if isinstance(text, np.ndarray):
            raise InputError(f"{where}: this is a sequence of numbers and the others are texts; do not mix them")
        return np.frombuffer(as_text(text).encode(), dtype=np.uint8)

    def vocabulary(self, texts: Iterable[str]) -> Subwords:
        """Return the vocabulary that is learned from texts; it depends on them and on nothing else."""
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        learner = Tokenizer(models.BPE())
        learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.BpeTrainer(
            vocab_size=self.size,
            min_frequency=_LEAST,
            initial_alphabet=BYTES,
            max_token_length=_LONGEST,
            show_progress=False,
        )
        with _one_thread():
            learner.train_from_iterator(_groups(texts), trainer)
        merges = json.loads(learner.to_str())["model"]["merges"]
        return Subwords(self.unknown, (" ".join(pair) for pair in merges))


def _groups(texts: Iterable[str]) -> Iterator[str]:
    """Yield the words of texts, spelled, many at a time with spaces between them."""
    for text in texts:
        words = words_of(text)
        while some := list(islice(words, _GROUP)):
            yield spelled_words(some)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let `tokenizers` use one thread, as the rest of preparing does; its threads would not survive a fork."""
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
