"""The contract that every registered mixer must fulfil, alone and inside a classifier. See `seqmix.mixers.base`."""

import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from seqmix.config.model import POOLINGS
from seqmix.data.vocabulary import CLS, make_vocabulary
from seqmix.functional import even_landmarks, gaussian, gaussian_kernel
from seqmix.mixers import available_mixers, build_mixer, mixer_class
from seqmix.mixers.reformer import _hash
from seqmix.models.batched import predict_batches
from seqmix.models.branches import Branches
from seqmix.models.lexical import LexicalClassifier
from seqmix.models.lexical_spec import LexicalSpec
from seqmix.objectives.classification import Classification
from seqmix.system.tensor_file import pack, unpack
from tests.support import naive, new_model

WIDTH, LONGEST, VOCABULARY = 8, 21, 9
OPTIONS = {
    "paramixer": [
        {"protocol": "chord", "d_hidden": 6},
        {"protocol": "cdil", "d_hidden": 6},
        {"protocol": "chord", "d_hidden": 6, "rescale_every": 0, "link_scale": 1.0},
        {"protocol": "chord", "d_hidden": 6, "rescale_every": 2, "link_scale": 1.0},
        {"protocol": "chord", "d_hidden": 6, "residual": False, "n_links": 3, "n_factors": 2},
        {"protocol": "chord", "d_hidden": 6, "n_heads": 4, "rescale_every": 2, "link_scale": 1.0},
        {"protocol": "cdil", "d_hidden": 6, "n_heads": 2, "rescale_every": 2, "residual_from": "values"},
    ],
    "nystromformer": [{"n_landmarks": 4}, {"n_landmarks": 32, "conv_kernel": 3}],
    "linformer": [{"n_features": 5}, {"n_features": 4, "share_kv": False}],
    "performer": [{"n_features": 6}, {"n_features": 9, "kernel": "relu"}],
    "informer": [{"n_features": 5}, {"n_features": 64}],
    "bigbird": [{"block_size": 2, "n_random_blocks": 1}, {"block_size": 1}, {"block_size": 16}],
    "longshort": [{"window": 4, "n_features": 3}, {"window": 2, "n_features": 1}],
    "reformer": [
        {"bucket_size": 2},
        {"bucket_size": 4, "n_hashes": 3},
        {"bucket_size": 32},
        {"bucket_size": 3, "variant": "transformers"},
    ],
    "chordmixer": [
        {"track_size": 2},
        {"track_size": 1, "d_hidden": 5, "variant": "published", "prenorm": "layer", "norm": "layer", "dropout": 0.1},
    ],
    "s4d": [{"d_state": 6}, {"d_state": 2}],
    "mingru": [{}, {"bidirectional": False, "memory": 5.0}],
    "conv": [{"kernel_size": 3}, {"kernel_size": 5, "n_layers": 4}],
    "skyformer": [{"n_landmarks": 6}, {"n_landmarks": 5, "iterations": 0, "gamma": 0.3}],
    "softmax": [{"attention_dropout": 0.5}],
    "kernelized": [{"attention_dropout": 0.5}],
}
CASES = [
    pytest.param(name, options, id="-".join([name, *(str(v) for v in options.values())]))
    for name in available_mixers()
    for options in OPTIONS.get(name, [{}])
]
every_mixer = pytest.mark.parametrize(("name", "options"), CASES)
every_pooling = pytest.mark.parametrize(
    ("name", "options", "pooling"),
    [
        pytest.param(*case.values, pooling, id=f"{pooling}-{case.id}")
        for case in CASES
        for pooling in POOLINGS
        if pooling != "mean-max"  # GATED has that
        # a CLS token in front sees nothing of what follows; that this is refused is tested in test_mingru.py
        and not (pooling == "cls" and case.values[1].get("bidirectional") is False)
    ],
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def mixer(name, options, dtype=torch.float64):
    return build_mixer(name, WIDTH, LONGEST, options).to(dtype)


def classifier(name, options, pooling="mean", dtype=torch.float64, **more):
    # Large positions and biases of every size: nothing that matters is near zero.
    settings = {"positions": True, "position_std": 1.0, "blocks": 2, "d_feedforward": 10} | more
    model = new_model(
        vocab_size=VOCABULARY,
        n_classes=3,
        max_length=LONGEST,
        mixer=name,
        mixer_options=options,
        d_model=WIDTH,
        pooling=pooling,
        **settings,
    )
    return model.to(dtype)


def sequences(lengths, pooling="mean"):
    """Token ids of each length, with a CLS token in front if the pooling reads it."""
    made = [torch.randint(2, VOCABULARY, (length,)) for length in lengths]
    return [torch.cat((torch.tensor([CLS]), ids)) for ids in made] if pooling == "cls" else made


def batch(rows, padding, extra=0):
    """Stack rows `(L, ...)` with `padding` after each, and return them with their mask."""
    longest = max(map(len, rows)) + extra
    padded = torch.full((len(rows), longest, *rows[0].shape[1:]), padding, dtype=rows[0].dtype)
    for line, row in zip(padded, rows, strict=True):
        line[: len(row)] = row
    return padded, torch.arange(longest) < torch.tensor([len(row) for row in rows])[:, None]


# 1. Shape, dtype and device are kept.


@every_mixer
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_dtype_and_device_are_kept(name, options, dtype):
    x, mask = batch([torch.randn(length, WIDTH, dtype=dtype) for length in (5, 13)], 0.0)
    y = mixer(name, options, dtype)(x, mask, x)
    assert (y.shape, y.dtype, y.device) == (x.shape, dtype, x.device)


# 2. Alone = padded = batched = permuted.


@every_mixer
def test_mixer_output_depends_on_own_sequence_only(name, options):
    built = mixer(name, options).eval()
    xs, sources = ([torch.randn(n, WIDTH, dtype=torch.float64) for n in (1, 2, 7, 13, 21)] for _ in range(2))
    alone = [built(x[None], torch.ones(1, len(x), dtype=torch.bool), s[None])[0] for x, s in zip(xs, sources, strict=True)]
    for order in ([0, 1, 2, 3, 4], [3, 1, 4, 0, 2], [2]):
        for extra in (0, 3):
            x, mask = batch([xs[i] for i in order], 1e9, extra)
            source, _ = batch([sources[i] for i in order], -1e9, extra)
            y = built(x, mask, source)
            for row, i in zip(y, order, strict=True):
                torch.testing.assert_close(row[: len(xs[i])], alone[i], rtol=0, atol=1e-10)


@every_pooling
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_classifier_output_depends_on_own_sequence_only(name, options, pooling, dtype):
    model = classifier(name, options, pooling, dtype, stem="conv").eval()
    rows = sequences([1, 2, 7, 13, 21], pooling)
    with torch.inference_mode():
        alone = [model(ids[None], torch.ones(1, len(ids), dtype=torch.bool))[0].softmax(-1) for ids in rows]
        for order in ([0, 1, 2, 3, 4], [3, 1, 4, 0, 2], [1, 2]):
            for padding in (0, 7, -5, 10**9):
                # A model with positions accepts no more than it was built for: only short sequences leave room for padding.
                ids, mask = batch([rows[i] for i in order], padding, extra=0 if 4 in order else 8)
                for row, i in zip(model(ids, mask).softmax(-1), order, strict=True):
                    torch.testing.assert_close(row, alone[i], rtol=0, atol=1e-5 if dtype == torch.float32 else 1e-10)


REPEATED = [
    [2] * 13,
    [2, 3] * 8,
    [2] * 12 + [3] + [2] * 7,
    [4, 4, 4, 5, 5, 5, 2, 2, 2, 2],
    [2, 2, 3],
    [5] * 15 + [2, 3, 4, 6, 7],
]
ORDERS = [[0, 1, 2, 3, 4, 5], [3, 1], [4, 2, 5, 5]]


@pytest.mark.parametrize("name", available_mixers())
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("more", [{}, {"kmer": 2, "blocks": 1}, {"words": 2, "paired": True}], ids=["", "k-mers", "pairs"])
def test_repeated_tokens_have_one_answer(name, pooling, more):
    """Without positions and stem, equal tokens are equal to the model, and all choices among them are ties."""
    options = OPTIONS.get(name, [{}])[0]
    model = classifier(name, options, pooling, torch.float32, positions=False, **{"stem": "none", "letters": 4} | more).eval()
    rows = [torch.tensor([CLS, *row] if pooling == "cls" else row) for row in REPEATED]

    def answers(order, extra=0):
        others = [rows[(i + 1) % len(rows)] for i in order] if model.paired else []
        return model(*batch([*(rows[i] for i in order), *others], 0, extra)).softmax(-1)

    with torch.inference_mode():
        alone = [answers([i])[0] for i in range(len(rows))]
        for order in ORDERS:
            for found, i in zip(answers(order, extra=len(order) % 2), order, strict=True):
                torch.testing.assert_close(found, alone[i], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", available_mixers())
def test_repeated_tokens_have_one_answer_beside_a_lexical_branch(name):
    mixing = classifier(name, OPTIONS.get(name, [{}])[0], "flat", torch.float32, positions=False, stem="none")
    lexical = LexicalClassifier(LexicalSpec(features="kmers", k=2, letters=4), make_vocabulary("dna"), 3)
    lexical.load_state_dict({key: torch.rand_like(tensor) for key, tensor in lexical.state_dict().items()})
    objective = Classification(("a", "b", "c"))
    model = Branches(lexical, mixing, objective, 0.5)
    rows = [np.array(row, dtype=np.uint8) for row in REPEATED]

    def answers(order, **batches):
        lengths = np.array([len(rows[i]) for i in order])
        return predict_batches(model, objective, lambda i: [rows[order[i]]], lengths, device=torch.device("cpu"), **batches)

    alone = answers(range(len(rows)), batch_size=1)
    for order in ORDERS:
        for batches in ({}, {"batch_size": 2}, {"tokens_per_batch": 30}):
            np.testing.assert_allclose(answers(order, **batches), alone[order], rtol=0, atol=1e-5)


# 3. eval() is deterministic.


@every_mixer
def test_eval_is_deterministic(name, options):
    model = classifier(name, options, dropout=0.5, dropout_embedding=0.5, dropout_head=0.5).eval()
    ids, mask = batch(sequences([5, 20]), 0)
    first = model(ids, mask)
    torch.manual_seed(1)
    assert torch.equal(model(ids, mask), first)


# 4. The last real token matters, padding does not.


@every_pooling
@pytest.mark.parametrize("length", [1, 2, 6, 13, 20])
def test_last_real_token_matters_and_padding_does_not(name, options, pooling, length):
    if options.get("n_factors"):
        pytest.skip("fewer factors than it takes to connect all tokens")
    model = classifier(name, options, pooling).eval()

    def pooled(row, padding):
        ids, mask = batch([row, *sequences([20], pooling)], padding)
        return model.pool(model.features(ids, mask), mask)[0]

    row = sequences([length], pooling)[0]
    before = pooled(row, 0)
    torch.testing.assert_close(pooled(row, 5), before, rtol=0, atol=1e-12)
    row[-1] = row[-1] % (VOCABULARY - 2) + 2  # another token, not a special one
    assert (pooled(row, 0) - before).abs().max() > 1e-8


# 5. Every parameter gets a gradient, and survives saving and loading.


@every_pooling
def test_parameters_have_finite_gradients_and_survive_saving(name, options, pooling, tmp_path):
    model = classifier(name, options, pooling, torch.float32, head_hidden=4, stem="conv")
    ids, mask = batch(sequences([1, 9, 21], pooling), 0)
    torch.nn.functional.cross_entropy(model(ids, mask), torch.tensor([0, 1, 2])).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
    path = tmp_path / "model.safetensors"
    path.write_bytes(pack(model.state_dict(), {}))
    other = classifier(name, options, pooling, torch.float32, head_hidden=4, stem="conv")
    assert not torch.equal(other.eval()(ids, mask), model.eval()(ids, mask))
    other.load_state_dict(unpack(path)[0])
    assert torch.equal(other(ids, mask), model(ids, mask))


# 2. to 5. again in gated blocks, with and without windows of tokens in front of them.

GATED = {"block": "gated", "gate": 0.5, "blocks": 2}
gated = pytest.mark.parametrize("more", [GATED, GATED | {"stride": 3, "stem": "conv", "d_feedforward": 0}], ids=["", "strided"])
first_case = pytest.mark.parametrize("name", available_mixers())


@first_case
@gated
def test_gated_classifier_output_depends_on_own_sequence_only(name, more):
    options = OPTIONS.get(name, [{}])[0]
    model = classifier(name, options, "mean-max", dropout=0.3, drop_path=0.3, dropout_tokens=0.3, **more).eval()
    rows = sequences([1, 2, 7, 13, 21])
    with torch.inference_mode():
        alone = [model(ids[None], torch.ones(1, len(ids), dtype=torch.bool))[0] for ids in rows]
        for order in ([0, 1, 2, 3, 4], [3, 1, 4, 0, 2], [1, 2]):
            for padding in (0, 7, 10**9):
                ids, mask = batch([rows[i] for i in order], padding, extra=0 if 4 in order else 8)
                found = model(ids, mask)
                assert torch.equal(model(ids, mask), found)
                for row, i in zip(found, order, strict=True):
                    torch.testing.assert_close(row, alone[i], rtol=0, atol=1e-10)


@first_case
@gated
def test_gated_classifier_has_all_gradients_and_sees_the_last_token(name, more):
    model = classifier(name, OPTIONS.get(name, [{}])[0], **more)
    ids, mask = batch(sequences([1, 9, 19]), 0)
    torch.nn.functional.cross_entropy(model(ids, mask), torch.tensor([0, 1, 2])).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), parameter_name
    before = model.eval()(ids, mask)
    for row, n in enumerate((1, 9, 19)):
        ids[row, n - 1] = ids[row, n - 1] % (VOCABULARY - 2) + 2
    assert (model(ids, mask) - before).abs().amax(1).min() > 1e-8


# 6. Any length.


@every_mixer
@pytest.mark.parametrize("length", [1, 2, 3, 5, 11, 16, 17, 63, 100])
def test_any_length_works_forward_and_backward(name, options, length):
    built = mixer(name, options)
    x = torch.randn(2, length, WIDTH, dtype=torch.float64, requires_grad=True)
    y = built(x, torch.ones(2, length, dtype=torch.bool), x)
    y.square().sum().backward()
    assert y.shape == x.shape
    assert y.isfinite().all()
    assert x.grad.isfinite().all()


# 7. Handwritten backwards are checked in test_functional.py; this one checks the whole mixer.


@every_mixer
def test_gradients_match_finite_differences(name, options):
    built = mixer(name, options).eval()
    mask = torch.arange(7) < torch.tensor([7, 4])[:, None]
    x, source = (torch.randn(2, 7, WIDTH, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: built(a, mask, b)[mask], (x, source), fast_mode=True)


# 8. Agreement with the paper's formula, forward and backward.


def stacked(mlps):
    return list(zip(mlps.weight_in, mlps.bias_in, mlps.weight_out, mlps.bias_out, strict=True))


def naive_paramixer(built, x, source):
    weight_in, bias_in, weight_out, bias_out = stacked(built.values)[0]
    mixed = []
    for head in range(built.n_heads):  # a Paramixer of its own, with every n-th output of the MLPs
        own = slice(head, None, built.n_heads)
        links = [(w, b, v[own], c[own]) for w, b, v, c in stacked(built.links)]
        values = (weight_in, bias_in, weight_out[own], bias_out[own])
        how = (built.protocol, built.residual, built.rescale_every, built.residual_from)
        mixed.append(naive.paramixer(x, source, links, values, *how))
    return torch.stack(mixed, dim=2).flatten(1)


def naive_skyformer(built, h, q, k, v):
    rows = even_landmarks(torch.tensor([len(q)]), built.n_landmarks, len(q))[0]
    return naive.skyformer_attention(q, k, v, rows, built.gamma, built.iterations or None)


def naive_nystromformer(built, h, q, k, v):
    out = naive.nystrom_attention(q, k, v, built.n_landmarks, built.iterations)
    if built.convolution is None:
        return out
    taps = built.convolution.weight[h, 0, :, 0]
    rows = torch.nn.functional.pad(v, (0, 0, len(taps) // 2, len(taps) // 2))
    return out + sum(tap * rows[i : i + len(v)] for i, tap in enumerate(taps))


def naive_linformer(built, h, q, k, v):
    values = built.projection if built.projection_values is None else built.projection_values
    return naive.linformer_attention(q, k, v, built.projection[h], values[h])


def naive_bigbird(built, h, q, k, v):
    size = built.block_size
    used = -(-len(q) // size)
    blocks, counts = built._plan(torch.tensor([used]), used)
    drawn = {i: blocks[0, h, i, 5:][counts[0, h, i, 5:]].tolist() for i in range(used)}
    for i, others in drawn.items():  # one from each share of the blocks that are neither neighbours nor first or last
        free = [j for j in range(1, used - 1) if abs(i - j) > 1]
        assert len(others) == len(set(others)) == min(len(free), built.n_random_blocks)
        assert set(others) <= set(free)
    return naive.masked_attention(q, k, v, naive.bigbird_mask(len(q), size, drawn))


def naive_reformer(built, h, q, k, v):
    mask = torch.ones(1, len(q), dtype=torch.bool)
    size, exactly = built.bucket_size, built.exactly
    found = [_hash(q[None, None], mask, rotation, size, exactly=exactly)[0, 0] for rotation in built.rotations]
    buckets = torch.stack(found)
    if exactly:
        return naive.reformer_attention(q, v, buckets, size)
    assert buckets.max() < 2 ** ((2 * (len(q) // size)).bit_length() - 1)  # as many as transformers has
    return naive.reformer_transformers(q, v, buckets, size)


ATTENTION = {
    "softmax": lambda built, h, q, k, v: naive.softmax_attention(q, k, v),
    "kernelized": lambda built, h, q, k, v: naive.kernelized_attention(q, k, v),
    "skyformer": naive_skyformer,
    "nystromformer": naive_nystromformer,
    "linformer": naive_linformer,
    "performer": lambda built, h, q, k, v: naive.performer_attention(q, k, v, built.weight, built.kernel),
    "linear": lambda built, h, q, k, v: naive.linear_attention(q, k, v),
    "informer": lambda built, h, q, k, v: naive.informer_attention(q, k, v, built.n_features),
    "bigbird": naive_bigbird,
    "reformer": naive_reformer,
}


def naive_attention(built, x, source):
    formula = ATTENTION[type(built).__module__.rsplit(".", 1)[1]]
    heads = []
    for h in range(built.n_heads):
        part = slice(h * WIDTH // built.n_heads, (h + 1) * WIDTH // built.n_heads)
        q, k, v = (layer(x)[:, part] for layer in (built.query, built.key or built.query, built.value))
        heads.append(formula(built, h, q, k, v))
    return built.project(torch.cat(heads, dim=1))


def naive_longshort(built, x, source):
    """Both norms are over all heads together: the same for keys and values, but not separable into heads."""
    q, k, v = (layer(x) for layer in (built.query, built.key, built.value))
    share = built.dynamic(k).softmax(0).chunk(built.n_heads, dim=1)
    parts = [slice(h * WIDTH // built.n_heads, (h + 1) * WIDTH // built.n_heads) for h in range(built.n_heads)]
    far = [built.norm_far(torch.cat([p.T @ y[:, part] for p, part in zip(share, parts, strict=True)], dim=1)) for y in (k, v)]
    keys, values = (torch.cat((built.norm_near(y), z)) for y, z in zip((k, v), far, strict=True))
    seen = naive.long_short_mask(len(x), built.window, built.n_features)
    heads = [naive.masked_attention(q[:, part], keys[:, part], values[:, part], seen) for part in parts]
    return built.project(torch.cat(heads, dim=1))


def layers_of(sequential):
    first, _, last = sequential
    return first.weight, first.bias, last.weight, last.bias


def naive_chordmixer(built, x, source):
    mlps = [layers_of(layer) for layer in built.layers]
    how = (built.n_tracks, built.published, built.prenorms, built.norms)
    return built.reduce(naive.chordmixer(built.expand(x), mlps, *how))


def naive_s4d(built, x, source):
    rate, weight = torch.complex(-built.log_decay.exp(), built.frequency), torch.view_as_complex(built.output)
    y = naive.s4d(x, built.log_dt.exp(), rate, weight, built.skip)
    return torch.nn.functional.glu(built.gate(torch.nn.functional.gelu(y)), dim=-1)


def naive_conv(built, x, source):
    layers = [(norm, c.weight, c.bias, c.dilation[0]) for norm, c in zip(built.norms, built.convolutions, strict=True)]
    return naive.dilated_convolutions(x, layers)


def naive_mingru(built, x, source):
    return naive.mingru(x, built.gate, built.candidate, built.backwards)


NAIVE = dict.fromkeys(ATTENTION, naive_attention) | {
    "paramixer": naive_paramixer,
    "longshort": naive_longshort,
    "chordmixer": naive_chordmixer,
    "s4d": naive_s4d,
    "conv": naive_conv,
    "mingru": naive_mingru,
}


@every_mixer
def test_mixer_matches_naive_formula_forward_and_backward(name, options):
    if name not in NAIVE:
        pytest.skip(f"another package's mixer: {name}")
    built = mixer(name, options).eval()
    x, source = (torch.randn(2, 13, WIDTH, dtype=torch.float64, requires_grad=True) for _ in range(2))
    lengths = [13, 6]
    mask = torch.arange(13) < torch.tensor(lengths)[:, None]
    dense = torch.cat([NAIVE[name](built, x[b, :n], source[b, :n]) for b, n in enumerate(lengths)])
    fast = built(x, mask, source)[mask]
    torch.testing.assert_close(fast, dense, rtol=0, atol=1e-10)
    direction = torch.randn_like(dense)
    inputs = [x, *built.parameters()] + [source] * (name == "paramixer")
    expected = torch.autograd.grad((dense * direction).sum(), inputs)
    for got, wanted in zip(torch.autograd.grad((fast * direction).sum(), inputs), expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("max_length", "factors"), [(2, 1), (16, 4), (17, 5), (1000, 10), (16384, 14)])
def test_paramixer_default_factors_and_links_match_paper(max_length, factors):
    for protocol, links in (("chord", factors + 1), ("cdil", 9)):
        built = build_mixer("paramixer", 4, max_length, {"protocol": protocol})
        assert (built.n_factors, built.n_links) == (factors, links)
        for m, offsets in enumerate(built.offsets, 1):
            assert sorted(offsets) == sorted(naive.offsets(protocol, m, links))
        assert 2 ** (math.log2(max_length)) <= 2**factors


# 9. No tensor of size L x L, unless the mixer is declared quadratic.


class LargestTensor(TorchDispatchMode):
    """Records the number of elements of the largest tensor that any operation returns."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        self.elements = max(self.elements, *sizes, 0)
        return out


def largest_tensor(built, length, training):
    x = torch.randn(1, length, WIDTH, requires_grad=True)
    built.train(training)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the mode sees only one thread
    try:
        with LargestTensor() as mode:
            y = built(x, torch.ones(1, length, dtype=torch.bool), x)
            y.sum().backward()
    finally:
        torch.set_num_threads(threads)
    return mode.elements


@every_mixer
@pytest.mark.parametrize("training", [False, True])
def test_no_tensor_is_quadratic_in_length(name, options, training):
    built = mixer(name, options, torch.float32)
    if mixer_class(name).quadratic:
        pytest.skip(f"{name} says that it is quadratic")
    short, long = (largest_tensor(built, length, training) for length in (512, 2048))
    assert long <= 4.5 * short
    assert long < 2048**2


class Plain(torch.nn.Module):
    """Kernelized attention as written, with the whole kernel."""

    def forward(self, x, mask, source):
        return gaussian_kernel(x, x) @ x


def test_quadratic_tensor_would_be_detected():
    assert largest_tensor(Plain(), 512, training=True) >= 512**2


@pytest.mark.parametrize(("name", "options"), [("kernelized", {}), ("skyformer", {"n_landmarks": 64})])
def test_kernel_is_computed_one_tile_at_a_time(name, options, monkeypatch):
    monkeypatch.setattr(gaussian, "_TILE_FLOATS", {"cpu": 1 << 12})
    monkeypatch.setattr(gaussian, "_TILE_WIDTH", {"cpu": 1 << 5})
    elements = largest_tensor(mixer(name, options, torch.float32), 1024, training=True)
    # Inputs and outputs, 2 tiles, and the landmarks' own kernel; not 1024 x 64 or 1024 x 1024 kernel values.
    assert elements <= max(1024 * WIDTH, 2 << 12)
