"""The report of `seqmix reproduce`: a table for the terminal, a figure, and a self-contained page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seqmix.config.data import SPLITS
from seqmix.experiments.making import making_sections
from seqmix.experiments.reproduction.result import Reproduction, ReproductionRow
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.spread import Spread
from seqmix.reporting.figures import BLUE, GREY, ORANGE, PALE_LINE, drawing, grid, new_figure, plain
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import counted, duration, number
from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reproduction_table(found: Reproduction, whole: bool = False) -> ReportTable:
    """Return a table of measured and published accuracies, by task.

    Args:
        found: the reproduction.
        whole: whether to name the recipe of each row, as on the page.
    """
    names = ["accuracy %", "published %", "steps", "epochs", "time", "runs"]
    columns = [Column("task"), Column("method"), *(Column(name, "number") for name in names)]
    table = ReportTable([*columns, *([Column("recipe")] if whole else [])], _title(found), keys=2)
    before = None
    for line in found.rows:
        begins = line.task != before
        recipe = [line.recipe] if whole else []
        style = None if line.recipe else "dim"
        task = line.task if begins or whole else ""
        table.add(task, *_cells(line, whole), *recipe, style=style, begins=begins and before is not None)
        before = line.task
    return table


def _title(found: Reproduction) -> str:
    budget = found.settings["budget"]
    what = f"{duration(budget)} of training each" if budget else "no time budget"
    return f"{found.suite.title}: test accuracy, {what}"


def _cells(line: ReproductionRow, whole: bool) -> list[str]:
    def mean(value: Spread | None, show: Callable[[float], str]) -> str:
        return "-" if value is None else show(value.mean)

    return [
        line.method if whole else line.short,
        percent(line.accuracy),
        number(line.published, 2),
        mean(line.steps, lambda value: f"{value:,.0f}"),
        mean(line.epochs, lambda value: f"{value:.1f}".removesuffix(".0")),
        mean(line.seconds, duration),
        str(line.runs) if line.recipe else "",
    ]


def percent(value: Spread | None) -> str:
    """Return an accuracy over seeds: "64.70 ± 0.31"; for one seed, the value alone."""
    if value is None:
        return "-"
    return number(value.mean, 2) + ("" if value.sd is None else f" ± {number(value.sd, 2)}")


def reproduction_headline(trial: Trial) -> str:
    """Summarise a finished training: "accuracy 64.70 %, 95 s, 1,200 steps"."""
    accuracy = trial.scores["accuracy"]
    shown = "-" if accuracy is None else f"{100 * accuracy:.2f} %"
    return f"accuracy {shown}, {duration(trial.seconds)}, {counted(trial.steps, 'step')}"


@drawing
def accuracy_figure(found: Reproduction) -> Figure:
    """Draw the measured accuracy (with its standard deviation over seeds) of every method, joined to the published one.

    Simple methods are drawn in grey.
    """
    rows = list(_rows(found))[::-1]
    figure, axes = new_figure(7.2, 1.3 + 0.27 * len(rows))
    labels = {"measured": "measured here", "published": "published", "simple": "simple method, measured here"}
    for place, row in enumerate(rows):
        if isinstance(row, str):
            continue
        if row.accuracy and row.published is not None:
            axes.plot([row.accuracy.mean, row.published], [place, place], color=PALE_LINE, linewidth=2, zorder=1)
        if row.published is not None:
            ring = {"facecolors": "white", "edgecolors": ORANGE, "linewidths": 1.8, "s": 80, "zorder": 2}
            axes.scatter(row.published, place, label=labels.pop("published", None), **ring)
        if row.accuracy:
            kind, colour = ("measured", BLUE) if row.recipe else ("simple", GREY)
            look = {"color": colour, "marker": "o" if row.recipe else "d", "markersize": 6, "capsize": 3, "linestyle": ""}
            axes.errorbar(row.accuracy.mean, place, xerr=row.accuracy.sd, label=labels.pop(kind, None), zorder=3, **look)
    axes.set_yticks(range(len(rows)), [row if isinstance(row, str) else plain(row.short) for row in rows])
    for text, row in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(max(-1.5, axes.get_xlim()[0]), min(101.5, axes.get_xlim()[1]))
    axes.set_xlabel("accuracy on the test split in %")
    grid(axes, "x")
    figure.legend(frameon=False, loc="outside upper center", ncols=3, fontsize="small")
    return figure


def _rows(found: Reproduction) -> Iterator[str | ReproductionRow]:
    """Yield each task's title, then those of its methods that have a measured or published accuracy."""
    for experiment in found.suite.experiments:
        lines = [line for line in found.rows if line.task == experiment.name and (line.accuracy or line.published is not None)]
        if lines:
            yield plain(experiment.title)
            yield from lines


def reproduction_html(found: Reproduction) -> str:
    """Return the page of a reproduction."""
    introduction = (
        f"{found.conditions} The best weights are chosen on the validation split and scored once on the test split; ± is the "
        "sample standard deviation over the seeds."
    )
    notes = [*(["interrupted: trainings are missing"] if found.interrupted else []), *found.failures, *found.remarks]
    return html_page(_title(found), introduction, list(_sections(found)), notes)


def _sections(found: Reproduction) -> Iterator[Section]:
    table = reproduction_table(found, whole=True)
    table.title = "measured and published accuracies"
    yield Section(table=table)
    if any(line.accuracy for line in found.rows):
        caption = "Lines join measured and published accuracies; a bar is the standard deviation over seeds."
        title = "Measured and published accuracy"
        yield Section(heading="Figure", figures=[Drawing(accuracy_figure(found), title, caption)])
    yield Section(heading="Published", table=_published_table(found))
    yield Section(heading="Data", table=_data_table(found))
    yield Section(heading="Runs", table=_run_table(found))
    yield from making_sections(found)


def _published_table(found: Reproduction) -> ReportTable:
    """Return a table of the accuracies that the paper reports for all methods."""
    experiments = found.suite.experiments
    table = ReportTable([Column("accuracy %"), *(Column(one.title, "number") for one in experiments)])
    for method in found.suite.paper:
        values = (one.published.get(method) for one in experiments)
        table.add(method, *(number(value, 2) for value in values))
    return table


def _data_table(found: Reproduction) -> ReportTable:
    """Return a table of the number of records in each split of each task, where they come from, and their checksum."""
    table = ReportTable(
        [Column("task"), *(Column(split, "number") for split in SPLITS), Column("from", "text"), Column("checksum", "text")]
    )
    for name, facts in found.data.items():
        table.add(name, *(f"{facts['counts'][split]:,}" for split in SPLITS), facts["from"], facts.get("fingerprint", "-"))
    return table


def _run_table(found: Reproduction) -> ReportTable:
    """Return a table of every training."""
    names = ("accuracy %", "macro-F1", "time", "steps", "epochs")
    table = ReportTable([Column("run"), *(Column(name, "number") for name in names), Column("ended", "text")])
    for trial in found.trials:
        if trial.error:
            table.add(trial.folder, *["-"] * len(names), trial.error)
            continue
        accuracy = trial.scores["accuracy"]
        table.add(
            trial.folder,
            number(None if accuracy is None else 100 * accuracy, 2),
            number(trial.scores.get("macro-F1")),
            duration(trial.seconds),
            f"{trial.steps:,}",
            str(trial.epochs),
            trial.reason,
        )
    return table


def write_reproduction(found: Reproduction, path: Path) -> None:
    """Write `reproduce.html`."""
    write_whole(path, reproduction_html(found))
