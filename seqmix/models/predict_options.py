"""The options of prediction, for `seqmix.predict`, `Run.predict` and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqmix.config import TrainingConfig
from seqmix.config.options import check, declared, documented, option, sort_options
from seqmix.config.training import MACHINE
from seqmix.errors import ConfigError, param
from seqmix.system.ranges import MOST_POSITIONS, MOST_RECORDS, MOST_THREADS

ON_ERROR = ("stop", "skip", "mark")
TRUST = "Trust"  # panel of `--help`


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class PredictOptions:
    """The options of prediction. `threshold`, `baseline` and those of trust change answers; `on_error` what has one."""

    batch_size: int = option(
        0,
        "Records in a batch; 0 for as many as the token limit (65,536) allows.",
        at_least=0,
        at_most=MOST_RECORDS,
        flag=True,
        panel=MACHINE,
    )
    tokens_per_batch: int = option(
        65536, "Largest number of tokens in a batch, padding included.", at_least=1, at_most=MOST_POSITIONS
    )
    threshold: float | None = option(
        None,
        "For multilabel models: least probability at which a label is assigned.",
        at_least=0,
        at_most=1,
        flag=True,
        shown="0.5",
    )
    calibration: bool = option(
        True,
        "Whether probabilities are calibrated, if the run has a calibration.",
        flag="--calibration/--no-calibration",
        panel=TRUST,
    )
    min_confidence: float | None = option(
        None,
        "Least probability of a class that is given as label; the label of other records is left empty.",
        at_least=0,
        at_most=1,
        flag=True,
        panel=TRUST,
        shown="any",
    )
    max_error: float | None = option(
        None,
        "Leave labels empty so that at most this share of the others is wrong, such as 0.05: the least probability is chosen "
        "on the validation records so that this holds with a probability of 90 %, for records like these.",
        above=0,
        below=1,
        flag=True,
        panel=TRUST,
        shown="any",
    )
    sets: float | None = option(
        None,
        "Also give a set of classes or labels, or an interval of numbers, that holds the true one with this probability, such "
        "as 0.95 (conformal prediction), for records like the validation records.",
        above=0,
        below=1,
        flag=True,
        panel=TRUST,
        shown="none",
    )
    on_error: str = option(
        "stop",
        "What to do with a record that cannot be predicted, such as an empty one or one with letters that the model does not "
        "know: stop, skip it, or mark it with an empty label and empty probabilities.",
        choices=ON_ERROR,
        flag=True,
        metavar="ACTION",
    )
    baseline: bool = option(
        False,
        "Predict with the best simple method instead of the model: what an evaluation of the run has stored, or the lexical "
        "branch alone.",
        flag=True,
    )
    device: str = declared(TrainingConfig, "device")
    precision: str = declared(TrainingConfig, "precision")
    threads: int | None = option(
        None,
        "Threads on the CPU.",
        at_least=1,
        at_most=MOST_THREADS,
        flag=True,
        panel=MACHINE,
        shown="OMP_NUM_THREADS, or one for each core",
    )

    def __post_init__(self) -> None:
        check(self, spelled=param)
        if self.min_confidence is not None and self.max_error is not None:
            raise ConfigError(
                f"{param('min_confidence')} and {param('max_error')} both say which labels are left empty: give one of them",
                option="min_confidence",
            )
        wanted = next((name for name in ("max_error", "sets") if getattr(self, name) is not None), None)
        if wanted and not self.calibration:
            raise ConfigError(
                f"{param(wanted)} is for calibrated probabilities: leave out {param('calibration', False)}", option=wanted
            )


def predict_options(given: Mapping[str, Any]) -> PredictOptions:
    """Return options that are given by name.

    Raises:
        ConfigError: an option is unknown or has a value that is not allowed.
    """
    (known,) = sort_options(given, PredictOptions)
    return PredictOptions(**known)
