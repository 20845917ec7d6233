"""Circular mixing: the product of one sparse Paramixer factor with the values, on the sequence's own circle.

Row i of a factor has its non-zeros at i + offset (modulo the length), the same offsets in every row. So the
product is a sum of shifted, weighted copies of the values: no index tensors, no scatter, no tensor of size
L x K x D. With time along the last, contiguous axis each term is one fused multiply-add of a whole batch.

Sequences of one length stand side by side as they are: what wraps is a second, shorter slice. Sequences of similar length
do so too: each is extended by a piece of its own circle, behind its own end, so that one slice is right for all of them.
What is computed at padding is thrown away; rows are grouped such that it is at most a tenth of the work.

On a GPU with Triton, one kernel for the forward and one for the backward take the place of the slices.
`SEQMIX_KERNELS` chooses: `torch`, `triton`, or `auto` (Triton where it is to be had; the default).

Cost: 2 B K D L operations forward, 4 B K D L backward. Memory: one extended copy of the
values where lengths differ.
Source: Yu et al., "Paramixer", CVPR 2022, the product W_m V_(m-1) (protocols CHORD and CDIL).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqmix.errors import ConfigError
from seqmix.functional import circular_triton

# Elements of an operation up to which one thread is as quick as two.
_SMALL = 1 << 17
# Elements that are worked on together at most: more do not stay in a CPU's last-level cache from one link to the next.
_TOGETHER = {"cpu": 1 << 20}
# Padding, as a fraction of the work, that is computed rather than splitting a batch into more groups.
_WASTE = 0.1
# Rows of products that are summed at a time for the gradient of the links: the sum over more of them reads memory twice.
_SUM_ROWS = 16


def circular_mix(links: Tensor, values: Tensor, offsets: Sequence[int], *, lengths: Tensor | None = None) -> Tensor:
    """Sum of circularly shifted values, weighted per position and link.

    ``out[b, d, i] = sum_k links[b, k, i] * values[b, d, (i + offsets[k]) mod L]``

    Args:
        links: `(B, K, L)`, the weight of link k at position i.
        values: `(B, D, L)`.
        offsets: K integers, negative ones too; each is taken modulo the length of the circle.
        lengths: `(B,)` integers in 1..L: sequence b wraps at its own length and what lies behind it has no effect
            (its output is zero). None: all sequences fill the tensor.

    Returns:
        `(B, D, L)`, in the wider of the two input types.

    Raises:
        ValueError: the shapes do not agree with each other or with the offsets.
    """
    if links.dim() != 3 or values.dim() != 3 or links.shape[::2] != values.shape[::2]:
        raise ValueError(f"links must be (B, K, L) and values (B, D, L): got {tuple(links.shape)} and {tuple(values.shape)}")
    if len(offsets) != links.shape[1]:
        raise ValueError(f"links has {links.shape[1]} rows for {len(offsets)} offsets: one row for each offset")
    if lengths is not None and lengths.shape != links.shape[:1]:
        raise ValueError(f"lengths must be {links.shape[0]} integers, one for each sequence: got {tuple(lengths.shape)}")
    dtype = torch.promote_types(links.dtype, values.dtype)
    return torch.ops.seqmix.circular_mix(links.to(dtype), values.to(dtype), [int(o) for o in offsets], lengths)


# Defined by their schemas: `torch.library.custom_op` checks every call for aliases, which costs as much as a tenth of one.
torch.library.define("seqmix::circular_mix", "(Tensor links, Tensor values, int[] offsets, Tensor? lengths) -> Tensor")
torch.library.define(
    "seqmix::circular_mix_backward",
    "(Tensor grad, Tensor links, Tensor values, int[] offsets, Tensor? lengths) -> (Tensor, Tensor)",
)


def _mix(links: Tensor, values: Tensor, offsets: list[int], lengths: Tensor | None) -> Tensor:
    if _use_triton(values):
        return circular_triton.forward(links, values, offsets, lengths)
    out = torch.empty(values.shape, dtype=values.dtype, device=values.device)
    with _few_threads_for_small(values):
        for group in _groups(lengths, offsets, values):
            rows, n = group.rows, group.longest
            _mix_group(out[rows, :, :n], links[rows, :, :n], values[rows, :, :n], group)
            group.clear_padding(out)
    return out


def _mix_backward(
    grad: Tensor, links: Tensor, values: Tensor, offsets: list[int], lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    if _use_triton(values):
        return circular_triton.backward(grad, links, values, offsets, lengths)
    grad_links = torch.empty(links.shape, dtype=links.dtype, device=links.device)
    grad_values = torch.empty(values.shape, dtype=values.dtype, device=values.device)
    with _few_threads_for_small(values):
        for group in _groups(lengths, offsets, values):
            rows, n = group.rows, group.longest
            part = grad[rows, :, :n]
            _mix_group_links_gradient(grad_links[rows, :, :n], part, values[rows, :, :n], group)
            _mix_group_values_gradient(grad_values[rows, :, :n], part, links[rows, :, :n], group)
            group.clear_padding(grad_links)
            group.clear_padding(grad_values)
    return grad_links, grad_values


def _fake(links: Tensor, values: Tensor, offsets: list[int], lengths: Tensor | None) -> Tensor:
    return torch.empty(values.shape, dtype=values.dtype, device=values.device)


def _fake_backward(
    grad: Tensor, links: Tensor, values: Tensor, offsets: list[int], lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    return (
        torch.empty(links.shape, dtype=links.dtype, device=links.device),
        torch.empty(values.shape, dtype=values.dtype, device=values.device),
    )


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    links, values, ctx.offsets, lengths = inputs
    ctx.save_for_backward(links, values, lengths)


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
    links, values, lengths = ctx.saved_tensors
    grad_links, grad_values = torch.ops.seqmix.circular_mix_backward(grad, links, values, ctx.offsets, lengths)
    return grad_links, grad_values, None, None


for _name, _implementation, _shapes in (
    ("seqmix::circular_mix", _mix, _fake),
    ("seqmix::circular_mix_backward", _mix_backward, _fake_backward),
):
    torch.library.impl(_name, "default", _implementation)
    torch.library.register_fake(_name, _shapes)
torch.library.register_autograd("seqmix::circular_mix", _gradients, setup_context=_keep_inputs)


def _use_triton(values: Tensor) -> bool:
    choice = os.environ.get("SEQMIX_KERNELS", "auto")
    if choice not in ("torch", "triton", "auto"):
        raise ConfigError(f"SEQMIX_KERNELS must be torch, triton or auto: got '{choice}'")
    device = values.device.type
    if choice == "torch" or (choice == "auto" and device != "cuda"):
        return False
    found = circular_triton.available(device)
    if not found and choice == "triton":
        raise ConfigError(
            f"SEQMIX_KERNELS=triton, but Triton cannot be used on this device ({device}): it needs a CUDA GPU and the "
            "package triton; take SEQMIX_KERNELS=auto or torch"
        )
    return found


@dataclass(slots=True)
class _Group:
    """Rows of a batch that are worked on together.

    Attributes:
        rows: which; lengths: of each; longest: the greatest of them.
        shifts: of each link; in 0..longest - 1 for rows of one length, else the offsets as they are.
    """

    rows: slice
    lengths: list[int]
    longest: int
    shifts: list[int]

    def clear_padding(self, tensor: Tensor) -> None:
        """Zeroes `tensor` `(B, ?, L)` behind each sequence of this group."""
        for row, n in zip(range(self.rows.start, self.rows.stop), self.lengths, strict=True):
            if n < tensor.shape[2]:
                tensor[row, :, n:].zero_()

    def around(self, tensor: Tensor, shifts: Sequence[int]) -> tuple[Tensor, list[list[tuple[slice, slice]]]]:
        """Where the columns `i + shift` of the circles of `tensor` `(rows, ?, longest)` are to be found.

        Returns:
            a tensor, and for each shift pairs (columns i, columns of that tensor). For rows of one length it is `tensor`
            itself, and a shift that wraps is two pairs; for others it is `tensor` extended, and each is one.
        """
        n = self.longest
        if min(self.lengths) == n:
            return tensor, [
                [(slice(0, n - s), slice(s, n)), *([(slice(n - s, n), slice(0, s))] if s else [])]
                for s in (shift % n for shift in shifts)
            ]
        left, right = max(0, -min(shifts, default=0)), max(0, max(shifts, default=0))
        return self._extend(tensor, left, right), [[(slice(0, n), slice(left + s, left + s + n))] for s in shifts]

    def _extend(self, tensor: Tensor, left: int, right: int) -> Tensor:
        """Columns -left .. longest + right of the circles, each of its own length."""
        out = tensor.new_empty((*tensor.shape[:2], left + self.longest + right))
        for row, source, n in zip(out, tensor, self.lengths, strict=True):
            row[:, left : left + n] = source[:, :n]
            position = left + n
            while position < row.shape[1]:  # the circle goes on: once, or often where a sequence is short
                piece = min(n, row.shape[1] - position)
                row[:, position : position + piece] = source[:, :piece]
                position += piece
            position = left
            while position:
                piece = min(n, position)
                row[:, position - piece : position] = source[:, n - piece : n]
                position -= piece
        return out


def _groups(lengths: Tensor | None, offsets: Sequence[int], values: Tensor) -> Iterator[_Group]:
    """Consecutive rows of (nearly) one length, in order, few enough to stay in cache."""
    count, width, padded = values.shape
    spans = [padded] * count if lengths is None else [int(n) for n in lengths.tolist()]
    if lengths is not None and not 1 <= min(spans, default=1) <= max(spans, default=1) <= padded:
        raise ValueError(f"lengths must be in 1..{padded}: got {spans}")
    most = _TOGETHER.get(values.device.type, values.numel()) // max(1, width)
    reach = max((abs(offset) for offset in offsets), default=0)
    start = 0
    while start < count and padded:
        low = high = total = spans[start]
        stop = start + 1
        while stop < count:
            n = spans[stop]
            higher, lower, rows = max(high, n), min(low, n), stop + 1 - start
            # Beyond twice a circle's length, extending it costs more than it saves.
            alike = higher == lower or (total + n >= (1.0 - _WASTE) * higher * rows and reach <= 2 * lower)
            if not alike or higher * rows > most:
                break
            low, high, total, stop = lower, higher, total + n, stop + 1
        shifts = [offset % high for offset in offsets] if low == high else list(offsets)
        yield _Group(slice(start, stop), spans[start:stop], high, shifts)
        start = stop


def _mix_group(out: Tensor, links: Tensor, values: Tensor, group: _Group) -> None:
    """`out = sum_k links[:, k] * shifted values`."""
    source, places = group.around(values, group.shifts)
    if not places:
        out.zero_()
    for k, pairs in enumerate(places):
        for here, there in pairs:
            _multiply_into(out[..., here], source[..., there], links[:, k : k + 1, here], first=k == 0)


def _mix_group_values_gradient(grad_values: Tensor, grad: Tensor, links: Tensor, group: _Group) -> None:
    """Position j receives from (j - offset): the same sum, of the gradient times the links, the other way round."""
    back = [-shift for shift in group.shifts]
    source, places = group.around(grad, back)
    weights, _ = group.around(links, back)
    if not places:
        grad_values.zero_()
    for k, pairs in enumerate(places):
        for here, there in pairs:
            _multiply_into(grad_values[..., here], source[..., there], weights[:, k : k + 1, there], first=k == 0)


def _multiply_into(out: Tensor, left: Tensor, right: Tensor, *, first: bool) -> None:
    """``out = left * right`` for the first term of a sum, ``out += left * right`` for the others."""
    if first:
        torch.mul(left, right, out=out)
    else:
        out.addcmul_(left, right)


def _mix_group_links_gradient(grad_links: Tensor, grad: Tensor, values: Tensor, group: _Group) -> None:
    """`grad_links[:, k, i] = sum_d grad[:, d, i] * values[:, d, i + shift]`."""
    width = values.shape[1]
    source, places = group.around(values, group.shifts)
    step = min(_SUM_ROWS, width)
    products = grad.new_empty((grad.shape[0], step, grad.shape[2]))
    for k, pairs in enumerate(places):
        for here, there in pairs:
            for d in range(0, width, step or 1):
                rows = slice(d, min(width, d + step))
                _multiply_into(products[:, : rows.stop - d, here], grad[:, rows, here], source[:, rows, there], first=d == 0)
        torch.sum(products, dim=1, out=grad_links[:, k])


@contextmanager
def _few_threads_for_small(values: Tensor) -> Iterator[None]:
    """One thread where the operations are small.

    Starting several for each gains nothing on a quiet machine, and costs tenfold where another job wants the cores:
    every operation then waits for a thread that is not running.
    """
    threads = torch.get_num_threads()
    if values.device.type != "cpu" or threads == 1 or values.numel() > _SMALL:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
