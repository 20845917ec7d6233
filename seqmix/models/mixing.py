"""The mixing branch of a run, by its objective."""

from __future__ import annotations

from seqmix.config import Config
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.inputs import InputSpec
from seqmix.models.masked import MaskedModel
from seqmix.models.members import Members, MixingBranch
from seqmix.objectives.base import Objective
from seqmix.objectives.labelled import LabelObjective


def new_mixing_branch(config: Config, inputs: InputSpec, objective: Objective, unknown: int) -> MixingBranch:
    """Return the mixing branch of a run with random weights: a classifier, or the model that is pretrained.

    Args:
        config: the configuration of the run.
        inputs: the input of the model.
        objective: the objective of the run.
        unknown: token that stands for an unknown character.
    """
    if isinstance(objective, LabelObjective):
        if config.model.second:
            return Members(config.model, inputs, objective)
        return SequenceClassifier(config.model, inputs, objective.n_outputs)
    training = config.training
    return MaskedModel(config.model, inputs, share=training.mask, span=training.mask_span, unknown=unknown)
