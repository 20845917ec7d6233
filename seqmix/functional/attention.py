"""Attention cores: softmax with two low-rank approximations, kernelized (Gaussian) with Skyformer's.

All take queries, keys and values `(B, H, L, E)` and a mask `(B, L)`, True at real tokens, and return
`(B, H, L, E)`; what they return at padded queries is unspecified.

Sources: Chen et al., "Skyformer: Remodel Self-Attention with Gaussian Kernel and Nystrom Method", NeurIPS 2021;
Xiong et al., "Nystromformer", AAAI 2021; Wang et al., "Linformer", 2020.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seqmix.functional.gaussian import gaussian_kernel, gaussian_product


def softmax_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, *, dropout: float = 0.0) -> Tensor:
    """``softmax(q k^T / sqrt(E)) v`` over the real keys.

    Args:
        q, k, v: `(B, H, L, E)`; mask: `(B, L)` bool, True = a real token.
        dropout: probability with which attention weights are dropped (training only).

    Cost: O(L^2) operations; memory O(L) where a fused kernel is to be had.
    """
    return F.scaled_dot_product_attention(q, k, v, attn_mask=_keys(mask), dropout_p=dropout)


def _keys(mask: Tensor) -> Tensor | None:
    """The mask `(B, L)` for every head and query; None: all are real, for which there are quicker kernels."""
    return None if bool(mask.all()) else mask[:, None, None, :]


def kernelized_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Kernelized attention: the Gaussian kernel in the place of softmax (Skyformer, equation 3).

    Args:
        q, k, v: `(B, H, L, E)`; mask: `(B, L)` bool, True = a real token.

    Cost: O(L^2) operations, O(L) memory: the kernel is made in tiles, in the backward once more.
    """
    return gaussian_product(q, k, v, mask)


def newton_schulz_inverse(matrix: Tensor, iterations: int = 6) -> Tensor:
    """Inverse of each matrix `(..., M, M)` by matrix products alone (Razavi et al., as in Nystromformer).

    ``Z <- Z (13 I - K Z (15 I - K Z (7 I - K Z))) / 4`` from ``Z = K^T / (|K|_1 |K|_inf)``. The first
    scaling is taken for each matrix on its own; the published code takes it over the whole batch, which
    makes a prediction depend on its neighbours.
    """
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    absolute = matrix.abs()
    norms = absolute.sum(-2).amax(-1) * absolute.sum(-1).amax(-1)
    inverse = matrix.transpose(-1, -2) / norms[..., None, None]
    for _ in range(iterations):
        product = matrix @ inverse
        inverse = 0.25 * inverse @ (13 * identity - product @ (15 * identity - product @ (7 * identity - product)))
    return inverse


def nystrom_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, n_landmarks: int, iterations: int = 6) -> Tensor:
    """Nystrom approximation of softmax attention (Nystromformer, equation 13 and algorithm 1).

    ``softmax(Q K~^T) softmax(Q~ K~^T)^+ softmax(Q~ K^T) V``, all over sqrt(E): Q~ and K~ are the means of `n_landmarks`
    equal segments of a sequence's real tokens, or the tokens themselves where there are fewer. The pseudo-inverse is that
    of `newton_schulz_inverse`, scaled for each matrix on its own.

    Args:
        q, k, v: `(B, H, L, E)`; mask: `(B, L)` bool, True = a real token.
        n_landmarks: number of segments M; iterations: steps of the pseudo-inverse.

    Cost: O(L M E + M^3) operations; O(L E + M^2) memory where a fused kernel is to be had.
    """
    n_landmarks = min(n_landmarks, q.shape[2])
    segments, found = _segments(mask, n_landmarks)
    q_means, k_means = (_segment_means(x, mask, segments, n_landmarks) for x in (q, k))
    far = F.scaled_dot_product_attention(q_means, k, v, attn_mask=_keys(mask))  # (B, H, M, E)
    with torch.autocast(q.device.type, enabled=False):
        wide = torch.promote_types(q.dtype, torch.float32)
        scores = q_means.to(wide) @ k_means.to(wide).transpose(-1, -2) * q.shape[-1] ** -0.5
        # A landmark that is not there is one on the diagonal: the others' inverse does not see it.
        nowhere = ~found[:, None, None, :]
        kernel = scores.masked_fill(nowhere, -torch.inf).softmax(-1)
        kernel = torch.where(nowhere.transpose(-1, -2), torch.eye(n_landmarks, dtype=wide, device=q.device), kernel)
        solved = newton_schulz_inverse(kernel, iterations) @ far.to(wide)
    return F.scaled_dot_product_attention(q, k_means.to(q.dtype), solved.to(q.dtype), attn_mask=_keys(found))


def _segments(mask: Tensor, n_segments: int) -> tuple[Tensor, Tensor]:
    """The segment `(B, L)` of each token, of min(n_segments, tokens) equal ones; which segments there are `(B, M)`."""
    lengths = mask.sum(1, keepdim=True)
    used = lengths.clamp(1, n_segments)
    position = torch.arange(mask.shape[1], device=mask.device)
    segments = (position * used).div(lengths.clamp_min(1), rounding_mode="floor").clamp_max(n_segments - 1)
    return segments, torch.arange(n_segments, device=mask.device) < used


def _segment_means(x: Tensor, mask: Tensor, segments: Tensor, n_segments: int) -> Tensor:
    """Means `(B, H, M, E)` of the real rows of x `(B, H, L, E)` in each segment; zero where there are none."""
    counts = torch.zeros((len(x), n_segments), dtype=x.dtype, device=x.device).scatter_add_(1, segments, mask.to(x.dtype))
    sums = x.new_zeros((*x.shape[:2], n_segments, x.shape[3]))
    place = segments[:, None, :, None].expand_as(x)
    return sums.scatter_add(2, place, x.masked_fill(~mask[:, None, :, None], 0.0)) / counts.clamp_min(1)[:, None, :, None]


def linformer_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor, projection: Tensor, values: Tensor | None = None
) -> Tensor:
    """Softmax attention to keys and values projected along the length (Linformer, equation 7).

    ``softmax(Q (E K)^T / sqrt(E)) F V`` with E = `projection` and F = `values`; padding is zero before it is projected.

    Args:
        q, k, v: `(B, H, L, E)`; mask: `(B, L)` bool, True = a real token.
        projection: `(H, M, N)`, M features of N positions; position i of a longer sequence takes column i modulo N.
        values: the same for the values; None: they share that of the keys.

    Cost: O(L M E) operations, O(L E) memory where a fused kernel is to be had.
    """
    real = mask[:, None, :, None]
    keys = _project(projection, k.masked_fill(~real, 0.0))
    projected = _project(projection if values is None else values, v.masked_fill(~real, 0.0))
    return F.scaled_dot_product_attention(q, keys, projected)


def _project(projection: Tensor, x: Tensor) -> Tensor:
    """``projection @ x``: `(H, M, N)` and `(B, H, L, E)` to `(B, H, M, E)`."""
    width = projection.shape[2]
    parts = [x[:, :, start : start + width] for start in range(0, x.shape[2], width)]
    return torch.stack([projection[:, :, : part.shape[2]] @ part for part in parts]).sum(0)


def even_landmarks(lengths: Tensor, n_landmarks: int, padded_length: int) -> Tensor:
    """Rows of [Q; K] spread evenly over each sequence's real tokens, half of them queries, half keys.

    Depends on a sequence's own length alone. `lengths` `(B,)`; returns `(B, n_landmarks)` row numbers in
    0..2 * padded_length - 1 (rows from `padded_length` on are keys).
    """
    step = torch.arange(n_landmarks, device=lengths.device)
    rows = ((2 * step + 1) * lengths[:, None]) // n_landmarks  # midpoints of n_landmarks parts of 0..2n-1
    real = lengths[:, None]
    return torch.where(rows < real, rows, rows - real + padded_length)


def skyformer_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor,
    landmarks: Tensor,
    gamma: float = 0.1,
    iterations: int | None = 6,
) -> Tensor:
    """Nystrom approximation of kernelized attention: ``A_Q (M + gamma I)^-1 A_K^T V`` (Skyformer, section 4).

    A is the Gaussian kernel of the rows of [Q; K] with the landmark rows, M that of the landmarks with each
    other. Multiplied from the right, `A_K^T V` first, so that nothing costs L M^2. The inverse is taken of
    ``D^-1/2 (M + gamma I) D^-1/2`` with D the row sums (Lemma 3), in float32 at least.

    Args:
        q, k, v: `(B, H, L, E)`; mask: `(B, L)` bool, True = a real token.
        landmarks: `(M,)` or `(B, M)` row numbers in [Q; K], a tensor of length 2 L; they must be real tokens.
        gamma: what is added to the diagonal of M, > 0 for the iteration to converge.
        iterations: steps of `newton_schulz_inverse`; None: exact, by Cholesky decomposition.

    Cost: O(L M E + M^3) operations, O(L + M^2) memory: kernels are made in tiles, in the backward once more.
    """
    rows = landmarks.expand(q.shape[0], -1)
    place = (rows % q.shape[2])[:, None, :, None].expand(-1, q.shape[1], -1, q.shape[3])
    # Taken from either, not from both put together, which would be a tensor of twice the size.
    chosen = torch.where((rows < q.shape[2])[:, None, :, None], q.gather(2, place), k.gather(2, place))  # (B, H, M, E)
    keys_values = gaussian_product(chosen, k, v, mask)  # (B, H, M, E): A_K^T V
    with torch.autocast(q.device.type, enabled=False):
        wide = torch.promote_types(q.dtype, torch.float32)
        kernel = gaussian_kernel(chosen, chosen)
        kernel = kernel + gamma * torch.eye(kernel.shape[-1], dtype=wide, device=q.device)
        right = keys_values.to(wide)
        if iterations is None:
            solved = torch.cholesky_solve(right, torch.linalg.cholesky(kernel))
        else:
            root = kernel.sum(-1, keepdim=True).rsqrt()  # D^-1/2
            inverse = newton_schulz_inverse(root * kernel * root.transpose(-1, -2), iterations)
            solved = root * (inverse @ (root * right))
    return gaussian_product(q, chosen, solved.to(v.dtype))
