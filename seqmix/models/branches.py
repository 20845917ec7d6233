"""A model of two branches: a mixing one and a lexical one, each trained alone, whose answers are combined with a weight.

The branches share nothing: neither layers nor a loss. Stored in one file, the mixing branch's weights keep the names that they
have without a lexical branch, and those of the lexical branch begin with "lexical.".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import Tensor, nn

from seqmix.data.vocabulary import Vocabulary
from seqmix.models.lexical import LexicalClassifier, restored_lexical
from seqmix.models.members import MixingBranch
from seqmix.models.plain import PlainClassifier
from seqmix.objectives.base import Objective
from seqmix.objectives.labelled import LabelObjective

LEXICAL, MIXING = "lexical", "mixing"
_PREFIX = f"{LEXICAL}."
_STEPS = 20  # between the weights 0 and 1 that are tried


class Branches(nn.Module):
    """A lexical branch, and usually a mixing one: `LabelObjective.combine` of their outputs.

    Args:
        lexical: the lexical branch; of the best simple method, also a plain model in its place.
        mixing: the mixing branch; None for the lexical one alone.
        objective: combines the outputs.
        weight: weight of the mixing branch, from 0 to 1.
    """

    def __init__(
        self,
        lexical: LexicalClassifier | PlainClassifier,
        mixing: MixingBranch | None,
        objective: LabelObjective,
        weight: float,
    ) -> None:
        super().__init__()
        self.lexical, self.mixing = lexical, mixing
        self.objective, self.weight = objective, weight if mixing is not None else 0.0

    @property
    def paired(self) -> bool:
        """Whether a record is two sequences."""
        return self.lexical.paired

    @property
    def pooling(self) -> str:
        """The pooling of the mixing branch; with "cls", sequences begin with a CLS token."""
        return self.mixing.pooling if self.mixing is not None else "mean"

    @property
    def length_limit(self) -> int | None:
        """The most tokens that a sequence may have; None for no limit."""
        return self.mixing.length_limit if self.mixing is not None else None

    @property
    def by_name(self) -> dict[str, Branch]:
        """The branches by name."""
        found: dict[str, Branch] = {LEXICAL: self.lexical}
        return found if self.mixing is None else found | {MIXING: self.mixing}

    def outputs(self, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return the outputs of each branch, `(B, n_outputs)`, by name; arguments as in `SequenceClassifier.forward`."""
        start = 1 if self.pooling == "cls" else 0
        found = {LEXICAL: self.lexical(ids[:, start:], mask[:, start:])}
        return found if self.mixing is None else found | {MIXING: self.mixing(ids, mask)}

    def combine(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return the outputs of both branches together, `(B, n_outputs)`.

        Args:
            outputs: those of each branch, by name.
        """
        if self.mixing is None:
            return outputs[LEXICAL]
        return self.objective.combine(outputs[LEXICAL], outputs[MIXING], self.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return outputs `(B, n_outputs)`; arguments as in `SequenceClassifier.forward`."""
        return self.combine(self.outputs(ids, mask))


Branch = LexicalClassifier | PlainClassifier | MixingBranch
Model = MixingBranch | Branches


def branches_of(model: Model | Branch) -> dict[str, Branch]:
    """Return the branches of a model by name; of a branch, itself."""
    if isinstance(model, Branches):
        return model.by_name
    return {LEXICAL if isinstance(model, LexicalClassifier) else MIXING: model}


def combined(model: Model | Branch, outputs: Mapping[str, Tensor]) -> Tensor:
    """Return the outputs `(n, n_outputs)` of a model whose branches have these, by name."""
    return model.combine(outputs) if isinstance(model, Branches) else next(iter(outputs.values()))


def packed(model: Model) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights of a model and what JSON stores of its branches, for `unpacked`."""
    if not isinstance(model, Branches):
        return model.state_dict(), {}
    tensors = dict(model.mixing.state_dict()) if model.mixing is not None else {}
    tensors |= {_PREFIX + name: tensor for name, tensor in model.lexical.state_dict().items()}
    return tensors, {"branches": {LEXICAL: asdict(model.lexical.spec), "weight": model.weight}}


def mixing_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the mixing branch, of those that `packed` returned."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(_PREFIX)}


def unpacked(
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    mixing: MixingBranch | None,
    vocabulary: Vocabulary,
    objective: Objective,
    *,
    paired: bool,
) -> Model:
    """Return the model that `packed` serialised.

    Args:
        tensors: the weights.
        facts: what was stored of its branches.
        mixing: the mixing branch with any weights; None if there is none.
        vocabulary: the vocabulary of the tokens.
        objective: what the model has learned.
        paired: whether records are pairs.

    Raises:
        Exception: of various kinds, if the weights do not fit.
    """
    if mixing is not None:
        mixing.load_state_dict(mixing_weights(tensors))
    if not (stored := facts.get("branches")):
        if mixing is None:
            raise RuntimeError("there is no branch")
        return mixing
    assert isinstance(objective, LabelObjective)  # a lexical branch has learned labels
    buffers = {name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items() if name.startswith(_PREFIX)}
    lexical = restored_lexical(stored[LEXICAL], buffers, vocabulary, objective.n_outputs, paired=paired)
    weight = stored["weight"]
    if not (isinstance(weight, int | float) and 0 <= weight <= 1):
        raise ValueError(f"the weight of the mixing branch is from 0 to 1, not {weight}")
    return Branches(lexical, mixing, objective, weight)


def best_weight(
    objective: LabelObjective, first: Tensor, second: Tensor, labels: Any, select: str
) -> tuple[float, dict[str, float]]:
    """Return the weight of the second of two models, such as the mixing branch, that is best on validation, and their scores.

    Of the weights whose selection score is not below that of the better model alone, it has the least loss. The candidates,
    0 to 1 in steps of 0.05, include both models alone.

    Args:
        objective: combines the outputs and scores them.
        first: outputs of the first model, such as the lexical branch, for the validation records, `(n, n_outputs)`.
        second: those of the second model.
        labels: labels of these records.
        select: the selection score, as in `TrainingConfig`.
    """
    tried: list[tuple[float, dict[str, float]]] = []
    for step in range(_STEPS + 1):
        weight = step / _STEPS
        predictions = objective.predictions(objective.combine(first, second, weight))
        tried.append((weight, objective.point_scores(predictions, labels)))
    judged = [objective.judge(scores, select) for _, scores in tried]
    least = max(judged[0][0], judged[-1][0])
    place = min((loss, step) for step, (score, loss) in enumerate(judged) if score >= least)[1]
    return tried[place]
