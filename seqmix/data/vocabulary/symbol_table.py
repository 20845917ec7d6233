"""Numbers for symbols before it is known which of them a vocabulary has: code points, or words as they come.

Which characters or words the training split has is not known while a data set is read: they are kept as these numbers, and
become token indices afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_SYMBOLS = (1 << 16) - 3  # of a vocabulary: token indices have two bytes, and three are taken
WHITESPACE = b" \t\r\n\v\f"
_CODE_POINTS = 0x110000


class SymbolTable:
    """Numbers for the symbols of texts.

    Args:
        alphabet: "chars" or "words".
        symbols: words that have numbers from the start, from 0.
    """

    def __init__(self, alphabet: str, symbols: Iterable[str] = ()) -> None:
        self._words = {word: number for number, word in enumerate(symbols)} if alphabet == "words" else None
        self._names = list(self._words or ())

    def encode(self, text: bytes | str) -> NDArray[np.uint32]:
        """Return the numbers of a text's symbols, `(L,)`."""
        if self._words is None:
            return code_points(text)
        parts = text.decode("latin-1").split() if isinstance(text, bytes) else text.split()
        numbers = []
        for part in parts:
            number = self._words.setdefault(part, len(self._names))
            if number == len(self._names):
                self._names.append(part)
            numbers.append(number)
        return np.array(numbers, dtype=np.uint32)

    def forget(self, size: int) -> None:
        """Forget all words but the first `size`."""
        if self._words is not None:
            for word in self._names[size:]:
                del self._words[word]
            del self._names[size:]

    def symbol(self, number: int) -> str:
        """Return the symbol that has a number."""
        return chr(number) if self._words is None else self._names[number]

    @property
    def size(self) -> int:
        """More than any number that was given."""
        return _CODE_POINTS if self._words is None else len(self._names)

    def table(self, known: Mapping[str, int], unknown: int, dtype: Any) -> NDArray[Any]:
        """Return the token of every number up to the last that is known, and `unknown` at the end and in the gaps.

        Args:
            known: the token index of each known symbol.
            unknown: the token index of all others.
            dtype: of the table.
        """
        if self._words is None:
            places = {ord(symbol): token for symbol, token in known.items()}
        else:
            places = {self._words[word]: token for word, token in known.items() if word in self._words}
        table = np.full(max(places, default=0) + 2, unknown, dtype=dtype)
        table[list(places)] = list(places.values())
        return table

    def frequent(self, counts: NDArray[np.int64]) -> list[str]:
        """Return the symbols that occur, by their `counts`; the most frequent if words are too many."""
        found = np.flatnonzero(counts)
        if self._words is not None and len(found) > MOST_SYMBOLS:
            found = found[np.argsort(-counts[found], kind="stable")][:MOST_SYMBOLS]
        return [self.symbol(int(number)) for number in found]


def code_points(text: bytes | str) -> NDArray[np.uint32]:
    """Return the characters of a document (or of a sequence, white space deleted) as numbers."""
    if isinstance(text, bytes):
        text = text.translate(None, WHITESPACE).decode("latin-1")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
