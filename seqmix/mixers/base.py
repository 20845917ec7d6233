"""The contract of a mixer, and what the attention mixers share.

A mixer is a module with ``forward(x, mask, source) -> y``, all `(B, L, D)`; mask `(B, L)` bool, True = a real
token; `source` the embedded input, which Paramixer computes its links from in every block and attention mixers
ignore. One answer for one sequence: the output at real tokens depends on that sequence's real tokens alone -
not on padding, neighbours or batch size, and in `eval()` not on chance.

The constructor takes `d_model` and `max_length` (positions, a CLS token included) and keyword-only options
with defaults, no ``**kwargs``: its signature is the schema that `--set mixer.<option>=<value>` is checked
against, its "Args" the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.functional import softmax_attention


@dataclass(slots=True, eq=False)
class Table:
    """Features of which many positions are equal: the distinct ones, and which stands where.

    A mixer that says `tabulated = True` may be given one in the place of `x` or `source`: what it computes from one
    position alone, it then computes once for each row.

    Attributes:
        rows: `(R, D)`.
        index: `(B, L)` integers in 0..R-1.
        results: what mixers have made of `rows`, by their `id`, for as long as the rows are valid. None: they will not be
            asked for again (in training, the weights change).
    """

    rows: Tensor
    index: Tensor
    results: dict[int, Any] | None = field(default=None, repr=False)

    def expand(self) -> Tensor:
        """`(B, L, D)`."""
        return F.embedding(self.index, self.rows)


class Mixer(nn.Module):
    """Base of all mixers.

    Attributes:
        block: what the model builds around the mixer: "transformer" (pre-norm attention and feed-forward
            with residuals) or "plain" (the mixer, then dropout and an optional norm).
        model_defaults: options of [model] that suit this mixer better than the general defaults.
        quadratic: whether time or memory grows with the square of the length.
        for_longest: whether the model must be built for the longest sequence there is, not for a typical one.
        tabulated: whether `forward` takes a `Table` for `x` and `source`.
    """

    block: ClassVar[Literal["transformer", "plain"]] = "transformer"
    model_defaults: ClassVar[dict[str, Any]] = {}
    quadratic: ClassVar[bool] = False
    for_longest: ClassVar[bool] = False
    tabulated: ClassVar[bool] = False

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        """Mixes x `(B, L, D)` along its length; mask `(B, L)` bool; source `(B, L, D)`. Returns `(B, L, D)`."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(x, mask, source)")

    @property
    def row_floats(self) -> int:
        """Floats that a tabulated mixer keeps for each row of a table."""
        return 0

    def after_step(self, step: int) -> None:
        """Called in training after optimiser step number `step`, from 1: what changes with time, changes here."""

    def label(self) -> str:
        """What the name of a run folder says of the options, such as the protocol; empty: nothing."""
        return ""


class AttentionMixer(Mixer):
    """Queries, keys, values and heads; a subclass writes `attend`.

    Attributes:
        shared_qk: whether keys are the queries; there is no layer for them then.

    Args:
        d_model: width D, a multiple of `n_heads`.
        max_length: positions the model is built for.
        n_heads: number of heads H; each has the width E = D / H.
    """

    model_defaults: ClassVar[dict[str, Any]] = {"d_model": 64, "blocks": 2}  # as in the Skyformer paper
    shared_qk: ClassVar[bool] = False

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2) -> None:
        super().__init__()
        if n_heads < 1 or d_model % n_heads:
            raise ValueError(f"mixer.n_heads must divide d_model: got {n_heads} heads for a width of {d_model}")
        self.n_heads = n_heads
        self.query = nn.Linear(d_model, d_model)
        self.key = None if self.shared_qk else nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.project = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        q, v = self._heads(self.query(x)), self._heads(self.value(x))
        k = q if self.key is None else self._heads(self.key(x))
        attended = self.attend(q, k, v, mask)
        return self.project(attended.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        """`(B, L, D)` to `(B, H, L, E)`."""
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """q, k, v `(B, H, L, E)`, mask `(B, L)` bool. Returns `(B, H, L, E)`."""
        raise NotImplementedError(f"{type(self).__name__} must define attend(q, k, v, mask)")

    def exact(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """What `attend` approximates, at quadratic cost; shapes as there."""
        return softmax_attention(q, k, v, mask)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any] | None:
        """Options with which the cost of a query is that of about `n` keys; None: this mixer is no approximation."""
        return None
