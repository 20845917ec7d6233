"""The predictions for the records that were scored, as a table: `predictions-test.tsv`."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, param
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats
from seqmix.system.files import whole_file

_FIRST = ("id", "label", "prediction")  # columns that every such file begins with
_OWN_HEAD = re.compile(rb"id\tlabel\tprediction(?:\n|\t\"?prob_|\tnearness|\tgroup)")
_HEAD_BYTES = 64  # enough to tell


def predictions_name(split: str) -> str:
    """Return the name of the file for a split."""
    return f"predictions-{split}.tsv"


def refuse_foreign(path: Path) -> None:
    """Refuse to replace a file that no evaluation wrote.

    Raises:
        ConfigError: there is such a file.
    """
    try:
        if not path.exists():
            return
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:  # explained when it is written
        return
    if not _OWN_HEAD.match(head):
        raise ConfigError(
            f"{path}: an evaluation would replace this file, which none has written; move it away, or choose another "
            f"{param('output')}",
            option="output",
        )


def write_predictions_file(
    path: Path,
    objective: LabelObjective,
    dataset: Dataset,
    indices: NDArray[np.int64],
    predictions: Floats,
    *,
    separator: str = ",",
    nearness: Floats | None = None,
    folds: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> None:
    """Write a line for each record that was scored, in the order of the data set, with a header.

    Columns are `id`, `label` (the true one), `prediction`, `prob_<class>` for every class, and, where they are known,
    `nearness`, `fold` and `group`. Quotes, line ends and numbers are those of `predict`.

    Args:
        path: the file.
        objective: the objective of the model.
        dataset: the data set.
        indices: numbers of the records, `(n,)`.
        predictions: what the model predicts for them, as `LabelObjective.predictions` returns it.
        separator: text between several labels of a record.
        nearness: how near the nearest training record is, `(n,)`; an empty cell where it is NaN. None if unknown.
        folds: number of the fold of each record in a cross-validation, `(n,)`; None if there are none.
        groups: number of the group of each record, `(n,)`; None if unknown.
    """
    names = dataset.ids()
    header = [*_FIRST, *(f"prob_{name}" for name in objective.classes)]
    header += ["nearness"] * (nearness is not None) + ["fold"] * (folds is not None) + ["group"] * (groups is not None)
    with whole_file(path) as file:
        out = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(out, dialect="excel-tab", lineterminator="\n")
        writer.writerow(header)
        for place, number in enumerate(indices.tolist()):
            answer = objective.answer(predictions[place], separator=separator)
            label = objective.written(dataset.labels[number], separator)
            row = [names[number], label, answer.label if answer.value is None else f"{answer.value:.6g}"]
            row += [f"{value:.6g}" for value in answer.probabilities.values()]
            if nearness is not None:
                row.append("" if math.isnan(nearness[place]) else f"{nearness[place]:.6g}")
            row += [str(numbers[place]) for numbers in (folds, groups) if numbers is not None]
            writer.writerow(row)
        out.flush()
        out.detach()
