"""Windows of tokens in front of the blocks: masks, the mean and maximum of real tokens, and one answer for one sequence."""

import pytest
import torch

from seqmix.errors import ConfigError
from seqmix.mixers import Table
from seqmix.models import classifier as classifiers
from seqmix.models.windows import embed_windows, pool_windows, window_count, window_mask
from tests.support import new_model

LENGTHS = (1, 2, 7, 13, 21)
MASK = torch.arange(22) < torch.tensor(LENGTHS)[:, None]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def classifier(**options):
    settings = {"vocab_size": 9, "n_classes": 3, "max_length": 22, "d_model": 6, "mixer": "paramixer", "stem": "none"} | options
    if settings["mixer"] == "paramixer":
        settings["mixer_options"] = {"d_hidden": 5}
    return new_model(**settings).double()


@pytest.mark.parametrize("stride", [1, 2, 3, 8, 22, 40])
@pytest.mark.parametrize("how", ["mean", "max"])
def test_windows_hold_mean_or_maximum_of_their_real_tokens(stride, how):
    x = torch.randn(5, 22, 3, dtype=torch.float64).masked_fill(~MASK[:, :, None], 0)
    pooled, mask = pool_windows(x, MASK, stride, how), window_mask(MASK, stride)
    assert pooled.shape == (5, window_count(22, stride), 3)
    for row, n in enumerate(LENGTHS):
        parts = x[row, :n].split(stride)
        expected = torch.stack([part.mean(0) if how == "mean" else part.amax(0) for part in parts])
        assert mask[row].tolist() == [True] * len(parts) + [False] * (mask.shape[1] - len(parts))
        torch.testing.assert_close(pooled[row][mask[row]], expected)
        assert (pooled[row][~mask[row]] == 0).all()


@pytest.mark.parametrize("stride", [2, 5, 40])
def test_embedded_windows_are_the_pooled_embeddings_with_their_gradients(stride):
    ids, shown = torch.randint(0, 9, (5, 22)), torch.rand(5, 22) < 0.7
    results = []
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    for pooled in (
        embed_windows(ids, shown, MASK, weight, stride),
        pool_windows(weight[ids] * (shown & MASK)[:, :, None], MASK, stride, "mean"),
    ):
        results.append((pooled, *torch.autograd.grad(pooled.square().sum(), weight)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("how", ["mean", "max"])
def test_frames_are_sequences_of_each_third_token(how):
    x = torch.randn(5, 22, 2, dtype=torch.float64).masked_fill(~MASK[:, :, None], 0)
    pooled, mask = pool_windows(x, MASK, 6, how, 3), window_mask(MASK, 6, 3)
    assert pooled.shape == (15, 4, 2)
    for row, n in enumerate(LENGTHS):
        for frame in range(3):
            parts = [tokens for part in x[row, :n].split(6) if len(tokens := part[frame::3])]
            expected = [tokens.mean(0) if how == "mean" else tokens.amax(0) for tokens in parts]
            assert mask[3 * row + frame].tolist() == [True] * len(parts) + [False] * (4 - len(parts))
            for window, found in enumerate(expected):
                torch.testing.assert_close(pooled[3 * row + frame, window], found)
            assert (pooled[3 * row + frame, len(parts) :] == 0).all()


def test_embedded_windows_with_frames_are_the_pooled_embeddings():
    ids, shown, weight = torch.randint(0, 9, (5, 22)), torch.rand(5, 22) < 0.7, torch.randn(9, 4, dtype=torch.float64)
    expected = pool_windows(weight[ids] * (shown & MASK)[:, :, None], MASK, 6, "mean", 3)
    torch.testing.assert_close(embed_windows(ids, shown, MASK, weight, 6, 3), expected)


def test_frames_must_divide_the_stride():
    with pytest.raises(ConfigError, match=r"model\.frames = 3 must divide model\.stride = 4"):
        classifier(stride=4, frames=3)


@pytest.mark.parametrize("pooling", ["mean", "mean-max", "flat"])
@pytest.mark.parametrize("mixer", ["paramixer", "conv", "softmax"])
def test_frames_share_weights_and_short_sequences_lack_some(mixer, pooling):
    options = {"mixer": mixer, "pooling": pooling, "stride": 6, "frames": 3, "moments": 0 if pooling == "flat" else 2}
    model = classifier(**options, block="gated").eval()
    ids = torch.randint(2, 6, (5, 22))
    outputs = model(ids.masked_fill(~MASK, 0), MASK)
    assert outputs.isfinite().all()
    for row, n in enumerate(LENGTHS):
        torch.testing.assert_close(model(ids[row : row + 1, :n], MASK[row : row + 1, :n])[0], outputs[row])
    if pooling != "flat":  # without the first letter, the frames are the same ones, in another order
        features = model.features(ids[4:, :21], MASK[4:, :21])
        shifted = model.features(ids[4:, 1:21], MASK[4:, 1:21])
        assert features.shape == (3, 4, 6)
        if mixer == "conv":  # the windows of the second frame are those of the first frame of the shifted sequence
            torch.testing.assert_close(features[1, :3], shifted[0, :3])


CASES = {
    "frames": {"stride": 6, "frames": 3},
    "frames, max, conv": {"stride": 6, "frames": 3, "stride_pooling": "max", "stem": "conv", "stem_kernel": 5},
    "mean": {"stride": 4},
    "max": {"stride": 4, "stride_pooling": "max"},
    "conv": {"stride": 4, "stem": "conv", "stem_kernel": 5},
    "conv, links from tokens": {"stride": 4, "stem": "conv", "source": "tokens"},
    "motif, max": {"stride": 5, "stride_pooling": "max", "stem": "motif"},
    "positions": {"stride": 4, "positions": True, "position_std": 1.0},
    "positions, motif": {"stride": 4, "positions": True, "position_std": 1.0, "stem": "motif", "source": "tokens"},
    "flat": {"stride": 4, "pooling": "flat"},
    "mean-max": {"stride": 4, "pooling": "mean-max"},
    "k-mers": {"stride": 4, "kmer": 3},
    "one window": {"stride": 50},
    "k-mer branch": {"stride": 4, "words": 2, "d_words": 3},
}
every_case = pytest.mark.parametrize("options", CASES.values(), ids=CASES)


@every_case
@pytest.mark.parametrize("more", [{}, {"block": "gated", "gate": 1.0}, {"mixer": "conv"}, {"mixer": "softmax"}], ids=str)
def test_strided_answer_depends_on_own_sequence_only(options, more):
    model = classifier(**options, **more).eval()
    rows = [torch.randint(2, 9, (n,)) for n in LENGTHS]
    alone = torch.cat([model(row[None], torch.ones(1, len(row), dtype=torch.bool)) for row in rows])
    for order in ([0, 1, 2, 3, 4], [3, 1, 4, 0, 2], [2, 1]):
        for padding in (0, 7, 10**9):
            longest = max(len(rows[i]) for i in order) + 1
            ids = torch.full((len(order), longest), padding)
            for line, i in zip(ids, order, strict=True):
                line[: len(rows[i])] = rows[i]
            mask = torch.arange(longest) < torch.tensor([len(rows[i]) for i in order])[:, None]
            torch.testing.assert_close(model(ids, mask), alone[order], rtol=0, atol=1e-10)


@every_case
def test_every_parameter_of_a_strided_model_gets_a_gradient_and_the_last_token_counts(options):
    model = classifier(**options, block="gated", gate=1.0)
    ids = torch.randint(2, 6, (1, 21))
    mask = torch.ones(1, 21, dtype=torch.bool)
    model(ids, mask).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    before = model.eval()(ids, mask)
    ids[0, -1] = ids[0, -1] % 4 + 2
    assert (model(ids, mask) - before).abs().max() > 1e-9


def test_blocks_and_everything_after_the_windows_have_the_shorter_length():
    model = classifier(stride=4, positions=True, pooling="flat", blocks=2)
    captured = []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda _, inputs: captured.append([part.shape[1] for part in inputs]))
    ids = torch.randint(2, 9, (5, 22))
    features = model.features(ids, MASK)
    assert features.shape == (5, 6, 6)
    assert torch.equal(features.any(2), window_mask(MASK, 4))
    assert captured == [[6, 6, 6]] * 2
    assert model.position.weight.shape == (6, 6)
    assert model.head.weight.shape == (3, 36)
    assert model.blocks[0].mixer.n_factors == 3  # ceil(log2 6)
    assert model.length_limit == 22


def test_stride_of_one_is_the_model_without():
    ids, results = torch.randint(2, 9, (5, 22)), []
    for options in ({}, {"stride": 1, "stride_pooling": "max"}):
        torch.manual_seed(0)
        results.append(classifier(stem="conv", positions=True, **options)(ids, MASK))
    assert torch.equal(*results)


def test_mean_embedding_of_tokens_needs_no_tensor_of_all_embeddings(monkeypatch):
    model, ids = classifier(stride=4, dropout_tokens=0.3), torch.randint(2, 9, (5, 22))

    def embedded(*_):
        raise AssertionError("all tokens are embedded")

    monkeypatch.setattr(classifiers.SequenceClassifier, "_embed", embedded)
    captured = []
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
    model(ids, MASK)
    assert not isinstance(captured[0], Table)


def test_numbers_are_pooled_like_tokens():
    model = classifier(stride=4, channels=2).eval()
    values = torch.randn(2, 9, 2, dtype=torch.float64)
    mask = torch.arange(9) < torch.tensor([9, 6])[:, None]
    torch.testing.assert_close(model(values, mask)[1:], model(values[1:, :6], mask[1:, :6]))
