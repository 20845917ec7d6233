"""The result of an evaluation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from seqmix.objectives.metrics import (
    Score,
)
from seqmix.system.files import without_nan
from seqmix.version import __version__


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of a model, and what is needed to show them.

    Attributes:
        run: its folder; source: what it was evaluated on, in words.
        task: classification, multilabel or regression; what has no meaning for it is empty.
        records: how many; classes: their names.
        scores: the headline figures, each with a 95 % bootstrap interval.
        calibration_error: expected calibration error, 15 bins; reliability: its bins.
        per_class: precision, recall, F1, records of each class.
        confusion: `(C, C)` counts, rows the true classes.
        columns: the scores that stand beside those of the simple methods.
        baselines: by name, the scores of simple methods on the same records; empty if they could not be fitted.
        roc: by class, the false and true positive rates.
        points: of a regression, some true and predicted targets.
        pictures: where records are square images (bytes), some of them: side, intensities, true and predicted class.
        history: the run's `metrics.jsonl`.
        notes: what a reader should know.
    """

    run: str
    source: str
    task: str
    records: int
    classes: list[str]
    scores: dict[str, Score]
    columns: list[str]
    calibration_error: float
    reliability: dict[str, list[float]]
    per_class: list[dict[str, float | str]]
    confusion: list[list[int]]
    baselines: dict[str, dict[str, Any]]
    roc: dict[str, dict[str, list[float]]]
    points: dict[str, list[float]]
    pictures: list[dict[str, Any]]
    history: list[dict[str, Any]]
    notes: list[str]

    def to_json(self) -> str:
        """As `evaluation.json`; what is not defined is null."""
        content = without_nan({"seqmix": __version__, **asdict(self)})
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
