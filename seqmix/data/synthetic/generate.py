"""`generate()`: from a synthetic task to a dataset folder, sample by sample, so that memory does not grow with its size.

Each split has its own random generator (see `base.split_generators`). A training record that equals one of a later split, as
happens with short sequences, is dropped and counted, as in any data set.

A task that tells where in a sample the label is decided has these places in `positions.tsv`: a line for each, with the id of
the record, name, start (counted from 0), end (the position behind the last) and strand.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from seqmix.data.dataset import Dataset
from seqmix.data.options import PrepareOptions
from seqmix.data.prepare import prepare_records
from seqmix.data.record_streams import MadeRecords
from seqmix.data.records import Record
from seqmix.data.synthetic.base import Sample, Task, split_generators
from seqmix.data.synthetic.tasks import find_task
from seqmix.data.writer import Progress
from seqmix.reporting.progress import amount_shown
from seqmix.system.arguments import typed
from seqmix.system.ranges import check_numbers

_POSITIONS = "positions.tsv"
_COLUMNS = ("id", "name", "start", "end", "strand")


def generated_records(
    task: Task[Any], options: Any, counts: Mapping[str, int], seed: int, positions: IO[str] | None = None
) -> Iterator[Record]:
    """Yield the samples of a task as records, split after split.

    Args:
        task: the task.
        options: of the task.
        counts: number of samples of each split.
        seed: seed of the generators.
        positions: where to write the places that samples tell.
    """
    for split, rng in split_generators(seed).items():
        for number, sample in enumerate(task.samples(counts[split], rng, options), 1):
            # Bytes are intensities, each one a token, rather than text in which white space is ignored.
            text = np.frombuffer(sample.text, np.uint8) if isinstance(sample.text, bytes) else sample.text
            name = f"{split}-{number}"
            if positions:
                positions.writelines(f"{name}\t{p.name}\t{p.start}\t{p.end}\t{p.strand}\n" for p in sample.places)
            yield Record(name, text, sample.label, None, split, task.name, 0)


@typed()
def generate(
    task: str,
    output: str | Path = "seqmix-data",
    *,
    train: int = 100_000,
    val: int = 1000,
    test: int = 1000,
    seed: int = 0,
    overwrite: bool = False,
    progress: bool | Progress = False,
    **options: Any,
) -> Dataset:
    """Generate a synthetic task as a data set.

    Args:
        task: "adding", "temporal-order", "listops", "pathfinder" or "motifs".
        output: folder to write.
        train: number of training samples.
        val: number of validation samples; the samples of a split do not depend on the size of the others.
        test: number of test samples.
        seed: seed of everything that is drawn.
        overwrite: whether to replace `output` if it is a data set.
        progress: True to draw a progress bar; or a function, called now and then with the number of records and
            positions so far.
        **options: options of the task: `length`; for listops also `min_length`, `max_depth` and `max_args`; for pathfinder
            also `difficulty`; for motifs also `variant`, `distance`, `spread`, `copies`, `motif_length`, `degenerate`,
            `motif_seed` and `decoys`.

    Returns:
        The data set, opened.

    Raises:
        ConfigError: there is no such task or option, or a value is not allowed.
        DatasetError: `output` exists.
    """
    chosen = find_task(task)
    counts = {"train": train, "val": val, "test": test}
    check_numbers(**counts, seed=seed)
    task_options = chosen.options(options)
    facts = {"task": task, **asdict(task_options), **chosen.facts(task_options), **counts, "seed": seed}
    with amount_shown(progress, "generating", "positions") as report, TemporaryFile("w+", encoding="utf-8") as positions:
        return prepare_records(
            MadeRecords(generated_records(chosen, task_options, counts, seed, positions)),
            output,
            # With val = 0, no validation records are taken out of training.
            PrepareOptions(alphabet=chosen.alphabet, task=chosen.kind, tolerance=chosen.tolerance, seed=seed, split="1,0,0"),
            overwrite=overwrite,
            facts={"generated": facts},
            beside=lambda folder: _write_positions(positions, folder),
            progress=report,
        )


def _write_positions(positions: IO[str], folder: Path) -> None:
    """Write the file of places, if there are any."""
    if not positions.tell():
        return
    positions.seek(0)
    with (folder / _POSITIONS).open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(_COLUMNS) + "\n")
        shutil.copyfileobj(positions, file)


def first_samples(task: str, count: int, *, seed: int = 0, **options: Any) -> list[Sample]:
    """Return the first training samples that `generate` makes with these options."""
    chosen = find_task(task)
    return list(chosen.samples(count, split_generators(seed)["train"], chosen.options(options)))
