"""What the benchmarks share: two things timed in turns, memory of a fresh process, and how a script ends."""

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

import torch


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Of one call, over `times` in a row."""
    began = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - began) / times


def in_turns(
    opponent: Callable[[], object], ours: Callable[[], object], repeats: int, times: int = 1
) -> tuple[float, float, float]:
    """Median seconds of both, and the median ratio, over `repeats` turns after a warm-up; `times` calls of ours a turn."""
    opponent()
    ours()
    turns = [(seconds(opponent), seconds(ours, times)) for _ in range(repeats)]
    theirs, own = zip(*turns, strict=True)
    return statistics.median(theirs), statistics.median(own), statistics.median(a / b for a, b in turns)


def rss() -> int:
    """Resident bytes of this process now (Linux), or the most so far."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return peak_rss()


def peak_rss() -> int:
    """The most resident bytes of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peak_in_child(script: str, side: str) -> int:
    """What `script --peak SIDE` prints: the bytes that one side needs above its imports, in a process of its own."""
    done = subprocess.run([sys.executable, script, "--peak", side], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def machine() -> str:
    """The machine in words."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"


def finish(ratio: float, target: float, *others: bool) -> int:
    """Prints the ratio, last; the exit code: 0 if it and all others hold."""
    if not all(others):
        print("one of the figures above falls short")
    print(f"ratio {ratio:.1f} (at least {target:g}){'' if ratio >= target else ': falls short'}")
    return 0 if ratio >= target and all(others) else 1
