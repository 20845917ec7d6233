"""What people look at after `seqmix reproduce scalability`: a table, the figure of error over length, and a page."""

from __future__ import annotations

import html
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from seqmix.experiments.comparison.report import trial_line
from seqmix.experiments.scalability.result import Point, Scalability, cell_of, error_of
from seqmix.reporting.figures import look, new_figure, plain, svg
from seqmix.reporting.html import html_figures, html_page, html_table
from seqmix.reporting.text import duration, short
from seqmix.system.files import write_whole
from seqmix.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqmix.experiments.trial import Trial

_COLUMNS = ("task", "length", "mixer", "error", "time", "samples seen", "ended")


def scalability_line(trial: Trial, run_now: bool) -> str:
    """What is said of a training when it is done."""
    task, length, _ = cell_of(trial)
    error = None if trial.error else error_of(trial)
    return trial_line(trial, run_now, of=f"{task}, {length:,}, ", score="" if error is None else f"{100 * error:.1f} % wrong")


def scalability_table(result: Scalability) -> Table:
    """Every mixer on every task and length."""
    table = Table(title="test error over length", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in _COLUMNS:
        right = name in ("length", "error", "time", "samples seen")
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "ended")
    for point in result.points:
        table.add_row(*_cells(point))
    return table


def _cells(point: Point) -> list[str]:
    return [
        point.task,
        f"{point.length:,}",
        point.mixer,
        _percent(point),
        duration(point.seconds),
        f"{point.samples:,.0f}",
        "; ".join(point.reasons),
    ]


def _percent(point: Point) -> str:
    if point.error is None:
        return "-"
    shown = f"{100 * point.error.mean:.1f} %"
    return shown if point.error.sd is None else f"{shown} ± {100 * point.error.sd:.1f}"


def scalability_figure(result: Scalability) -> Figure:
    """Test error over length, both axes logarithmic, one panel a task, one line a mixer.

    No error at all has no place on such an axis: it is drawn at half of what one wrong answer would be.
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
        axes.axhspan(floor / 1.6, floor * 1.45, color="#f0f0f0", zorder=0)
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
        axes.grid(color="#e4e4e4", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("wrong answers on the test split")
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside right center", fontsize="small")
    return figure


def time_figure(result: Scalability) -> Figure | None:
    """Seconds of training over length, for what reached the goal on the validation split; None: nothing did."""
    solved = [point for point in result.points if any("has reached" in reason for reason in point.reasons)]
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
    axes.set_ylabel("seconds until it was solved")
    axes.grid(color="#e4e4e4", linewidth=0.7)
    axes.legend(frameon=False, fontsize="small")
    return figure


def scalability_html(result: Scalability) -> str:
    """The whole page as one string; nothing in it is fetched from elsewhere."""
    settings = json.dumps({**result.settings, **result.environment}, indent=1, ensure_ascii=False)
    notes = [*(["interrupted: trainings are missing"] if result.interrupted else []), *result.notes]
    figures = [(scalability_figure(result), "Wrong answers over length; at the bottom, none.")]
    if time := time_figure(result):
        figures.append((time, "Time until at most one in 500 answers on the validation split was wrong."))
    budget: Any = result.settings.get("budget")
    parts = [
        "<h1>Error over length on synthetic tasks</h1>",
        f"<p>Every mixer was trained for at most {duration(budget)} on {result.settings['train']:,} samples of each length, "
        f"and scored on {result.test:,} others. A training ends when at most one in 500 answers on the validation split is "
        "wrong. An answer to the adding problem is right if it is off by at most 0.04.</p>",
        *(f'<p class="note">{html.escape(note)}</p>' for note in notes),
        html_figures(figures),
        html_table(_COLUMNS, map(_cells, result.points)),
        "<h2>Settings</h2>",
        f"<pre>{html.escape(settings)}</pre>",
        f"<p>seqmix {__version__}</p>",
    ]
    return html_page("Error over length on synthetic tasks", parts)


def write_scalability(result: Scalability, folder: Path) -> None:
    """Writes `scalability.html`, `.svg` and `.png`."""
    write_whole(folder / "scalability.html", scalability_html(result))
    write_whole(folder / "scalability.svg", svg(scalability_figure(result)))
    buffer = io.BytesIO()
    scalability_figure(result).savefig(buffer, format="png", dpi=150)
    write_whole(folder / "scalability.png", buffer.getvalue())
