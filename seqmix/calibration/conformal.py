"""Thresholds with a guarantee, from the scores of validation records.

All guarantees are about new records that are drawn as the validation records were, independently of each other; where groups
are known, about records of new groups, as only one record of each is used. The model is taken as fixed: as its best weights,
its penalty and its calibration were chosen on the same records, the guarantees hold nearly rather than exactly.

- `set_threshold`: split conformal prediction (Vovk et al. 2005; least ambiguous sets: Sadinle et al., JASA 2019; Lei et al.,
  JASA 2018 for regressions). The set of a new record holds the true answer with at least the probability asked for, over the
  draw of the validation records and of the record.
- `error_threshold`: the share of wrong answers among those that are given, bounded by Clopper and Pearson (1934) for ten shares
  of answered records, each at a tenth of the risk (Bonferroni, as in Geifman and El-Yaniv, NeurIPS 2017, and Learn then Test,
  Angelopoulos et al. 2021). With a probability of at least 90 % over the draw of the validation records, the error rate is at
  most the one asked for. Given the confidence of the first record that is left out, those above it are a sample of the answered
  ones, so that each bound is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.metrics import Floats

RISK = 0.1  # probability that the error rate may be above the one asked for
_SHARES = 10  # of answered records that are tried


@dataclass(frozen=True, slots=True)
class Bound:
    """What is known of the answers above a threshold.

    Attributes:
        threshold: confidence above which an answer is given; -inf for all.
        answered: share of the validation records with such an answer.
        error: upper bound of the share of wrong answers among them.
    """

    threshold: float
    answered: float
    error: float


def set_threshold(conformity: Floats, coverage: float) -> float:
    """Return the least conformity that answers in a set have; -inf if the records are too few for such a coverage.

    Args:
        conformity: `LabelObjective.conformity` of the validation records, `(n,)`.
        coverage: probability that the true answer is in the set, above 0 and below 1.
    """
    n = len(conformity)
    left_out = math.floor((n + 1) * (1.0 - coverage) * (1 + 1e-12))
    return float(np.sort(conformity)[left_out - 1]) if left_out >= 1 else -math.inf


def most_coverage(records: int) -> float:
    """Return the highest coverage that sets can have with so many validation records."""
    return records / (records + 1)


def bounds(confidences: Floats, right: NDArray[np.bool_]) -> list[Bound]:
    """Return upper bounds of the share of wrong answers, which hold together with a probability of 90 %.

    Args:
        confidences: `LabelObjective.confidences` of the validation records, `(n,)`.
        right: which of the answers are right, `(n,)` bool.
    """
    from scipy.stats import beta

    n = len(confidences)
    order = np.argsort(-confidences, kind="stable")
    sorted_confidences, wrong = confidences[order], (~right[order]).cumsum()
    found = []
    for tenth in range(1, _SHARES + 1):
        threshold = -math.inf if tenth == _SHARES else float(sorted_confidences[min(n - 1, tenth * n // _SHARES)])
        answered = int(np.count_nonzero(confidences > threshold))
        if answered:
            errors = int(wrong[answered - 1])
            bound = 1.0 if errors == answered else float(beta.ppf(1.0 - RISK / _SHARES, errors + 1, answered - errors))
            found.append(Bound(threshold, answered / n, bound))
    return found


def error_threshold(confidences: Floats, right: NDArray[np.bool_], most: float) -> Bound | None:
    """Return the threshold that leaves as many answers as possible with an error rate of at most `most`; None if none does.

    Args:
        confidences: as in `bounds`.
        right: as in `bounds`.
        most: the highest error rate that is allowed.
    """
    kept = [bound for bound in bounds(confidences, right) if bound.error <= most]
    return max(kept, key=lambda bound: bound.answered, default=None)
