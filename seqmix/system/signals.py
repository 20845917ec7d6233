"""Signals that ask a process to end: of a job scheduler (SIGTERM), of a closed terminal (SIGHUP, on Windows SIGBREAK)."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
Handler = Callable[[int, FrameType | None], object]


def ending_signals() -> list[signal.Signals]:
    """Return the signals that ask this process to end, without those that `nohup` and the like make it ignore."""
    return [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]


def handle_ending(handler: Handler) -> None:
    """Call a function at the first signal that asks this process to end, and ignore later ones, which ask for the same.

    `timeout` sends two, and so does a shell whose terminal is closed: the second must not cut the clean-up short.
    """
    numbers = ending_signals()

    def handle(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        forsake_lost_terminal()
        handler(number, frame)

    for number in numbers:
        signal.signal(number, handle)


def forsake_lost_terminal() -> None:
    """Discard printed output if its terminal was closed: an error there would cut the clean-up short."""
    for stream in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back until the block ends: one that arrives while a process starts would leave that process behind."""
    if threading.current_thread() is not threading.main_thread():  # only there do signals interrupt
        yield
        return
    waiting: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ENDING)}
    ours = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in ours:
        signal.signal(number, lambda number, _: waiting.append(number))
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        if waiting:
            signal.raise_signal(waiting[0])
