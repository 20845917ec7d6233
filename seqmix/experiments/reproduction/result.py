"""The results of reproducing a paper's experiments: every training, and the table of measured and published accuracies."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from seqmix.evaluation.baselines import method_of
from seqmix.experiments.reproduction.papers import Experiment, Suite
from seqmix.experiments.result import CampaignResult
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.spread import Spread, spread
from seqmix.objectives.classification import Classification
from seqmix.reporting.text import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionRow:
    """One method on one task.

    Attributes:
        task: name of the task.
        method: name of the method.
        short: the same where space is short.
        recipe: the settings it was trained with; "" for a simple method.
        runs: trainings that the figures are of; 0 if none has ended well.
        accuracy: accuracy on the test split, in %.
        steps: optimiser steps.
        epochs: epochs begun.
        seconds: time of training.
        published: accuracy in %; None if the papers that are compared with do not give one.
    """

    task: str
    method: str
    short: str
    recipe: str
    runs: int
    accuracy: Spread | None
    steps: Spread | None = None
    epochs: Spread | None = None
    seconds: Spread | None = None
    published: float | None = None


@dataclass(kw_only=True)
class Reproduction(CampaignResult):
    """The results of `reproduce`.

    Attributes:
        suite: the paper's experiments.
        data: for each task, where the data come from, the number of records in each split, and the data set's checksum.
        baselines: scores of the simple methods on the same split, by task and name.
        remarks: missing data and why, and other differences from the publication.
    """

    suite: Suite
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    baselines: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[ReproductionRow]:
        """All that was trained, and the simple methods: by task, in the order in which the papers have them."""
        rows = []
        for experiment in self.suite.experiments:
            of = [trial for trial in self.trials if trial.task == experiment.name]
            for method in sorted({trial.method for trial in of}, key=self._order):
                rows.append(_row(experiment, method, [t for t in of if t.method == method and not t.error]))
            for name, scores in self.baselines.get(experiment.name, {}).items():
                simple = method_of(name, Classification.kind)
                rows.append(
                    ReproductionRow(
                        task=experiment.name,
                        method=simple.title,
                        short=simple.short,
                        recipe="",
                        runs=1,
                        accuracy=spread([100 * scores["accuracy"]]),
                    )
                )
        return rows

    def _order(self, method: str) -> tuple[int, str]:
        known = [*dict.fromkeys((*self.suite.methods, *self.suite.paper))]
        return (known.index(method) if method in known else len(known), method)

    @property
    def conditions(self) -> str:
        """How the trainings differ from those of the papers, in words."""
        budget, changed = self.settings["budget"], ", ".join(self.settings["settings"])
        own = f"Each training here had {duration(budget)}" if budget else "Trainings here were as the recipes say"
        own += (f", with {changed}" if budget else f" but for {changed}") if changed else ""
        than = "; budgets here are not the papers' training" if budget or changed else ""
        also = f" {self.suite.remark}" if self.suite.remark else ""
        return f"{own}; {self.suite.training}{than}.{also}"

    def content(self) -> dict[str, Any]:
        """Return what `reproduce.json` holds."""
        return {
            "suite": self.suite.name,
            "settings": self.settings,
            "environment": self.environment,
            "conditions": self.conditions,
            "interrupted": self.interrupted,
            "data": self.data,
            "table": [asdict(row) for row in self.rows],
            "published": {one.name: dict(one.published) for one in self.suite.experiments},
            "remarks": self.remarks,
            "failures": self.failures,
            "baselines": self.baselines,
            "runs": [asdict(trial) for trial in self.trials],
        }


def _row(experiment: Experiment, method: str, trials: list[Trial]) -> ReproductionRow:
    """Return the row of a method's trainings that ended well."""
    accuracies = [trial.scores["accuracy"] for trial in trials]
    return ReproductionRow(
        task=experiment.name,
        method=method,
        short=method,
        recipe=experiment.recipe(method),
        runs=len(trials),
        accuracy=spread([None if value is None else 100 * value for value in accuracies]),
        steps=spread([trial.steps for trial in trials]),
        epochs=spread([trial.epochs for trial in trials]),
        seconds=spread([trial.seconds for trial in trials]),
        published=experiment.published.get(method),
    )
