"""Alphabets of numbers: bytes, each a token, and vectors of real numbers, which have no tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary.base import BYTE_LETTERS, FIRST, PAD, Tokens, Vocabulary
from seqmix.data.vocabulary.symbol_table import WHITESPACE
from seqmix.errors import InputError


class Bytes(Vocabulary):
    """The UTF-8 bytes of texts, or intensities, each a token.

    Args:
        unknown: see `Vocabulary`; nothing is unknown here.
        trained: see `Vocabulary`.
    """

    def __init__(self, unknown: str = "map", *, trained: bool = False) -> None:
        super().__init__("bytes", unknown, [f"0x{value:02x}" for value in range(256)], PAD, trained)

    def _encode_text(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens:
        raw = text.encode() if isinstance(text, str) else text.translate(None, WHITESPACE)
        return np.frombuffer(raw, dtype=np.uint8).astype(np.uint16) + np.uint16(FIRST)

    def _encode_array(self, values: NDArray[Any], where: object) -> Tokens:
        if values.dtype != np.uint8:
            return super()._encode_array(values, where)
        return values.astype(np.uint16) + np.uint16(FIRST)

    @property
    def spellings(self) -> Sequence[str]:
        """A character for each byte; those above ASCII are parts of letters."""
        return [chr(value) if value < 128 else chr(value + BYTE_LETTERS) for value in range(256)]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of token indices; PAD and CLS are left out."""
        return bytes(int(token) - FIRST for token in tokens if token >= FIRST).decode("utf-8", "replace")


class Reals(Vocabulary):
    """Vectors of real numbers, which pass through as they are.

    Args:
        unknown: see `Vocabulary`; nothing is unknown here.
        channels: numbers at each position; None for as many as the first sequence has.
        mean: of each channel over the training split; a model subtracts it. None for no standardisation.
        scale: standard deviation of each channel over the training split; a model divides by it.
        trained: see `Vocabulary`.
    """

    noun = "position"

    def __init__(
        self,
        unknown: str = "map",
        channels: int | None = None,
        mean: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        *,
        trained: bool = False,
    ) -> None:
        super().__init__("real", unknown, (), PAD, trained)
        self.channels, self.mean, self.scale = channels, mean, scale

    @property
    def dtype(self) -> type[np.float32]:
        """The type of the numbers."""
        return np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a position: `(channels,)`."""
        return (self.channels or 1,)

    def _encode_text(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens:
        if self.trained:
            raise InputError(f"{where}: the model was trained on numbers (JSONL with values), and takes nothing else")
        raise InputError(f"{where}: this is a text and the others are sequences of numbers; do not mix them with texts")

    def _encode_array(self, values: NDArray[Any], where: object) -> Tokens:
        if not len(values):  # has no channels that could be compared
            return np.empty((0, self.channels or 1), dtype=np.float32)
        vectors = values.astype(np.float32).reshape(len(values), -1)
        if self.channels is None:
            self.channels = vectors.shape[1]
        if vectors.shape[1] != self.channels:
            others = "the model takes" if self.trained else "the others have"
            raise InputError(f"{where}: {vectors.shape[1]} numbers at each position, {others} {self.channels}")
        if not (finite := np.isfinite(vectors)).all():
            position, channel = np.argwhere(~finite)[0].tolist()
            value, more = vectors[position, channel], int((~finite).sum()) - 1
            inside = f", channel {channel + 1}" if self.channels > 1 else ""
            too_large = "" if np.isnan(value) else f" or too large (beyond {np.finfo(np.float32).max:.2g})"
            raise InputError(
                f"{where}: not all numbers are finite: {value}{too_large} at position {position + 1}{inside}"
                f"{f' and {more:,} more' if more else ''}; remove the record, or fill in what is missing"
            )
        return vectors

    def decode(self, tokens: Iterable[int]) -> str:
        """Return nothing: real numbers have no symbols."""
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Return the vocabulary as it is saved in `dataset.json`."""
        return {**super().to_dict(), "channels": self.channels, "mean": self.mean, "scale": self.scale}
