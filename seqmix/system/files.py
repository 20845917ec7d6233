"""Files and folders that are written whole or not at all, checksums, and JSON without NaN.

What is written goes to a temporary name beside its destination, made with O_EXCL or mkdir: nobody else has that name, no
link is followed, and the mode follows the umask. The destination is renamed to as the last step. After any error the old
content is still there and nothing else; only a process that is killed leaves its temporary name behind.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from seqmix.errors import ConfigError, DatasetError, RunError, SeqmixError, param

_SHOWN = 50  # characters of a name in its temporary name, which may not become too long for the file system


@contextmanager
def whole_file(path: Path, *, error: type[SeqmixError] = RunError) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the name `path` when the block ends without an error.

    Args:
        path: the file to write, or to replace.
        error: the kind of error to raise.

    Raises:
        SeqmixError: the file cannot be written; what was there is untouched.
    """
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as reason:
        raise error(f"{path}: cannot be written: {reason.strerror or reason}; what was there is untouched") from reason
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes | str, *, error: type[SeqmixError] = RunError) -> None:
    """Write a file so that `path` holds the old content or the new, whatever happens; see `whole_file`."""
    with whole_file(path, error=error) as file:
        file.write(data.encode() if isinstance(data, str) else data)


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
    temporary = _temporary(path)
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        if overwrite and path.exists():
            _replace_folder(path, temporary)
        else:
            temporary.rename(path)
    except OSError as reason:
        raise error(
            f"{path}: cannot be written: {reason.strerror or reason}; nothing was kept: "
            f"make room, or choose another {param('output')}"
        ) from reason
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace_folder(path: Path, new: Path) -> None:
    """Put `new` in the place of `path`, which is deleted when that is done and is back when it fails."""
    old = _temporary(path)
    path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _temporary(path: Path) -> Path:
    """Return a name beside `path` that nobody else has."""
    absolute = path.absolute()
    return absolute.with_name(f".{absolute.name[:_SHOWN]}.{secrets.token_hex(8)}.partial")


def remove_partial(folder: Path) -> None:
    """Remove the files directly in `folder` that killed processes left half-written; nobody else may be writing there."""
    for path in folder.glob(".*.partial"):
        with suppress(OSError):
            path.unlink()


@contextmanager
def text_output(path: Path | None, overwrite: bool = False) -> Iterator[TextIO]:
    """Open a text stream to a file that is there when all is written, and not before.

    Args:
        path: the file; None for standard output. A device or a pipe is written to, not replaced.
        overwrite: replace a file that is there.

    Raises:
        ConfigError: the file exists and is not to be overwritten, or it cannot be written.
    """
    if path is None:
        with _as_text(sys.stdout.buffer) as out:
            yield out
    elif path.exists() and not path.is_file():
        try:
            with path.open("w", encoding="utf-8", newline="") as out:
                yield out
        except OSError as reason:
            raise ConfigError(f"{path}: cannot be written: {reason.strerror or reason}") from reason
    elif path.is_file() and not overwrite:
        raise ConfigError(f"{path} exists; replace it with {param('overwrite', True)}, or choose another {param('output')}")
    else:
        with whole_file(path, error=ConfigError) as file, _as_text(file) as out:
            yield out


@contextmanager
def _as_text(binary: BinaryIO) -> Iterator[TextIO]:
    """Encode what is written; `binary` stays open."""
    out = io.TextIOWrapper(binary, encoding="utf-8", newline="", write_through=False)
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
