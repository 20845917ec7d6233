"""Measure time and memory of one mixer at one length, in a process of its own.

`python -m seqmix.bench.measure SPEC` runs the measurement that SPEC (JSON, the fields of `MeasureSpec`) describes and writes
a `CostPoint`, or an object with "error", to standard output as JSON. A fresh process has its own memory peak, and a failure
(out of memory, killed) ends one measurement only.

The model is the classifier that `seqmix train` builds, with the mixer's own defaults, on random nucleotide sequences of one
length; convolution, norms, feed-forward and head are therefore part of the measurement.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from seqmix.config import Config, ModelConfig
from seqmix.data.batching import collate
from seqmix.data.vocabulary import make_vocabulary
from seqmix.errors import SeqmixError
from seqmix.mixers import mixer_class
from seqmix.models.batched import evaluating
from seqmix.models.classifier import SequenceClassifier, count_parameters
from seqmix.models.inputs import InputSpec
from seqmix.system.devices import autocast, choose_device
from seqmix.system.memory import forget_peak, is_out_of_memory, used_memory
from seqmix.system.processes import end_with_parent

LONG = 10.0  # seconds; longer runs are timed once
_WARM_LENGTH = 64
_N_CLASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSpec:
    """The measurement to make.

    Attributes:
        mixer: name of the mixer.
        length: length of all sequences in tokens.
        batch_size: sequences in a batch.
        d_model: width of the model; None for the mixer's default.
        device: device, as in `TrainingConfig`.
        precision: precision, as in `TrainingConfig`.
        threads: threads of torch.
        repeats: timed runs; their median is reported.
        longest: seconds after which a single run is killed, with its process; 0 for no limit.
    """

    mixer: str
    length: int
    batch_size: int = 1
    d_model: int | None = None
    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1
    repeats: int = 3
    longest: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of a forward pass (`eval()`, no gradients) or of a training step (forward, backward, AdamW).

    Attributes:
        seconds: median of `runs`.
        runs: seconds of each timed run.
        tokens_per_second: tokens per second at the median.
        peak_bytes: peak memory beyond that of the program itself: resident memory on a CPU, memory of tensors on CUDA.
            None if the platform does not report it.
        constant_bytes: the part of the peak that does not depend on the length: weights and, in training, gradients and
            moments.
    """

    seconds: float
    runs: list[float]
    tokens_per_second: float
    peak_bytes: int | None
    constant_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """The measurements at one length.

    Attributes:
        length: length of the sequences.
        tokens: batch size times length.
        parameters: parameters of the model.
        forward: cost of a forward pass.
        training: cost of a training step.
    """

    length: int
    tokens: int
    parameters: int
    forward: Cost
    training: Cost

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> CostPoint:
        """Return the point from the dictionary that `asdict` made of it."""
        measures = {name: Cost(**saved[name]) for name in ("forward", "training")}
        return cls(**{**saved, **measures})


def model_config(mixer: str, length: int, d_model: int | None = None) -> ModelConfig:
    """Return the model to measure: the mixer's default settings, for sequences of this length.

    Raises:
        ConfigError: there is no such mixer, or the width is not allowed.
    """
    given = {"mixer": mixer, "max_length": length} | ({} if d_model is None else {"d_model": d_model})
    return Config.from_tables({"model": {**mixer_class(mixer).model_defaults, **given}}).model


class _Work:
    """A new model, its optimiser and a batch, drawn from a fixed seed."""

    def __init__(self, spec: MeasureSpec, device: torch.device) -> None:
        torch.manual_seed(0)
        vocabulary = make_vocabulary("dna")
        config = model_config(spec.mixer, spec.length, spec.d_model)
        model = SequenceClassifier(config, InputSpec.of(vocabulary, paired=False), _N_CLASSES)
        self.model = model.to(device)
        self.device, self.precision = device, spec.precision
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)
        self.scaler = torch.amp.GradScaler(device.type, enabled=spec.precision == "fp16")
        letters = vocabulary.encode("ACGT", Counter(), "random letters")
        drawn = np.random.default_rng(0).choice(letters, (spec.batch_size, spec.length))
        self.batch = collate(list(drawn), cls=config.pooling == "cls").to(device)
        self.target = torch.arange(spec.batch_size, device=device) % _N_CLASSES

    def forward(self) -> None:
        with autocast(self.device, self.precision):
            self.model(self.batch.ids, self.batch.mask)

    def step(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.precision):
            logits = self.model(self.batch.ids, self.batch.mask)
        self.scaler.scale(F.cross_entropy(logits.float(), self.target)).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()


def measure(spec: MeasureSpec) -> CostPoint:
    """Measure in this process, which must be a fresh one: memory that other code has used would count too.

    Raises:
        ConfigError: the model cannot be built or the device is not available.
    """
    device = choose_device(spec.device)
    torch.set_num_threads(spec.threads)
    # A throw-away model first, so that libraries and threads that torch starts late are not part of the measurement.
    warm = _Work(replace(spec, length=min(spec.length, _WARM_LENGTH), batch_size=1), device)
    warm.step()
    with evaluating(warm.model):
        warm.forward()
    del warm
    program = used_memory(device)[0]
    work = _Work(spec, device)
    tokens = spec.batch_size * spec.length
    parameters = count_parameters(work.model)
    weights = 4 * parameters

    def measured(run: Callable[[], None], constant: int) -> Cost:
        forget_peak(device)
        runs = _times(run, device, spec)
        peak = used_memory(device)[1]
        used = None if peak is None or program is None else max(0, peak - program)
        seconds = median(runs)
        return Cost(seconds=seconds, runs=runs, tokens_per_second=tokens / seconds, peak_bytes=used, constant_bytes=constant)

    with evaluating(work.model):
        forward = measured(work.forward, weights)
    work.model.train()
    training = measured(work.step, 4 * weights)
    return CostPoint(length=spec.length, tokens=tokens, parameters=parameters, forward=forward, training=training)


def _times(run: Callable[[], None], device: torch.device, spec: MeasureSpec) -> list[float]:
    """Return the seconds of the timed runs after a warm-up; on a CPU, a long warm-up is itself the only timed run."""
    first = _seconds(run, device, spec.longest)
    if first > LONG and device.type == "cpu":
        return [first]
    return [_seconds(run, device, spec.longest) for _ in range(1 if first > LONG else spec.repeats)]


def _seconds(run: Callable[[], None], device: torch.device, longest: float) -> float:
    wait = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device.type, lambda: None)
    # No handler: a Python handler would run only after the operation that takes so long.
    alarm = longest > 0 and hasattr(signal, "setitimer")
    if alarm:
        signal.setitimer(signal.ITIMER_REAL, longest)
    try:
        wait()
        began = time.perf_counter()
        run()
        wait()
        return time.perf_counter() - began
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)


def main(argument: str) -> str:
    """Run the measurement that the JSON `argument` describes; return the JSON answer."""
    try:
        return json.dumps(asdict(measure(MeasureSpec(**json.loads(argument)))))
    except SeqmixError as error:
        return json.dumps({"error": str(error)})
    except Exception as error:
        said = (str(error).strip() or "no message").splitlines()[0]
        return json.dumps(
            {"error": "there is not enough memory" if is_out_of_memory(error) else f"{type(error).__name__}: {said}"}
        )


if __name__ == "__main__":
    end_with_parent()
    sys.stdout.write("\n" + main(sys.argv[1]) + "\n")
