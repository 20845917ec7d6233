"""The command line of the measurements: `seqmix bench ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqmix.cli.console import console, print_notes, print_tables, reported, say, slow_bar
from seqmix.cli.options import Device, Precision, Quiet, Threads, names
from seqmix.errors import Interrupted
from seqmix.system.devices import check_device
from seqmix.system.ranges import check_numbers

if TYPE_CHECKING:
    from seqmix.bench.approximation_result import ApproximationResult
    from seqmix.bench.mixers_result import BenchResult
    from seqmix.reporting.tables import ReportTable

app = typer.Typer(name="bench", help="Measure the mixers on this computer.", no_args_is_help=True)


@app.command("mixers")
@reported
def mixers_command(
    mixers: Annotated[
        str | None, typer.Option(help="Names of mixers, separated by commas. (default: all installed mixers)")
    ] = None,
    lengths: Annotated[
        str, typer.Option(help="Lengths in tokens, separated by commas; 1k is 1,024 and 1M is 1,048,576.")
    ] = "1k,4k,16k,64k",
    batch_size: Annotated[int, typer.Option(help="Sequences in a batch.")] = 1,
    device: Device = "auto",
    precision: Precision = "fp32",
    repeats: Annotated[int, typer.Option(help="Timed runs; their median is reported. Long runs are timed once.")] = 3,
    time_limit: Annotated[
        float,
        typer.Option(help="Longest predicted time of a training step in seconds; a series ends before it is exceeded."),
    ] = 60.0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for bench.json, bench.svg and bench.png.")] = Path(
        "bench"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace these files in OUTPUT.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure every mixer over the length: forward pass, training step, peak memory, tokens per second, fitted exponents.

    Each mixer is measured in the model that train builds for it, on random DNA. A series ends before memory runs out.
    """
    from seqmix.bench.request import results_in
    from seqmix.experiments.request import check_mixers
    from seqmix.reporting.text import parse_lengths

    wanted = parse_lengths(lengths)
    check_mixers(names(mixers) or ())
    check_numbers(batch_size=batch_size, repeats=repeats, time_limit=time_limit)
    check_device(device, precision)
    with results_in(output, overwrite) as results, slow_bar("measuring", "points", quiet) as bar:
        from seqmix.bench.mixers import bench_mixers
        from seqmix.bench.mixers_report import bench_tables, write_bench

        result = bench_mixers(
            names(mixers),
            wanted,
            batch_size=batch_size,
            device=device,
            precision=precision,
            repeats=repeats,
            time_limit=time_limit,
            on_start=bar.begin,
            on_point=lambda *_: bar.update(),
        )
        write_bench(result, output, results.stem)
    _print(bench_tables(result), result, output / results.stem, quiet)
    results.check()


@app.command("approximation")
@reported
def approximation_command(
    mixers: Annotated[
        str | None, typer.Option(help="Names of attention mixers, separated by commas. (default: all installed ones)")
    ] = None,
    features: Annotated[str, typer.Option(help="Numbers of features, separated by commas.")] = "16,32,64,128,256",
    lengths: Annotated[str, typer.Option(help="Lengths in tokens, separated by commas; 1k is 1,024.")] = "256,1k,4k",
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Run with an attention mixer whose queries, keys and values are measured as well."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Data set to train on for the instability; with --run, the folder that the run's data set has moved to. (default: random DNA)"
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Draws of queries, keys and values for each error.")] = 3,
    steps: Annotated[int, typer.Option(help="Training steps for the instability.")] = 20,
    seeds: Annotated[int, typer.Option(help="Trainings for the instability of each mixer.")] = 3,
    threads: Threads = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for approximation.json, approximation.svg and approximation.png.")
    ] = Path("bench"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace these files in OUTPUT.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure how well attention is approximated for each number of features, and how stable training is.

    The error is that of a head's output in the spectral norm, relative to the attention that the mixer approximates.
    """
    from seqmix.bench.request import parse_features, results_in
    from seqmix.experiments.request import check_mixers
    from seqmix.reporting.text import parse_lengths
    from seqmix.run import Run

    numbers, wanted, stem = parse_features(features), parse_lengths(lengths), "approximation"
    check_mixers(names(mixers) or ())
    check_numbers(repeats=repeats, steps=steps, seeds=seeds, threads=threads)
    if run is not None:
        Run.open(run).check_trained()
    with results_in(output, overwrite, stem) as results, slow_bar("measuring", "series", quiet) as bar:
        from seqmix.bench.approximation import bench_approximation
        from seqmix.bench.approximation_report import approximation_tables, write_approximation

        result = bench_approximation(
            names(mixers),
            numbers,
            wanted,
            run=run,
            data=data,
            repeats=repeats,
            steps=steps,
            seeds=seeds,
            threads=threads,
            on_start=bar.begin,
            on_done=bar.update,
        )
        write_approximation(result, output, results.stem)
    _print(approximation_tables(result), result, output / results.stem, quiet)
    results.check()


def _print(tables: Sequence[ReportTable], result: BenchResult | ApproximationResult, stem: Path, quiet: bool) -> None:
    """Print the results and the files that they are in, which are `stem` with an ending."""
    written = f"{stem}.json"
    out = console(quiet)
    print_tables(out, tables)
    print_notes(out, result.notes)
    say(out, f"-> {stem}.png  ({written})")
    if result.interrupted:
        raise Interrupted(f"interrupted; what was measured is in {written}")
