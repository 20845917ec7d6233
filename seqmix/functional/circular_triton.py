"""Circular mixing on a GPU: one Triton kernel forward, one for both gradients.

``out[b, d, i] = sum_k links[b, k, i] * values[b, d, (i + offsets[k]) mod n_b]`` for i < n_b, zero behind it; n_b is
``lengths[b]``, or L. What stands behind n_b in the inputs is never read. With g the gradient of the output:

    grad_links[b, k, i]  = sum_d g[b, d, i] * values[b, d, (i + offsets[k]) mod n_b]
    grad_values[b, d, j] = sum_k (links[b, k] * g[b, d])[(j - offsets[k]) mod n_b]

Both gather: every program owns what it writes, so there are no atomics, and a result does not depend on the order in
which programs run.

Layout: links `(B, K, L)` and values `(B, D, L)` with any strides; positions are the fastest axis of a tile, so that a
link reads a shifted row at consecutive addresses. Forward, a program makes one tile of D x positions; backward, one
tile of positions for all of D and K. In slices, K passes over the output are K kernels and K round trips through
memory; here a sum stays in registers until it is written once, and each sequence wraps on its own length in the same
launch, with no look at `lengths` from the host. Sums are in float32 for half types.

Elements moved through memory, as far as the cache (L2) holds what links K apart read again: B L (K + 2 D) forward,
B L (2 K + 3 D) backward; a cache too small for a sequence's values adds up to K B L D for the far links. Operations:
2 B K D L and 4 B K D L.
Source: Yu et al., "Paramixer", CVPR 2022, the product W_m V_(m-1) (protocols CHORD and CDIL).

Triton is imported when a kernel is first launched and not before: this module can be imported without it.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    import triton.language as tl

# Tiles (D, positions): 16 sums a thread at Triton's four warps, 8 backward, which leaves registers for several programs
# on a processor. Backward has no axis of D to spread over programs, so its tiles are shorter: more programs for a small
# batch. Not tuned on any card.
_FORWARD_TILE = (16, 128)
_BACKWARD_TILE = (16, 64)


def available(device_type: str) -> bool:
    """Whether `forward` and `backward` run on tensors of this type of device.

    On `cuda`: Triton is installed and compiles here, which is tried once and takes a moment; it needs a C compiler,
    Python's header files and a card it knows. On `cpu`: TRITON_INTERPRET=1 is set (from before Triton is first
    imported), which is slow and for tests. Triton is not imported to answer for a CPU.
    """
    if device_type == "cpu":
        return os.environ.get("TRITON_INTERPRET") == "1" and _installed()
    return device_type == "cuda" and _installed() and torch.cuda.is_available() and _compiles()


def forward(links: Tensor, values: Tensor, offsets: Sequence[int], lengths: Tensor | None) -> Tensor:
    """The mixed values, `(B, D, L)`, contiguous, in the wider of the two input types.

    Args:
        links: `(B, K, L)`, any strides.
        values: `(B, D, L)`, any strides.
        offsets: K integers.
        lengths: `(B,)` integers in 0..L on the same device, or None for L. They are not checked: that would make the
            host wait. More than L counts as L.
    """
    b, d, length = values.shape
    dtype = torch.promote_types(links.dtype, values.dtype)
    out = torch.empty(values.shape, dtype=dtype, device=values.device)
    tile_d, tile_l = min(_FORWARD_TILE[0], _power_of_two(d)), _FORWARD_TILE[1]
    programs = b * -(-d // tile_d) * -(-length // tile_l)
    if programs:
        with _launching_on(values.device):
            _kernels()[0][(programs,)](
                *(out, links, values, *_circles(offsets, lengths, values.device)),
                *(d, links.shape[1], length),
                *(*links.stride(), *values.stride()),
                in_double=dtype == torch.float64,
                tile_d=tile_d,
                tile_l=tile_l,
                enable_fp_fusion=True,
            )
    return out


def backward(
    grad: Tensor, links: Tensor, values: Tensor, offsets: Sequence[int], lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The gradients of `forward` with respect to links and values, each contiguous and in its input's type.

    Args:
        grad: `(B, D, L)`, any strides: the gradient of the output.
        links, values, offsets, lengths: as `forward` got them.
    """
    b, d, length = values.shape
    grad_links = torch.empty(links.shape, dtype=links.dtype, device=links.device)
    grad_values = torch.empty(values.shape, dtype=values.dtype, device=values.device)
    tile_d, tile_l = min(_BACKWARD_TILE[0], _power_of_two(d)), _BACKWARD_TILE[1]
    programs = b * -(-length // tile_l)
    if programs:
        with _launching_on(values.device):
            _kernels()[1][(programs,)](
                *(grad_links, grad_values, grad, links, values, *_circles(offsets, lengths, values.device)),
                *(d, links.shape[1], length),
                *(*grad.stride(), *links.stride(), *values.stride()),
                in_double=torch.float64 in (grad.dtype, links.dtype, values.dtype),
                tile_d=tile_d,
                tile_l=tile_l,
                enable_fp_fusion=True,
            )
    return grad_links, grad_values


def _power_of_two(n: int) -> int:
    """The least power of two that is not below n: tiles of Triton have no other sizes."""
    return 1 << max(n - 1, 0).bit_length()


def _launching_on(device: torch.device) -> AbstractContextManager[Any]:
    """Triton launches on the current device, whatever the tensors' is."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@functools.cache
def _installed() -> bool:
    return importlib.util.find_spec("triton") is not None


@functools.cache
def _compiles() -> bool:
    """Whether a kernel can be compiled and launched on the GPU: asked of a tensor with one element.

    Triton may be there and yet not work (no C compiler in the container, a card too old for it); training should
    then be slower, not end.
    """
    try:
        one = torch.ones(1, 1, 1, device="cuda")
        forward(one, one, (0,), None)
    except Exception as error:
        warnings.warn(f"Triton is installed but does not work here ({error}): mixing without it, slower", stacklevel=3)
        return False
    return True


def _circles(offsets: Sequence[int], lengths: Tensor | None, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Offsets and lengths as the kernels read them: by pointers to consecutive integers."""
    return _on_device(tuple(offsets), device), None if lengths is None else lengths.contiguous()


@functools.lru_cache(maxsize=1024)
def _on_device(offsets: tuple[int, ...], device: torch.device) -> Tensor:
    """The offsets as a tensor, copied once: a copy in every step would make the host wait for the GPU."""
    return torch.tensor(offsets, dtype=torch.int64, device=device)


@functools.cache
def _kernels() -> tuple[Any, Any]:
    """The kernels below, forward and backward, as Triton's; it finds its language `tl` among this module's globals."""
    global tl
    import triton
    import triton.language as tl

    return triton.jit(_forward_kernel), triton.jit(_backward_kernel)


# In the kernels, which are in Triton's language:
# - Indices are 64 bits wide: B D L may exceed 2^31.
# - A position and a shift are both below n, so a circle is left at most once: a comparison in place of a division.
# - A shift is divided only where it must be, for a GPU divides 64 bits in a long program of its own. `%` has the sign
#   of the offset when compiled, so it may leave a negative one.
# - n is held to L at most and, as a divisor, to 1 at least: lengths are unchecked, and must not lead out of a tensor.
# - Masks stop at n: behind it there may be anything, NaN too, and NaN times 0 is NaN.


def _forward_kernel(  # type: ignore[no-untyped-def]  # Triton gives the types
    out, links, values, offsets, lengths,
    depth, n_links, length,
    links_b, links_k, links_l,
    values_b, values_d, values_l,
    in_double: tl.constexpr, tile_d: tl.constexpr, tile_l: tl.constexpr,
):  # fmt: skip
    # Neighbouring programs are neighbouring positions of the same channels: what they read for far links, others just
    # read for near ones, and the cache need hold only `tile_d` channels of a sequence for that.
    program = tl.program_id(0).to(tl.int64)
    n_tiles_l = tl.cdiv(length, tile_l)
    n_tiles_d = tl.cdiv(depth, tile_d)
    i = program % n_tiles_l * tile_l + tl.arange(0, tile_l)
    d = program // n_tiles_l % n_tiles_d * tile_d + tl.arange(0, tile_d)
    b = program // n_tiles_l // n_tiles_d
    n = tl.zeros((), tl.int64) + length
    if lengths is not None:
        n = tl.minimum(tl.load(lengths + b).to(tl.int64), n)
    links += b * links_b + i * links_l
    values += b * values_b + d[:, None] * values_d
    inside = (d < depth)[:, None] & (i < n)[None, :]
    mixed = tl.zeros((tile_d, tile_l), tl.float64 if in_double else tl.float32)
    for k in range(n_links):
        shift = tl.load(offsets + k)
        shift = tl.where(shift < 0, shift + n, shift)
        if (shift < 0) | (shift >= n):
            shift = shift % tl.maximum(n, 1)
            shift = tl.where(shift < 0, shift + n, shift)
        source = i + shift
        source = tl.where(source < n, source, source - n)
        link = tl.load(links, mask=i < n, other=0.0).to(mixed.dtype)
        value = tl.load(values + source[None, :] * values_l, mask=inside, other=0.0).to(mixed.dtype)
        mixed += link[None, :] * value
        links += links_k
    target = out + (b * depth + d[:, None]) * length + i[None, :]
    tl.store(target, mixed.to(out.dtype.element_ty), mask=(d < depth)[:, None] & (i < length)[None, :])


def _backward_kernel(  # type: ignore[no-untyped-def]  # Triton gives the types
    grad_links, grad_values, grad, links, values, offsets, lengths,
    depth, n_links, length,
    grad_b, grad_d, grad_l,
    links_b, links_k, links_l,
    values_b, values_d, values_l,
    in_double: tl.constexpr, tile_d: tl.constexpr, tile_l: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    n_tiles_l = tl.cdiv(length, tile_l)
    i = program % n_tiles_l * tile_l + tl.arange(0, tile_l)
    b = program // n_tiles_l
    n = tl.zeros((), tl.int64) + length
    if lengths is not None:
        n = tl.minimum(tl.load(lengths + b).to(tl.int64), n)
    grad += b * grad_b
    links += b * links_b
    values += b * values_b
    sum_type: tl.constexpr = tl.float64 if in_double else tl.float32

    # The links: a sum over D of what stands here times what the link points to.
    for k in range(n_links):
        shift = tl.load(offsets + k)
        shift = tl.where(shift < 0, shift + n, shift)
        if (shift < 0) | (shift >= n):
            shift = shift % tl.maximum(n, 1)
            shift = tl.where(shift < 0, shift + n, shift)
        source = i + shift
        source = tl.where(source < n, source, source - n)
        products = tl.zeros((tile_d, tile_l), sum_type)
        for start in range(0, depth, tile_d):
            d = start + tl.arange(0, tile_d).to(tl.int64)[:, None]
            inside = (d < depth) & (i < n)[None, :]
            here = tl.load(grad + d * grad_d + i[None, :] * grad_l, mask=inside, other=0.0).to(sum_type)
            there = tl.load(values + d * values_d + source[None, :] * values_l, mask=inside, other=0.0).to(sum_type)
            products += here * there
        target = grad_links + (b * n_links + k) * length + i
        tl.store(target, tl.sum(products, 0).to(grad_links.dtype.element_ty), mask=i < length)

    # The values: a sum over K of what the positions that link here passed on.
    for start in range(0, depth, tile_d):
        d = start + tl.arange(0, tile_d).to(tl.int64)[:, None]
        inside = (d < depth) & (i < n)[None, :]
        received = tl.zeros((tile_d, tile_l), sum_type)
        row = links
        for k in range(n_links):
            shift = tl.load(offsets + k)
            shift = tl.where(shift < 0, shift + n, shift)
            if (shift < 0) | (shift >= n):
                shift = shift % tl.maximum(n, 1)
                shift = tl.where(shift < 0, shift + n, shift)
            source = i - shift
            source = tl.where(source < 0, source + n, source)
            link = tl.load(row + source * links_l, mask=i < n, other=0.0).to(sum_type)
            passed = tl.load(grad + d * grad_d + source[None, :] * grad_l, mask=inside, other=0.0).to(sum_type)
            received += link[None, :] * passed
            row += links_k
        target = grad_values + (b * depth + d) * length + i[None, :]
        mask = (d < depth) & (i < length)[None, :]
        tl.store(target, received.to(grad_values.dtype.element_ty), mask=mask)
