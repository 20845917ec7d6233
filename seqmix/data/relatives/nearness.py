"""How near the validation and test records of a data set are to its training records, and what `prepare` says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.shared import Nearest, nearest
from seqmix.data.relatives.sketches import sketch
from seqmix.data.token_file import map_tokens
from seqmix.data.vocabulary import Vocabulary

NEAR = 0.5  # a record has a near relative if one training record has at least this share of its k-mers
LOUD, QUIET = 0.1, 0.01  # shares of the test records with a near relative: from here on advice, or a remark, is given
FEWEST = 3  # such records that are worth a remark


@dataclass(frozen=True, slots=True)
class Nearness:
    """The nearest training record of each validation and test record.

    Attributes:
        nearest: the share of its sampled k-mers that this record has, NaN for training records, and its number.
        unit: what was compared, such as "21-mers" or "runs of 5 words".
        rate: share of them that was sampled.
    """

    nearest: Nearest
    unit: str
    rate: float

    def describe(self, *, stated: bool) -> dict[str, Any]:
        """Return what `dataset.json` says of it.

        Args:
            stated: whether the splits came with the records.
        """
        return {"unit": self.unit, "sampled": round(self.rate, 6), "splits stated": stated}

    def notes(self, split: NDArray[np.int8], **made: bool) -> list[str]:
        """Return `notes_on_nearness` of the records."""
        return notes_on_nearness(self.nearest.containment, split, **made)


def measure(
    tokens: NDArray[Any], offsets: NDArray[np.int64], n_sequences: int, vocabulary: Vocabulary, split: NDArray[np.int8]
) -> Nearness | None:
    """Find the nearest training record of each validation and test record.

    Args:
        tokens: the tokens of all sequences, as a map of `tokens.npy`.
        offsets: where each sequence starts, and where the last ends.
        n_sequences: sequences of a record.
        vocabulary: what the tokens mean.
        split: of each record, `(n,)`.

    Returns:
        None where it is not defined: for numbers and images, without training or other records, and if all are too short.
    """
    training = split == 0
    if not training.any() or not (split > 0).any():
        return None
    sketches = sketch(tokens, offsets, n_sequences, vocabulary)
    if sketches is None:
        return None
    found = nearest(sketches, split > 0, training)
    return None if np.isnan(found.containment).all() else Nearness(found, sketches.unit, sketches.rate)


def store_nearness(folder: Path, n_sequences: int, vocabulary: Vocabulary, split: NDArray[np.int8]) -> Nearness | None:
    """Measure how near the validation and test records of a new data set are to training, and write `nearness.npy`.

    Args:
        folder: of the data set; the tokens and offsets are there.
        n_sequences: sequences of a record.
        vocabulary: what the tokens mean.
        split: of each record, `(n,)`.

    Returns:
        None where it is not defined; nothing is written then.
    """
    found = measure(map_tokens(folder / "tokens.npy"), np.load(folder / "offsets.npy"), n_sequences, vocabulary, split)
    if found:
        np.save(folder / "nearness.npy", found.nearest.containment)
    return found


def near_share(nearness: NDArray[np.float32], split: NDArray[np.int8], number: int) -> tuple[int, float]:
    """Return how many records of a split have a near relative in training, and their share; (0, 0.0) of an empty split."""
    values = nearness[split == number]
    near = int((values >= NEAR).sum())
    return near, near / max(1, len(values))


def notes_on_nearness(
    nearness: NDArray[np.float32],
    split: NDArray[np.int8],
    *,
    stated: bool = False,
    grouped: bool = False,
    similar: bool = False,
) -> list[str]:
    """Return a note if many test records (without any, validation records) have a near relative in training.

    From a tenth of them on, the note says what to do; from a hundredth on, where to look; below, there is none.

    Args:
        nearness: of each record, `(n,)`.
        split: of each record, `(n,)`.
        stated: whether the splits came with the records.
        grouped: whether groups of records were kept whole.
        similar: whether similar records were kept in one split.
    """
    number = 2 if (split == 2).any() else 1
    near, share = near_share(nearness, split, number)
    if near < FEWEST or share < QUIET:
        return []
    which = {1: "validation", 2: "test"}[number]
    text = f"{_percent(share)} of the {which} records have a near relative (≥ {NEAR:g}) in training"
    if share < LOUD:
        return [f"{text}; seqmix check names them"]
    if similar:
        return [f"{text} all the same; a lower share (--split-by similarity=0.3) keeps more of them together"]
    if stated:
        return [
            f"{text}, as the splits are given: --split-by similarity leaves these training records out, and eval also shows "
            "the scores of the other test records"
        ]
    if grouped:
        return [f"{text}, as these groups do not keep relatives together: use --split-by similarity as well"]
    return [f"{text}: use --split-by similarity, or --group"]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
