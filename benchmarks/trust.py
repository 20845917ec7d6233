"""How far answers can be trusted, on the test split of trained runs and in simulations.

For each run: the calibration error (15 bins) and the log loss without and with its calibration, and the error that chance alone
makes for as many records; how often sets hold the true class; the share of wrong answers among those that `max_error` leaves;
and the novelty of the test records. `speed` measures what the novelty costs, `novelty` gives that of strange records of a data
set, and `simulate` draws validation records again and again, and counts how often the promises are kept.

    python benchmarks/trust.py runs/001-mingru runs/002-mingru
    python benchmarks/trust.py speed runs/001-mingru lncrna.fa.gz mrna.fa.gz
    python benchmarks/trust.py novelty data/fly_lncrna_mrna data/chimp_gene_family
    python benchmarks/trust.py simulate
"""

from __future__ import annotations

import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import seqmix
from seqmix.calibration.chance import chance_error
from seqmix.calibration.conformal import bounds, error_threshold, set_threshold
from seqmix.calibration.novelty import Novelty
from seqmix.evaluation.training_data import training_data
from seqmix.inference.writing import write_predictions

COVERAGES, ERRORS = (0.8, 0.9, 0.95), (0.05, 0.1)


def judge(run: seqmix.Run) -> None:
    """Print the figures of a run of classes."""
    data, seen, objective = training_data(run, None), run.seen, run.label_objective
    test = data.indices("test")
    labels = data.labels[test]
    calibrated, raw = run.predictor("cpu").both_of_dataset(data, test)
    print(f"{run.path.name}: {run.calibration.title or 'not calibrated'}; {len(test):,} test records")
    for name, predictions in (("raw", raw), ("calibrated", calibrated)):
        print(
            f"  {name:11} calibration error {objective.calibration_error(predictions, labels):.3f} (by chance "
            f"{chance_error(objective, predictions):.3f}), log loss {objective.record_losses(predictions, labels).mean():.3f}, "
            f"accuracy {objective.right(predictions, labels).mean():.3f}"
        )
    for coverage in COVERAGES:
        least = set_threshold(seen.conformity, coverage)
        sizes = [len(objective.answers_with(row, least)[0]) for row in calibrated]
        held = [
            objective.classes[c] in objective.answers_with(row, least)[0] for row, c in zip(calibrated, labels, strict=True)
        ]
        print(f"  sets of {coverage:.0%}: {np.mean(held):.3f} hold the true class; mean size {np.mean(sizes):.2f}")
    for most in ERRORS:
        found = error_threshold(seen.confidences, seen.right, most)
        if found is None:
            print(f"  max error {most:.0%}: cannot be promised")
            continue
        given = objective.confidences(calibrated) > found.threshold
        wrong = ~objective.right(calibrated, labels)[given]
        print(f"  max error {most:.0%}: {given.mean():.1%} answered, {wrong.mean():.3f} of these wrong")
    novelty = np.sort(seen.novelty([data.truncated(int(i), run.config.data) for i in test])[0])
    distance = np.abs(novelty - (np.arange(len(novelty)) + 0.5) / len(novelty)).max()
    print(f"  novelty: {np.mean(novelty > 0.95):.3f} above .95; farthest from uniform by {distance:.3f}", flush=True)


def strange(folder: str, others: list[str]) -> None:
    """Print the novelty of test records of a data set, of what was made of them, and of the test records of other data sets."""
    data = seqmix.Dataset.open(folder)
    train, val, test = ([[data.tokens(int(i))] for i in data.indices(name)] for name in ("train", "val", "test"))
    novelty, rng, first = Novelty.of(data.vocabulary, train, val), np.random.default_rng(0), data.vocabulary.first
    made = {"test": test, "ten letters": [[t[:10]] for (t,) in test], "shuffled": [[rng.permutation(t)] for (t,) in test]}
    if letters := data.vocabulary.letters:
        made["random letters"] = [[(rng.integers(0, letters, len(t)) + first).astype(t.dtype)] for (t,) in test]
    for other in map(seqmix.Dataset.open, others):
        made[str(other.path)] = [[other.tokens(int(i))] for i in other.indices("test")]
    print(folder)
    for name, records in made.items():
        found = novelty(records)[0]
        low, many = np.quantile(found, 0.05), (found > 0.95).mean()
        print(f"  {name}: mean {found.mean():.2f}, 5 % are below {low:.2f}, {many:.2f} above .95")


def speed(run: seqmix.Run, files: list[Path]) -> None:
    """Print how much of the time of `predict`, from files to written lines, the novelty takes."""
    predictor = run.predictor("cpu")

    def seconds(known: bool) -> float:
        run._predictor = (run._predictor[0], predictor if known else replace(predictor, seen=None))
        began = time.process_time()
        write_predictions(seqmix.predict(files, run), io.StringIO(), classes=run.classes, with_novelty=known)
        return time.process_time() - began

    seconds(True)
    without, with_it = (min(seconds(known) for _ in range(5)) for known in (False, True))
    print(f"{run.path.name}: {without:.3f} s without novelty, {with_it:.3f} s with it: {1 - without / with_it:.1%}")


def simulate(draws: int = 2000) -> None:
    """Print how often the promises are kept for validation records that are drawn again and again."""
    rng = np.random.default_rng(0)
    grid = 0.5 + 0.5 * np.linspace(0, 1, 20_001) ** 0.7

    def accuracy(confidences: np.ndarray) -> np.ndarray:
        return 1.0 - 0.45 * np.exp(-6.0 * (confidences - 0.5))

    wrong = 1.0 - accuracy(grid)
    for n in (100, 300, 1000):
        broken, answered, all_hold = 0, [], 0
        for _ in range(draws):
            confidences = 0.5 + 0.5 * rng.random(n) ** 0.7
            right = rng.random(n) < accuracy(confidences)
            found = error_threshold(confidences, right, 0.1)
            broken += found is not None and wrong[grid > found.threshold].mean() > 0.1
            answered.append(found.answered if found else 0.0)
            all_hold += all(wrong[grid > bound.threshold].mean() <= bound.error for bound in bounds(confidences, right))
        held = []
        for _ in range(draws):
            p = rng.dirichlet(np.full(5, 0.6), n + 1)
            true = (p.cumsum(1) < rng.random((n + 1, 1))).sum(1)
            scores = p[np.arange(n + 1), true]
            held.append(scores[n] >= set_threshold(scores[:n], 0.9))
        print(
            f"{n:,} validation records, {draws:,} draws: the error rate of 10 % is exceeded in {broken / draws:.1%} of them "
            f"({np.mean(answered):.0%} answered), all ten bounds hold in {all_hold / draws:.1%}; sets of 90 % hold the true "
            f"class in {np.mean(held):.1%}",
            flush=True,
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["simulate"]:
            simulate()
        case ["speed", folder, *files] if files:
            speed(seqmix.Run.open(folder), list(map(Path, files)))
        case ["novelty", folder, *others]:
            strange(folder, others)
        case [] | ["speed" | "novelty", *_]:
            sys.exit(__doc__)
        case folders:
            for folder in folders:
                judge(seqmix.Run.open(folder))
