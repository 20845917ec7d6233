"""Standard input, output and error in any state: closed, full, or without a reader; and an environment to print in.

Messages that cannot be printed are dropped, and the work goes on. A failed write to standard output is an error, unless its
reader has gone: that is how `| head` ends a command.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import Any, TextIO, cast

_NARROWEST = 20  # columns that anything can be read in
_WHEN_WRITING = {errno.EBADF, errno.EFBIG, errno.EINVAL, errno.EIO, errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def prepare_streams() -> None:
    """Open closed standard streams, so that no file gets their numbers, and drop messages that cannot be printed."""
    if sys.stdin is None:  # a write-only stream takes its place, so that reading is an error
        sys.stdin = _nothing("r", os.O_WRONLY)
    if sys.stdout is None:
        sys.stdout = _nothing("w", os.O_RDONLY)
    vars(sys)["stderr"] = _Lenient(sys.stderr or _nothing())


def prepare_environment() -> None:
    """Ignore settings that prevent printing or drawing: too few columns, and a display for matplotlib."""
    columns = os.environ.get("COLUMNS", "")
    if not columns.isdecimal() or int(columns) < _NARROWEST:
        os.environ.pop("COLUMNS", None)
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its remarks on files of settings and caches


def drop_output() -> None:
    """Discard further standard output, because its reader has gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = _nothing()


def _nothing(mode: str = "w", flags: int = os.O_WRONLY) -> TextIO:
    """Return a stream that reads nothing and discards what is written."""
    return cast("TextIO", os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


def is_of_output(error: OSError) -> bool:
    """Return whether an error is that of writing standard output, which has no name in it."""
    return error.filename is None and error.errno in _WHEN_WRITING


def in_words(error: OSError) -> str:
    """Return what went wrong, without the error number."""
    return "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)


class _Lenient:
    """A text stream that discards its content once it cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._stream = _nothing()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._stream = _nothing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
