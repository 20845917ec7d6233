"""Characters <-> indices: the alphabets, their special tokens, and what happens to unknown characters.

Index 0 is PAD, index 1 is CLS, the symbols follow. A vocabulary is saved with the data set and with the model,
so that new sequences are read as the training data were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import ConfigError, InputError

PAD, CLS = 0, 1
_FIRST = 2
ALPHABETS = ("dna", "dna-iupac", "protein", "chars", "bytes")
UNKNOWN_POLICIES = ("map", "drop", "error")

_WHITESPACE = b" \t\r\n\v\f"
_IUPAC = "RYSWKMBDHV"
_AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_COMPLEMENT = str.maketrans("ACGTNRYSWKMBDHV", "TGCANYRSWMKVHDB")

Tokens = NDArray[np.unsignedinteger[Any]]


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
        symbols: for "chars", its characters; the fixed alphabets bring theirs.
    """

    def __init__(self, alphabet: str, unknown: str | None = None, symbols: Iterable[str] | None = None) -> None:
        if alphabet not in ALPHABETS:
            raise ConfigError(f"--alphabet must be auto, {', '.join(ALPHABETS)}: got '{alphabet}'")
        unknown = unknown or ("error" if alphabet in _FIXED else "map")
        if unknown not in UNKNOWN_POLICIES:
            raise ConfigError(f"--unknown must be {', '.join(UNKNOWN_POLICIES)}: got '{unknown}'")
        self.alphabet, self.unknown = alphabet, unknown
        self.settled = False  # belongs to a model: errors do not advise to choose another
        if alphabet in _FIXED:
            self.symbols = list(_FIXED[alphabet].symbols)
            self.unknown_id = self.symbols.index(_FIXED[alphabet].unknown) + _FIRST
            self._build_byte_tables(_FIXED[alphabet])
        elif alphabet == "bytes":
            self.symbols = [f"0x{value:02x}" for value in range(256)]
            self.unknown_id = PAD
        else:
            self.symbols = ["UNK", *sorted(set(symbols or ()))]
            self.unknown_id = _FIRST
            if len(self) > 1 << 16:
                raise ConfigError(
                    f"the texts have {len(self.symbols):,} different characters, at most {(1 << 16) - 3:,} are possible; "
                    "use --alphabet bytes"
                )
            points = np.array([ord(symbol) for symbol in self.symbols[1:]], dtype=np.int64)
            self._points = np.full(int(points.max(initial=0)) + 2, self.unknown_id, dtype=self.dtype)
            self._points[points] = np.arange(len(points)) + _FIRST + 1

    def __len__(self) -> int:
        return len(self.symbols) + _FIRST

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The smallest type that holds every index."""
        return np.uint8 if len(self) <= 256 else np.uint16

    def _build_byte_tables(self, fixed: _Alphabet) -> None:
        table = bytearray([self.unknown_id] * 256)
        letters = {symbol: symbol for symbol in fixed.symbols} | dict(fixed.alias)
        for letter, symbol in letters.items():
            for form in (letter, letter.lower()):
                table[ord(form)] = self.symbols.index(symbol) + _FIRST
        self._table = bytes(table)
        plain = "".join(letters) + "".join(letters).lower()
        self._plain = plain.encode() + _WHITESPACE
        self._ambiguous = frozenset((fixed.ambiguous + fixed.ambiguous.lower()).encode())

    def encode(self, text: bytes | str | NDArray[Any], replaced: Counter[str], where: object) -> Tokens:
        """Token indices of a sequence (white space deleted) or a document.

        Args:
            text: `bytes` of a sequence format, `str`, or values that are taken as they are.
            replaced: counts, by character, what was mapped or dropped; added to.
            where: its `str` names the record in an error (made only then: it costs more than the encoding).

        Raises:
            InputError: a character is not in the alphabet and the policy is "error".
        """
        if isinstance(text, np.ndarray):
            return self._encode_values(text, where)
        if self.alphabet in _FIXED:
            return self._encode_letters(text, replaced, where)
        if self.alphabet == "bytes":
            raw = text.encode() if isinstance(text, str) else text.translate(None, _WHITESPACE)
            return np.frombuffer(raw, dtype=np.uint8).astype(np.uint16) + np.uint16(_FIRST)
        return self.index_points(code_points(text), replaced, where)

    def _encode_values(self, values: NDArray[Any], where: object) -> Tokens:
        if self.alphabet != "bytes":
            advice = "the model takes no such values" if self.settled else "use --alphabet bytes"
            raise InputError(f"{where}: intensities of an image are no text of the alphabet {self.alphabet}; {advice}")
        return values.astype(np.uint16) + np.uint16(_FIRST)

    def _encode_letters(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens:
        # A letter that one byte cannot hold becomes "?", which is no code in any alphabet; it is counted by its name.
        raw = text.encode("latin-1", "replace") if isinstance(text, str) else text
        tokens = raw.translate(self._table, _WHITESPACE)
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
                    tokens = raw.translate(self._table, _WHITESPACE + bytes(foreign))
        return np.frombuffer(tokens, dtype=np.uint8)

    def _foreign_letter(self, text: bytes | str, raw: bytes, code: int, where: object) -> InputError:
        place = raw.index(code)
        letter = text[place] if isinstance(text, str) else chr(code)
        position = len(raw[:place].translate(None, _WHITESPACE)) + 1
        fixed = _FIXED[self.alphabet]
        advice = (
            f"the model was trained on {self.alphabet} sequences and takes no others"
            if self.settled
            else f"{fixed.hint}, or --unknown map (read it as {fixed.unknown}), or --unknown drop (leave it out)"
        )
        return InputError(f"{where}: {letter!r} at position {position:,} is no {fixed.noun}; {advice}")

    def index_points(self, points: NDArray[np.uint32], replaced: Counter[str], where: object) -> Tokens:
        """Token indices of characters given as code points ("chars" only); see `encode`."""
        tokens = self._points[np.minimum(points, len(self._points) - 1)]
        unknown = tokens == self.unknown_id
        if unknown.any():
            strange, counts = np.unique(points[unknown], return_counts=True)
            if self.unknown == "error":
                position = int(np.flatnonzero(unknown)[0])
                raise InputError(
                    f"{where}: {chr(points[position])!r} at position {position + 1:,} does not occur in the training "
                    "data; use --unknown map (read it as UNK) or --unknown drop (leave it out)"
                )
            replaced.update({chr(point): int(n) for point, n in zip(strange, counts, strict=True)})
            if self.unknown == "drop":
                tokens = tokens[~unknown]
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """The symbols of token indices, for people to read; PAD and CLS are left out."""
        if self.alphabet == "bytes":
            return bytes(int(token) - _FIRST for token in tokens if token >= _FIRST).decode("utf-8", "replace")
        return "".join(self.symbols[int(token) - _FIRST] for token in tokens if token >= _FIRST)

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
        if self.alphabet == "chars":
            saved["symbols"] = self.symbols[1:]
        return saved

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Vocabulary:
        """The inverse of `to_dict`."""
        return cls(saved["alphabet"], saved["unknown"], saved.get("symbols"))


def code_points(text: bytes | str | NDArray[Any]) -> NDArray[np.uint32]:
    """The characters of a document (or of a sequence, white space deleted) as numbers."""
    assert not isinstance(text, np.ndarray)  # `prepare` takes values with the alphabet "bytes" only
    if isinstance(text, bytes):
        text = text.translate(None, _WHITESPACE).decode("latin-1")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def guess_alphabet(samples: Iterable[bytes | str | NDArray[Any]], is_sequence: bool) -> str:
    """The alphabet that the first records suggest: "dna", "protein" or "chars"; "bytes" for values.

    DNA if at least 90 % of the letters are A, C, G, T, U or N and all others are codes for several nucleotides
    or gaps; else protein if all are amino-acid codes and the file is of a sequence format; else characters.
    """
    counts: Counter[str] = Counter()
    for sample in samples:
        if isinstance(sample, np.ndarray):
            return "bytes"
        text = sample.decode("latin-1") if isinstance(sample, bytes) else sample
        counts.update("".join(text.split()).upper() if isinstance(sample, bytes) else text.strip().upper())
    total = counts.total()
    certain = sum(counts[letter] for letter in "ACGTUN")
    if total and certain >= 0.9 * total and set(counts) <= set("ACGTUN" + _IUPAC + "-."):
        return "dna"
    if total and is_sequence and set(counts) <= set(_AMINO_ACIDS + "XBZJUO*-."):
        return "protein"
    return "dna" if is_sequence and total and certain >= 0.9 * total else "chars"
