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
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

from seqmix.config import Config
from seqmix.config.tables import read_toml
from seqmix.data.dataset_json import info_text, read_info
from seqmix.data.resplit import FILE as SPLIT
from seqmix.data.resplit import split_file
from seqmix.errors import ConfigError, DatasetError, RunError, SeqmixError, command, param, shown
from seqmix.models.answering_model import AnsweringModel
from seqmix.objectives.base import LEAST_GAIN
from seqmix.reporting.text import score_text
from seqmix.system.arguments import typed
from seqmix.system.environment import environment
from seqmix.system.files import whole_folder, write_whole
from seqmix.system.leftovers import put_back
from seqmix.system.locks import locked
from seqmix.system.renaming import Standing
from seqmix.system.run_folders import newest_first
from seqmix.system.training_files import TRAINING

if TYPE_CHECKING:
    pass

RUNS = Path("runs")
EVALUATION = "evaluation"  # the lock of a process that evaluates a run


class Run(AnsweringModel):
    """A folder with a trained model, or one that is being trained.

    Attributes:
        path: the folder.
        config: the resolved configuration.
        info: the `dataset.json` of the training data.
    """

    def __init__(self, path: Path, config: Config, info: dict[str, Any]) -> None:
        self.path, self.config, self.info = path, config, info

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
