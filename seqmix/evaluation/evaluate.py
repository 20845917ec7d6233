"""Evaluation of a run on a split of its data set, or on new labelled files: each record once, from probabilities."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.label_source import file_stem
from seqmix.data.prepare import prepare_for
from seqmix.data.vocabulary import Tokens
from seqmix.errors import ConfigError, DatasetError, RunError
from seqmix.evaluation.baselines import baseline_scores
from seqmix.evaluation.result import Evaluation
from seqmix.inference.predict import reading_options
from seqmix.objectives.metrics import (
    calibration_bins,
    confusion_matrix,
    expected_calibration_error,
    per_class,
    roc_points,
)
from seqmix.objectives.multilabel import per_label
from seqmix.run import Run
from seqmix.system.files import write_whole

_CURVE_POINTS = 400  # of an ROC curve that are kept
_PICTURES, _LEAST_SIDE = 8, 8  # images that are kept, and the least side of what is taken for one
_POINTS = 2000  # of a regression that are kept


def evaluate(
    run: Run | str | Path | None = None,
    *,
    split: str = "test",
    data: Sequence[str | Path] = (),
    output: str | Path | None = None,
    label_from: str | None = None,
    baselines: bool = True,
    device: str = "auto",
    precision: str = "fp32",
    threads: int | None = None,
    resamples: int = 1000,
    on_start: Callable[[int], object] | None = None,
    on_batch: Callable[[int], object] | None = None,
) -> Evaluation:
    """Evaluates a run and writes `evaluation.json` and `report.html`.

    Args:
        run: a run or its folder; None: the newest under runs/.
        split: "train", "val" or "test" of the data set it was trained on.
        data: instead, new labelled files; or the data set's folder, where it has moved.
        output: folder for the two files; None: the run's, or with new files `eval-<name of the first>` in it.
        label_from: where the labels of new files are; None: as in the training data.
        baselines: also fit and score the simple methods (needs the training data).
        device, precision: as in `TrainingConfig`; threads: of the CPU, as in `train`.
        resamples: bootstrap samples for the intervals.
        on_start: called with the number of records; on_batch: with those done after each batch.

    Raises:
        RunError: the run cannot be used; DatasetError: its data set is gone, damaged or changed since;
        InputError: a new file cannot be read or has labels that the model does not know.
    """
    from seqmix.evaluation.report import write_report
    from seqmix.system.devices import thread_count

    run = run if isinstance(run, Run) else Run.open(run) if run else Run.newest()
    notes: list[str] = []
    files = [Path(item) if str(item) != "-" else item for item in data]
    folder = evaluation_folder(run, data, output)
    moved = next((f for f in files if isinstance(f, Path) and (f / "dataset.json").is_file()), None)
    with tempfile.TemporaryDirectory(prefix="seqmix-") as scratch:
        if files and moved is None:
            options = run.config.data
            read = reading_options(run, label_from=label_from or _label_source(run))
            new = Path(scratch) / "data"
            tested = prepare_for(
                run.info, files, new, max_length=options.max_length or None, truncate=options.truncate, read=read
            )
            chosen, source = np.arange(len(tested)), ", ".join(str(file) for file in files)
            trained = _trained_on(run, None, notes) if baselines else None
            if trained is not None and (known := _known(run, trained, tested)):
                notes.append(f"{known:,} of {len(tested):,} records were trained on: these figures say little of new data")
        else:
            tested = trained = training_data(run, moved)
            chosen, source = tested.indices(split), f"{split} split"
            if split == "train":
                notes.append("the training split was evaluated: these figures say nothing of new data")
        if not len(chosen):
            raise DatasetError(f"{tested.path}: the {split} split is empty; choose another with --split")
        if on_start:
            on_start(len(chosen))
        with thread_count(threads):
            found = _answers(run, tested, chosen, device, precision, on_batch)
        simple = {}
        if baselines and trained is not None:
            simple = baseline_scores(trained, trained.indices("train"), tested, chosen, _fetch(run))
        result = _score(run, found, tested.labels[chosen], source, simple, notes, resamples)
        result.pictures.extend(_pictures(tested, chosen, found, run))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror}") from error
    write_whole(folder / "evaluation.json", result.to_json())
    write_report(result, run, folder / "report.html")
    return result


def evaluation_folder(run: Run, data: Sequence[str | Path], output: str | Path | None) -> Path:
    """Where `evaluate` writes: beside the run for its own data, so that new files do not take their place."""
    if output:
        return Path(output)
    if not data or any(str(item) != "-" and (Path(item) / "dataset.json").is_file() for item in data):
        return run.path
    return run.path / f"eval-{'stdin' if str(data[0]) == '-' else file_stem(Path(data[0]))}"


def _known(run: Run, trained: Dataset, tested: Dataset) -> int:
    """How many records of `tested` are, as the model sees them, equal to a training record."""

    def key(dataset: Dataset, index: int) -> int:
        return hash(tuple(part.tobytes() for part in dataset.truncated(index, run.config.data)))

    seen = {key(trained, int(index)) for index in trained.indices("train")}
    return sum(key(tested, index) in seen for index in range(len(tested)))


def _label_source(run: Run) -> str | None:
    """The label source of the training data, where it says something of new files (a table's does not)."""
    used = run.info.get("label_from")
    return used if used and not used.startswith("table:") else None


def _fetch(run: Run) -> Callable[[Dataset, int], list[Tokens]]:
    return lambda dataset, index: dataset.truncated(index, run.config.data)


def training_data(run: Run, moved: Path | None) -> Dataset:
    """The data set that the run was trained on, at its old place or where it has moved to."""
    path = moved or Path(run.config.data.path)
    if not path.exists():
        raise DatasetError(f"{path}: the data set of this run is gone; name its new folder, or new labelled files, with --data")
    dataset = Dataset.open(path)
    if dataset.fingerprint != run.dataset_fingerprint:
        raise DatasetError(
            f"{path}: the data set has changed since {run.path} was trained on it, its splits may have too; prepare it as "
            "it was, or evaluate on labelled files with --data"
        )
    return dataset


def _trained_on(run: Run, moved: Path | None, notes: list[str]) -> Dataset | None:
    try:
        return training_data(run, moved)
    except DatasetError as error:
        notes.append(f"no baselines: {error}")
        return None


def _answers(
    run: Run,
    dataset: Dataset,
    chosen: NDArray[np.int64],
    device: str,
    precision: str,
    on_batch: Callable[[int], object] | None,
) -> NDArray[np.float64]:
    from seqmix.models.batched import predict_batches
    from seqmix.system.devices import choose_device

    where = choose_device(device)
    model = run.load_model().to(where)
    fetch = _fetch(run)
    lengths = dataset.cut_lengths(run.config.data.max_length)[chosen]
    if model.length_limit is not None and lengths.max() > run.config.model.max_length:
        raise ConfigError(
            f"{dataset.path}: a sequence has {lengths.max():,} {dataset.vocabulary.noun}s, the model takes at most "
            f"{run.config.model.max_length:,}"
        )
    return predict_batches(
        model,
        run.objective,
        lambda i: fetch(dataset, int(chosen[i])),
        lengths,
        device=where,
        precision=precision,
        on_batch=on_batch,
    )


def _score(
    run: Run,
    found: NDArray[np.float64],
    labels: NDArray[Any],
    source: str,
    simple: dict[str, dict[str, Any]],
    notes: list[str],
    resamples: int,
) -> Evaluation:
    objective = run.objective
    kinds: dict[str, Any] = {"classification": _of_classes, "multilabel": _of_labels, "regression": _of_numbers}
    empty: dict[str, Any] = {"calibration_error": np.nan, "reliability": {}, "per_class": [], "confusion": [], "roc": {}}
    return Evaluation(
        run=str(run.path),
        source=source,
        task=objective.kind,
        records=len(labels),
        classes=run.classes,
        scores=objective.scores(found, labels, resamples),
        columns=list(objective.columns[:3]) + (["average precision"] if run.classes else ["RMSE"]),
        baselines=simple,
        history=run.history(),
        notes=[*notes, *_absent(run.classes, labels)],
        **(empty | {"points": {}, "pictures": []} | kinds[objective.kind](found, labels, run.classes)),
    )


def _pictures(tested: Dataset, chosen: NDArray[np.int64], found: NDArray[np.float64], run: Run) -> list[dict[str, Any]]:
    """The first records as images, if all are squares of intensities."""
    lengths = tested.lengths[chosen]
    side = math.isqrt(int(lengths[0]))
    square = tested.n_sequences == 1 and side >= _LEAST_SIDE and (np.diff(tested.offsets) == side * side).all()
    if run.objective.kind != "classification" or tested.vocabulary.alphabet != "bytes" or not square:
        return []
    return [
        {
            "side": side,
            "intensities": (tested.tokens(int(index)).astype(np.int64) - tested.vocabulary.first).tolist(),
            "true": run.classes[tested.labels[index]],
            "predicted": run.classes[int(row.argmax())],
        }
        for index, row in zip(chosen[:_PICTURES], found[:_PICTURES], strict=True)
    ]


def _absent(classes: list[str], labels: NDArray[Any]) -> list[str]:
    has = [labels[:, c].any() if labels.ndim == 2 else (labels == c).any() for c in range(len(classes))]
    missing = [name for name, there in zip(classes, has, strict=True) if not there]
    return [f"no record of {', '.join(missing)}: scores are over the classes that occur"] if missing else []


def _of_classes(found: NDArray[np.float64], labels: NDArray[np.int64], classes: list[str]) -> dict[str, Any]:
    confusion = confusion_matrix(labels, found.argmax(1), len(classes))
    shown = [c for c in range(len(classes)) if len(classes) != 2 or c == 1]
    return {
        "calibration_error": expected_calibration_error(found, labels),
        "reliability": calibration_bins(found, labels),
        "per_class": per_class(confusion, classes),
        "confusion": confusion.tolist(),
        "roc": {classes[c]: _curve(found[:, c], labels == c) for c in shown},
    }


def _of_labels(found: NDArray[np.float64], labels: NDArray[np.uint8], classes: list[str]) -> dict[str, Any]:
    return {
        "per_class": per_label(found, labels, classes),
        "roc": {name: _curve(found[:, c], labels[:, c] > 0) for c, name in enumerate(classes)},
    }


def _of_numbers(found: NDArray[np.float64], labels: NDArray[np.float64], _: list[str]) -> dict[str, Any]:
    chosen = np.random.default_rng(0).permutation(len(labels))[:_POINTS]
    return {"points": {"true": labels[chosen].tolist(), "predicted": found[chosen, 0].tolist()}}


def _curve(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> dict[str, list[float]]:
    false, true = roc_points(score, positive)
    keep = np.unique(np.linspace(0, len(false) - 1, _CURVE_POINTS).astype(int))
    return {"false_positive_rate": false[keep].tolist(), "true_positive_rate": true[keep].tolist()}
