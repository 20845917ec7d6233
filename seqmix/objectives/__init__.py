"""What a model learns: one module for each kind (classification, multilabel, regression), and the table of them.

`KINDS` maps the name that `dataset.json` stores as "task" to the class of that kind. In the `dataset.json` of a run, it may
also be "pretraining".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqmix.errors import ConfigError, param
from seqmix.objectives.base import Objective
from seqmix.objectives.classification import Classification
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.multilabel import MultiLabel
from seqmix.objectives.pretraining import Pretraining
from seqmix.objectives.regression import Regression

KINDS: Mapping[str, type[LabelObjective]] = {kind.kind: kind for kind in (Classification, MultiLabel, Regression)}


def kind_of(task: str | None, separator: str | None) -> type[LabelObjective]:
    """Return the kind of objective that records are prepared for.

    Args:
        task: name in `KINDS`; if None, multilabel with a separator and classification without.
        separator: text between the labels of a record; None if a record has one label.

    Raises:
        ConfigError: the kind and the separator do not go together.
    """
    kind = KINDS[task] if task else MultiLabel if separator else Classification
    if kind.many_labels != bool(separator):
        raise ConfigError(
            f"{param('task', 'multilabel')} and {param('label_separator')} go together: give the text between the labels of "
            f"a record, for example {param('label_separator', ',')}"
        )
    return kind


def objective_of(info: Mapping[str, Any]) -> Objective:
    """Return the objective that a `dataset.json` describes; those of version 0.1.0 and earlier may lack "task"."""
    return Pretraining.from_info(info) if info.get("task") == Pretraining.kind else label_objective_of(info)


def label_objective_of(info: Mapping[str, Any]) -> LabelObjective:
    """Return the objective that a `dataset.json` describes, of data whose labels are learned."""
    return KINDS[info.get("task", Classification.kind)].from_info(info)
