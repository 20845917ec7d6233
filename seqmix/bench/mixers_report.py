"""The report of `seqmix bench mixers`: tables for the terminal, a figure, and the files in the output folder."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.bench.mixers_result import BenchResult, CostSeries
from seqmix.reporting.figures import GREY, drawing, grid, look, plain, write_figure
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import amount, counted, duration, number, short
from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bench_tables(result: BenchResult) -> list[ReportTable]:
    """Return a table of every mixer's cost at every length, and a table of how the cost grows with the length."""
    return [_point_table(result), _growth_table(result)]


def _point_table(result: BenchResult) -> ReportTable:
    settings = result.settings
    title = (
        f"batches of {settings['batch_size']:,}, {settings['precision']}, {settings['device']}, "
        f"{counted(result.environment['threads'], 'thread')}"
    )
    names = ("length", "forward\ntime", "training\ntime", "tokens/s", "forward\nmemory", "training\nmemory")
    table = ReportTable([Column("mixer"), *(Column(name, "number") for name in names)], title)
    for order, series in enumerate(result.series):
        for row, point in enumerate(series.points):
            table.add(
                "" if row else series.mixer,
                short(point.length),
                duration(point.forward.seconds),
                duration(point.training.seconds),
                f"{point.training.tokens_per_second:,.0f}",
                *("-" if m.peak_bytes is None else amount(m.peak_bytes) for m in (point.forward, point.training)),
                begins=order > 0 and row == 0,
            )
    return table


def _growth_table(result: BenchResult) -> ReportTable:
    title = "growth: b of cost = a · L^b, fitted (in brackets: between the two greatest lengths)"
    costs = ("forward\ntime", "training\ntime", "forward\nmemory", "training\nmemory")
    names = (*costs, "time\nper token", "(log L)²")
    table = ReportTable([Column("mixer"), *(Column(name, "number") for name in names)], title)
    for series in result.series:
        table.add(series.mixer, *_growth_cells(series))
    return table


def _growth_cells(series: CostSeries) -> list[str]:
    fitted, last, times = series.exponents(), series.last_exponents(), series.growth()
    curves = ("forward_time", "training_time", "forward_memory", "training_memory")
    cells = [f"{number(fitted[name], 2)} ({number(last[name], 2)})" for name in curves]
    return [*cells, *("-" if times is None else f"{times[name]:.2f} times" for name in ("training", "log_squared"))]


@drawing
def bench_figure(result: BenchResult) -> Figure:
    """Draw time and peak memory of a training step over the length on logarithmic axes, one line for each mixer."""
    from matplotlib.figure import Figure

    drawn = [series for series in result.series if series.points]
    figure = Figure(figsize=(11.5, max(4.4, 0.45 * len(drawn))), layout="constrained")
    time, memory = figure.subplots(1, 2, sharex=True)
    _panel(time, drawn, "training_time", "time of a training step", duration)
    _panel(memory, drawn, "training_memory", "peak memory of a training step, beyond the weights", amount)
    figure.legend(*time.get_legend_handles_labels(), frameon=False, loc="outside right center", fontsize="small")
    return figure


def _panel(axes: Any, drawn: list[CostSeries], curve: str, title: str, show: Callable[[float], str]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    lengths = sorted({point.length for series in drawn for point in series.points})
    curves = [series.curve(curve) for series in drawn]
    values = [value for points in curves for _, value in points] or [1.0]
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    # Whole decades: an axis within a single decade would be without a number.
    decades = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    low, high = 10.0 ** decades[0], 10.0 ** max(decades[1], decades[0] + 1)
    axes.set_ylim(low, high)
    for order, (series, points) in enumerate(zip(drawn, curves, strict=True)):
        axes.plot([x for x, _ in points], [y for _, y in points], label=_label(series), **look(order))
    guide = [1.5 * low * length / lengths[0] if any(curves) else math.nan for length in lengths]
    axes.plot(lengths, guide, color=GREY, linewidth=1, linestyle=":", zorder=1, label=r"$\propto L$")
    axes.set_xticks(lengths, [short(length) for length in lengths], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: show(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("length in tokens")
    axes.set_title(title, loc="left", fontsize="medium")
    if not any(curves):
        axes.text(0.5, 0.5, "too little to be measured", transform=axes.transAxes, ha="center", color=GREY)
        axes.set_yticks([])
        axes.set_yticks([], minor=True)
    grid(axes)


def _label(series: CostSeries) -> str:
    fitted = series.exponents()
    parts = [
        f"{what} $L^{{{value:.2f}}}$"
        for what, value in (("time", fitted["training_time"]), ("memory", fitted["training_memory"]))
        if value is not None
    ]
    name = plain(series.mixer)
    return f"{name}\n{', '.join(parts)}" if parts else name


def write_bench(result: BenchResult, folder: Path, stem: str = "bench") -> None:
    """Write `bench.json`, `bench.svg` and `bench.png`, or with another stem; nothing else in the folder is touched."""
    write_figure(bench_figure(result), folder, stem, "Time and memory over length")
    write_whole(folder / f"{stem}.json", result.to_json())
