"""Token tables: compute once per token (and position) what depends on nothing else.

Without dropout before them, the input features of a position are the embedding of its token plus that of the position. Mixers
with `Mixer.tabulated` work on a `Table` of the distinct features: V rows, or V L with positions, instead of B L.

In training, the table holds the rows that occur in the batch, if they are few enough; gradients are exact. Without gradients,
the whole table is computed once and kept until a weight changes, as soon as it costs no more than the work already done
without it. So a table never more than doubles the work for one short input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqmix.mixers import Table

_MAX_ROWS = 0.7  # rows per position up to which a table is worth its look-ups
_MAX_ROWS_ALL_TOKENS = 0.5  # the same for a table of all tokens, which needs no search for those that occur
_MAX_KEPT_FLOATS = 1 << 27  # of kept results: 512 MB


@dataclass(slots=True)
class TokenTables:
    """Decide for one model whether to use tables, and keep the one for inference.

    Attributes:
        floats_per_row: floats that the mixers store per row of a table.
    """

    floats_per_row: int
    _kept: Table | None = None
    _version: tuple[tuple[int, int], ...] = ()
    _spent: int = field(default=0)

    def table(self, ids: Tensor, tokens: Tensor, positions: Tensor | None, parameters: Sequence[Tensor]) -> Table | None:
        """Return the table for a batch, or None if computing every position costs less.

        Args:
            ids: `(B, L)`, rows of `tokens`.
            tokens: `(V, D)`, token embeddings.
            positions: `(P, D)`, P >= L, added to the token embeddings. If None, nothing is added.
            parameters: everything that the results depend on.
        """
        if torch.compiler.is_compiling():  # which rows occur depends on the data, which would break the graph
            return None
        if not torch.is_grad_enabled():
            kept = self._keep(ids, tokens, positions, parameters)
            if kept is not None:
                return kept
        return _of_batch(ids, tokens, positions)

    def forget(self) -> None:
        """Free the memory of the kept table."""
        self._kept, self._version, self._spent = None, (), 0

    def _keep(self, ids: Tensor, tokens: Tensor, positions: Tensor | None, parameters: Sequence[Tensor]) -> Table | None:
        per_token = 1 if positions is None else len(positions)
        count = len(tokens) * per_token
        if count * self.floats_per_row > _MAX_KEPT_FLOATS:
            return None
        version = tuple((parameter.data_ptr(), parameter._version) for parameter in parameters)
        if version != self._version:
            self.forget()
            self._version = version
        if self._kept is None:
            self._spent += ids.numel()
            if self._spent < count:
                return None
            rows = tokens if positions is None else (tokens[:, None] + positions).flatten(0, 1)
            self._kept = Table(rows.detach(), ids, {})
        index = ids if positions is None else ids * per_token + torch.arange(ids.shape[1], device=ids.device)
        return Table(self._kept.rows, index.long(), self._kept.results)


def _of_batch(ids: Tensor, tokens: Tensor, positions: Tensor | None) -> Table | None:
    """Return a table of the rows that occur in a batch, or None if they are too many."""
    b, length = ids.shape
    if positions is None and len(tokens) <= _MAX_ROWS_ALL_TOKENS * ids.numel():
        return Table(tokens, ids.long())
    if positions is not None and b < 2:
        return None
    places = 1 if positions is None else length
    codes = ids.long() * places
    if positions is not None:
        codes = codes + torch.arange(length, device=ids.device)
    if len(tokens) * places > 8 * ids.numel():
        found, index = torch.unique(codes, return_inverse=True)
    else:
        seen = torch.zeros(len(tokens) * places, dtype=torch.bool, device=ids.device)
        seen[codes.view(-1)] = True
        found = seen.nonzero()[:, 0]
        index = (seen.cumsum(0) - 1)[codes]
    if len(found) > _MAX_ROWS * ids.numel():
        return None
    if positions is None:
        return Table(F.embedding(found, tokens), index)
    return Table(F.embedding(found // places, tokens) + F.embedding(found % places, positions), index)


def parameters_of(module: Any) -> list[Tensor]:
    """Return everything that the results of a module depend on: its parameters and buffers."""
    return [*module.parameters(), *module.buffers()]
