"""The classifier around the mixers: embedding, positions, stem, pooling, head, dropout, checkpointing."""

import math

import pytest
import torch
import torch.nn.functional as F

import seqmix
from seqmix.config import ModelConfig
from seqmix.errors import ConfigError
from seqmix.mixers import build_mixer, mixer_options
from seqmix.models.blocks import TransformerBlock
from seqmix.models.classifier import count_parameters
from tests.support import new_model

LENGTHS = (3, 8, 5)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def classifier(**options):
    settings = {"vocab_size": 9, "n_classes": 3, "max_length": 8, "d_model": 6, "stem": "none"} | options
    if settings.get("mixer", "paramixer") == "paramixer":
        settings["mixer_options"] = {"d_hidden": 5} | settings.get("mixer_options", {})
    return new_model(**settings)


@pytest.fixture
def batch():
    ids = torch.randint(2, 9, (3, 8))
    return ids, torch.arange(8) < torch.tensor(LENGTHS)[:, None]


def test_mean_pooling_averages_real_tokens(batch):
    model = classifier(pooling="mean")
    features = model.features(*batch)
    expected = torch.stack([features[b, :n].mean(0) for b, n in enumerate(LENGTHS)])
    torch.testing.assert_close(model.pool(features, batch[1]), expected)
    torch.testing.assert_close(model(*batch), model.head(expected))


def test_mean_max_pooling_joins_mean_and_maximum_over_real_tokens(batch):
    model = classifier(pooling="mean-max")
    features = model.features(*batch)
    real = [features[b, :n] for b, n in enumerate(LENGTHS)]
    expected = torch.stack([torch.cat((row.mean(0), row.amax(0))) for row in real])
    torch.testing.assert_close(model.pool(features, batch[1]), expected)
    torch.testing.assert_close(model(*batch), model.head(expected))
    assert (expected[:, 6:] < 0).any()  # where padding, which is zero, would be larger


def test_mean_max_pooling_of_pairs(batch):
    ids, mask = (torch.cat((part, part.flip(0))) for part in batch)
    assert classifier(pooling="mean-max", paired=True)(ids, mask).shape == (3, 3)


def test_cls_pooling_takes_first_token(batch):
    model = classifier(pooling="cls")
    features = model.features(*batch)
    torch.testing.assert_close(model(*batch), model.head(features[:, 0]))


def test_cls_token_does_not_displace_a_token(batch):
    model = classifier(pooling="cls", positions=True).eval()
    ids = torch.cat((torch.ones(3, 1, dtype=torch.long), batch[0]), dim=1)  # 8 tokens and CLS, for max_length 8
    mask = torch.ones(3, 9, dtype=torch.bool)
    before = model(ids, mask)
    ids[:, -1] = ids[:, -1] % 7 + 2
    assert (model(ids, mask) - before).abs().amax(1).min() > 0


def test_flat_pooling_is_linear_over_all_positions_with_zero_padding(batch):
    model = classifier(pooling="flat", max_length=11, n_classes=2)
    features = model.features(*batch)
    weights = model.head.weight.view(2, 11, 6)
    expected = torch.stack(
        [torch.einsum("cld,ld->c", weights[:, :n], features[b, :n]) + model.head.bias for b, n in enumerate(LENGTHS)]
    )
    torch.testing.assert_close(model(*batch), expected)


def test_features_are_zero_at_padding(batch):
    for mixer in seqmix.available_mixers():
        model = classifier(mixer=mixer, positions=True, stem="conv")
        features = model.features(*batch)
        assert (features[~batch[1]] == 0).all()
        assert (features[batch[1]].abs().sum(-1) > 0).all()


def test_positions_distinguish_equal_tokens():
    ids, mask = torch.full((1, 6), 3), torch.ones(1, 6, dtype=torch.bool)
    without = classifier().eval().features(ids, mask)[0]
    torch.testing.assert_close(without, without[:1].expand(6, -1))
    with_positions = classifier(positions=True).eval().features(ids, mask)[0]
    assert torch.pdist(with_positions).min() > 1e-6


def test_embedding_std_scales_the_same_random_numbers():
    torch.manual_seed(0)
    plain, after = classifier(), torch.rand(1)
    torch.manual_seed(0)
    small = classifier(embedding_std=0.02)
    assert torch.equal(torch.rand(1), after)
    torch.testing.assert_close(small.embedding.weight, plain.embedding.weight * 0.02)
    for (name, one), other in zip(plain.named_parameters(), small.parameters(), strict=True):
        assert name == "embedding.weight" or torch.equal(one, other), name


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_dropout_of_tokens_zeroes_whole_embeddings_in_training_only(pooling):
    model = classifier(dropout_tokens=0.3, stem="none", mixer="conv", max_length=400, pooling=pooling)
    captured = []
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
    ids, mask = torch.randint(2, 9, (2, 400)), torch.ones(2, 400, dtype=torch.bool)
    model(ids, mask)
    model.eval()(ids, mask)
    hidden = (captured[0] == 0).all(-1)
    assert 0.2 < hidden.float().mean() < 0.4
    assert torch.equal(captured[0], captured[1].masked_fill(hidden[..., None], 0))
    assert torch.equal(captured[1], model.embedding(ids))
    assert pooling != "cls" or not hidden[:, 0].any()


def test_positions_start_with_given_scale():
    for std in (0.02, 1.0):
        weights = classifier(positions=True, position_std=std, max_length=2000).position.weight
        assert abs(float(weights.detach().std()) / std - 1) < 0.1
    assert classifier(positions=False).position is None


@pytest.mark.parametrize("width", [6, 7])
def test_positions_can_start_as_sinusoids(width):
    # Vaswani et al., 2017, section 3.5, except for the scale
    expected = [[(math.sin, math.cos)[i % 2](t / 10000 ** (2 * (i // 2) / width)) for i in range(width)] for t in range(50)]
    options = {"d_model": width, "positions": True, "position_std": 0.3, "position_start": "sinusoidal", "max_length": 50}
    weights = classifier(**options).position.weight.detach()
    assert abs(float(weights.square().mean().sqrt()) / 0.3 - 1) < 1e-5
    torch.testing.assert_close(weights / weights[0, 1], torch.tensor(expected))


@pytest.mark.parametrize(("stem", "passed"), [("conv", 1.0), ("motif", 0.0)])
def test_stem_is_convolution_per_sequence_with_or_without_its_input(stem, passed, batch):
    model = classifier(stem=stem, stem_kernel=3)
    captured = []
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
    model(*batch)
    convolution = model.stem.convolution
    for b, n in enumerate(LENGTHS):
        x = model.embedding(batch[0][b, :n])
        expected = passed * x + F.gelu(F.conv1d(x.T[None], convolution.weight, convolution.bias, padding=1))[0].T
        torch.testing.assert_close(captured[0][b, :n], expected)


def test_stem_can_be_left_out():
    assert classifier(stem="none").stem is None


def test_every_block_receives_embedded_input_as_source(batch):
    model = classifier(blocks=3)
    captured = []
    for block in model.blocks:
        block.mixer.register_forward_pre_hook(lambda _, inputs: captured.append(inputs))
    model(*batch)
    embedded = model.embedding(batch[0]) * batch[1][:, :, None]
    assert len(captured) == 3
    tables = [source.expand() * batch[1][:, :, None] for _, _, source in captured]
    assert all(torch.equal(source, embedded) for source in tables)
    assert captured[0][0] is captured[0][2]
    assert not torch.equal(captured[1][0], embedded)


def test_transformer_blocks_are_pre_norm_with_residuals(batch):
    model = classifier(mixer="softmax", d_feedforward=7).eval()
    (block,) = model.blocks
    assert isinstance(block, TransformerBlock)
    x = model.embedding(batch[0]) * batch[1][:, :, None]
    middle = x + block.mixer(block.norm_mixer(x), batch[1], x)
    first, _, _, second, _ = block.feedforward
    out = middle + second(F.gelu(first(block.norm_feedforward(middle))))
    expected = model.norm(out) * batch[1][:, :, None]
    torch.testing.assert_close(model.features(*batch), expected)


@pytest.mark.parametrize("mixer", seqmix.available_mixers())
def test_checkpointing_keeps_loss_and_gradients(mixer, batch):
    gradients = []
    for checkpoint_blocks in (False, True):
        torch.manual_seed(1)
        model = classifier(mixer=mixer, blocks=2, dropout=0.3, positions=True, checkpoint_blocks=checkpoint_blocks)
        loss = F.cross_entropy(model(*batch), torch.tensor([0, 1, 2]))
        loss.backward()
        gradients.append([loss.detach(), *(p.grad for p in model.parameters())])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(checkpointed, plain, rtol=0, atol=1e-7)


def test_checkpointing_saves_memory(batch):
    def kept(checkpoint_blocks):
        sizes = []
        model = classifier(mixer="softmax", blocks=2, checkpoint_blocks=checkpoint_blocks)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            model(*batch)
        return sum(sizes)

    assert kept(True) < 0.7 * kept(False)


@pytest.mark.parametrize(("options", "limit"), [({"pooling": "flat"}, 8), ({"positions": True}, 8)])
def test_sequence_longer_than_model_is_an_error(options, limit):
    model = classifier(**options)
    assert model.length_limit == limit
    model(torch.full((1, 8), 2), torch.ones(1, 8, dtype=torch.bool))
    with pytest.raises(ConfigError, match="9 tokens is longer than the 8"):
        model(torch.full((1, 9), 2), torch.ones(1, 9, dtype=torch.bool))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_any_length_without_positions_and_flat_pooling(pooling):
    model = classifier(pooling=pooling)
    assert model.length_limit is None
    assert model(torch.full((1, 100), 2), torch.ones(1, 100, dtype=torch.bool)).isfinite().all()


@pytest.mark.parametrize("which", ["dropout", "dropout_embedding", "dropout_head", "dropout_tokens"])
@pytest.mark.parametrize("mixer", ["paramixer", "softmax"])
def test_each_dropout_is_active_in_training_only(which, mixer, batch):
    model = classifier(mixer=mixer, **{which: 0.5})
    assert not torch.equal(model(*batch), model(*batch))
    model.eval()
    assert torch.equal(model(*batch), model(*batch))
    plain = classifier(mixer=mixer).eval()
    plain.load_state_dict(model.state_dict())
    assert torch.equal(plain(*batch), model(*batch))


def test_attention_dropout_is_active_in_training_only(batch):
    model = classifier(mixer="softmax", mixer_options={"attention_dropout": 0.5})
    assert not torch.equal(model(*batch), model(*batch))
    model.eval()
    assert torch.equal(model(*batch), model(*batch))


def test_skyformer_draws_landmarks_in_training_only(batch):
    model = classifier(mixer="skyformer", mixer_options={"n_landmarks": 2})
    assert not torch.equal(model(*batch), model(*batch))
    model.eval()
    assert torch.equal(model(*batch), model(*batch))


def test_training_landmarks_are_real_queries_and_keys():
    mixer = build_mixer("skyformer", 4, 20, {"n_landmarks": 500}).train()
    mask = torch.arange(20) < torch.tensor([1, 7, 20])[:, None]
    for length, rows in zip((1, 7, 20), mixer._landmarks(mask), strict=True):
        assert set(rows.tolist()) == {*range(length), *range(20, 20 + length)}


def test_defaults_match_papers():
    assert mixer_options("skyformer") == {"n_heads": 2, "n_landmarks": 128, "gamma": 0.1, "iterations": 6}
    assert mixer_options("kernelized") == {"n_heads": 2, "attention_dropout": 0.0}
    assert mixer_options("softmax") == {"n_heads": 2, "attention_dropout": 0.0}
    assert mixer_options("paramixer")["protocol"] == "chord"


def test_build_model_follows_config(batch):
    config = ModelConfig(mixer="skyformer", mixer_options={"n_heads": 4}, max_length=8, d_model=12, blocks=3, head_hidden=5)
    model = seqmix.build_model(config, vocab_size=9, n_classes=4)
    assert model(*batch).shape == (3, 4)
    assert len(model.blocks) == 3
    assert model.blocks[0].mixer.n_heads == 4
    assert model.embedding.weight.shape == (9, 12)
    assert model.head[0].weight.shape == (5, 12)
    assert count_parameters(model) == sum(p.numel() for p in model.parameters())
    with pytest.raises(ConfigError, match="max_length"):
        seqmix.build_model(ModelConfig(), vocab_size=9, n_classes=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mixer": "paramixr"}, "no mixer 'paramixr'; available: bigbird, chordmixer, conv"),
        ({"pooling": "max"}, "mean, cls, flat, mean-max"),
        ({"stem": "fft"}, "conv, motif, none"),
        ({"positions": True, "position_start": "zero"}, "normal, sinusoidal"),
        ({"position_start": "sinusoidal"}, "model.positions = true"),
        ({"stem": "conv", "stem_kernel": 4}, "odd"),
        ({"mixer_options": {"n_link": 3}}, "no option 'n_link'; it has: protocol, n_links"),
        ({"mixer_options": {"protocol": "ring"}}, "chord, cdil"),
        ({"mixer_options": {"protocol": "cdil", "n_links": 4}}, "odd"),
        ({"mixer_options": {"n_links": -1}}, "n_links"),
        ({"mixer_options": {"d_hidden": 0}}, "d_hidden"),
        ({"mixer_options": {"n_heads": 4}}, "mixer.n_heads must divide model.d_model = 6: got 4"),
        ({"mixer_options": {"d_hidden": "wide"}}, "d_hidden must be a whole number"),
        ({"mixer_options": {"n_factors": 2.5}}, "n_factors must be a whole number"),
        ({"mixer_options": {"residual": "no"}}, "residual must be true or false"),
        ({"mixer": "softmax", "mixer_options": {"n_heads": 4}}, "n_heads must divide"),
        ({"mixer": "softmax", "mixer_options": {"attention_dropout": -0.1}}, "attention_dropout"),
        ({"mixer": "softmax", "mixer_options": {"attention_dropout": 1.5}}, "attention_dropout"),
        ({"mixer": "skyformer", "mixer_options": {"gamma": 0}}, "gamma"),
        ({"mixer": "skyformer", "mixer_options": {"n_landmarks": 0}}, "n_landmarks"),
        ({"mixer": "skyformer", "mixer_options": {"iterations": -1}}, "iterations"),
        ({"mixer": "softmax", "d_feedforward": 0}, "published block of 'softmax' has a feed-forward layer"),
        ({"stride": 4, "pooling": "cls"}, "model.stride = 4 pools the CLS token"),
        ({"stride": 0}, "stride must be from 1 to"),
        ({"block": "gatd"}, "published, gated; did you mean|published, gated: got 'gatd'"),
        ({"block": "gated", "drop_path": 1.0}, "drop_path"),
        ({"embedding_std": 0.0}, "embedding_std must be above 0"),
    ],
    ids=str,
)
def test_invalid_options_are_explained(options, message):
    with pytest.raises(ConfigError, match=message):
        classifier(**options)


@pytest.mark.parametrize("mixer", ["paramixer", "conv", "chordmixer"])
def test_plain_block_with_residual_adds_its_input(mixer):
    torch.manual_seed(0)
    options = {"vocab_size": 7, "n_classes": 2, "max_length": 16, "mixer": mixer, "d_model": 8, "norm": False, "stem": "none"}
    plain, added = (new_model(**options, residual=residual) for residual in (False, True))
    added.load_state_dict(plain.state_dict())
    ids, mask = torch.randint(2, 7, (2, 16)), torch.ones(2, 16, dtype=torch.bool)
    expected = plain.eval().features(ids, mask) + plain.embedding(ids)
    torch.testing.assert_close(added.eval().features(ids, mask), expected)
