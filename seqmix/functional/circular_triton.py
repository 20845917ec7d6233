"""Circular mixing on a GPU: one Triton kernel for the forward pass, one for both gradients.

``out[b, d, i] = sum_k links[b, k, i] * values[b, d, (i + offsets[k]) mod n_b]`` for i < n_b, and zero beyond; n_b is
``lengths[b]``, or L. Inputs past n_b are never read. With g the gradient of the output:

    grad_links[b, k, i]  = sum_d g[b, d, i] * values[b, d, (i + offsets[k]) mod n_b]
    grad_values[b, d, j] = sum_k (links[b, k] * g[b, d])[(j - offsets[k]) mod n_b]

Tested: the kernels run in Triton's interpreter on the CPU, compared with the formula and with the torch version, and compile
to machine code for NVIDIA GPUs of compute capability 8.0. Not tested: no test runs them on a GPU, nor does continuous
integration. Their speed has not been measured on a GPU, and the tile sizes are not tuned for any.

Both kernels gather: every program owns what it writes, so there are no atomics, and results do not depend on the order in
which programs run.

Layout: links `(B, K, L)` and values `(B, D, L)` with any strides. Positions are the fastest axis of a tile, so that a link
reads a shifted row at consecutive addresses. In the forward pass a program computes one tile of D x positions; in the backward
pass, one tile of positions for all of D and K. Slices in torch would take K kernels and K round trips through memory; here a
sum stays in registers until it is written once, and each sequence wraps around at its own length in the same launch, without
the host reading `lengths`. Half-precision inputs are summed in float32.

Cost: 2 B K D L operations forward, 4 B K D L backward. Elements moved through memory: B L (K + 2 D) forward and
B L (2 K + 3 D) backward, if the L2 cache keeps what links K apart read again; a cache too small for the values of a sequence
adds up to K B L D for the far links.

Source: Yu et al., "Paramixer", CVPR 2022: the product W_m V_(m-1) (protocols CHORD and CDIL).

Triton is imported when a kernel is first launched, so this module can be imported without it.
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

# Tiles (D, positions): 16 sums per thread with Triton's default of four warps, 8 in the backward pass, which leaves registers
# for several programs on a multiprocessor. The backward pass does not divide D among programs, so its tiles are shorter, to
# have enough programs for a small batch. Chosen by this reasoning, not measured: see the module docstring.
_FORWARD_TILE = (16, 128)
_BACKWARD_TILE = (16, 64)


def available(device_type: str) -> bool:
    """Return whether `forward` and `backward` run on tensors of this type of device.

    On "cuda": whether Triton is installed and compiles here, which is tried once and takes a moment; it needs a C compiler,
    Python's header files and a supported GPU. On "cpu": whether TRITON_INTERPRET=1 was set before Triton was first imported;
    the interpreter is slow and meant for tests. Answering for a CPU does not import Triton.
    """
    if device_type == "cpu":
        return os.environ.get("TRITON_INTERPRET") == "1" and _installed()
    return device_type == "cuda" and _installed() and torch.cuda.is_available() and _compiles()


def forward(links: Tensor, values: Tensor, offsets: Sequence[int], lengths: Tensor | None) -> Tensor:
    """Return the mixed values.

    Args:
        links: `(B, K, L)`, any strides.
        values: `(B, D, L)`, any strides.
        offsets: K integers.
        lengths: `(B,)` integers in 0..L on the same device; if None, all are L. They are not checked, which would make the
            host wait for the GPU; a length above L counts as L.

    Returns:
        `(B, D, L)`, contiguous, in the wider of the two input dtypes.
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
    """Return the gradients of `forward` with respect to links and values, each contiguous and in its input's dtype.

    Args:
        grad: `(B, D, L)`, any strides, the gradient of the output.
        links: as passed to `forward`.
        values: as passed to `forward`.
        offsets: as passed to `forward`.
        lengths: as passed to `forward`.

    Returns:
        `(B, K, L)` and `(B, D, L)`.
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
    """Return the smallest power of two that is at least n: Triton's tiles have no other sizes."""
    return 1 << max(n - 1, 0).bit_length()


def _launching_on(device: torch.device) -> AbstractContextManager[Any]:
    """Make the tensors' device the current one, which is where Triton launches kernels."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@functools.cache
def _installed() -> bool:
    return importlib.util.find_spec("triton") is not None


@functools.cache
def _compiles() -> bool:
    """Return whether a kernel can be compiled and launched on the GPU, by trying it on a tensor with one element.

    Triton may be installed and not work (no C compiler in the container, a GPU too old for it); training should then be slower
    rather than fail.
    """
    try:
        one = torch.ones(1, 1, 1, device="cuda")
        forward(one, one, (0,), None)
    except Exception as error:
        warnings.warn(f"Triton is installed but does not work ({error}); using slower PyTorch mixing instead", stacklevel=3)
        return False
    return True


def _circles(offsets: Sequence[int], lengths: Tensor | None, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Return offsets and lengths as the kernels read them: as pointers to contiguous integers."""
    return _on_device(tuple(offsets), device), None if lengths is None else lengths.contiguous()


@functools.lru_cache(maxsize=1024)
def _on_device(offsets: tuple[int, ...], device: torch.device) -> Tensor:
    """Return the offsets as a tensor, copied once: a copy at every step would make the host wait for the GPU."""
    return torch.tensor(offsets, dtype=torch.int64, device=device)


@functools.cache
def _kernels() -> tuple[Any, Any]:
    """Return the kernels below, forward and backward, compiled by Triton, which looks up `tl` in this module's globals."""
    global tl
    import triton
    import triton.language as tl

    return triton.jit(_forward_kernel), triton.jit(_backward_kernel)


# The kernels, in Triton's language:
# - Indices are 64 bits wide: B D L may exceed 2^31.
# - A position and a shift are both below n, so their sum wraps around at most once: a comparison replaces the division.
# - A shift is divided only if it must be: a GPU has no instruction for 64-bit division, which takes many others. When
#   compiled, `%` has the sign of the offset, so the result may be negative.
# - n is at most L and, as a divisor, at least 1: lengths are unchecked, and must not lead outside a tensor.
# - Masks stop at n: padding may hold anything, including NaN, and NaN times 0 is NaN.


def _forward_kernel(  # type: ignore[no-untyped-def]  # Triton infers the types
    out, links, values, offsets, lengths,
    depth, n_links, length,
    links_b, links_k, links_l,
    values_b, values_d, values_l,
    in_double: tl.constexpr, tile_d: tl.constexpr, tile_l: tl.constexpr,
):  # fmt: skip
    # Neighbouring programs compute neighbouring positions of the same channels: what one reads for far links, others have
    # just read for near links, and for that the cache needs to hold only `tile_d` channels of a sequence.
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


def _backward_kernel(  # type: ignore[no-untyped-def]  # Triton infers the types
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

    # Gradient of the links: a sum over D of the gradient here times the value that the link points to.
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

    # Gradient of the values: a sum over K of link times gradient at the positions that link here.
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
