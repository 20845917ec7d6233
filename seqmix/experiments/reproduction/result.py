"""What a reproduction of a paper's experiments found: every training, and the table of measured beside published."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seqmix.evaluation.baselines import method_name
from seqmix.experiments.reproduction.papers import Suite
from seqmix.experiments.spread import Spread, spread
from seqmix.experiments.trial import Trial
from seqmix.reporting.text import duration
from seqmix.system.files import without_nan
from seqmix.version import __version__

_PLACE = re.compile(r"runs/([^-/]+)-(.+)-seed(\d+)")


def place_of(task: str, method: str, seed: int) -> Path:
    """The run folder of a training, in that of all."""
    return Path("runs") / f"{task}-{method}-seed{seed}"


def task_and_method(folder: str) -> tuple[str, str]:
    """What a training is of, from its run folder; "" where it is none of a reproduction."""
    found = _PLACE.fullmatch(folder)
    return (found[1], found[2]) if found else ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method on one task.

    Attributes:
        recipe: the settings it was trained with; "" of a simple method.
        runs: how many trainings the figures are of; 0: none has ended well.
        accuracy: on the test split, in %; steps, epochs and seconds: of training.
        published: accuracy in %; None: the papers that are compared with give none.
    """

    task: str
    method: str
    recipe: str
    runs: int
    accuracy: Spread | None
    steps: Spread | None = None
    epochs: Spread | None = None
    seconds: Spread | None = None
    published: float | None = None


@dataclass(slots=True, kw_only=True)
class Reproduction:
    """What `reproduce` found.

    Attributes:
        suite: which experiments.
        settings: what all trainings share; environment: versions, platform, threads.
        data: by task, where its data are from, how many records there are in each split, and the data set's checksum.
        trials: one for each training that ended, failed ones too.
        baselines: by task and name, the scores of the simple methods on the same split.
        remarks: what is missing and why, and what else makes this another experiment.
        interrupted: whether trainings are missing because the user had enough.
    """

    suite: Suite
    settings: dict[str, Any]
    environment: dict[str, Any]
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    baselines: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def lines(self) -> list[Line]:
        """All that was trained, and the simple methods: by task, in the order in which the papers have them."""
        lines = []
        for experiment in self.suite.experiments:
            of = [trial for trial in self.trials if task_and_method(trial.folder)[0] == experiment.name]
            for method in sorted({task_and_method(trial.folder)[1] for trial in of}, key=self._order):
                trials = [trial for trial in of if task_and_method(trial.folder)[1] == method and not trial.error]
                accuracies = [trial.scores["accuracy"] for trial in trials]
                lines.append(
                    Line(
                        task=experiment.name,
                        method=method,
                        recipe=experiment.recipe(method),
                        runs=len(trials),
                        accuracy=spread([None if value is None else 100 * value for value in accuracies]),
                        steps=spread([trial.steps for trial in trials]),
                        epochs=spread([trial.epochs for trial in trials]),
                        seconds=spread([trial.seconds for trial in trials]),
                        published=experiment.published.get(method),
                    )
                )
            for name, scores in self.baselines.get(experiment.name, {}).items():
                accuracy = spread([100 * scores["accuracy"]])
                lines.append(Line(task=experiment.name, method=method_name(name), recipe="", runs=1, accuracy=accuracy))
        return lines

    def _order(self, method: str) -> tuple[int, str]:
        known = [*dict.fromkeys((*self.suite.methods, *self.suite.paper))]
        return (known.index(method) if method in known else len(known), method)

    @property
    def failures(self) -> list[str]:
        """Trainings that failed, or were short of memory."""
        failed = [f"{trial_name(trial)}: {trial.error}" for trial in self.trials if trial.error]
        return failed + [
            f"{trial_name(t)}: memory ran out; its batches were computed in {t.pieces} parts"
            for t in self.trials
            if t.pieces > 1
        ]

    @property
    def conditions(self) -> str:
        """How far the trainings are those of the papers."""
        budget, changed = self.settings["budget"], ", ".join(self.settings["settings"])
        own = f"Each training here had {duration(budget)}" if budget else "Trainings here were as the recipes say"
        own += (f", with {changed}" if budget else f" but for {changed}") if changed else ""
        than = "; budgets here are not the papers' training" if budget or changed else ""
        also = f" {self.suite.remark}" if self.suite.remark else ""
        return f"{own}; {self.suite.training}{than}.{also}"

    def to_json(self) -> str:
        """As `reproduce.json`; what is not defined is null."""
        content = {
            "seqmix": __version__,
            "suite": self.suite.name,
            "settings": self.settings,
            "environment": self.environment,
            "conditions": self.conditions,
            "interrupted": self.interrupted,
            "data": self.data,
            "table": [asdict(line) for line in self.lines],
            "published": {one.name: dict(one.published) for one in self.suite.experiments},
            "remarks": self.remarks,
            "failures": self.failures,
            "baselines": self.baselines,
            "runs": [asdict(trial) for trial in self.trials],
        }
        return json.dumps(without_nan(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def trial_name(trial: Trial) -> str:
    """A training in words: "text, skyformer, seed 0"."""
    task, method = task_and_method(trial.folder)
    return f"{task}, {method}, seed {trial.seed}"
