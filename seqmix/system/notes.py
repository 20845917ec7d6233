"""Notes that belong to no result, such as what was found beside an output: one line each, through `logging`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("seqmix")


def note(text: str) -> None:
    """Give a note to the user: the command line prints it, a program gets it from the logger "seqmix"."""
    _LOGGER.warning("%s", text)


@contextmanager
def notes_to(show: Callable[[str], object]) -> Iterator[None]:
    """Pass notes to a function during the block, instead of to the program's handlers or to the function of an outer block."""
    handler, passed_on = _Showing(show), _LOGGER.propagate
    around = [each for each in _LOGGER.handlers if isinstance(each, _Showing)]
    for each in around:
        _LOGGER.removeHandler(each)
    _LOGGER.addHandler(handler)
    _LOGGER.propagate = False
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.propagate = passed_on
        for each in around:
            _LOGGER.addHandler(each)


class _Showing(logging.Handler):
    def __init__(self, show: Callable[[str], object]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.getMessage())
