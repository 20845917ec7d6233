"""A mixing branch of two members: classifiers that read a sequence in different ways, such as codons and 6-mers.

Each member has a loss of its own, as if it were trained alone, so that neither rests on the other. Their answers are combined
with a weight that validation chooses, as those of the lexical and the mixing branch are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn

from seqmix.config import ModelConfig
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.inputs import InputSpec
from seqmix.objectives.labelled import LabelObjective


class Members(nn.Module):
    """Two classifiers that are trained side by side; both must begin sequences with CLS, or neither.

    Args:
        config: the configuration; the second member has the options of `config.second` instead.
        inputs: the input of both.
        objective: combines their outputs.
    """

    weight: Tensor

    def __init__(self, config: ModelConfig, inputs: InputSpec, objective: LabelObjective) -> None:
        super().__init__()
        self.first = SequenceClassifier(replace(config, second={}), inputs, objective.n_outputs)
        self.second = SequenceClassifier(config.of_second(), inputs, objective.n_outputs)
        self.objective = objective
        self.register_buffer("weight", torch.tensor(0.5))  # of the second member

    @property
    def members(self) -> tuple[SequenceClassifier, SequenceClassifier]:
        """Both members."""
        return self.first, self.second

    @property
    def paired(self) -> bool:
        """Whether a record is two sequences."""
        return self.first.paired

    @property
    def pooling(self) -> str:
        """The pooling of the first member; with "cls", sequences begin with a CLS token."""
        return self.first.pooling

    @property
    def length_limit(self) -> int | None:
        """The most tokens that a sequence may have; None for no limit."""
        limits = [member.length_limit for member in self.members if member.length_limit is not None]
        return min(limits, default=None)

    def mixer_label(self) -> str:
        """Return the part of a run's name that describes the mixer's options."""
        return self.first.mixer_label()

    def after_step(self, step: int) -> None:
        """Tell the mixers that optimiser step number `step`, counted from 1, has been taken."""
        for member in self.members:
            member.after_step(step)

    def weigh(self, weight: float) -> None:
        """Set the weight of the second member, from 0 to 1."""
        self.weight.fill_(weight)

    def combine(self, outputs: Iterable[Tensor]) -> Tensor:
        """Return the outputs of both members together, `(B, n_outputs)`, of those of each."""
        first, second = outputs
        return self.objective.combine(first, second, float(self.weight))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Classify sequences; arguments as in `SequenceClassifier.forward`.

        Returns:
            Outputs `(B, n_outputs)` of both together; in training `(2 B, n_outputs)`, those of the first member and then those
            of the second, for a loss of each.
        """
        outputs = [member(ids, mask) for member in self.members]
        return torch.cat(outputs) if self.training else self.combine(outputs)


MixingBranch = SequenceClassifier | Members


def members_of(model: MixingBranch) -> tuple[SequenceClassifier, ...]:
    """Return the members of a mixing branch: itself, if it is a single classifier."""
    return model.members if isinstance(model, Members) else (model,)
