"""The first pass of `prepare()`: records to tokens on disk, and what is known of each on the way.

For the alphabets "chars" and "words" the tokens are first the numbers of the symbols, for "subwords" the bytes of the texts:
which symbols the vocabulary has is known only when the training split is (see `finalize`). A record is one sequence, or two
of them (a pair), which stand one behind the other.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqmix.data.records import Record
from seqmix.data.splits.assign import split_number
from seqmix.data.token_file import BUFFER, new_token_file, write_header
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Encoder, Tokens
from seqmix.errors import InputError, advice, param
from seqmix.objectives.class_names import DATE_OF_EXCEL

_LONGEST_DATE = 12  # characters

Progress = Callable[[int, int], object]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthLimits:
    """Which lengths are kept, and how longer sequences are cut.

    Attributes:
        min_length: records with a shorter sequence are left out; at 0 an empty sequence is an error.
        max_length: longer sequences are cut to this many tokens; None for no limit.
        truncate: which part of them is kept: "start", "end" or "middle".
    """

    min_length: int = 0
    max_length: int | None = None
    truncate: str = "start"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenRecords:
    """The records of the first pass: `tokens.npy` and `ids.txt` in `folder`, and facts about each of the n records.

    Attributes:
        folder: where the files are.
        encoder: the encoder that made the tokens.
        n_sequences: sequences of a record: 2 of pairs, else 1.
        lengths: of all sequences, `(n * n_sequences,)`.
        label_texts: the distinct labels.
        labels: which of them each record has, `(n,)`; -1 if it has none.
        splits: `(n,)`; -1 if none is given.
        sequence_keys: `(n,)`, equal for equal sequences and for reverse complements.
        whole_keys: `(n,)`, the same of DNA before it was cut, -1 if it was not: the starts of a sequence and of its reverse
            complement differ, and yet they are one.
        group_keys: `(n,)`, equal for records of one group; -1 if a record has none.
        strata: `(n,)`; every split gets its share of each, besides the classes.
        replaced: symbols that were mapped or dropped; the second pass adds to it.
        truncated: number of records that were cut.
        too_short: number of records that were left out.
        repeated_ids: number of records with an id that an earlier one has; ids that readers made do not count.
        first_unlabelled: names the first record without a label; "" if there is none.
        dated_ids: the first id that looks like a date that Excel made from a name, and the number of such ids.
    """

    folder: Path
    encoder: Encoder
    n_sequences: int
    lengths: Numbers
    label_texts: list[str]
    labels: Numbers
    splits: Numbers
    sequence_keys: Numbers
    whole_keys: Numbers
    group_keys: Numbers
    strata: Numbers
    replaced: Counter[str]
    truncated: int
    too_short: int
    repeated_ids: int
    first_unlabelled: str
    dated_ids: tuple[str, int]

    def __len__(self) -> int:
        return len(self.labels)

    def name_of(self, number: int) -> str:
        """Return how messages call record `number`."""
        with (self.folder / "ids.txt").open("rb") as lines:
            return f"record '{next(islice(lines, number, None)).decode().rstrip()}'"


def write_records(
    records: Iterable[Record], folder: Path, encoder: Encoder, limits: LengthLimits, progress: Progress | None = None
) -> WrittenRecords:
    """Write the tokens and ids of all records.

    Args:
        records: the records.
        folder: where the files are written.
        encoder: makes tokens of texts.
        limits: of the lengths.
        progress: called now and then with the number of records and of tokens.

    Raises:
        InputError: a record cannot be used.
    """
    with DatasetWriter(folder, encoder, limits) as writer:
        for count, record in enumerate(records, 1):
            writer.add(record)
            if progress and not count % 1024:
                progress(count, writer.positions)
        written = writer.close()
    if progress:
        progress(len(written), writer.positions)
    return written


class DatasetWriter:
    """Takes records in, writes tokens and ids out; a context manager.

    Args:
        folder: where the files are written.
        encoder: makes tokens of texts.
        limits: of the lengths; if the final ones are not known yet, only empty sequences are left out here.

    Attributes:
        positions: number of tokens that were written.
    """

    def __init__(self, folder: Path, encoder: Encoder, limits: LengthLimits) -> None:
        self._folder, self._encoder = folder, encoder
        self._limits = limits if encoder.final_lengths else LengthLimits(min_length=min(1, limits.min_length))
        self.positions = 0
        self._n_sequences = 1
        self._replaced: Counter[str] = Counter()
        self._truncated = self._too_short = 0
        self._first_unlabelled = self._first_dated = ""
        self._dated = 0
        self._label_numbers: dict[str, int] = {}
        self._group_numbers: dict[str, int] = {}
        self._stratum_numbers: dict[str, int] = {}
        self._lengths, self._labels, self._splits = array("q"), array("q"), array("b")
        self._sequences, self._wholes = array("q"), array("q")
        self._groups, self._ids, self._strata = array("q"), array("q"), array("q")

    def __enter__(self) -> DatasetWriter:
        self._stack = ExitStack()
        self._tokens = self._stack.enter_context(new_token_file(self._folder / "tokens.npy"))
        self._id_lines = self._stack.enter_context((self._folder / "ids.txt").open("wb", BUFFER))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def add(self, record: Record) -> None:
        """Write a record, or count it if it is too short.

        Raises:
            InputError: it cannot be used.
        """
        sequences = self._encode(record)
        if not self._long_enough(sequences, record):
            return
        data = [sequence.tobytes() for sequence in self._cut(sequences)]
        self._tokens.writelines(data)
        self._id_lines.write(record.id.replace("\n", " ").encode(errors="backslashreplace") + b"\n")
        self._note(record, data)

    def close(self) -> WrittenRecords:
        """Complete the files, and return what is known of the records."""
        write_header(self._tokens, self.positions, self._encoder)
        self._stack.close()
        wholes = np.array(self._wholes, dtype=np.int64)
        return WrittenRecords(
            folder=self._folder,
            encoder=self._encoder,
            n_sequences=self._n_sequences,
            lengths=np.array(self._lengths, dtype=np.int64),
            label_texts=list(self._label_numbers),
            labels=np.array(self._labels, dtype=np.int64),
            splits=np.array(self._splits, dtype=np.int64),
            sequence_keys=_numbered(np.array(self._sequences, dtype=np.int64)),
            whole_keys=np.where(wholes == 0, -1, _numbered(wholes)),
            group_keys=np.array(self._groups, dtype=np.int64),
            strata=np.array(self._strata, dtype=np.int64),
            replaced=self._replaced,
            truncated=self._truncated,
            too_short=self._too_short,
            repeated_ids=len(self._ids) - len(np.unique(np.array(self._ids, dtype=np.int64))),
            first_unlabelled=self._first_unlabelled,
            dated_ids=(self._first_dated, self._dated),
        )

    def _encode(self, record: Record) -> list[Tokens]:
        """Return the sequences of a record, whole."""
        texts = [record.text] if record.pair is None else [record.text, record.pair]
        if not self._labels:
            self._n_sequences = len(texts)
        elif len(texts) != self._n_sequences:
            kinds = ("one text", "a pair of texts")
            raise InputError(f"{record}: this is {kinds[len(texts) - 1]}, the others are each {kinds[self._n_sequences - 1]}")
        return [self._encoder.encode(text, self._replaced, record) for text in texts]

    def _long_enough(self, sequences: list[Tokens], record: Record) -> bool:
        least = self._limits.min_length
        short = next((i for i, tokens in enumerate(sequences) if len(tokens) < max(1, least)), None)
        if short is None:
            return True
        if least == 0:
            raise InputError(
                f"{record}: it has {_what_is_missing(record, second=bool(short))}"
                + advice("remove it", f"leave such records out with {param('min_length', 1)}")
            )
        self._too_short += 1
        return False

    def _cut(self, sequences: list[Tokens]) -> list[Tokens]:
        """Return the sequences as they are written; note their lengths, and the key of DNA that is cut."""
        most, complement = self._limits.max_length, self._encoder.complement
        whole = 0
        if most is not None and any(len(sequence) > most for sequence in sequences):
            if complement and len(sequences) == 1:
                whole = sequence_key(sequences[0].tobytes(), complement)
            sequences = [cut(sequence, most, self._limits.truncate) for sequence in sequences]
            self._truncated += 1
        self._wholes.append(whole)
        for sequence in sequences:
            self._lengths.append(len(sequence))
            self.positions += len(sequence)
        return sequences

    def _note(self, record: Record, data: list[bytes]) -> None:
        """Note all that is kept of a record besides its tokens, which are `data`."""
        keys = [sequence_key(sequence, self._encoder.complement) for sequence in data]
        self._sequences.append(keys[0] if len(keys) == 1 else hash(tuple(sorted(keys))))  # (a, b) is a twin of (b, a)
        if not record.made_id:
            self._ids.append(hash(record.id))
            if len(record.id) < _LONGEST_DATE and DATE_OF_EXCEL.fullmatch(record.id):
                self._dated += 1
                self._first_dated = self._first_dated or record.id
        if record.label is None and not self._first_unlabelled:
            self._first_unlabelled = str(record)
        self._labels.append(_number(record.label, self._label_numbers))
        self._splits.append(-1 if record.split is None else split_number(record.split, record))
        self._groups.append(_number(record.group, self._group_numbers))
        self._strata.append(_number(record.stratum, self._stratum_numbers))


def _number(text: str | None, numbers: dict[str, int]) -> int:
    """Return the number of a text, a new one if it has none yet; -1 for None."""
    return -1 if text is None else numbers.setdefault(text, len(numbers))


def _numbered(keys: Numbers) -> Numbers:
    """Return small numbers, equal where `keys` are."""
    return np.unique(keys, return_inverse=True)[1]


def sequence_key(data: bytes, complement: bytes | None) -> int:
    """Return a 64-bit hash, equal for equal token strings and, given a table, for reverse complements."""
    key = hash(data)
    return key if complement is None else min(key, hash(data[::-1].translate(complement)))


def _what_is_missing(record: Record, second: bool) -> str:
    text = record.pair if second else record.text
    if isinstance(text, np.ndarray):
        return "no numbers"
    if text and text.strip():
        return "nothing left without its unknown characters"
    if isinstance(text, bytes):
        return "a header but no sequence"
    instead = f", but {record.missing!r}" if record.missing else ""
    return ("no second text" if second else "no text") + instead
