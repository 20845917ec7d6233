"""Alphabets that consist of what occurs in the training split: characters, or words between white space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary.base import FIRST, Tokens, Vocabulary
from seqmix.data.vocabulary.symbol_table import MOST_SYMBOLS, SymbolTable
from seqmix.errors import ConfigError, InputError, advice, param

_WHITE = [character for character in map(chr, range(0x3001)) if character.isspace()]  # all that there is
_REPLACEMENT = "\ufffd"  # of Unicode, for unknown characters


class Gathered(Vocabulary):
    """The characters or words of a training split, in order, behind UNK for all others.

    Args:
        alphabet: "chars" or "words".
        unknown: see `Vocabulary`.
        symbols: the characters or words.
        trained: see `Vocabulary`.

    Raises:
        ConfigError: there are too many symbols.
    """

    def __init__(self, alphabet: str, unknown: str, symbols: Iterable[str], *, trained: bool = False) -> None:
        self.noun = "word" if alphabet == "words" else "character"
        self._between = " " if alphabet == "words" else ""
        super().__init__(alphabet, unknown, ["UNK", *sorted(set(symbols))], FIRST, trained)
        if len(self.symbols) - 1 > MOST_SYMBOLS:
            raise ConfigError(
                f"the texts have {len(self.symbols):,} different {self.noun}s, at most {MOST_SYMBOLS:,} are possible; "
                f"use {param('alphabet', 'bytes' if alphabet == 'chars' else 'chars')}",
                option="alphabet",
            )
        self._numbers = SymbolTable(alphabet, self.symbols[1:])
        self._table = self.translation(self._numbers)

    def _encode_text(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens:
        # Unknown words are given numbers behind the known ones, so that they can be named; not for longer than that.
        try:
            return self.index(self._numbers.encode(text), self._numbers, self._table, replaced, where)
        finally:
            self._numbers.forget(len(self.symbols) - 1)

    def translation(self, numbers: SymbolTable) -> Tokens:
        """Return the token index of every number of `numbers`, and that of unknown symbols behind them.

        White space that is not a symbol is read as a space: a line break or a tab divides words as well.
        """
        known = {symbol: token for token, symbol in enumerate(self.symbols[1:], FIRST + 1)}
        if self.alphabet == "chars" and " " in known:
            known = dict.fromkeys(_WHITE, known[" "]) | known
        return numbers.table(known, self.unknown_id, self.dtype)

    def index(
        self, found: NDArray[np.uint32], numbers: SymbolTable, table: Tokens, replaced: Counter[str], where: object
    ) -> Tokens:
        """Return the token indices of symbols that are given by their number; see `encode`.

        Args:
            found: numbers that `numbers` gave, `(L,)`.
            numbers: the symbols that they stand for.
            table: `translation(numbers)`.
            replaced: see `encode`.
            where: see `encode`.
        """
        tokens = table[np.minimum(found, len(table) - 1)]
        unknown = tokens == self.unknown_id
        if unknown.any():
            strange, counts = np.unique(found[unknown], return_counts=True)
            if self.unknown == "error":
                position = int(np.flatnonzero(unknown)[0])
                raise InputError(
                    f"{where}: {numbers.symbol(found[position])!r} at position {position + 1:,} does not occur in the training "
                    "data"
                    + advice(f"use {param('unknown', 'map')} (read it as UNK)", f"{param('unknown', 'drop')} (leave it out)")
                )
            replaced.update({numbers.symbol(number): int(n) for number, n in zip(strange, counts, strict=True)})
            if self.unknown == "drop":
                tokens = tokens[~unknown]
        return tokens

    @property
    def spellings(self) -> Sequence[str]:
        """The text of each symbol; a replacement character for all that are unknown."""
        return [symbol + self._between for symbol in (_REPLACEMENT, *self.symbols[1:])]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the characters or words of token indices; PAD and CLS are left out."""
        return self._between.join(self._symbols_of(tokens))

    def to_dict(self) -> dict[str, Any]:
        """Return the vocabulary as it is saved in `dataset.json`."""
        return {**super().to_dict(), "symbols": self.symbols[1:]}


class Gathering:
    """Stands for a `Gathered` vocabulary while the training split, and with it the symbols, are not known yet.

    Args:
        alphabet: "chars" or "words".
        unknown: see `Vocabulary`; None for "map".

    Attributes:
        numbers: of the symbols met so far.
    """

    dtype = np.uint32
    shape: tuple[int, ...] = ()
    complement: bytes | None = None
    final_lengths: ClassVar[bool] = True

    def __init__(self, alphabet: str, unknown: str | None = None) -> None:
        self.alphabet, self.unknown = alphabet, unknown or "map"
        self.numbers = SymbolTable(alphabet)
        Gathered(alphabet, self.unknown, ())  # the policy is checked before a record is read

    def encode(self, text: bytes | str | NDArray[Any], replaced: Counter[str], where: object) -> NDArray[np.uint32]:
        """Return the numbers of a text's symbols, `(L,)`; nothing is unknown yet.

        Raises:
            InputError: this is not a text.
        """
        if isinstance(text, np.ndarray):
            raise InputError(f"{where}: this is a sequence of numbers and the others are texts; do not mix them")
        return self.numbers.encode(text)

    def vocabulary(self, counts: NDArray[np.int64]) -> Gathered:
        """Return the vocabulary of the symbols that occur, by their `counts`."""
        return Gathered(self.alphabet, self.unknown, self.numbers.frequent(counts))
