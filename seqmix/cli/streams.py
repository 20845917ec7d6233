"""Standard input, output and error, whatever they are: closed, full, or without a reader; and an environment to print in.

Messages that nobody can be told are lost without an effect on the work. What cannot be written to standard output is an error,
unless its reader has gone: that is how `| head` ends a command.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import Any, TextIO, cast

_NARROWEST = 20  # columns that anything can be read in


def prepare_streams() -> None:
    """Open what is closed of the standard streams, so that no file gets its number, and let messages to nobody pass."""
    if sys.stdin is None:  # what is opened the wrong way refuses to be used
        sys.stdin = _nothing("r", os.O_WRONLY)
    if sys.stdout is None:
        sys.stdout = _nothing("w", os.O_RDONLY)
    vars(sys)["stderr"] = _Lenient(sys.stderr or _nothing())


def prepare_environment() -> None:
    """Leave aside settings with which nothing can be printed or drawn: columns too few, and matplotlib's way to a display."""
    columns = os.environ.get("COLUMNS", "")
    if not columns.isdecimal() or int(columns) < _NARROWEST:
        os.environ.pop("COLUMNS", None)
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its remarks on files of settings and caches


def drop_output() -> None:
    """Let standard output pass, whose reader has gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = _nothing()


def _nothing(mode: str = "w", flags: int = os.O_WRONLY) -> TextIO:
    """Return a stream to and from nowhere."""
    return cast("TextIO", os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


def in_words(error: OSError) -> str:
    """Return what went wrong, without the number of the error."""
    return "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)


class _Lenient:
    """A text stream whose content is lost, once it cannot be written."""

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
