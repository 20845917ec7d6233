"""What all vocabularies have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.data.options import UNKNOWN_POLICIES
from seqmix.errors import ConfigError, InputError, param

PAD, CLS, FIRST = 0, 1, 2  # token indices of the special tokens, and of the first symbol
BYTE_LETTERS = 0x4E00  # a range of Unicode that has letters alone: what spells a byte that is part of a character

Tokens = NDArray[Any]  # `(L,)` of an unsigned type; of the alphabet "real": `(L, channels)` float32


class Vocabulary(ABC):
    """The alphabet of a data set: encodes text as token indices and counts what it had to replace.

    Attributes:
        alphabet: its name, such as "dna".
        unknown: what happens to a symbol outside the alphabet: "map" to the unknown symbol (N, X or UNK), "drop" or "error".
        symbols: the symbols, in the order of their token indices, of which the first is `first`.
        unknown_id: token index of the unknown symbol; PAD if there is none.
        trained: whether a model was trained with it: errors then do not recommend another alphabet.
        meant_for: beginning of an error about other sequences, before the name of the alphabet; used if `trained`.
        noun: what a position of a sequence is called.
        letters: how many of the first symbols k-mers are made of: 4 for DNA, 20 for proteins, 0 if there are no k-mers.
        complement: a `bytes.translate` table from each token to that of its complement; None if there is none.
        channels: numbers at each position; None if positions hold tokens.
        mean: mean of each channel over the training split; None if unknown.
        scale: standard deviation of each channel over the training split; None if unknown.
        final_lengths: whether a sequence that is encoded has the length that it has in the data set.
    """

    final_lengths: ClassVar[bool] = True
    first: ClassVar[int] = FIRST
    noun: str = "character"
    letters: int = 0
    complement: bytes | None = None
    meant_for: str = "the model was trained on"
    channels: int | None = None
    mean: Sequence[float] | None = None
    scale: Sequence[float] | None = None

    def __init__(self, alphabet: str, unknown: str, symbols: Sequence[str], unknown_id: int, trained: bool) -> None:
        if unknown not in UNKNOWN_POLICIES:
            raise ConfigError(f"{param('unknown')} must be {', '.join(UNKNOWN_POLICIES)}: got '{unknown}'", option="unknown")
        self.alphabet, self.unknown, self.trained = alphabet, unknown, trained
        self.symbols, self.unknown_id = list(symbols), unknown_id

    def __len__(self) -> int:
        return len(self.symbols) + FIRST

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16] | type[np.float32]:
        """The smallest type that holds every index; float32 for real numbers."""
        return np.uint8 if len(self) <= 256 else np.uint16

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a position: `()` for a token, `(channels,)` for a vector."""
        return ()

    def encode(self, text: bytes | str | NDArray[Any], replaced: Counter[str], where: object) -> Tokens:
        """Return the token indices of a sequence (white space deleted) or a document.

        Args:
            text: `bytes` of a sequence format, or `str`; an array `(L, channels)` of numbers for the alphabet "real"; an
                array `(L,)` of uint8, taken as it is, for "bytes".
            replaced: added to: what was mapped or dropped, counted by symbol.
            where: its `str` names the record in an error (made only then: it costs more than the encoding).

        Raises:
            InputError: a symbol is not in the alphabet and the policy is "error", or the data are of another sort.
        """
        if isinstance(text, np.ndarray):
            return self._encode_array(text, where)
        return self._encode_text(text, replaced, where)

    @abstractmethod
    def _encode_text(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens: ...

    def _encode_array(self, values: NDArray[Any], where: object) -> Tokens:
        if values.dtype == np.uint8:
            advice = "the model does not take such values" if self.trained else f"use {param('alphabet', 'bytes')}"
            raise InputError(f"{where}: intensities of an image are not a text of the alphabet {self.alphabet}; {advice}")
        if self.trained:
            raise InputError(f"{where}: the model was trained on texts and sequences, not on numbers, and takes nothing else")
        raise InputError(
            f"{where}: this is a sequence of numbers and the others are texts; do not mix them with sequences of numbers"
        )

    @property
    def spellings(self) -> Sequence[str]:
        """The text that each symbol stands for, as a part of a longer one; those of several put together are a text."""
        return self.symbols

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the symbols of token indices, for people to read; PAD and CLS are left out."""
        return "".join(self._symbols_of(tokens))

    def _symbols_of(self, tokens: Iterable[int]) -> Iterable[str]:
        return (self.symbols[int(token) - FIRST] for token in tokens if token >= FIRST)

    def to_dict(self) -> dict[str, Any]:
        """Return the vocabulary as it is saved in `dataset.json`."""
        return {"alphabet": self.alphabet, "unknown": self.unknown, "special": {"PAD": PAD, "CLS": CLS}}
