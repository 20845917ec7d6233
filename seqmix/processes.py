"""Work in a process of its own: a module of this package is started with a JSON argument and answers with a line of JSON.

A fresh process has a peak of memory of its own, and what goes wrong in it ends one piece of work only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any


def start(module: str, argument: Any) -> subprocess.Popen[str]:
    """Starts `python -m MODULE ARGUMENT` with what can be imported here; the argument goes as JSON."""
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)  # noqa: PTH109 - what is found here is found there
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, json.dumps(argument)],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(child: subprocess.Popen[str]) -> None:
    """Whatever it does: it is over."""
    child.kill()
    child.wait()


def answer(code: int, said: str, complaints: str) -> dict[str, Any]:
    """What a process that ended has answered; {"error": why} where it did not."""
    ended = ending_signal(code)
    if ended == "SIGKILL":
        return {"error": "the process was killed, most likely because memory ran out"}
    if code or not said.strip():
        last = (complaints.strip() or "it said nothing").splitlines()[-1]
        return {"error": f"the process ended with {ended or f'code {code}'}: {last}"}
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def ending_signal(code: int) -> str:
    """The name of the signal that ended a process, such as SIGKILL; "": none did."""
    return signal.Signals(-code).name if code < 0 else ""
