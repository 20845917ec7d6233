"""Attention cores: softmax attention with two low-rank approximations, and kernelized attention with Skyformer's.

All take queries, keys and values `(B, H, L, E)` and a mask `(B, L)`, True = a real token, and return `(B, H, L, E)`. Outputs
at padded queries are unspecified.

Sources: Chen et al., "Skyformer: Remodel Self-Attention with Gaussian Kernel and Nyström Method", NeurIPS 2021; Xiong et al.,
"Nyströmformer", AAAI 2021; Wang et al., "Linformer", 2020.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from seqmix.functional.gaussian import gaussian_kernel, gaussian_product

_TILE_FLOATS = 1 << 24  # kernel values at a time where they are dropped


def softmax_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, *, dropout: float = 0.0) -> Tensor:
    """Return ``softmax(q k^T / sqrt(E)) v`` over the real keys.

    Cost: O(L^2) operations; O(L) memory where a fused kernel is available.

    Args:
        q: `(B, H, L, E)`.
        k: `(B, H, L, E)`.
        v: `(B, H, L, E)`.
        mask: `(B, L)` bool, True = a real token.
        dropout: probability of dropping an attention weight; pass 0 outside training.

    Returns:
        `(B, H, L, E)`.
    """
    return F.scaled_dot_product_attention(q, k, v, attn_mask=_keys(mask), dropout_p=dropout)


def _keys(mask: Tensor) -> Tensor | None:
    """Return the mask `(B, 1, 1, L)` for all heads and queries, or None if all keys are real, which allows faster kernels."""
    return None if bool(mask.all()) else mask[:, None, None, :]


def kernelized_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, *, dropout: float = 0.0) -> Tensor:
    """Return kernelized attention: the Gaussian kernel replaces softmax (Skyformer, equation 3).

    Cost: O(L^2) operations, O(L) memory: the kernel is computed in tiles, and again in the backward pass. With dropout, a tile
    holds some of the rows of all heads and sequences.

    Args:
        q: `(B, H, L, E)`.
        k: `(B, H, L, E)`.
        v: `(B, H, L, E)`.
        mask: `(B, L)` bool, True = a real token.
        dropout: probability of dropping a value of the kernel; pass 0 outside training.

    Returns:
        `(B, H, L, E)`.
    """
    if not dropout:
        return gaussian_product(q, k, v, mask)

    def attended(rows: Tensor) -> Tensor:
        kernel = gaussian_kernel(rows, k).masked_fill(~mask[:, None, None, :], 0.0)
        return (F.dropout(kernel, dropout) @ v.to(kernel.dtype)).to(v.dtype)

    parts = q.split(max(1, _TILE_FLOATS // (q.shape[0] * q.shape[1] * k.shape[2])), dim=2)
    return torch.cat([checkpoint(attended, part, use_reentrant=False) for part in parts], dim=2)


def newton_schulz_inverse(matrix: Tensor, iterations: int = 6) -> Tensor:
    """Return the inverse of each matrix by matrix products alone (Razavi et al., as used by Nyströmformer).

    ``Z <- Z (13 I - K Z (15 I - K Z (7 I - K Z))) / 4``, starting from ``Z = K^T / (|K|_1 |K|_inf)``. The starting scale is
    that of each matrix; the published code takes it over the whole batch, which makes a prediction depend on its neighbours.

    Args:
        matrix: `(..., M, M)`.
        iterations: number of steps.

    Returns:
        `(..., M, M)`.
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
    """Return the Nyström approximation of softmax attention (Nyströmformer, equation 13 and algorithm 1).

    ``softmax(Q K~^T) softmax(Q~ K~^T)^+ softmax(Q~ K^T) V``, all divided by sqrt(E) inside the softmax. Q~ and K~ are the
    means of `n_landmarks` equal segments of a sequence's real tokens, or the tokens themselves if there are fewer. The
    pseudo-inverse is `newton_schulz_inverse`, scaled for each matrix on its own.

    Cost: O(L M E + M^3) operations; O(L E + M^2) memory where a fused kernel is available.

    Args:
        q: `(B, H, L, E)`.
        k: `(B, H, L, E)`.
        v: `(B, H, L, E)`.
        mask: `(B, L)` bool, True = a real token.
        n_landmarks: number of segments M.
        iterations: steps of the pseudo-inverse.

    Returns:
        `(B, H, L, E)`.
    """
    n_landmarks = min(n_landmarks, q.shape[2])
    segments, exists = _segments(mask, n_landmarks)
    q_means, k_means = (_segment_means(x, mask, segments, n_landmarks) for x in (q, k))
    far = F.scaled_dot_product_attention(q_means, k, v, attn_mask=_keys(mask))  # (B, H, M, E)
    with torch.autocast(q.device.type, enabled=False):
        wide = torch.promote_types(q.dtype, torch.float32)
        scores = q_means.to(wide) @ k_means.to(wide).transpose(-1, -2) * q.shape[-1] ** -0.5
        # A missing landmark has a row of the identity matrix, which leaves the inverse of the others as it is.
        missing = ~exists[:, None, None, :]
        kernel = scores.masked_fill(missing, -torch.inf).softmax(-1)
        kernel = torch.where(missing.transpose(-1, -2), torch.eye(n_landmarks, dtype=wide, device=q.device), kernel)
        solved = newton_schulz_inverse(kernel, iterations) @ far.to(wide)
    return F.scaled_dot_product_attention(q, k_means.to(q.dtype), solved.to(q.dtype), attn_mask=_keys(exists))


def _segments(mask: Tensor, n_segments: int) -> tuple[Tensor, Tensor]:
    """Divide each sequence's real tokens into min(n_segments, tokens) equal segments.

    Returns:
        The segment of each token, `(B, L)`, and which segments exist, `(B, M)`.
    """
    lengths = mask.sum(1, keepdim=True)
    used = lengths.clamp(1, n_segments)
    position = torch.arange(mask.shape[1], device=mask.device)
    segments = (position * used).div(lengths.clamp_min(1), rounding_mode="floor").clamp_max(n_segments - 1)
    return segments, torch.arange(n_segments, device=mask.device) < used


def _segment_means(x: Tensor, mask: Tensor, segments: Tensor, n_segments: int) -> Tensor:
    """Return the means `(B, H, M, E)` of the real rows of x `(B, H, L, E)` in each segment; zero for a missing segment."""
    counts = torch.zeros((len(x), n_segments), dtype=x.dtype, device=x.device).scatter_add_(1, segments, mask.to(x.dtype))
    sums = x.new_zeros((*x.shape[:2], n_segments, x.shape[3]))
    place = segments[:, None, :, None].expand_as(x)
    return sums.scatter_add(2, place, x.masked_fill(~mask[:, None, :, None], 0.0)) / counts.clamp_min(1)[:, None, :, None]


def linformer_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor, projection: Tensor, values: Tensor | None = None
) -> Tensor:
    """Return softmax attention to keys and values projected along the length (Linformer, equation 7).

    ``softmax(Q (E K)^T / sqrt(E)) F V`` with E = `projection` and F = `values`. Padding is set to zero before the projection.

    Cost: O(L M E) operations, O(L E) memory where a fused kernel is available.

    Args:
        q: `(B, H, L, E)`.
        k: `(B, H, L, E)`.
        v: `(B, H, L, E)`.
        mask: `(B, L)` bool, True = a real token.
        projection: `(H, M, N)`, from N positions to M features; position i of a longer sequence uses column i modulo N.
        values: projection of the values, `(H, M, N)`. If None, they share that of the keys.

    Returns:
        `(B, H, L, E)`.
    """
    real = mask[:, None, :, None]
    keys = _project(projection, k.masked_fill(~real, 0.0))
    projected = _project(projection if values is None else values, v.masked_fill(~real, 0.0))
    return F.scaled_dot_product_attention(q, keys, projected)


def _project(projection: Tensor, x: Tensor) -> Tensor:
    """Return ``projection @ x``: `(H, M, N)` and `(B, H, L, E)` to `(B, H, M, E)`."""
    width = projection.shape[2]
    parts = [x[:, :, start : start + width] for start in range(0, x.shape[2], width)]
    return torch.stack([projection[:, :, : part.shape[2]] @ part for part in parts]).sum(0)


def even_landmarks(lengths: Tensor, n_landmarks: int, padded_length: int) -> Tensor:
    """Return rows of [Q; K] spread evenly over each sequence's real tokens, half of them queries and half keys.

    The rows depend on a sequence's own length alone.

    Args:
        lengths: `(B,)`, number of real tokens.
        n_landmarks: number of rows M.
        padded_length: L, the length of Q and of K.

    Returns:
        `(B, M)` row numbers in 0..2 L - 1; rows from L on are keys.
    """
    step = torch.arange(n_landmarks, device=lengths.device)
    rows = ((2 * step + 1) * lengths[:, None]) // n_landmarks  # midpoints of n_landmarks equal parts of 0..2n-1
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
    """Return the Nyström approximation of kernelized attention: ``A_Q (M + gamma I)^-1 A_K^T V`` (Skyformer, sections 4.2 and
    4.4).

    A is the Gaussian kernel of the rows of [Q; K] with the landmark rows, and M that of the landmarks with each other. The
    product is evaluated from the right, `A_K^T V` first, so that nothing costs L M^2. The inverse is taken of ``D^-1/2 (M +
    gamma I) D^-1/2``, with D the diagonal matrix of row sums (Lemma 3), in float32 at least.

    Cost: O(L M E + M^3) operations, O(L + M^2) memory: kernels are computed in tiles, and again in the backward pass.

    Args:
        q: `(B, H, L, E)`.
        k: `(B, H, L, E)`.
        v: `(B, H, L, E)`.
        mask: `(B, L)` bool, True = a real token.
        landmarks: `(M,)` or `(B, M)` row numbers in [Q; K], which has 2 L rows; they must be real tokens.
        gamma: added to the diagonal of M; > 0, so that the iteration converges.
        iterations: steps of `newton_schulz_inverse`. If None, the inverse is exact, by Cholesky decomposition.

    Returns:
        `(B, H, L, E)`.
    """
    rows = landmarks.expand(q.shape[0], -1)
    place = (rows % q.shape[2])[:, None, :, None].expand(-1, q.shape[1], -1, q.shape[3])
    # Gathered from each of the two: concatenating them would allocate a tensor of twice the size.
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
