"""Which process made something, written so that any process can tell whether its maker still lives."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

_ALIVE, _GONE, _ELSEWHERE = "alive", "gone", "elsewhere"
_UNKNOWN_START = "0"
_UNKNOWN_KERNEL = "0" * 8


def owner() -> str:
    """Return this process as text: its number, start, computer or container, and kernel: "4711-0c3fa1b2-9d8e7f60-1a2b3c4d"."""
    pid = os.getpid()
    return f"{pid}-{_own_start(pid)}-{_host()}-{_kernel()}"


def state_of(text: str) -> str:
    """Return whether the process that `owner` described lives: "alive", "gone", or "elsewhere" if that is unknown here."""
    pid, start, host = text.split("-")[:3]
    if host != _host():
        return _ELSEWHERE
    now = _start(int(pid))
    return _GONE if now is None or (_UNKNOWN_START not in (now, start) and now != start) else _ALIVE


def shares_kernel(text: str) -> bool:
    """Return whether the process that `owner` described runs under this kernel, in whatever container; False if unknown."""
    kernel = text.split("-")[3:]
    return kernel == [_kernel()] != [_UNKNOWN_KERNEL]


@cache
def _kernel() -> str:
    """Return a short hash of the running kernel, which is another one after every start."""
    try:
        return _short(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
    except OSError:
        return _UNKNOWN_KERNEL


@cache
def _host() -> str:
    """Return a short hash of this computer, or of the container whose process numbers these are."""
    facts = [platform.node()]
    with suppress(OSError):
        facts.append(Path("/etc/machine-id").read_text(encoding="ascii"))
    with suppress(OSError):
        facts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115 - not a path
    return _short(*facts)


@cache
def _own_start(pid: int) -> str:
    return _start(pid) or _UNKNOWN_START


def _start(pid: int) -> str | None:
    """Return a short hash of when a process started; "0" if that is unknown, None if there is no such process."""
    if sys.platform == "win32":
        return _start_on_windows(pid)
    if Path("/proc/self/stat").exists():
        return _start_on_linux(pid)
    return _start_by_ps(pid)


def _start_on_linux(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:
        return _UNKNOWN_START
    return None if fields[0] in (b"Z", b"X") else _short(boot, fields[19].decode())  # a zombie writes no more


def _start_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    try:
        found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C", "TZ": "UTC"})
    except OSError:
        return _UNKNOWN_START
    status, _, start = found.stdout.strip().partition(" ")
    return None if not start or status.startswith("Z") else _short(start.strip())


def _start_on_windows(pid: int) -> str | None:
    if sys.platform != "win32":
        return _UNKNOWN_START
    import ctypes

    information, still_active, denied = 0x1000, 259, 5
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel.OpenProcess(information, False, pid))
    if not handle:
        return _UNKNOWN_START if ctypes.get_last_error() == denied else None
    try:
        code, times = ctypes.c_ulong(), [ctypes.c_ulonglong() for _ in range(4)]
        if kernel.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value != still_active:
            return None
        known = kernel.GetProcessTimes(handle, *map(ctypes.byref, times))
        return _short(str(times[0].value)) if known else _UNKNOWN_START
    finally:
        kernel.CloseHandle(handle)


def _short(*facts: str) -> str:
    return hashlib.sha256("\n".join(facts).encode(errors="surrogateescape")).hexdigest()[:8]
