"""Renames that replace nothing, or only what was there before.

`os.replace` replaces whatever has the name at that moment. These functions replace nothing (`rename_new`), or only what a
`Standing` describes (`rename_over`); anything else raises a `NameTakenError` and stays.

Where the kernel and the file system have a rename that refuses or exchanges (Linux: renameat2, macOS: renamex_np), it is one
atomic step. Elsewhere, as on NFS, a file gets its name with link() and a folder with mkdir(), which are atomic on network
file systems too. Only then does a folder that is being replaced have no name for a moment, between two system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

_HERE = -100  # AT_FDCWD: paths are relative to the working directory
_REFUSE, _EXCHANGE = 1, 2  # RENAME_NOREPLACE and RENAME_EXCHANGE of Linux
_REFUSE_MACOS, _EXCHANGE_MACOS = 4, 2  # RENAME_EXCL and RENAME_SWAP of macOS
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}  # EPERM: a sandbox

_LONG = 240  # bytes of a name that leave room for a number
_OF_FILE_MANAGERS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})
LOCK_ENDING = ".lock"
Standing = frozenset[tuple[str, int, int, int, int]]  # for a file and for each in a folder: name, device, inode, size, mtime


class NameTakenError(OSError):
    """Something else has the name that a rename needs."""


def standing(path: Path) -> Standing:
    """Return the state of a path now, including everything in a folder; empty if nothing has the name.

    Links are not followed. Locks do not count, as they change as long as somebody holds them, and neither does what systems put
    into a folder that is only looked at.
    """
    try:
        top = path.lstat()
    except OSError:  # where it cannot be looked at, it cannot be written, which is explained then
        return frozenset()
    found = {_entry("", top)}
    if stat.S_ISDIR(top.st_mode):
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                inner = Path(folder, name)
                if is_lock(inner) or _is_passing(name):
                    continue
                with suppress(OSError):  # it has gone since the folder was listed
                    found.add(_entry(str(inner.relative_to(path)), inner.lstat()))
    return frozenset(found)


def is_lock(path: Path) -> bool:
    """Return whether a file of a folder is a lock, of this or another process, or about to become one."""
    return path.name.startswith(".") and LOCK_ENDING in path.name


def _is_passing(name: str) -> bool:
    """Return whether a file manager (macOS, Windows) or NFS made a file of this name by itself."""
    return name in _OF_FILE_MANAGERS or name.startswith(".nfs")


def _entry(name: str, found: os.stat_result) -> tuple[str, int, int, int, int]:
    if stat.S_ISDIR(found.st_mode):  # what is in a folder counts, not when that changed
        return name, found.st_dev, found.st_ino, 0, 0
    return name, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def rename_new(old: Path, new: Path) -> None:
    """Rename a file or folder to a name that nothing has.

    Raises:
        NameTakenError: something has it, be it an empty folder or a link that leads nowhere.
        OSError: the file system refuses.
    """
    try:
        if os.name == "nt":  # where a rename replaces nothing
            old.rename(new)
        elif _renamed(old, new, exchange=False):
            return
        elif old.is_dir():
            _fill_new(old, new)
        else:
            _link_new(old, new)
    except FileExistsError as error:
        raise _taken(new) from error


def _fill_new(old: Path, new: Path) -> None:
    """Rename a folder by way of an empty one, the only thing that a folder replaces."""
    new.mkdir()
    try:
        old.rename(new)
    except BaseException as error:
        with suppress(OSError):
            new.rmdir()
        if isinstance(error, OSError) and error.errno == errno.ENOTEMPTY:
            raise _taken(new) from error
        raise


def _link_new(old: Path, new: Path) -> None:
    """Rename a file by way of a second name."""
    try:
        os.link(old, new, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(old.lstat(), new.lstat()):  # NFS repeats a call whose answer was lost
            raise
    except OSError as error:
        if error.errno not in {errno.EMLINK, *_UNSUPPORTED}:
            raise
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        old.replace(new)
        return
    old.unlink()


def rename_beside(old: Path, new: Path, ending: str = "") -> Path:
    """Rename a file or folder to the first free name like one that is taken: "rows-2.tsv", "data-3".

    Args:
        old: what is renamed.
        new: the name that is taken.
        ending: what the free name has to end with as well, such as ".tsv".

    Returns:
        The free name.

    Raises:
        OSError: the file system refuses.
    """
    stem = new.name.removesuffix(ending)
    if len(os.fsencode(new.name)) > _LONG:
        stem = stem[: _LONG // 4]  # a character has at most four bytes
    number = 2
    while True:
        free = new.with_name(f"{stem}-{number}{ending}")
        try:
            rename_new(old, free)
        except NameTakenError:
            number += 1
        else:
            return free


def rename_over(old: Path, new: Path, before: Standing, aside: Path) -> None:
    """Rename a file or folder to a name that something had before.

    What is replaced ends up under the name `old` or `aside`, or is gone.

    Args:
        old: what is renamed.
        new: its new name.
        before: what `standing(new)` returned before.
        aside: a name that nobody has.

    Raises:
        NameTakenError: something else has the name now, which is left as it is.
        OSError: the file system refuses.
    """
    now = standing(new)
    if not now:
        rename_new(old, new)
    elif now != before:
        raise _taken(new)
    elif os.name != "nt" and _renamed(old, new, exchange=True):
        if standing(old) != before:  # it changed between the two calls
            _renamed(old, new, exchange=True)
            raise _taken(new)
    elif not old.is_dir():
        old.replace(new)
    else:
        new.rename(aside)
        try:
            if standing(aside) != before:
                raise _taken(new)
            rename_new(old, new)
        except BaseException:
            rename_new(aside, new)
            raise


def _taken(path: Path) -> NameTakenError:
    return NameTakenError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _renamed(old: Path, new: Path, *, exchange: bool) -> bool:
    """Rename without replacing, or exchange two names, in one step; return False where that is not possible."""
    call = _system_call()
    if call is None:
        return False
    flag = (_EXCHANGE_MACOS if exchange else _REFUSE_MACOS) if sys.platform == "darwin" else _EXCHANGE if exchange else _REFUSE
    if call(os.fsencode(old), os.fsencode(new), flag) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(new))


@cache
def _system_call() -> Callable[[bytes, bytes, int], int] | None:
    """Return renameat2 or renamex_np; None where the C library has neither."""
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            renamex = library.renamex_np
            renamex.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
            return lambda old, new, flag: renamex(old, new, flag)
        renameat = library.renameat2
        renameat.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        return lambda old, new, flag: renameat(_HERE, old, _HERE, new, flag)
    return None
