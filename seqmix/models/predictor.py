"""A trained model with everything needed to predict new records: vocabulary, truncation, objective.

Records are gathered into windows, batched by length within a window, and predicted in input order. Memory use is that of a
window, however many records there are, and a prediction does not depend on the other records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqmix.calibration.maps import Calibration
from seqmix.calibration.seen import Seen
from seqmix.config import Config, DataConfig
from seqmix.data.dataset import Dataset
from seqmix.data.records import Record
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Tokens, Vocabulary, vocabulary_of
from seqmix.data.vocabulary.symbol_table import WHITESPACE
from seqmix.errors import ConfigError, InputError, advice, command, param, shown, unmarked
from seqmix.models.answering import Answering
from seqmix.models.batched import branch_outputs
from seqmix.models.branches import Model, combined
from seqmix.models.predict_options import PredictOptions
from seqmix.models.prediction import Prediction as Prediction
from seqmix.models.prediction import Tally as Tally
from seqmix.models.unanswered import far_value, no_answer
from seqmix.objectives import label_objective_of
from seqmix.objectives.labelled import LabelObjective
from seqmix.reporting.text import counted
from seqmix.system.devices import choose_device, thread_count

_WINDOW_BATCHES = 8
_WINDOW_RECORDS = 4096
_ON_ERROR = advice(
    f"{param('on_error', 'skip')} leaves such records out and {param('on_error', 'mark')} gives them an empty label"
)


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A record encoded for the model, with the lengths of its texts before they were cut.

    Attributes:
        place: names the record in messages.
        error: why it cannot be predicted, in which case there are no sequences; None if it can.
    """

    id: str
    file: str | None
    lengths: Sequence[int]
    sequences: Sequence[Tokens] = ()
    place: str = ""
    error: str | None = None


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
        calibration: the calibration of its probabilities.
        seen: what it has seen of its training and validation records; None if unknown.
    """

    model: Model
    device: torch.device
    vocabulary: Vocabulary
    objective: LabelObjective
    data: DataConfig
    max_length: int | None
    paired: bool
    separator: str
    calibration: Calibration
    seen: Seen | None

    @classmethod
    def of(
        cls,
        model: Model,
        config: Config,
        info: Mapping[str, Any],
        device: str = "auto",
        *,
        calibration: Calibration | None = None,
        seen: Seen | None = None,
    ) -> Predictor:
        """Return the predictor of a trained model.

        Args:
            model: the model, in `eval()` mode.
            config: configuration of the run.
            info: the `dataset.json` of the training data.
            device: where to compute, as in `TrainingConfig`.
            calibration: the calibration of its probabilities; None for none.
            seen: what it has seen; None if unknown.

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
            calibration=calibration or Calibration(),
            seen=seen,
        )

    def both(
        self, outputs: Mapping[str, Tensor], *, calibrated: bool = True
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the predictions of the whole model, `(n, C)` or `(n, 1)`, and those without calibration.

        Args:
            outputs: the outputs of each of its branches, `(n, n_outputs)`, by name.
            calibrated: whether the first are calibrated.
        """
        found = combined(self.model, outputs)
        raw = self.objective.predictions(found)
        if not calibrated or self.calibration.method == "none":
            return raw, raw
        return self.objective.predictions(self.calibration.apply(self.objective, found)), raw

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
        advise: bool = True,
    ) -> Iterator[Prediction]:
        """Yield a `Prediction` for each record, in order; the first records are checked before this returns.

        Args:
            records: the records.
            options: the options of prediction.
            tally: receives counts of records and characters.
            on_batch: called after each batch with the number of its records.
            advise: whether an error names the option `on_error`.

        Raises:
            InputError: a record cannot be classified.
            ConfigError: a threshold is given, but this kind of model has none.
        """
        answering = Answering.of(self.objective, self.separator, options, self.seen)
        tally = tally if tally is not None else Tally()
        if not isinstance(tally, Tally):
            raise ConfigError(f"{param('tally')} must be a Tally: got {shown(tally)}", option="tally")
        usual = self.seen.novelty if self.seen else None
        tally.unusual.validated = len(usual.validation) if usual else 0

        def classify() -> Iterator[Prediction]:
            for window in self._windows(records, tally, options, advise):
                good = [record for record in window if record.error is None]
                answers = iter(self._answers(good, options, on_batch) if good else ())
                novelties = _novelties(self.seen, good)
                for record in window:
                    row, novelty = (next(answers), next(novelties)) if record.error is None else (None, None)
                    if row is None or np.isfinite(row).all():
                        yield _prediction(record, row, answering, novelty, tally)
                        continue
                    error = no_answer(record.place, record.sequences, self.vocabulary, options.precision)
                    tally.records -= 1
                    tally.far -= bool(far_value(record.sequences, self.vocabulary))
                    if _fail(error, tally, options, advise):
                        yield _prediction(replace(record, error=unmarked(error.text)), None, answering, None, tally)

        found = classify()
        return chain([first], found) if (first := next(found, None)) is not None else found

    def of_dataset(
        self,
        dataset: Dataset,
        indices: NDArray[np.int64],
        on_batch: Callable[[int], object] | None = None,
        *,
        precision: str = "fp32",
    ) -> NDArray[np.float64]:
        """Return the model's predictions for records of a data set, `(n, C)` or `(n, 1)`, in the order of `indices`.

        Args:
            dataset: a data set with the model's vocabulary.
            indices: record numbers, `(n,)`.
            on_batch: called with the number of records done after each batch.
            precision: as in `TrainingConfig`.
        """
        return self.both_of_dataset(dataset, indices, on_batch, precision=precision)[0]

    def both_of_dataset(
        self,
        dataset: Dataset,
        indices: NDArray[np.int64],
        on_batch: Callable[[int], object] | None = None,
        *,
        precision: str = "fp32",
        calibrated: bool = True,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the predictions for records of a data set, and those without calibration; arguments as in `of_dataset`.

        Args:
            calibrated: whether the first are calibrated.
        """
        outputs = branch_outputs(
            self.model,
            self.objective,
            lambda i: dataset.truncated(int(indices[i]), self.data),
            dataset.cut_lengths(self.data.max_length)[indices],
            device=self.device,
            precision=precision,
            window=self.data.window,
            on_batch=on_batch,
        )
        return self.both(outputs, calibrated=calibrated)

    def _answers(
        self, window: Sequence[_Encoded], options: PredictOptions, on_batch: Callable[[int], object] | None
    ) -> NDArray[np.float64]:
        """Return what the model answers for each record of a window."""
        with thread_count(options.threads):
            found = branch_outputs(
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
        return self.both(found, calibrated=options.calibration)[0]

    def _windows(
        self, records: Iterable[Record], tally: Tally, options: PredictOptions, advise: bool
    ) -> Iterator[list[_Encoded]]:
        """Yield encoded records, a bounded number at a time."""
        window: list[_Encoded] = []
        size = 0
        for record in records:
            tally.meet(record.id)
            texts = self._texts(record)
            try:
                encoded = self._encode(record, texts, tally)
            except InputError as error:
                if not _fail(error, tally, options, advise):
                    continue
                lengths = [_length(text) for text in texts]
                encoded = _Encoded(record.id, record.source or None, lengths, error=unmarked(error.text))
            window.append(encoded)
            size += sum(len(tokens) for tokens in encoded.sequences)
            if size >= _WINDOW_BATCHES * options.tokens_per_batch or len(window) >= _WINDOW_RECORDS:
                yield window
                window, size = [], 0
        if window:
            yield window

    def _encode(self, record: Record, texts: Sequence[Any], tally: Tally) -> _Encoded:
        if record.error is not None:
            raise record.error
        replaced: Counter[str] = Counter()
        whole = [self.vocabulary.encode(text, replaced, record) for text in texts]
        sequences = [cut(tokens, self.data.max_length or None, self.data.truncate) for tokens in whole]
        longest = max(len(tokens) for tokens in sequences)
        if not all(len(tokens) for tokens in sequences):
            instead = f", but {record.missing!r}" if record.missing else ""
            raise InputError(f"{record}: there is no sequence in it{instead}")
        if not self.accepts(longest):
            raise InputError(
                f"{record}: {counted(longest, self.vocabulary.noun)}, the model takes at most {self.max_length:,}; cut the "
                f"sequence, or train a model that cuts it ({command('train')} with {param('max_length', self.max_length)})"
            )
        lengths = [len(tokens) for tokens in whole]
        tally.records += 1
        tally.unknown += bool(self.vocabulary.letters) and all(
            (tokens == self.vocabulary.unknown_id).all() for tokens in sequences
        )
        tally.far += bool(far_value(sequences, self.vocabulary))
        tally.replaced.update(replaced)
        tally.truncated += lengths != [len(tokens) for tokens in sequences]
        return _Encoded(record.id, record.source or None, lengths, sequences, str(record))

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
    record: _Encoded,
    row: NDArray[np.float64] | None,
    answering: Answering,
    novelty: tuple[float, str] | None,
    tally: Tally,
) -> Prediction:
    """Return the prediction for a record.

    Args:
        record: the record.
        row: what the model answers; None for an empty prediction.
        answering: how that becomes an answer.
        novelty: how unusual the record is, and by what; None if unknown.
        tally: receives counts of labels that are left empty, and of unusual records.
    """
    length, *others = record.lengths
    facts: dict[str, Any] = {"pair_length": others[0] if others else None, "file": record.file, "error": record.error}
    if row is None:
        return Prediction(record.id, length, "", {}, **facts)
    answer = answering.answer(row)
    tally.left_empty += answer.left_empty
    if novelty:
        facts["novelty"] = novelty[0]
        tally.unusual.count(*novelty)
    facts["answers"], facts["interval"] = answering.answers(row)
    return Prediction(record.id, length, answer.label, answer.probabilities, answer.value, **facts)


def _novelties(seen: Seen | None, records: Sequence[_Encoded]) -> Iterator[tuple[float, str] | None]:
    """Yield for each record how unusual it is, and by what; None if that is unknown."""
    if seen is None or seen.novelty is None or not records:
        yield from [None] * len(records)
        return
    values, reasons = seen.novelty([record.sequences for record in records])
    yield from zip(values.tolist(), reasons, strict=True)


def _fail(error: InputError, tally: Tally, options: PredictOptions, advise: bool) -> bool:
    """Count a record that cannot be predicted, and return whether it is marked rather than left out.

    Args:
        error: why it cannot be predicted; raised if the options say to stop.
        tally: receives the count.
        options: the options of prediction.
        advise: whether the error names the option `on_error`.
    """
    if options.on_error == "stop":
        error.text += _ON_ERROR if advise else ""
        raise error
    marked = options.on_error == "mark"
    tally.fail(error, marked=marked)
    return marked


def _length(text: Any) -> int:
    """Return the characters or positions of a text that could not be encoded."""
    return len(text.translate(None, WHITESPACE) if isinstance(text, bytes) else text)
