"""The second pass of `prepare()`: tokens, offsets and ids in their final form, once the splits are known.

Records that are left out are taken out of the files, numbers of symbols become token indices of the vocabulary that the
training split has, texts are divided into the subwords that it teaches, and real numbers get their moments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.likely_fills import notes_on_fills, ranges
from seqmix.data.token_file import map_tokens, new_token_file, write_header
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Gathered, Gathering, Reals, SubwordLearning, Subwords, Tokens, Vocabulary
from seqmix.data.writer import LengthLimits, WrittenRecords

_CHUNK = 1 << 22  # tokens that are held at a time
_LEARNED_FROM = 100_000_000  # bytes of texts; more would take minutes and change little

Converter = Callable[[int, NDArray[Any]], Tokens]


@dataclass(frozen=True, slots=True)
class FinalRecords:
    """The records that are in the data set.

    Attributes:
        vocabulary: what their tokens mean.
        keep: which of the written records they are, `(n,)`.
        emptied: number of records left out because all their characters were dropped as unknown.
        too_short: number of records left out in this pass because they are too short.
        truncated: number of records cut in this pass.
        notes: what a user should know about their numbers.
        ranges: the smallest and the largest number of each channel; [] if the tokens are not numbers.
    """

    vocabulary: Vocabulary
    keep: NDArray[np.bool_]
    emptied: int = 0
    too_short: int = 0
    truncated: int = 0
    notes: Sequence[str] = ()
    ranges: Sequence[Sequence[float]] = ()


@dataclass(frozen=True, slots=True)
class _NamedLater:
    """Names a record of a later split, should an error need it."""

    written: WrittenRecords
    number: int

    def __str__(self) -> str:
        return f"{self.written.name_of(self.number)} (of a later split)"


def finalize(written: WrittenRecords, split: NDArray[np.int8], keep: NDArray[np.bool_], limits: LengthLimits) -> FinalRecords:
    """Write `tokens.npy`, `offsets.npy` and `ids.txt` as the data set has them.

    Args:
        written: the records of the first pass.
        split: the split of each, `(n,)`.
        keep: which of them are kept, `(n,)`.
        limits: of the lengths.

    Raises:
        InputError: a record has a symbol that the training split does not have, and that is an error.
    """
    encoder, lengths = written.encoder, written.lengths.reshape(-1, written.n_sequences)
    cutting = None
    if isinstance(encoder, Gathering):
        gathered = _gathered(written, encoder, (split == 0) & keep)
        lengths = _rewrite(written, keep, gathered, _index(written, encoder, gathered))
        vocabulary: Vocabulary = gathered
    elif isinstance(encoder, SubwordLearning):
        vocabulary = encoder.vocabulary(_texts(written, (split == 0) & keep))
        cutting = _Cutting(written, vocabulary, limits)
        lengths = _rewrite(written, keep, vocabulary, cutting)
    else:
        vocabulary = encoder
        if not keep.all():
            lengths = _rewrite(written, keep, vocabulary, lambda _, tokens: tokens)
    full = keep & (lengths > 0).all(1)
    np.save(written.folder / "offsets.npy", np.concatenate(([0], np.cumsum(lengths[full]))))
    if not full.all():
        _keep_ids(written.folder, full)
    if isinstance(vocabulary, Reals) and not vocabulary.trained:
        vocabulary = _with_moments(written.folder, vocabulary, np.repeat(split[full] == 0, written.n_sequences))
    lost = int(keep.sum() - full.sum())
    if cutting:
        return FinalRecords(vocabulary, full, too_short=lost, truncated=int(full[list(cutting.truncated)].sum()))
    if not isinstance(vocabulary, Reals):
        return FinalRecords(vocabulary, full, emptied=lost)
    found = ranges(map_tokens(written.folder / "tokens.npy"))
    return FinalRecords(vocabulary, full, emptied=lost, notes=_notes_on_numbers(written), ranges=found)


def _gathered(written: WrittenRecords, gathering: Gathering, chosen: NDArray[np.bool_]) -> Gathered:
    """Return the vocabulary of the symbols in the chosen records, `(n,)`."""
    numbers = map_tokens(written.folder / "tokens.npy")
    counts = np.zeros(gathering.numbers.size, dtype=np.int64)
    for part in _chunks(numbers, _offsets(written.lengths), np.repeat(chosen, written.n_sequences)):
        symbols, occurrences = np.unique(part, return_counts=True)
        counts[symbols] += occurrences
    return gathering.vocabulary(counts)


def _index(written: WrittenRecords, gathering: Gathering, vocabulary: Gathered) -> Converter:
    """Return what makes token indices of the numbers of symbols of a record."""
    numbers = gathering.numbers
    table = vocabulary.translation(numbers)
    return lambda i, found: vocabulary.index(found, numbers, table, written.replaced, _NamedLater(written, i))


def _texts(written: WrittenRecords, chosen: NDArray[np.bool_]) -> Iterator[str]:
    """Yield the texts of the chosen records, `(n,)`; if there are too many, of some of them, evenly spaced."""
    tokens, bounds = map_tokens(written.folder / "tokens.npy"), _offsets(written.lengths)
    sequences = np.flatnonzero(np.repeat(chosen, written.n_sequences))
    size = int(written.lengths[sequences].sum())
    for i in sequences[:: max(1, -(-size // _LEARNED_FROM))]:
        yield _text(tokens[bounds[i] : bounds[i + 1]])


def _text(data: NDArray[np.uint8]) -> str:
    return data.tobytes().decode()


class _Cutting:
    """Divides texts into subwords, of which it keeps as many as the limits say; nothing of a text that is too short.

    Args:
        written: the records.
        vocabulary: knows the subwords.
        limits: of the lengths.

    Attributes:
        truncated: numbers of the records of which a text was cut.
    """

    def __init__(self, written: WrittenRecords, vocabulary: Subwords, limits: LengthLimits) -> None:
        self._written, self._vocabulary, self._limits = written, vocabulary, limits
        self.truncated: set[int] = set()

    def __call__(self, number: int, data: NDArray[Any]) -> Tokens:
        """Return the tokens of a text of record `number`."""
        limits = self._limits
        tokens = self._vocabulary.encode(_text(data), self._written.replaced, _NamedLater(self._written, number))
        if len(tokens) < limits.min_length:
            return tokens[:0]
        if limits.max_length is not None and len(tokens) > limits.max_length:
            self.truncated.add(number)
        return cut(tokens, limits.max_length, limits.truncate)


def _rewrite(written: WrittenRecords, keep: NDArray[np.bool_], vocabulary: Vocabulary, convert: Converter) -> NDArray[np.int64]:
    """Write `tokens.npy` again, without the records that are not kept.

    Args:
        written: the records.
        keep: which are kept, `(n,)`.
        vocabulary: what the new tokens mean.
        convert: makes them of a sequence, given the number of its record.

    Returns:
        The new lengths `(n, n_sequences)`, 0 of records that are not kept, or of which a sequence is empty now.
    """
    tokens = map_tokens(written.folder / "tokens.npy")
    bounds = _offsets(written.lengths)
    lengths = np.zeros((len(written), written.n_sequences), dtype=np.int64)
    final = written.folder / "tokens.final"
    with new_token_file(final) as out:
        for i in np.flatnonzero(keep):
            first = i * written.n_sequences
            ends = bounds[first : first + written.n_sequences + 1]
            parts = [convert(int(i), tokens[a:b]) for a, b in pairwise(ends)]
            if all(len(part) for part in parts):
                out.writelines(part.tobytes() for part in parts)
                lengths[i] = [len(part) for part in parts]
        write_header(out, int(lengths.sum()), vocabulary)
    final.replace(written.folder / "tokens.npy")
    return lengths


def _keep_ids(folder: Path, keep: NDArray[np.bool_]) -> None:
    """Take the ids of records that are not kept out of `ids.txt`."""
    final = folder / "ids.final"
    with (folder / "ids.txt").open("rb") as ids, final.open("wb") as out:
        out.writelines(line for line, kept in zip(ids, keep, strict=True) if kept)
    final.replace(folder / "ids.txt")


def _with_moments(folder: Path, vocabulary: Reals, chosen: NDArray[np.bool_]) -> Reals:
    """Return the vocabulary with mean and standard deviation of each channel over the chosen sequences."""
    values, offsets = map_tokens(folder / "tokens.npy"), np.load(folder / "offsets.npy")
    count, total, squares = 0, np.zeros(values.shape[1]), np.zeros(values.shape[1])
    # Relative to the first value: a large mean would leave nothing of a small spread.
    origin = values[0].astype(np.float64)
    for part in _chunks(values, offsets, chosen):
        part = part.astype(np.float64) - origin
        count, total, squares = count + len(part), total + part.sum(0), squares + (part * part).sum(0)
    mean = total / max(1, count)
    spread = np.sqrt(np.maximum(0.0, squares / max(1, count) - mean * mean))
    return Reals(vocabulary.unknown, vocabulary.channels, (mean + origin).tolist(), np.where(spread > 0, spread, 1.0).tolist())


def _notes_on_numbers(written: WrittenRecords) -> list[str]:
    """Return notes on values that are likely to stand for missing ones, once the files have their final form."""
    offsets = np.load(written.folder / "offsets.npy")

    def record_of(position: int) -> str:
        sequence = int(np.searchsorted(offsets, position, side="right")) - 1
        return written.name_of(sequence // written.n_sequences)

    return notes_on_fills(map_tokens(written.folder / "tokens.npy"), record_of)


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(lengths)))


def _chunks(tokens: NDArray[Any], offsets: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Iterator[NDArray[Any]]:
    """Yield the tokens of the chosen sequences, not too many at a time."""
    for i in np.flatnonzero(chosen):
        for start in range(int(offsets[i]), int(offsets[i + 1]), _CHUNK):
            yield tokens[start : min(start + _CHUNK, int(offsets[i + 1]))]
