"""Measure how time and memory of the mixers grow with the length: `bench_mixers` measures a series of lengths for each.

Every point is measured by `seqmix.bench.measure` in a process of its own. Before a measurement starts, its time and memory
are predicted from the previous points; while it runs, its resident memory is watched. A series therefore ends, with a note
that says why, before memory or patience runs out; the other mixers continue.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from seqmix.bench.measure import LONG, CostPoint, MeasureSpec, model_config
from seqmix.bench.mixers_result import BenchResult, CostSeries
from seqmix.bench.power_law import predict
from seqmix.bench.request import check_all
from seqmix.config.training import PRECISIONS
from seqmix.errors import ConfigError, SeqmixError, param
from seqmix.mixers import available_mixers, mixer_class
from seqmix.reporting.text import amount, duration, short
from seqmix.system import processes
from seqmix.system.arguments import typed
from seqmix.system.devices import autocast, choose_device
from seqmix.system.environment import environment
from seqmix.system.memory import free_memory
from seqmix.system.ranges import check_numbers

LENGTHS = (1024, 4096, 16384, 65536)
_SHARE = 0.7  # share of the free memory that a measurement may use
_PROGRAM = 1 << 29  # bytes that Python and torch use themselves, at most, on a CPU
_POLL = 0.1  # seconds between two checks of a running measurement


@typed()
def bench_mixers(
    mixers: Sequence[str] | None = None,
    lengths: Sequence[int] = LENGTHS,
    *,
    batch_size: int = 1,
    d_model: int | None = None,
    device: str = "auto",
    precision: str = "fp32",
    repeats: int = 3,
    memory_limit: int | None = None,
    time_limit: float = 60.0,
    on_start: Callable[[int], object] | None = None,
    on_point: Callable[[str, int, CostPoint | None], object] | None = None,
) -> BenchResult:
    """Time a forward pass and a training step of every mixer at every length, and measure their peak memory.

    The model is the one that `seqmix train` builds for DNA of that length, with the mixer's default settings (so widths and
    numbers of blocks differ between mixers, see `CostSeries.model`); the sequences are random. After one warm-up run, the
    median of the timed runs is reported; on a CPU, runs of more than ten seconds are timed once. The number of threads is
    torch's in the calling process.

    Args:
        mixers: names of mixers; None for all registered ones.
        lengths: lengths in tokens, at least 16; sorted, and duplicates dropped.
        batch_size: sequences in a batch.
        d_model: width of all models; None for each mixer's default.
        device: device, as in `TrainingConfig`.
        precision: precision, as in `TrainingConfig`.
        repeats: timed runs.
        memory_limit: bytes that a measurement may use; None for 70 % of the memory that is free when it starts.
        time_limit: seconds that a training step may take according to the prediction; a run is stopped after twice as long,
            and at least ten seconds.
        on_start: called with the number of points to come.
        on_point: called after each point with the mixer, the length and the measurement, which is None if the series has
            ended.

    Returns:
        The results; after an interruption (KeyboardInterrupt), what was measured until then.

    Raises:
        ConfigError: a mixer, a length, the device or another option is not allowed.
        SeqmixError: nothing could be measured.
    """
    ordered = sorted(set(lengths))
    numbers = {"batch_size": batch_size, "d_model": d_model, "repeats": repeats}
    _check(ordered, precision, **numbers, time_limit=time_limit, memory_limit=memory_limit)
    chosen = choose_device(device)
    autocast(chosen, precision)
    result = BenchResult(
        settings={
            "lengths": ordered,
            "batch_size": batch_size,
            "d_model": d_model,
            "device": str(chosen),
            "precision": precision,
            "repeats": repeats,
            "memory_limit": memory_limit,
            "time_limit": time_limit,
        },
        environment=environment(),
        series=[_new_series(name, ordered[0], d_model) for name in dict.fromkeys(mixers or available_mixers())],
    )
    if on_start:
        on_start(len(result.series) * len(ordered))
    try:
        for series in result.series:
            for length in ordered:
                point = None if series.stopped else _extend(result, series, length)
                if on_point:
                    on_point(series.mixer, length, point)
    except KeyboardInterrupt:
        if not any(series.points for series in result.series):
            raise
        result.interrupted = True
    if not any(series.points for series in result.series):
        raise SeqmixError(f"nothing could be measured: {'; '.join(result.notes)}")
    return result


def _check(lengths: Sequence[int], precision: str, **numbers: float | None) -> None:
    """Raise a `ConfigError` for options that are not allowed, before anything is measured."""
    check_all("lengths", lengths)
    check_numbers(**numbers)
    if precision not in PRECISIONS:
        allowed = ", ".join(PRECISIONS)
        raise ConfigError(f"{param('precision')} must be one of {allowed}: got '{precision}'", option="precision")


def _new_series(mixer: str, length: int, d_model: int | None) -> CostSeries:
    model = asdict(model_config(mixer, length, d_model))
    del model["max_length"]
    return CostSeries(mixer=mixer, quadratic=mixer_class(mixer).quadratic, model=model)


def _extend(result: BenchResult, series: CostSeries, length: int) -> CostPoint | None:
    """Measure the next point of a series, or note in the series why it ends."""
    memory_limit, time_limit = result.settings["memory_limit"], result.settings["time_limit"]
    names = ("batch_size", "d_model", "device", "precision", "repeats")
    spec = MeasureSpec(
        mixer=series.mixer,
        length=length,
        threads=torch.get_num_threads(),
        longest=max(2 * time_limit, LONG),
        **{name: result.settings[name] for name in names},
    )
    device = torch.device(spec.device)
    free = free_memory(device)
    limit = memory_limit if memory_limit is not None else None if free is None else int(_SHARE * free)
    seconds = predict(series.curve("training_time"), spec.length, series.quadratic)
    memory = predict(series.curve("training_memory"), spec.length, series.quadratic)
    outcome: CostPoint | str
    if memory is not None and limit is not None and memory > limit:
        of = "" if memory_limit is not None or free is None else f" of the {amount(free)} that are free"
        outcome = f"it would need about {amount(memory)} of memory, and at most {amount(limit)}{of} may be used"
    elif seconds is not None and seconds > time_limit:
        outcome = f"a training step would take about {duration(seconds)}, and the limit is {duration(time_limit)}"
    else:
        outcome = _measure(spec, limit if device.type == "cpu" else None)
    if isinstance(outcome, str):
        series.stopped = f"stopped at {short(spec.length)}: {outcome}"
        return None
    series.points.append(outcome)
    return outcome


def _measure(spec: MeasureSpec, limit: int | None) -> CostPoint | str:
    """Measure a point in a new process, which never outlives this call; return the point, or why there is none."""
    with processes.running("seqmix.bench.measure", asdict(spec)) as child:
        while True:
            try:
                said, complaints = child.communicate(timeout=_POLL)
                break
            except subprocess.TimeoutExpired:
                if limit is not None and _resident(child.pid) > limit + _PROGRAM:
                    return f"it needs more than the {amount(limit)} of memory that may be used"
    if processes.ending_signal(child.returncode) == "SIGALRM":
        return f"one run takes more than {duration(spec.longest)}"
    found = processes.answer(child.returncode, said, complaints)
    if "error" in found:
        return str(found["error"]) if child.returncode else f"failed: {found['error']}"
    return CostPoint.from_dict(found)


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process uses now; 0 if unknown."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
