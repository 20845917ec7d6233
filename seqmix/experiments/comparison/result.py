"""The results of a comparison of mixers: every training, the simple methods, and the table of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seqmix.evaluation.baselines import method_of
from seqmix.experiments.comparison.distinguish import Distinction, in_words
from seqmix.experiments.result import CampaignResult
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.spread import Spread, spread

_COSTS = ("parameters", "seconds", "tokens_per_second", "peak_bytes", "epochs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One method of the table.

    Attributes:
        method: name of a mixer or of a simple method.
        short: the same where space is short.
        baseline: whether it is a simple method.
        runs: trainings that the figures are of.
        figures: by name, the comparison's scores, "parameters", "seconds", "tokens_per_second", "peak_bytes" and
            "epochs"; None where one is not defined or was not measured.
    """

    method: str
    short: str
    baseline: bool
    runs: int
    figures: dict[str, Spread | None]


@dataclass(kw_only=True)
class Comparison(CampaignResult):
    """The results of `compare`.

    Attributes:
        data: path, checksum, classes and counts of the data set, its "task", and the names of the "scores" that are
            compared; the table is ordered by the first of them. Also what of its `dataset.json` the page shows ("info"), what a
            token is called ("noun"), and how near the test records are to training ("nearness").
        baselines: by name, the scores of the simple methods on the same split.
        distinctions: how each mixer compares with the best simple method and with the best mixer.
    """

    data: dict[str, Any]
    baselines: dict[str, dict[str, Any]] = field(default_factory=dict)
    distinctions: list[Distinction] = field(default_factory=list)

    @property
    def scores(self) -> list[str]:
        """The names of the scores that are compared."""
        return list(self.data["scores"])

    @property
    def rows(self) -> list[ComparisonRow]:
        """All methods, the best first; those without a finished training last."""
        mixers = dict.fromkeys(trial.mixer for trial in self.trials)
        rows = [_mixer_row(name, [t for t in self.trials if t.mixer == name and not t.error], self.scores) for name in mixers]
        for name, scores in self.baselines.items():
            figures = dict.fromkeys((*self.scores, *_COSTS)) | {score: spread([scores[score]]) for score in self.scores}
            method = method_of(name, self.data["task"])
            rows.append(ComparisonRow(method=method.title, short=method.short, baseline=True, runs=1, figures=figures))
        return sorted(rows, key=lambda row: _first(row.figures[self.scores[0]]), reverse=True)

    @property
    def verdict(self) -> list[str]:
        """Who is distinguishable from whom, in sentences."""
        return in_words(self.distinctions)

    @property
    def notes(self) -> list[str]:
        """Notes for the reader: `failures`, means over different numbers of trainings, notes of the baselines."""
        notes = self.failures
        runs = {row.method: row.runs for row in self.rows if row.runs and not row.baseline}
        if len(set(runs.values())) > 1:
            numbers = ", ".join(f"{method} {n}" for method, n in runs.items())
            notes.append(f"means are over different numbers of trainings: {numbers}")
        notes += [
            f"{method_of(name, self.data['task']).title}: {scores['note']}"
            for name, scores in self.baselines.items()
            if "note" in scores
        ]
        return notes

    def content(self) -> dict[str, Any]:
        """Return the content of `compare.json`."""
        return {
            "data": self.data,
            "settings": self.settings,
            "environment": self.environment,
            "interrupted": self.interrupted,
            "table": [asdict(row) for row in self.rows],
            "notes": self.notes,
            "baselines": self.baselines,
            "verdict": self.verdict,
            "distinctions": [asdict(one) for one in self.distinctions],
            "runs": [asdict(trial) for trial in self.trials],
        }


def _mixer_row(mixer: str, trials: Sequence[Trial], scores: Sequence[str]) -> ComparisonRow:
    figures = {name: spread([trial.scores[name] for trial in trials]) for name in scores}
    figures |= {name: spread([getattr(trial, name) for trial in trials]) for name in _COSTS}
    return ComparisonRow(method=mixer, short=mixer, baseline=False, runs=len(trials), figures=figures)


def _first(found: Spread | None) -> float:
    return found.mean if found else -math.inf
