"""How accuracy grows with the number of training records: whether more of them would help, or the method is at its limit.

    python benchmarks/learning_curve.py DATA ... [--shares 0.125,0.25,0.5] [--seeds 0,1,2] [--train mixer=none ...]
                                        [--output learning-curves]

DATA are data sets that `seqmix prepare` made. A model is trained on each share of the training records, drawn anew for each
seed, at least one of each class, and once on all of them; the validation and the test split stay as they are. By default, it
is the lexical branch alone (`--train mixer=none`), which takes seconds. What is in OUTPUT is not trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from harness import fewer_labels, machine

import seqmix
from seqmix.system.files import write_whole


def accuracy(data: seqmix.Dataset, folder: Path, options: dict[str, Any]) -> float:
    """Train, and return the accuracy on the test split."""
    run = seqmix.train(data, folder, overwrite=True, **options)
    return seqmix.evaluate(run, baselines=False, resamples=2).scores["accuracy"].value


def measure(data: seqmix.Dataset, shares: list[float], seeds: list[int], options: dict[str, Any], output: Path) -> list[Any]:
    """Return share, number of training records and accuracies of each point of the curve."""
    points = []
    for share in (*shares, 1.0):
        found = []
        for seed in seeds if share < 1 else seeds[:1]:
            folder = output / data.path.name / f"{share:g}-{seed}"
            kept = folder / "result.json"
            if not kept.is_file():
                some = fewer_labels(data, share, seed, folder / "data") if share < 1 else data
                right = accuracy(some, folder / "run", {**options, "seed": seed})
                write_whole(kept, json.dumps({"records": len(some.indices("train")), "accuracy": right}) + "\n")
            found.append(json.loads(kept.read_text()))
        points.append((share, found[0]["records"], [one["accuracy"] for one in found]))
    return points


def table(curves: dict[str, list[Any]]) -> str:
    """Return the curves as Markdown."""
    lines = ["| data | share | training records | test accuracy, each draw | mean |", "|---|---|---|---|---|"]
    for name, points in curves.items():
        for share, records, values in points:
            each = " ".join(f"{value:.3f}" for value in values)
            lines.append(f"| {name} | {share:g} | {records} | {each} | {statistics.mean(values):.3f} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure the curves, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--shares", default="0.125,0.25,0.5")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--train", action="append", default=[], metavar="NAME=VALUE", help="an argument of seqmix.train")
    parser.add_argument("--output", type=Path, default=Path("learning-curves"))
    given = parser.parse_args(arguments)
    options = dict(one.split("=", 1) for one in given.train or ["mixer=none"])
    seeds, shares = list(map(int, given.seeds.split(","))), list(map(float, given.shares.split(",")))
    curves = {}
    for path in given.data:
        data = seqmix.Dataset.open(path)
        curves[path.name] = measure(data, shares, seeds, options, given.output)
    print(table(curves))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
