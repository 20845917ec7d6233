"""The report of `seqmix compare`: a table for the terminal, figures, and a self-contained page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.evaluation.paired import p_text
from seqmix.experiments.comparison.result import Comparison, ComparisonRow
from seqmix.experiments.making import data_sections, making_sections
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.spread import Spread
from seqmix.experiments.trial_table import trial_table
from seqmix.reporting.figures import GREY, drawing, grid, look, new_figure, plain
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import amount, capitalised, counted, duration, score_text, signed
from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TESTS = (
    "What mixers are compared with is chosen on validation. Intervals and p-values are of paired comparisons on the same test "
    "records, or groups of them, with what the seeds differ by; p (Holm) is corrected for the number of comparisons, and the "
    "verdict goes by it."
)
_COSTS = ("params", "time", "tokens/s", "memory", "epochs", "runs")


def comparison_table(comparison: Comparison, whole: bool = False) -> ReportTable:
    """Return a table of all methods, the most accurate first.

    Args:
        comparison: the comparison.
        whole: whether to give the methods' full names, as on the page.
    """
    names = [*comparison.scores, *_COSTS]
    table = ReportTable([Column("method"), *(Column(name, "number") for name in names)], _title(comparison))
    for row in comparison.rows:
        method = row.method if whole else row.short
        table.add(method, *_cells(row, comparison.scores), style="dim" if row.baseline else None)
    return table


def distinction_table(comparison: Comparison) -> ReportTable:
    """Return a table of how each mixer differs from the best simple method and from the best mixer."""
    score = comparison.scores[0]
    columns = [Column("mixer"), Column("compared with"), *(Column(name, "number") for name in ("difference", "95 % interval"))]
    columns += [Column("p", "number"), Column("p (Holm)", "number"), Column("verdict", "text")]
    table = ReportTable(columns, f"differences of the {score} on the same test records", keys=2)
    for one in comparison.distinctions:
        found = one.difference
        scale, digits = (100.0, 1) if found["share"] else (1.0, 3)
        value, low, high = (signed(scale * found[name], digits) for name in ("difference", "low", "high"))
        p_values = (p_text(p_value).removeprefix("p = ").removeprefix("p ") for p_value in (found["p_value"], one.corrected))
        table.add(one.mixer, one.other, value, f"{low} to {high}", *p_values, one.verdict)
    return table


def _title(comparison: Comparison) -> str:
    budget = comparison.settings["budget"]
    what = f"{duration(budget)} of training each" if budget else "no time budget"
    records = counted(comparison.data["counts"]["test"], "record")
    return f"{Path(comparison.data['path']).name}: test split, {records}, {what}"


def _cells(row: ComparisonRow, scores: Sequence[str]) -> list[str]:
    """Return the scores, the costs, and the number of runs that they are averaged over."""

    def mean(name: str, show: Callable[[float], str]) -> str:
        found = row.figures[name]
        return "-" if found is None else show(found.mean)

    return [
        *(with_spread(row.figures[name], name) for name in scores),
        mean("parameters", lambda value: f"{value:,.0f}"),
        mean("seconds", duration),
        mean("tokens_per_second", lambda value: f"{value:,.0f}"),
        mean("peak_bytes", amount),
        mean("epochs", lambda value: f"{value:.1f}".removesuffix(".0")),
        "" if row.baseline else str(row.runs),
    ]


def with_spread(found: Spread | None, name: str = "") -> str:
    """Return a score over seeds: "0.932 ± 0.010"; for one seed, the value alone."""
    if found is None:
        return "-"
    mean = score_text(name, found.mean)
    return mean if found.sd is None else f"{mean} ± {score_text(name, found.sd)}"


@drawing
def score_figure(comparison: Comparison) -> Figure:
    """Draw the first score of every method: mean, standard deviation and each seed; simple methods in grey."""
    first = comparison.scores[0]
    rows = [row for row in comparison.rows if row.figures[first]][::-1]
    colours = _looks(comparison)
    figure, axes = new_figure(5.2, 1.1 + 0.32 * len(rows))
    for place, row in enumerate(rows):
        found = row.figures[first]
        assert found
        colour = GREY if row.baseline else colours[row.method]["color"]
        single = [t.scores[first] for t in comparison.trials if t.mixer == row.method and not t.error]
        if not row.baseline and len(single) > 1:
            axes.scatter(single, [place - 0.28] * len(single), s=14, color=colour, alpha=0.45, linewidths=0)
        marker = "d" if row.baseline else "o"
        axes.errorbar(found.mean, place, xerr=found.sd, color=colour, marker=marker, markersize=6, capsize=3, linewidth=1.6)
    axes.set_yticks(range(len(rows)), [plain(row.short) for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(right=min(1.02, axes.get_xlim()[1]))
    axes.set_xlabel(f"{first} on the test split")
    grid(axes, "x")
    return figure


@drawing
def curves_figure(comparison: Comparison) -> Figure:
    """Draw the first validation score over training time: one line for each training, one colour for each mixer."""
    figure, axes = new_figure(6.0, _height(comparison))
    first = f"val_{comparison.scores[0]}"
    for mixer, style in _looks(comparison).items():
        for order, trial in enumerate(_worked(comparison, mixer)):
            lines = [line for line in trial.history if line.get(first) is not None]
            times = list(accumulate(line["seconds"] for line in lines))
            label = plain(mixer) if order == 0 else None
            thin = style | {"markersize": 3, "linewidth": 1.2, "alpha": 0.8}
            axes.plot(times, [line[first] for line in lines], label=label, **thin)
    axes.set_xlabel("training time in seconds")
    axes.set_ylabel(f"{comparison.scores[0]} on the validation split")
    return _finished(figure, axes)


@drawing
def memory_figure(comparison: Comparison) -> Figure | None:
    """Draw the first score over peak memory, one point for each mixer; None if memory was not measured."""
    from matplotlib.ticker import FuncFormatter

    figure, axes = new_figure(5.6, _height(comparison))
    first = comparison.scores[0]
    seen: list[float] = []
    for row in comparison.rows:
        score, memory = row.figures[first], row.figures["peak_bytes"]
        if row.baseline or score is None or memory is None or not memory.mean > 0:  # 0: too little to be measured
            continue
        style = _looks(comparison)[row.method] | {"linewidth": 1.2, "markersize": 7}
        seen.append(memory.mean / 1e6)
        axes.errorbar(seen[-1], score.mean, yerr=score.sd, capsize=3, label=plain(row.method), **style)
    if not seen:
        return None
    # Whole powers of two: an axis between two of them would be without a number.
    axes.set_xscale("log", base=2)
    low, high = math.floor(math.log2(min(seen))), math.ceil(math.log2(max(seen)) + 1e-9)
    axes.set_xlim(2.0**low / 1.1, 2.0**high * 1.1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
    axes.set_ylim(top=min(1.02, axes.get_ylim()[1]))
    axes.set_xlabel("peak memory of training in MB")
    axes.set_ylabel(f"{first} on the test split")
    return _finished(figure, axes)


def _looks(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Return the colour and marker of each mixer, the same in all figures."""
    names = sorted({trial.mixer for trial in comparison.trials if not trial.error})
    return {name: look(order) for order, name in enumerate(names)}


def _worked(comparison: Comparison, mixer: str) -> list[Trial]:
    return [trial for trial in comparison.trials if trial.mixer == mixer and not trial.error]


def _height(comparison: Comparison) -> float:
    return max(3.8, 0.26 * len(_looks(comparison)) + 0.6)


def _finished(figure: Figure, axes: Any) -> Figure:
    grid(axes)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, frameon=False, loc="outside right center", fontsize="small")
    return figure


def comparison_html(comparison: Comparison) -> str:
    """Return the page of a comparison."""
    notes = [*(["interrupted: trainings are missing"] if comparison.interrupted else []), *comparison.notes]
    title = f"Comparison on {_title(comparison)}"
    return html_page(title, _introduction(comparison), list(_sections(comparison)), notes, first=comparison.verdict)


def _sections(comparison: Comparison) -> Iterator[Section]:
    if comparison.distinctions:
        yield Section(heading="Who is distinguishable", table=distinction_table(comparison), remark=_TESTS)
    table = comparison_table(comparison, whole=True)
    table.title = f"all methods by their {comparison.scores[0]}, the best first"
    yield Section(heading="Scores and costs", table=table)
    if any(not trial.error for trial in comparison.trials):
        yield Section(heading="Figures", figures=list(_drawings(comparison)))
    yield Section(heading="Runs", table=trial_table(comparison.trials, comparison.scores))
    yield from data_sections(comparison.data)
    yield from making_sections(comparison)


def _drawings(comparison: Comparison) -> Iterator[Drawing]:
    first = comparison.scores[0]
    caption = "Mean, standard deviation and each seed; simple methods in grey."
    yield Drawing(score_figure(comparison), f"{capitalised(first)} on the test split", caption)
    caption = "One line for each seed; training never sees the test split."
    yield Drawing(curves_figure(comparison), "Learning curves", caption)
    if memory := memory_figure(comparison):
        caption = "Peak memory of training, beyond that of the program itself."
        yield Drawing(memory, f"{capitalised(first)} over memory", caption)


def _introduction(comparison: Comparison) -> str:
    counts, classes = comparison.data["counts"], len(comparison.data["classes"])
    return (
        f"Every mixer was trained on the same {counts['train']:,} records{f' of {classes} classes' if classes else ''}, its "
        f"best weights chosen on {counts['val']:,} validation records, and scored once on {counts['test']:,} test records. "
        "Scores are means over the seeds, with the sample standard deviation after ±, which does not cover the choice of the "
        "split. Time is training time, including validation; an epoch that the budget cut short counts as one."
    )


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write `compare.html`."""
    write_whole(path, comparison_html(comparison))
