"""One training of a campaign, in a process of its own: train a mixer with a seed, then score it on the test split.

`python -m seqmix.experiments.run_trial SPEC` runs the training that SPEC (JSON, the fields of `TrialSpec`) describes in an
ordinary run folder, resumes where an earlier process was stopped, and stores the outcome in the folder's `trial.json`. It
writes to standard output, as JSON, whether it succeeded. A fresh process has its own memory peak, and a failure ends one
trial only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqmix.config import Config
from seqmix.data.agreement import load_array
from seqmix.data.dataset import Dataset
from seqmix.errors import Interrupted, SeqmixError
from seqmix.evaluation.evaluate import evaluate
from seqmix.experiments.answers import MODEL, keep_answers, write_predictions
from seqmix.run import Run
from seqmix.system.devices import choose_device, thread_count
from seqmix.system.environment import environment
from seqmix.system.files import without_nan, write_whole
from seqmix.system.memory import forget_peak, is_out_of_memory, used_memory
from seqmix.system.processes import end_with_parent
from seqmix.system.signals import handle_ending
from seqmix.training.events import Event, Finished, Started
from seqmix.training.new_run import new_run
from seqmix.training.train import train

if TYPE_CHECKING:
    import torch

FILE = "trial.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialKey:
    """The key of a training, unique within its campaign.

    Attributes:
        mixer: name of the mixer.
        seed: seed of the training.
        task: name of the task; "" in a campaign on a single data set.
        method: name of the method; if not given, that of the mixer.
        length: length of the sequences in tokens; 0 in a campaign that does not vary it.
    """

    mixer: str
    seed: int
    task: str = ""
    method: str = ""
    length: int = 0

    def __post_init__(self) -> None:
        if not self.method:
            object.__setattr__(self, "method", self.mixer)

    @property
    def title(self) -> str:
        """The training in words: "text, skyformer, seed 0"."""
        length = f"{self.length:,}" if self.length else ""
        return ", ".join(part for part in (self.task, length, self.method, f"seed {self.seed}") if part)

    @property
    def key(self) -> dict[str, Any]:
        """The fields of the key alone."""
        return {name: getattr(self, name) for name in ("mixer", "seed", "task", "method", "length")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Other splits of a data set to train on, and what is predicted.

    Attributes:
        file: a `.npy` with the splits, see `Dataset.with_split`.
        origin: where they come from, in words.
        scored: the split that is predicted, "test" or "val".
        simple: whether the best simple method is fitted and predicts it as well.
    """

    file: str
    origin: str
    scored: str = "test"
    simple: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec(TrialKey):
    """The training to run.

    Attributes:
        folder: the run folder.
        data: folder of the data set.
        config: the full configuration, as `Config.to_tables` returns it.
        threads: threads of torch.
        part: the splits, if they are not those of the data set.
    """

    folder: str
    data: str
    config: dict[str, dict[str, Any]]
    threads: int = 1
    part: Part | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(TrialKey):
    """The outcome of one training; with an `error`, the other fields have their defaults.

    Attributes:
        folder: the run folder, relative to the campaign's.
        error: why the training failed, in words; "" if it did not.
        scores: scores on the test split, or on the split of a `Part` that is predicted, by name; None for a score that is not
            defined.
        simple: of a `Part`, name, title and scores of the best simple method; empty if none was fitted.
        parameters: number of parameters of the model.
        seconds: training time, including the choice of tokens per batch, validation and saving.
        epochs: epochs begun in that time.
        steps: optimiser steps.
        tokens_per_second: training tokens per second, with the time of validation included.
        peak_bytes: peak memory of training, beyond that of the program itself: resident memory on a CPU, memory of
            tensors on CUDA. None if the platform does not report it.
        pieces: parts that batches were computed in: more than 1 if memory ran out.
        reason: why training ended, in words.
        reached: whether training ended because `training.goal` was reached on the validation split.
        settings: the run's configuration.
        environment: versions, platform, threads.
        history: the run's `metrics.jsonl`.
    """

    folder: str
    error: str = ""
    scores: dict[str, float | None] = field(default_factory=dict)
    simple: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    seconds: float = 0.0
    epochs: int = 0
    steps: int = 0
    tokens_per_second: float = 0.0
    peak_bytes: int | None = None
    pieces: int = 1
    reason: str = ""
    reached: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)


def finished_trial(folder: Path) -> Trial | None:
    """Return the finished trial of a run folder; None if it is not finished.

    Version 0.1.0 did not write `task`, `method`, `length` and `reached`; they get their defaults.
    """
    found = _kept(folder).get("trial")
    return Trial(**found) if found else None


def failed_before(folder: Path) -> bool:
    """Return whether the last attempt in a run folder ended with an error, so that the next one starts from scratch."""
    return bool(_kept(folder).get("error"))


def _kept(folder: Path) -> dict[str, Any]:
    """Return what earlier processes stored in `trial.json`; empty if it is missing or damaged."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(folder: Path, **content: Any) -> None:
    text = json.dumps(without_nan(content), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / FILE, text + "\n")


def run_trial(spec: TrialSpec) -> Trial:
    """Train and score in this process, from the start or from where an earlier call was stopped.

    Call it in a fresh process, so that the measured memory is that of this training alone.

    Raises:
        SeqmixError: the training failed.
        Interrupted: training was interrupted and its state saved; the next call resumes from there.
    """
    folder, config = Path(spec.folder), Config.from_tables(spec.config)
    dataset, device = Dataset.open(spec.data), choose_device(config.training.device)
    if spec.part:
        dataset = dataset.with_split(load_array(Path(spec.part.file)), spec.part.origin)
    if failed_before(folder) or not (folder / "config.toml").is_file():
        new_run(dataset, config, folder, overwrite=folder.exists())
    with thread_count(spec.threads):
        run, events, costs = _train(dataset, folder, device)
        precision, simple = config.training.precision, dict[str, Any]()
        if spec.part:
            scores, simple = keep_answers(run, dataset, spec.part.scored, simple=spec.part.simple, device=str(device))
        else:
            result = evaluate(run, data=[spec.data], baselines=False, device=str(device), precision=precision)
            scores = {name: score.value for name, score in result.scores.items()}
            write_predictions(folder / MODEL, np.asarray(result.predictions))
        trial = replace(_summary(spec, run, scores, costs, events), simple=without_nan(simple))
    _keep(folder, **costs, trial=asdict(trial))
    return trial


def _train(dataset: Dataset, folder: Path, device: torch.device) -> tuple[Run, list[Event], dict[str, Any]]:
    """Train; return the run, its first and last event, and peak memory and seconds, including those of earlier processes."""
    before, events = _kept(folder), list[Event]()
    _warm_up(device)
    program = used_memory(device)[0]
    forget_peak(device)
    began = time.monotonic()
    costs = {name: before.get(name) for name in ("peak_bytes", "seconds")}
    try:
        # Step events are far too many to keep.
        run = train(
            dataset,
            folder,
            resume=True,
            on_event=lambda event: events.append(event) if isinstance(event, Started | Finished) else None,
        )
    finally:
        most = used_memory(device)[1]
        if most is not None and program is not None:
            costs["peak_bytes"] = max(costs["peak_bytes"] or 0, most - program)
        if any(isinstance(event, Started) for event in events):
            costs["seconds"] = (costs["seconds"] or 0.0) + time.monotonic() - began
        _keep(folder, **costs)
    return run, events, costs


def _warm_up(device: torch.device) -> None:
    """Train a tiny model for one step, so that libraries and threads that torch starts late are not measured."""
    import torch
    import torch.nn.functional as F

    model = torch.nn.Linear(8, 2).to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    target = torch.zeros(4, dtype=torch.long, device=device)
    F.cross_entropy(model(torch.ones(4, 8, device=device)), target).backward()
    optimizer.step()


def _summary(spec: TrialSpec, run: Run, scores: dict[str, float], costs: dict[str, Any], events: Sequence[Event]) -> Trial:
    history, saved = run.history(), run.load_state()
    state = saved[1]["state"] if saved else {}
    logged = sum(line["seconds"] for line in history)
    tokens = sum(line["seconds"] * line.get("tokens_per_second", 0.0) for line in history)
    return Trial(
        **spec.key,
        folder=f"{run.path.parent.name}/{run.path.name}",
        scores=without_nan(scores),
        parameters=run.n_parameters,
        # A process that was killed did not store its time; the saved state has it if there is a budget, otherwise the log.
        seconds=max(costs["seconds"] or 0.0, state.get("elapsed", 0.0), logged),
        epochs=history[-1]["epoch"] if history else 0,
        steps=state.get("step", 0),
        tokens_per_second=tokens / max(logged, 1e-9),
        peak_bytes=costs["peak_bytes"],
        pieces=state.get("pieces", 1),
        reason=next((event.reason for event in events if isinstance(event, Finished)), ""),
        reached=state.get("reached", False),
        settings=run.config.to_tables(),
        environment=environment(),
        history=history,
    )


def main(argument: str) -> str:
    """Run the trial that the JSON `argument` describes; return the JSON answer: empty, or with an "error"."""
    given = json.loads(argument)
    spec = TrialSpec(**given | {"part": Part(**given["part"]) if given["part"] else None})
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


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    end_with_parent()
    handle_ending(_interrupt)
    with suppress(OSError):  # if memory runs out, the system should kill this process, not the campaign or another program
        Path("/proc/self/oom_score_adj").write_text("1000")
    sys.stdout.write("\n" + main(sys.argv[1]) + "\n")
