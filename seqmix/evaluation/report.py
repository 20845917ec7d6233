"""What people look at after `prepare` and `eval`: tables for the terminal, and a self-contained HTML page."""

from __future__ import annotations

import html
import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from seqmix.data.dataset import sizes_of
from seqmix.evaluation.baselines import method_name
from seqmix.evaluation.figures import (
    confusion_figure,
    curves_figure,
    pictures_figure,
    points_figure,
    reliability_figure,
    roc_figure,
)
from seqmix.reporting.html import html_figures, html_page, html_table
from seqmix.reporting.text import number, score_text
from seqmix.run import Run
from seqmix.system.files import write_whole
from seqmix.version import __version__

if TYPE_CHECKING:
    from seqmix.evaluation.result import Evaluation
    from seqmix.objectives.metrics import Score

SHOWN_CLASSES = 30


def score_table(evaluation: Evaluation) -> Table:
    """Headline figures with their intervals."""
    table = Table(title=f"{evaluation.run}: {evaluation.source}, {evaluation.records:,} records")
    table.add_column("score")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, score in evaluation.scores.items():
        table.add_row(*_score_cells(name, score))
    if math.isfinite(evaluation.calibration_error):
        table.add_row("calibration error", number(evaluation.calibration_error), "")
    return table


def _score_cells(name: str, score: Score) -> tuple[str, str, str]:
    """A score's name, value and interval."""
    return name, score_text(name, score.value), f"{score_text(name, score.low)} to {score_text(name, score.high)}"


def class_table(evaluation: Evaluation) -> Table:
    """Precision, recall and F1 of each class."""
    table = Table(title="classes")
    table.add_column("class")
    for name in ("precision", "recall", "F1", "records"):
        table.add_column(name, justify="right")
    for row in evaluation.per_class[:SHOWN_CLASSES]:
        figures = [number(float(row[name])) for name in ("precision", "recall", "F1")]
        table.add_row(str(row["class"]), *figures, f"{float(row['records']):,.0f}")
    return table


def confusion_table(evaluation: Evaluation) -> Table:
    """True classes in rows, predicted ones in columns."""
    table = Table(title="confusion: rows are the true classes")
    table.add_column("true \\ predicted")
    for name in evaluation.classes:
        table.add_column(name, justify="right")
    for name, row in zip(evaluation.classes, evaluation.confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    return table


def baseline_table(evaluation: Evaluation) -> Table:
    """The model beside the simple methods."""
    table = Table(title="beside simple methods on the same split")
    table.add_column("method")
    for name in evaluation.columns:
        table.add_column(name, justify="right")
    for method, figures in _beside(evaluation):
        table.add_row(method, *figures, style="bold" if method == "this model" else None)
    return table


def evaluation_tables(evaluation: Evaluation) -> list[Table]:
    """All tables of an evaluation, for the terminal."""
    tables = [score_table(evaluation)]
    if evaluation.per_class:
        tables.append(class_table(evaluation))
    if evaluation.confusion and len(evaluation.classes) <= 10:
        tables.append(confusion_table(evaluation))
    return [*tables, baseline_table(evaluation)] if evaluation.baselines else tables


def _beside(evaluation: Evaluation) -> list[tuple[str, list[str]]]:
    own = [score_text(name, evaluation.scores[name].value) for name in evaluation.columns]
    rows = [("this model", own)]
    for method, scores in evaluation.baselines.items():
        name = method_name(method, evaluation.task == "regression")
        rows.append((name, [score_text(column, scores[column]) for column in evaluation.columns]))
    return rows


def report_html(evaluation: Evaluation, run: Run) -> str:
    """The whole page as one string; nothing in it is fetched from elsewhere."""
    info = run.info
    title = f"{Path(evaluation.run).name}: {evaluation.source}"
    figures = []
    if evaluation.confusion:
        figures.append((confusion_figure(evaluation), "Confusion: colour is the share of the true class, figures are records."))
    if evaluation.roc:
        figures.append(
            (roc_figure(evaluation), "ROC: the true positive rate over the false positive rate, over all thresholds.")
        )
    if evaluation.reliability:
        figures.append(
            (reliability_figure(evaluation), "Reliability: on the diagonal, the model is as often right as it says.")
        )
    if evaluation.points:
        figures.append((points_figure(evaluation), "Predicted over true targets: on the diagonal, a prediction is right."))
    if evaluation.pictures:
        figures.append(
            (pictures_figure(evaluation), "The first records as images; in colour, those that were taken for another class.")
        )
    if evaluation.history:
        figures.append((curves_figure(evaluation.history), "Learning curves: the test split has no part in them."))
    headline = (_score_cells(name, score) for name, score in evaluation.scores.items())
    classes = (
        (
            str(row["class"]),
            *(number(float(row[c])) for c in ("precision", "recall", "F1")),
            f"{float(row['records']):,.0f}",
        )
        for row in evaluation.per_class
    )
    notes = [*evaluation.notes, *info["notes"]]
    sizes, classes_said = sizes_of(info), f" of {len(evaluation.classes)} classes" if evaluation.classes else ""
    calibration = (
        f" Expected calibration error: {number(evaluation.calibration_error)}."
        if math.isfinite(evaluation.calibration_error)
        else ""
    )
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{evaluation.records:,} records{classes_said}; mixer {html.escape(run.config.model.mixer)}; "
        f"trained on {sizes['train']:,} records, best weights chosen on {sizes['val']:,} validation records.</p>",
        *(f'<p class="note">{html.escape(note)}</p>' for note in notes),
        "<h2>Scores</h2>",
        html_table(("score", "value", "95 % interval"), headline),
        f"<p>Intervals are percentile bootstrap over the records.{calibration}</p>",
    ]
    if evaluation.baselines:
        rows = ((method, *figures) for method, figures in _beside(evaluation))
        parts += ["<h2>Beside simple methods on the same split</h2>", html_table(("method", *evaluation.columns), rows)]
    parts += ["<h2>Figures</h2>", html_figures(figures)]
    if evaluation.per_class:
        parts += ["<h2>Classes</h2>", html_table(("class", "precision", "recall", "F1", "records"), classes)]
    parts += [
        "<h2>Configuration</h2>",
        f"<pre>{html.escape((run.path / 'config.toml').read_text(encoding='utf-8'))}</pre>",
        f"<p>seqmix {__version__}</p>",
    ]
    return html_page(title, parts)


def write_report(evaluation: Evaluation, run: Run, path: Path) -> None:
    """Writes `report.html`."""
    write_whole(path, report_html(evaluation, run))
