"""Shared by the tests: small files, tiny trainings, plugin packages, and the papers' formulas (`naive`)."""

import json
import random
import sys
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import seqmix

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "sample_data"


def random_dna(length, rng, weights=(1, 1, 1, 1)):
    return "".join(rng.choices("ACGT", weights, k=length))


def write_fasta(path, records):
    path.write_text("".join(f">{header}\n{sequence}\n" for header, sequence in records))
    return path


def prepare_noise(folder, **counts):
    """Prepare records of 40 random letters, so many of each class, that nothing distinguishes."""
    rng = random.Random(0)
    files = [
        write_fasta(folder / f"{name}.fa", [(f"{name}{i}", random_dna(40, rng)) for i in range(count)])
        for name, count in counts.items()
    ]
    return seqmix.prepare(files, folder / "data")


def new_model(*, n_classes=2, **options):
    """A classifier, from the fields of `InputSpec` and `ModelConfig` side by side."""
    from seqmix.config import ModelConfig
    from seqmix.models.classifier import SequenceClassifier
    from seqmix.models.inputs import InputSpec

    inputs = {name: options.pop(name) for name in InputSpec.__dataclass_fields__ if name in options}
    return SequenceClassifier(ModelConfig(**options), InputSpec(**inputs), n_classes)


def train_tiny(dataset, output, *settings, **options):
    """Train a small convolution for a few epochs."""
    given = {"mixer": "conv", "epochs": 2, "lr": 0.02, "tokens_per_batch": 512} | options
    return seqmix.train(
        dataset, output, settings=["model.d_model=8", "model.lexical=none", "training.patience=0", *settings], **given
    )


@contextmanager
def installed(monkeypatch, folder, module, source, **mixers):
    """Install a package whose entry points are mixers.

    Args:
        monkeypatch: to undo it.
        folder: where the module and its metadata are written.
        module: name of the module.
        source: its Python code.
        mixers: names of the mixers, and their classes in the module.
    """
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{module}.py").write_text(source)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    points = "".join(f"{name} = {module}:{kind}\n" for name, kind in mixers.items())
    (info / "entry_points.txt").write_text(f"[seqmix.mixers]\n{points}")
    monkeypatch.syspath_prepend(str(folder))
    yield
    sys.modules.pop(module, None)


BROKEN_MIXERS = """
import os
from seqmix.mixers import Mixer

class Failing(Mixer):
    def __init__(self, d_model, max_length):
        super().__init__()

    def forward(self, x, mask, source):
        raise {error}

class Dying(Failing):
    def forward(self, x, mask, source):
        os._exit(3)
"""


def launch_here(launcher, spec):
    """Run a trial in this process instead of `TrialProcess.launch`, without the seconds that a new process takes to start."""
    from seqmix.experiments import run_trial

    return json.loads(run_trial.main(json.dumps(asdict(spec)))).get("error", "")


def as_kept_by_0_1_0(folder):
    """Rewrite the trials of a campaign without the fields that version 0.1.0 did not keep."""
    for file in (folder / "runs").glob("*/trial.json"):
        kept = json.loads(file.read_text())
        for name in ("task", "method", "length", "reached"):
            del kept["trial"][name]
        file.write_text(json.dumps({"peak_bytes": kept["peak_bytes"], "trial": kept["trial"]}))


def compare_tiny(dataset, output, monkeypatch, **options):
    """Compare two mixers, each trained for one epoch in this process."""
    from seqmix.experiments import run_trial, scheduler

    monkeypatch.setattr(run_trial, "evaluate", partial(seqmix.evaluate, resamples=2))
    monkeypatch.setattr(scheduler.TrialProcess, "launch", launch_here)
    settings = ["model.d_model=4", "training.epochs=1"]
    return seqmix.compare(dataset, output, mixers=["conv", "linear"], seeds=1, budget=0, settings=settings, **options)


def values(evaluation):
    """Return the scores of an evaluation without their intervals."""
    return {name: score.value for name, score in evaluation.scores.items()}


def strict_json(path):
    """Read a JSON file; constants that are not JSON, such as NaN, are errors."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
