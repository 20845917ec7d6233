"""Several two-layer MLPs over the same positions, in chunks, storing nothing but the input.

Paramixer computes the links of all its factors from one source, so their first layers are one matrix. The hidden activations
`(M h, N)` would take up nearly all of its memory: here they exist for one chunk of positions at a time, and are recomputed in
the backward pass.

Cost: 2 N M h (D + K) operations forward, three times that backward (a third of it recomputation). Memory: input, output and
one chunk of hidden activations per thread.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqmix.functional.parallel import run_in_parallel

# Hidden activations in one chunk, in floats: what a core's second-level cache holds; a GPU needs larger chunks.
_CHUNK_FLOATS = {"cpu": 1 << 19, "cuda": 1 << 26}
# Number of parts that run in parallel, each summing its own weight gradients. Fixed, so that the result depends on the
# machine as little as possible.
_PARTS = 8


def chunked_mlp(x: Tensor, weight_in: Tensor, bias_in: Tensor, weight_out: Tensor, bias_out: Tensor) -> Tensor:
    """Apply M two-layer MLPs with exact GELU to every column of x.

    ``out[m] = weight_out[m] @ gelu(weight_in[m] @ x + bias_in[m]) + bias_out[m]``

    Args:
        x: `(D, N)`, one column per position.
        weight_in: `(M, h, D)`.
        bias_in: `(M, h)`.
        weight_out: `(M, K, h)`.
        bias_out: `(M, K)`.

    Returns:
        `(M, K, N)`, in the dtype of the inputs, or of autocast where it is enabled.
    """
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, weight_in, bias_in, weight_out, bias_out = (t.to(dtype) for t in (x, weight_in, bias_in, weight_out, bias_out))
    return _apply(x, weight_in, bias_in, weight_out, bias_out)


def _parts(x: Tensor, hidden_rows: int) -> list[tuple[int, list[slice]]]:
    """Divide the columns into chunks, and the chunks into at most `_PARTS` numbered parts of (nearly) equal size."""
    floats = _CHUNK_FLOATS.get(x.device.type, _CHUNK_FLOATS["cuda"])
    step = max(64, floats // hidden_rows)
    chunks = [slice(start, start + step) for start in range(0, x.shape[1], step)]
    size = -(-len(chunks) // _PARTS)
    return [(i, chunks[start : start + size]) for i, start in enumerate(range(0, len(chunks), size or 1))]


class _ChunkedMLP(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_in: Tensor, bias_in: Tensor, weight_out: Tensor, bias_out: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight_in, bias_in, weight_out)
        m, h, d = weight_in.shape
        out = x.new_empty((m, weight_out.shape[1], x.shape[1]))
        flat_in, column_in = weight_in.reshape(m * h, d), bias_in.reshape(-1, 1)

        def work(part: tuple[int, list[slice]]) -> None:
            for columns in part[1]:
                hidden = F.gelu(torch.addmm(column_in, flat_in, x[:, columns])).view(m, h, -1)
                out[:, :, columns] = torch.baddbmm(bias_out.unsqueeze(2), weight_out, hidden)

        with torch.autocast(x.device.type, enabled=False):
            run_in_parallel(work, _parts(x, m * h), x.device)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        x, weight_in, bias_in, weight_out = ctx.saved_tensors
        m, h, d = weight_in.shape
        flat_in, column_in = weight_in.reshape(m * h, d), bias_in.reshape(-1, 1)
        grad_x = torch.empty_like(x)
        # Sums over all positions are in float32 at least, whatever the dtype of the activations.
        total = torch.promote_types(x.dtype, torch.float32)
        parts = _parts(x, m * h)
        shapes = (flat_in.shape, (m * h,), weight_out.shape)
        sums = [torch.zeros((len(parts), *shape), dtype=total, device=x.device) for shape in shapes]

        def work(part: tuple[int, list[slice]]) -> None:
            grad_in, grad_bias_in, grad_out = (each[part[0]] for each in sums)
            for columns in part[1]:
                x_c, grad_c = x[:, columns], grad[:, :, columns]
                before = torch.addmm(column_in, flat_in, x_c)
                after = F.gelu(before).view(m, h, -1)
                grad_out += torch.bmm(grad_c, after.transpose(1, 2))
                grad_hidden = torch.bmm(weight_out.transpose(1, 2), grad_c).view(m * h, -1)
                grad_hidden = torch.ops.aten.gelu_backward(grad_hidden, before)
                grad_in += grad_hidden @ x_c.T
                grad_bias_in += grad_hidden.sum(1, dtype=total)
                grad_x[:, columns] = flat_in.T @ grad_hidden

        with torch.autocast(x.device.type, enabled=False):
            run_in_parallel(work, parts, x.device)
        grad_in, grad_bias_in, grad_out = (each.sum(0) for each in sums)
        grads = (grad_in.view(m, h, d), grad_bias_in.view(m, h), grad_out, grad.sum(2, dtype=total))
        return (grad_x, *(g.to(x.dtype) for g in grads))


# Not traced by torch.compile: tracing this loop over slices would take minutes and gain nothing.
_apply: Any = torch.compiler.disable(_ChunkedMLP.apply)
