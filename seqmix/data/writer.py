"""The first half of `prepare()`: records to tokens on disk, one pass, and what is known of each on the way.

Tokens go straight into `tokens.npy`, whose header is written last. For the alphabets "chars" and "words" they are first
the numbers of the symbols (see `numbering`): which symbols the vocabulary has is known only when the training split is.

A record is one sequence, or two of them (a pair), which stand one behind the other.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqmix.data.records import Record, RecordReader
from seqmix.data.splitting import split_number
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Encoder, Gathering, Reals, Tokens, Vocabulary, make_vocabulary
from seqmix.errors import InputError

_HEADER = 128
_BUFFER = 1 << 20
_CHUNK = 1 << 22  # tokens that the second pass holds at a time

Chooser = Callable[[Iterator[Record]], tuple[Encoder, Iterator[Record]]]


@dataclass(slots=True)
class Meta:
    """What is known of each record, `(n,)` each: label, split (-1: none given), keys of equal things (-1: none).

    `sequence_keys` are of what is kept; `whole_keys` of DNA before it was cut: the starts of a sequence and of its
    reverse complement differ, and yet they are one. `strata` are what every split gets its share of, beside the classes.
    """

    labels: NDArray[np.int64]
    splits: NDArray[np.int64]
    sequence_keys: NDArray[np.int64]
    whole_keys: NDArray[np.int64]
    group_keys: NDArray[np.int64]
    strata: NDArray[np.int64]


class DatasetWriter:
    """Takes records in, writes tokens out.

    Args:
        folder: where `tokens.npy`, `offsets.npy` and `ids.txt` are written.
        reader: gives the records.
        min_length, max_length, truncate: which lengths are kept and cut.
    """

    def __init__(self, folder: Path, reader: RecordReader, min_length: int, max_length: int | None, truncate: str) -> None:
        self.folder, self.reader = folder, reader
        self.min_length, self.max_length, self.truncate = min_length, max_length, truncate
        self.replaced: Counter[str] = Counter()
        self.label_names: dict[str, int] = {}
        self.truncated = 0
        self.too_short = 0
        self.emptied = 0
        self.first_unlabelled = ""
        self.encoder: Encoder = make_vocabulary("bytes")
        self.n_sequences = 1  # sequences of a record
        self._groups: dict[str, int] = {}
        self._stratum_names: dict[str, int] = {}
        self._lengths, self._labels, self._splits = array("q"), array("q"), array("b")
        self._sequences, self._wholes = array("q"), array("q")
        self._group_numbers, self._ids, self._strata = array("q"), array("q"), array("q")

    def fill(self, choose: Chooser, progress: Callable[[int, int], object] | None) -> None:
        """Reads all records.

        Raises:
            InputError: there is none, or one of them cannot be used.
        """
        self.encoder, records = choose(iter(self.reader))
        total = 0
        with (self.folder / "tokens.npy").open("wb", _BUFFER) as out, (self.folder / "ids.txt").open("wb", _BUFFER) as ids:
            out.write(bytes(_HEADER))
            for count, record in enumerate(records, 1):
                sequences = self._encode(record)
                if not self._long_enough(sequences, record):
                    continue
                data = [sequence.tobytes() for sequence in self._cut(sequences)]
                out.writelines(data)
                ids.write(record.id.replace("\n", " ").encode() + b"\n")
                self._note(record, data)
                total += sum(self._lengths[-self.n_sequences :])
                if progress and not count % 1024:
                    progress(count, total)
            if progress:
                progress(len(self._labels), total)
            _write_header(out, total, self.encoder)
        if not self._lengths:
            raise InputError(f"no record is left: {self._why_none()}")

    def _encode(self, record: Record) -> list[Tokens]:
        """The sequences of a record, whole."""
        texts = [record.text] if record.pair is None else [record.text, record.pair]
        if not self._labels:
            self.n_sequences = len(texts)
        elif len(texts) != self.n_sequences:
            kinds = ("one text", "a pair of texts")
            raise InputError(f"{record}: it is {kinds[len(texts) - 1]}, the others are each {kinds[self.n_sequences - 1]}")
        return [self.encoder.encode(text, self.replaced, record) for text in texts]

    def _cut(self, sequences: list[Tokens]) -> list[Tokens]:
        """At most `max_length` tokens of each; notes keys of DNA that is cut, and that a record was."""
        complement = self.encoder.complement
        whole = 0
        if self.max_length is not None and any(len(sequence) > self.max_length for sequence in sequences):
            if complement and len(sequences) == 1:
                whole = _sequence_key(sequences[0].tobytes(), complement)
            sequences = [cut(sequence, self.max_length, self.truncate) for sequence in sequences]
            self.truncated += 1
        self._wholes.append(whole)
        self._lengths.extend(len(sequence) for sequence in sequences)
        return sequences

    def _long_enough(self, sequences: list[Tokens], record: Record) -> bool:
        short = next((i for i, tokens in enumerate(sequences) if len(tokens) < max(1, self.min_length)), None)
        if short is None:
            return True
        if self.min_length == 0:
            text = record.pair if short else record.text
            if isinstance(text, np.ndarray):
                what = "no numbers"
            elif text and text.strip():
                what = "nothing left without its unknown characters"
            else:
                what = "a header but no sequence" if isinstance(text, bytes) else "no second text" if short else "no text"
            raise InputError(f"{record}: it has {what}; remove it, or leave such records out with --min-length 1")
        self.too_short += 1
        return False

    def _why_none(self) -> str:
        options = self.reader.options
        reasons = {
            f"shorter than --min-length {self.min_length}": self.too_short,
            f"without a label from '{self.reader.label_from}' (--skip-unlabelled)": self.reader.unlabelled,
            f"of none of the --classes {','.join(options.classes)}": self.reader.other_class,
        }
        return ", ".join(f"{count:,} were {reason}" for reason, count in reasons.items() if count)

    def _note(self, record: Record, data: list[bytes]) -> None:
        """All that is kept of a record beside its tokens; `data`: these as bytes."""
        keys = [_sequence_key(sequence, self.encoder.complement) for sequence in data]
        self._sequences.append(keys[0] if len(keys) == 1 else hash(tuple(sorted(keys))))  # (a, b) is a twin of (b, a)
        self._ids.append(hash(record.id))
        if record.label is None and not self.first_unlabelled:
            self.first_unlabelled = str(record)
        if record.split is None and (source := self.reader.options.split_from):
            raise InputError(f"{record}: no split from '{source}'; give every record one of train, val, test")
        label = -1 if record.label is None else self.label_names.setdefault(record.label, len(self.label_names))
        self._labels.append(label)
        self._splits.append(-1 if record.split is None else split_number(record.split, record))
        group = -1 if record.group is None else self._groups.setdefault(record.group, len(self._groups))
        self._group_numbers.append(group)
        self._strata.append(self._stratum_names.setdefault(record.stratum, len(self._stratum_names)))

    def meta(self) -> Meta:
        """What is known of the records so far."""
        wholes = np.array(self._wholes, dtype=np.int64)
        sequences = np.unique(np.array(self._sequences, dtype=np.int64), return_inverse=True)[1]
        return Meta(
            labels=np.array(self._labels, dtype=np.int64),
            splits=np.array(self._splits, dtype=np.int64),
            sequence_keys=sequences,
            whole_keys=np.where(wholes == 0, -1, np.unique(wholes, return_inverse=True)[1]),
            group_keys=np.array(self._group_numbers, dtype=np.int64),
            strata=np.array(self._strata, dtype=np.int64),
        )

    def named(self, number: int) -> str:
        """How a message calls record `number`."""
        return str(_Named(self.folder / "ids.txt", number))

    def repeated_ids(self) -> int:
        """How many records have an id that an earlier one had."""
        return len(self._ids) - len(np.unique(np.array(self._ids, dtype=np.int64)))

    def dropped(self) -> dict[str, int]:
        """How many records were left out, by reason."""
        return {
            "shorter than min_length": self.too_short,
            "without label": self.reader.unlabelled,
            "of other classes": self.reader.other_class,
            "nothing left after dropping unknown characters": self.emptied,
        }

    def write_tokens(self, split: NDArray[np.int8], keep: NDArray[np.bool_]) -> tuple[Vocabulary, NDArray[np.bool_]]:
        """Brings tokens, offsets and ids into their final form: without the records not to keep, characters as indices.

        Returns the vocabulary and, `(n,)`, which records are there.
        """
        lengths = np.array(self._lengths, dtype=np.int64)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        if isinstance(self.encoder, Gathering):
            numbers = self.encoder.numbers
            spooled = np.load(self.folder / "tokens.npy", mmap_mode="r").view(np.ndarray)
            counts = _occurrences(spooled, offsets, np.repeat((split == 0) & keep, self.n_sequences), numbers.size)
            vocabulary = self.encoder.vocabulary(counts)
            self.encoder = vocabulary
            table = vocabulary.translation(numbers)
            ids = self.folder / "ids.txt"
            lengths = self._rewrite(
                spooled,
                offsets,
                keep,
                lambda i, found: vocabulary.index(found, numbers, table, self.replaced, _Named(ids, i, " (of a later split)")),
            )
            del spooled
        elif not keep.all():
            spooled = np.load(self.folder / "tokens.npy", mmap_mode="r").view(np.ndarray)
            lengths = self._rewrite(spooled, offsets, keep, lambda _, tokens: tokens)
            del spooled
        keep = keep & (lengths.reshape(-1, self.n_sequences) > 0).all(1)
        np.save(self.folder / "offsets.npy", np.concatenate(([0], np.cumsum(lengths[np.repeat(keep, self.n_sequences)]))))
        if not keep.all():
            self._keep_ids(keep)
        if isinstance(self.encoder, Reals):
            self._note_moments(self.encoder, np.repeat(split[keep] == 0, self.n_sequences))
        return self.encoder, keep

    def _note_moments(self, vocabulary: Reals, chosen: NDArray[np.bool_]) -> None:
        """Mean and standard deviation of each channel over the chosen sequences, for the vocabulary."""
        values, offsets = np.load(self.folder / "tokens.npy", mmap_mode="r"), np.load(self.folder / "offsets.npy")
        count, total, squares = 0, np.zeros(values.shape[1]), np.zeros(values.shape[1])
        # Beside the first value: a large mean would leave nothing of a small spread.
        origin = values[0].astype(np.float64) if len(values) else total
        for i in np.flatnonzero(chosen):
            for start in range(int(offsets[i]), int(offsets[i + 1]), _CHUNK):
                part = values[start : min(start + _CHUNK, int(offsets[i + 1]))].astype(np.float64) - origin
                count, total, squares = count + len(part), total + part.sum(0), squares + (part * part).sum(0)
        mean = total / max(1, count)
        spread = np.sqrt(np.maximum(0.0, squares / max(1, count) - mean * mean))
        vocabulary.mean = (mean + origin).tolist()
        vocabulary.scale = np.where(spread > 0, spread, 1.0).tolist()

    def _rewrite(
        self,
        spooled: NDArray[Any],
        offsets: NDArray[np.int64],
        keep: NDArray[np.bool_],
        convert: Callable[[int, NDArray[Any]], Tokens],
    ) -> NDArray[np.int64]:
        """`tokens.npy` again, record by record through `convert`; returns the new lengths `(n * rows,)`, 0 where not kept."""
        lengths = np.zeros((len(keep), self.n_sequences), dtype=np.int64)
        final = self.folder / "tokens.final"
        with final.open("wb") as out:
            out.write(bytes(_HEADER))
            for i in np.flatnonzero(keep):
                bounds = offsets[i * self.n_sequences : (i + 1) * self.n_sequences + 1]
                parts = [convert(int(i), np.asarray(spooled[a:b])) for a, b in pairwise(bounds)]
                if not all(len(part) for part in parts):
                    self.emptied += 1
                    continue
                out.writelines(part.tobytes() for part in parts)
                lengths[i] = [len(part) for part in parts]
            _write_header(out, int(lengths.sum()), self.encoder)
        final.replace(self.folder / "tokens.npy")
        return lengths.reshape(-1)

    def _keep_ids(self, keep: NDArray[np.bool_]) -> None:
        final = self.folder / "ids.final"
        with (self.folder / "ids.txt").open("rb") as ids, final.open("wb") as out:
            out.writelines(line for line, kept in zip(ids, keep, strict=True) if kept)
        final.replace(self.folder / "ids.txt")


@dataclass(slots=True, frozen=True)
class _Named:
    """Record `number`, whose id is looked up when an error has to name it."""

    ids: Path
    number: int
    more: str = ""

    def __str__(self) -> str:
        with self.ids.open("rb") as lines:
            return f"record '{next(islice(lines, self.number, None)).decode().rstrip()}'{self.more}"


def _occurrences(
    numbers: NDArray[np.uint32], offsets: NDArray[np.int64], chosen: NDArray[np.bool_], size: int
) -> NDArray[np.int64]:
    """How often each number below `size` occurs in the chosen sequences."""
    counts = np.zeros(size, dtype=np.int64)
    for i in np.flatnonzero(chosen):
        for start in range(int(offsets[i]), int(offsets[i + 1]), _CHUNK):
            found, number = np.unique(numbers[start : min(start + _CHUNK, int(offsets[i + 1]))], return_counts=True)
            counts[found] += number
    return counts


def _sequence_key(data: bytes, complement: bytes | None) -> int:
    """Equal for equal token strings and, given a table, for reverse complements (a 64-bit hash)."""
    key = hash(data)
    return key if complement is None else min(key, hash(data[::-1].translate(complement)))


def _write_header(out: BinaryIO, count: int, encoder: Encoder) -> None:
    """Write the header of a `.npy` of `count` positions in the bytes kept free for it: numpy pads them for growth."""
    description = np.dtype(encoder.dtype).newbyteorder("<").str
    out.seek(0)
    np.lib.format.write_array_header_1_0(out, {"descr": description, "fortran_order": False, "shape": (count, *encoder.shape)})
    assert out.tell() == _HEADER
