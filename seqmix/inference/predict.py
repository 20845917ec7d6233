"""Prediction: any input that prepare reads, in; one row per record, in input order, out. In constant memory.

The vocabulary, the policy for unknown characters and the truncation are the model's own. Records are gathered into
windows, batched by length within a window, and given back in the order in which they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config import DataConfig
from seqmix.data.records import ReadOptions, Record, RecordReader, find_sources
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Tokens
from seqmix.errors import ConfigError, InputError
from seqmix.objectives import multilabel
from seqmix.objectives.base import Objective
from seqmix.run import Run

_WINDOW_BATCHES = 8
_WINDOW_RECORDS = 4096


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one record.

    Attributes:
        id: as in the input; length: its characters before any truncation; of a pair, of the first text.
        label: the most probable class; with several labels a record, all that are probable enough; "" in a regression.
        probabilities: of every class, by name, in the order of the classes; empty in a regression.
        value: what a regression predicts; None: it is none.
        pair_length: characters of the second text of a pair; None: it is none.
    """

    id: str
    length: int
    label: str
    probabilities: Mapping[str, float]
    value: float | None = None
    pair_length: int | None = None


@dataclass(slots=True)
class Tally:
    """What happened on the way: records, how many were cut, characters replaced."""

    records: int = 0
    truncated: int = 0
    replaced: Counter[str] = field(default_factory=Counter)

    def lines(self, data: DataConfig, noun: str = "character") -> list[str]:
        """What a user should know, in words; empty if nothing was changed."""
        lines = []
        if self.truncated:
            lines.append(
                f"{self.truncated:,} records were cut to {data.max_length:,} {noun}s ({data.truncate} kept), as in training"
            )
        if self.replaced:
            most = ", ".join(f"{character!r} {count:,}" for character, count in self.replaced.most_common(5))
            lines.append(f"{self.replaced.total():,} {noun}s are not in the model's alphabet: {most}")
        return lines


def predict(
    inputs: Sequence[str | Path] | str | Path,
    run: Run | str | Path | None = None,
    *,
    batch_size: int = 0,
    tokens_per_batch: int = 65536,
    device: str = "auto",
    precision: str = "fp32",
    threads: int | None = None,
    threshold: float | None = None,
    read: ReadOptions | None = None,
    tally: Tally | None = None,
    on_batch: Callable[[int], object] | None = None,
) -> Iterator[Prediction]:
    """Classifies records; yields a `Prediction` for each, in input order.

    Options, model and the first records are checked before this returns, the rest as it is asked for.

    Args:
        inputs: files or folders, as `prepare` takes them; "-" is standard input.
        run: a run or its folder; None: the newest under runs/.
        batch_size: records in a batch; 0: as many as `tokens_per_batch` allows. The results do not depend on it.
        device, precision: as in `TrainingConfig`; threads: of the CPU, as in `train`.
        threshold: with several labels a record, the probability from which on one is given; None: 0.5.
        read: formats and columns; None: as the training data were read.
        tally: filled with counts on the way.
        on_batch: called with the number of records done after each batch.

    Raises:
        RunError: the run cannot be used; InputError: a record cannot be read, or is longer than the model takes.
    """
    from seqmix.inference.batched import predict_batches
    from seqmix.system.devices import choose_device, thread_count

    if batch_size < 0 or tokens_per_batch < 1:
        raise ConfigError(f"--batch-size must be 0 (by tokens) or more: got {batch_size}")
    run = run if isinstance(run, Run) else Run.open(run) if run else Run.newest()
    inputs = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    objective = run.objective
    if threshold is not None and (objective.kind != "multilabel" or not 0 <= threshold <= 1):
        raise ConfigError(
            f"--threshold is a probability from 0 to 1, for models with several labels a record: got {threshold}"
            + ("" if objective.kind == "multilabel" else f" and a {objective.kind}")
        )
    separator = run.info["read"].get("label_separator") or ","
    where = choose_device(device)
    model = run.load_model().to(where)
    read = read or reading_options(run)
    reader = RecordReader(find_sources(inputs, own_formats=read.format == "auto"), read, labels=False)
    tally = tally if tally is not None else Tally()
    windows = _windows(run, reader, tally, model.length_limit, tokens_per_batch)

    def classify() -> Iterator[Prediction]:
        for window in windows:
            with thread_count(threads):
                found = predict_batches(
                    model,
                    objective,
                    [record.sequences for record in window].__getitem__,
                    np.array([max(len(sequence) for sequence in record.sequences) for record in window]),
                    device=where,
                    precision=precision,
                    tokens_per_batch=tokens_per_batch,
                    batch_size=batch_size,
                    on_batch=on_batch,
                )
            for record, row in zip(window, found, strict=True):
                yield _prediction(record, row, objective, threshold, separator)

    found = classify()
    return chain([first], found) if (first := next(found, None)) is not None else found


def reading_options(run: Run, **changes: Any) -> ReadOptions:
    """How the run's training data were read, with the format found anew and nothing left out; `changes` on top."""
    stored = dict(run.info["read"])
    stored |= {"classes": (), "format": "auto", "split_from": None, "group_from": None, "skip_unlabelled": False}
    return replace(ReadOptions(**stored), **{k: v for k, v in changes.items() if v is not None})


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A record as the model takes it; `lengths`: characters of its texts before they were cut."""

    id: str
    lengths: list[int]
    sequences: list[Tokens]


def _prediction(
    record: _Encoded, row: NDArray[np.float64], objective: Objective, threshold: float | None, separator: str
) -> Prediction:
    length, *others = record.lengths
    pair = others[0] if others else None
    if objective.kind == "regression":
        return Prediction(record.id, length, "", {}, float(row[0]), pair)
    named = {name: float(value) for name, value in zip(objective.classes, row, strict=True)}
    label = objective.classes[int(row.argmax())]
    if objective.kind == "multilabel":
        least = multilabel.THRESHOLD if threshold is None else threshold
        label = separator.join(name for name, value in named.items() if value >= least)
    return Prediction(record.id, length, label, named, None, pair)


def _windows(
    run: Run, reader: RecordReader, tally: Tally, limit: int | None, tokens_per_batch: int
) -> Iterator[list[_Encoded]]:
    """Records, a bounded number at a time."""
    vocabulary, data = run.vocabulary, run.config.data
    longest = run.config.model.max_length if limit is not None else None
    window: list[_Encoded] = []
    size = 0
    for record in reader:
        encoded = [vocabulary.encode(text, tally.replaced, record) for text in _texts(record, run)]
        sequences = [cut(whole, data.max_length or None, data.truncate) for whole in encoded]
        most = max(len(tokens) for tokens in sequences)
        if not all(len(tokens) for tokens in sequences):
            raise InputError(f"{record}: there is no sequence in it")
        if longest is not None and most > longest:
            raise InputError(
                f"{record}: {most:,} {vocabulary.noun}s, the model takes at most {longest:,}; cut the sequence, or "
                f"train a model that cuts by itself (seqmix train --max-length {longest})"
            )
        lengths = [len(whole) for whole in encoded]
        tally.records += 1
        tally.truncated += lengths != [len(tokens) for tokens in sequences]
        window.append(_Encoded(record.id, lengths, sequences))
        size += sum(len(tokens) for tokens in sequences)
        if size >= _WINDOW_BATCHES * tokens_per_batch or len(window) >= _WINDOW_RECORDS:
            yield window
            window, size = [], 0
    if window:
        yield window


def _texts(record: Record, run: Run) -> list[Any]:
    """The text of a record, or both."""
    if run.paired and record.pair is None:
        raise InputError(f"{record}: the model was trained on pairs of texts; name the column of the second with --pair-column")
    if not run.paired and record.pair is not None:
        raise InputError(f"{record}: it is a pair of texts, and the model was trained on single ones; leave out --pair-column")
    return [record.text, record.pair] if run.paired else [record.text]
