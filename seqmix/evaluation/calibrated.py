"""How far the probabilities of a run can be trusted, with and without its calibration."""

from __future__ import annotations

from typing import Any

from seqmix.calibration.chance import chance_error
from seqmix.objectives.base import Labels
from seqmix.objectives.metrics import Floats
from seqmix.run import Run


def calibration_figures(run: Run, labels: Labels, predictions: Floats, raw: Floats, *, wanted: bool) -> dict[str, Any]:
    """Return what an `Evaluation` says of the calibration; nothing for a kind without probabilities.

    Args:
        run: the run.
        labels: labels of the records.
        predictions: predictions for them, `(n, C)`.
        raw: predictions without calibration.
        wanted: whether the predictions are calibrated, if the run has a calibration.
    """
    objective = run.label_objective
    if not objective.has_classes:
        return {}
    return {
        "calibration": run.calibrated_by if wanted else "",
        "calibration_error_raw": objective.calibration_error(raw, labels),
        "calibration_error_chance": chance_error(objective, predictions),
        "log_loss_raw": float(objective.record_losses(raw, labels).mean()),
    }
