"""Limits in which a method is exact: an approximation that leaves nothing out."""

import itertools

import pytest
import torch

from seqmix.functional import (
    kernelized_attention,
    linformer_attention,
    nystrom_attention,
    skyformer_attention,
    softmax_attention,
)
from seqmix.mixers import available_mixers, build_mixer, mixer_class
from seqmix.mixers.base import AttentionMixer
from seqmix.mixers.reformer import _hash
from tests.support import naive

HEADS, HEAD_WIDTH, LENGTH = 2, 8, 24
LENGTHS = [LENGTH, 17, 1]  # of the sequences of a batch


@pytest.fixture
def qkv():
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(LENGTH) < torch.tensor(LENGTHS)[:, None]
    shape = (len(LENGTHS), HEADS, LENGTH, HEAD_WIDTH)
    return *(torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(3)), mask


def attention(name, **options):
    torch.manual_seed(0)
    return build_mixer(name, HEADS * HEAD_WIDTH, LENGTH, {"n_heads": HEADS} | options).double().eval()


def real(out, mask):
    return out.transpose(1, 2)[mask]


def assert_equal(got, expected, mask, atol=1e-10):
    torch.testing.assert_close(real(got, mask), real(expected, mask), rtol=0, atol=atol)


def test_nystrom_with_a_landmark_per_token_is_softmax(qkv):
    q, k, v, mask = qkv
    # The iteration converges for any matrix, but takes more steps for a large condition number.
    assert_equal(nystrom_attention(q, k, v, mask, LENGTH, iterations=40), softmax_attention(q, k, v, mask), mask, 1e-6)
    assert_equal(nystrom_attention(q, k, v, mask, 3 * LENGTH, iterations=40), softmax_attention(q, k, v, mask), mask, 1e-6)


def test_linformer_with_identity_projection_is_softmax(qkv):
    q, k, v, mask = qkv
    identity = torch.eye(LENGTH, dtype=torch.float64).expand(HEADS, -1, -1)
    full = torch.ones_like(mask)
    assert_equal(linformer_attention(q, k, v, full, identity), softmax_attention(q, k, v, full), full)


def test_performer_error_falls_with_square_root_of_features(qkv):
    q, k, v, mask = qkv
    q, k = q / 2, k / 2  # the variance of the estimate grows exponentially with the squared norms of the rows
    expected = real(softmax_attention(q, k, v, mask), mask)
    errors = []
    for n_features in (64, 1024, 16384):
        torch.manual_seed(1)
        options = {"n_heads": HEADS, "n_features": n_features}
        drawn = [build_mixer("performer", HEADS * HEAD_WIDTH, LENGTH, options).double() for _ in range(8)]
        squares = [(real(built.attend(q, k, v, mask), mask) - expected).square().mean() for built in drawn]
        errors.append(float(torch.stack(squares).mean().sqrt()))
    for few, many in itertools.pairwise(errors):  # 16 times the features: a quarter of the error
        assert 3.0 < few / many < 5.0
    assert errors[-1] < 0.02


def test_reformer_with_one_bucket_is_softmax_of_shared_queries_and_keys(qkv):
    q, _, v, mask = qkv
    for n_hashes, variant in ((1, "exact"), (3, "exact"), (3, "transformers")):
        built = attention("reformer", bucket_size=LENGTH, n_hashes=n_hashes, variant=variant)
        assert_equal(built.attend(q, q, v, mask), built.exact(q, q, v, mask), mask)


def test_reformer_exact_is_softmax_over_other_tokens(qkv):
    q, _, v, _ = qkv
    scores = q[0, 0] @ torch.nn.functional.normalize(q[0, 0], dim=-1).T / HEAD_WIDTH**0.5
    others = scores.masked_fill(torch.eye(LENGTH, dtype=torch.bool), -torch.inf).softmax(-1)
    full = torch.ones(1, LENGTH, dtype=torch.bool)
    exact = attention("reformer").exact(q[:1], q[:1], v[:1], full)
    torch.testing.assert_close(exact[0, 0], others @ v[0, 0], rtol=0, atol=1e-10)
    alone = attention("reformer").exact(q[:1, :, :1], q[:1, :, :1], v[:1, :, :1], full[:, :1])
    torch.testing.assert_close(alone, v[:1, :, :1], rtol=0, atol=1e-10)


def test_reformer_error_falls_with_rounds_and_bucket_size():
    generator = torch.Generator().manual_seed(0)
    q, v = (torch.randn(1, HEADS, 256, HEAD_WIDTH, generator=generator, dtype=torch.float64) for _ in range(2))
    mask = torch.ones(1, 256, dtype=torch.bool)

    def error(**options):
        built = attention("reformer", **options)
        return float((built.attend(q * 4, q, v, mask) - built.exact(q * 4, q, v, mask)).norm())

    assert error(n_hashes=8, bucket_size=16) < error(n_hashes=1, bucket_size=16)
    assert error(n_hashes=2, bucket_size=128) < error(n_hashes=2, bucket_size=8)


def test_informer_with_all_queries_attending_is_softmax(qkv):
    q, k, v, mask = qkv
    for n_features in (LENGTH, 100):
        assert_equal(attention("informer", n_features=n_features).attend(q, k, v, mask), softmax_attention(q, k, v, mask), mask)


@pytest.mark.parametrize(("block_size", "n_random_blocks"), [(1, LENGTH), (2, 10), (8, 0), (LENGTH, 3), (5, 1)])
def test_bigbird_covering_all_blocks_is_softmax(block_size, n_random_blocks, qkv):
    q, k, v, mask = qkv
    built = attention("bigbird", block_size=block_size, n_random_blocks=n_random_blocks)
    assert_equal(built.attend(q, k, v, mask), softmax_attention(q, k, v, mask), mask)


def test_bigbird_not_covering_all_blocks_is_not_softmax(qkv):
    q, k, v, mask = qkv
    out = attention("bigbird", block_size=1, n_random_blocks=1).attend(q, k, v, mask)
    assert (real(out, mask) - real(softmax_attention(q, k, v, mask), mask)).abs().max() > 0.1


def test_skyformer_with_all_landmarks_approaches_kernelized_attention(qkv):
    q, k, v, mask = (tensor[:1] for tensor in qkv)
    expected = kernelized_attention(q, k, v, mask)
    errors = [
        float((skyformer_attention(q, k, v, mask, torch.arange(2 * LENGTH), gamma, None) - expected).abs().max())
        for gamma in (1e-2, 1e-5, 1e-8)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-6


@pytest.mark.parametrize("name", [name for name in available_mixers() if issubclass(mixer_class(name), AttentionMixer)])
def test_feature_options_are_accepted_by_mixer(name, qkv):
    options = mixer_class(name).feature_options(32)
    if options is None:
        assert name in ("softmax", "kernelized", "linear", "longshort")
        return
    q, k, v, mask = qkv
    built = attention(name, **options)
    assert built.attend(q, k, v, mask).shape == built.exact(q, k, v, mask).shape == q.shape


def test_performer_features_are_orthogonal_in_blocks_with_normal_norms():
    torch.manual_seed(0)
    rows = build_mixer("performer", 64, 8, {"n_heads": 2, "n_features": 4096}).weight
    block = rows[32:64]
    products = block @ block.T
    assert (products - torch.diag(products.diagonal())).abs().max() < 1e-4
    assert float(rows.square().sum(1).mean()) == pytest.approx(32, rel=0.05)


def test_performer_redraws_features_only_if_asked():
    for every, steps, new in ((0, 5, False), (3, 2, False), (3, 3, True)):
        built = attention("performer", redraw_every=every)
        before = built.weight.clone()
        for step in range(1, steps + 1):
            built.after_step(step)
        assert torch.equal(built.weight, before) is not new


def test_linformer_is_built_for_longest_sequence_and_accepts_longer_ones():
    built = attention("linformer", n_features=4)
    assert built.projection.shape == (HEADS, 4, LENGTH)
    q, k, v = (torch.randn(1, HEADS, 2 * LENGTH + 5, HEAD_WIDTH, dtype=torch.float64) for _ in range(3))
    out = built.attend(q, k, v, torch.ones(1, q.shape[2], dtype=torch.bool))
    for h in range(HEADS):
        dense = naive.linformer_attention(q[0, h], k[0, h], v[0, h], built.projection[h], built.projection[h])
        torch.testing.assert_close(out[0, h], dense, rtol=0, atol=1e-10)


def test_long_sequences_have_many_hash_buckets():
    torch.manual_seed(0)
    built = attention("reformer", bucket_size=1)
    q = torch.randn(1, HEADS, 1000, HEAD_WIDTH, dtype=torch.float64)
    buckets = _hash(q, torch.ones(1, 1000, dtype=torch.bool), built.rotations[0], 4)
    assert int(buckets.max()) < 256
    assert len(buckets[0, 0].unique()) > 64  # more than one rotation can distinguish
    near = _hash(q + 1e-6, torch.ones(1, 1000, dtype=torch.bool), built.rotations[0], 4)
    assert float((near == buckets).double().mean()) > 0.99


def test_kernelized_drops_values_of_the_kernel_in_training_only(qkv):
    q, k, v, mask = qkv
    built, plain = attention("kernelized", attention_dropout=0.5), attention("kernelized")
    assert built.attend(q, k, v, mask).equal(plain.attend(q, k, v, mask))
    built.train()
    assert not built.attend(q, k, v, mask).equal(plain.attend(q, k, v, mask))
    mean = sum(built.attend(q, k, v, mask) for _ in range(400)) / 400
    assert_equal(mean, plain.attend(q, k, v, mask), mask, atol=0.5)


def test_reformer_of_transformers_has_no_biases_and_twice_the_buckets(qkv):
    q, _, v, _ = qkv
    built = attention("reformer", variant="transformers")
    assert built.query.bias is None and built.value.bias is None and built.project.bias is not None
    long = torch.randn(1, HEADS, 1024, HEAD_WIDTH, dtype=torch.float64)
    real = torch.ones(1, 1024, dtype=torch.bool)
    counts = [len(_hash(long, real, built.rotations[0], 64, exactly=exactly).unique()) for exactly in (True, False)]
    assert 8 < counts[0] <= 16 < counts[1] <= 32
    unscaled = q[0, 0] @ torch.nn.functional.normalize(q[0, 0], dim=-1).T
    others = unscaled.masked_fill(torch.eye(LENGTH, dtype=torch.bool), -torch.inf).softmax(-1)
    exact = built.exact(q[:1], q[:1], v[:1], torch.ones(1, LENGTH, dtype=torch.bool))
    torch.testing.assert_close(exact[0, 0], others @ v[0, 0], rtol=0, atol=1e-10)


def test_chordmixer_as_published_begins_with_xavier_and_drops_in_training():
    torch.manual_seed(0)
    built = build_mixer("chordmixer", 16, 64, {"variant": "published", "track_size": 4, "dropout": 0.2, "dropout_layer": 0.1})
    layers = [module for module in built.modules() if isinstance(module, torch.nn.Linear)]
    assert len(layers) == 2 + 2 * 6
    for layer in layers:
        most = (6 / sum(layer.weight.shape)) ** 0.5
        assert layer.weight.abs().max().item() == pytest.approx(most, rel=0.02) and not layer.bias.any()
    x, mask = torch.randn(1, 30, 16), torch.ones(1, 30, dtype=torch.bool)
    assert not built(x, mask, x).equal(built(x, mask, x))
    built.eval()
    assert built(x, mask, x).equal(built(x, mask, x))
