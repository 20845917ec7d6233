"""The report of `seqmix crossval`: a table for the terminal, and a self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.evaluation.figures import confusion_figure, points_figure, reliability_figure
from seqmix.evaluation.tables import class_table
from seqmix.experiments.comparison.report import with_spread
from seqmix.experiments.crossval.result import Crossvalidation, Pooled
from seqmix.experiments.making import data_sections, making_sections
from seqmix.experiments.trial_table import trial_table
from seqmix.objectives.metrics import Score
from seqmix.reporting.figures import BLUE, GREY, drawing, grid, new_figure
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import capitalised, counted, duration, interval_text, score_text
from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIMPLE = "simple: "


def crossval_table(result: Crossvalidation, title: str | None = None) -> ReportTable:
    """Return a table of the scores of every fold, their mean and standard deviation, and the scores of all records.

    Args:
        result: the cross-validation.
        title: title of the table; None for data set and folds.
    """
    scores = result.scores
    baselines = any(fold.simple for fold in result.folds)
    columns = [Column("fold"), Column("records", "number"), *(Column(name, "number") for name in scores)]
    columns += [Column(f"{_SIMPLE}{scores[0]}", "number")] if baselines else []
    table = ReportTable(columns, _title(result) if title is None else title)

    def add(name: str, records: int | None, cells: Sequence[str], simple: str, **how: Any) -> None:
        table.add(name, "" if records is None else f"{records:,}", *cells, *([simple] if baselines else []), **how)

    for fold in result.folds:
        cells = [score_text(name, fold.scores[name]) for name in scores]
        add(str(fold.number), fold.records, cells, score_text(scores[0], fold.simple.get(scores[0])))
    if result.folds:
        cells = [with_spread(result.mean[name], name) for name in scores]
        add("mean ± sd", None, cells, with_spread(result.simple_mean[scores[0]], scores[0]), begins=True)
    if pooled := result.pooled:
        found = pooled.evaluation
        values = [score_text(name, found.scores[name].value) for name in scores]
        add("all records", found.records, values, _value(pooled.simple, scores[0]), begins=True, style="bold")
        intervals = [_interval(found.scores, name) for name in scores]
        add("95 % interval", None, intervals, _interval(pooled.simple, scores[0]))
    return table


def _title(result: Crossvalidation) -> str:
    name, folds, seeds = Path(result.data["path"]).name, result.settings["folds"], result.seeds
    return f"{name}: {folds} folds" + (f", {counted(seeds, 'seed')} each" if seeds > 1 else "")


def _value(scores: Mapping[str, Score], name: str) -> str:
    return score_text(name, scores[name].value) if name in scores else "-"


def _interval(scores: Mapping[str, Score], name: str) -> str:
    return (interval_text(name, scores[name].low, scores[name].high) or "-") if name in scores else "-"


@drawing
def folds_figure(result: Crossvalidation) -> Figure:
    """Draw the first score of every fold, of the model and of the best simple method, and those of all records."""
    first = result.scores[0]
    pooled = result.pooled
    names = [*(f"fold {fold.number}" for fold in result.folds), *(["all records"] if pooled else [])]
    figure, axes = new_figure(5.6, 1.3 + 0.34 * len(names))
    for sign, colour, label, marker in ((0.13, GREY, "best simple method", "d"), (-0.13, BLUE, "model", "o")):
        own = label == "model"
        drawn = [(place, (fold.scores if own else fold.simple).get(first)) for place, fold in enumerate(result.folds)]
        known = [(place, value) for place, value in drawn if value is not None]
        if known:
            axes.scatter([v for _, v in known], [p + sign for p, _ in known], color=colour, marker=marker, s=30, label=label)
        if pooled and (score := (pooled.evaluation.scores if own else pooled.simple).get(first)):
            low, high = score.value - score.low, score.high - score.value
            axes.errorbar(
                score.value, len(names) - 1 + sign, xerr=[[low], [high]], color=colour, marker=marker, capsize=3, linewidth=1.6
            )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(right=min(1.02, axes.get_xlim()[1]))
    axes.set_xlabel(f"{first} on records that the model has not seen")
    grid(axes, "x")
    figure.legend(frameon=False, loc="outside lower center", ncols=2, fontsize="small")
    return figure


def crossval_html(result: Crossvalidation) -> str:
    """Return the page of a cross-validation."""
    interrupted = ["interrupted: trainings are missing"] if result.interrupted else []
    verdict = [f"{capitalised(result.verdict)}."] if result.verdict else []
    notes = [*interrupted, *result.notes]
    return html_page(_title(result), _introduction(result), list(_sections(result)), notes, first=verdict)


def _introduction(result: Crossvalidation) -> str:
    pooled, data = result.pooled, result.data
    groups = f" in {counted(pooled.groups, 'group')} ({data['groups']})" if pooled else f" in groups ({data['groups']})"
    records = pooled.evaluation.records if pooled else sum(data["counts"].values())
    budget = result.settings["budget"]
    return (
        f"{counted(records, 'record')}{groups} were divided into {result.settings['folds']} folds: related records stay "
        "together. Each fold was predicted by a model that was trained on the others, of which a part chose the weights"
        + (f", with {duration(budget)} for each training" if budget else "")
        + ". The mean and the standard deviation are over the folds. The score of all records is computed once from the "
        "answers of all folds; its interval is a bootstrap over the groups, and does not cover what another division or "
        "another training would change."
    )


def _sections(result: Crossvalidation) -> Iterator[Section]:
    yield Section(heading="Scores", table=crossval_table(result, ""), remark=_remark(result))
    if result.folds:
        yield Section(heading="Figures", figures=list(_drawings(result)))
    if result.pooled and result.pooled.evaluation.per_class:
        yield Section(heading="Classes", table=class_table(result.pooled.evaluation))
    yield Section(heading="Folds", table=_fold_table(result))
    yield Section(heading="Runs", table=trial_table(result.trials, result.scores))
    yield from data_sections(result.data)
    yield from making_sections(result, seeds=result.seeds)


def _remark(result: Crossvalidation) -> str:
    return (
        "crossval.tsv has the answer for every record. The folder ensemble is one of the models of all folds: seqmix predict "
        "takes it with --run."
        if result.pooled
        else ""
    )


def _fold_table(result: Crossvalidation) -> ReportTable:
    """Return a table of what each fold's model was trained on, and of the best simple method there."""
    columns = [Column("fold"), *(Column(name, "number") for name in ("training", "validation", "predicted"))]
    table = ReportTable([*columns, Column("best simple method", "text")])
    for fold in result.folds:
        sizes = (f"{size:,}" for size in (fold.trained, fold.validated, fold.records))
        table.add(str(fold.number), *sizes, fold.method or "-")
    return table


def _drawings(result: Crossvalidation) -> Iterator[Drawing]:
    first = result.scores[0]
    caption = "Dots are folds; at the bottom, all records with the 95 % interval."
    yield Drawing(folds_figure(result), f"{capitalised(first)} of every fold", caption)
    yield from _of_all(result.pooled) if result.pooled else ()


def _of_all(pooled: Pooled) -> Iterator[Drawing]:
    """Yield figures of the answers for all records."""
    found = pooled.evaluation
    if found.confusion:
        caption = "Colours are shares of the true class, numbers are records."
        yield Drawing(confusion_figure(found), "Confusion matrix of all records", caption)
    if found.reliability:
        caption = "On the diagonal, the models are right as often as they claim; the size of a dot is its share of the records."
        yield Drawing(reliability_figure(found), "Reliability", caption)
    if found.points:
        yield Drawing(points_figure(found), "Predicted over true targets", "On the diagonal, a prediction is right.")


def write_crossval(result: Crossvalidation, path: Path) -> None:
    """Write `crossval.html`."""
    write_whole(path, crossval_html(result))
