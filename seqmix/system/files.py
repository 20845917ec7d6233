"""Files and folders that are written whole or not at all, checksums, and JSON without NaN."""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from seqmix.errors import ConfigError, DatasetError, RunError


def write_whole(path: Path, data: bytes | str) -> None:
    """Writes a file so that `path` holds the old content or the new, whatever happens."""
    raw = data.encode() if isinstance(data, str) else data
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {error.strerror or error}; what was there is untouched") from error


def without_nan(value: Any) -> Any:
    """`value` with None in the place of every number that JSON does not have."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def file_checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def whole_file(path: Path | None, overwrite: bool = False) -> Iterator[TextIO]:
    """A text stream to a file that is there when all was written, and not before; None: standard output.

    Raises:
        ConfigError: the file exists and is not to be overwritten, or it cannot be written.
    """
    if path is None:
        out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=False)
        try:
            yield out
            out.flush()
        finally:
            out.detach()
        return
    special = path.exists() and not path.is_file()  # a device or a pipe is written to, not replaced
    if path.is_file() and not overwrite:
        raise ConfigError(f"{path} exists; replace it with --overwrite, or choose another --output")
    temporary = path if special else path.with_name(f".{path.name}.partial")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as out:
            yield out
        if not special:
            temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        if not special:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """A temporary folder beside `output` that takes its name when all went well, and is gone when not."""
    parent = output.absolute().parent
    folder: Path | None = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".partial", dir=parent))
        yield folder
        folder.chmod(0o777 & ~_umask())
        if output.exists():
            old = folder.with_suffix(".old")
            output.rename(old)
            folder.rename(output)
            shutil.rmtree(old)
        else:
            folder.rename(output)
    except OSError as error:
        raise DatasetError(
            f"{output}: cannot be written: {error.strerror or error}; nothing was kept: "
            "make room, or choose another place with --output"
        ) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
