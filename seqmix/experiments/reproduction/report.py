"""What people look at after `seqmix reproduce`: a table for the terminal, a figure, and a self-contained page."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from seqmix.experiments.reproduction.result import Line, Reproduction, trial_name
from seqmix.experiments.spread import Spread
from seqmix.experiments.trial import Trial
from seqmix.reporting.figures import new_figure, plain
from seqmix.reporting.html import html_figures, html_page, html_table
from seqmix.reporting.text import duration, number
from seqmix.system.files import write_whole
from seqmix.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE, _ORANGE, GREY = "#20639b", "#d1611f", "#8a8a8a"
_COLUMNS = ("task", "method", "accuracy %", "published %", "steps", "epochs", "time", "runs")


def reproduction_table(found: Reproduction) -> Table:
    """Measured beside published, by task."""
    table = Table(title=_title(found), box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in _COLUMNS:
        narrow = {"justify": "left", "overflow": "fold"} if name in _COLUMNS[:2] else {"justify": "right", "no_wrap": True}
        table.add_column(name, **narrow)
    before = ""
    for line in found.lines:
        if before and line.task != before:
            table.add_row("")
        task, *cells = _cells(line)
        table.add_row(task if line.task != before else "", *cells, style=None if line.recipe else "dim")
        before = line.task
    return table


def _title(found: Reproduction) -> str:
    budget = found.settings["budget"]
    what = f"{duration(budget)} of training each" if budget else "no time budget"
    return f"{found.suite.title}: test accuracy, {what}"


def _cells(line: Line) -> list[str]:
    def mean(value: Spread | None, show: Callable[[float], str]) -> str:
        return "-" if value is None else show(value.mean)

    return [
        line.task,
        line.method,
        percent(line.accuracy),
        "-" if line.published is None else number(line.published, 2),
        mean(line.steps, lambda value: f"{value:,.0f}"),
        mean(line.epochs, lambda value: f"{value:.1f}".removesuffix(".0")),
        mean(line.seconds, duration),
        str(line.runs) if line.recipe else "",
    ]


def percent(value: Spread | None) -> str:
    """An accuracy over seeds: "64.70 ± 0.31"; of one seed, the value alone."""
    if value is None:
        return "-"
    return number(value.mean, 2) + ("" if value.sd is None else f" ± {number(value.sd, 2)}")


def reproduction_line(trial: Trial, run_now: bool) -> str:
    """What is said of a training when it is done."""
    if trial.error:
        return f"{trial_name(trial)}: {trial.error}"
    accuracy = trial.scores["accuracy"]
    shown = "-" if accuracy is None else f"{100 * accuracy:.2f} %"
    done = f"accuracy {shown}, {duration(trial.seconds)}, {trial.steps:,} step{'s' * (trial.steps != 1)}"
    return f"{trial_name(trial)}: {done}" if run_now else f"{trial_name(trial)}: {done} (done before)"


def accuracy_figure(found: Reproduction) -> Figure:
    """Measured (with the standard deviation over seeds) and published accuracy of every method, joined by a line; the simple
    methods in grey."""
    rows = list(_rows(found))[::-1]
    figure, axes = new_figure(7.2, 1.3 + 0.27 * len(rows))
    labels = {"measured": "measured here", "published": "published", "simple": "simple method, measured here"}
    for place, row in enumerate(rows):
        if isinstance(row, str):
            continue
        if row.accuracy and row.published is not None:
            axes.plot([row.accuracy.mean, row.published], [place, place], color="#c8c8c8", linewidth=2, zorder=1)
        if row.published is not None:
            ring = {"facecolors": "white", "edgecolors": _ORANGE, "linewidths": 1.8, "s": 80, "zorder": 2}
            axes.scatter(row.published, place, label=labels.pop("published", None), **ring)
        if row.accuracy:
            kind, colour = ("measured", _BLUE) if row.recipe else ("simple", GREY)
            look = {"color": colour, "marker": "o" if row.recipe else "d", "markersize": 6, "capsize": 3, "linestyle": ""}
            axes.errorbar(row.accuracy.mean, place, xerr=row.accuracy.sd, label=labels.pop(kind, None), zorder=3, **look)
    axes.set_yticks(
        range(len(rows)), [row if isinstance(row, str) else plain(row.method.removesuffix(" regression")) for row in rows]
    )
    for text, row in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(max(-1.5, axes.get_xlim()[0]), min(101.5, axes.get_xlim()[1]))
    axes.set_xlabel("accuracy on the test split in %")
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    figure.legend(frameon=False, loc="outside upper center", ncols=3, fontsize="small")
    return figure


def _rows(found: Reproduction) -> Iterator[str | Line]:
    """Each task's title, then its methods of which there is something to draw."""
    for experiment in found.suite.experiments:
        lines = [line for line in found.lines if line.task == experiment.name and (line.accuracy or line.published is not None)]
        if lines:
            yield plain(experiment.title)
            yield from lines


def reproduction_html(found: Reproduction) -> str:
    """The whole page as one string; nothing in it is fetched from elsewhere."""
    settings = json.dumps({**found.settings, **found.environment}, indent=1, ensure_ascii=False)
    remarks = [*(["interrupted: trainings are missing"] if found.interrupted else []), *found.failures, *found.remarks]
    title = _title(found)
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(found.conditions)} Best weights are chosen on the validation split, and scored once on the test "
        "split; ± is the sample standard deviation over the seeds.</p>",
        *(f'<p class="note">{html.escape(remark)}</p>' for remark in remarks),
        html_table((*_COLUMNS, "recipe"), ([*_cells(line), line.recipe] for line in found.lines)),
    ]
    if any(line.accuracy for line in found.lines):
        caption = "Measured beside published: lines join the two; a bar is the standard deviation over seeds."
        parts += ["<h2>Figure</h2>", html_figures([(accuracy_figure(found), caption)])]
    parts += [
        "<h2>Published</h2>",
        _published(found),
        "<h2>Data</h2>",
        html_table(("task", "train", "val", "test", "from"), _data(found)),
        "<h2>Runs</h2>",
        html_table(("run", "accuracy %", "macro-F1", "time", "steps", "epochs", "ended"), map(_run_cells, found.trials)),
        "<h2>Settings</h2>",
        f"<pre>{html.escape(settings)}</pre>",
        f"<p>seqmix {__version__}</p>",
    ]
    return html_page(title, parts)


def _published(found: Reproduction) -> str:
    """The papers' accuracies of all methods."""
    experiments = found.suite.experiments

    def cells(method: str) -> list[str]:
        values = (one.published.get(method) for one in experiments)
        return [method, *("-" if value is None else number(value, 2) for value in values)]

    return html_table(("accuracy %", *(one.title for one in experiments)), map(cells, found.suite.paper))


def _data(found: Reproduction) -> Iterator[list[str]]:
    for name, facts in found.data.items():
        yield [name, *(f"{facts['counts'][split]:,}" for split in ("train", "val", "test")), facts["from"]]


def _run_cells(trial: Trial) -> list[str]:
    if trial.error:
        return [trial.folder, *["-"] * 5, trial.error]
    accuracy = trial.scores["accuracy"]
    return [
        trial.folder,
        number(None if accuracy is None else 100 * accuracy, 2),
        number(trial.scores.get("macro-F1")),
        duration(trial.seconds),
        f"{trial.steps:,}",
        str(trial.epochs),
        trial.reason,
    ]


def write_reproduction(found: Reproduction, path: Path) -> None:
    """Writes `reproduce.html`."""
    write_whole(path, reproduction_html(found))
