"""The contract of a mixer, and what attention mixers share.

A mixer is a module with ``forward(x, mask, source) -> y``. `x`, `source` and `y` are `(B, L, D)`; `mask` is `(B, L)` bool,
True = a real token. `source` is the embedded input, from which Paramixer computes its links in every block; attention mixers
ignore it. One answer for one sequence: the output at real tokens depends on the real tokens of that sequence alone, not on
padding, other sequences in the batch or the batch size, and in `eval()` not on chance.

The constructor takes `d_model` and `max_length` (positions, including a CLS token) and keyword-only options with defaults, no
``**kwargs``. Its signature is the schema that `--set mixer.<option>=<value>` is checked against; "Args" in the docstring of
the class documents the options, and its `option_ranges` say what values are allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.functional import softmax_attention
from seqmix.mixers.ranges import mixer_refusal, ranges_of


@dataclass(slots=True, eq=False)
class Table:
    """Distinct feature rows, and which row each position has: a compact form of features that repeat.

    A mixer with `tabulated = True` may receive a table as `x` or `source`. What it computes from one position alone, it then
    computes once per row.

    Attributes:
        rows: `(R, D)`.
        index: `(B, L)` integers in 0..R-1.
        results: what mixers computed from `rows`, by the mixer's `id`, valid as long as `rows` is. None if the results are not
            reused (in training, where the weights change).
    """

    rows: Tensor
    index: Tensor
    results: dict[int, Any] | None = field(default=None, repr=False)

    def expand(self) -> Tensor:
        """Return the features of every position, `(B, L, D)`."""
        return F.embedding(self.index, self.rows)


class Mixer(nn.Module):
    """Base class of all mixers.

    Attributes:
        block: what `model.block = "published"` builds around the mixer: "transformer" (pre-norm attention and feed-forward,
            with residuals) or "plain" (the mixer, then dropout and an optional norm).
        model_defaults: options of [model] that suit this mixer better than the general defaults.
        option_ranges: the allowed values of the options, see `seqmix.mixers.ranges`; those of base classes are inherited.
        quadratic: whether time or memory grows with the square of the length.
        for_longest: whether the model must be built for the longest sequence in the data rather than a typical one.
        tabulated: whether `forward` accepts a `Table` as `x` and `source`.
        forwards_only: whether no position depends on those after it, so that a CLS token in front learns nothing.
    """

    block: ClassVar[Literal["transformer", "plain"]] = "transformer"
    model_defaults: ClassVar[dict[str, Any]] = {}
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {}
    quadratic: ClassVar[bool] = False
    for_longest: ClassVar[bool] = False
    tabulated: ClassVar[bool] = False
    forwards_only: bool = False

    def check_options(self, d_model: int, **options: Any) -> None:
        """Check options against `option_ranges`, as the first step of a constructor.

        Args:
            d_model: width D.
            options: values by option.

        Raises:
            ValueError: a value is not allowed.
        """
        if refused := mixer_refusal(ranges_of(type(self)), options, d_model):
            raise ValueError(refused[1])

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        """Mix x along its length.

        Args:
            x: `(B, L, D)`, the features to mix.
            mask: `(B, L)` bool, True = a real token.
            source: `(B, L, D)`, the embedded input.

        Returns:
            `(B, L, D)`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define forward(x, mask, source)")

    @property
    def row_floats(self) -> int:
        """Floats that a tabulated mixer stores per row of a table."""
        return 0

    def after_step(self, step: int) -> None:
        """Update what changes during training; called after optimiser step number `step`, counted from 1."""

    def label(self) -> str:
        """Return what the name of a run folder says about the options, such as the protocol; empty for nothing."""
        return ""


class AttentionMixer(Mixer):
    """Queries, keys, values and heads; a subclass writes `attend`.

    Args:
        d_model: width D, a multiple of `n_heads`.
        max_length: positions that the model is built for.
        n_heads: number of heads H, each of width E = D / H.

    Attributes:
        shared_qk: whether keys are the queries; there is then no layer for keys.

    Raises:
        ValueError: `n_heads` does not divide `d_model`.
    """

    model_defaults: ClassVar[dict[str, Any]] = {"d_model": 64, "blocks": 2}  # as in the Skyformer paper
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {"n_heads": {"at_least": 1, "at_most": 65_536, "divides_width": True}}
    shared_qk: ClassVar[bool] = False

    def __init__(self, d_model: int, max_length: int, *, n_heads: int = 2) -> None:
        super().__init__()
        self.check_options(d_model, n_heads=n_heads)
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
        """Reshape `(B, L, D)` to `(B, H, L, E)`."""
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """Return what each query gathers from the values of the real tokens.

        Args:
            q: `(B, H, L, E)`.
            k: `(B, H, L, E)`.
            v: `(B, H, L, E)`.
            mask: `(B, L)` bool, True = a real token.

        Returns:
            `(B, H, L, E)`; outputs at padding are unspecified.
        """
        raise NotImplementedError(f"{type(self).__name__} must define attend(q, k, v, mask)")

    def exact(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """Return what `attend` approximates, at quadratic cost; shapes as in `attend`."""
        return softmax_attention(q, k, v, mask)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any] | None:
        """Return options with which a query costs as much as about `n` keys, or None if this mixer is not an approximation."""
        return None
