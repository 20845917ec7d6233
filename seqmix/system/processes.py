"""Work in a separate process: a module of this package is started with a JSON argument and prints a line of JSON.

A new process has its own memory peak, and a failure in it ends one piece of work only. It ends with the process that started
it, however that ends, because the system then closes the pipe that is its standard input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seqmix.system.signals import uninterrupted


@contextmanager
def running(module: str, argument: Any) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m MODULE ARGUMENT` until the block ends; it can import what this process can.

    Args:
        module: the module, which calls `end_with_parent`.
        argument: passed on as JSON.

    Yields:
        The process.
    """
    paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)  # what is found here is found there
    child: subprocess.Popen[str] | None = None
    ends_here, held_open = os.pipe()
    try:
        with uninterrupted():
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", module, json.dumps(argument)],
                env={**os.environ, "PYTHONPATH": paths},
                stdin=ends_here,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        with child:
            try:
                yield child
            finally:
                child.kill()
    finally:
        if child is not None:
            child.kill()
            child.wait()
        os.close(ends_here)
        os.close(held_open)


def end_with_parent() -> None:
    """End this process, which `running` has started, as soon as its parent ends."""

    def watch() -> None:
        with suppress(OSError):
            while os.read(0, 1):  # not sys.stdin, which is locked while it waits
                pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def answer(code: int, said: str, complaints: str) -> dict[str, Any]:
    """Return what a process answered, or {"error": why} if it did not.

    Args:
        code: its exit status, as `Popen.returncode`.
        said: its standard output.
        complaints: its standard error.
    """
    ended = ending_signal(code)
    if ended == "SIGKILL":
        return {"error": "the process was killed, most likely because memory ran out"}
    if code or not said.strip():
        last = (complaints.strip() or "no message").splitlines()[-1]
        return {"error": f"the process ended with {ended or f'code {code}'}: {last}"}
    return json.loads(said.splitlines()[-1])


def ending_signal(code: int) -> str:
    """Return the name of the signal that ended a process, such as SIGKILL; "" if none did."""
    return signal.Signals(-code).name if code < 0 else ""
