"""The papers' formulas, dense and slow: what the mixers are compared with. One sequence at a time, no padding."""

import torch
import torch.nn.functional as F


def mlp(x, weight_in, bias_in, weight_out, bias_out):
    """Two layers with GELU on the rows of x `(L, D)`."""
    return F.gelu(x @ weight_in.T + bias_in) @ weight_out.T + bias_out


def offsets(protocol, factor, n_links):
    """Where the links of factor m = 1, 2, ... point (Paramixer, section 3)."""
    if protocol == "chord":
        return [0] + [2**power for power in range(n_links - 1)]
    dilation = 2 ** (factor - 1)
    return [0] + [sign * step * dilation for sign in (1, -1) for step in range(1, (n_links - 1) // 2 + 1)]


def factor_matrix(links, offsets):
    """The dense W_m `(L, L)` of links `(L, K)`; links that point to one place add up."""
    length = len(links)
    hits = torch.zeros(len(offsets), length, length, dtype=links.dtype)
    for k, offset in enumerate(offsets):
        for i in range(length):
            hits[k, i, (i + offset) % length] = 1.0
    return torch.einsum("ik,kij->ij", links, hits)


def paramixer(x, source, link_mlps, value_mlp, protocol, residual, rescale_every=0):
    """``V_0 = g(V)``, ``V_m = W_m V_(m-1) + V_(m-1)``; x, source `(L, D)`; MLPs as their four parameters.

    After every `rescale_every` factors (0: never) the values are divided by their root mean square.
    """
    values = mlp(x, *value_mlp)
    for m, parameters in enumerate(link_mlps, 1):
        links = mlp(source, *parameters)
        mixed = factor_matrix(links, offsets(protocol, m, links.shape[1])) @ values
        values = mixed + values if residual else mixed
        if rescale_every and m % rescale_every == 0:
            values = values / (values.square().mean() + 1e-12).sqrt()
    return values


def gaussian(a, b):
    """``exp(-|a_i - b_j|^2 / (2 sqrt(E)))``."""
    return torch.exp(-(a[:, None] - b[None]).square().sum(-1) / (2 * a.shape[1] ** 0.5))


def softmax_attention(q, k, v):
    """q, k, v `(L, E)`."""
    return torch.softmax(q @ k.T / q.shape[1] ** 0.5, dim=-1) @ v


def kernelized_attention(q, k, v):
    """Skyformer, equation 3."""
    return gaussian(q, k) @ v


def newton_schulz(matrix, iterations):
    """Z <- 1/4 Z (13 I - KZ (15 I - KZ (7 I - KZ))), from Z = K^T / (|K|_1 |K|_inf)."""
    one = torch.eye(len(matrix), dtype=matrix.dtype)
    z = matrix.T / (torch.linalg.matrix_norm(matrix, 1) * torch.linalg.matrix_norm(matrix, torch.inf))
    for _ in range(iterations):
        kz = matrix @ z
        z = 0.25 * z @ (13 * one - kz @ (15 * one - kz @ (7 * one - kz)))
    return z


def skyformer_attention(q, k, v, landmarks, gamma, iterations):
    """Skyformer, section 4, by the whole matrices; iterations None: the exact inverse."""
    chosen = torch.cat((q, k))[landmarks]
    kernel = gaussian(chosen, chosen) + gamma * torch.eye(len(landmarks), dtype=q.dtype)
    if iterations is None:
        inverse = torch.linalg.inv(kernel)
    else:
        root = torch.diag(kernel.sum(1) ** -0.5)
        inverse = root @ newton_schulz(root @ kernel @ root, iterations) @ root
    return gaussian(q, chosen) @ inverse @ gaussian(chosen, k) @ v
