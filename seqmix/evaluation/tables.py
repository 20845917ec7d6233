"""The tables of an evaluation, for the terminal and for its page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqmix.evaluation.baselines import method_of
from seqmix.objectives.metrics import Score
from seqmix.reporting.tables import SHOWN_CLASSES, Column, ReportTable
from seqmix.reporting.text import counted, interval_text, number, score_text
from seqmix.system.printable import printable

if TYPE_CHECKING:
    from seqmix.evaluation.result import Evaluation

_CROSSED = 10  # classes up to which a terminal shows the confusion matrix
_CONFUSIONS = 10  # that a page lists of a large confusion matrix


def evaluation_tables(evaluation: Evaluation) -> list[ReportTable]:
    """Return the tables of an evaluation that a terminal shows."""
    tables = [score_table(evaluation)]
    if evaluation.per_class:
        tables.append(class_table(evaluation, SHOWN_CLASSES))
    if evaluation.confusion and len(evaluation.classes) <= _CROSSED:
        tables.append(confusion_table(evaluation))
    if evaluation.baselines or evaluation.branches or evaluation.against:
        tables.append(comparison_table(evaluation))
    return tables


def score_table(evaluation: Evaluation) -> ReportTable:
    """Return a table of the headline scores with their intervals."""
    title = f"{evaluation.run}: {evaluation.source}, {counted(evaluation.records, 'record')}"
    columns = [Column("score"), Column("value", "number"), Column("95 % interval", "number")]
    far: Mapping[str, Score] = evaluation.far.get("scores", {}) if some_near(evaluation) else {}
    if far:
        columns += [Column(f"{evaluation.far['records']:,} not near", "number"), Column("its interval", "number")]
        title += "; not near: without a near relative in training"
    table = ReportTable(columns, title)
    for name, score in evaluation.scores.items():
        shown = (score, far[name]) if far else (score,)
        table.add(name, *(cell for one in shown for cell in _cells(name, one)))
    for name, value in calibration_rows(evaluation).items():
        table.add(name, number(value), *[""] * (len(columns) - 2))
    return table


def some_near(evaluation: Evaluation) -> bool:
    """Return whether some of the records, but not all, are known to have a near relative in training."""
    return 0 < evaluation.far.get("records", 0) < evaluation.records


def calibration_rows(evaluation: Evaluation) -> dict[str, float]:
    """Return how far the probabilities can be trusted, by a name for each figure; nothing for a kind without them."""
    calibrated = bool(evaluation.calibration)
    rows = {
        "calibration error": evaluation.calibration_error,
        "… by chance alone": evaluation.calibration_error_chance,
        "… before calibration": evaluation.calibration_error_raw if calibrated else math.nan,
        "log loss before calibration": evaluation.log_loss_raw if calibrated else math.nan,
    }
    return {name: value for name, value in rows.items() if math.isfinite(value)}


def _cells(name: str, score: Score) -> tuple[str, str]:
    return score_text(name, score.value), interval_text(name, score.low, score.high) or "-"


def class_table(evaluation: Evaluation, most: int | None = None, *, areas: bool = False) -> ReportTable:
    """Return a table of precision, recall and F1 of each class.

    Args:
        evaluation: the evaluation.
        most: number of classes that are listed; None for all.
        areas: whether to add the share of each class in the records, and the areas below its curves.
    """
    scores = ("precision", "recall", "F1")
    names = (*scores, "records", *(("share", "ROC AUC", "average precision") if areas else ()))
    table = ReportTable([Column("class"), *(Column(name, "number") for name in names)], "classes")
    for row in evaluation.per_class[:most]:
        name, records = str(row["class"]), float(row["records"])
        cells = [*(number(float(row[score])) for score in scores), f"{records:,.0f}"]
        if areas:
            curves = (evaluation.roc, evaluation.precision_recall)
            cells.append(number(records / evaluation.records))
            cells += [number(curve[name]["area"]) if name in curve else "-" for curve in curves]
        table.add(name, *cells)
    if most is not None and (more := len(evaluation.per_class) - most) > 0:
        table.add(f"… {more:,} more", *[""] * len(names))
    return table


def confusion_table(evaluation: Evaluation) -> ReportTable:
    """Return the confusion matrix: true classes in rows, predicted ones in columns."""
    columns = [Column("true class"), *(Column(printable(name), "number") for name in evaluation.classes)]
    table = ReportTable(columns, "confusion: true classes in rows, predicted ones in columns")
    for name, row in zip(evaluation.classes, evaluation.confusion, strict=True):
        table.add(name, *(f"{count:,}" for count in row))
    return table


def frequent_confusions(evaluation: Evaluation) -> ReportTable:
    """Return a table of the classes that were confused most often; of a large confusion matrix, a figure shows no numbers."""
    names, counts = evaluation.classes, evaluation.confusion
    wrong = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if n and i != j]
    columns = [Column("true class"), Column("predicted class"), Column("records", "number"), Column("of the class", "number")]
    table = ReportTable(columns, "the most frequent confusions", keys=2)
    for n, i, j in sorted(wrong, key=lambda one: -one[0])[:_CONFUSIONS]:
        table.add(names[i], names[j], f"{n:,}", f"{100 * n / sum(counts[i]):.0f} %")
    return table


def comparison_table(evaluation: Evaluation, *, intervals: bool = False) -> ReportTable:
    """Return a table of the scores of the model, of each of its branches alone, and of the baselines.

    Args:
        evaluation: the evaluation.
        intervals: whether to add the 95 % intervals that are known.
    """
    columns = [Column("method"), *(Column(name, "number") for name in evaluation.columns)]
    table = ReportTable(columns, compared_with(evaluation))

    def add(name: str, scores: Mapping[str, Any], known: Mapping[str, Score], style: str | None = None) -> None:
        cells = [score_text(column, scores[column]) for column in evaluation.columns]
        if intervals and known:
            cells = [_with_interval(column, known[column]) for column in evaluation.columns]
        table.add(name, *cells, style=style)

    own = {name: score.value for name, score in evaluation.scores.items()}
    title = "both (this model)" if evaluation.branches else f"this model ({evaluation.model})"
    add(title, own, evaluation.scores, style="bold")
    if other := evaluation.against:
        values = {name: score.value for name, score in other["scores"].items()}
        add(f"{other['run']} ({other['model']})", values, other["scores"])
    for key, branch in evaluation.branches.items():
        add(f"{branch['name']} alone", branch["scores"], evaluation.intervals.get(key, {}))
    for method, scores in evaluation.baselines.items():
        add(method_of(method, evaluation.task).title, scores, evaluation.intervals.get(method, {}))
    return table


def _with_interval(name: str, score: Score) -> str:
    interval = interval_text(name, score.low, score.high)
    return score_text(name, score.value) + (f" ({interval})" if interval else "")


def compared_with(evaluation: Evaluation) -> str:
    """Return the heading of the comparison."""
    simple = "simple methods" if evaluation.baselines else ""
    branches = "each branch alone" if evaluation.branches else ""
    other = "another run" if evaluation.against else ""
    *most, last = filter(None, (other, branches, simple))
    return f"compared with {', '.join(most)}{' and ' * bool(most)}{last} on the same split"


def length_table(evaluation: Evaluation, noun: str) -> ReportTable:
    """Return a table of the headline scores of records of similar length.

    Args:
        evaluation: the evaluation.
        noun: what a token is called.
    """
    names = list(evaluation.by_length[0]["scores"])
    columns = [Column(f"{noun}s"), Column("records", "number"), *(Column(name, "number") for name in names)]
    table = ReportTable(
        columns, f"bins of about equally many records by their length in {noun}s, with 95 % intervals (200 bootstrap samples)"
    )
    for one in evaluation.by_length:
        ends = dict.fromkeys((f"{one['shortest']:,}", f"{one['longest']:,}"))
        cells = (_with_interval(name, Score(**score)) for name, score in one["scores"].items())
        table.add(" to ".join(ends), f"{one['records']:,}", *cells)
    return table


def worst_table(evaluation: Evaluation) -> ReportTable:
    """Return a table of the wrong answers that the model was most certain of."""
    worst, numbers = evaluation.worst, "error" in evaluation.worst[0]
    near = any(one["nearness"] is not None for one in worst)
    begins = any(one["beginning"] for one in worst)
    columns = [Column("record"), *(Column(name, "number" if numbers else "name") for name in ("true", "predicted"))]
    columns += [Column("most wrong label")] * ("label" in worst[0])
    columns += [Column("error" if numbers else "probability", "number")]
    columns += [Column("nearness", "number")] * near + [Column("beginning", "text")] * begins
    title = "the largest errors" if numbers else "the wrong answers that the model was most certain of"
    table = ReportTable(columns, title)
    for one in worst:
        cells = [f"{one[name]:.6g}" if numbers else one[name] or "-" for name in ("true", "predicted")]
        cells += [one["label"]] if "label" in one else []
        cells.append(f"{one['error']:+.4g}" if numbers else number(one["probability"]))
        cells += [number(one["nearness"])] * near + [one["beginning"]] * begins
        table.add(one["id"], *cells)
    return table
