"""Accuracy of the defaults: what counts of words reach alone, what mixing reaches alone, both, and the strongest simple model.

    python benchmarks/accuracy.py FOLDER ... [--sets A,B] [--seeds 0,1,2] [--kinds simple,default,unmixed]
                                  [--set training.budget=10m ...] [--output accuracy-study] [--table]

A set is a folder in FOLDER, with a FASTA file or a folder of documents for each class, or a table of texts and labels, in
FOLDER or in a folder of its own. Six more sets are generated: the three variants of `seqmix generate motifs`, 8,192 and
16,384 letters long, 4,000 training records. Each set is prepared with the default split. What is measured on the test split:

- simple: the strongest simple model, chosen on validation (`simple_models.py`);
- default: `seqmix.train(data, seed=SEED)`; its lexical branch, its mixing branch and both together, and both of the latter
  with mixing switched off: each position is then given to the mixer as a sequence of its own;
- unmixed: the same training with mixing switched off from its start.

Each of these, for a set and a seed, is one file in OUTPUT/results, written when it is finished; what is there is not done
again. The table (Markdown) is made from these files and printed at the end, or at once with --table.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_table import table
from harness import machine
from simple_models import strongest
from torch import Tensor, nn

import seqmix
from seqmix.data.synthetic.generate import generate
from seqmix.mixers import Mixer, Table
from seqmix.models.batched import branch_outputs
from seqmix.models.branches import LEXICAL, MIXING, Branches
from seqmix.run import Run
from seqmix.system.files import write_whole
from seqmix.version import __version__

KINDS = ("simple", "default", "unmixed")
_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_MOTIFS = {
    f"motifs-{variant}-{length // 1024}k": {"variant": variant, "length": length}
    for length in (8192, 16384)
    for variant in ("order", "spacing", "frame")
}
_MOTIF_RECORDS = {"train": 4000, "val": 500, "test": 1000}
_DIGITS = 6  # of probabilities


def find_sets(folders: list[Path]) -> dict[str, Callable[[Path], seqmix.Dataset]]:
    """Return for each set, by name, the function that prepares it in a folder."""
    found: dict[str, Callable[[Path], seqmix.Dataset]] = {}
    for item in sorted(item for folder in folders for item in folder.iterdir()):
        name = item.name.split(".")[0]
        if item.is_dir() or item.name.endswith(_TABLES):
            found[name] = lambda output, item=item: seqmix.prepare([item], output)
    for name, options in _MOTIFS.items():
        found[name] = lambda output, options=options: generate("motifs", output, **_MOTIF_RECORDS, **options)
    return found


@contextmanager
def mixing_off() -> Iterator[None]:
    """Within the block, every mixer sees each position as a sequence of its own, so that nothing is mixed."""

    def alone(mixer: Mixer, x: Tensor | Table, mask: Tensor, source: Tensor | Table) -> Tensor:
        x, source = (one.expand() if isinstance(one, Table) else one for one in (x, source))
        rows, real = (one.reshape(-1, 1, one.shape[-1]) for one in (x, source)), mask.new_ones(mask.numel(), 1)
        x, source = rows
        return nn.Module.__call__(mixer, x, real, source).reshape(*mask.shape, -1)

    Mixer.__call__ = alone
    try:
        yield
    finally:
        del Mixer.__call__


def branch_answers(run: Run, data: seqmix.Dataset, split: str) -> dict[str, Tensor]:
    """Return the outputs of each branch for a split, `(n, n_outputs)`."""
    predictor, indices = run.predictor(), data.indices(split)
    return branch_outputs(
        predictor.model,
        predictor.objective,
        lambda i: data.truncated(int(indices[i]), predictor.data),
        data.cut_lengths(predictor.data.max_length)[indices],
        device=predictor.device,
        window=predictor.data.window,
    )


def all_answers(run: Run, data: seqmix.Dataset, *, mixed: bool) -> dict[str, dict[str, Any]]:
    """Return for each model that a run contains its validation scores and its test probabilities.

    Args:
        run: the run.
        data: the data it was trained on.
        mixed: whether it was trained with mixing; if not, only the answers without it are of interest.
    """
    model, objective = run.predictor().model, run.objective
    made: dict[str, dict[str, Any]] = {}
    outputs: dict[str, dict[str, Tensor]] = {}
    for split in ("val", "test"):
        found = branch_answers(run, data, split) if mixed else {}
        with mixing_off():
            off = branch_answers(run, data, split)
        outputs[split] = {LEXICAL: off[LEXICAL]} if LEXICAL in off else {}
        for suffix, some in (("", found), (" off", off)):
            if MIXING in some:
                outputs[split][f"mixing{suffix}"] = some[MIXING]
                both = model.combine(some) if isinstance(model, Branches) else some[MIXING]
                outputs[split][f"both{suffix}"] = both
    for name in outputs["test"]:
        scores = objective.point_scores(objective.predictions(outputs["val"][name]), data.labels[data.indices("val")])
        test = objective.predictions(outputs["test"][name])
        made[name] = {
            "validation": {key: float(value) for key, value in scores.items()},
            "test": np.round(test, _DIGITS).tolist(),
        }
    return made


def measure_simple(data: seqmix.Dataset) -> dict[str, Any]:
    """Return the result of the strongest simple model."""
    began = time.monotonic()
    best = strongest(data)
    answers = {"validation": {"accuracy": best.accuracy}, "test": np.round(best.test, _DIGITS).tolist()}
    minutes = (time.monotonic() - began) / 60
    return {"name": best.name, "tried": best.tried, "minutes": minutes, "answers": {"simple": answers}}


def measure_training(data: seqmix.Dataset, folder: Path, seed: int, settings: list[str], *, mixed: bool) -> dict[str, Any]:
    """Train, and return the result; the run is kept in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    with nullcontext() if mixed else mixing_off():
        run = seqmix.train(data, folder, seed=seed, settings=settings)
    minutes = (time.monotonic() - began) / 60
    model = run.predictor().model
    weight = model.weight if isinstance(model, Branches) else 1.0
    return {"minutes": minutes, "weight": weight, "settings": settings, "answers": all_answers(run, data, mixed=mixed)}


def measure(name: str, data: seqmix.Dataset, kind: str, seed: int, settings: list[str], output: Path) -> None:
    """Measure one thing and write its file, unless it is there."""
    file = output / "results" / (f"{name}-{kind}.json" if kind == "simple" else f"{name}-{kind}-{seed}.json")
    if file.exists():
        return
    said(f"{name}: {kind}" + ("" if kind == "simple" else f", seed {seed}"))
    if kind == "simple":
        found = measure_simple(data)
    else:
        runs = output / "runs" / f"{name}-{kind}-{seed}"
        found = measure_training(data, runs, seed, settings, mixed=kind == "default")
    test = data.indices("test")
    facts = {"set": name, "kind": kind, "seed": seed, "settings": [], "seqmix": __version__, "machine": machine()}
    facts |= {"fingerprint": data.fingerprint, "classes": data.classes, "labels": data.labels[test].tolist()}
    write_whole(file, json.dumps(facts | found) + "\n")
    right = {
        model: float(np.mean(np.argmax(answer["test"], axis=1) == data.labels[test]))
        for model, answer in found["answers"].items()
    }
    said(", ".join(f"{model} {value:.3f}" for model, value in right.items()) + f"; {found['minutes']:.1f} min")


def said(text: str) -> None:
    """Print to standard error, which leaves standard output to the table."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--sets", default="", help="names of sets, separated by commas (default: all)")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="TABLE.OPTION=VALUE")
    parser.add_argument("--output", type=Path, default=Path("accuracy-study"))
    parser.add_argument("--table", action="store_true", help="print the table of what is finished, and do nothing else")
    given = parser.parse_args(arguments)
    sets = find_sets(given.folders)
    wanted = [name for name in given.sets.split(",") if name] or list(sets)
    kinds = given.kinds.split(",")
    if unknown := [*sorted(set(wanted) - sets.keys()), *sorted(set(kinds) - set(KINDS))]:
        parser.error(f"there is no {', '.join(unknown)}; sets: {', '.join(sets)}; kinds: {', '.join(KINDS)}")
    if not given.table:
        (given.output / "results").mkdir(parents=True, exist_ok=True)
        said(machine())
        for kind in kinds:
            for name in wanted:
                folder = given.output / "data" / name
                data = seqmix.Dataset.open(folder) if folder.exists() else sets[name](folder)
                for seed in (0,) if kind == "simple" else map(int, given.seeds.split(",")):
                    measure(name, data, kind, seed, given.settings, given.output)
    print(table(given.output / "results", wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
