"""How much memory there is, how much is in use, and what to do when it ran out. All amounts are in bytes."""

from __future__ import annotations

import gc
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

import torch

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it is the error of an allocator, of whatever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


def release_memory(device: torch.device) -> None:
    """Gives what a failed attempt left behind back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def used_memory(device: torch.device) -> tuple[int | None, int | None]:
    """What is in use now, and the most that was at one time; on a CPU by this process. None: it cannot be told."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device), torch.cuda.max_memory_allocated(device)
    if device.type == "mps":  # which keeps what it once took
        return torch.mps.driver_allocated_memory(), torch.mps.driver_allocated_memory()
    with suppress(OSError, KeyError):
        # Not ru_maxrss, which a process on Linux inherits from the one that started it.
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        now, peak = (1024 * int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM"))
        return now, peak
    try:
        import resource
    except ImportError:  # not on Windows
        return None, None
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return used, used


def forget_peak(device: torch.device) -> None:
    """Lets the peak begin again from here, where that is possible: elsewhere it is that of the whole process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def free_memory(device: torch.device) -> int | None:
    """What can still be taken on a device; None: it cannot be told."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    with suppress(OSError):
        if found := re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE):
            return min([1024 * int(found[1]), *_group_memory()])
    with suppress(OSError, ValueError, AttributeError):  # all memory: how much of it is free is not told
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _group_memory() -> list[int]:
    """What the control groups (version 2) that this process is in still allow: a container's or a job's limit."""
    allowed = []
    try:
        own = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    except OSError:
        return []
    folder = Path("/sys/fs/cgroup") / (own[1] if own else "")
    for group in (folder, *folder.parents):
        try:
            taken = int((group / "memory.current").read_text())
            files = re.findall(r"^(?:in)?active_file (\d+)$", (group / "memory.stat").read_text(), re.MULTILINE)
            # Copies of files in memory are given up for what a program asks for.
            allowed.append(int((group / "memory.max").read_text()) - taken + sum(map(int, files)))
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
    return allowed
