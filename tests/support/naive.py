"""The papers' formulas, dense and slow, to compare the mixers with. One sequence at a time, no padding."""

import torch
import torch.nn.functional as F


def mlp(x, weight_in, bias_in, weight_out, bias_out):
    """Two layers with GELU, on the rows of x `(L, D)`."""
    return F.gelu(x @ weight_in.T + bias_in) @ weight_out.T + bias_out


def offsets(protocol, factor, n_links):
    """Where the links of factor m = 1, 2, ... point (Paramixer, section 3)."""
    if protocol == "chord":
        return [0] + [2**power for power in range(n_links - 1)]
    dilation = 2 ** (factor - 1)
    return [0] + [sign * step * dilation for sign in (1, -1) for step in range(1, (n_links - 1) // 2 + 1)]


def factor_matrix(links, offsets):
    """The dense matrix W_m `(L, L)` of links `(L, K)`; links that point to the same position add up."""
    length = len(links)
    hits = torch.zeros(len(offsets), length, length, dtype=links.dtype)
    for k, offset in enumerate(offsets):
        for i in range(length):
            hits[k, i, (i + offset) % length] = 1.0
    return torch.einsum("ik,kij->ij", links, hits)


def paramixer(x, source, link_mlps, value_mlp, protocol, residual, rescale_every=0, residual_from="previous"):
    """``V_0 = g(V)``, ``V_m = W_m V_(m-1) + V_(m-1)``; x and source are `(L, D)`, each MLP is given by its four parameters.

    With `residual_from` "values", ``V_m = W_m V_(m-1) + V_0``. After every `rescale_every` factors (0 for never), the values
    are divided by their root mean square.
    """
    start = values = mlp(x, *value_mlp)
    for m, parameters in enumerate(link_mlps, 1):
        links = mlp(source, *parameters)
        mixed = factor_matrix(links, offsets(protocol, m, links.shape[1])) @ values
        added = {"previous": values, "values": start}[residual_from]
        values = mixed + added if residual else mixed
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
    """Skyformer, sections 4.2 and 4.4, with whole matrices; the inverse is exact if iterations is None."""
    chosen = torch.cat((q, k))[landmarks]
    kernel = gaussian(chosen, chosen) + gamma * torch.eye(len(landmarks), dtype=q.dtype)
    if iterations is None:
        inverse = torch.linalg.inv(kernel)
    else:
        root = torch.diag(kernel.sum(1) ** -0.5)
        inverse = root @ newton_schulz(root @ kernel @ root, iterations) @ root
    return gaussian(q, chosen) @ inverse @ gaussian(chosen, k) @ v


def segment_means(x, n_landmarks):
    """Means of equal segments of x `(L, E)`, at most as many as there are rows."""
    n = min(n_landmarks, len(x))
    segment = torch.tensor([i * n // len(x) for i in range(len(x))])
    return torch.stack([x[segment == m].mean(0) for m in range(n)])


def nystrom_attention(q, k, v, n_landmarks, iterations):
    """Nyströmformer, equation 13, with whole matrices."""
    scale = q.shape[1] ** -0.5
    q_means, k_means = segment_means(q, n_landmarks), segment_means(k, n_landmarks)
    inverse = newton_schulz(torch.softmax(q_means @ k_means.T * scale, -1), iterations)
    return torch.softmax(q @ k_means.T * scale, -1) @ inverse @ torch.softmax(q_means @ k.T * scale, -1) @ v


def linformer_attention(q, k, v, projection, values):
    """Linformer, equation 7; projections `(M, N)` repeat after position N."""
    e, f = (torch.cat([matrix] * (len(k) // matrix.shape[1] + 1), dim=1)[:, : len(k)] for matrix in (projection, values))
    return softmax_attention(q, e @ k, f @ v)


def performer_attention(q, k, v, features, kernel):
    """FAVOR+ by the L x L matrix of estimated weights; features are `(M, E)`."""

    def phi(x, largest):
        x = x / x.shape[1] ** 0.25
        if kernel == "relu":
            return torch.relu(x @ features.T) + 1e-6
        exponent = x @ features.T - x.square().sum(1, keepdim=True) / 2
        return torch.exp(exponent - largest(exponent)) + 1e-6

    weights = phi(q, lambda e: e.amax(1, keepdim=True)) @ phi(k, lambda e: e.max()).T
    return weights / weights.sum(1, keepdim=True) @ v


def linear_attention(q, k, v):
    """Katharopoulos et al., equation 4, with elu + 1."""
    weights = (F.elu(q) + 1) @ (F.elu(k) + 1).T
    return weights / weights.sum(1, keepdim=True) @ v


def informer_attention(q, k, v, n_features):
    """Informer, equations 3 and 4, with the evenly spread sample of `eval()`."""
    sample = [int((i + 0.5) / n_features * len(k)) for i in range(n_features)]
    scores = q @ k[sample].T
    unevenness = scores.max(1).values - scores.mean(1)
    order = sorted(range(len(q)), key=lambda i: -unevenness[i].item())
    out = v.mean(0).expand_as(v).clone()
    active = order[:n_features]
    out[active] = softmax_attention(q, k, v)[active]
    return out


def masked_attention(q, k, v, seen):
    """Softmax attention where `seen` `(L, L)` is true."""
    scores = (q @ k.T / q.shape[1] ** 0.5).masked_fill(~seen, -torch.inf)
    return torch.softmax(scores, dim=-1) @ v


def bigbird_mask(length, size, random_blocks):
    """Which tokens attend to which: neighbours, first and last block, and `random_blocks[i]` of block i."""
    block = torch.arange(length) // size
    last = int(block[-1])
    seen = (block[:, None] - block[None]).abs() <= 1
    for edge in (0, last):
        seen = seen | (block[:, None] == edge) | (block[None] == edge)
    for i, others in random_blocks.items():
        for j in others:
            seen = seen | ((block[:, None] == i) & (block[None] == j))
    return seen


def long_short_mask(length, window, n_features):
    """Which tokens attend to which: own segment, half a window on either side, and all features (Transformer-LS, section 3)."""
    segment = torch.arange(length)[:, None] // window
    key = torch.arange(length)[None]
    near = (key >= segment * window - window // 2) & (key < (segment + 1) * window + window // 2)
    return F.pad(near, (0, n_features), value=True)


def reformer_attention(q, v, buckets, size):
    """Softmax over the union of the tokens met in any round; `buckets` is `(R, L)`."""
    length = len(q)
    seen = torch.zeros(length, length, dtype=torch.bool)
    for bucket in buckets.tolist():
        order = sorted(range(length), key=lambda i: (bucket[i], i))
        chunk = {i: place // size for place, i in enumerate(order)}
        last = (length - 1) // size
        for i in range(length):
            before = chunk[i] - 1 if chunk[i] else last
            for j in range(length):
                seen[i, j] |= bucket[i] == bucket[j] and chunk[j] in (chunk[i], before)
    scores = q @ F.normalize(q, dim=-1).T / q.shape[1] ** 0.5
    scores = scores.masked_fill(torch.eye(length, dtype=torch.bool), -5e4).masked_fill(~seen, -torch.inf)
    return torch.softmax(scores, dim=-1) @ v


def reformer_transformers(q, v, buckets, size):
    """LSH attention of the library transformers, without causality; `buckets` is `(R, L)`.

    Each round attends to all of a token's chunk and the previous one; the rounds are weighted by the sums of their weights.
    """
    length = len(q)
    outs, totals = [], []
    for bucket in buckets.tolist():
        order = sorted(range(length), key=lambda i: (bucket[i], i))
        chunks = [order[start : start + size] for start in range(0, length, size)]
        out, total = [None] * length, [None] * length
        for number, chunk in enumerate(chunks):
            keys = chunk if len(chunks) == 1 else chunk + chunks[number - 1]
            for i in chunk:
                scores = [q[i] @ q[j] / q[j].norm() if i != j else q.new_tensor(-1e5) for j in keys]
                weights = torch.stack(scores)
                total[i] = weights.logsumexp(0)
                out[i] = torch.softmax(weights, 0) @ v[keys]
        outs.append(torch.stack(out))
        totals.append(torch.stack(total))
    return (torch.stack(outs) * torch.softmax(torch.stack(totals), 0)[..., None]).sum(0)


def chordmixer(x, mlps, n_tracks, published=False, prenorms=(), norms=()):
    """``x + mlp(rotate(x))``, layer by layer; x `(L, W)`. If published, ``norm(x + rotate(mlp(prenorm(x))))``."""

    def rotate(y):
        tracks = y.chunk(n_tracks, dim=1)
        return torch.cat([tracks[0]] + [torch.roll(track, -(2**m), dims=0) for m, track in enumerate(tracks[1:])], dim=1)

    for number, parameters in enumerate(mlps):
        step = prenorms[number](x) if prenorms else x
        x = x + (rotate(mlp(step, *parameters)) if published else mlp(rotate(step), *parameters))
        x = norms[number](x) if norms else x
    return x


def s4d(u, dt, a, c, skip):
    """The recurrence, state by state, forwards and backwards; u `(L, D)`, dt `(2, D)`, a and c `(2, D, N)` complex."""
    length, width = u.shape
    y = u * skip
    for direction, order in enumerate((range(length), range(length - 1, -1, -1))):
        step = dt[direction][:, None]
        decay = torch.exp(step * a[direction])
        gain = (decay - 1) / a[direction]
        state = torch.zeros(width, a.shape[2], dtype=a.dtype)
        for i in order:
            if direction == 1:  # only positions strictly later
                y = y + F.one_hot(torch.tensor(i), length)[:, None] * 2 * (c[1] * state).sum(1).real
            state = decay * state + gain * u[i][:, None]
            if direction == 0:
                y = y + F.one_hot(torch.tensor(i), length)[:, None] * 2 * (c[0] * state).sum(1).real
    return y


def dilated_convolutions(x, layers):
    """``x + conv(gelu(norm(x)))``; layers: (norm, weight `(D, D, K)`, bias, dilation); x `(L, D)` is zero beyond the ends."""
    for norm, weight, bias, dilation in layers:
        signal, out = F.gelu(norm(x)), [bias] * len(x)
        for i in range(len(x)):
            for tap in range(weight.shape[2]):
                j = i + (tap - weight.shape[2] // 2) * dilation
                if 0 <= j < len(x):
                    out[i] = out[i] + weight[:, :, tap] @ signal[j]
        x = x + torch.stack(out)
    return x


def mingru(x, gate, candidate, backwards):
    """``h_t = (1 - z_t) h_(t-1) + z_t c_t``, position by position; the last `backwards` channels from the end; x `(L, D)`."""
    states = []
    for order, channels in ((range(len(x)), slice(x.shape[1] - backwards)), (range(len(x))[::-1], slice(-backwards, None))):
        h, after = torch.zeros_like(x[0]), {}
        for t in order:
            z = torch.sigmoid(gate(x[t]))
            h = (1 - z) * h + z * candidate(x[t])
            after[t] = h[channels]
        states.append(torch.stack([after[t] for t in range(len(x))]))
    return torch.cat(states[: 2 if backwards else 1], dim=1)
