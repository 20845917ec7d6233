"""Predictions as TSV, CSV or JSONL."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from seqmix.errors import ConfigError, param
from seqmix.models.prediction import Prediction
from seqmix.objectives import KINDS
from seqmix.system.files import PACKINGS, is_written_to, packing_of

FORMATS = ("tsv", "csv", "jsonl")
_FORMULA_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"  # also in full width
_BLANKS = ("\t", "\r", "\n")  # that a spreadsheet drops in front of a formula
_BETWEEN = ",;|/&"  # the classes of a set
_OTHERS = ("gz", "bz2", "xz", "zst", "zip", "xlsx", "parquet")  # endings that no format here goes with


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
    with_file: bool = False,
    with_novelty: bool = False,
    with_sets: bool = False,
    set_between: str = "",
    spreadsheet: bool = False,
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
        with_file: whether to write the file of each record.
        with_novelty: whether to write a column `novelty`.
        with_sets: whether to write a column `set`, of the answers; in a regression, columns `lower` and `upper`.
        set_between: text between the answers of a set, in TSV and CSV; "" for `set_separator`.
        spreadsheet: whether to put an apostrophe in front of texts that a spreadsheet would read as formulas; see
            `no_formula`.

    Raises:
        ConfigError: an option is not allowed.
    """
    check_output(format, top, classes=classes, kind=kind, spreadsheet=spreadsheet)
    if format == "jsonl":
        for prediction in predictions:
            facts = _json_row(prediction, kind, with_probabilities, top, with_file)
            facts |= _trust(prediction, kind, with_novelty, with_sets)
            out.write(json.dumps(facts, ensure_ascii=False, allow_nan=False) + "\n")
        return
    writer = csv.writer(out, dialect="excel-tab" if format == "tsv" else "excel", lineterminator="\n")
    header = ["id", *(["file"] if with_file else []), "length", *(["pair_length"] if paired else []), KINDS[kind].answer_column]
    if top:
        header += [f"{what}_{rank}" for rank in range(1, top + 1) for what in ("label", "prob")]
    elif with_probabilities:
        header += [f"prob_{name}" for name in classes]
    separator = set_between or set_separator(classes)
    header += _trust_columns(kind, with_novelty, with_sets)
    shown = no_formula if spreadsheet else str
    writer.writerow(map(shown, header))
    for prediction in predictions:
        row = [prediction.id, *([prediction.file or ""] if with_file else []), str(prediction.length)]
        row += [str(prediction.pair_length)] if paired else []
        row.append(prediction.label if prediction.value is None else f"{prediction.value:.6g}")
        if prediction.error is not None:
            row += [""] * (len(header) - len(row))
        elif top:
            for name, value in _ranked(prediction, top):
                row += [name, f"{value:.6g}"]
        elif with_probabilities:
            row += [f"{value:.6g}" for value in prediction.probabilities.values()]
        if prediction.error is None:
            row += [_cell(value, separator) for value in _trust(prediction, kind, with_novelty, with_sets).values()]
        writer.writerow(map(shown, row))


def set_separator(classes: Sequence[str]) -> str:
    """Return the text between the classes of a set in TSV and CSV: the first of , ; | / and & that is in no name of a class.

    If each occurs in a name, it is " || ".
    """
    return next((sign for sign in _BETWEEN if not any(sign in name for name in classes)), " || ")


def _trust_columns(kind: str, with_novelty: bool, with_sets: bool) -> list[str]:
    sets = (["set"] if KINDS[kind].has_classes else ["lower", "upper"]) if with_sets else []
    return ["novelty"] * with_novelty + sets


def _trust(prediction: Prediction, kind: str, with_novelty: bool, with_sets: bool) -> dict[str, object]:
    """Return what the columns of `_trust_columns` hold for a record: numbers, a list of classes, or None."""
    values: list[object] = [_six(prediction.novelty)] if with_novelty else []
    if with_sets and KINDS[kind].has_classes:
        values.append(None if prediction.answers is None else list(prediction.answers))
    elif with_sets:
        values += map(_six, prediction.interval or (None, None))
    return dict(zip(_trust_columns(kind, with_novelty, with_sets), values, strict=True))


def _six(value: float | None) -> float | None:
    """Return a number with six digits."""
    return None if value is None else float(f"{value:.6g}")


def _cell(value: object, separator: str) -> str:
    if isinstance(value, list):
        return separator.join(value)
    return "" if value is None else f"{value:.6g}"


def no_formula(cell: str) -> str:
    """Return a cell that a spreadsheet shows as a text, with an apostrophe in front if it would read it as a formula.

    Numbers stay as they are. A text that begins with an apostrophe in front of such a sign gets one more, so that
    removing one apostrophe gives the text again.
    """
    begins = cell.lstrip("'").lstrip()[:1]
    if not begins or (begins not in _FORMULA_SIGNS and cell[:1] not in _BLANKS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def check_output(format: str, top: int, *, classes: Sequence[str], kind: str, spreadsheet: bool = False) -> None:
    """Raise a `ConfigError` if an option of `write_predictions` is not allowed."""
    if spreadsheet and format == "jsonl":
        raise ConfigError(f"{param('spreadsheet')} is for TSV and CSV: got {param('format', format)}", option="spreadsheet")
    if format not in FORMATS:
        raise ConfigError(f"{param('format')} must be one of {', '.join(FORMATS)}: got {format!r}", option="format")
    if top and not KINDS[kind].has_classes:
        raise ConfigError(f"{param('top')} is for classes; this model predicts a number: got {top}", option="top")
    if not 0 <= top <= len(classes):
        raise ConfigError(f"{param('top')} must be from 0 to {len(classes)}, the number of classes: got {top}", option="top")


def output_format(path: Path | None, given: str | None) -> str:
    """Return the format of predictions in a file: by its ending, unless the file has no say because it is not a file.

    Args:
        path: the file; None for standard output.
        given: the format that was asked for; None if none was.

    Raises:
        ConfigError: the ending says nothing, or contradicts the format that was asked for.
    """
    if path is None or is_written_to(path):
        return given or FORMATS[0]
    ending = Path(path.name.lower().removesuffix(packing_of(path))).suffix.removeprefix(".")
    if ending in FORMATS and given in (None, ending):
        return ending
    if ending in FORMATS:
        raise ConfigError(
            f"{path}: the ending says {ending}, {param('output_format')} says {given}; change one of them, or "
            f"leave out {param('output_format')}"
        )
    if given is None or ending in _OTHERS:
        endings = ", ".join(f".{name}" for name in FORMATS)
        raise ConfigError(
            f"{path}: the ending must say the format of the predictions: {endings}, each also with {', '.join(PACKINGS)}"
        )
    return given


def _ranked(prediction: Prediction, top: int) -> list[tuple[str, float]]:
    return sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:top]


def _json_row(prediction: Prediction, kind: str, with_probabilities: bool, top: int, with_file: bool) -> dict[str, object]:
    row: dict[str, object] = {"id": prediction.id}
    if with_file:
        row["file"] = prediction.file
    row["length"] = prediction.length
    if prediction.pair_length is not None:
        row["pair_length"] = prediction.pair_length
    if prediction.error is not None:
        answers = ["value"] if not KINDS[kind].has_classes else ["label", *(["top"] if top else ["prob"] * with_probabilities)]
        return row | dict.fromkeys(answers) | {"error": prediction.error}
    if prediction.value is not None:
        return row | {"value": float(f"{prediction.value:.6g}")}
    row["label"] = prediction.label
    if top:
        row["top"] = [{"label": name, "prob": float(f"{value:.6g}")} for name, value in _ranked(prediction, top)]
    elif with_probabilities:
        row["prob"] = {name: float(f"{value:.6g}") for name, value in prediction.probabilities.items()}
    return row
