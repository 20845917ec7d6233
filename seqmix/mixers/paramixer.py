"""Paramixer: mixing by a product of sparse factors whose entries are computed from the input.

``V_0 = g(V)``, ``V_m = W_m V_(m-1) + V_(m-1)`` for m = 1..n_factors. Row i of W_m has its non-zeros f_m(source_i) at the
offsets of the protocol, on the circle of the sequence's own length. f_m and g are two-layer MLPs. With ``residual_from =
"values"``, ``V_m = W_m V_(m-1) + V_0``.

With H heads, the channels are H groups, and f_m computes H factors, one for each group: what a group mixes, the others do not
have to. Nothing passes between groups in the mixer but through g.

Cost: O(L D log^2 L) operations for the mixing, whatever H, and O(L d_hidden (D + H log L) log L) for the links; memory
O(L (D + H log L) log L). Heads fold into the batch: no values or links are copied.

Source: Yu, Khalitov, Cheng, Yang, "Paramixer: Parameterizing Mixing Links in Sparse Factors Works Better than Dot-Product
Self-Attention", CVPR 2022.

Deviations from the published code: the circle is each sequence's own length, so padding has no part in it (on unpadded input
the two are equal); links start smaller and values are rescaled, unless `link_scale` = 1 and `rescale_every` = 0, as in the
recipes `paramixer/...`. Its number of factors is ceil(log2 N) in one half of its experiments and int(log2 N) in the other.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from seqmix.functional import chunked_mlp, circular_mix
from seqmix.mixers.base import Mixer, Table


def protocol_offsets(protocol: str, n_links: int, factor: int) -> list[int]:
    """Return the offsets of the links of one factor.

    Args:
        protocol: "chord" for offsets 0, 1, 2, 4, ..., 2^(n_links - 2), the same in every factor; "cdil" for
            0, d, 2d, ..., -d, -2d, ... with dilation d = 2^factor.
        n_links: number of offsets K; odd for "cdil".
        factor: number of the factor, from 0.
    """
    if protocol == "chord":
        return [0, *(2**k for k in range(n_links - 1))]
    half = [2**factor * step for step in range(1, (n_links - 1) // 2 + 1)]
    return [0, *half, *(-offset for offset in half)]


@cache
def _all_offsets(protocol: str, n_links: int, n_factors: int) -> list[list[int]]:
    """Return the offsets of all factors, which blocks share."""
    return [protocol_offsets(protocol, n_links, factor) for factor in range(n_factors)]


class Paramixer(Mixer):
    """The Paramixer block.

    Args:
        protocol: positions that the links of a factor point to: "chord" or "cdil".
        n_links: number of non-zeros K in a row of a factor; 0 for n_factors + 1 with "chord" and 9 with "cdil" (where it is
            odd).
        n_factors: number of sparse factors; 0 for ceil(log2 max_length), with which every token reaches every other.
        d_hidden: hidden width of the MLPs that compute links and values.
        residual: whether each factor adds something to its output.
        residual_from: what it adds: "previous" for its input, or "values" for V_0, in every factor. The latter is what a
            comment in the published code asks for on temporal order of 16,384 positions or more ("move res_conn=V outside this
            for loop").
        link_scale: initial scale of the links' output layer, relative to that of `nn.Linear`. At 1, as published, a product of
            many factors starts as a random mixture of the whole sequence, by which a model can memorise its training
            sequences; at 0.1 it starts near the identity and learns what to mix.
        rescale_every: number of factors after which a sequence's values are divided by their root mean square (of each group
            of channels, with several heads); 0 for never, as published. Nothing else bounds a product of many factors: without
            rescaling, values have grown to 1e18 and overflowed. A LayerNorm after the block removes the scale in any case.
        n_heads: number of groups of channels H with links of their own; it divides D. Channel d is in group d mod H.

    Raises:
        ValueError: an option is not allowed.
    """

    block = "plain"
    tabulated = True
    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "protocol": {"choices": ("chord", "cdil")},
        "residual_from": {"choices": ("previous", "values")},
        "n_links": {
            "at_least": 0,
            "at_most": 1025,
            "where": {
                "protocol": {
                    "chord": {"at_least": 0, "at_most": 42},  # offsets up to 2^40
                    "cdil": {"at_least": 1, "at_most": 1025, "parity": "odd", "or_zero": True},
                }
            },
        },
        "n_factors": {"at_least": 0, "at_most": 40},  # as many as the longest sequences have
        "d_hidden": {"at_least": 1, "at_most": 1_000_000},
        "link_scale": {"at_least": -1000, "at_most": 1000},
        "rescale_every": {"at_least": 0, "at_most": 1000},
        "n_heads": {"at_least": 1, "at_most": 65_536, "divides_width": True},
    }
    shift: Tensor

    def __init__(
        self,
        d_model: int,
        max_length: int,
        *,
        protocol: str = "chord",
        n_links: int = 0,
        n_factors: int = 0,
        d_hidden: int = 128,
        residual: bool = True,
        link_scale: float = 0.1,
        rescale_every: int = 4,
        n_heads: int = 1,
        residual_from: str = "previous",
    ) -> None:
        super().__init__()
        self.check_options(
            d_model,
            protocol=protocol,
            residual_from=residual_from,
            n_links=n_links,
            n_factors=n_factors,
            d_hidden=d_hidden,
            link_scale=link_scale,
            rescale_every=rescale_every,
            n_heads=n_heads,
        )
        self.protocol = protocol
        self.n_factors = n_factors or max(1, math.ceil(math.log2(max(2, max_length))))
        self.n_links = n_links or (self.n_factors + 1 if protocol == "chord" else 9)
        self.n_heads = n_heads
        self.offsets = _all_offsets(protocol, self.n_links, self.n_factors)
        self.links = StackedMLP(d_model, d_hidden, self.n_links * n_heads, count=self.n_factors)
        self.residual, self.residual_from = residual, residual_from
        self.rescale_every = rescale_every
        # W V + V = (W + I) V, and the first offset is 0, so the residual of the input adds 1 to the first link.
        shift = torch.zeros(self.n_links * n_heads)
        shift[:n_heads] = float(residual and residual_from == "previous")
        self.register_buffer("shift", shift, persistent=False)
        with torch.no_grad():
            self.links.weight_out.mul_(link_scale)
            self.links.bias_out.mul_(link_scale)
        self.values = StackedMLP(d_model, d_hidden, d_model, count=1)

    def forward(self, x: Tensor | Table, mask: Tensor, source: Tensor | Table) -> Tensor:
        lengths = mask.sum(1).repeat(self.n_heads)
        links, values = self._links(source, mask), self._place(self.values(_columns(x, mask))[0], x, mask)
        start = None
        if self.residual and self.residual_from == "values":
            start = values.masked_fill(~mask.repeat(self.n_heads, 1)[:, None], 0.0)
        # Unbind all factors at once: selecting one factor would allocate a gradient of the size of all.
        for factor, (factor_links, offsets) in enumerate(zip(links.unbind(), self.offsets, strict=True)):
            placed = self._place(factor_links, source, mask)
            values = circular_mix(placed, values, offsets, lengths=lengths)
            values = values if start is None else values + start
            if self.rescale_every and (factor + 1) % self.rescale_every == 0:
                values = values * _inverse_scale(values, lengths)
        return values.unflatten(0, (self.n_heads, -1)).permute(1, 3, 2, 0).flatten(2)

    def _links(self, source: Tensor | Table, mask: Tensor) -> Tensor:
        """Return the links of all factors, `(n_factors, K * H, B * L)`, or `(n_factors, K * H, R)` for the rows of a table."""
        if not isinstance(source, Table) or source.results is None:
            return self.links(_columns(source, mask), self.shift)
        if id(self) not in source.results:
            source.results[id(self)] = self.links(_columns(source, mask), self.shift)
        return source.results[id(self)]

    def _place(self, columns: Tensor, origin: Tensor | Table, mask: Tensor) -> Tensor:
        """Move columns `(N * H, B * L)`, or `(N * H, R)` of a table, to their positions: `(H * B, N, L)`, a view.

        The heads are the faster index of the columns, so that one stride leads through all heads and sequences.
        """
        if isinstance(origin, Table):
            columns = columns.gather(1, origin.index.reshape(1, -1).expand(len(columns), -1))
        return columns.view(-1, self.n_heads * len(mask), mask.shape[1]).transpose(0, 1)

    @property
    def row_floats(self) -> int:
        return self.n_factors * self.n_links * self.n_heads

    def label(self) -> str:
        return self.protocol


def _inverse_scale(values: Tensor, lengths: Tensor) -> Tensor:
    """Return 1 / root mean square of the values of each row `(H * B, D / H, L)`, which are zero at padding: `(H * B, 1, 1)`."""
    mean_square = values.square().sum((1, 2)) / (lengths * values.shape[1])
    return (mean_square + 1e-12).rsqrt()[:, None, None]


def _columns(x: Tensor | Table, mask: Tensor) -> Tensor:
    """Return x `(B, L, D)` as columns `(D, B * L)`, zero at padding, so that padding has no effect; `(D, R)` for a table."""
    if isinstance(x, Table):
        return x.rows.T.contiguous()
    return x.masked_fill(~mask[:, :, None], 0.0).flatten(0, 1).T.contiguous()


class StackedMLP(nn.Module):
    """`count` two-layer MLPs with GELU over the same input, initialised like `nn.Linear`.

    Args:
        d_in: input width D.
        d_hidden: hidden width h.
        d_out: output width K.
        count: number of MLPs M.
    """

    def __init__(self, d_in: int, d_hidden: int, d_out: int, *, count: int) -> None:
        super().__init__()
        self.weight_in = nn.Parameter(torch.empty(count, d_hidden, d_in))
        self.bias_in = nn.Parameter(torch.empty(count, d_hidden))
        self.weight_out = nn.Parameter(torch.empty(count, d_out, d_hidden))
        self.bias_out = nn.Parameter(torch.empty(count, d_out))
        for fan_in, parameters in (
            (d_in, (self.weight_in, self.bias_in)),
            (d_hidden, (self.weight_out, self.bias_out)),
        ):
            for parameter in parameters:
                nn.init.uniform_(parameter, -(fan_in**-0.5), fan_in**-0.5)

    def forward(self, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """Apply the MLPs to every column of x.

        Args:
            x: `(D, N)`.
            shift: `(K,)`, added to the output of each MLP; nothing if None.

        Returns:
            `(M, K, N)`.
        """
        bias_out = self.bias_out if shift is None else self.bias_out + shift
        return chunked_mlp(x, self.weight_in, self.bias_in, self.weight_out, bias_out)
