"""How time and memory of the mixers grow with the length: `bench_mixers` measures a series of lengths for each.

Every point is measured by `seqmix.bench.measure` in a process of its own. Before it begins, time and memory are predicted
from the points before; while it runs, its resident memory is watched. So a series ends, with a note that says why,
before memory or patience runs out; the other mixers go on.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from seqmix.bench.measure import LONG, Measure, Point, Spec, model_config
from seqmix.config import PRECISIONS
from seqmix.errors import ConfigError, SeqmixError
from seqmix.mixers import available_mixers, mixer_class
from seqmix.reporting.text import SHORTEST, amount, duration, short
from seqmix.system import processes
from seqmix.system.devices import autocast, choose_device
from seqmix.system.environment import environment
from seqmix.system.memory import free_memory

LENGTHS = (1024, 4096, 16384, 65536)
_SHARE = 0.7  # of the free memory that a point may take
_PROGRAM = 1 << 29  # bytes that Python and torch take themselves, at most, on a CPU
_POLL = 0.1  # seconds between two looks at a running measurement
_FITTED = 3  # points that an exponent needs
_CURVES = ("forward_time", "training_time", "forward_memory", "training_memory")


@dataclass(slots=True, kw_only=True)
class Series:
    """The points of one mixer, shortest first.

    Attributes:
        mixer: its name; quadratic: whether it says that time or memory grows with the square of the length.
        model: the settings of the measured model, its length left out.
        points: what was measured; stopped: why that is not every length, in words.
    """

    mixer: str
    quadratic: bool
    model: dict[str, Any]
    points: list[Point] = field(default_factory=list)
    stopped: str = ""

    def curve(self, name: str) -> list[tuple[int, float]]:
        """Length and value of one of "forward_time", "training_time" (s), "forward_memory", "training_memory" (bytes).

        Memory is what is beyond weights, gradients and moments, which do not depend on the length; lengths at which it is
        mostly these are left out.
        """
        kind, _, what = name.partition("_")
        found: list[tuple[int, float]] = []
        for point in self.points:
            measure: Measure = getattr(point, kind)
            if what == "time":
                found.append((point.length, measure.seconds))
            elif measure.peak_bytes is not None and measure.peak_bytes > 2 * measure.constant_bytes:
                found.append((point.length, measure.peak_bytes - measure.constant_bytes))
        return found

    def exponents(self) -> dict[str, float | None]:
        """By curve, b of the fitted a * L^b; None: fewer than three points.

        What every step costs, however short, flattens the beginning of a curve: see `last_exponents`.
        """
        curves = {name: self.curve(name) for name in _CURVES}
        return {name: fit_exponent(curve) if len(curve) >= _FITTED else None for name, curve in curves.items()}

    def last_exponents(self) -> dict[str, float | None]:
        """The same between the two greatest lengths alone; None: there is one."""
        curves = {name: self.curve(name)[-2:] for name in _CURVES}
        return {name: fit_exponent(curve) if len(curve) > 1 else None for name, curve in curves.items()}

    def growth(self) -> dict[str, float] | None:
        """How many times the time per token is at the last length what it was at the first; None: there is one length.

        "log_squared" is that of a method whose time per token grows with the square of the logarithm of the length.
        """
        if len(self.points) < 2:
            return None
        first, last = self.points[0], self.points[-1]
        return {
            "from": first.length,
            "to": last.length,
            "forward": first.forward.tokens_per_second / last.forward.tokens_per_second,
            "training": first.training.tokens_per_second / last.training.tokens_per_second,
            "log_squared": (math.log2(last.length) / math.log2(first.length)) ** 2,
        }

    def to_dict(self) -> dict[str, Any]:
        """For JSON; each point also says its time per token, as a multiple of that of the first."""
        points = []
        for point in self.points:
            entry = asdict(point)
            for kind in ("forward", "training"):
                start: Measure = getattr(self.points[0], kind)
                entry[kind]["relative_time_per_token"] = start.tokens_per_second / entry[kind]["tokens_per_second"]
            points.append(entry)
        return {
            "mixer": self.mixer,
            "model": self.model,
            "stopped": self.stopped or None,
            "exponents": self.exponents(),
            "last_exponents": self.last_exponents(),
            "time_per_token_growth": self.growth(),
            "points": points,
        }


@dataclass(slots=True, kw_only=True)
class BenchResult:
    """What `bench_mixers` found.

    Attributes:
        settings: lengths, batch size, device and so on, as asked for.
        environment: versions, platform, threads.
        series: one for each mixer; interrupted: whether some of them end because the user had enough.
    """

    settings: dict[str, Any]
    environment: dict[str, Any]
    series: list[Series]
    interrupted: bool = False

    @property
    def notes(self) -> list[str]:
        """Why series ended early."""
        return [f"{series.mixer}: {series.stopped}" for series in self.series if series.stopped]

    def to_json(self) -> str:
        """As `bench.json`."""
        content = {
            "environment": self.environment,
            "settings": self.settings,
            "interrupted": self.interrupted,
            "series": [series.to_dict() for series in self.series],
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


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
    on_point: Callable[[str, int, Point | None], object] | None = None,
) -> BenchResult:
    """Times forward and training step of every mixer at every length, and measures their peak memory.

    The model is the one that `seqmix train` builds for DNA, with the defaults that suit the mixer (so widths and numbers
    of blocks differ from mixer to mixer, see `Series.model`), built for the length that is measured; the sequences are
    random. After one run that warms up, the median of the timed runs counts; on a CPU, what takes more than ten seconds
    is run once. Threads are those of torch in the calling process.

    Args:
        mixers: their names; None: all that are registered.
        lengths: in tokens, at least 16; measured in ascending order, each once.
        batch_size: sequences in a batch.
        d_model: width of all models; None: each mixer's default.
        device, precision: as in `TrainingConfig`.
        repeats: timed runs.
        memory_limit: bytes that a point may take; None: 70 % of what is free when its turn comes.
        time_limit: seconds that one training step may be expected to take; twice as long, and at least ten seconds, is
            what a run really may take.
        on_start: called with the number of points to come.
        on_point: called after each of them with mixer, length and what was measured; None: the series had ended.

    Returns:
        What was measured. After an interruption (KeyboardInterrupt): what was measured till then, if there is anything.

    Raises:
        ConfigError: a mixer, a length, the device or another option is not allowed.
        SeqmixError: nothing could be measured; the message says why.
    """
    ordered = sorted(set(lengths))
    if not ordered or ordered[0] < SHORTEST:
        raise ConfigError(f"lengths must be {SHORTEST} tokens or more: got {', '.join(map(str, lengths)) or 'none'}")
    for name, value in {"batch size": batch_size, "number of repeats": repeats}.items():
        if value < 1:
            raise ConfigError(f"the {name} must be at least 1: got {value}")
    if not 0 < time_limit < math.inf:
        raise ConfigError(f"the time limit must be more than 0 seconds: got {time_limit:g}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision must be one of {', '.join(PRECISIONS)}: got '{precision}'")
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
                spec = Spec(
                    mixer=series.mixer,
                    length=length,
                    batch_size=batch_size,
                    d_model=d_model,
                    device=str(chosen),
                    precision=precision,
                    threads=torch.get_num_threads(),
                    repeats=repeats,
                    longest=max(2 * time_limit, LONG),
                )
                point = None if series.stopped else _extend(series, spec, memory_limit, time_limit)
                if on_point:
                    on_point(series.mixer, length, point)
    except KeyboardInterrupt:
        if not any(series.points for series in result.series):
            raise
        result.interrupted = True
    if not any(series.points for series in result.series):
        raise SeqmixError(f"nothing could be measured: {'; '.join(result.notes)}")
    return result


def _new_series(mixer: str, length: int, d_model: int | None) -> Series:
    model = asdict(model_config(mixer, length, d_model))
    del model["max_length"]
    return Series(mixer=mixer, quadratic=mixer_class(mixer).quadratic, model=model)


def _extend(series: Series, spec: Spec, memory_limit: int | None, time_limit: float) -> Point | None:
    """Measures the next point of a series, or says in it why there is none."""
    device = torch.device(spec.device)
    free = free_memory(device)
    limit = memory_limit if memory_limit is not None else None if free is None else int(_SHARE * free)
    seconds = predict(series.curve("training_time"), spec.length, series.quadratic)
    memory = predict(series.curve("training_memory"), spec.length, series.quadratic)
    outcome: Point | str
    if memory is not None and limit is not None and memory > limit:
        of = "" if memory_limit is not None or free is None else f" of the {amount(free)} that are free"
        outcome = f"it would need about {amount(memory)} of memory, at most {amount(limit)}{of} may be used"
    elif seconds is not None and seconds > time_limit:
        outcome = f"a training step would take about {duration(seconds)}, the limit is {duration(time_limit)}"
    else:
        outcome = _measure(spec, limit if device.type == "cpu" else None)
    if isinstance(outcome, str):
        series.stopped = f"stopped at {short(spec.length)}: {outcome}"
        return None
    series.points.append(outcome)
    return outcome


def _measure(spec: Spec, limit: int | None) -> Point | str:
    """The point, measured in a new process, or why there is none; the process never outlives this call."""
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
    return Point.from_dict(found)


def _resident(pid: int) -> int:
    """Bytes of memory that a process takes now; 0 where that cannot be told."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def predict(curve: Sequence[tuple[int, float]], length: int, quadratic: bool) -> float | None:
    """What a curve will be at a greater length, by the exponent between neighbouring points, kept within 1 and 2.

    The last two points say it; of a quadratic mixer the steepest, because what every step costs hides the square at first.
    With one point, the exponent is 2 for a quadratic mixer, else 1; with none, nothing can be said: None.
    """
    if not curve:
        return None
    steps = [fit_exponent(pair) for pair in pairwise(curve)]
    exponent = 1.0 + quadratic if not steps else max(steps) if quadratic else steps[-1]
    last, value = curve[-1]
    return value * math.pow(length / last, min(2.0, max(1.0, exponent)))


def fit_exponent(curve: Sequence[tuple[int, float]]) -> float:
    """b of the least squares fit log y = log a + b log L to two or more points (L, y)."""
    x = [math.log(length) for length, _ in curve]
    y = [math.log(value) for _, value in curve]
    mean_x, mean_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    products = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return products / math.fsum((a - mean_x) ** 2 for a in x)
