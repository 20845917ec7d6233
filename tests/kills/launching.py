"""Commands as processes of their own that end, as `kill -9` ends them, right before a chosen one of their steps in a folder."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support import write_fasta

# Starts commands, one at a time, in copies of a process that has imported all they need. A step is what Python announces to
# audit hooks: opening, listing, renaming, making or removing something in the folder.
LAUNCHER = """
import contextlib, gc, io, json, os, signal, sys, traceback
import seqmix.cli, seqmix.cli.training_display, seqmix.evaluation.evaluate, seqmix.evaluation.report, seqmix.inference.predict
import jinja2, matplotlib.pyplot, matplotlib.backends.backend_agg, matplotlib.backends.backend_svg, PIL.PngImagePlugin
import seqmix.data.prepare, seqmix.training.train_to_end, torch.profiler, safetensors.torch, seqmix.mixers.conv
import torch._dynamo, sklearn.linear_model
from seqmix.system import renaming

STEPS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.scandir", "os.link", "shutil.rmtree")


def run(arguments, folder, point, number, exchange, messages, counted):
    if not exchange:
        renaming._system_call = lambda: None
    os.dup2(os.open(messages, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    count = 0

    def hook(event, values):
        nonlocal count
        if event in STEPS:
            below = any(str(folder) in os.fsdecode(v) for v in values if isinstance(v, (str, bytes, os.PathLike)))
            inside = event in ("os.remove", "os.rmdir") and values[-1] != -1  # rmtree names files by their folder's number
            if below or inside:
                count += 1
                if count == point:
                    os.kill(os.getpid(), number)

    sys.addaudithook(hook)
    code = command(arguments)
    with open(counted, "w") as file:
        file.write(str(count))
    sys.stderr.flush()
    os._exit(code)


def command(arguments):
    sys.argv = ["seqmix", *arguments]
    try:
        seqmix.cli.main()
    except SystemExit as ended:
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
        return 1


folder = sys.argv[1]
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` lets processes ignore it
for warming in (["prepare", f"{folder}/warm.fa", "-o", f"{folder}/warm", "--overwrite", "-q"], ["train", "--help"]):
    with contextlib.redirect_stdout(io.StringIO()):
        command(warming)  # what it imports, those that are started need not import
gc.freeze()
for line in sys.stdin:
    child = os.fork()
    if not child:
        run(**json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Ended:
    """How a command ended.

    Attributes:
        code: its exit status; -9 if it was killed.
        said: what it printed.
        steps: how many steps it made; 0 if it was killed.
    """

    code: int
    said: str
    steps: int


class Launcher:
    """Runs commands one after the other; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._messages, self._counted = folder / "messages", folder / "counted"
        write_fasta(
            folder / "warm.fa", [(f"r{i} label={'ab'[i % 2]}", "ACGT" * 10 + "ACGT"[i // 2 % 4] * i) for i in range(40)]
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
        )

    def __enter__(self) -> "Launcher":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(
        self, arguments: list[object], folder: Path, *, point: int = 0, number: int = signal.SIGKILL, exchange: bool = True
    ) -> Ended:
        """Run a command.

        Args:
            arguments: of `seqmix`.
            folder: the folder whose steps are counted.
            point: the step before which it gets a signal; 0 for none.
            number: the signal.
            exchange: whether two folders can be exchanged at once, as not every file system can.
        """
        self._counted.unlink(missing_ok=True)
        spec = {
            "arguments": list(map(str, arguments)),
            "folder": str(folder),
            "point": point,
            "number": int(number),
            "exchange": exchange,
            "messages": str(self._messages),
            "counted": str(self._counted),
        }
        self._process.stdin.write(json.dumps(spec) + "\n")
        code = int(self._process.stdout.readline())
        steps = int(self._counted.read_text()) if self._counted.exists() else 0
        return Ended(code, self._messages.read_text(errors="replace"), steps)
