"""Files and folders that are written completely or not at all, checksums, and JSON without NaN.

Output goes to a temporary name beside its destination, made with O_EXCL or mkdir: nobody else has or can guess that name, no
link is followed, and the mode follows the umask. The last step renames it to the destination. After any error, the old content
is still there and nothing else. Only a killed process leaves its temporary name behind, which the next process that writes to
the same place removes (see `leftovers`).

An output replaces nothing, or what had its name when the work began. If something else appears there meanwhile, it is left
as it is, and that is an error; the finished output is kept under a free name beside it. If another process is writing the same
output when the work begins, that is an error at once. A link counts as an existing output: it is refused or replaced, never
written through.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import io
import lzma
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from seqmix.errors import ConfigError, DatasetError, RunError, SeqmixError, param
from seqmix.system.leftovers import clear, remove, temporary_name, writer_of
from seqmix.system.printable import printable
from seqmix.system.renaming import NameTakenError, Standing, rename_beside, rename_new, rename_over, standing
from seqmix.system.signs_of_life import signs_of_life

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
PACKINGS = (".gz", ".bz2", ".xz")
_OPEN_FILE = re.compile(r"/dev/std(in|out|err)|(?:/dev|/proc/self)/fd/(\d+)")  # names of what this process has open


@contextmanager
def whole_file(path: Path, *, overwrite: bool | None = None, error: type[SeqmixError] = RunError) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the name `path` when the block ends without an error.

    Args:
        path: the file to write, or to replace.
        overwrite: replace what has the name when the block begins, if True, or nothing, if False; whatever appears there
            meanwhile is an error, and the file is kept beside it. If None, what has the name at the end is replaced: for a
            file of a folder that only this process writes to.
        error: the kind of error to raise.

    Raises:
        SeqmixError: the file cannot be written, or not under this name, or another process is writing it; what was there is
            untouched.
    """
    clear(path)
    if overwrite is not None:
        _refuse_written(path, error)
    temporary, before = temporary_name(path), standing(path)
    try:
        with ExitStack() as alive:
            with temporary.open("xb") as file:
                alive.enter_context(signs_of_life(temporary, briefly=overwrite is None))
                yield file
                file.flush()
                os.fsync(file.fileno())
            if overwrite is None:
                temporary.replace(path)
            else:
                _rename(temporary, path, before if overwrite else None, temporary_name(path), keep=True, error=error)
    except OSError as reason:
        if not path.parent.is_dir():
            raise error(f"{path}: cannot be written: there is no folder {path.parent}; make it first") from reason
        raise error(f"{path}: cannot be written: {reason.strerror or reason}; what was there is untouched") from reason
    finally:
        remove(temporary)


def write_whole(path: Path, data: bytes | str, *, error: type[SeqmixError] = RunError) -> None:
    """Write a file so that `path` holds the old content or the new, whatever happens; see `whole_file`.

    A byte of a file name that is not UTF-8 is written as JSON and Python escape it, so that a text file is always UTF-8.
    """
    with whole_file(path, error=error) as file:
        file.write(data.encode(errors="backslashreplace") if isinstance(data, str) else data)


@contextmanager
def whole_folder(
    path: Path,
    *,
    overwrite: bool = False,
    before: Standing | None = None,
    costly: bool = True,
    error: type[SeqmixError] = DatasetError,
) -> Iterator[Path]:
    """Make a folder to be filled, which takes the name `path` when the block ends without an error.

    Args:
        path: the folder to write.
        overwrite: replace the folder that was there before; whatever else appears at `path`, or in this folder, meanwhile is
            an error.
        before: what was there before; None for what is there when the block begins.
        costly: whether it takes long to fill, so that it is kept beside what else has its name at the end, and not begun while
            another process is writing it.
        error: the kind of error to raise.

    Yields:
        The temporary folder.

    Raises:
        SeqmixError: the folder cannot be written, or not under this name, or another process is writing it; what was there
            is untouched.
    """
    if path.is_symlink() and not overwrite:
        raise error(
            f"{path} exists as a link, and seqmix does not write through links; remove it, or choose another {param('output')}"
        )
    clear(path)
    if costly:
        _refuse_written(path, error)
    temporary, aside = temporary_name(path), temporary_name(path, "replaced")
    try:
        before = standing(path) if before is None else before
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        with signs_of_life(temporary, briefly=not costly):
            yield temporary
            _rename(temporary, path, before if overwrite else None, aside, keep=costly, error=error)
        if overwrite:
            remove(aside)
    except OSError as reason:
        raise error(_not_kept(path, reason)) from reason
    except SeqmixError as reason:  # of a file in the folder, whose name is gone
        cause = reason.__cause__
        if isinstance(cause, OSError) and cause.errno in _NO_ROOM:
            raise error(_not_kept(path, cause)) from reason
        raise
    finally:
        remove(temporary)


def _not_kept(path: Path, reason: OSError) -> str:
    """Return the error for a folder that could not be written, and note in `reason` which folder that is."""
    reason.filename = reason.filename or str(path)
    return (
        f"{path}: cannot be written: {reason.strerror or reason}; nothing was kept: "
        f"make room, or choose another {param('output')}"
    )


def _refuse_written(path: Path, error: type[SeqmixError]) -> None:
    """Raise an error if another process is writing an output, rather than when both have done all the work."""
    if process := writer_of(path):
        raise error(f"{path}: process {process} is writing it; wait for it or stop it, or choose another {param('output')}")


def _rename(temporary: Path, path: Path, before: Standing | None, aside: Path, *, keep: bool, error: type[SeqmixError]) -> None:
    """Give a finished output its name, unless something took that name since the work began; `before` is what had it then."""
    try:
        if before is None:
            rename_new(temporary, path)
        else:
            rename_over(temporary, path, before, aside)
    except NameTakenError as reason:
        kept = _kept_beside(temporary, path) if keep else None
        what = "appeared" if before is None else "appeared or changed"
        result = f"kept as {kept}" if kept else f"discarded: choose another {param('output')}"
        raise error(
            f"{path} {what} while it was being written here; it is left as it is, and what was written here is {result}"
        ) from reason


def _kept_beside(temporary: Path, path: Path) -> Path | None:
    """Give a finished output a free name beside the one that is taken; return None where that is impossible."""
    unpacked = path.name[: len(path.name) - len(packing_of(path))]
    ending = "" if temporary.is_dir() else Path(unpacked).suffix + path.name[len(unpacked) :]
    try:
        return rename_beside(temporary, path, ending)
    except OSError:
        return None


def real_folder(path: Path, *, error: type[SeqmixError] = RunError) -> Path:
    """Return a folder to write in, made if it is missing, that is not a link to another place.

    Raises:
        SeqmixError: it is a link, or cannot be made.
    """
    refuse_link(path, error=error)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise error(f"{path}: cannot be written: {reason.strerror or reason}") from reason
    return path


def refuse_link(path: Path, *, error: type[SeqmixError] = RunError) -> None:
    """Raise an error if a file or folder to write is a link to another place."""
    if path.is_symlink():
        raise error(f"{path} is a link, which is not written through; remove it")


def append_line(path: Path, line: str) -> None:
    """Append a line to a text file, creating it if it is missing; it must not be a link."""
    refuse_link(path)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o666), "a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())  # before a state that counts the lines


@contextmanager
def text_output(path: Path | None, overwrite: bool = False) -> Iterator[TextIO]:
    """Open a text stream to a file that appears only when it is complete.

    Args:
        path: the file, packed if its name ends with one of `PACKINGS`; None for standard output. A device or a pipe is written
            to, not replaced.
        overwrite: replace a file or link that exists when the block begins.

    Raises:
        ConfigError: the file exists and is not to be overwritten, or it cannot be written.
    """
    if path is None or _open_number(path) == 1:
        with _as_text(sys.stdout.buffer, _Shown if sys.stdout.isatty() else io.TextIOWrapper) as out:
            yield out
    elif (number := _open_number(path)) is not None:
        try:
            with os.fdopen(os.dup(number), "wb") as binary, _as_text(binary) as out:
                yield out
        except OSError as reason:
            raise ConfigError(f"{path}: cannot be written: {reason.strerror or reason}") from reason
    elif path.exists() and not path.is_file():
        try:
            with path.open("w", encoding="utf-8", newline="", errors="backslashreplace") as out:
                yield out
        except OSError as reason:
            raise ConfigError(f"{path}: cannot be written: {reason.strerror or reason}") from reason
    elif os.path.lexists(path) and not overwrite:
        is_link = " as a link, and seqmix does not write through links" * path.is_symlink()
        raise ConfigError(
            f"{path} exists{is_link}; replace it with {param('overwrite', True)}, or choose another {param('output')}"
        )
    else:
        written = whole_file(path, overwrite=overwrite, error=ConfigError)
        with written as file, _packed(file, packing_of(path)) as raw, _as_text(raw) as out:
            yield out


def is_written_to(path: Path) -> bool:
    """Return whether an output is not a file to be replaced but a device, a pipe, or an open file such as /dev/stdout."""
    return _open_number(path) is not None or (path.exists() and not path.is_file())


def _open_number(path: Path) -> int | None:
    """Return the number of an open file that a path names, such as 1 for /dev/stdout; None if it names none."""
    found = _OPEN_FILE.fullmatch(str(path)) if os.name != "nt" else None
    if found is None:
        return None
    return int(found[2]) if found[2] else {"in": 0, "out": 1, "err": 2}[found[1]]


def packing_of(path: Path) -> str:
    """Return the ending that says how a file is packed, such as ".gz"; "" if none does."""
    return next((ending for ending in PACKINGS if path.name.lower().endswith(ending)), "")


@contextmanager
def _packed(file: BinaryIO, packing: str) -> Iterator[BinaryIO]:
    """Pack what is written; `file` stays open. Equal contents are packed equally, whatever the time."""
    if not packing:
        yield file
        return
    makers: dict[str, Callable[[], Any]] = {
        ".gz": partial(gzip.GzipFile, "", "wb", fileobj=file, mtime=0),
        ".bz2": partial(bz2.BZ2File, file, "wb"),
        ".xz": partial(lzma.LZMAFile, file, "wb"),
    }
    with makers[packing]() as packed:
        yield packed


class _Shown(io.TextIOWrapper):
    """Text on a terminal, which is to show characters that it would obey."""

    def write(self, text: str) -> int:
        return super().write(printable(text, lines=True))


@contextmanager
def _as_text(binary: BinaryIO, kind: type[io.TextIOWrapper] = io.TextIOWrapper) -> Iterator[TextIO]:
    """Encode what is written; `binary` stays open."""
    out = kind(binary, encoding="utf-8", newline="", write_through=False, errors="backslashreplace")
    try:
        yield out
        out.flush()
    finally:
        out.detach()


def without_nan(value: Any) -> Any:
    """Return `value` with None in place of every number that JSON does not have."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
