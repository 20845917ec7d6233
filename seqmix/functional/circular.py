"""Circular mixing: the product of one sparse Paramixer factor with the values, on each sequence's own circle.

Row i of a factor has its non-zeros at i + offset (modulo the length), with the same offsets in every row. The product is
therefore a sum of shifted, weighted copies of the values: no index tensors, no scatter, and no tensor of size L x K x D. With
time along the last, contiguous axis, each term is one fused multiply-add over the whole batch.

Sequences of equal length are used as they are; a shift that wraps around costs a second, shorter slice. Sequences of similar
length are also batched: each is extended past its end by a piece of its own circle, so that one slice is right for all of
them. Results at padding are thrown away; rows are grouped so that padding is at most a tenth of the work.

On a GPU with Triton, one kernel for the forward pass and one for the backward pass replace the slices. The environment
variable `SEQMIX_KERNELS` chooses: `torch`, `triton`, or `auto` (the default: Triton where it is available).

Cost: 2 B K D L operations forward, 4 B K D L backward. Memory: one extended copy of the values where lengths differ.

Source: Yu et al., "Paramixer", CVPR 2022: the product W_m V_(m-1) (protocols CHORD and CDIL).
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

# Operations on at most this many elements run on one thread, which is as fast as two.
_SINGLE_THREAD_ELEMENTS = 1 << 17
# The most elements in one group: more do not stay in a CPU's last-level cache from one link to the next.
_GROUP_ELEMENTS = {"cpu": 1 << 20}
# The largest share of padding in a group; beyond it, the batch is split into more groups.
_MAX_PADDING = 0.1
# Rows of products summed at a time for the gradient of the links: summing more of them reads memory twice.
_ROWS_PER_SUM = 16


def circular_mix(links: Tensor, values: Tensor, offsets: Sequence[int], *, lengths: Tensor | None = None) -> Tensor:
    """Return the sum of circularly shifted values, weighted per position and link.

    ``out[b, d, i] = sum_k links[b, k, i] * values[b, d, (i + offsets[k]) mod L]``

    Args:
        links: `(B, K, L)`, the weight of link k at position i.
        values: `(B, D, L)`.
        offsets: K integers, possibly negative; each is taken modulo the length of the circle.
        lengths: `(B,)` integers in 1..L. Sequence b wraps around at its own length; what follows has no effect, and the output
            there is zero. If None, every sequence has length L.

    Returns:
        `(B, D, L)`, in the wider of the two input dtypes.

    Raises:
        ValueError: the shapes do not agree with each other or with the offsets.
    """
    if links.dim() != 3 or values.dim() != 3 or links.shape[::2] != values.shape[::2]:
        raise ValueError(f"links must be (B, K, L) and values (B, D, L): got {tuple(links.shape)} and {tuple(values.shape)}")
    if len(offsets) != links.shape[1]:
        raise ValueError(f"links must have one row for each offset: got {links.shape[1]} rows and {len(offsets)} offsets")
    if lengths is not None and lengths.shape != links.shape[:1]:
        raise ValueError(f"lengths must have shape ({links.shape[0]},), one for each sequence: got {tuple(lengths.shape)}")
    dtype = torch.promote_types(links.dtype, values.dtype)
    return torch.ops.seqmix.circular_mix(links.to(dtype), values.to(dtype), [int(o) for o in offsets], lengths)


# Defined by schema: `torch.library.custom_op` checks every call for aliases, which takes up to a tenth of the call's time.
torch.library.define("seqmix::circular_mix", "(Tensor links, Tensor values, int[] offsets, Tensor? lengths) -> Tensor")
torch.library.define(
    "seqmix::circular_mix_backward",
    "(Tensor grad, Tensor links, Tensor values, int[] offsets, Tensor? lengths) -> (Tensor, Tensor)",
)


def _mix(links: Tensor, values: Tensor, offsets: list[int], lengths: Tensor | None) -> Tensor:
    if _use_triton(values):
        return circular_triton.forward(links, values, offsets, lengths)
    out = torch.empty(values.shape, dtype=values.dtype, device=values.device)
    with _single_thread_if_small(values):
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
    with _single_thread_if_small(values):
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
            "package triton; use SEQMIX_KERNELS=auto or torch"
        )
    return found


@dataclass(slots=True)
class _Group:
    """Consecutive rows of a batch that are mixed together.

    Attributes:
        rows: which rows of the batch.
        lengths: length of each sequence.
        longest: greatest of the lengths.
        shifts: shift of each link: in 0..longest - 1 if all lengths are equal, otherwise the offsets themselves.
    """

    rows: slice
    lengths: list[int]
    longest: int
    shifts: list[int]

    def clear_padding(self, tensor: Tensor) -> None:
        """Zero `tensor` `(B, ?, L)` past the end of each sequence of this group."""
        for row, n in zip(range(self.rows.start, self.rows.stop), self.lengths, strict=True):
            if n < tensor.shape[2]:
                tensor[row, :, n:].zero_()

    def shifted(self, tensor: Tensor, shifts: Sequence[int]) -> tuple[Tensor, list[list[tuple[slice, slice]]]]:
        """Find the columns `i + shift` on the circles of `tensor` `(rows, ?, longest)`.

        Args:
            tensor: `(rows, ?, longest)`, the rows of this group.
            shifts: shift of each link.

        Returns:
            A tensor and, for each shift, pairs of slices: columns i, and where columns i + shift are in that tensor. If all
            lengths are equal, the tensor is the given one, and a shift that wraps around has two pairs. Otherwise the tensor is
            an extended copy, and each shift has one pair.
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
        """Copy columns -left .. longest + right of each circle, wrapping around at each sequence's own length."""
        out = tensor.new_empty((*tensor.shape[:2], left + self.longest + right))
        for row, source, n in zip(out, tensor, self.lengths, strict=True):
            row[:, left : left + n] = source[:, :n]
            position = left + n
            while position < row.shape[1]:  # go around the circle, several times if the sequence is short
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
    """Yield groups of consecutive rows of (nearly) equal length, in order, each small enough to stay in cache."""
    count, width, padded = values.shape
    spans = [padded] * count if lengths is None else [int(n) for n in lengths.tolist()]
    if lengths is not None and not 1 <= min(spans, default=1) <= max(spans, default=1) <= padded:
        raise ValueError(f"lengths must be in 1..{padded}: got {spans}")
    most = _GROUP_ELEMENTS.get(values.device.type, values.numel()) // max(1, width)
    reach = max((abs(offset) for offset in offsets), default=0)
    start = 0
    while start < count and padded:
        low = high = total = spans[start]
        stop = start + 1
        while stop < count:
            n = spans[stop]
            higher, lower, rows = max(high, n), min(low, n), stop + 1 - start
            # If the offsets reach further than twice a circle's length, extending it costs more than it saves.
            alike = higher == lower or (total + n >= (1.0 - _MAX_PADDING) * higher * rows and reach <= 2 * lower)
            if not alike or higher * rows > most:
                break
            low, high, total, stop = lower, higher, total + n, stop + 1
        shifts = [offset % high for offset in offsets] if low == high else list(offsets)
        yield _Group(slice(start, stop), spans[start:stop], high, shifts)
        start = stop


def _mix_group(out: Tensor, links: Tensor, values: Tensor, group: _Group) -> None:
    """Write `out = sum_k links[:, k] * shifted values`."""
    source, places = group.shifted(values, group.shifts)
    if not places:
        out.zero_()
    for k, pairs in enumerate(places):
        for here, there in pairs:
            _multiply_into(out[..., here], source[..., there], links[:, k : k + 1, here], first=k == 0)


def _mix_group_values_gradient(grad_values: Tensor, grad: Tensor, links: Tensor, group: _Group) -> None:
    """Write the gradient of the values: the same sum with shifts reversed, of the gradient times the links."""
    back = [-shift for shift in group.shifts]
    source, places = group.shifted(grad, back)
    weights, _ = group.shifted(links, back)
    if not places:
        grad_values.zero_()
    for k, pairs in enumerate(places):
        for here, there in pairs:
            _multiply_into(grad_values[..., here], source[..., there], weights[:, k : k + 1, there], first=k == 0)


def _multiply_into(out: Tensor, left: Tensor, right: Tensor, *, first: bool) -> None:
    """Write ``out = left * right`` for the first term of a sum, ``out += left * right`` for the others."""
    if first:
        torch.mul(left, right, out=out)
    else:
        out.addcmul_(left, right)


def _mix_group_links_gradient(grad_links: Tensor, grad: Tensor, values: Tensor, group: _Group) -> None:
    """Write `grad_links[:, k, i] = sum_d grad[:, d, i] * values[:, d, i + shift]`."""
    width = values.shape[1]
    source, places = group.shifted(values, group.shifts)
    step = min(_ROWS_PER_SUM, width)
    products = grad.new_empty((grad.shape[0], step, grad.shape[2]))
    for k, pairs in enumerate(places):
        for here, there in pairs:
            for d in range(0, width, step or 1):
                rows = slice(d, min(width, d + step))
                _multiply_into(products[:, : rows.stop - d, here], grad[:, rows, here], source[:, rows, there], first=d == 0)
        torch.sum(products, dim=1, out=grad_links[:, k])


@contextmanager
def _single_thread_if_small(values: Tensor) -> Iterator[None]:
    """Use one thread for small operations.

    Starting several threads for each operation gains nothing on an idle machine, and makes it ten times slower if another job
    wants the cores: every operation then waits for a thread that is not running.
    """
    threads = torch.get_num_threads()
    if values.device.type != "cpu" or threads == 1 or values.numel() > _SINGLE_THREAD_ELEMENTS:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
