"""What people look at after `prepare` and `eval`: tables for the terminal, and a self-contained HTML page."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from seqmix.config import ModelConfig
from seqmix.data.dataset import sizes_of
from seqmix.data.splitting import SPLITS
from seqmix.recipes import Recipe
from seqmix.reporting.figures import (
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
    from seqmix.data.dataset import Dataset
    from seqmix.evaluation import Evaluation
    from seqmix.objectives.metrics import Score

_SHOWN_CLASSES = 30


def dataset_tables(dataset: Dataset) -> list[Table]:
    """What `prepare` made: classes and their counts per split, lengths, what was cut, left out and replaced."""
    info = dataset.info
    noun, kind = dataset.vocabulary.noun, "pairs" if dataset.rows == 2 else "records"
    counts = Table(title=f"{len(dataset):,} {kind}, {info['characters']:,} {noun}s, alphabet {info['vocabulary']['alphabet']}")
    counts.add_column("class" if dataset.classes else "")
    for name in (*SPLITS, "all"):
        counts.add_column(name, justify="right")
    names = list(info["counts"]["train"])
    for name in names[:_SHOWN_CLASSES]:
        row = [info["counts"][split][name] for split in SPLITS]
        counts.add_row(name, *(f"{n:,}" for n in (*row, sum(row))))
    if len(names) > _SHOWN_CLASSES:
        counts.add_row(f"… {len(names) - _SHOWN_CLASSES} more classes", "", "", "", "")
    if len(names) > 1:
        totals = list(dataset.sizes.values())
        counts.add_section()
        counts.add_row("all" if info["task"] == "classification" else "records", *(f"{n:,}" for n in (*totals, sum(totals))))
    tables = [counts, _quantiles(f"lengths in {noun}s", info["lengths"], "{:,}", ("shortest", "longest"))]
    if "target" in info:
        tables.append(_quantiles("targets", info["target"]["quantiles"], "{:.4g}", ("lowest", "highest")))
    changed = _changes(info, noun)
    if changed:
        table = Table(title="what was changed")
        table.add_column("what")
        table.add_column("how many", justify="right")
        for what, count in changed:
            table.add_row(what, f"{count:,}")
        tables.append(table)
    return tables


def _quantiles(what: str, values: dict[str, Any], form: str, ends: tuple[str, str]) -> Table:
    table = Table(title=f"{what}: quantiles")
    for quantile in values:
        table.add_column({"0%": ends[0], "50%": "median", "100%": ends[1]}.get(quantile, quantile), justify="right")
    table.add_row(*(form.format(value) for value in values.values()))
    return table


def recipe_lines(recipes: Iterable[Recipe]) -> str:
    """Recipes, a paragraph each: what it is for, its main settings, the published result, and what prepares its data."""
    paragraphs = []
    for recipe in recipes:
        length = recipe.settings.get("data", {}).get("max_length", 0)
        mixer = recipe.settings.get("model", {}).get("mixer", ModelConfig().mixer)
        title = f"{recipe.name}: {recipe.facts.task}" + (f", length {length:,}" if length else "")
        lines = {
            "settings": f"{mixer}, {_main_settings(recipe.settings)}",
            "published": recipe.facts.published,
            "data": recipe.facts.data,
        }
        paragraphs.append("\n".join([title, *(f"  {what:<11}{said}" for what, said in lines.items() if said)]))
    return "\n\n".join(paragraphs)


def _main_settings(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """What tells recipes apart, in a line: "chord, 15 links, width 32, flat, batch 16, lr 0.0001, 200 epochs"."""
    forms = {
        "mixer.protocol": "{}",
        "mixer.n_links": "{} links",
        "mixer.n_landmarks": "{} landmarks",
        "model.blocks": "{} blocks",
        "model.d_model": "width {}",
        "model.words": "words of {}",
        "model.pooling": "{}",
        "training.batch_size": "batch {}",
        "training.lr": "lr {:g}",
        "training.max_steps": "{:,} steps",
        "training.epochs": "{} epochs",
    }
    found = []
    for name, form in forms.items():
        table, option = name.split(".")
        if value := tables.get(table, {}).get(option):
            found.append("1 block" if name == "model.blocks" and value == 1 else form.format(value))
    return ", ".join(found)


def _changes(info: dict[str, Any], noun: str) -> list[tuple[str, int]]:
    maximum, keep = info["options"]["max_length"], info["options"]["truncate"]
    rows = [(f"records cut to {maximum:,} {noun}s ({keep} kept)" if maximum else "", info["truncated"])]
    rows += [(f"records left out: {reason}", count) for reason, count in info["dropped"].items()]
    policy = "left out" if info["vocabulary"]["unknown"] == "drop" else "replaced"
    replaced = list(info["replaced"].items())
    rows += [(f"{noun} {symbol!r} {policy}", count) for symbol, count in replaced[:10]]
    if len(replaced) > 10:
        rows.append((f"{len(replaced) - 10} other {noun}s {policy}", sum(n for _, n in replaced[10:])))
    same = info["duplicates"]
    kind = "equal or reverse-complementary" if info["vocabulary"]["alphabet"].startswith("dna") else "equal"
    rows.append((f"records with an {kind} twin, kept in one split", same["records"]))
    return [(what, count) for what, count in rows if count]


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
    for row in evaluation.per_class[:_SHOWN_CLASSES]:
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


def method_name(baseline: str, regression: bool = False) -> str:
    """What a simple method is called: "6-mers logistic regression"."""
    if baseline in ("largest class", "frequencies of the labels", "mean target"):
        return baseline
    return f"{baseline} {'ridge' if regression else 'logistic'} regression"


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
