"""Locks on folders: one process at a time does a kind of work in a folder, and errors tell others which process it is.

A lock is a small hidden file in the folder that names the process, its computer and what it does. It is advisory: seqmix
respects it, other programs need not. It works on local and network file systems, because it does not rely on one mechanism:

1. The complete file gets its name by a rename that replaces nothing or by link(); both are atomic on NFS too. Whoever gives the
   name has the lock, whether or not the file system supports flock().
2. The holder also keeps an flock() on the file where that works. A file that nobody has an flock() on was left behind by a
   killed process of this computer; which process has its number now does not matter.
3. Another computer's flock() is not always visible, so every holder touches its file every few seconds. A file that has not
   been touched for a minute, by the clock of the file system alone, was left behind.
4. A process that was suspended for longer than that may wake up after somebody else took its place. So the holder calls
   `check()` before it writes, which is an error if the lock is no longer its own.

On Windows the file is locked with `msvcrt.locking()`, which Windows enforces between computers too, and nothing else is needed.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import stat
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from seqmix.errors import RunError, SeqmixError, param
from seqmix.system.leftovers import temporary_name
from seqmix.system.notes import note
from seqmix.system.printable import printable
from seqmix.system.renaming import LOCK_ENDING, NameTakenError, rename_new
from seqmix.system.signs_of_life import file_system_time
from seqmix.system.signs_of_life import flock as _flock

_BEAT = 10.0  # seconds between two touches of a held lock
_SILENCE = 60.0  # seconds without a touch after which a lock was left behind
_POLL = 0.02  # seconds between two looks at a lock that is waited for
_LOOK = 1.0  # seconds between two looks for a sign of life
_LARGEST = 4096  # bytes of a lock that are read
_FAR = 1 << 30  # the byte that is locked on Windows, where a locked byte cannot be read
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link is followed, no pipe is waited for
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock.

    Attributes:
        process: number of the process.
        host: name of its computer.
        machine: identifies the computer since it was started.
        doing: what it does, such as "training".
        since: when it began, in its own time.
    """

    process: int
    host: str
    machine: str
    doing: str
    since: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"


class FolderLock:
    """A lock that this process holds.

    Attributes:
        path: the lock file.
    """

    def __init__(self, path: Path, file: int, holder: Holder, error: type[SeqmixError]) -> None:
        self.path = path
        self._file, self._holder, self._error = file, holder, error
        self._folder = path.parent.stat()
        self._released = threading.Event()
        self._toucher = threading.Thread(target=self._touch, name="seqmix lock", daemon=True)
        if os.name != "nt":
            self._toucher.start()

    def check(self) -> None:
        """Make sure, before writing, that this process still holds the lock.

        Raises:
            SeqmixError: another process took over, or the folder was replaced.
        """
        folder = self.path.parent
        try:
            if os.path.samestat(os.fstat(self._file), self.path.lstat()):
                return
        except OSError:
            with suppress(OSError):  # somebody deleted the file, and nothing else
                if os.path.samestat(self._folder, folder.stat()) and (file := _take(self.path, self._holder)) is not None:
                    os.dup2(file, self._file, inheritable=False)
                    os.close(file)
                    return
        raise self._error(
            f"{folder}: it was replaced, or another process took over, while this one was {self._holder.doing} here; "
            "nothing more is written"
        )

    def release(self) -> None:
        """Release the lock; do nothing if it is already released."""
        if self._released.is_set():
            return
        self._released.set()
        if self._toucher.ident:
            self._toucher.join()
        ours = False
        with suppress(OSError):
            ours = os.path.samestat(os.fstat(self._file), self.path.lstat())
        if os.name == "nt":  # where an open file cannot be deleted
            os.close(self._file)
        if ours:
            with suppress(OSError):
                self.path.unlink()
        if os.name != "nt":  # no sooner: a lock that nobody has locked was left behind
            os.close(self._file)

    def _touch(self) -> None:
        while not self._released.wait(_BEAT):
            with suppress(OSError):
                os.utime(self._file)


@contextmanager
def locked(
    folder: Path, name: str, doing: str, *, make: bool = False, wait: float = 0.0, error: type[SeqmixError] = RunError
) -> Iterator[FolderLock]:
    """Hold a lock on a folder during the block. Remove a lock that was left behind, with a note.

    Args:
        folder: the folder.
        name: kind of the lock; locks of different kinds do not exclude each other.
        doing: what this process does, for the message to another: "training".
        make: make the folder if it is missing, and remove it if it is still empty at the end.
        wait: seconds to wait for another process to end.
        error: the kind of error to raise.

    Raises:
        SeqmixError: another process holds the lock, or the folder cannot be written to.
    """
    made = make and not folder.exists()
    try:
        lock = _acquired(folder / f".{name}{LOCK_ENDING}", doing, make, wait, error)
    except OSError as reason:
        raise error(f"{folder}: cannot be written: {reason.strerror or reason}") from reason
    try:
        yield lock
    finally:
        lock.release()
        if made:
            with suppress(OSError):
                folder.rmdir()


def _acquired(path: Path, doing: str, make: bool, wait: float, error: type[SeqmixError]) -> FolderLock:
    holder = Holder(os.getpid(), platform.node() or "localhost", _machine(), doing, time.strftime("%Y-%m-%d %H:%M:%S"))
    waiting = _Waiting(path.parent)
    end = time.monotonic() + wait
    while True:
        try:
            if make:  # each time: another process may remove it while it is empty
                path.parent.mkdir(parents=True, exist_ok=True)
            if (file := _take(path, holder)) is not None:
                return FolderLock(path, file, holder, error)
            other, left_behind = _examine(path, waiting)
        except FileNotFoundError:
            if not make and not path.parent.is_dir():
                raise error(f"{path.parent}: no such folder") from None
            continue  # it was released just now
        if left_behind:
            whose = f"{other}, which was {other.doing} there" if other else "another process"
            note(f"{path.parent}: removed a lock left behind by {whose}")
        elif (left := end - time.monotonic()) > 0:
            waiting.go_on(other, left)
            time.sleep(_POLL)
        else:
            raise error(_in_use(path, other))


class _Waiting:
    """Says once what this process waits for, if it has waited for a second.

    Args:
        folder: the folder that another process has locked.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._began, self._told = folder, time.monotonic(), False

    def go_on(self, other: Holder | None, left: float) -> None:
        """Note, if it is time, that this process waits for another for `left` more seconds at most."""
        if not self._told and time.monotonic() - self._began >= _LOOK:
            self._told = True
            whose = f"{other}, which has been {other.doing} there since {other.since}" if other else "another process"
            note(f"{self._folder}: waiting for {whose}; for at most {left:.0f} s")


def _in_use(path: Path, other: Holder | None) -> str:
    if other is None:
        return f"{path.parent}: another process is working there; wait for it, or choose another {param('output')}"
    return (
        f"{path.parent}: {other} has been {other.doing} there since {other.since}; wait for it or stop it, or choose another "
        f"{param('output')}"
    )


def _take(path: Path, holder: Holder) -> int | None:
    """Create a lock and return the open file; None if the lock exists already."""
    text = json.dumps(asdict(holder)).encode()
    if os.name == "nt":
        return _take_on_windows(path, text)
    temporary = temporary_name(path)
    file = os.open(temporary, _NEW, 0o666)
    try:
        os.write(file, text)
        _flock(file)
        rename_new(temporary, path)
    except NameTakenError:
        os.close(file)
        return None
    except BaseException:
        os.close(file)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    return file


def _examine(path: Path, waiting: _Waiting) -> tuple[Holder | None, bool]:
    """Return who holds a lock, as far as that can be read, and whether it was left behind; if it was, remove it.

    Raises:
        FileNotFoundError: there is no lock any more.
        OSError: it is not a lock.
    """
    file = _open(path)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, f"{path.name} is not a lock; delete it")
        other = _holder(os.read(file, _LARGEST))
        free = False if os.name == "nt" else _flock(file)
        if free is False:
            return other, False
        ours = free and other is not None and other.machine == _machine()
        if not ours and not _silent(path, file, other, waiting):
            return other, False
        _remove(path, file)  # nobody else does this at the same time where `free` is true: it is locked
        return other, True
    finally:
        os.close(file)


def _remove(path: Path, file: int) -> None:
    """Remove a lock that was left behind, unless somebody else has done so and taken the lock."""
    aside = temporary_name(path)
    if not os.path.samestat(os.fstat(file), path.lstat()):
        return
    path.rename(aside)
    try:
        if not os.path.samestat(os.fstat(file), aside.lstat()):
            rename_new(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _silent(path: Path, file: int, other: Holder | None, waiting: _Waiting) -> bool:
    """Return whether the holder of a lock shows no sign of life, after waiting as long as a sign may take."""
    touched = os.fstat(file).st_mtime
    left = min(_SILENCE, _SILENCE - (file_system_time(temporary_name(path)) - touched))
    end = time.monotonic() + left
    while time.monotonic() < end:
        time.sleep(_LOOK)
        waiting.go_on(other, end - time.monotonic())
        found = _open(path)  # a network file system shows the time of the last touch to who opens the file
        try:
            if os.fstat(found).st_mtime != touched:
                return False
        finally:
            os.close(found)
    return True


def _open(path: Path) -> int:
    """Open a lock, for writing if that is allowed, which NFS needs for flock()."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, f"{path.name} is a link, not a lock; delete it")
    try:
        return os.open(path, os.O_RDWR | _FLAGS)
    except PermissionError:
        return os.open(path, os.O_RDONLY | _FLAGS)


def _holder(text: bytes) -> Holder | None:
    """Read who holds a lock. Anybody may have written the text, so it is escaped."""
    try:
        found = json.loads(text)
        words = {name: printable(str(found[name]))[:80] for name in ("host", "machine", "doing", "since")}
        return Holder(process=int(found["process"]), **words)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _take_on_windows(path: Path, text: bytes) -> int | None:
    if sys.platform != "win32":
        raise NotImplementedError
    import msvcrt

    if path.is_symlink():
        raise OSError(errno.ELOOP, f"{path.name} is a link, not a lock; delete it")
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_BINARY)
    try:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    except OSError:
        os.close(file)
        return None
    os.lseek(file, 0, os.SEEK_SET)
    os.ftruncate(file, 0)
    os.write(file, text)
    return file


@cache
def _machine() -> str:
    """Return what identifies this computer since it was started."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{uuid.getnode():x}"
