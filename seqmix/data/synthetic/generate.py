"""`generate()`: a synthetic task to a dataset folder, sample by sample: memory does not grow with its size.

The splits are drawn from generators of their own (see `tasks`). A training record that equals one of a later split, as
happens with short sequences, is left out and counted, as in any data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seqmix.data.dataset import Dataset
from seqmix.data.prepare import PrepareOptions, Progress, prepare_records
from seqmix.data.records import ReadOptions, Record, RecordReader
from seqmix.data.synthetic import Sample, Task, find_task, split_generators
from seqmix.errors import ConfigError


class GeneratedRecords(RecordReader):
    """The samples of a task as records, those of each split one after the other.

    Args:
        counts: samples of each split.
    """

    def __init__(self, task: Task[Any], options: Any, counts: Mapping[str, int], seed: int) -> None:
        super().__init__([], ReadOptions())
        self.task, self.task_options, self.counts, self.seed = task, options, counts, seed
        self.is_sequence = False

    def __iter__(self) -> Iterator[Record]:
        for split, rng in split_generators(self.seed).items():
            samples = self.task.samples(self.counts[split], rng, self.task_options)
            for number, sample in enumerate(samples, 1):
                # Bytes are intensities, each a token, and no text in which white space means nothing.
                text = np.frombuffer(sample.text, np.uint8) if isinstance(sample.text, bytes) else sample.text
                yield Record(f"{split}-{number}", text, sample.label, None, split, self.task.name, 0)


def generate(
    task: str,
    output: str | Path = "seqmix-data",
    *,
    train: int = 100_000,
    val: int = 1000,
    test: int = 1000,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """Generates a synthetic task as a data set.

    Args:
        task: adding, temporal-order, listops or pathfinder.
        output: the folder to write.
        train, val, test: samples of each split; the others do not depend on how many one has.
        seed: of all that is drawn.
        overwrite: replace `output` if it is a data set.
        progress: called now and then with the number of records and positions so far.
        options: of the task: length; of listops also min_length, max_depth, max_args; of pathfinder difficulty.

    Returns:
        The data set, open.

    Raises:
        ConfigError: there is no such task or option, or its value is not allowed; DatasetError: `output` exists.
    """
    found = find_task(task)
    counts = {"train": train, "val": val, "test": test}
    for split, count in counts.items():
        if count < (split == "train"):
            raise ConfigError(f"--{split} must be {'at least 1' if split == 'train' else '0 or more'}: got {count}")
    settled = found.options(options)
    return prepare_records(
        GeneratedRecords(found, settled, counts, seed),
        output,
        # No validation records are taken out of training where none are asked for.
        PrepareOptions(alphabet=found.alphabet, task=found.kind, tolerance=found.tolerance, seed=seed, split="1,0,0"),
        overwrite=overwrite,
        facts={"generated": {"task": task, **asdict(settled), **counts, "seed": seed}},
        progress=progress,
    )


def first_samples(task: str, count: int, *, seed: int = 0, **options: Any) -> list[Sample]:
    """The first training samples that `generate` makes with these options."""
    found = find_task(task)
    return list(found.samples(count, split_generators(seed)["train"], found.options(options)))
