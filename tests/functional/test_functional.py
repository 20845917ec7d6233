"""The functions without parameters against brute force, and every handwritten backward against finite differences."""

import importlib
import inspect
import itertools
import pkgutil

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

import seqmix.functional
from seqmix.errors import ConfigError
from seqmix.functional import (
    chunked_mlp,
    circular_mix,
    even_landmarks,
    gaussian,
    gaussian_kernel,
    kernelized_attention,
    newton_schulz_inverse,
    skyformer_attention,
    softmax_attention,
)
from seqmix.functional import circular as circular_module
from seqmix.functional import mlp as mlp_module
from seqmix.functional import parallel as threads
from seqmix.functional.gaussian import gaussian_product
from seqmix.functional.kmers import kmer_count, kmers
from tests.support import naive

OFFSETS = {
    "chord": [0, 1, 2, 4],
    "negative": [0, 2, 4, -2, -4],
    "beyond the length": [0, 13, -29, 1000, -1000],
    "repeated": [3, 3, 3],
    "none": [],
}


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def normal(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def brute_force_mix(links, values, offsets, lengths):
    out = torch.zeros_like(values)
    for b, length in enumerate(lengths):
        for i in range(length):
            for k, offset in enumerate(offsets):
                out[b, :, i] += links[b, k, i] * values[b, :, (i + offset) % length]
    return out


@pytest.mark.parametrize("offsets", OFFSETS.values(), ids=OFFSETS)
@pytest.mark.parametrize("length", [1, 2, 7, 16])
def test_circular_mix_matches_formula(offsets, length, generator):
    links, values = normal(generator, 3, len(offsets), length), normal(generator, 3, 4, length)
    expected = brute_force_mix(links, values, offsets, [length] * 3)
    torch.testing.assert_close(circular_mix(links, values, offsets), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("offsets", OFFSETS.values(), ids=OFFSETS)
def test_circular_mix_wraps_at_each_sequences_own_length(offsets, generator):
    lengths = [1, 5, 9, 4]
    links, values = normal(generator, 4, len(offsets), 9), normal(generator, 4, 2, 9)
    expected = brute_force_mix(links, values, offsets, lengths)
    out = circular_mix(links, values, offsets, lengths=torch.tensor(lengths))
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)


SPANS = {
    "alike": [40, 39, 39, 38, 40],
    "two groups": [40, 40, 21, 20, 20],
    "all different": [40, 31, 17, 5, 1],
    "growing": [3, 9, 40, 40, 40],
}


@pytest.mark.parametrize("offsets", [*OFFSETS.values(), [0, 1, 2, 4, 8, 16, 32], [0, 5, 10, 20, -5, -10, -20]], ids=str)
@pytest.mark.parametrize("lengths", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("most", [1, 130, 1 << 20])
def test_circular_mix_does_not_depend_on_grouping_of_rows(lengths, offsets, most, generator, monkeypatch):
    monkeypatch.setitem(circular_module._GROUP_ELEMENTS, "cpu", most)
    links, values = normal(generator, 5, len(offsets), 40), normal(generator, 5, 3, 40)
    links.requires_grad_()
    values.requires_grad_()
    direction = normal(generator, 5, 3, 40)
    out = circular_mix(links, values, offsets, lengths=torch.tensor(lengths))
    gradients = torch.autograd.grad((out * direction).sum(), (links, values))
    expected = brute_force_mix(links, values, offsets, lengths)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)
    if offsets:
        wanted = torch.autograd.grad((expected * direction).sum(), (links, values))
        for got, exact in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(got, exact, rtol=0, atol=1e-12)


def test_rows_of_similar_length_are_mixed_together():
    def groups(lengths, offsets):
        values = torch.empty(len(lengths), 4, max(lengths))
        found = list(circular_module._groups(torch.tensor(lengths), offsets, values))
        assert [row for group in found for row in range(group.rows.start, group.rows.stop)] == list(range(len(lengths)))
        return [len(group.lengths) for group in found]

    assert groups([100, 99, 98, 97], [0, 1, 64]) == [4]
    assert groups([100, 100, 50, 50], [0, 1, 32]) == [2, 2]
    assert groups([100, 10], [0, 1]) == [1, 1]
    assert groups([100, 99], [0, 1000]) == [1, 1]  # circles so short that extending them would cost more


@pytest.mark.parametrize("lengths", [None, [4, 7]])
def test_circular_mix_passes_opcheck(lengths, generator):
    spans = None if lengths is None else torch.tensor(lengths)
    inputs = (normal(generator, 2, 3, 7).requires_grad_(), normal(generator, 2, 4, 7).requires_grad_(), [0, 2, -3], spans)
    torch.library.opcheck(torch.ops.seqmix.circular_mix.default, inputs)


def test_circular_mix_compiles_without_graph_break(generator):
    links, values = normal(generator, 2, 3, 7).float(), normal(generator, 2, 4, 7).float()

    def mixed(a, b):
        return circular_mix(a.tanh(), b + 1, [0, 1, 2], lengths=torch.tensor([7, 5])).exp()

    compiled = torch.compile(mixed, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(links, values), mixed(links, values))


def test_unknown_kernel_choice_is_an_error(monkeypatch):
    inputs = torch.zeros(1, 2, 3), torch.zeros(1, 2, 3), [0, 1]
    monkeypatch.setenv("SEQMIX_KERNELS", "fast")
    with pytest.raises(ConfigError, match="torch, triton or auto: got 'fast'"):
        circular_mix(*inputs)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setenv("SEQMIX_KERNELS", "triton")
    with pytest.raises(ConfigError, match="Triton cannot be used on this device"):
        circular_mix(*inputs)
    for choice in ("torch", "auto"):
        monkeypatch.setenv("SEQMIX_KERNELS", choice)
        assert circular_mix(*inputs).shape == (1, 2, 3)


def brute_force_words(row, k, letters):
    if len(row) < k:
        return [2]
    found = []
    for i in range(len(row) - k + 1):
        word = [int(c) - 2 for c in row[i : i + k]]
        code = sum(letter * letters ** (k - 1 - j) for j, letter in enumerate(word))
        found.append(code + 3 if all(0 <= letter < letters for letter in word) else 2)
    return found


@pytest.mark.parametrize("cls", [False, True])
@pytest.mark.parametrize(("k", "letters"), [(1, 4), (3, 4), (6, 4), (2, 20)])
def test_kmers_match_formula_for_each_sequence(k, letters, cls, generator):
    rows = [torch.randint(2, letters + 3, (n,), generator=generator) for n in (1, 2, 5, 6, 7, 30)]
    rows = [torch.cat((torch.tensor([1]), row)) for row in rows] if cls else rows
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=3)
    mask = torch.arange(ids.shape[1]) < torch.tensor([len(row) for row in rows])[:, None]
    found, kept = kmers(ids, mask, k, letters, cls=cls)
    for row, kept_row, original in zip(found, kept, rows, strict=True):
        expected = [1, *brute_force_words(original[1:], k, letters)] if cls else brute_force_words(original, k, letters)
        assert row[kept_row].tolist() == expected
        assert (row[~kept_row] == 0).all()
    assert int(found.max()) < kmer_count(k, letters)


def test_circular_mix_neither_reads_nor_writes_padding(generator):
    links, values = normal(generator, 2, 3, 8), normal(generator, 2, 4, 8)
    links[0, :, 5:] = values[0, :, 5:] = torch.nan
    links.requires_grad_()
    values.requires_grad_()
    out = circular_mix(links, values, [0, 1, -2], lengths=torch.tensor([5, 8]))
    assert out.isfinite().all()
    assert (out[0, :, 5:] == 0).all()
    out.sum().backward()
    for gradient in (links.grad, values.grad):
        assert gradient.isfinite().all()
        assert (gradient[0, :, 5:] == 0).all()


@pytest.mark.parametrize("lengths", [None, [4, 7]])
def test_circular_mix_gradients(lengths, generator):
    links, values = normal(generator, 2, 4, 7).requires_grad_(), normal(generator, 2, 3, 7).requires_grad_()
    spans = None if lengths is None else torch.tensor(lengths)
    assert gradcheck(lambda a, b: circular_mix(a, b, [0, 1, -3, 9], lengths=spans), (links, values))


def test_circular_mix_explains_shape_errors():
    links, values = torch.zeros(2, 3, 5), torch.zeros(2, 4, 5)
    with pytest.raises(ValueError, match="got 3 rows and 2 offsets"):
        circular_mix(links, values, [0, 1])
    with pytest.raises(ValueError, match="must be"):
        circular_mix(links, torch.zeros(2, 4, 6), [0, 1, 2])
    for lengths in ([5], [0, 5], [5, 6]):
        with pytest.raises(ValueError, match="lengths"):
            circular_mix(links, values, [0, 1, 2], lengths=torch.tensor(lengths))


def mlp_inputs(generator, positions, m=2, h=3, d=4, k=2):
    shapes = ((d, positions), (m, h, d), (m, h), (m, k, h), (m, k))
    return [normal(generator, *shape).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("positions", [1, 64, 65, 200])
def test_chunked_mlp_matches_plain_mlp_for_any_chunks(positions, generator, monkeypatch):
    monkeypatch.setattr(mlp_module, "_CHUNK_FLOATS", {"cpu": 1, "cuda": 1})  # chunks of 64 positions, the minimum
    inputs = mlp_inputs(generator, positions)
    x, *weights = inputs
    plain = torch.stack([naive.mlp(x.T, *(w[m] for w in weights)).T for m in range(2)])
    out = chunked_mlp(*inputs)
    torch.testing.assert_close(out, plain, rtol=0, atol=1e-12)
    direction = normal(generator, *out.shape)
    expected = torch.autograd.grad((plain * direction).sum(), inputs)
    for got, wanted in zip(torch.autograd.grad((out * direction).sum(), inputs), expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("positions", [5, 130])
def test_chunked_mlp_gradients(positions, generator, monkeypatch):
    monkeypatch.setattr(mlp_module, "_CHUNK_FLOATS", {"cpu": 1, "cuda": 1})
    assert gradcheck(chunked_mlp, mlp_inputs(generator, positions), fast_mode=positions > 64)


def test_every_handwritten_backward_is_checked():
    functions = set()
    for module in pkgutil.walk_packages([str(p) for p in seqmix.__path__], "seqmix."):
        if module.name.startswith(("seqmix.functional", "seqmix.mixers")) or module.name == "seqmix.models.classifier":
            found = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
            functions |= {name for name, kind in found if issubclass(kind, torch.autograd.Function)}
    assert functions == {"_ChunkedMLP", "_GaussianProduct", "_Recurrence"}  # the last one in test_recurrence.py


def test_gaussian_kernel_matches_formula_and_is_one_on_diagonal(generator):
    a, b = normal(generator, 6, 4), normal(generator, 9, 4)
    torch.testing.assert_close(gaussian_kernel(a, b), naive.gaussian(a, b), rtol=0, atol=1e-12)
    far = 1e4 * torch.randn(20, 4, generator=generator)
    assert torch.diagonal(gaussian_kernel(far, far)).max() <= 1.0


TILES = {  # (values, width) of a tile: one tile for all, several with a smaller last one, both sides divided, single rows
    "one tile": (1 << 18, 1 << 7),
    "several": (15, 100),
    "both sides cut": (12, 3),
    "rows": (1, 1),
    "two sequences": (130, 100),
}
SIDES = {"long times short": (13, 5), "short times long": (4, 11), "square": (7, 7), "one row": (1, 6)}
every_tile = pytest.mark.parametrize("tile", TILES.values(), ids=TILES)
every_side = pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)


def cut(monkeypatch, tile):
    monkeypatch.setattr(gaussian, "_TILE_FLOATS", {"cpu": tile[0]})
    monkeypatch.setattr(gaussian, "_TILE_WIDTH", {"cpu": tile[1]})


def product_inputs(generator, sides, batch=3, heads=2):
    rows, columns = sides
    shapes = ((batch, heads, rows, 4), (batch, heads, columns, 4), (batch, heads, columns, 3))
    mask = torch.arange(columns) < torch.tensor([columns, 1, max(1, columns - 2)])[:batch, None]
    return [normal(generator, *shape).requires_grad_() for shape in shapes], mask


@every_tile
@every_side
@pytest.mark.parametrize("masked", [False, True])
def test_gaussian_product_matches_formula_for_any_tiles(tile, sides, masked, generator, monkeypatch):
    cut(monkeypatch, tile)
    (a, b, v), mask = product_inputs(generator, sides)
    out = gaussian_product(a, b, v, mask if masked else None)
    real = mask[:, None, :, None] if masked else 1.0
    plain = gaussian_kernel(a, b) @ (v * real)
    torch.testing.assert_close(out, plain, rtol=0, atol=1e-12)
    direction = normal(generator, *out.shape)
    expected = torch.autograd.grad((plain * direction).sum(), (a, b, v))
    for got, wanted in zip(torch.autograd.grad((out * direction).sum(), (a, b, v)), expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-12)


@every_tile
@every_side
def test_gaussian_product_gradients(tile, sides, generator, monkeypatch):
    cut(monkeypatch, tile)
    inputs, mask = product_inputs(generator, sides, batch=2)
    assert gradcheck(lambda a, b, v: gaussian_product(a, b, v, mask), inputs, fast_mode=tile[0] < 1 << 18)


@every_side
def test_gaussian_product_ignores_padding(sides, generator, monkeypatch):
    cut(monkeypatch, (12, 3))
    (a, b, v), mask = product_inputs(generator, sides)
    padding = ~mask[:, None, :, None]
    padded = [a.detach(), b.detach().masked_fill(padding, 1e9), v.detach().masked_fill(padding, -1e9)]
    padded = [x.requires_grad_() for x in padded]
    direction = normal(generator, *a.shape[:3], v.shape[3])
    outs, gradients = [], []
    for inputs in ((a, b, v), padded):
        out = gaussian_product(*inputs, mask)
        outs.append(out)
        gradients.append(torch.autograd.grad((out * direction).sum(), inputs))
    torch.testing.assert_close(outs[1], outs[0], rtol=0, atol=1e-12)
    for got, wanted in zip(gradients[1], gradients[0], strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-12)
    assert all((x.masked_select(padding) == 0).all() for x in gradients[1][1:])


def test_gaussian_product_of_equal_points_is_one(generator):
    far = 1e3 * torch.randn(1, 1, 20, 4, generator=generator)
    weights = gaussian_product(far, far, torch.eye(20)[None, None])
    assert weights.max() <= 1.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gaussian_product_works_in_half_precision_under_autocast(dtype, generator):
    a, b, v = ((3 + torch.randn(2, 2, 9, 8, generator=generator)).to(dtype).requires_grad_() for _ in range(3))
    with torch.autocast("cpu", dtype):
        out = gaussian_product(a, b, v)
    assert out.dtype == dtype
    expected = gaussian_kernel(a.double(), b.double()) @ v.double()
    torch.testing.assert_close(out.double(), expected, rtol=1e-2, atol=1e-2)
    wanted = torch.autograd.grad(expected.sum(), (a, b, v))
    for got, gradient in zip(torch.autograd.grad(out.sum(), (a, b, v)), wanted, strict=True):
        assert got.dtype == dtype
        torch.testing.assert_close(got, gradient, rtol=1e-2, atol=5e-3)


@pytest.mark.parametrize("iterations", [None, 6])
def test_skyformer_attention_gradients(iterations, generator, monkeypatch):
    cut(monkeypatch, (12, 3))
    q, k, v = (normal(generator, 2, 2, 7, 4).requires_grad_() for _ in range(3))
    mask = torch.arange(7) < torch.tensor([7, 4])[:, None]
    landmarks = torch.tensor([[0, 3, 3, 8, 13], [1, 2, 7, 9, 9]])  # repeated rows, both of queries and of keys
    real = mask[:, None, :, None]
    assert gradcheck(lambda *x: skyformer_attention(*x, mask, landmarks, 0.2, iterations) * real, (q, k, v), fast_mode=True)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_run_in_parallel_does_all_work_and_restores_threads(n_threads):
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        seen = torch.zeros(7)
        modes, inside = [], []

        def work(i):
            modes.append((torch.is_grad_enabled() and n_threads > 1, torch.is_inference_mode_enabled()))
            seen[i] += 1
            inside.append(torch.get_num_threads())

        with torch.inference_mode():
            seen = torch.zeros(7)
            threads.run_in_parallel(work, range(7), seen.device)
        assert seen.tolist() == [1] * 7
        assert modes == [(False, True)] * 7
        assert inside == [1] * 7  # otherwise each thread would start as many again
        assert torch.get_num_threads() == n_threads
        with pytest.raises(ZeroDivisionError):
            threads.run_in_parallel(lambda i: 1 // i, range(7), seen.device)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("sides", [(13, 5), (4, 11)])
def test_gaussian_product_does_not_depend_on_threads(sides, generator, monkeypatch):
    cut(monkeypatch, (12, 3))
    before = torch.get_num_threads()
    (a, b, v), mask = product_inputs(generator, sides)
    results = []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            out = gaussian_product(a, b, v, mask)
            results.append((out, *torch.autograd.grad(out.square().sum(), (a, b, v))))
    finally:
        torch.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        assert torch.equal(one, two)


def test_newton_schulz_inverts_each_matrix_independently(generator):
    root = normal(generator, 3, 5, 5)
    matrices = root @ root.transpose(-1, -2) + torch.eye(5, dtype=torch.float64)
    inverse = newton_schulz_inverse(matrices, 20)
    torch.testing.assert_close(inverse @ matrices, torch.eye(5, dtype=torch.float64).expand(3, 5, 5), rtol=0, atol=1e-8)
    for matrix in matrices:
        torch.testing.assert_close(newton_schulz_inverse(matrix, 3), naive.newton_schulz(matrix, 3), rtol=0, atol=1e-12)
    beside_large = newton_schulz_inverse(torch.stack((matrices[0], 1e6 * matrices[1])), 3)[0]
    torch.testing.assert_close(beside_large, naive.newton_schulz(matrices[0], 3), rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_landmarks", [1, 2, 7, 8, 64])
def test_even_landmarks_are_real_and_spread_over_queries_and_keys(n_landmarks):
    padded = 20
    lengths = torch.tensor([1, 5, 20])
    rows = even_landmarks(lengths, n_landmarks, padded)
    assert rows.shape == (3, n_landmarks)
    for length, chosen in zip(lengths.tolist(), rows.tolist(), strict=True):
        assert all(row % padded < length and row < 2 * padded for row in chosen)
        unpadded = even_landmarks(torch.tensor([length]), n_landmarks, length)[0].tolist()
        assert [row % padded for row in chosen] == [row % length for row in unpadded]
        assert [row >= padded for row in chosen] == [row >= length for row in unpadded]
        if n_landmarks % 2 == 0:
            assert sum(row < padded for row in chosen) == n_landmarks // 2
        if n_landmarks <= 2 * length:
            places = sorted(row if row < padded else row - padded + length for row in chosen)
            gaps = [b - a for a, b in itertools.pairwise(places)]
            assert len(set(places)) == n_landmarks
            assert not gaps or max(gaps) - min(gaps) <= 1


def padded_attention_inputs(generator, lengths, width=4, heads=2):
    longest = max(lengths) + 2
    q, k, v = (normal(generator, len(lengths), heads, longest, width) for _ in range(3))
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    for tensor in (q, k, v):
        tensor.masked_fill_(~mask[:, None, :, None], 1e9)
    return q, k, v, mask


def each_sequence(q, k, v, lengths):
    for b, length in enumerate(lengths):
        for h in range(q.shape[1]):
            yield b, h, *(tensor[b, h, :length] for tensor in (q, k, v))


@pytest.mark.parametrize(
    ("fast", "slow"),
    [(softmax_attention, naive.softmax_attention), (kernelized_attention, naive.kernelized_attention)],
    ids=["softmax", "kernelized"],
)
def test_attention_matches_formula_and_ignores_padding(fast, slow, generator):
    lengths = [1, 6, 9]
    q, k, v, mask = padded_attention_inputs(generator, lengths)
    out = fast(q, k, v, mask)
    for b, h, *sequence in each_sequence(q, k, v, lengths):
        torch.testing.assert_close(out[b, h, : lengths[b]], slow(*sequence), rtol=0, atol=1e-12)


@pytest.mark.parametrize("iterations", [None, 6])
def test_skyformer_attention_matches_formula_and_ignores_padding(iterations, generator):
    lengths = [1, 6, 9]
    q, k, v, mask = padded_attention_inputs(generator, lengths)
    padded = q.shape[2]
    landmarks = even_landmarks(torch.tensor(lengths), 4, padded)
    out = skyformer_attention(q, k, v, mask, landmarks, 0.2, iterations)
    for b, h, *sequence in each_sequence(q, k, v, lengths):
        rows = [row if row < padded else row - padded + lengths[b] for row in landmarks[b].tolist()]
        expected = naive.skyformer_attention(*sequence, rows, 0.2, iterations)
        torch.testing.assert_close(out[b, h, : lengths[b]], expected, rtol=0, atol=1e-10)


def test_skyformer_accepts_shared_or_separate_landmarks(generator):
    q, k, v = (normal(generator, 3, 2, 8, 4) for _ in range(3))
    mask = torch.ones(3, 8, dtype=torch.bool)
    shared = torch.tensor([0, 5, 9, 15])
    one = skyformer_attention(q, k, v, mask, shared)
    assert torch.equal(one, skyformer_attention(q, k, v, mask, shared.expand(3, -1)))
    assert torch.equal(one, skyformer_attention(q, k, v, mask, shared, gamma=0.1, iterations=6))


def test_dropout_of_the_kernel_is_of_its_values(generator):
    q, k, v = (torch.randn(2, 2, 9, 4, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(3))
    mask = torch.arange(9) < torch.tensor([9, 5])[:, None]
    kernel = gaussian_kernel(q, k).masked_fill(~mask[:, None, None, :], 0.0)
    torch.manual_seed(1)
    dense = F.dropout(kernel, 0.3) @ v
    torch.manual_seed(1)
    out = kernelized_attention(q, k, v, mask, dropout=0.3)
    assert out.equal(dense) and not out.equal(kernelized_attention(q, k, v, mask))
    direction = torch.randn(out.shape, generator=generator, dtype=torch.float64)
    wanted = torch.autograd.grad((dense * direction).sum(), (q, k, v))
    for got, gradient in zip(torch.autograd.grad((out * direction).sum(), (q, k, v)), wanted, strict=True):
        torch.testing.assert_close(got, gradient)  # computed again with the same values dropped


def test_skyformer_with_all_rows_as_landmarks_is_kernelized_attention(generator):
    q, k, v = (normal(generator, 2, 2, 7, 4) for _ in range(3))
    mask = torch.ones(2, 7, dtype=torch.bool)
    exact = kernelized_attention(q, k, v, mask)
    errors = [
        float((skyformer_attention(q, k, v, mask, torch.arange(14), gamma, None) - exact).abs().max())
        for gamma in (1e-2, 1e-4, 1e-8)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-6


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gaussian_kernel_is_accurate_in_half_precision_far_from_origin(dtype, generator):
    points = (50 + torch.randn(5, 8, generator=generator)).to(dtype)
    torch.testing.assert_close(
        gaussian_kernel(points, points).double(), naive.gaussian(points.double(), points.double()), rtol=0, atol=1e-2
    )
