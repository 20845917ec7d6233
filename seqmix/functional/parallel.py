"""Independent pieces of work side by side on a CPU's cores, each piece in one thread.

Torch's own threads share the work of one operation and meet at its end. For a chain of small operations that costs
much of what it gains, and tenfold where another job wants the cores: every operation then waits for a thread that is
not running. Here every thread goes through a chain of its own, on data that stay in its core's cache.
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


def side_by_side(work: Callable[[Piece], None], pieces: Sequence[Piece], device: torch.device) -> None:
    """Calls `work` with every piece, on a CPU in as many threads as torch has; without gradients.

    With fewer pieces than threads, and on other devices, one after the other with torch's own threads.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or len(pieces) < threads:
        for piece in pieces:
            work(piece)
        return
    inference = torch.is_inference_mode_enabled()

    def in_a_thread(piece: Piece) -> None:  # such modes are a thread's own
        with torch.inference_mode(inference), torch.no_grad():
            work(piece)

    for _ in _pool(os.getpid(), threads).map(in_a_thread, pieces):
        pass


@functools.cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads that start no others; a forked process needs its own."""
    pool = ThreadPoolExecutor(threads, "seqmix")
    started = threading.Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # a new thread takes over the number of all when it first needs it: not after the next line
        torch.set_num_threads(1)
        started.wait()

    for _ in range(threads):
        pool.submit(start)
    started.wait()
    torch.set_num_threads(threads)  # the calls above were for their own threads, and for all that come later
    return pool
