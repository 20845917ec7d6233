"""Circular mixing: the product of one sparse Paramixer factor with the values, on the sequence's own circle.

Row i of a factor has its non-zeros at i + offset (modulo the length), the same offsets in every row. So the
product is a sum of shifted, weighted copies of the values: no index tensors, no scatter, no tensor of size
L x K x D. With time along the last, contiguous axis each term is one fused multiply-add over a slice of the
circularly extended values.

Cost: 2 B K D L operations forward, 4 B K D L backward. Memory: one extended copy of the values.
Source: Yu et al., "Paramixer", CVPR 2022, the product W_m V_(m-1) (protocols CHORD and CDIL).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Elements of one sequence up to which one thread is as quick as two.
_SMALL = 1 << 18


def circular_mix(links: Tensor, values: Tensor, offsets: Sequence[int], *, lengths: Tensor | None = None) -> Tensor:
    """Sum of circularly shifted values, weighted per position and link.

    ``out[b, d, i] = sum_k links[b, k, i] * values[b, d, (i + offsets[k]) mod L]``

    Args:
        links: `(B, K, L)`, the weight of link k at position i.
        values: `(B, D, L)`.
        offsets: K integers, negative ones too; each is taken modulo the length of the circle.
        lengths: `(B,)` integers in 1..L: sequence b wraps at its own length and what lies behind it is
            neither read nor written (its output is zero). None: all sequences fill the tensor.

    Returns:
        `(B, D, L)`, in the wider of the two input types.

    Raises:
        ValueError: the shapes do not agree with each other or with the offsets.
    """
    mixed: Tensor = _untraced(links, values, tuple(int(offset) for offset in offsets), lengths)
    return mixed


def _circular_mix(links: Tensor, values: Tensor, offsets: tuple[int, ...], lengths: Tensor | None) -> Tensor:
    if links.dim() != 3 or values.dim() != 3 or links.shape[::2] != values.shape[::2]:
        raise ValueError(f"links must be (B, K, L) and values (B, D, L): got {tuple(links.shape)} and {tuple(values.shape)}")
    if len(offsets) != links.shape[1]:
        raise ValueError(f"links has {links.shape[1]} rows for {len(offsets)} offsets: one row for each offset")
    spans = None
    if lengths is not None:
        spans = [int(n) for n in lengths.tolist()]
        if len(spans) != links.shape[0] or min(spans, default=1) < 1 or max(spans, default=1) > links.shape[2]:
            raise ValueError(f"lengths must be {links.shape[0]} integers in 1..{links.shape[2]}: got {spans}")
        if all(n == links.shape[2] for n in spans):
            spans = None
    dtype = torch.promote_types(links.dtype, values.dtype)
    mixed: Tensor = _CircularMix.apply(links.to(dtype), values.to(dtype), offsets, spans)  # type: ignore[no-untyped-call]
    return mixed


def _extend(tensor: Tensor, reach: int) -> Tensor:
    """`tensor` followed by its own first `reach` columns: a slice of it then never wraps."""
    return torch.cat((tensor, tensor[..., :reach]), dim=-1) if reach else tensor


def _mix_into(out: Tensor, links: Tensor, values: Tensor, offsets: Sequence[int]) -> None:
    """`out += sum_k links[..., k, :] * shifted values` for sequences that fill the tensors."""
    length = values.shape[-1]
    shifts = [offset % length for offset in offsets]
    extended = _extend(values, max(shifts, default=0))
    for k, shift in enumerate(shifts):
        out.addcmul_(links[..., k : k + 1, :], extended[..., shift : shift + length])


def _mix_gradients_into(
    grad_links: Tensor, grad_values: Tensor, grad: Tensor, links: Tensor, values: Tensor, offsets: Sequence[int]
) -> None:
    """Adds the gradients of `_mix_into` for sequences that fill the tensors.

    The gradient of the values gathers: position j receives from (j - offset), so it is the same sum of
    shifted slices with the offsets negated, of the gradient times the links.
    """
    length = values.shape[-1]
    shifts = [offset % length for offset in offsets]
    back = [-shift % length for shift in shifts]
    values_extended = _extend(values, max(shifts, default=0))
    grad_extended, links_extended = (_extend(t, max(back, default=0)) for t in (grad, links))
    for k, (shift, unshift) in enumerate(zip(shifts, back, strict=True)):
        torch.sum(grad * values_extended[..., shift : shift + length], dim=-2, out=grad_links[..., k, :])
        grad_values.addcmul_(
            links_extended[..., k : k + 1, unshift : unshift + length],
            grad_extended[..., unshift : unshift + length],
        )


@contextmanager
def _one_thread_for_small(values: Tensor) -> Iterator[None]:
    """One thread where the operations on a sequence are small.

    Starting several for each gains nothing on a quiet machine, and costs tenfold where another job wants the cores:
    every operation then waits for a thread that is not running.
    """
    threads = torch.get_num_threads()
    if values.device.type != "cpu" or threads == 1 or values.shape[1] * values.shape[2] > _SMALL:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _CircularMix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, links: Tensor, values: Tensor, offsets: tuple[int, ...], spans: list[int] | None) -> Tensor:
        ctx.save_for_backward(links, values)
        ctx.offsets, ctx.spans = offsets, spans
        out = torch.zeros(values.shape, dtype=values.dtype, device=values.device)
        with _one_thread_for_small(values):
            for rows, n in _stretches(spans, values):
                _mix_into(out[rows, :, :n], links[rows, :, :n], values[rows, :, :n], offsets)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        links, values = ctx.saved_tensors
        grad_links = torch.zeros(links.shape, dtype=links.dtype, device=links.device)
        grad_values = torch.zeros(values.shape, dtype=values.dtype, device=values.device)
        with _one_thread_for_small(values):
            for rows, n in _stretches(ctx.spans, values):
                _mix_gradients_into(
                    grad_links[rows, :, :n],
                    grad_values[rows, :, :n],
                    grad[rows, :, :n],
                    links[rows, :, :n],
                    values[rows, :, :n],
                    ctx.offsets,
                )
        return grad_links, grad_values, None, None


def _stretches(spans: list[int] | None, values: Tensor) -> list[tuple[slice | int, int]]:
    """Which rows to work on at a time, and their length: all together where they fill the tensor, else each."""
    return [(slice(None), values.shape[2])] if spans is None else list(enumerate(spans))


# torch.compile calls it as it is: it is a loop over slices, and tracing it would take minutes and gain nothing.
_untraced: Any = torch.compiler.disable(_circular_mix)  # type: ignore[no-untyped-call]
