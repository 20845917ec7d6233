"""Alphabets whose letters are known beforehand: nucleotides and amino acids."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from seqmix.data.vocabulary.base import FIRST, Tokens, Vocabulary
from seqmix.data.vocabulary.junk import junk_at
from seqmix.data.vocabulary.symbol_table import WHITESPACE
from seqmix.errors import InputError, param

IUPAC = "RYSWKMBDHV"  # codes for several nucleotides
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_HEADER = ord(">")  # is not replaced within a sequence: what follows it is the header of another
_COMPLEMENT = str.maketrans("ACGTNRYSWKMBDHV", "TGCANYRSWMKVHDB")


@dataclass(frozen=True, slots=True)
class _Letters:
    """What a fixed alphabet consists of.

    Attributes:
        symbols: one letter each.
        unknown: the symbol of what is unknown.
        ambiguous: codes that stand for several symbols: always read as `unknown`, and counted.
        alias: letters silently read as another.
        letters: how many of the symbols k-mers are made of.
        noun: what a letter is called in errors, with its article.
        hint: an alphabet to recommend where a letter is foreign and is one of amino acids.
    """

    symbols: str
    unknown: str
    ambiguous: str
    alias: Mapping[str, str]
    letters: int
    noun: str
    hint: str


FIXED = {
    "dna": _Letters("ACGTN", "N", IUPAC, {"U": "T"}, 4, "a nucleotide code", "protein"),
    "dna-iupac": _Letters("ACGTN" + IUPAC, "N", "", {"U": "T"}, 4, "a nucleotide code", "protein"),
    "protein": _Letters(AMINO_ACIDS + "X*", "X", "BZJUO", {}, len(AMINO_ACIDS), "an amino-acid code", "chars"),
}


class FixedAlphabet(Vocabulary):
    """Nucleotides or amino acids, in either case; codes for several of them are read as unknown and counted.

    Args:
        alphabet: "dna", "dna-iupac" or "protein".
        unknown: see `Vocabulary`.
        trained: see `Vocabulary`.
    """

    def __init__(self, alphabet: str, unknown: str = "error", *, trained: bool = False) -> None:
        self._fixed = fixed = FIXED[alphabet]
        super().__init__(alphabet, unknown, fixed.symbols, fixed.symbols.index(fixed.unknown) + FIRST, trained)
        self.letters = fixed.letters
        table = bytearray([self.unknown_id] * 256)
        read_as = {symbol: symbol for symbol in fixed.symbols} | dict(fixed.alias)
        for letter, symbol in read_as.items():
            for form in (letter, letter.lower()):
                table[ord(form)] = self.symbols.index(symbol) + FIRST
        self._table = bytes(table)
        self._plain = ("".join(read_as) + "".join(read_as).lower()).encode() + WHITESPACE
        self._ambiguous = frozenset((fixed.ambiguous + fixed.ambiguous.lower()).encode())
        if fixed.letters == 4:
            self.complement = self._complement_table()

    def _complement_table(self) -> bytes:
        table = bytearray(range(256))
        for index, symbol in enumerate(self.symbols):
            table[index + FIRST] = self.symbols.index(symbol.translate(_COMPLEMENT)) + FIRST
        return bytes(table)

    def _encode_text(self, text: bytes | str, replaced: Counter[str], where: object) -> Tokens:
        # A letter that one byte cannot hold becomes "?", which is not a code in any alphabet; it is counted by its name.
        raw = text.encode("latin-1", "replace") if isinstance(text, str) else text
        tokens = raw.translate(self._table, WHITESPACE)
        if self.unknown_id.to_bytes() in tokens and (odd := raw.translate(None, self._plain)):
            counts = Counter(odd)
            foreign = {code: n for code, n in counts.items() if code not in self._ambiguous}
            if foreign and (self.unknown == "error" or (_HEADER in foreign and isinstance(text, bytes))):
                raise self._foreign_letter(text, raw, _HEADER if _HEADER in foreign else next(iter(foreign)), where)
            self._count(text, counts, replaced)
            if foreign and self.unknown == "drop":
                tokens = raw.translate(self._table, WHITESPACE + bytes(foreign))
        return np.frombuffer(tokens, dtype=np.uint8)

    def _count(self, text: bytes | str, counts: Counter[int], replaced: Counter[str]) -> None:
        """Add what stands in `text` for unknown letters, `counts` of its bytes, to `replaced`."""
        if isinstance(text, str):
            wide = Counter(letter for letter in text if ord(letter) > 255)
            counts[ord("?")] -= wide.total()
            replaced.update(wide)
        elif any(code > 127 for code in counts):
            counts = _by_letter(counts, text.translate(None, self._plain))
        replaced.update({chr(code): n for code, n in counts.items() if n})

    def _other_alphabet(self, text: bytes | str, letter: str) -> str:
        """Return the advice to use an alphabet that has a letter; "" for gaps, digits and damage among nucleotides."""
        hint, proteins = self._fixed.hint, FIXED["protein"]
        if hint != "protein" or letter.upper() in proteins.symbols + proteins.ambiguous:
            return param("alphabet", hint)
        return param("alphabet", "chars") if isinstance(text, str) else ""

    def _foreign_letter(self, text: bytes | str, raw: bytes, code: int, where: object) -> InputError:
        place = raw.index(code)
        letter = text[place] if isinstance(text, str) else _letter_at(raw, place)
        position = len(raw[:place].translate(None, WHITESPACE)) + 1
        if code == _HEADER and isinstance(text, bytes) and b"<" not in text:
            return InputError(f"{where}: a line break is missing before '>' at position {position:,}; insert it")
        name = f" ({unicodedata.name(letter, 'without a name')})" if ord(letter) > 127 else ""
        what = f"{where}: {letter!r}{name} at position {position:,} is not {self._fixed.noun}; "
        if isinstance(text, bytes):
            line = getattr(where, "line", 0)
            if junk := junk_at(raw, place, self._plain + bytes(self._ambiguous), line + 1 if line else 0):
                return InputError(what + junk)
        return InputError(what + self._advice(text, letter))

    def _advice(self, text: bytes | str, letter: str) -> str:
        """Return what to do about a letter that is not a code."""
        invisible = ord(letter) > 127 and unicodedata.category(letter) in ("Zs", "Cf")
        if self.trained and not invisible:
            return f"{self.meant_for} {self.alphabet} sequences and does not take others"
        drop = f"{param('unknown', 'drop')} (leave it out)"
        if invisible:
            return "it cannot be seen; take it out of the file" + ("" if self.trained else f", or use {drop}")
        other = self._other_alphabet(text, letter)
        return f"use {f'{other}, or ' if other else ''}{param('unknown', 'map')} (read it as {self._fixed.unknown}), or {drop}"


def _letter_at(raw: bytes, place: int) -> str:
    """Return the letter that begins at a place, in UTF-8; the byte as Latin-1 if none does."""
    for end in range(place + 1, place + 5):
        with suppress(UnicodeDecodeError):
            return raw[place:end].decode()
    return chr(raw[place])


def _by_letter(counts: Counter[int], odd: bytes) -> Counter[int]:
    """Return how often each letter occurs, by code point; the counts of bytes if they are not UTF-8."""
    with suppress(UnicodeDecodeError):
        return Counter(map(ord, odd.decode()))
    return counts
