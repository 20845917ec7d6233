"""What a transformer block does with each position on its own, in chunks of positions that a CPU's cache holds.

`feedforward` keeps nothing but its input: the hidden activations, the widest tensors of a block, live for one chunk
and are computed again in the backward. `linears` are several linear layers of one input, which each chunk is read
for once, and their gradients added while it is there. Both take rows `(N, D)`; many MLPs on columns are `chunked_mlp`.

Cost of the feed-forward: 4 N D h operations forward, two and a half times that backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqmix.functional.threads import side_by_side

# Floats of the widest activation in one chunk: what a CPU's second-level cache holds; a GPU wants larger ones.
_CHUNK_FLOATS = {"cpu": 1 << 18, "cuda": 1 << 26}


def feedforward(x: Tensor, weight_in: Tensor, bias_in: Tensor, weight_out: Tensor, bias_out: Tensor) -> Tensor:
    """``gelu(x @ weight_in^T + bias_in) @ weight_out^T + bias_out`` with exact GELU.

    Args:
        x: `(..., D)`.
        weight_in: `(h, D)`; bias_in: `(h,)`; weight_out: `(K, h)`; bias_out: `(K,)`.

    Returns:
        `(..., K)`.
    """
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, weight_in, bias_in, weight_out, bias_out = (t.to(dtype) for t in (x, weight_in, bias_in, weight_out, bias_out))
    out: Tensor = _apply_feedforward(x.reshape(-1, x.shape[-1]), weight_in, bias_in, weight_out, bias_out)
    return out.view(*x.shape[:-1], out.shape[-1])


def linears(x: Tensor, layers: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """``x @ weight^T + bias`` for each (weight, bias) of `layers`.

    Args:
        x: `(..., D)`.
        layers: weight `(K, D)` and bias `(K,)` of each.

    Returns:
        `(..., K)` for each.
    """
    flat = [t for layer in layers for t in layer]
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, flat = x.to(dtype), [t.to(dtype) for t in flat]
    outs: tuple[Tensor, ...] = _apply_linears(x.reshape(-1, x.shape[-1]), *flat)
    return [out.view(*x.shape[:-1], out.shape[-1]) for out in outs]


def _chunks(x: Tensor, hidden: int) -> list[tuple[int, slice]]:
    step = max(64, _CHUNK_FLOATS.get(x.device.type, _CHUNK_FLOATS["cuda"]) // hidden)
    return [(i, slice(start, start + step)) for i, start in enumerate(range(0, x.shape[0], step))]


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_in: Tensor, bias_in: Tensor, weight_out: Tensor, bias_out: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight_in, bias_in, weight_out)
        out = x.new_empty((x.shape[0], weight_out.shape[0]))

        def work(chunk: tuple[int, slice]) -> None:
            rows = chunk[1]
            hidden = F.gelu(torch.addmm(bias_in, x[rows], weight_in.T))
            torch.addmm(bias_out, hidden, weight_out.T, out=out[rows])

        with torch.autocast(x.device.type, enabled=False):
            side_by_side(work, _chunks(x, weight_in.shape[0]), x.device)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        x, weight_in, bias_in, weight_out = ctx.saved_tensors
        chunks = _chunks(x, weight_in.shape[0])
        grad_x = torch.empty_like(x)
        # Sums over all positions, of a chunk each and then together: in float32 at least, whatever the activations are in.
        total = torch.promote_types(x.dtype, torch.float32)
        shapes = (weight_in.shape, bias_in.shape, weight_out.shape, weight_out.shape[:1])
        sums = [x.new_empty((len(chunks), *shape), dtype=total) for shape in shapes]

        def work(chunk: tuple[int, slice]) -> None:
            i, rows = chunk
            x_c, grad_c = x[rows], grad[rows]
            before = torch.addmm(bias_in, x_c, weight_in.T)
            sums[2][i] = grad_c.T @ F.gelu(before)
            sums[3][i] = grad_c.sum(0, dtype=total)
            grad_hidden = torch.ops.aten.gelu_backward(grad_c @ weight_out, before)
            sums[0][i] = grad_hidden.T @ x_c
            sums[1][i] = grad_hidden.sum(0, dtype=total)
            torch.mm(grad_hidden, weight_in, out=grad_x[rows])

        with torch.autocast(x.device.type, enabled=False):
            side_by_side(work, chunks, x.device)
        return (grad_x, *(parts.sum(0).to(x.dtype) for parts in sums))


class _Linears(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *layers: Tensor) -> tuple[Tensor, ...]:
        weights, biases = layers[::2], layers[1::2]
        ctx.save_for_backward(x, *weights)
        outs = tuple(x.new_empty((x.shape[0], weight.shape[0])) for weight in weights)

        def work(chunk: tuple[int, slice]) -> None:
            rows = chunk[1]
            for out, weight, bias in zip(outs, weights, biases, strict=True):
                torch.addmm(bias, x[rows], weight.T, out=out[rows])

        with torch.autocast(x.device.type, enabled=False):
            side_by_side(work, _chunks(x, weights[0].shape[0]), x.device)
        return outs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        x, *weights = ctx.saved_tensors
        chunks = _chunks(x, weights[0].shape[0])
        grad_x = torch.empty_like(x)
        total = torch.promote_types(x.dtype, torch.float32)
        sums = [x.new_empty((len(chunks), *shape), dtype=total) for w in weights for shape in (w.shape, w.shape[:1])]

        def work(chunk: tuple[int, slice]) -> None:
            i, rows = chunk
            for j, (grad, weight) in enumerate(zip(grads, weights, strict=True)):
                grad_x[rows].addmm_(grad[rows], weight, beta=float(j > 0))
                sums[2 * j][i] = grad[rows].T @ x[rows]
                sums[2 * j + 1][i] = grad[rows].sum(0, dtype=total)

        with torch.autocast(x.device.type, enabled=False):
            side_by_side(work, chunks, x.device)
        return (grad_x, *(parts.sum(0).to(x.dtype) for parts in sums))


# torch.compile calls them as they are: they are loops over slices, and tracing them would take minutes and gain nothing.
_apply_linears: Any = torch.compiler.disable(_Linears.apply)  # type: ignore[no-untyped-call]
_apply_feedforward: Any = torch.compiler.disable(_FeedForward.apply)  # type: ignore[no-untyped-call]
