"""What a training answers for the records that it is scored on, kept in its run folder.

Methods are compared record by record, which the scores alone do not allow.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, param
from seqmix.evaluation.best_simple import simple_of_run
from seqmix.objectives.metrics import Floats
from seqmix.reporting.text import counted
from seqmix.run import Run
from seqmix.system.files import write_whole

MODEL = "test-predictions.npy"  # what the model predicts for the records that it is scored on, `(n, C)` or `(n, 1)`
SIMPLE = "simple-predictions.npy"  # the same of the best simple method


def keep_answers(
    run: Run, dataset: Dataset, split: str, *, simple: bool, device: str
) -> tuple[dict[str, float], dict[str, Any]]:
    """Predict a split, keep the answers in the run folder, and return the scores of the model and of the best simple method.

    Args:
        run: the trained run.
        dataset: the data set, in the splits that the run was trained on.
        split: the split to predict.
        simple: whether to fit simple methods to the same records, choose the best on validation, and let it predict as well.
        device: as in `TrainingConfig`.

    Raises:
        SeqmixError: a record cannot be predicted.
    """
    from seqmix.models.unanswered import no_answer, unanswered

    indices, objective = dataset.indices(split), run.label_objective
    labels, precision = dataset.labels[indices], run.config.training.precision
    predictor = run.predictor(device)
    longest = int(dataset.cut_lengths(predictor.data.max_length)[indices].max())
    if not predictor.accepts(longest):
        raise ConfigError(
            f"a record to predict has {counted(longest, dataset.vocabulary.noun)}, and the model takes at most "
            f"{predictor.max_length:,}: no training record is as long; cut records with {param('max_length')}"
        )
    predictions = predictor.of_dataset(dataset, indices, precision=precision)
    if len(failed := unanswered(predictions)):
        number = int(indices[failed[0]])
        name = f"record '{dataset.ids()[number]}'"
        raise no_answer(name, dataset.truncated(number, predictor.data), predictor.vocabulary, precision)
    facts = dict[str, Any]()
    methods = simple_of_run(run, dataset, dataset, indices) if simple else None
    if methods and (found := methods.best) and not methods.is_model:
        facts = {"name": found.name, "title": found.title, "scores": objective.point_scores(found.predictions, labels)}
        write_predictions(run.path / SIMPLE, found.predictions)
    write_predictions(run.path / MODEL, predictions)
    return objective.point_scores(predictions, labels), facts


def write_predictions(file: Path, predictions: Floats) -> None:
    """Write predictions to a file."""
    content = io.BytesIO()
    np.save(content, predictions, allow_pickle=False)
    write_whole(file, content.getvalue())


def read_predictions(file: Path, records: int) -> Floats | None:
    """Return the predictions in a file; None if they were not stored, or are not for so many records."""
    try:
        found = np.load(file, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return found if found.ndim == 2 and len(found) == records else None
