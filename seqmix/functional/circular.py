"""Circular mixing: the product of one sparse Paramixer factor with the values, on the sequence's own circle.

Row i of a factor has its non-zeros at i + offset (modulo the length), the same offsets in every row. So the
product is a sum of shifted, weighted copies of the values: no index tensors, no scatter, no tensor of size
L x K x D. With time along the last, contiguous axis each term is one fused multiply-add over a slice of the
circularly extended values.

Cost: 2 B K D L operations forward, 4 B K D L backward. Memory: one extended copy of the values.
Source: Yu et al., "Paramixer", CVPR 2022, the product W_m V_(m-1) (protocols CHORD and CDIL).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Which rows of a batch have which length: one entry for all of them, or one for each.
Spans = list[tuple[slice, int]]


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
    offsets = tuple(int(offset) for offset in offsets)
    if links.dim() != 3 or values.dim() != 3 or links.shape[::2] != values.shape[::2]:
        raise ValueError(f"links must be (B, K, L) and values (B, D, L): got {tuple(links.shape)} and {tuple(values.shape)}")
    if len(offsets) != links.shape[1]:
        raise ValueError(f"links has {links.shape[1]} rows for {len(offsets)} offsets: one row for each offset")
    spans: Spans = [(slice(None), links.shape[2])]
    if lengths is not None:
        each = [int(n) for n in lengths.tolist()]
        if len(each) != links.shape[0] or min(each, default=1) < 1 or max(each, default=1) > links.shape[2]:
            raise ValueError(f"lengths must be {links.shape[0]} integers in 1..{links.shape[2]}: got {each}")
        if len(set(each)) > 1 or each[:1] != [links.shape[2]]:
            spans = [(slice(b, b + 1), n) for b, n in enumerate(each)]
    dtype = torch.promote_types(links.dtype, values.dtype)
    mixed: Tensor = _CircularMix.apply(links.to(dtype), values.to(dtype), offsets, spans)  # type: ignore[no-untyped-call]
    return mixed


def _extend(tensor: Tensor, spans: Spans, left: int, right: int) -> Tensor:
    """`(B, C, left + L + right)`: each sequence between copies of its own end and its own beginning.

    A slice of it, `left + offset` on, is the sequence shifted on its circle. Only real positions are read.
    """
    length = tensor.shape[-1]
    extended = tensor.new_zeros((*tensor.shape[:-1], left + length + right))
    for rows, n in spans:
        part, source = extended[rows], tensor[rows]
        part[..., left : left + n] = source[..., :n]
        part[..., :left] = source[..., n - left : n]
        part[..., left + n : left + n + right] = source[..., :right]
    return extended


def _shifts(offsets: Sequence[int], shortest: int, same: bool) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Links as (number, shift) pairs: those that one slice serves for all sequences, and the others.

    Where all sequences have the same length an offset is taken on its circle, to the nearer side; else offsets of the
    shortest length and more are shifts of another size for every sequence.
    """
    near: list[tuple[int, int]] = []
    far: list[tuple[int, int]] = []
    for k, offset in enumerate(offsets):
        shift = (offset + shortest // 2) % shortest - shortest // 2 if same else offset
        (near if abs(shift) < shortest else far).append((k, shift))
    return near, far


def _mix(links: Tensor, values: Tensor, offsets: Sequence[int], spans: Spans) -> Tensor:
    out = torch.zeros(values.shape, dtype=values.dtype, device=values.device)
    length = values.shape[-1]
    near, far = _shifts(offsets, min(n for _, n in spans), len(spans) == 1)
    left, right = _reach(near)
    extended = _extend(values, spans, left, right)
    for k, shift in near:
        out.addcmul_(links[:, k : k + 1], extended[..., left + shift : left + shift + length])
    for rows, n in spans:
        if far:
            numbers, shifts = zip(*far, strict=True)
            chosen = links[rows][:, list(numbers), :n]
            out[rows][..., :n] += _mix(chosen, values[rows][..., :n], shifts, [(slice(None), n)])
        out[rows][..., n:] = 0
    return out


def _mix_gradients(grad: Tensor, links: Tensor, values: Tensor, offsets: Sequence[int], spans: Spans) -> tuple[Tensor, Tensor]:
    """Gradients of `_mix`. That of the values gathers: position j receives from (j - offset), so it is the same sum of
    shifted slices, with the offsets negated, of the gradient times the links."""
    grad_links = torch.zeros(links.shape, dtype=links.dtype, device=links.device)
    grad_values = torch.zeros(values.shape, dtype=values.dtype, device=values.device)
    length = values.shape[-1]
    near, far = _shifts(offsets, min(n for _, n in spans), len(spans) == 1)
    left, right = _reach(near)
    ahead = _extend(values, spans, left, right)
    back, weights = (_extend(tensor, spans, right, left) for tensor in (grad, links))
    product = torch.empty_like(grad)
    for k, shift in near:
        torch.mul(grad, ahead[..., left + shift : left + shift + length], out=product)
        torch.sum(product, dim=1, out=grad_links[:, k])
        there = slice(right - shift, right - shift + length)
        grad_values.addcmul_(weights[:, k : k + 1, there], back[..., there])
    for rows, n in spans:
        if far:
            numbers, shifts = zip(*far, strict=True)
            chosen = links[rows][:, list(numbers), :n]
            far_links, far_values = _mix_gradients(
                grad[rows][..., :n], chosen, values[rows][..., :n], shifts, [(slice(None), n)]
            )
            grad_links[rows][:, list(numbers), :n] = far_links
            grad_values[rows][..., :n] += far_values
        grad_links[rows][..., n:] = 0
        grad_values[rows][..., n:] = 0
    return grad_links, grad_values


def _reach(near: list[tuple[int, int]]) -> tuple[int, int]:
    """How far the shifts go to the left and to the right."""
    shifts = [0, *(shift for _, shift in near)]
    return -min(shifts), max(shifts)


class _CircularMix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, links: Tensor, values: Tensor, offsets: tuple[int, ...], spans: Spans) -> Tensor:
        ctx.save_for_backward(links, values)
        ctx.offsets, ctx.spans = offsets, spans
        return _mix(links, values, offsets, spans)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        links, values = ctx.saved_tensors
        return (*_mix_gradients(grad, links, values, ctx.offsets, ctx.spans), None, None)
