"""The verdict of an evaluation: whether the model is better than the simple methods beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seqmix.evaluation.baselines import method_of
from seqmix.objectives.base import Objective
from seqmix.objectives.metrics import Score
from seqmix.reporting.text import score_text


def verdict(
    objective: Objective,
    scores: Mapping[str, Score],
    branches: Mapping[str, Mapping[str, Any]],
    baselines: Mapping[str, Mapping[str, Any]],
    *,
    is_simple: bool = False,
) -> str | None:
    """Return a sentence that compares the model with the best simple method; None if there is none to compare with.

    The lexical branch alone is a simple method, too. They are compared by the first score of the kind, such as the accuracy.

    Args:
        objective: the objective of the model.
        scores: scores of the model.
        branches: as in `Evaluation`.
        baselines: as in `Evaluation`.
        is_simple: whether the model is a simple method itself: a lexical one alone.
    """
    name = objective.columns[0]
    simple = {method_of(method, objective.kind).title: values[name] for method, values in baselines.items()}
    if lexical := branches.get("lexical"):
        simple[f"{lexical['name']} alone"] = lexical["scores"][name]
    simple = {title: value for title, value in simple.items() if value is not None and math.isfinite(value)}
    own = scores[name]
    if not simple or not math.isfinite(own.value):
        return None
    best = max(simple, key=lambda title: simple[title])
    beside = f"{score_text(name, own.value)}, {best}: {score_text(name, simple[best])}"
    every, some, equal = "every", "a", "no better than"
    if is_simple:
        every, some, equal = "every other", "another", "as good as"
    if own.value > simple[best]:
        if own.low > simple[best]:
            return f"the model is better than {every} simple method ({name} {beside})"
        return (
            f"the model is ahead of {every} simple method ({name} {beside}), but that is within its 95 % interval: with "
            "more test records, the lead may vanish"
        )
    if own.value == simple[best]:
        return f"the model is {equal} {some} simple method ({name} {beside})"
    return f"the model is behind {some} simple method ({name} {beside})"
