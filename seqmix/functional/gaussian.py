"""The Gaussian kernel, and its product with a matrix in tiles, storing nothing but inputs and output.

Skyformer and kernelized attention are products ``gaussian_kernel(a, b) @ v`` with one or both sides as long as the sequence.
The kernel matrix would take up nearly all of their memory: here it exists one tile at a time, small enough for a CPU's cache,
and is recomputed in the backward pass. A tile is one matrix product and one exponential in place: the norms in the squared
distance are two extra columns, ``[a, 1, -|a|^2 / 2] . [b, -|b|^2 / 2, 1] = -|a - b|^2 / 2``. The exponential is to base 2,
which torch computes three times as fast as base e on CPUs, and ten times as fast where the result vanishes. Heads and sequences
are independent and run in parallel.

Cost: 2 N M (E + P) operations forward for an (N, M) kernel and P columns; 2 N M (3 E + 2 P) backward, including the
recomputation. Memory: input and output, one copy of the shorter side, and two tiles per thread.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqmix.functional.parallel import run_in_parallel

# Kernel values in one tile, and the most of them along the shorter side: what a CPU's second-level cache holds, in a
# shape that suits its matrix products; a GPU needs larger tiles.
_TILE_FLOATS = {"cpu": 1 << 18, "cuda": 1 << 26}
_TILE_WIDTH = {"cpu": 1 << 7, "cuda": 1 << 13}

LOG2_E = math.log2(math.e)
Piece = tuple[slice, int]  # sequences of the batch, and one head


def gaussian_kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return ``exp(-|a_i - b_j|^2 / (2 sqrt(E)))``, the Gaussian kernel of rows divided by E^(1/4) (Skyformer, equation 3).

    Squared distances come from one matrix product; those that rounding makes negative are clamped to zero. Computed in float32
    at least, also under autocast: in half precision, the difference of large squares would lose all accuracy.

    Args:
        a: `(..., N, E)`.
        b: `(..., M, E)`.

    Returns:
        `(..., N, M)`, in the dtype of a, but float32 at least.
    """
    wide = torch.promote_types(a.dtype, torch.float32)
    with torch.autocast(a.device.type, enabled=False):
        scale = a.shape[-1] ** -0.25
        a, b = a.to(wide) * scale, b.to(wide) * scale
        squares = a.square().sum(-1, keepdim=True) + b.square().sum(-1).unsqueeze(-2)
        return torch.exp(-0.5 * (squares - 2.0 * (a @ b.transpose(-1, -2))).clamp_min(0.0))


def gaussian_product(a: Tensor, b: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ``gaussian_kernel(a, b) @ v`` over the real rows of b, without ever storing the whole kernel.

    Args:
        a: `(B, H, N, E)`.
        b: `(B, H, M, E)`.
        v: `(B, H, M, P)`.
        mask: `(B, M)` bool, True = a real row of b and v. If None, all rows are real.

    Returns:
        `(B, H, N, P)` in the dtype of v, stored as `(B, N, H, P)`.
    """
    return _apply(a, b, v, mask)


class _Tiles:
    """The kernel in tiles `(B, n, m)`: rows of the longer side times rows of the shorter side, of one head.

    Attributes:
        flipped: whether the longer side is b, so that tiles are of the transposed kernel.
        pieces: independent pieces (sequences, head); a piece has several sequences only if one tile holds them all.
        rows: slices of the longer side.
        columns: slices of the shorter side.
        floats: kernel values in the largest tile.
        dtype: in which the kernel is computed, float32 at least.
    """

    def __init__(self, a: Tensor, b: Tensor, mask: Tensor | None) -> None:
        self.flipped = a.shape[2] < b.shape[2]
        self._long, self._short = (b, a) if self.flipped else (a, b)
        self._mask_long = mask if self.flipped else None
        self._mask_short = None if self.flipped else mask
        self.dtype = torch.promote_types(a.dtype, torch.float32)
        device = a.device.type if a.device.type in _TILE_FLOATS else "cuda"
        n_rows, n_columns = self._long.shape[2], self._short.shape[2]
        width = min(n_columns, _TILE_WIDTH[device])
        height = min(n_rows, max(1, _TILE_FLOATS[device] // width))
        whole = (height, width) == (n_rows, n_columns)
        depth = max(1, _TILE_FLOATS[device] // (height * width)) if whole else 1
        self.floats = min(depth, a.shape[0]) * height * width
        self.pieces = [(batch, head) for batch in _slices(a.shape[0], depth) for head in range(a.shape[1])]
        self.rows, self.columns = _slices(n_rows, height), _slices(n_columns, width)

    def long(self, piece: Piece, rows: slice) -> Tensor:
        """Return rows of the longer side of a piece, extended for the kernel: `(B, n, E + 2)`."""
        mask = None if self._mask_long is None else self._mask_long[piece[0], rows]
        return _extend(self._long[piece][:, rows], self.dtype, mask, norm=-1)

    def short(self, piece: Piece) -> Tensor:
        """Return the shorter side of a piece, scaled and extended for the kernel: `(B, M, E + 2)`."""
        mask = None if self._mask_short is None else self._mask_short[piece[0]]
        return _extend(self._short[piece], self.dtype, mask, norm=-2, factor=self._short.shape[3] ** -0.5 * LOG2_E)

    def empty_like(self, x: Tensor, n_rows: int) -> Tensor:
        """Allocate `(B, H, n_rows, E)`, stored as `(B, n_rows, H, E)` like the inputs and outputs of linear layers."""
        return x.new_empty((x.shape[0], n_rows, x.shape[1], x.shape[3]), dtype=self.dtype).transpose(1, 2)


def _slices(size: int, step: int) -> list[slice]:
    return [slice(start, start + step) for start in range(0, size, step)]


def _extend(x: Tensor, dtype: torch.dtype, mask: Tensor | None, norm: int, factor: float = 1.0) -> Tensor:
    """Return ``[factor x, 1, -log2(e) |x|^2 / (2 sqrt(E))]`` for x `(B, N, E)`; norm = -2 swaps the last two columns.

    With a factor of log2(e) / sqrt(E) on one side, the product of two such rows is the kernel's logarithm to base 2. A row
    that is not real gets so large a norm that its kernel is zero.
    """
    extended = x.new_empty((*x.shape[:-1], x.shape[-1] + 2), dtype=dtype)
    wide = extended[..., :-2].copy_(x)  # copied before scaling: torch would multiply in the dtype of x
    if factor != 1.0:
        wide *= factor
    extended[..., -2:] = 1.0
    extended[..., norm] = wide.square().sum(-1).mul_(-0.5 * LOG2_E * x.shape[-1] ** -0.5 / factor**2)
    if mask is not None:
        extended[..., norm].masked_fill_(~mask, 0.5 * torch.finfo(dtype).min)
    return extended


def _outer(long: Tensor, short: Tensor, buffer: Tensor) -> Tensor:
    """Return ``long @ short^T``, written to a buffer: allocating each tile anew would take as long again in page faults."""
    shape = (*long.shape[:2], short.shape[1])
    return torch.bmm(long, short.mT, out=buffer[: math.prod(shape)].view(shape))


def _kernel(long: Tensor, short: Tensor, buffer: Tensor) -> Tensor:
    """Compute one tile of the kernel from extended rows; squared distances that rounding makes negative are clamped to zero."""
    return _outer(long, short, buffer).clamp_max_(0.0).exp2_()


def _add(total: Tensor, left: Tensor, right: Tensor, part: slice, alpha: float = 1.0) -> None:
    """Compute ``total += alpha left @ right``; the first part of the sum overwrites uninitialized memory."""
    total.baddbmm_(left, right, beta=float(part.start > 0), alpha=alpha)


class _GaussianProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        tiles = _Tiles(a, b, mask)
        out = tiles.empty_like(v, a.shape[2])

        def work(piece: Piece) -> None:
            short, values, result = tiles.short(piece), v[piece], out[piece]
            buffer = short.new_empty(tiles.floats)
            for rows in tiles.rows:
                long = tiles.long(piece, rows)
                for columns in tiles.columns:
                    kernel = _kernel(long, short[:, columns], buffer)
                    if tiles.flipped:
                        _add(result[:, columns], kernel.mT, values[:, rows].to(tiles.dtype), rows)
                    else:
                        _add(result[:, rows], kernel, values[:, columns].to(tiles.dtype), columns)

        with torch.autocast(a.device.type, enabled=False):
            run_in_parallel(work, tiles.pieces, a.device)
        ctx.save_for_backward(a, b, v, mask, out)
        return out.to(v.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of a, b and v.

        With S = kernel * (grad v^T), they are ``(S b - (S 1) a) / sqrt(E)``, ``(S^T a - (S^T 1) b) / sqrt(E)`` and
        ``kernel^T grad``. ``S 1`` equals the row sums of grad * out, and ``S^T 1`` those of v * (the gradient of v).
        """
        a, b, v, mask, out = ctx.saved_tensors
        tiles = _Tiles(a, b, mask)
        scale = a.shape[3] ** -0.5
        grad_a, grad_b, grad_v = (tiles.empty_like(x, x.shape[2]) for x in (a, b, v))
        grad_long, grad_short = (grad_b, grad_a) if tiles.flipped else (grad_a, grad_b)
        at_long, at_short = (v, grad) if tiles.flipped else (grad, v)  # what the kernel is multiplied by on each side
        by_long, by_short = (grad_v, out) if tiles.flipped else (out, grad_v)  # the products on each side

        def work(piece: Piece) -> None:
            short, x_short = tiles.short(piece), at_short[piece].to(tiles.dtype)
            points_short = short[..., :-2].contiguous()  # already multiplied by scale * LOG2_E
            buffers = short.new_empty((2, tiles.floats))
            for rows in tiles.rows:
                long, x_long = tiles.long(piece, rows), at_long[piece][:, rows].to(tiles.dtype)
                points_long = long[..., :-2]
                for columns in tiles.columns:
                    kernel = _kernel(long, short[:, columns], buffers[0])
                    if tiles.flipped:
                        _add(grad_v[piece][:, rows], kernel, x_short[:, columns], columns)
                    else:
                        _add(grad_v[piece][:, columns], kernel.mT, x_long, rows)
                    kernel *= _outer(x_long, x_short[:, columns], buffers[1])  # S, or its transpose
                    _add(grad_long[piece][:, rows], kernel, points_short[:, columns], columns, alpha=1.0 / LOG2_E)
                    _add(grad_short[piece][:, columns], kernel.mT, points_long, rows, alpha=scale)
                sums = (x_long * by_long[piece][:, rows]).sum(-1, keepdim=True)
                grad_long[piece][:, rows].addcmul_(points_long, sums, value=-scale)
            sums = (x_short * by_short[piece]).sum(-1, keepdim=True)
            grad_short[piece].addcmul_(points_short, sums, value=-1.0 / LOG2_E)

        with torch.autocast(a.device.type, enabled=False):
            run_in_parallel(work, tiles.pieces, a.device)
        return grad_a.to(a.dtype), grad_b.to(b.dtype), grad_v.to(v.dtype), None


# Not traced by torch.compile: tracing this loop over slices would take minutes and gain nothing.
_apply: Any = torch.compiler.disable(_GaussianProduct.apply)
