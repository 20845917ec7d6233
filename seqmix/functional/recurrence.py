"""A linear recurrence along the length: ``h_t = decay_t * h_(t-1) + inputs_t``, for each channel by itself.

The recurrence is associative, so that time can be cut into chunks. A first pass computes what each chunk makes of a state:
the product of its decays, and its last state if it began with zero. That is a recurrence over the chunks, an eighth as long,
which is solved in the same way. It yields the state in front of each chunk, and a second pass computes all states. Either
pass takes one step in all chunks at a time. Time is the first axis, so that a step works on long pieces of memory. On a CPU,
this is several times as fast as one position after another, and as doubling (Hillis and Steele, 1986), which takes log2(L)
passes.

With decays in [0, 1], which are gates, nothing overflows; products of many decays become zero, as does what they stand for.

Cost: O(L) operations per channel; about 3 readings of the decays, 2 of the inputs, and the chunks' states as extra memory
(L / 4 numbers per channel). For the gradient, decays and states are kept, and one recurrence runs the other way.

Source: Martin and Cundy, "Parallelizing Linear Recurrent Neural Nets Over Sequence Length", ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_CHUNK = 8  # positions; longer chunks are as quick on a CPU, but take more operations, which is what counts on a GPU


def linear_recurrence(decay: Tensor, inputs: Tensor, *, reverse: bool = False) -> Tensor:
    """Return the states of a linear recurrence that begins with a state of zero.

    ``h[t] = decay[t] * h[t - 1] + inputs[t]``, or in reverse ``h[t] = decay[t] * h[t + 1] + inputs[t]``

    Args:
        decay: `(L, ...)`, for example `(L, B, D)`: the share of the state that stays, usually in [0, 1].
        inputs: `(L, ...)`, of the same shape.
        reverse: whether time runs from the end to the beginning.

    Returns:
        `(L, ...)`, in the wider of the two input dtypes, float32 at least. Gradients cannot be differentiated again.

    Raises:
        ValueError: the shapes differ, or there is no axis of time.
    """
    if decay.shape != inputs.shape or not decay.dim():
        raise ValueError(
            f"decay and inputs must have the same shape (L, ...): got {tuple(decay.shape)} and {tuple(inputs.shape)}"
        )
    dtype = torch.promote_types(torch.promote_types(decay.dtype, inputs.dtype), torch.float32)
    states: Tensor = _apply(decay.to(dtype).contiguous(), inputs.to(dtype).contiguous(), reverse)
    return states


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decay: Tensor, inputs: Tensor, reverse: bool) -> Tensor:
        states = _solve(_links(decay, reverse), inputs, reverse)
        ctx.save_for_backward(decay, states)
        ctx.reverse = reverse
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        decay, states = ctx.saved_tensors
        reverse: bool = ctx.reverse
        grad_inputs = _solve(_links(decay, reverse), grad.contiguous(), not reverse)
        grad_decay = torch.empty_like(decay)
        if len(decay):
            grad_decay[-1 if reverse else 0].zero_()  # its state is zero
            later, earlier = (slice(-1), slice(1, None)) if reverse else (slice(1, None), slice(-1))
            torch.mul(grad_inputs[later], states[earlier], out=grad_decay[later])
        return grad_decay, grad_inputs, None


# Not traced by torch.compile: tracing this loop over slices would take minutes and gain nothing.
_apply: Any = torch.compiler.disable(_Recurrence.apply)


def _links(decay: Tensor, reverse: bool) -> Tensor:
    """Return the decay between each position and the next, `(L - 1, ...)`; the first in time has no effect."""
    return decay[:-1] if reverse else decay[1:]


def _solve(links: Tensor, inputs: Tensor, reverse: bool) -> Tensor:
    """Return the states, given the decays between neighbours `(L - 1, ...)` and the inputs `(L, ...)`."""
    states = torch.empty_like(inputs)
    if len(inputs):
        first, rest = (-1, slice(-1)) if reverse else (0, slice(1, None))
        states[first].copy_(inputs[first])
        _continue(links, inputs[rest], states[first], states[rest], reverse)
    return states


def _continue(decay: Tensor, inputs: Tensor, state: Tensor, out: Tensor, reverse: bool) -> None:
    """Write the states that follow `state` `(...)` to `out` `(L, ...)`."""
    chunks = len(inputs) // _CHUNK
    if chunks < 2:
        decays, added, states = (_in_order(x.unbind(), reverse) for x in (decay, inputs, out))
        _step(decays, added, states, state)
        return
    whole = chunks * _CHUNK
    inside, left = (slice(-whole, None), slice(-whole)) if reverse else (slice(whole), slice(whole, None))
    decays, added, states = (
        _in_order(x[inside].unflatten(0, (chunks, _CHUNK)).unbind(1), reverse) for x in (decay, inputs, out)
    )
    _step(decays, added, states, _before_chunks(decays, added, state, reverse))
    _continue(decay[left], inputs[left], states[-1][0 if reverse else -1], out[left], reverse)


def _before_chunks(decays: Sequence[Tensor], inputs: Sequence[Tensor], state: Tensor, reverse: bool) -> Tensor:
    """Return the state in front of each of N chunks `(N, ...)`, given the decays and inputs of each step, `(N, ...)`."""
    kept = decays[0] * decays[1]
    last = torch.addcmul(inputs[1], decays[1], inputs[0])
    for decay, added in zip(decays[2:], inputs[2:], strict=True):
        kept.mul_(decay)
        torch.addcmul(added, decay, last, out=last)
    before = torch.empty_like(last)
    first, later, earlier = (-1, slice(-1), slice(1, None)) if reverse else (0, slice(1, None), slice(-1))
    before[first].copy_(state)
    _continue(kept[earlier], last[earlier], state, before[later], reverse)
    return before


def _step(decays: Sequence[Tensor], inputs: Sequence[Tensor], states: Sequence[Tensor], state: Tensor) -> None:
    """Write one state after the other."""
    for decay, added, out in zip(decays, inputs, states, strict=True):
        torch.addcmul(added, decay, state, out=out)
        state = out


def _in_order(pieces: Sequence[Tensor], reverse: bool) -> Sequence[Tensor]:
    return pieces[::-1] if reverse else pieces
