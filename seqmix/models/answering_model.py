"""A stored model that answers: its predictor, the best simple method beside it, and predictions of sequences in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from seqmix.calibration.stored import CALIBRATION, SEEN
from seqmix.config.options import taking
from seqmix.errors import ConfigError, RunError, command, param
from seqmix.models.predict_options import PredictOptions, predict_options
from seqmix.models.stored_model import StoredModel
from seqmix.system.arguments import typed
from seqmix.system.devices import check_device, choose_device

if TYPE_CHECKING:
    from seqmix.data.options import ReadOptions
    from seqmix.models.prediction import Prediction, Tally
    from seqmix.models.predictor import Predictor


class AnsweringModel(StoredModel):
    """A stored model, with what it needs to answer."""

    _predictor: tuple[object, Predictor] | None = None  # with what identifies the files that it was made of

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the model's outputs."""
        return list(self.objective.classes)

    def check_answers(self) -> None:
        """Refuse a run that was pretrained, and has learned no labels.

        Raises:
            RunError: it is one.
        """
        if not self.learns_labels:
            raise RunError(
                f"{self.path}: this run was pretrained: it predicts hidden tokens, not labels; train a classifier from it with "
                f"{command('train')} and {param('init', str(self.path))}"
            )

    @property
    def read_options(self) -> ReadOptions:
        """How new data are read: like the training data, but with the format detected again and no record left out."""
        from seqmix.data.options import ReadOptions

        stored = dict(self.info["read"])
        stored |= {
            "classes": (),
            "format": "auto",
            "split_from": None,
            "group_from": None,
            "hold_out": None,
            "validate": None,
            "skip_unlabelled": False,
        }
        stored |= {"include": (), "exclude": ()}
        return ReadOptions(**stored)

    def predictor(self, device: str = "auto") -> Predictor:
        """Return the trained model, ready to predict, on a device; it is cached until the weights change.

        Args:
            device: as in `TrainingConfig`.

        Raises:
            RunError: the weights cannot be loaded, see `load_model`, or the run was pretrained.
            ConfigError: there is no such device.
        """
        self.check_answers()
        check_device(device)
        self.check_trained()
        from seqmix.models.predictor import Predictor

        where = choose_device(device)
        files = [self.path / name for name in ("model.safetensors", CALIBRATION, SEEN)]
        states = [file.stat() if file.is_file() else None for file in files]
        key = (where, *(state and (state.st_ino, state.st_mtime_ns, state.st_size) for state in states))
        if self._predictor and self._predictor[0] == key:
            return self._predictor[1]
        found = Predictor.of(self.load_model(), self.config, self.info, device, calibration=self.calibration, seen=self.seen)
        self._predictor = (key, found)
        return found

    def predictor_for(self, options: PredictOptions) -> Predictor:
        """Return what predicts with these options: the model, or the best simple method.

        Raises:
            RunError: the run has no trained model, or no simple method.
            ConfigError: there is no such device.
        """
        return self.baseline_predictor(options.device) if options.baseline else self.predictor(options.device)

    def baseline_predictor(self, device: str = "auto") -> Predictor:
        """Return the best simple method, ready to predict: what an evaluation stored, or the lexical branch alone.

        Args:
            device: as in `TrainingConfig`.

        Raises:
            RunError: there is none, or it cannot be used.
            ConfigError: there is no such device.
        """
        self.check_answers()
        check_device(device)
        from seqmix.models.predictor import Predictor
        from seqmix.models.stored_baseline import load_baseline

        seen = self.seen
        return Predictor.of(load_baseline(self), self.config, self.info, device, seen=seen and seen.without_scores())

    @overload
    def predict(self, sequences: Iterator[Any], **options: Any) -> Iterator[Prediction]: ...
    @overload
    def predict(self, sequences: Iterable[Any], **options: Any) -> list[Prediction]: ...

    @typed("sequences")
    @taking(PredictOptions)
    def predict(
        self, sequences: Iterable[Any], *, tally: Tally | None = None, progress: bool = False, **given: Any
    ) -> Iterable[Prediction]:
        """Classify sequences in memory.

        The model is loaded once and cached until its weights change.

        Args:
            sequences: a list, array, series, data frame, mapping of ids to sequences, or iterator. Its items are texts or
                (id, text) tuples; for a model of pairs, (first, second) or (id, first, second) tuples; for a model of
                numbers, arrays `(L,)` or `(L, channels)`. Without ids, a record's id is its position in the list or its
                index in the series.
            tally: receives counts of records and characters.
            progress: whether to draw a progress bar.
            given

        Returns:
            A list with a `Prediction` for each sequence, in order; for an iterator, an iterator.

        Raises:
            RunError: the run has no trained model.
            InputError: a sequence cannot be classified; the message names its id or position.
            ConfigError: an option has a value that is not allowed.

        Examples:
            >>> [found] = run.predict(["ACGTTGCA"])  # doctest: +SKIP
            >>> found.label, found.probabilities  # doctest: +SKIP
            ('turtle', {'mouse': 0.25, 'turtle': 0.75})
        """
        from seqmix.data.in_memory import memory_records
        from seqmix.reporting.progress import count_of, with_bar

        options = predict_options(given)
        records = memory_records(sequences, self.read_options, paired=self.paired, vocabulary=self.vocabulary)
        if progress:
            records = with_bar(records, "predicting", "sequences", count_of(sequences))
        found = self.predictor_for(options).predict(records, options, tally=tally)
        return found if isinstance(sequences, Iterator) else list(found)

    def predict_proba(self, sequences: Iterable[Any], **options: Any) -> NDArray[np.float64]:
        """Return the probability of each class for sequences in memory.

        Args:
            sequences: as in `predict`.
            options: options of `predict`.

        Returns:
            Probabilities `(N, C)`: a row for each sequence, and a column for each of `classes` in their order; NaN in the row
            of a sequence that is marked (`on_error="mark"`).

        Raises:
            ConfigError: the model is a regression, which has no classes; `predict` returns its values.
            SeqmixError: as in `predict`.
        """
        self.check_answers()
        if not self.classes:
            raise ConfigError("this model is a regression and has no probabilities; predict() returns its values")
        empty = [np.nan] * len(self.classes)
        rows = [list(found.probabilities.values()) or empty for found in self.predict(sequences, **options)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.classes))
