"""Files that must not change while they are read: a change is an error that names the file."""

from __future__ import annotations

import mmap
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from seqmix.errors import DatasetError, InputError, SeqmixError, command

_LOOK_EVERY = 0.05  # seconds


class FileState(NamedTuple):
    """The state of a file, which changes when it is written to.

    Attributes:
        size: bytes.
        written: when it was last written to, in nanoseconds.
        place: which file it is: another one may get its name, and then this one has not changed.
    """

    size: int
    written: int
    place: tuple[int, int]

    @classmethod
    def of(cls, file: int | Path) -> FileState | None:
        """Return the state of an open file, given by its number, or of a named file; None for pipes and missing files."""
        with suppress(OSError):
            found = os.fstat(file) if isinstance(file, int) else file.stat()
            if stat.S_ISREG(found.st_mode):
                return cls(found.st_size, found.st_mtime_ns, (found.st_dev, found.st_ino))
        return None

    def change(self, now: FileState | None) -> str:
        """Return in words how the file differs now; "" if it does not, or if it is a different file."""
        if now is None or now.place != self.place or now == self:
            return ""
        sizes = f"from {self.size:,} to {now.size:,} bytes"
        return sizes if now.size != self.size else f"and has {now.size:,} bytes as before"


class OpenFile(Protocol):
    """An open file that has a number."""

    def fileno(self) -> int:
        """Return the number."""


def read_unchanging(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        InputError: the file changed while it was read.
    """
    with path.open("rb") as file, unchanging(file, str(path)):
        return file.read()


@contextmanager
def unchanging(file: OpenFile, name: str) -> Iterator[FileState | None]:
    """Refuse a file that changes while the block reads it, before any other error about it.

    Args:
        file: the open file; pipes are not looked at.
        name: its name, for messages.

    Yields:
        Its state at the beginning.

    Raises:
        InputError: the file changed.
    """
    before = _state_of_open(file)
    try:
        yield before
    except SeqmixError as error:
        refuse_change(before, _state_of_open(file), name, error)
        raise
    refuse_change(before, _state_of_open(file), name)


def _state_of_open(file: OpenFile) -> FileState | None:
    with suppress(OSError, AttributeError):  # not every stream has a number
        return FileState.of(file.fileno())
    return None


def refuse_change(before: FileState | None, now: FileState | None, name: str, cause: Exception | None = None) -> None:
    """Raise an `InputError` if a file has changed since its state was `before`."""
    if before and (change := before.change(now)):
        raise InputError(
            f"{name}: the file changed while it was read ({change}): it is still being written, copied or downloaded; run the "
            "command again when that is done"
        ) from cause


class MappedFile:
    """Watch a file that is mapped into memory: reading past its end would kill the process without a message.

    Args:
        path: the file.
        array: a memory map of numpy; an array in memory needs no watching.
    """

    def __init__(self, path: Path, array: Any) -> None:
        self._path = path
        self._state = FileState.of(path)
        self._map: Any = array
        while self._map is not None and not isinstance(self._map, mmap.mmap):
            self._map = getattr(self._map, "base", None)
        self._length = len(self._map) if self._map is not None else 0
        self._looked = 0.0

    def check(self) -> None:
        """Look at the file before it is read.

        Raises:
            DatasetError: it was cut off or written to.
        """
        if self._map is None:
            return
        size, now = self._map.size(), time.monotonic()
        change = f"from {self._length:,} to {size:,} bytes" if size < self._length else ""
        if not change and now - self._looked > _LOOK_EVERY:
            self._looked = now
            change = self._state.change(FileState.of(self._path)) if self._state else ""
        if change:
            raise DatasetError(f"{self._path}: the file changed while it was read ({change}); run {command('prepare')} again")
