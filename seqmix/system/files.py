"""Files and folders that are written whole or not at all, checksums, and JSON without NaN.

What is written goes to a temporary name beside its destination, made with O_EXCL or mkdir: nobody else has that name, no
link is followed, and the mode follows the umask. The destination is renamed to as the last step. After any error the old
content is still there and nothing else; only a process that is killed leaves its temporary name behind, which the next one
that writes to the same place removes (see `leftovers`).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from seqmix.errors import ConfigError, DatasetError, RunError, SeqmixError, param
from seqmix.system.leftovers import clear, remove, replace_folder, temporary_name
from seqmix.system.printable import printable

PACKINGS = (".gz", ".bz2", ".xz")


@contextmanager
def whole_file(path: Path, *, error: type[SeqmixError] = RunError) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the name `path` when the block ends without an error.

    Args:
        path: the file to write, or to replace.
        error: the kind of error to raise.

    Raises:
        SeqmixError: the file cannot be written; what was there is untouched.
    """
    clear(path)
    temporary = temporary_name(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as reason:
        if not path.parent.is_dir():
            raise error(f"{path}: cannot be written: there is no folder {path.parent}; make it first") from reason
        raise error(f"{path}: cannot be written: {reason.strerror or reason}; what was there is untouched") from reason
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes | str, *, error: type[SeqmixError] = RunError) -> None:
    """Write a file so that `path` holds the old content or the new, whatever happens; see `whole_file`.

    A byte of a file name that is not UTF-8 is written as JSON and Python escape it, so that a text file is always UTF-8.
    """
    with whole_file(path, error=error) as file:
        file.write(data.encode(errors="backslashreplace") if isinstance(data, str) else data)


@contextmanager
def whole_folder(path: Path, *, overwrite: bool = False, error: type[SeqmixError] = DatasetError) -> Iterator[Path]:
    """Make a folder to be filled, which takes the name `path` when the block ends without an error.

    Args:
        path: the folder to write.
        overwrite: replace the folder that is there; without it, whatever appears at `path` meanwhile is an error.
        error: the kind of error to raise.

    Yields:
        The temporary folder.

    Raises:
        SeqmixError: the folder cannot be written; what was there is untouched.
    """
    clear(path)
    temporary = temporary_name(path)
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        if overwrite and path.exists():
            replace_folder(path, temporary)
        else:
            temporary.rename(path)
    except OSError as reason:
        raise error(
            f"{path}: cannot be written: {reason.strerror or reason}; nothing was kept: "
            f"make room, or choose another {param('output')}"
        ) from reason
    finally:
        remove(temporary)


@contextmanager
def text_output(path: Path | None, overwrite: bool = False) -> Iterator[TextIO]:
    """Open a text stream to a file that is there when all is written, and not before.

    Args:
        path: the file, packed if its name ends with one of `PACKINGS`; None for standard output. A device or a pipe is written
            to, not replaced.
        overwrite: replace a file that is there.

    Raises:
        ConfigError: the file exists and is not to be overwritten, or it cannot be written.
    """
    if path is None:
        with _as_text(sys.stdout.buffer, _Shown if sys.stdout.isatty() else io.TextIOWrapper) as out:
            yield out
    elif path.exists() and not path.is_file():
        try:
            with path.open("w", encoding="utf-8", newline="", errors="backslashreplace") as out:
                yield out
        except OSError as reason:
            raise ConfigError(f"{path}: cannot be written: {reason.strerror or reason}") from reason
    elif path.is_file() and not overwrite:
        raise ConfigError(f"{path} exists; replace it with {param('overwrite', True)}, or choose another {param('output')}")
    else:
        with whole_file(path, error=ConfigError) as file, _packed(file, packing_of(path)) as raw, _as_text(raw) as out:
            yield out


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
