"""What a comparison of mixers found: every training, the simple methods, and the table that is made of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seqmix.evaluation.baselines import method_name
from seqmix.experiments.spread import Spread, spread
from seqmix.experiments.trial import Trial
from seqmix.system.files import without_nan
from seqmix.version import __version__

_COSTS = ("parameters", "seconds", "tokens_per_second", "peak_bytes", "epochs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method of the table.

    Attributes:
        method: a mixer's name, or a simple method's; baseline: whether it is one of these.
        runs: how many trainings the figures are of.
        figures: by name, the comparison's scores, "parameters", "seconds", "tokens_per_second", "peak_bytes" and
            "epochs"; None: not defined, or not measured.
    """

    method: str
    baseline: bool
    runs: int
    figures: dict[str, Spread | None]


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What `compare` found.

    Attributes:
        settings: what all trainings share; data: path, checksum, classes and counts of the data set, the names of the
            "scores" that are compared (by the first of which the table is ordered), and its "task".
        environment: versions, platform, threads.
        trials: one for each training that ended, failed ones too.
        baselines: by name, the scores of the simple methods on the same split.
        interrupted: whether trainings are missing because the user had enough.
    """

    settings: dict[str, Any]
    data: dict[str, Any]
    environment: dict[str, Any]
    trials: list[Trial] = field(default_factory=list)
    baselines: dict[str, dict[str, Any]] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def scores(self) -> list[str]:
        """Names of the scores that are compared."""
        return list(self.data["scores"])

    @property
    def rows(self) -> list[Row]:
        """All methods, the best first; those without a finished training last."""
        mixers = dict.fromkeys(trial.mixer for trial in self.trials)
        rows = [_mixer_row(name, [t for t in self.trials if t.mixer == name and not t.error], self.scores) for name in mixers]
        for name, scores in self.baselines.items():
            figures = dict.fromkeys((*self.scores, *_COSTS)) | {score: spread([scores[score]]) for score in self.scores}
            rows.append(
                Row(method=method_name(name, self.data["task"] == "regression"), baseline=True, runs=1, figures=figures)
            )
        return sorted(rows, key=lambda row: _first(row.figures[self.scores[0]]), reverse=True)

    @property
    def notes(self) -> list[str]:
        """What a reader should know: trainings that failed or were short of memory, means over different numbers of them."""
        notes = [f"{t.mixer}, seed {t.seed}: {t.error}" for t in self.trials if t.error]
        for t in self.trials:
            if t.pieces > 1:
                notes.append(f"{t.mixer}, seed {t.seed}: memory ran out; its batches were computed in {t.pieces} parts")
        runs = {row.method: row.runs for row in self.rows if row.runs and not row.baseline}
        if len(set(runs.values())) > 1:
            numbers = ", ".join(f"{method} {n}" for method, n in runs.items())
            notes.append(f"means are over different numbers of trainings: {numbers}")
        notes += [
            f"{method_name(name, self.data['task'] == 'regression')}: {scores['note']}"
            for name, scores in self.baselines.items()
            if "note" in scores
        ]
        return notes

    def to_json(self) -> str:
        """As `compare.json`; what is not defined is null."""
        content = {
            "seqmix": __version__,
            "data": self.data,
            "settings": self.settings,
            "environment": self.environment,
            "interrupted": self.interrupted,
            "table": [asdict(row) for row in self.rows],
            "notes": self.notes,
            "baselines": self.baselines,
            "runs": [asdict(trial) for trial in self.trials],
        }
        return json.dumps(without_nan(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _mixer_row(mixer: str, trials: Sequence[Trial], scores: Sequence[str]) -> Row:
    figures = {name: spread([trial.scores[name] for trial in trials]) for name in scores}
    figures |= {name: spread([getattr(trial, name) for trial in trials]) for name in _COSTS}
    return Row(method=mixer, baseline=False, runs=len(trials), figures=figures)


def _first(found: Spread | None) -> float:
    return found.mean if found else -math.inf
