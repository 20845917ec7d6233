"""Accuracy of the default model for DNA, compared with k-mer logistic regression: three seeds on one split of each data set.

    python benchmarks/dna_accuracy.py FOLDER [FOLDER ...]

Each folder holds one FASTA file per class. It is prepared with the default split and trained with `seqmix.train(data, seed=0 |
1 | 2)` and no other options. The k-mer models are those of `seqmix eval`, with the regularisation chosen on the same
validation split. The last line is the smallest lead of the mean test accuracy over the better k-mer model, in percentage
points; exits with 1 if it is not positive, or if a training took more than fifteen minutes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness import machine

import seqmix

SEEDS = (0, 1, 2)
MINUTES = 15.0


def lead(folder: Path, scratch: Path) -> float:
    """Return the lead of the mean test accuracy over the better k-mer model, in percentage points; print the figures behind
    it.
    """
    data = seqmix.prepare(sorted(folder.glob("*.fa*")), scratch / folder.name)
    accuracies, aucs, minutes, best_kmers = [], [], [], ("", 0.0, 0.0)
    for seed in SEEDS:
        began = time.monotonic()
        run = seqmix.train(data, scratch / f"{folder.name}-{seed}", seed=seed)
        minutes.append((time.monotonic() - began) / 60)
        result = seqmix.evaluate(run, baselines=seed == SEEDS[0])
        accuracies.append(result.scores["accuracy"].value)
        aucs.append(result.scores["ROC AUC"].value)
        print(
            f"{folder.name} seed {seed}: accuracy {accuracies[-1]:.3f}, ROC AUC {aucs[-1]:.3f}, {minutes[-1]:.1f} min",
            flush=True,
        )
        for name, scores in result.baselines.items():
            if "-mers" in name and scores["accuracy"] > best_kmers[1]:
                best_kmers = (name, scores["accuracy"], scores["ROC AUC"])
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    print(
        f"{folder.name}: accuracy {mean:.3f} +- {spread:.3f}, ROC AUC {statistics.mean(aucs):.3f}; {best_kmers[0]} logistic "
        f"regression {best_kmers[1]:.3f}, {best_kmers[2]:.3f}; longest training {max(minutes):.1f} min",
        flush=True,
    )
    return 100 * (mean - best_kmers[1]) if max(minutes) <= MINUTES else -100.0


def main() -> int:
    folders = [Path(argument) for argument in sys.argv[1:]]
    if not folders:
        print(__doc__)
        return 2
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        leads = [lead(folder, Path(scratch)) for folder in folders]
    held = min(leads) > 0
    print(f"lead {min(leads):.1f} points, the smallest{'' if held else ': falls short'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
