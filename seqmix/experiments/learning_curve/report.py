"""The report of `seqmix learning-curve`: a table, the figure, and a self-contained page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seqmix.experiments.comparison.report import with_spread
from seqmix.experiments.learning_curve.result import LearningCurve, Point
from seqmix.experiments.making import data_sections, making_sections
from seqmix.experiments.trial_table import trial_table
from seqmix.reporting.figures import BLUE, GREY, drawing, grid, new_figure, write_figure
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import capitalised, counted, duration
from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME = "learning-curve"


def learning_curve_table(result: LearningCurve) -> ReportTable:
    """Return a table of the scores at every share, mean and standard deviation over the draws."""
    first = result.scores[0]
    baselines = any(point.simple.get(first) for point in result.points)
    columns = [Column("share"), Column("training records", "number"), *(Column(name, "number") for name in result.scores)]
    table = ReportTable([*columns, *([Column(f"simple: {first}", "number")] if baselines else [])], _title(result))
    for point in result.points:
        cells = [with_spread(point.mean(name), name) for name in result.scores]
        simple = [with_spread(point.simple_mean(first), first)] if baselines else []
        table.add(f"{point.share:g} %", f"{point.records:,.0f}", *cells, *simple)
    return table


def _title(result: LearningCurve) -> str:
    records = counted(result.data["counts"][result.settings["score_on"]], "record")
    draws = f", {counted(result.draws, 'draw')} each" if result.draws > 1 else ""
    return f"{result.scored} split of {Path(result.data['path']).name}, {records}{draws}"


@drawing
def learning_curve_figure(result: LearningCurve) -> Figure:
    """Draw the first score over the number of training records: means, standard deviations, and each draw."""
    from matplotlib.ticker import NullFormatter, NullLocator

    first = result.scores[0]
    figure, axes = new_figure(5.6, 3.8)
    for label, colour, marker in (("best simple method", GREY, "d"), ("model", BLUE, "o")):
        simple = label != "model"
        points = [point for point in result.points if (point.simple_mean(first) if simple else point.mean(first))]
        for point in points:
            single = _values(point, first, simple)
            axes.scatter([point.records] * len(single), single, s=12, color=colour, alpha=0.4, linewidths=0)
        spreads = [(point.simple_mean(first) if simple else point.mean(first)) for point in points]
        means, errors = [one.mean for one in spreads if one], [one.sd or 0.0 for one in spreads if one]
        if points:
            axes.errorbar(
                [point.records for point in points],
                means,
                yerr=errors if any(errors) else None,
                color=colour,
                marker=marker,
                markersize=6,
                capsize=3,
                linewidth=1.6,
                label=label,
            )
    axes.set_xscale("log", base=2)
    ticks = [point.records for point in result.points]
    axes.set_xticks(ticks, [f"{value:,.0f}" for value in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("training records")
    axes.set_ylabel(f"{first} on the {result.scored} split")
    grid(axes)
    figure.legend(frameon=False, loc="outside lower center", ncols=2, fontsize="small")
    return figure


def _values(point: Point, name: str, simple: bool) -> Sequence[float]:
    return [value for value in (point.simple if simple else point.scores).get(name, ()) if math.isfinite(value)]


def learning_curve_html(result: LearningCurve) -> str:
    """Return the page of a learning curve."""
    interrupted = ["interrupted: trainings are missing"] if result.interrupted else []
    verdict = [f"{capitalised(sentence)}." for sentence in result.verdict]
    title, notes = f"Learning curve on {_title(result)}", [*interrupted, *result.notes]
    return html_page(title, _introduction(result), list(_sections(result)), notes, first=verdict)


def _introduction(result: LearningCurve) -> str:
    budget = result.settings["budget"]
    return (
        "Models were trained on growing shares of the training records"
        + (f", for {duration(budget)} each" if budget else "")
        + "; in a draw, the records of a smaller share are among those of the larger ones, and related records stay together. "
        f"Weights were chosen on the whole validation split, and all were scored on the same {result.scored} records. Scores "
        "are means over the draws with the standard deviation after ±; at 100 %, draws differ in the seed alone."
    )


def _sections(result: LearningCurve) -> Iterator[Section]:
    remark = (
        "The slope is that of a straight line over the logarithm of the number of records, by least squares over the last "
        "doubling. Its interval covers the records that are scored, of which the same are drawn for every point, and what the "
        "draws differ by. It does not say how the curve goes on."
    )
    caption = "Mean and standard deviation; pale dots are draws. The axis is logarithmic: equal steps are equal factors."
    first = capitalised(result.scores[0])
    yield Section(figures=[Drawing(learning_curve_figure(result), f"{first} over the number of training records", caption)])
    yield Section(heading="Scores", table=learning_curve_table(result), remark=remark)
    yield Section(heading="Runs", table=trial_table(result.trials, result.scores))
    yield from data_sections(result.data)
    yield from making_sections(result, draws=result.draws)


def write_learning_curve(result: LearningCurve, folder: Path) -> None:
    """Write `learning-curve.html`, `.svg` and `.png`."""
    write_whole(folder / f"{_NAME}.html", learning_curve_html(result))
    write_figure(learning_curve_figure(result), folder, _NAME, f"Learning curve on {_title(result)}")
