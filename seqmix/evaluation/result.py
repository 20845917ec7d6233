"""The result of an evaluation."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from seqmix.objectives.metrics import Floats, Score
from seqmix.reporting.html import html_table
from seqmix.reporting.text import counted, interval_text, score_text
from seqmix.system.files import without_nan
from seqmix.version import __version__

_HEADLINE = 3  # scores in the short form


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """Scores of a model, and everything needed to show them.

    Attributes:
        run: folder of the run.
        source: description of the records.
        task: kind of the objective: classification, multilabel or regression; what it does not have is empty.
        model: the model in words, such as "paramixer and k-mers"; of a lexical one alone, what was chosen on validation.
        records: number of records scored.
        classes: names of the classes.
        scores: by name, each with a 95 % bootstrap interval.
        columns: scores that are compared with those of the baselines; the first three are the headline.
        calibration_error: expected calibration error with 15 bins; NaN if undefined.
        reliability: the bins of the calibration error.
        per_class: precision, recall, F1 and records of each class.
        confusion: `(C, C)` counts, true classes in rows.
        branches: for "lexical" and "mixing", name, title, weight in the model, and the scores of the branch alone; empty if
            the model is one of them.
        baselines: by name, scores of baselines on the same records; empty if none were fitted.
        roc: by class, false and true positive rates, and the "area" below the curve.
        points: some true and predicted targets of a regression.
        pictures: if records are square images (bytes), some of them: side, intensities, true and predicted class.
        history: the run's `metrics.jsonl`.
        notes: what a reader should know.
        verdict: whether the model is better than the best simple method, in one sentence; "" if it was compared with none.
        comparison: the paired comparison with the best simple method, chosen on validation: its title ("method") and "name" in
            `baselines` ("" for the lexical branch), and the fields of a `Difference`: "score", "first" (that of the model),
            "second", "difference", "low", "high", "p_value", "test", "share"; and "verdict": "better", "worse" or "not
            distinguishable". Empty if the model was compared with none.
        far: of records without a near relative in training, their number ("records") and "scores"; empty if it is unknown
            which they are.
        grouped: whether intervals are over groups of related records.
        against: the paired comparison with another run: its folder ("run"), "model" in words and "scores", what `comparison`
            has of the difference, "verdict" and a "sentence"; empty if there was none.
        predictions: what the model answers for each record, `(n, C)` probabilities or `(n, 1)` numbers; not in
            `evaluation.json`.
        intervals: the scores of each branch and baseline, by name, with their 95 % intervals.
        precision_recall: by class, "recall" and "precision" at all thresholds, "area" (the average precision) and "share" of
            the records.
        worst: the wrong answers that the model was most certain of, the worst first: see `LabelObjective.worst`, with the
            "id" of the record, its "nearness" (None if unknown) and the "beginning" of its sequence, or of both texts.
        by_length: scores of records of similar length, from the shortest to the longest: "shortest", "longest", "records" and
            "scores"; empty if all have one length, or if there are too few.
        data: what is known about the records: whether they are "new", name, size and SHA-256 of the "inputs", "nearness" and
            "groups".
        calibration: the calibration of the probabilities in words; "" for none.
        calibration_error_raw: the calibration error without it; NaN if undefined.
        calibration_error_chance: mean calibration error that chance alone would make for these probabilities, if they were
            exactly right; NaN if undefined.
        log_loss_raw: the log loss without the calibration; NaN if undefined.
    """

    run: str
    source: str
    task: str
    model: str
    records: int
    classes: list[str]
    scores: dict[str, Score]
    columns: list[str]
    calibration_error: float
    reliability: dict[str, list[float]]
    per_class: list[dict[str, float | str]]
    confusion: list[list[int]]
    branches: dict[str, dict[str, Any]]
    baselines: dict[str, dict[str, Any]]
    roc: dict[str, dict[str, Any]]
    points: dict[str, list[float]]
    pictures: list[dict[str, Any]]
    history: list[dict[str, Any]]
    notes: list[str]
    verdict: str = ""
    comparison: dict[str, Any] = field(default_factory=dict)
    far: dict[str, Any] = field(default_factory=dict)
    grouped: bool = False
    against: dict[str, Any] = field(default_factory=dict)
    predictions: Floats | None = field(default=None, compare=False)
    intervals: dict[str, dict[str, Score]] = field(default_factory=dict)
    precision_recall: dict[str, dict[str, Any]] = field(default_factory=dict)
    worst: list[dict[str, Any]] = field(default_factory=list)
    by_length: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    calibration: str = ""
    calibration_error_raw: float = math.nan
    calibration_error_chance: float = math.nan
    log_loss_raw: float = math.nan

    def __repr__(self) -> str:
        headline = ", ".join(f"{name} {_text(name, self.scores[name])}" for name in self.columns[:_HEADLINE])
        return f"<Evaluation: {self.task}, {self.source}, {counted(self.records, 'record')}; {headline}>"

    def _repr_html_(self) -> str:
        """Return the scores as a table, for notebooks."""
        from seqmix.evaluation.tables import score_table

        return html_table(score_table(self))

    def to_json(self) -> str:
        """Return the content of `evaluation.json`; undefined values are null."""
        stored = asdict(replace(self, predictions=None))
        del stored["predictions"]
        content = without_nan({"seqmix": __version__, **stored})
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _text(name: str, score: Score) -> str:
    """Return a score and its interval, if it has one: "0.932 (0.901 to 0.955)"."""
    interval = interval_text(name, score.low, score.high)
    return score_text(name, score.value) + (f" ({interval})" if interval else "")
