"""The feed-forward of a transformer block in chunks of positions, with nothing kept but the input.

Its hidden activations are the widest tensors of the block, before and after GELU: here they live for one chunk, small
enough for a CPU's cache, and are computed again in the backward. One MLP on rows `(N, D)`; many MLPs on columns are
`chunked_mlp`.

Cost: 4 N D h operations forward, two and a half times that backward. Memory: input and output, and a few chunks.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqmix.functional.threads import side_by_side

# Floats of hidden activation in one chunk: what a CPU's second-level cache holds; a GPU wants larger ones.
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
    out: Tensor = _apply(x.reshape(-1, x.shape[-1]), weight_in, bias_in, weight_out, bias_out)
    return out.view(*x.shape[:-1], out.shape[-1])


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


# torch.compile calls it as it is: it is a loop over slices, and tracing it would take minutes and gain nothing.
_apply: Any = torch.compiler.disable(_FeedForward.apply)  # type: ignore[no-untyped-call]
