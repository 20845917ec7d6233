"""Temporary names that tell which process made them, and what killed processes left under such names.

An output is written under the name `.NAME.PROCESS-START-COMPUTER-KERNEL-RANDOM.partial` beside it. Where two folders cannot
be exchanged at once, the old one is `….replaced` for the moment in which nothing has its name. A killed process leaves them
behind; the next one that writes to the same place removes them, or puts the old folder back, with a note. It does not touch
what belongs to a living process, which is known in one of three ways:

1. On the same computer, and in the same container: by the number of the process and its start.
2. In another container under the same kernel, whatever its name: by the flock() that the process keeps on what it writes.
3. On another computer, or where there is no flock(): by its touches. What has not changed for a day was left behind;
   before that, it is named and kept.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from seqmix.errors import SeqmixError
from seqmix.system.notes import note
from seqmix.system.owner import owner, shares_kernel, state_of
from seqmix.system.signs_of_life import is_locked, is_silent, signs_of_life

_SHOWN = 50  # characters of a name in its temporary name, which may not become too long for the file system
_OWNER = r"\d+-[0-9a-f]+-[0-9a-f]{8}(?:-[0-9a-f]{8})?"
_NAME = re.compile(rf"\.(.+)\.(?:({_OWNER})-[0-9a-f]{{8}}|[0-9a-f]{{16}})\.(partial|replaced)", re.DOTALL)
_NEW = 5.0  # seconds after which what is being written is certain to be locked
_OLD = 86_400.0  # seconds without a touch after which it was left behind: more than a night of a sleeping computer
_WHAT = {
    "removed": "removed; a killed process left it unfinished",
    "stuck": "a killed process left it unfinished, and it cannot be removed: delete it by hand",
    "elsewhere": "a process on another computer or of an older version left it, or still writes it: it is removed when "
    "nothing has happened there for a day; delete it if nothing is writing there",
}
_told: set[Path] = set()  # a note on these was given


class _Leftover(NamedTuple):
    path: Path
    stem: str  # of the name that it was to have
    owner: str | None  # None if an older version made it
    replaced: bool

    @property
    def state(self) -> str:
        state = state_of(self.owner) if self.owner else "elsewhere"
        if state != "elsewhere":
            return state
        locked = is_locked(self.path) if self.owner and shares_kernel(self.owner) and not self.replaced else None
        if locked:
            return "alive"
        silence = _OLD if locked is None else _NEW
        return "gone" if is_silent(self.path, silence, temporary_name(self.path)) else state

    @property
    def process(self) -> int:
        return int((self.owner or "0").partition("-")[0])


def temporary_name(path: Path, kind: str = "partial") -> Path:
    """Return a name beside `path` that nobody else has."""
    absolute = path.absolute()
    return absolute.with_name(f".{_stem(absolute.name)}.{owner()}-{secrets.token_hex(4)}.{kind}")


def remove(path: Path) -> None:
    """Remove a file, a folder or a link as far as possible, even if interrupted once; follow no link."""
    try:
        _remove(path)
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def clear(path: Path) -> None:
    """Remove what killed processes left of an output, or put back what they took away, with a note for each.

    Args:
        path: the output, which is about to be written.
    """
    put_back(path)
    _clear(list(_leftovers_of(path)))


def clear_folder(folder: Path, *, alone: bool = True) -> None:
    """Remove what killed processes left directly in a folder, of any output, with a note.

    Args:
        folder: the folder.
        alone: whether nobody else writes to it, so that leftovers of older versions can be removed too.
    """
    _clear([found for found in _leftovers(folder) if alone or not found.replaced], alone=alone)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a temporary folder that exists during the block, after removing those that killed processes left behind."""
    user = getattr(os, "getuid", lambda: 0)()  # on Windows, each has a folder of their own
    try:
        path = Path(tempfile.gettempdir(), f"seqmix-{user}")
        clear(path)
        folder = temporary_name(path)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise SeqmixError(
            f"no temporary folder can be made: {error.strerror or error}; set TMPDIR to a folder that can be written to"
        ) from error
    try:
        with signs_of_life(folder):
            yield folder
    except SeqmixError as error:
        cause = error.__cause__
        of_this = (
            isinstance(cause, OSError) and cause.errno == errno.ENOSPC and Path(cause.filename or "/").is_relative_to(folder)
        )
        if of_this:
            raise SeqmixError(
                f"{folder.parent}: there is no room for temporary files; make room, or set TMPDIR to another folder"
            ) from error
        raise
    finally:
        remove(folder)


def writer_of(path: Path) -> int | None:
    """Return the number of another process of this computer that is writing an output now; None if there is none."""
    writers = (found.process for found in _leftovers_of(path) if not found.replaced and found.state == "alive")
    return next((process for process in writers if process != os.getpid()), None)


def put_back(path: Path) -> None:
    """Give an output its name back if a process was killed while replacing it, with a note."""
    if os.path.lexists(path) and not _is_empty(path):
        return
    for found in _leftovers_of(path):
        if found.replaced and found.state == "gone":
            with suppress(OSError):
                found.path.rename(path)
                note(f"{path}: put back, because the process that was replacing it was killed")
                return


def _is_empty(path: Path) -> bool:
    """Return whether this is an empty folder, as the process may have made one to be replaced."""
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _clear(leftovers: Sequence[_Leftover], *, alone: bool = False) -> None:
    found: dict[str, list[Path]] = {"removed": [], "stuck": [], "elsewhere": []}
    for leftover in leftovers:
        state = leftover.state
        if state == "gone" or (alone and leftover.owner is None):
            remove(leftover.path)
            state = "stuck" if os.path.lexists(leftover.path) else "removed"
        if state in found and leftover.path not in _told:
            found[state].append(leftover.path)
            _told.add(leftover.path)
    for state, paths in found.items():
        if paths:
            more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
            note(f"{paths[0]}{more}: {_WHAT[state]}")


def _leftovers_of(path: Path) -> Iterator[_Leftover]:
    """Yield the paths with temporary names of an output."""
    absolute = path.absolute()
    stem = _stem(absolute.name)
    folder = path.parent if absolute.name == path.name else absolute.parent
    return (found for found in _leftovers(folder) if found.stem == stem)


def _leftovers(folder: Path) -> Iterator[_Leftover]:
    """Yield the paths with temporary names in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and (match := _NAME.fullmatch(entry.name)):
                yield _Leftover(folder / entry.name, match[1], match[2], match[3] == "replaced")


def _stem(name: str) -> str:
    """Return a name as its temporary names contain it."""
    if len(name) <= _SHOWN:
        return name
    return f"{name[: _SHOWN - 9]}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
