"""How much memory there is, how much is in use, and whether it ran out. All amounts are in bytes."""

from __future__ import annotations

import gc
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on whatever device."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


def is_overflow(error: BaseException) -> bool:
    """Return whether an error says that a tensor is so large that its size cannot even be computed."""
    return isinstance(error, RuntimeError) and "overflow" in str(error)


def release_memory(device: torch.device) -> None:
    """Give the memory that a failed attempt left behind back to the device."""
    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def used_memory(device: torch.device) -> tuple[int | None, int | None]:
    """Return the memory in use now and its peak, on a CPU those of this process; None if unknown."""
    import torch

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
    """Start measuring the peak anew, if that is possible; otherwise it stays that of the whole process."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def free_memory(device: torch.device) -> int | None:
    """Return how much memory can still be allocated on a device; None if unknown."""
    import torch

    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    with suppress(OSError):
        if found := re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE):
            return min([1024 * int(found[1]), *_group_memory()])
    with suppress(OSError, ValueError, AttributeError):  # all memory: how much of it is free is unknown
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _group_memory() -> list[int]:
    """Return what the control groups (version 2) of this process still allow: the limits of a container or a job."""
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
            # Copies of files in memory are given up when a program needs memory.
            allowed.append(int((group / "memory.max").read_text()) - taken + sum(map(int, files)))
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
    return allowed
