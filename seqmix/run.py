"""The run folder: the one place that knows how a trained model is stored.

`config.toml` (settings, fully resolved), `model.safetensors` (the weights with the best validation score),
`last/state.safetensors` (everything needed to resume), `metrics.jsonl`, `dataset.json` (vocabulary, classes and checksums of
the training data), `split.npy` (the splits, if they are not those of the data set), `environment.json`, at the end of training
`calibration.json` and `seen.json`, later `evaluation.json` and `report.html`. Every file is written whole or not at all;
tensors have checksums; no pickle is read or written.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import tomli_w
from numpy.typing import NDArray

from seqmix.calibration.stored import CALIBRATION, SEEN
from seqmix.config import Config
from seqmix.config.options import taking
from seqmix.config.tables import read_toml
from seqmix.data.dataset_json import info_text, read_info
from seqmix.data.resplit import FILE as SPLIT
from seqmix.data.resplit import split_file
from seqmix.errors import ConfigError, DatasetError, RunError, SeqmixError, command, param, shown
from seqmix.models.predict_options import PredictOptions, predict_options
from seqmix.models.stored_model import StoredModel
from seqmix.objectives.base import LEAST_GAIN
from seqmix.reporting.text import score_text
from seqmix.system.arguments import typed
from seqmix.system.devices import check_device, choose_device
from seqmix.system.environment import environment
from seqmix.system.files import whole_folder, write_whole
from seqmix.system.leftovers import put_back
from seqmix.system.locks import locked
from seqmix.system.renaming import Standing
from seqmix.system.run_folders import newest_first
from seqmix.system.training_files import TRAINING

if TYPE_CHECKING:
    from seqmix.data.options import ReadOptions
    from seqmix.models.prediction import Prediction, Tally
    from seqmix.models.predictor import Predictor

RUNS = Path("runs")
EVALUATION = "evaluation"  # the lock of a process that evaluates a run


class Run(StoredModel):
    """A folder with a trained model, or one that is being trained.

    Attributes:
        path: the folder.
        config: the resolved configuration.
        info: the `dataset.json` of the training data.
    """

    def __init__(self, path: Path, config: Config, info: dict[str, Any]) -> None:
        self.path, self.config, self.info = path, config, info
        self._predictor: tuple[object, Predictor] | None = None

    @classmethod
    def create(
        cls,
        path: Path,
        config: Config,
        info: dict[str, Any],
        *,
        split: NDArray[np.int8] | None = None,
        overwrite: bool = False,
        before: Standing | None = None,
    ) -> Run:
        """Create a new folder with the configuration, the description of the data and the environment.

        Args:
            path: the folder.
            config: the resolved configuration.
            info: the `dataset.json` of the training data.
            split: the splits, if they are not those of the data set.
            overwrite: replace an existing run.
            before: the state of `path` when the work began; None for its state now.

        Raises:
            RunError: the folder exists and `overwrite` is False, it is not a run folder, or another process writes to it.
        """
        cls.check_free(path, overwrite=overwrite)
        with ExitStack() as held, whole_folder(path, overwrite=overwrite, before=before, costly=False, error=RunError) as fresh:
            cls.check_free(path, overwrite=overwrite)  # again: only what is there from now on is protected
            if path.exists():
                held.enter_context(locked(path, TRAINING, "replacing the run"))
                for folder in (path, *path.glob("eval-*/")):
                    held.enter_context(locked(folder, EVALUATION, "replacing the run"))
            (fresh / "last").mkdir()
            write_whole(fresh / "dataset.json", info_text(info))
            if split is not None:
                write_whole(fresh / SPLIT, split_file(split))
            write_whole(fresh / "environment.json", json.dumps(environment(), indent=1) + "\n")
            write_whole(fresh / "config.toml", tomli_w.dumps(config.to_tables()))
            run = cls(path, config, info)
            run.place = fresh.stat()
            if os.name == "nt":  # where a folder with open files cannot be renamed
                held.close()
        return run

    @staticmethod
    def check_free(path: Path, *, overwrite: bool) -> None:
        """Refuse a folder for a new run that is in use.

        Raises:
            RunError: it exists and `overwrite` is False, or it is not a run folder.
        """
        put_back(path)
        if not path.exists():
            return
        if not (path / "config.toml").is_file():
            raise RunError(f"{path} exists and is not a run folder, so it is not overwritten; choose another {param('output')}")
        if not overwrite:
            raise RunError(
                f"{path} exists; continue it with {param('resume', True)}, replace it with {param('overwrite', True)}, or "
                f"choose another {param('output')}"
            )

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a run folder.

        Args:
            path: the folder.

        Raises:
            RunError: the folder is missing, is not a run folder, or is damaged.
        """
        if not isinstance(path, str | Path):
            raise RunError(f"a run is given by its folder: got {shown(path)}")
        path = Path(path)
        try:
            put_back(path)
            place = path.stat()
        except OSError:
            place = None
        if place is None or not path.is_dir():
            raise RunError(f"{path}: no such run folder; train a model with {command('train')}, or name an existing folder")
        if not (path / "config.toml").is_file():
            raise RunError(f"{path}: this is not a run folder of seqmix (config.toml is missing)")
        try:
            config = Config.from_tables(read_toml(path / "config.toml"))
        except ConfigError as error:
            raise RunError(f"{path}: the run folder is damaged: config.toml: {error.text}") from error
        if not config.model.max_length:
            raise RunError(f"{path}: the run folder is damaged: config.toml is incomplete")
        if not (path / "dataset.json").is_file():
            raise RunError(f"{path}: the run folder is damaged: dataset.json is missing; restore it, or train again")
        try:
            info = read_info(path / "dataset.json", remade_by="train")
        except DatasetError as error:
            raise RunError(error.text) from error
        run = cls(path, config, info)
        run.place = place
        run._check_description()
        return run

    def _check_description(self) -> None:
        """Raise a `RunError` unless the vocabulary, the objective and the options of reading can be made of `dataset.json`."""
        try:
            self.vocabulary, self.read_options  # noqa: B018 - what they return is kept, or quickly made again
        except (SeqmixError, TypeError) as error:
            text = error.text if isinstance(error, SeqmixError) else f"'read': {error}"
            raise RunError(
                f"{self.path}: the run folder is damaged: dataset.json: {text}; restore it, or train again"
            ) from error

    @classmethod
    @typed()
    def newest(cls, root: str | Path = RUNS, *, answering: bool = False) -> Run:
        """Open the run that was started last: the one with the highest number.

        Args:
            root: the folder that contains the run folders.
            answering: whether to skip pretrained runs, which have learned no labels.

        Raises:
            RunError: there is no run.
        """
        folders = newest_first(Path(root))
        for folder in folders:
            run = cls.open(folder)
            if run.learns_labels or not answering:
                return run
        if folders:
            raise RunError(
                f"no run under {root}/ has learned labels: all were pretrained; train a classifier from the newest with "
                f"{command('train')} and {param('init', str(folders[0]))}, or name a run folder"
            )
        raise RunError(f"no run under {root}/; train a model first with {command('train')}, or name a run folder")

    def __repr__(self) -> str:
        """Return the run in a line."""
        return f"<{type(self).__name__} {str(self.path)!r}: {', '.join(f'{name} {value}' for name, value in self._facts())}>"

    def _repr_html_(self) -> str:
        """Return the run as a table, for notebooks."""
        from seqmix.reporting.tables import Column, ReportTable

        table = ReportTable([Column("run", "text"), Column(str(self.path), "text")])
        for name, value in self._facts():
            table.add(name, value)
        return table.html()

    def _facts(self) -> list[tuple[str, str]]:
        """Return the most important facts about the run."""
        try:
            best = self.best_line()
        except RunError:
            best = {}
        score = self.objective.selections.get(self.config.training.select, "")
        value = best.get(f"val_{score}")
        parts = [("mixer", self.config.model.mixer)] if self.has_mixer else [("model", self.title)]
        found = [*parts, (self.objective.kind, ", ".join(self.classes) or self.objective.subject)]
        if value is not None:
            epoch = f" (epoch {best.get('epoch')})" if self.has_mixer else ""
            found.append((f"best validation {score}", f"{score_text(score, value)}{epoch}"))
        return [*found, ("data", self.config.data.path)]

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
    def learned_nothing(self) -> bool:
        """Whether the mixing branch that was kept is no better on validation than a constant prediction; False if unknown."""
        best = self.best_line()
        return best.get("gain", math.inf) <= LEAST_GAIN

    @property
    def measured(self) -> dict[str, float]:
        """The settings that were left to seqmix ("auto") and measured before the first step, by option; see `config`."""
        last = (self.history() or [{}])[-1]
        named = {"training.lr": last.get("peak_lr"), "training.tokens_per_batch": last.get("tokens_per_batch")}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def title(self) -> str:
        """The kind of model in words: "paramixer", "paramixer and k-mers", "n-grams alone"."""
        model = self.config.model
        counted = {"kmers": "k-mers", "ngrams": "n-grams"}.get(model.lexical, "")
        if not self.has_mixer:
            return f"{counted} alone"
        return f"{model.mixer} and {counted}" if counted else model.mixer

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
