"""Padding, the speed of collation, and how long a training loop waits for data.

    python benchmarks/input_pipeline.py [DATASET]

Without a data set, one is generated from random sequences with the lengths of transcripts (median 1.4 kb, up to 20 kb).
Padding must be at most 5 % of the tokens, collation from the memory map at least 500 MB/s (one byte per character), and the
default model's training loop must spend less than 2 % of its time on it. The last line is the ratio of the collation's speed
to 500 MB/s; exits with 1 if any target is missed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from harness import finish, machine

import seqmix
from seqmix.config import Config
from seqmix.data.batching import collate, plan_batches
from seqmix.data.dataset import Dataset
from seqmix.models.classifier import build_model
from seqmix.training import trainer as fitting

MB_PER_SECOND, PADDING, WAITING = 500.0, 0.05, 0.02


def make_dataset(folder: Path) -> Dataset:
    """Prepare random transcripts of two classes."""
    generator = np.random.default_rng(0)
    for name in ("one", "two"):
        with (folder / f"{name}.fa").open("w") as file:
            for i in range(900):
                length = int(np.clip(generator.lognormal(7.25, 0.75), 800, 20_000))
                file.write(f">{name}{i}\n{''.join(generator.choice(list('ACGT'), length))}\n")
    return seqmix.prepare([folder / "one.fa", folder / "two.fa"], folder / "data")


def collation_speed(dataset: Dataset, tokens_per_batch: int) -> float:
    """Return the millions of characters collated per second over an epoch, the median of nine."""
    train = dataset.indices("train")
    plan = plan_batches(dataset.lengths[train], tokens_per_batch=tokens_per_batch, order=(0, 0))
    speeds = []
    for _ in range(9):
        began = time.perf_counter()
        for batch in plan:
            collate([dataset.tokens(int(train[i])) for i in batch])
        speeds.append(dataset.lengths[train].sum() / (time.perf_counter() - began) / 1e6)
    return statistics.median(speeds)


def waiting(dataset: Dataset, steps: int = 60) -> float:
    """Return the share of its time that the training loop spends on making batches."""
    config = Config.from_tables({"model": {"max_length": 2000}})
    torch.manual_seed(0)
    model = build_model(config.model, vocab_size=len(dataset.vocabulary), n_classes=len(dataset.classes))
    trainer = fitting.Trainer(model, dataset, config, torch.device("cpu"))
    spent = 0.0
    genuine = fitting.collate

    def timed(sequences: list[np.ndarray], **options: bool) -> object:
        nonlocal spent
        began = time.perf_counter()
        batch = genuine(sequences, **options)
        spent += time.perf_counter() - began
        return batch

    events = fitting.fit(trainer)
    next(events)  # warm-up
    fitting.collate = timed
    try:
        began = time.perf_counter()
        for _, _ in zip(range(steps), events, strict=False):
            pass
        return spent / (time.perf_counter() - began)
    finally:
        fitting.collate = genuine


def main() -> int:
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as scratch:
        dataset = Dataset.open(sys.argv[1]) if len(sys.argv) > 1 else make_dataset(Path(scratch))
        lengths = dataset.lengths[dataset.indices("train")]
        print(machine())
        shares = []
        for budget in (8192, 32768, 65536):
            plans = [plan_batches(lengths, tokens_per_batch=budget, order=(0, epoch)) for epoch in range(5)]
            padded = sum(int(lengths[batch].max()) * len(batch) for plan in plans for batch in plan)
            shares.append(1 - 5 * lengths.sum() / padded)
            print(f"padding with {budget:,} tokens a batch: {100 * shares[-1]:.1f} % (at most {100 * PADDING:g} %)")
        share = waiting(dataset)
        print(f"waiting for data in the default training loop: {100 * share:.2f} % (below {100 * WAITING:g} %)")
        speeds = {budget: collation_speed(dataset, budget) for budget in (8192, 65536)}
        for budget, speed in speeds.items():
            print(f"collation of batches of {budget:,} tokens: {speed:.0f} MB/s (at least {MB_PER_SECOND:g})")
    slowest = min(speeds.values())
    return finish(slowest / MB_PER_SECOND, 1.0, max(shares) <= PADDING, share < WAITING)


if __name__ == "__main__":
    sys.exit(main())
