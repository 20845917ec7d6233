"""The report of `seqmix bench approximation`: tables for the terminal and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.bench.approximation_result import ApproximationResult, ErrorSeries
from seqmix.reporting.figures import DARK, GREY, drawing, grid, look, plain, write_figure
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import counted, number, short
from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "approximation"
_INPUTS = {"gaussian": "standard normal", "run": "trained model"}
_SHORT = {"gaussian": "normal", "run": "run"}
_SETTINGS = {"seqmix": "trained as by seqmix train", "published": "trained as published"}


def approximation_tables(result: ApproximationResult) -> list[ReportTable]:
    """Return the tables of errors and of instability, without empty ones."""
    tables = []
    if result.errors:
        tables.append(_error_table(result))
    if result.instabilities:
        tables.append(_instability_table(result))
    return tables


def _error_table(result: ApproximationResult) -> ReportTable:
    features, draws = result.settings["features"], counted(result.settings["repeats"], "draw")
    title = (
        "approximation error (relative spectral norm) by number of features: "
        f"mean ± standard deviation over {draws}; fall: last error / first"
    )
    columns = [Column("inputs"), Column("mixer"), *(Column(f"{n:,}", "number") for n in features), Column("fall", "number")]
    table = ReportTable(columns, title, keys=2)
    group = ""
    for series in result.errors:
        inputs = f"{_SHORT[series.inputs]} {short(series.length)}"
        found = {
            point.features: _with_spread(_digits(point.error), point.draws, _digits(point.spread)) for point in series.points
        }
        cells = (found.get(n, "-") for n in features)
        fall = "-" if series.fall is None else f"{series.fall:.2g}"
        begins = inputs != group
        table.add(inputs if begins else "", series.mixer, *cells, fall, begins=begins and bool(group))
        group = inputs
    return table


def _with_spread(mean: str, values: Sequence[Any], spread: str) -> str:
    """Return "0.120±0.004", or the mean alone if there is one value."""
    return f"{mean}±{spread}" if len(values) > 1 else mean


def _digits(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 or not value else f"{value:.0e}"


def _instability_table(result: ApproximationResult) -> ReportTable:
    settings = result.settings["instability"]
    title = (
        "instability: how far a step moves the output, relative to how far it moves the parameters: "
        f"{counted(settings['steps'], 'step')}, {counted(settings['seeds'], 'seed')}, data: {settings['data']}"
    )
    names = ("tau of logits", "times softmax", "tau of features", "times softmax")
    table = ReportTable([Column("setting"), Column("mixer"), *(Column(name, "number") for name in names)], title, keys=2)
    group = ""
    for one in result.instabilities:
        softmax = result.softmax(one.setting)
        cells = []
        for of in ("logits", "features"):
            ratio, spread = one.relative(softmax, of) if softmax else (None, None)
            times = "-" if ratio is None else _with_spread(f"{ratio:.2f}", one.logits, number(spread, 2))
            cells += [f"{one.score(of):.3g}", times]
        begins = one.setting != group
        table.add(one.setting if begins else "", one.mixer, *cells, begins=begins and bool(group))
        group = one.setting
    return table


@drawing
def approximation_figure(result: ApproximationResult) -> Figure:
    """Draw errors over the number of features on logarithmic axes, one row per kind of input, and bars of instability."""
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(series.inputs for series in result.errors))
    lengths = sorted({series.length for series in result.errors})
    names = list(dict.fromkeys([s.mixer for s in result.errors] + [one.mixer for one in result.instabilities]))
    order = {name: place for place, name in enumerate(names)}
    settings = list(dict.fromkeys(one.setting for one in result.instabilities if result.softmax(one.setting)))
    bars = 1.0 + 0.26 * len(names) if settings else 0.0
    height = 2.9 * len(kinds)
    figure = Figure(figsize=(max(7.5, 3.1 * len(lengths) + 1.8), max(3.0, height + bars)), layout="constrained")
    parts = iter(
        figure.subfigures(
            bool(kinds) + bool(settings) or 1, 1, height_ratios=[x for x in (height, bars) if x] or [1], squeeze=False
        )[:, 0]
    )
    if kinds:
        _draw_errors(next(parts), result, kinds, lengths, order)
    if settings:
        _draw_instability(next(parts), result, settings, order)
    return figure


def _draw_errors(part: Any, result: ApproximationResult, kinds: list[str], lengths: list[int], order: dict[str, int]) -> None:
    from matplotlib.ticker import LogLocator

    grid = part.subplots(len(kinds), len(lengths), squeeze=False, sharex=True, sharey=True)
    for kind, row in zip(kinds, grid, strict=True):
        for length, axes in zip(lengths, row, strict=True):
            drawn = [series for series in result.errors if (series.inputs, series.length) == (kind, length)]
            _panel(axes, drawn, order, result.settings["features"])
            axes.set_title(f"{_INPUTS[kind]}, length {short(length)}", loc="left", fontsize="medium")
        row[0].set_ylabel("relative error")
    for axes in grid[-1]:
        axes.set_xlabel("features")
    values = [point.error for series in result.errors for point in series.points if point.error > 0] or [1.0]
    # Within two decades, ticks at the decades alone would leave the axis without a number.
    grid[0, 0].yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if max(values) < 100 * min(values) else (1.0,)))
    lines = {line.get_label(): line for axes in grid.flat for line in axes.get_lines()}
    part.legend(lines.values(), lines.keys(), frameon=False, loc="outside right center", fontsize="small")


def _panel(axes: Any, drawn: list[ErrorSeries], order: dict[str, int], features: list[int]) -> None:
    from matplotlib.ticker import NullFormatter

    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    for series in drawn:
        x = [point.features for point in series.points]
        # An error of zero cannot be drawn on a logarithmic axis.
        y = [point.error if point.error > 0 else float("nan") for point in series.points]
        axes.plot(x, y, label=plain(series.mixer), **look(order[series.mixer]))
    axes.set_xticks(features, [f"{n:,}" for n in features])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    grid(axes)


def _draw_instability(part: Any, result: ApproximationResult, settings: list[str], order: dict[str, int]) -> None:
    """Draw tau of the logits as a multiple of softmax's: a panel for each setting, a bar for each mixer."""
    row = part.subplots(1, len(settings), squeeze=False, sharex=True, sharey=True)[0]
    names = list(dict.fromkeys(one.mixer for one in result.instabilities))  # softmax first
    for setting, axes in zip(settings, row, strict=True):
        softmax = result.softmax(setting)
        assert softmax is not None
        for one in result.instabilities:
            if one.setting == setting:
                ratio, spread = one.relative(softmax)
                colour = look(order[one.mixer])["color"]
                axes.barh(names.index(one.mixer), ratio, xerr=spread, color=colour, ecolor=DARK, height=0.7)
        axes.axvline(1.0, color=GREY, linewidth=1, linestyle=":")
        axes.set_yticks(range(len(names)), [plain(name) for name in names], fontsize="small")
        axes.set_xlabel("instability, as a multiple of softmax's")
        axes.set_title(_SETTINGS[setting], loc="left", fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
    row[0].invert_yaxis()


def write_approximation(result: ApproximationResult, folder: Path, stem: str = NAME) -> None:
    """Write `approximation.json`, `.svg` and `.png`, or with another stem; nothing else in the folder is touched."""
    write_figure(approximation_figure(result), folder, stem, "Approximation of attention")
    write_whole(folder / f"{stem}.json", result.to_json())
