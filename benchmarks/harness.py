"""Tools of the benchmarks: alternating timing, peak memory of a new process, parts of data sets, and the last line
of a script."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from seqmix.data.dataset import Dataset
from seqmix.data.prepare import prepare


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Return the seconds per call, over `times` calls in a row."""
    began = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - began) / times


def in_turns(
    opponent: Callable[[], object], ours: Callable[[], object], repeats: int, times: int = 1
) -> tuple[float, float, float]:
    """Time both sides alternately, after a warm-up.

    Args:
        opponent: one call of the opponent.
        ours: one call of ours.
        repeats: number of turns.
        times: calls of ours per turn.

    Returns:
        Median seconds of the opponent and of ours, and the median ratio.
    """
    opponent()
    ours()
    turns = [(seconds(opponent), seconds(ours, times)) for _ in range(repeats)]
    theirs, own = zip(*turns, strict=True)
    return statistics.median(theirs), statistics.median(own), statistics.median(a / b for a, b in turns)


def rss() -> int:
    """Return the resident bytes of this process now (Linux), or the maximum so far."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return peak_rss()


def peak_rss() -> int:
    """Return the maximum of the resident bytes of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peak_in_child(script: str, side: str) -> int:
    """Run `script --peak SIDE` in a new process and return what it prints: the bytes that one side needs beyond its imports."""
    done = subprocess.run([sys.executable, script, "--peak", side], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def machine() -> str:
    """Describe the machine."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"


def finish(ratio: float, target: float, *others: bool) -> int:
    """Print the ratio as the last line, and return the exit code: 0 if it reaches the target and all others hold."""
    if not all(others):
        print("one of the figures above falls short")
    print(f"ratio {ratio:.1f} (at least {target:g}){'' if ratio >= target else ': falls short'}")
    return 0 if ratio >= target and all(others) else 1


def fewer_labels(data: Dataset, share: float, seed: int, output: Path) -> Dataset:
    """Return the data set in which this share of the training records is left, of each class at least one."""
    train = data.indices("train")
    order = np.random.default_rng(seed).permutation(train)
    kept: set[int] = set()
    for c in range(len(data.classes)):
        members = order[data.labels[order] == c]
        kept.update(members[: max(1, round(share * len(members)))].tolist())
    chosen = sorted(kept | set(data.indices("val").tolist()) | set(data.indices("test").tolist()))
    rows = [{"id": r.id, "text": r.text, "label": r.label, "split": r.split} for r in (data[i] for i in chosen)]
    return prepare(records=rows, output=output, alphabet=data.vocabulary.alphabet, overwrite=True)
