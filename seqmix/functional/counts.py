"""Counts of what occurs in each record, as sparse rows: only what occurs is stored.

Rows are in compressed form, so the answer for a record depends neither on the others in its batch nor on padding. Cost: a
histogram, or a sort of the codes where a histogram would be much larger than they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

_DENSE = 1 << 22  # most cells of a histogram, or four for each code


@dataclass(frozen=True, slots=True)
class SparseRows:
    """A sparse matrix `(B, F)`, row by row.

    Attributes:
        offsets: where each row starts in the other two, and where the last ends, `(B + 1,)` int64.
        columns: columns that are not zero, ascending in each row, int64.
        values: the entries, float32.
    """

    offsets: Tensor
    columns: Tensor
    values: Tensor

    @property
    def rows(self) -> Tensor:
        """The row of each entry."""
        lengths = self.offsets.diff()
        return torch.arange(len(lengths), device=lengths.device).repeat_interleave(lengths)

    def normalised(self, groups: Tensor | None = None, n_groups: int = 1) -> SparseRows:
        """Return rows of Euclidean norm 1; empty rows stay empty.

        Args:
            groups: group of each entry, from 0, if the entries of each group get a norm of 1.
            n_groups: number of groups.
        """
        place = self.rows if groups is None else self.rows * n_groups + groups
        squares = self.values.new_zeros((len(self.offsets) - 1) * n_groups).index_add_(0, place, self.values.square())
        return replace(self, values=self.values / squares.sqrt()[place])

    def product(self, weight: Tensor) -> Tensor:
        """Return the matrix product with `weight` `(F, C)`: `(B, C)`."""
        return torch.nn.functional.embedding_bag(
            self.columns,
            weight,
            self.offsets,
            mode="sum",
            per_sample_weights=self.values,
            include_last_offset=True,
        )


def count_codes(rows: Tensor, codes: Tensor, n_rows: int, n_columns: int) -> SparseRows:
    """Return how often each code occurs in each row.

    Args:
        rows: row of each code, `(N,)` int64.
        codes: the codes, from 0 to below `n_columns`, `(N,)` int64.
        n_rows: number of rows B.
        n_columns: number of columns F.
    """
    keys = rows * n_columns + codes
    if n_rows * n_columns <= max(_DENSE, 4 * len(keys)):
        histogram = torch.bincount(keys, minlength=n_rows * n_columns)
        found = histogram.nonzero()[:, 0]
        counts = histogram[found]
    else:
        found, counts = torch.unique(keys, return_counts=True)
    return _compressed(found, counts.to(torch.float32), n_rows, n_columns)


def paired(rows: SparseRows, n_columns: int) -> SparseRows:
    """Return the products and the absolute differences of rows i and B + i of `(2 B, F)`, side by side: `(B, 2 F)`."""
    n_rows = (len(rows.offsets) - 1) // 2
    keys = rows.rows * n_columns + rows.columns
    half = int(rows.offsets[n_rows])
    found, place = torch.unique(torch.cat((keys[:half], keys[half:] - n_rows * n_columns)), return_inverse=True)
    first, second = rows.values.new_zeros(2, len(found)).unbind()
    first[place[:half]], second[place[half:]] = rows.values[:half], rows.values[half:]
    both = (first != 0) & (second != 0)
    at = found // n_columns * n_columns + found  # the same place in rows of twice the width
    keys, order = torch.cat((at[both], at + n_columns)).sort()
    values = torch.cat(((first * second)[both], (first - second).abs()))[order]
    return _compressed(keys, values, n_rows, 2 * n_columns)


def _compressed(keys: Tensor, values: Tensor, n_rows: int, n_columns: int) -> SparseRows:
    """Return the rows of entries that are given by ascending ``row * n_columns + column``."""
    ends = torch.arange(n_rows + 1, device=keys.device) * n_columns
    return SparseRows(torch.searchsorted(keys, ends), keys % n_columns, values)
