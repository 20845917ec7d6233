"""The report of `seqmix reproduce scalability`: a table, the figure of error over length, and a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.experiments.making import making_sections
from seqmix.experiments.scalability.result import Scalability, ScalabilityPoint, error_of
from seqmix.reporting.figures import PALE, drawing, grid, look, new_figure, plain, write_figure
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import counted, duration, short
from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqmix.experiments.run_trial import Trial

_TITLE = "Error over length on synthetic tasks"


def scalability_headline(trial: Trial) -> str:
    """Summarise a finished training: "0.2 % wrong, 95 s, 12 epochs"."""
    error = error_of(trial)
    shown = "error not defined" if error is None else f"{100 * error:.1f} % wrong"
    return f"{shown}, {duration(trial.seconds)}, {counted(trial.epochs, 'epoch')}"


def scalability_table(result: Scalability) -> ReportTable:
    """Return a table of the error of every mixer on every task and length."""
    table = ReportTable(
        [
            Column("task"),
            Column("length", "number"),
            Column("mixer"),
            Column("error", "number"),
            Column("time", "number"),
            Column("samples seen", "number"),
            Column("ended", "text"),
        ],
        _TITLE,
        keys=3,
    )
    before = None
    for point in result.points:
        table.add(
            point.task,
            f"{point.length:,}",
            point.mixer,
            _percent(point),
            duration(point.seconds),
            f"{point.samples:,.0f}",
            "; ".join(point.reasons),
            begins=before is not None and point.task != before,
        )
        before = point.task
    return table


def _percent(point: ScalabilityPoint) -> str:
    if point.error is None:
        return "-"
    shown = f"{100 * point.error.mean:.1f} %"
    return shown if point.error.sd is None else f"{shown} ± {100 * point.error.sd:.1f}"


@drawing
def scalability_figure(result: Scalability) -> Figure:
    """Draw the test error over the length on logarithmic axes, one panel for each task, one line for each mixer.

    A logarithmic axis has no zero: no error at all is drawn at half the error of one wrong answer.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    tasks = list(dict.fromkeys(point.task for point in result.points))
    mixers = list(dict.fromkeys(point.mixer for point in result.points))
    figure = Figure(figsize=(1.6 + 4.2 * len(tasks), 3.9), layout="constrained")
    floor = 0.5 / result.test
    panels = figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
    for axes, task in zip(panels, tasks, strict=True):
        lengths = sorted({point.length for point in result.points if point.task == task})
        axes.axhspan(floor / 1.6, floor * 1.45, color=PALE, zorder=0)
        for order, mixer in enumerate(mixers):
            drawn = [p for p in result.points if p.task == task and p.mixer == mixer and p.error is not None]
            errors = [max(floor, p.error.mean) for p in drawn if p.error]
            axes.plot([p.length for p in drawn], errors, label=plain(mixer), **look(order))
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_ylim(floor / 1.6, 1.25)
        axes.set_xticks(lengths, [short(length) for length in lengths])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xticks([], minor=True)
        axes.set_yticks([floor, *(t for t in (0.001, 0.01, 0.1, 1.0) if t > 1.5 * floor)])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "none" if value <= floor else f"{100 * value:g} %"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("length in tokens")
        axes.set_title(task, loc="left", fontsize="medium")
        grid(axes)
    panels[0].set_ylabel("wrong answers on the test split")
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside right center", fontsize="small")
    return figure


@drawing
def time_figure(result: Scalability) -> Figure | None:
    """Draw training time over length, for trainings that reached the goal on the validation split; None if none did."""
    solved = [point for point in result.points if point.solved]
    if not solved:
        return None
    figure, axes = new_figure(5.6, 3.8)
    for order, (mixer, task) in enumerate(dict.fromkeys((p.mixer, p.task) for p in solved)):
        drawn = [point for point in solved if (point.mixer, point.task) == (mixer, task)]
        label = f"{plain(mixer)}, {task}"
        axes.plot([p.length for p in drawn], [p.seconds for p in drawn], label=label, **look(order))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    lengths = sorted({point.length for point in result.points})
    axes.set_xticks(lengths, [short(length) for length in lengths])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("length in tokens")
    axes.set_ylabel("seconds until solved")
    grid(axes)
    axes.legend(frameon=False, fontsize="small")
    return figure


def scalability_html(result: Scalability) -> str:
    """Return the page of a measurement."""
    budget: Any = result.settings.get("budget")
    introduction = (
        f"Every mixer was trained for at most {duration(budget)} on {counted(result.settings['train'], 'sample')} of each "
        f"length, and scored on {result.test:,} others. Training ends when at most one in 500 answers on the validation "
        "split is wrong. An answer to the adding problem is right if it is off by at most 0.04."
    )
    notes = [*(["interrupted: trainings are missing"] if result.interrupted else []), *result.failures]
    return html_page(_TITLE, introduction, list(_sections(result)), notes)


def _sections(result: Scalability) -> Iterator[Section]:
    drawings = [Drawing(scalability_figure(result), "Wrong answers over length", "Points at the bottom: no wrong answers.")]
    if time := time_figure(result):
        caption = "Time until at most one in 500 answers on the validation split was wrong."
        drawings.append(Drawing(time, "Training time over length", caption))
    yield Section(figures=drawings)
    yield Section(heading="Every mixer, task and length", table=scalability_table(result))
    yield from making_sections(result)


def write_scalability(result: Scalability, folder: Path) -> None:
    """Write `scalability.html`, `.svg` and `.png`."""
    write_whole(folder / "scalability.html", scalability_html(result))
    write_figure(scalability_figure(result), folder, "scalability", _TITLE)
