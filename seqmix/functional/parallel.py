"""Run independent pieces of work in parallel on a CPU, each piece on one thread.

Torch's own threads share the work of one operation and wait for each other at its end. For a chain of small operations that
loses most of what it gains, and is ten times slower if another job wants the cores: every operation then waits for a thread
that is not running. Here every thread runs a whole chain by itself, on data that stays in its core's cache.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Piece = TypeVar("Piece")


def run_in_parallel(work: Callable[[Piece], None], pieces: Sequence[Piece], device: torch.device) -> None:
    """Call `work` with every piece, without gradients.

    On a CPU, use as many threads as torch does. If there are fewer pieces than threads, and on other devices, process the
    pieces one after another with torch's own threads.

    Args:
        work: called once for each piece; pieces must not depend on each other.
        pieces: arguments of the calls.
        device: where the work happens.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or len(pieces) < threads:
        for piece in pieces:
            work(piece)
        return
    inference = torch.is_inference_mode_enabled()

    def run_in_thread(piece: Piece) -> None:
        # Each thread has gradient modes of its own, which begin with gradients on.
        with torch.inference_mode(inference), torch.no_grad():
            work(piece)

    for _ in _pool(os.getpid(), threads).map(run_in_thread, pieces):
        pass


@functools.cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads that run torch single-threaded. A forked process needs its own, hence `process`."""
    pool = ThreadPoolExecutor(threads, "seqmix")
    started = threading.Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # a new thread adopts the global setting at first use: now, not after the next line
        torch.set_num_threads(1)
        started.wait()

    for _ in range(threads):
        pool.submit(start)
    started.wait()
    torch.set_num_threads(threads)  # the calls above also set the default for later threads: restore it
    return pool
