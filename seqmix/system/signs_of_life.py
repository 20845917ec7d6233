"""Signs of life that a process gives on what it writes, for those that cannot look at the process itself.

In another container, the number of a process and the name of the computer mean something else, and another computer cannot be
asked at all. So a process keeps an flock() on the temporary file or folder that it is writing, which others under the same
kernel can see and which ends with the process. Where that takes long, it also touches it every minute, for other computers.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_BEAT = 60.0  # seconds between two touches
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link is followed, no pipe is waited for


@contextmanager
def signs_of_life(path: Path, *, briefly: bool = False) -> Iterator[None]:
    """Show during the block, as far as the system allows it, that this process is writing a file or folder.

    Args:
        path: the file or folder.
        briefly: whether that takes a moment only, so that no touch is due.
    """
    if os.name == "nt":  # where an open folder cannot be renamed
        yield
        return
    file, ended = None, threading.Event()
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY | _FLAGS)
        flock(file)
    toucher = threading.Thread(target=_touch, args=(path, file, ended), name="seqmix output", daemon=True)
    if not briefly:
        toucher.start()
    try:
        yield
    finally:
        ended.set()
        if toucher.ident:
            toucher.join()
        if file is not None:
            os.close(file)


def _touch(path: Path, file: int | None, ended: threading.Event) -> None:
    while not ended.wait(_BEAT):
        with suppress(OSError):
            os.utime(path if file is None else file)


def is_locked(path: Path) -> bool | None:
    """Return whether a process under this kernel shows that it is writing a file or folder; None if that is unknown."""
    if os.name == "nt":
        return None
    try:
        file = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return None
    try:
        kind = os.fstat(file).st_mode
        free = flock(file) if stat.S_ISREG(kind) or stat.S_ISDIR(kind) else None
        return None if free is None else not free
    finally:
        os.close(file)


def is_silent(path: Path, seconds: float, probe: Path) -> bool:
    """Return whether a file, or a folder and what is directly in it, has not changed for long; False if that is unknown.

    Args:
        path: the file or folder.
        seconds: how long, by the clock of the file system.
        probe: a name beside it that nobody has.
    """
    try:
        times = [path.lstat().st_mtime]
        if path.is_dir() and not path.is_symlink():
            times += [inner.lstat().st_mtime for inner in path.iterdir()]
        return file_system_time(probe) - max(times) > seconds
    except OSError:
        return False


def file_system_time(probe: Path) -> float:
    """Return the time that the file system gives to a file of this name, which nobody has, if it is written now."""
    file = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
    try:
        os.write(file, b".")
        return os.fstat(file).st_mtime
    finally:
        os.close(file)
        probe.unlink(missing_ok=True)


def flock(file: int) -> bool | None:
    """Lock an open file without waiting: False if another process has locked it, None where the file system cannot lock."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
