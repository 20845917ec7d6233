"""Motifs: DNA in which counts of words say nothing, and only the order or the distance of two motifs does.

A motif is a text of IUPAC codes: `degenerate` of its positions allow two letters, the others one. The letters of each
occurrence are drawn anew. The motifs A and B follow from `motif_seed`, so that data of other seeds and lengths have the same.
Positions are counted from start to start. The distance is uniform in ``distance - spread..distance + spread``, and the place
of the whole is uniform in the sequence; the rest is background, letters that are uniform and independent. Variants:

- order: A and B; which comes first (A-first, B-first)? The distance is by default five eighths of the length, 5 kb of 8. Then
  the half in which a motif stands tells the class; at a third of the length or less, only both motifs together do.
- spacing: A, A and A; is the second in the middle (equal), or off it to either side by a quarter to a half of the distance
  (unequal)? The outer two are twice the distance apart. The distance is by default two fifths of the length.
- frame: A, then B; is their distance a multiple of three (in-frame) or not (out-of-frame)? The distance is by default a
  sixteenth of the length, and no place of one motif tells anything.

With `copies`, a record is so many stretches of equal length one after the other, each as above and all of the same class.

Counts of words are exactly as likely in one class as in the other. A record is a list of pieces, with a linker between them,
a word of 8 random letters that is drawn once per record. Swapping two pieces that stand between linkers changes the class and
leaves the number of occurrences of every word of up to 9 letters as it is: each such word lies within a piece and its two
linkers. So each record has a twin with equal counts in the other class, and a coin decides which of them is kept. In order,
A and B are swapped; in spacing and frame, a motif and the background beside it.

Decoys are halves of A and B joined, A's first to B's second or the other way round, at random places in the background. A
record of length L has ``(L - M + 1) 2^(degenerate - 2 M)`` matches of a motif of M letters by chance: 0.0005 with the default
options. The strand is always +.

Cost: O(L).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.synthetic.base import Place, Sample, Task
from seqmix.data.synthetic.options import LINKER, VARIANTS, MotifsOptions

Letters = NDArray[np.uint8]

_ACGT = np.frombuffer(b"ACGT", dtype=np.uint8)
_CODES = {"A": "A", "C": "C", "G": "G", "T": "T", "AG": "R", "CT": "Y", "CG": "S", "AT": "W", "GT": "K", "AC": "M"}
_DRAWS = 20  # of a second motif, of which the one least like the first is taken


@dataclass(frozen=True, slots=True)
class _Motif:
    """A motif.

    Attributes:
        name: "A" or "B".
        letters: `(M, 2)`, the two letters that each position allows, equal where it allows one.
    """

    name: str
    letters: Letters

    @property
    def code(self) -> str:
        """The motif in IUPAC codes."""
        return "".join(_CODES["".join(sorted({chr(a), chr(b)}))] for a, b in self.letters.tolist())

    def drawn(self, rng: np.random.Generator) -> Letters:
        """Return the letters of an occurrence, `(M,)`."""
        return self.letters[np.arange(len(self.letters)), rng.integers(2, size=len(self.letters))]

    def crossed(self, other: _Motif) -> _Motif:
        """Return the first half of this motif joined to the second half of the other."""
        half = len(self.letters) // 2
        return _Motif("", np.concatenate([self.letters[:half], other.letters[half:]]))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a record.

    Attributes:
        name: "A" or "B", of which it is an occurrence; "linker" or "background".
        letters: its letters.
    """

    name: str
    letters: Letters


class Motifs(Task[MotifsOptions]):
    """Tell the order or the distance of two motifs in DNA, where counts of words say nothing (2 classes)."""

    name = "motifs"
    alphabet = "dna"
    classes = tuple(name for names in VARIANTS.values() for name in names)

    options_type = MotifsOptions

    def samples(self, count: int, rng: np.random.Generator, options: MotifsOptions) -> Iterator[Sample]:
        """Generate samples with a `str` of `length` letters as `text` and the motifs as `places`; see `Task.samples`."""
        motifs = draw_motifs(options)
        for _ in range(count):
            yield twins(rng, options, motifs)[int(rng.integers(2))]

    def facts(self, options: MotifsOptions) -> dict[str, Any]:
        """Return the motifs, how far apart they are, and how many matches of each to expect by chance in a record."""
        return {
            "motifs": {motif.name: motif.code for motif in draw_motifs(options)},
            "distances": list(options.between),
            "chance_matches": options.chance_matches,
        }

    def show(self, sample: Sample) -> str:
        """Return the places and letters of the motifs, and the class."""
        text = str(sample.text)
        found = ", ".join(f"{place.name} {place.start:,} {text[place.start : place.end]}" for place in sample.places)
        return f"{len(text):,} letters; {found}: {sample.label}"


def draw_motifs(options: MotifsOptions) -> tuple[_Motif, _Motif]:
    """Return the motifs A and B, which differ as much in either half as the best of a few draws."""
    rng = np.random.default_rng(options.motif_seed)

    def draw(name: str) -> _Motif:
        letters = np.stack([_ACGT[rng.permutation(4)[:2]] for _ in range(options.motif_length)])
        single = rng.permutation(options.motif_length)[options.degenerate :]
        letters[single, 1] = letters[single, 0]
        return _Motif(name, letters)

    first = draw("A")
    half = options.motif_length // 2

    def differences(motif: _Motif) -> int:
        apart = (first.letters[:, :, None] != motif.letters[:, None, :]).all(axis=(1, 2))
        return int(min(apart[:half].sum(), apart[half:].sum()))

    return first, max((draw("B") for _ in range(_DRAWS)), key=differences)


def twins(rng: np.random.Generator, options: MotifsOptions, motifs: tuple[_Motif, _Motif]) -> tuple[Sample, Sample]:
    """Draw a record in both of its versions, one of each class, that have equal counts of words of up to 9 letters."""
    draw = {"order": _draw_order, "spacing": _draw_spacing, "frame": _draw_frame}[options.variant]
    versions: tuple[list[_Piece], list[_Piece]] = ([], [])
    for copy in range(options.copies):
        left_over = options.length % options.copies if copy == options.copies - 1 else 0
        pieces, (i, j), drawn = draw(rng, options, options.stretch + left_over, motifs)
        _add_decoys(rng, pieces, options.decoys, motifs)
        versions[drawn].extend(pieces)
        pieces[i], pieces[j] = pieces[j], pieces[i]
        versions[1 - drawn].extend(pieces)
    first, second = (_joined(pieces, label) for pieces, label in zip(versions, VARIANTS[options.variant], strict=True))
    return first, second


# The pieces of a copy, which two of them to swap for the other class, and the number of the class as they are.
_Drawn = tuple[list[_Piece], tuple[int, int], int]


def _draw_order(rng: np.random.Generator, options: MotifsOptions, length: int, motifs: tuple[_Motif, _Motif]) -> _Drawn:
    """Draw A and B with a linker on either side of each."""
    size, distance = options.motif_length, int(rng.integers(options.between[0], options.between[1] + 1))
    linker = _Piece("linker", _letters(rng, LINKER))
    before = int(rng.integers(length - distance - size - 2 * LINKER + 1))
    after = length - before - distance - size - 2 * LINKER
    a, b = (_Piece(motif.name, motif.drawn(rng)) for motif in motifs)
    middle = _background(rng, distance - size - 2 * LINKER)
    pieces = [_background(rng, before), linker, a, linker, middle, linker, b, linker, _background(rng, after)]
    return pieces, (2, 6), 0


def _draw_frame(rng: np.random.Generator, options: MotifsOptions, length: int, motifs: tuple[_Motif, _Motif]) -> _Drawn:
    """Draw A, and B with background behind it that B may be swapped with: one of the distances is a multiple of three."""
    low, high = options.between
    within = outside = 0
    while abs(within - outside) < LINKER or within % 3 or not outside % 3:
        within, outside = rng.integers(low, high + 1, size=2).tolist()
    near, far = sorted((within, outside))
    size = options.motif_length
    before = int(rng.integers(length - far - size - LINKER + 1))
    pieces = [_background(rng, before), *_movable(rng, motifs, near, far)]
    pieces.append(_background(rng, length - before - far - size - LINKER))
    return pieces, (4, 6), int(near != within)


def _draw_spacing(rng: np.random.Generator, options: MotifsOptions, length: int, motifs: tuple[_Motif, _Motif]) -> _Drawn:
    """Draw A three times, and background behind the second that it may be swapped with: one of its places is the middle."""
    distance = int(rng.integers(options.between[0], options.between[1] + 1))
    off = int(rng.integers(-(-distance // 4), distance // 2 + 1))
    near, far = (distance, distance + off) if rng.integers(2) else (distance - off, distance)
    a, size = motifs[0], options.motif_length
    before = int(rng.integers(length - 2 * distance - size + 1))
    pieces = [_background(rng, before), *_movable(rng, (a, a), near, far)]
    pieces += [_background(rng, 2 * distance - far - size - LINKER), _Piece(a.name, a.drawn(rng))]
    pieces.append(_background(rng, length - before - 2 * distance - size))
    return pieces, (4, 6), int(near != distance)


def _movable(rng: np.random.Generator, motifs: tuple[_Motif, _Motif], near: int, far: int) -> list[_Piece]:
    """Draw two motifs; the second is at the distance `near`, and at `far` if it is swapped with the background behind it."""
    linker = _Piece("linker", _letters(rng, LINKER))
    first, second = (_Piece(motif.name, motif.drawn(rng)) for motif in motifs)
    between = _background(rng, near - len(first.letters) - LINKER)
    return [first, between, linker, second, linker, _background(rng, far - near - LINKER), linker]


def _background(rng: np.random.Generator, length: int) -> _Piece:
    return _Piece("background", _letters(rng, length))


def _letters(rng: np.random.Generator, length: int) -> Letters:
    return _ACGT[rng.integers(4, size=length, dtype=np.uint8)]


def _add_decoys(rng: np.random.Generator, pieces: list[_Piece], count: int, motifs: tuple[_Motif, _Motif]) -> None:
    """Write decoys into the background; where there is no room for one, there is none."""
    a, b = motifs
    kinds = (a.crossed(b), b.crossed(a))
    size = len(a.letters)
    room = np.array([max(0, len(piece.letters) - size + 1) * (piece.name == "background") for piece in pieces])
    ends = np.cumsum(room)
    for _ in range(count if ends[-1] else 0):
        place = int(rng.integers(ends[-1]))
        i = int(np.searchsorted(ends, place, side="right"))
        start = place - int(ends[i] - room[i])
        pieces[i].letters[start : start + size] = kinds[int(rng.integers(2))].drawn(rng)


def _joined(pieces: list[_Piece], label: str) -> Sample:
    """Return the record that the pieces make."""
    ends = np.cumsum([len(piece.letters) for piece in pieces]).tolist()
    places = tuple(
        Place(piece.name, end - len(piece.letters), end, "+")
        for piece, end in zip(pieces, ends, strict=True)
        if piece.name in ("A", "B")
    )
    return Sample(np.concatenate([piece.letters for piece in pieces]).tobytes().decode("ascii"), label, places)
