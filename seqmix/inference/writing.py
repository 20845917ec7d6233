"""Predictions as TSV, CSV or JSONL."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import TextIO

from seqmix.errors import ConfigError, param
from seqmix.models.predictor import Prediction
from seqmix.objectives import KINDS

FORMATS = ("tsv", "csv", "jsonl")


def write_predictions(
    predictions: Iterable[Prediction],
    out: TextIO,
    *,
    format: str = "tsv",
    classes: Sequence[str],
    kind: str = "classification",
    paired: bool = False,
    with_probabilities: bool = True,
    top: int = 0,
) -> None:
    """Write predictions as TSV, CSV (both with a header) or JSONL.

    Args:
        predictions: the predictions, from `predict`.
        out: a text stream.
        format: one of `FORMATS`.
        classes: names of all classes, for the header.
        kind: kind of the objective, one of `KINDS`.
        paired: whether the records are pairs.
        with_probabilities: whether to write a column `prob_<class>` for every class.
        top: number K of most probable classes to write instead, as columns `label_1 prob_1 … label_K prob_K`; 0 for all
            classes.

    Raises:
        ConfigError: an option is not allowed.
    """
    if format not in FORMATS:
        raise ConfigError(f"{param('format')} must be one of {', '.join(FORMATS)}: got {format!r}", option="format")
    if top and not KINDS[kind].has_classes:
        raise ConfigError(f"{param('top')} is for classes; this model predicts a number: got {top}", option="top")
    if not 0 <= top <= len(classes):
        raise ConfigError(f"{param('top')} must be from 0 to {len(classes)}, the number of classes: got {top}", option="top")
    if format == "jsonl":
        for prediction in predictions:
            out.write(json.dumps(_json_row(prediction, with_probabilities, top), ensure_ascii=False) + "\n")
        return
    writer = csv.writer(out, dialect="excel-tab" if format == "tsv" else "excel", lineterminator="\n")
    header = ["id", "length", *(["pair_length"] if paired else []), KINDS[kind].answer_column]
    if top:
        header += [f"{what}_{rank}" for rank in range(1, top + 1) for what in ("label", "prob")]
    elif with_probabilities:
        header += [f"prob_{name}" for name in classes]
    writer.writerow(header)
    for prediction in predictions:
        row = [prediction.id, str(prediction.length), *([str(prediction.pair_length)] if paired else [])]
        row.append(prediction.label if prediction.value is None else f"{prediction.value:.6g}")
        if top:
            for name, value in _ranked(prediction, top):
                row += [name, f"{value:.6g}"]
        elif with_probabilities:
            row += [f"{value:.6g}" for value in prediction.probabilities.values()]
        writer.writerow(row)


def _ranked(prediction: Prediction, top: int) -> list[tuple[str, float]]:
    return sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:top]


def _json_row(prediction: Prediction, with_probabilities: bool, top: int) -> dict[str, object]:
    row: dict[str, object] = {"id": prediction.id, "length": prediction.length}
    if prediction.pair_length is not None:
        row["pair_length"] = prediction.pair_length
    if prediction.value is not None:
        return row | {"value": float(f"{prediction.value:.6g}")}
    row["label"] = prediction.label
    if top:
        row["top"] = [{"label": name, "prob": float(f"{value:.6g}")} for name, value in _ranked(prediction, top)]
    elif with_probabilities:
        row["prob"] = {name: float(f"{value:.6g}") for name, value in prediction.probabilities.items()}
    return row
