"""The file with the answer for every record by the model that has not seen it: `crossval.tsv`."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.experiments.crossval.pooled import OutOfFold
from seqmix.system.files import write_whole

PREDICTIONS = "crossval.tsv"


def write_out_of_fold(path: Path, dataset: Dataset, found: OutOfFold, groups: NDArray[np.int64]) -> None:
    """Write a line for each record: id, label, prediction, probabilities, fold and group.

    Args:
        path: the file.
        dataset: the data set.
        found: the answers.
        groups: the group of each record, `(n,)`.
    """
    objective, ids = dataset.label_objective, dataset.ids()
    separator = dataset.info["read"].get("label_separator") or ","
    out = io.StringIO()
    writer = csv.writer(out, dialect="excel-tab", lineterminator="\n")
    writer.writerow(["id", "label", "prediction", *(f"prob_{name}" for name in objective.classes), "fold", "group"])
    for number, row, fold, group in zip(found.indices, found.model, found.fold, groups, strict=True):
        label = objective.decode(dataset.labels[number])
        answer = objective.answer(row, None, separator)
        shown = separator.join(label) if isinstance(label, tuple) else f"{label:.6g}" if isinstance(label, float) else label
        predicted = answer.label if answer.value is None else f"{answer.value:.6g}"
        values = [f"{value:.6g}" for value in answer.probabilities.values()]
        writer.writerow([ids[number], shown, predicted, *values, fold, group])
    write_whole(path, out.getvalue())
