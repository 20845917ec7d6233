"""What tests share: small files to work on, tiny trainings, and the paper's formulas (`naive`)."""

import json
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


def train_tiny(dataset, output, *settings, **options):
    """A small convolution, trained for a few epochs."""
    given = {"mixer": "conv", "epochs": 2, "lr": 0.02, "tokens_per_batch": 512} | options
    return seqmix.train(
        dataset, output, settings=["model.d_model=8", "model.words=0", "training.patience=0", *settings], **given
    )


def launch_here(launcher, spec):
    """In the place of `TrialProcess.launch`: a trial in this process, without the seconds that a new one needs to begin."""
    from seqmix.experiments import trial

    return json.loads(trial.main(json.dumps(asdict(spec)))).get("error", "")


def as_kept_by_0_1_0(folder):
    """Rewrite the trials of a campaign without the fields that version 0.1.0 did not keep."""
    for file in (folder / "runs").glob("*/trial.json"):
        kept = json.loads(file.read_text())
        for name in ("task", "method", "length", "reached"):
            del kept["trial"][name]
        file.write_text(json.dumps({"peak_bytes": kept["peak_bytes"], "trial": kept["trial"]}))


def compare_tiny(dataset, output, monkeypatch):
    """Two mixers, trained for an epoch each, in this process."""
    from seqmix.experiments import scheduler, trial

    monkeypatch.setattr(trial, "evaluate", partial(seqmix.evaluate, resamples=2))
    monkeypatch.setattr(scheduler.TrialProcess, "launch", launch_here)
    settings = ["model.d_model=4", "model.words=0", "training.epochs=1"]
    return seqmix.compare(dataset, output, mixers=["conv", "linear"], seeds=1, budget=0, settings=settings)


def values(evaluation):
    """The scores of an evaluation, without their intervals."""
    return {name: score.value for name, score in evaluation.scores.items()}


def strict_json(path):
    """What a JSON file holds; what JSON does not know, such as NaN, is an error."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
