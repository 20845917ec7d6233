"""Symbols <-> indices: the alphabets, their special tokens, and what happens to unknown symbols.

Symbols are characters, or words between white space. Index 0 is PAD, index 1 is CLS, the symbols follow. A vocabulary is
saved with the data set and with the model, so that new sequences are read as the training data were.

The alphabet "real" has no symbols: its sequences are vectors of real numbers, which pass through as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.options import ALPHABETS, UNKNOWN_POLICIES
from seqmix.data.symbol_table import MOST_SYMBOLS, WHITESPACE, SymbolTable
from seqmix.errors import ConfigError, InputError

PAD, CLS = 0, 1
_FIRST = 2
GATHERED = ("chars", "words")  # alphabets that consist of what occurs in the training split

_IUPAC = "RYSWKMBDHV"
_AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_COMPLEMENT = str.maketrans("ACGTNRYSWKMBDHV", "TGCANYRSWMKVHDB")

Tokens = NDArray[Any]  # `(n,)` of an unsigned type; of the alphabet "real": `(n, channels)` float32


@dataclass(frozen=True, slots=True)
class _Alphabet:
    """One of the fixed alphabets: its symbols, the symbol of what is unknown, letters silently read as another."""

    symbols: str
    unknown: str
    ambiguous: str  # codes that stand for several symbols: always read as `unknown`, and counted
    alias: Mapping[str, str]
    noun: str
    hint: str


_FIXED = {
    "dna": _Alphabet("ACGTN", "N", _IUPAC, {"U": "T"}, "nucleotide code", "use --alphabet protein"),
    "dna-iupac": _Alphabet("ACGTN" + _IUPAC, "N", "", {"U": "T"}, "nucleotide code", "use --alphabet protein"),
    "protein": _Alphabet(_AMINO_ACIDS + "X*", "X", "BZJUO", {}, "amino-acid code", "use --alphabet chars"),
}


class Vocabulary:
    """The alphabet of a data set: encodes text into token indices and counts what it had to replace.

    Args:
        alphabet: one of `ALPHABETS`.
        unknown: what to do with a character outside the alphabet: "map" to the unknown symbol (N, X or UNK),
            "drop" it, or "error". Codes for several nucleotides (and B, Z, J, U, O in proteins) are mapped in any case.
        symbols: for "chars" and "words", the characters or words; the fixed alphabets bring theirs.
        channels: for "real", the numbers at each position; None: as many as the first sequence has.
        mean, scale: for "real", of each channel over the training split, by which a model brings numbers to mean 0 and
            variance 1; None: it takes them as they are.
    """

    def __init__(
        self,
        alphabet: str,
        unknown: str | None = None,
        symbols: Iterable[str] | None = None,
        channels: int | None = None,
        mean: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
    ) -> None:
        if alphabet not in ALPHABETS:
            raise ConfigError(f"--alphabet must be auto, {', '.join(ALPHABETS)}: got '{alphabet}'")
        unknown = unknown or ("error" if alphabet in _FIXED else "map")
        if unknown not in UNKNOWN_POLICIES:
            raise ConfigError(f"--unknown must be {', '.join(UNKNOWN_POLICIES)}: got '{unknown}'")
        self.alphabet, self.unknown = alphabet, unknown
        self.frozen = False  # belongs to a model: errors do not advise to choose another
        self.channels, self.mean, self.scale = channels, mean, scale
        if alphabet in _FIXED:
            self.symbols = list(_FIXED[alphabet].symbols)
            self.unknown_id = self.symbols.index(_FIXED[alphabet].unknown) + _FIRST
            self._build_byte_tables(_FIXED[alphabet])
        elif alphabet == "bytes":
            self.symbols = [f"0x{value:02x}" for value in range(256)]
            self.unknown_id = PAD
        elif alphabet == "real":
            self.symbols, self.unknown_id = [], PAD
        else:
            self.symbols = ["UNK", *sorted(set(symbols or ()))]
            self.unknown_id = _FIRST
            if len(self.symbols) - 1 > MOST_SYMBOLS:
                raise ConfigError(
                    f"the texts have {len(self.symbols):,} different {self.noun}s, at most {MOST_SYMBOLS:,} are possible; "
                    f"use --alphabet {'bytes' if alphabet == 'chars' else 'chars'}"
                )
            self._numbers = SymbolTable(alphabet, self.symbols[1:])
            self._table = self.translation(self._numbers)

    first = _FIRST

    def __len__(self) -> int:
        return len(self.symbols) + _FIRST

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16] | type[np.float32]:
        """The smallest type that holds every index; float32 for real numbers."""
        if self.alphabet == "real":
            return np.float32
        return np.uint8 if len(self) <= 256 else np.uint16

    @property
    def noun(self) -> str:
        """What a position of a sequence is called."""
        return {"words": "word", "real": "position"}.get(self.alphabet, "character")

    def _build_byte_tables(self, fixed: _Alphabet) -> None:
        table = bytearray([self.unknown_id] * 256)
        letters = {symbol: symbol for symbol in fixed.symbols} | dict(fixed.alias)
        for letter, symbol in letters.items():
            for form in (letter, letter.lower()):
                table[ord(form)] = self.symbols.index(symbol) + _FIRST
        self._bytes = bytes(table)
        plain = "".join(letters) + "".join(letters).lower()
        self._plain = plain.encode() + WHITESPACE
        self._ambiguous = frozenset((fixed.ambiguous + fixed.ambiguous.lower()).encode())

    def encode(self, text: bytes | str | NDArray[Any], replaced: Counter[str], where: object) -> Tokens:
        """Token indices of a sequence (white space deleted) or a document.

        Args:
            text: `bytes` of a sequence format, or `str`; for the alphabet "real", an array `(n, channels)`; for "bytes", also
                an array of values that are taken as they are.
            replaced: counts, by character, what was mapped or dropped; added to.
            where: its `str` names the record in an error (made only then: it costs more than the encoding).

        Raises:
            InputError: a character is not in the alphabet and the policy is "error", or the kind of data is another.
        """
        if isinstance(text, np.ndarray) and text.dtype == np.uint8 and self.alphabet != "real":
            return self._encode_values(text, where)
        if self.alphabet == "real" or isinstance(text, np.ndarray):
            return self._vectors(text, where)
        if self.alphabet in _FIXED:
            return self._encode_letters(text, replaced, where)
        if self.alphabet == "bytes":
            raw = text.encode() if isinstance(text, str) else text.translate(None, WHITESPACE)
            return np.frombuffer(raw, dtype=np.uint8).astype(np.uint16) + np.uint16(_FIRST)
        # Unknown words are given numbers behind the known ones, so that they can be named; not for longer than that.
        try:
            return self.index(self._numbers.encode(text), self._numbers, self._table, replaced, where)
        finally:
            self._numbers.forget(len(self.symbols) - 1)

    def _vectors(self, values: Any, where: object) -> Tokens:
        """Real numbers, as they are."""
        if self.alphabet != "real" or not isinstance(values, np.ndarray):
            if self.frozen:
                taken = "numbers (JSONL with values)" if self.alphabet == "real" else "texts and sequences, not on numbers"
                raise InputError(f"{where}: the model was trained on {taken}, and takes nothing else")
            kinds = ("sequences of numbers", "texts") if self.alphabet == "real" else ("texts", "sequences of numbers")
            raise InputError(f"{where}: the others are {kinds[0]}, and this is none; do not mix them with {kinds[1]}")
        if not len(values):  # has no channels that could be compared
            return np.empty((0, self.channels or 1), dtype=np.float32)
        vectors: Tokens = values.astype(np.float32).reshape(len(values), -1)
        if self.channels is None:
            self.channels = vectors.shape[1]
        if vectors.shape[1] != self.channels:
            others = "the model takes" if self.frozen else "the others have"
            raise InputError(f"{where}: {vectors.shape[1]} numbers at each position, {others} {self.channels}")
        if not np.isfinite(vectors).all():
            raise InputError(f"{where}: not all numbers are finite; remove the record, or fill what is missing")
        return vectors

    def _encode_values(self, values: NDArray[Any], where: object) -> Tokens:
        if self.alphabet != "bytes":
            advice = "the model takes no such values" if self.frozen else "use --alphabet bytes"
            raise InputError(f"{where}: intensities of an image are no text of the alphabet {self.alphabet}; {advice}")
        return values.astype(np.uint16) + np.uint16(_FIRST)

    def _encode_letters(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens:
        # A letter that one byte cannot hold becomes "?", which is no code in any alphabet; it is counted by its name.
        raw = text.encode("latin-1", "replace") if isinstance(text, str) else text
        tokens = raw.translate(self._bytes, WHITESPACE)
        if self.unknown_id.to_bytes() in tokens:
            odd = raw.translate(None, self._plain)
            if odd:
                counts = Counter(odd)
                foreign = {code: n for code, n in counts.items() if code not in self._ambiguous}
                if foreign and self.unknown == "error":
                    raise self._foreign_letter(text, raw, next(iter(foreign)), where)
                if isinstance(text, str):
                    wide = Counter(letter for letter in text if ord(letter) > 255)
                    counts[ord("?")] -= wide.total()
                    replaced.update(wide)
                replaced.update({chr(code): n for code, n in counts.items() if n})
                if foreign and self.unknown == "drop":
                    tokens = raw.translate(self._bytes, WHITESPACE + bytes(foreign))
        return np.frombuffer(tokens, dtype=np.uint8)

    def _foreign_letter(self, text: bytes | str, raw: bytes, code: int, where: object) -> InputError:
        place = raw.index(code)
        letter = text[place] if isinstance(text, str) else chr(code)
        position = len(raw[:place].translate(None, WHITESPACE)) + 1
        fixed = _FIXED[self.alphabet]
        advice = (
            f"the model was trained on {self.alphabet} sequences and takes no others"
            if self.frozen
            else f"{fixed.hint}, or --unknown map (read it as {fixed.unknown}), or --unknown drop (leave it out)"
        )
        return InputError(f"{where}: {letter!r} at position {position:,} is no {fixed.noun}; {advice}")

    def translation(self, numbers: SymbolTable) -> Tokens:
        """The token index of every number of `numbers`, and that of unknown symbols behind them."""
        known = {symbol: token for token, symbol in enumerate(self.symbols[1:], _FIRST + 1)}
        return numbers.table(known, self.unknown_id, self.dtype)

    def index(
        self, found: NDArray[np.uint32], numbers: SymbolTable, table: Tokens, replaced: Counter[str], where: object
    ) -> Tokens:
        """Token indices of symbols given by their number; see `encode`.

        Args:
            found: numbers that `numbers` gave; table: `translation(numbers)`.
        """
        tokens: Tokens = table[np.minimum(found, len(table) - 1)]
        unknown = tokens == self.unknown_id
        if unknown.any():
            strange, counts = np.unique(found[unknown], return_counts=True)
            if self.unknown == "error":
                position = int(np.flatnonzero(unknown)[0])
                raise InputError(
                    f"{where}: {numbers.symbol(found[position])!r} at position {position + 1:,} does not occur in the training "
                    "data; use --unknown map (read it as UNK) or --unknown drop (leave it out)"
                )
            replaced.update({numbers.symbol(number): int(n) for number, n in zip(strange, counts, strict=True)})
            if self.unknown == "drop":
                tokens = tokens[~unknown]
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """The symbols of token indices, for people to read; PAD and CLS are left out."""
        if self.alphabet == "bytes":
            return bytes(int(token) - _FIRST for token in tokens if token >= _FIRST).decode("utf-8", "replace")
        between = " " if self.alphabet == "words" else ""
        return between.join(self.symbols[int(token) - _FIRST] for token in tokens if token >= _FIRST)

    @property
    def letters(self) -> int:
        """How many of the first symbols words (k-mers) are made of: 4 for DNA, 20 for proteins; 0: there are none."""
        return {"dna": 4, "dna-iupac": 4, "protein": len(_AMINO_ACIDS)}.get(self.alphabet, 0)

    @property
    def complement(self) -> bytes | None:
        """A `bytes.translate` table from each token to that of its complement; None where there is none."""
        if not self.alphabet.startswith("dna"):
            return None
        table = bytearray(range(256))
        for index, symbol in enumerate(self.symbols):
            table[index + _FIRST] = self.symbols.index(symbol.translate(_COMPLEMENT)) + _FIRST
        return bytes(table)

    def to_dict(self) -> dict[str, Any]:
        """As it is saved in `dataset.json`."""
        saved: dict[str, Any] = {
            "alphabet": self.alphabet,
            "unknown": self.unknown,
            "special": {"PAD": PAD, "CLS": CLS},
        }
        if self.alphabet in GATHERED:
            saved["symbols"] = self.symbols[1:]
        if self.alphabet == "real":
            saved |= {"channels": self.channels, "mean": self.mean, "scale": self.scale}
        return saved

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Vocabulary:
        """The inverse of `to_dict`."""
        given = {name: saved.get(name) for name in ("symbols", "channels", "mean", "scale")}
        return cls(saved["alphabet"], saved["unknown"], **given)


def guess_alphabet(samples: Sequence[bytes | str | NDArray[Any]], is_sequence: bool) -> str:
    """The alphabet that the first records suggest: "dna", "protein" or "chars"; of numbers, "real".

    DNA if at least 90 % of the letters are A, C, G, T, U or N and all others are codes for several nucleotides
    or gaps; else protein if all are amino-acid codes and the file is of a sequence format; else characters.
    """
    counts: Counter[str] = Counter()
    for sample in samples:
        if isinstance(sample, np.ndarray):
            return "real"
        text = sample.decode("latin-1") if isinstance(sample, bytes) else sample
        counts.update("".join(text.split()).upper() if isinstance(sample, bytes) else text.strip().upper())
    total = counts.total()
    certain = sum(counts[letter] for letter in "ACGTUN")
    if total and certain >= 0.9 * total and set(counts) <= set("ACGTUN" + _IUPAC + "-."):
        return "dna"
    if total and is_sequence and set(counts) <= set(_AMINO_ACIDS + "XBZJUO*-."):
        return "protein"
    return "dna" if is_sequence and total and certain >= 0.9 * total else "chars"
