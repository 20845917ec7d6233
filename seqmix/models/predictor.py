"""A trained model with everything needed to predict new records: vocabulary, truncation, objective.

Records are gathered into windows, batched by length within a window, and predicted in input order. Memory use is that of a
window, however many records there are, and a prediction does not depend on the other records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqmix.config import Config, DataConfig
from seqmix.data.records import Record
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Tokens, Vocabulary, vocabulary_of
from seqmix.errors import ConfigError, InputError, command, param, shown
from seqmix.models.batched import predict_batches
from seqmix.models.branches import Model
from seqmix.models.predict_options import PredictOptions
from seqmix.objectives import label_objective_of
from seqmix.objectives.labelled import LabelObjective
from seqmix.system.devices import choose_device, thread_count

_WINDOW_BATCHES = 8
_WINDOW_RECORDS = 4096
_SHOWN = 5  # characters outside the alphabet that are listed


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model predicts for one record.

    Attributes:
        id: id of the record.
        length: length in characters before truncation; for a pair, that of the first text.
        label: the most probable class; for a multilabel model, all classes that are probable enough; "" for a regression.
        probabilities: probability of every class by name, in the order of the classes; empty for a regression.
        value: the predicted number; None if the model is not a regression.
        pair_length: length of the second text of a pair in characters; None if the record is not a pair.
    """

    id: str
    length: int
    label: str
    probabilities: Mapping[str, float]
    value: float | None = None
    pair_length: int | None = None


@dataclass(slots=True)
class Tally:
    """Counts of the records that were classified.

    Attributes:
        records: number of records.
        truncated: number of records that were cut.
        replaced: number of occurrences of each character outside the alphabet.
    """

    records: int = 0
    truncated: int = 0
    replaced: Counter[str] = field(default_factory=Counter)

    def lines(self, data: DataConfig, noun: str = "character") -> list[str]:
        """Return what a user should know, in words; empty if nothing was changed."""
        lines = []
        if self.truncated:
            lines.append(
                f"{self.truncated:,} records were cut to {data.max_length:,} {noun}s ({data.truncate} kept), as in training"
            )
        if self.replaced:
            most, total = self.replaced.most_common(_SHOWN), self.replaced.total()
            listed = ", ".join(f"{character!r} {count:,}" for character, count in most)
            others = total - sum(count for _, count in most)
            rest = f" and {others:,} other{'s' * (others > 1)}" if others else ""
            lines.append(f"{total:,} {noun}s are not in the model's alphabet: {listed}{rest}")
        return lines


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A record encoded for the model, with the lengths of its texts before they were cut."""

    id: str
    lengths: list[int]
    sequences: list[Tokens]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A trained model that predicts records.

    Attributes:
        model: the model, on `device`.
        device: the device to compute on.
        vocabulary: the vocabulary of the model's input.
        objective: the objective that the model was trained for.
        data: the configuration that says how long sequences are cut, and predicted in windows.
        max_length: most tokens that the model accepts; None for no limit.
        paired: whether records are pairs.
        separator: text between the labels of a multilabel prediction.
    """

    model: Model
    device: torch.device
    vocabulary: Vocabulary
    objective: LabelObjective
    data: DataConfig
    max_length: int | None
    paired: bool
    separator: str

    @classmethod
    def of(cls, model: Model, config: Config, info: Mapping[str, Any], device: str = "auto") -> Predictor:
        """Return the predictor of a trained model.

        Args:
            model: the model, in `eval()` mode.
            config: configuration of the run.
            info: the `dataset.json` of the training data.
            device: where to compute, as in `TrainingConfig`.

        Raises:
            ConfigError: there is no such device.
        """
        where = choose_device(device)
        vocabulary = vocabulary_of(info["vocabulary"], trained=True)
        return cls(
            model=model.to(where),
            device=where,
            vocabulary=vocabulary,
            objective=label_objective_of(info),
            data=config.data,
            max_length=config.model.max_length if model.length_limit is not None else None,
            paired=bool(info.get("paired")),
            separator=info["read"].get("label_separator") or ",",
        )

    def accepts(self, length: int) -> bool:
        """Return whether the model can predict a sequence of this length, in windows where it does so."""
        return self.max_length is None or min(length, self.data.window or length) <= self.max_length

    def predict(
        self,
        records: Iterable[Record],
        options: PredictOptions,
        *,
        tally: Tally | None = None,
        on_batch: Callable[[int], object] | None = None,
    ) -> Iterator[Prediction]:
        """Yield a `Prediction` for each record, in order; the first records are checked before this returns.

        Args:
            records: the records.
            options: the options of prediction.
            tally: receives counts of records and characters.
            on_batch: called after each batch with the number of its records.

        Raises:
            InputError: a record cannot be classified.
            ConfigError: a threshold is given, but this kind of model has none.
        """
        self.objective.check_threshold(options.threshold)
        tally = tally if tally is not None else Tally()
        if not isinstance(tally, Tally):
            raise ConfigError(f"{param('tally')} must be a Tally: got {shown(tally)}", option="tally")

        def classify() -> Iterator[Prediction]:
            for window in self._windows(records, tally, options.tokens_per_batch):
                with thread_count(options.threads):
                    found = predict_batches(
                        self.model,
                        self.objective,
                        [record.sequences for record in window].__getitem__,
                        np.array([max(len(sequence) for sequence in record.sequences) for record in window]),
                        device=self.device,
                        precision=options.precision,
                        tokens_per_batch=options.tokens_per_batch,
                        batch_size=options.batch_size,
                        window=self.data.window,
                        on_batch=on_batch,
                    )
                for record, row in zip(window, found, strict=True):
                    yield _prediction(record, row, self.objective, options.threshold, self.separator)

        found = classify()
        return chain([first], found) if (first := next(found, None)) is not None else found

    def _windows(self, records: Iterable[Record], tally: Tally, tokens_per_batch: int) -> Iterator[list[_Encoded]]:
        """Yield encoded records, a bounded number at a time."""
        window: list[_Encoded] = []
        size = 0
        for record in records:
            encoded = self._encode(record, tally)
            window.append(encoded)
            size += sum(len(tokens) for tokens in encoded.sequences)
            if size >= _WINDOW_BATCHES * tokens_per_batch or len(window) >= _WINDOW_RECORDS:
                yield window
                window, size = [], 0
        if window:
            yield window

    def _encode(self, record: Record, tally: Tally) -> _Encoded:
        whole = [self.vocabulary.encode(text, tally.replaced, record) for text in self._texts(record)]
        sequences = [cut(tokens, self.data.max_length or None, self.data.truncate) for tokens in whole]
        longest = max(len(tokens) for tokens in sequences)
        if not all(len(tokens) for tokens in sequences):
            raise InputError(f"{record}: there is no sequence in it")
        if not self.accepts(longest):
            raise InputError(
                f"{record}: {longest:,} {self.vocabulary.noun}s, the model takes at most {self.max_length:,}; cut the "
                f"sequence, or train a model that cuts it ({command('train')} with {param('max_length', self.max_length)})"
            )
        lengths = [len(tokens) for tokens in whole]
        tally.records += 1
        tally.truncated += lengths != [len(tokens) for tokens in sequences]
        return _Encoded(record.id, lengths, sequences)

    def _texts(self, record: Record) -> list[Any]:
        """Return the text of a record, or both texts of a pair."""
        if self.paired and record.pair is None:
            raise InputError(
                f"{record}: the model was trained on pairs of texts, and this is one text; "
                f"of a table, name the column of the second text with {param('pair_column')}"
            )
        if not self.paired and record.pair is not None:
            raise InputError(
                f"{record}: the model was trained on single texts, and this is a pair; leave out {param('pair_column')}"
            )
        return [record.text, record.pair] if self.paired else [record.text]


def _prediction(
    record: _Encoded, row: NDArray[np.float64], objective: LabelObjective, threshold: float | None, separator: str
) -> Prediction:
    length, *others = record.lengths
    answer = objective.answer(row, threshold, separator)
    return Prediction(
        record.id, length, answer.label, answer.probabilities, answer.value, pair_length=others[0] if others else None
    )
