"""One training of a comparison, in a process of its own: a mixer with a seed is trained, then scored on the test split.

`python -m seqmix.experiments.trial SPEC` trains what SPEC (JSON, the fields of `TrialSpec`) says in an ordinary run
folder, goes on where an earlier process was stopped, and keeps what it finds in the folder's `trial.json`. Standard
output says in JSON
whether that went well. A fresh process has a peak of memory of its own, and what goes wrong in it ends one trial only.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from seqmix.config import Config
from seqmix.data.dataset import Dataset
from seqmix.errors import Interrupted, SeqmixError
from seqmix.evaluation.evaluate import evaluate
from seqmix.models.classifier import count_parameters
from seqmix.run import Run
from seqmix.system import processes
from seqmix.system.devices import choose_device, thread_count
from seqmix.system.environment import environment
from seqmix.system.files import without_nan, write_whole
from seqmix.system.memory import forget_peak, is_out_of_memory, used_memory
from seqmix.training.events import Event, Finished, MemoryShort
from seqmix.training.train import new_run, train

FILE = "trial.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """What to train.

    Attributes:
        folder: the run folder; data: the data set's.
        config: the full configuration, as `Config.to_tables` gives it.
        threads: of torch.
    """

    folder: str
    data: str
    config: dict[str, dict[str, Any]]
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one training gave; without figures where there is an `error`.

    Attributes:
        mixer, seed: what was trained; folder: its run, relative to the comparison's.
        error: why it failed, in words; "": it did not.
        scores: on the test split, by name; one that is not defined is None.
        parameters: of the model.
        seconds: of training, validation included; epochs: begun in them; steps: made.
        tokens_per_second: in training, validation included.
        peak_bytes: greatest memory at one time in training, beyond that of the program itself. On a CPU this is resident
            memory, on CUDA what tensors take. None: this platform does not tell.
        pieces: parts in which batches were computed: more than 1 where memory ran out.
        reason: why training was over.
        settings: the run's configuration; environment: versions, platform, threads.
        history: the run's `metrics.jsonl`.
    """

    mixer: str
    seed: int
    folder: str
    error: str = ""
    scores: dict[str, float | None] = field(default_factory=dict)
    parameters: int = 0
    seconds: float = 0.0
    epochs: int = 0
    steps: int = 0
    tokens_per_second: float = 0.0
    peak_bytes: int | None = None
    pieces: int = 1
    reason: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)


def finished_trial(folder: Path) -> Trial | None:
    """The trial that was finished in a run folder; None: there is none yet."""
    found = _kept(folder).get("trial")
    return Trial(**found) if found else None


def failed_before(folder: Path) -> bool:
    """Whether the last attempt in a run folder ended with an error, so that the next begins anew."""
    return bool(_kept(folder).get("error"))


def _kept(folder: Path) -> dict[str, Any]:
    """What earlier processes left in `trial.json`; nothing where it is missing or damaged."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(folder: Path, **content: Any) -> None:
    text = json.dumps(without_nan(content), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / FILE, text + "\n")


def run_trial(spec: TrialSpec) -> Trial:
    """Trains and scores, or goes on with it, in this process: call it in a fresh one, or its memory is another's.

    Raises:
        SeqmixError: see its message; Interrupted: the state was saved, the next call goes on from there.
    """
    folder, config = Path(spec.folder), Config.from_tables(spec.config)
    dataset, device = Dataset.open(spec.data), choose_device(config.training.device)
    if failed_before(folder) or not (folder / "config.toml").is_file():
        new_run(dataset, config, folder, overwrite=folder.exists())
    peak, events = _kept(folder).get("peak_bytes"), list[Event]()
    with thread_count(spec.threads):
        _warm_up(device)
        program = used_memory(device)[0]
        forget_peak(device)
        try:
            # Steps are far too many to be kept.
            run = train(
                dataset,
                folder,
                resume=True,
                on_event=lambda e: events.append(e) if type(e) in (Finished, MemoryShort) else None,
            )
        finally:
            most = used_memory(device)[1]
            if most is not None and program is not None:
                peak = max(peak or 0, most - program)
            _keep(folder, peak_bytes=peak)
        precision = config.training.precision
        result = evaluate(run, data=[spec.data], baselines=False, device=str(device), precision=precision)
        scores = {name: score.value for name, score in result.scores.items()}
        trial = _summary(run, scores, peak, events)
    _keep(folder, peak_bytes=peak, trial=asdict(trial))
    return trial


def _warm_up(device: torch.device) -> None:
    """A step of a tiny model, so that libraries and threads that torch starts late are no part of what is measured."""
    model = torch.nn.Linear(8, 2).to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    target = torch.zeros(4, dtype=torch.long, device=device)
    F.cross_entropy(model(torch.ones(4, 8, device=device)), target).backward()
    optimizer.step()


def _summary(run: Run, scores: dict[str, float], peak: int | None, events: Sequence[Event]) -> Trial:
    history, saved = run.history(), run.load_state()
    state = saved[1]["state"] if saved else {}
    logged = sum(line["seconds"] for line in history)
    tokens = sum(line["seconds"] * line["tokens_per_second"] for line in history)
    reasons = [event.reason.removeprefix("it was finished before: ") for event in events if isinstance(event, Finished)]
    return Trial(
        mixer=run.config.model.mixer,
        seed=run.config.training.seed,
        folder=f"{run.path.parent.name}/{run.path.name}",
        scores=without_nan(scores),
        parameters=count_parameters(run.build_model()),
        seconds=state.get("elapsed") or logged,  # counted only where there is a budget
        epochs=history[-1]["epoch"] if history else 0,
        steps=state.get("step", 0),
        tokens_per_second=tokens / max(logged, 1e-9),
        peak_bytes=peak,
        pieces=state.get("pieces", 1),
        reason=reasons[-1] if reasons else "",
        settings=run.config.to_tables(),
        environment=environment(),
        history=history,
    )


def main(argument: str) -> str:
    """Runs the trial that the JSON `argument` describes; the JSON answer: nothing in it, or "error"."""
    spec = TrialSpec(**json.loads(argument))
    try:
        run_trial(spec)
        return "{}"
    except (Interrupted, KeyboardInterrupt):
        return json.dumps({"error": "it was interrupted"})
    except SeqmixError as error:
        said = str(error)
    except Exception as error:
        last = (str(error).strip() or "no message").splitlines()[0]
        said = "there is not enough memory" if is_out_of_memory(error) else f"{type(error).__name__}: {last}"
    if (Path(spec.folder) / "config.toml").is_file():
        with suppress(SeqmixError):  # the disk may be full, which is what went wrong
            _keep(Path(spec.folder), error=said)
    return json.dumps({"error": said})


class TrialProcess:
    """Runs trials in new processes, from several threads if need be; none outlives its call."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def launch(self, spec: TrialSpec) -> str:
        """Runs a trial; why it failed, or nothing."""
        if self._stopped:
            return "it was not begun"
        with processes.running("seqmix.experiments.trial", asdict(spec)) as child:
            with self._lock:
                self._running.add(child)
                if self._stopped:
                    child.terminate()
            said, complaints = child.communicate()
            self._running.discard(child)
        return processes.answer(child.returncode, said, complaints).get("error", "")

    def stop(self) -> None:
        """Lets what runs save its state after the step that it is in, and begins nothing more."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.terminate()

    def kill(self) -> None:
        """Ends what runs at once."""
        for child in list(self._running):
            child.kill()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(OSError):  # where memory runs out, this process is to end, not the comparison or another program
        Path("/proc/self/oom_score_adj").write_text("1000")
    sys.stdout.write("\n" + main(sys.argv[1]) + "\n")
