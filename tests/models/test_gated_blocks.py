"""Gated blocks: their formula, the source of links, stochastic depth, and that deep stacks of them learn."""

import math

import pytest
import torch
import torch.nn.functional as F

from seqmix.mixers import Table
from tests.support import new_model

MASK = torch.arange(12) < torch.tensor([12, 7, 1])[:, None]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def classifier(**options):
    settings = {"vocab_size": 9, "n_classes": 3, "max_length": 12, "d_model": 6, "d_feedforward": 7, "stem": "none"}
    settings |= {"mixer": "conv", "block": "gated"} | options
    return new_model(**settings).double()


def ids():
    return torch.randint(2, 9, MASK.shape)


def features_of(block, x, source):
    """The formula of a gated block, without dropout."""
    skipped = x if block.skip is None else block.skip * x
    x = skipped + block.gate_mixer * block.mixer(block.norm_mixer(x), MASK, source)
    if block.feedforward is None:
        return x
    first, _, _, second, _ = block.feedforward
    return x + block.gate_feedforward * second(F.gelu(first(block.norm_feedforward(x))))


@pytest.mark.parametrize("mixer", ["conv", "paramixer", "softmax"])
@pytest.mark.parametrize("d_feedforward", [0, 7])
@pytest.mark.parametrize("mixed", [0.0, 0.5])
def test_gated_blocks_follow_their_formula_and_a_norm_comes_last(mixer, d_feedforward, mixed):
    options = {"blocks": 3, "d_feedforward": d_feedforward, "stem": "conv", "gate": 0.3, "mixed": mixed}
    model, tokens = classifier(mixer=mixer, **options).eval(), ids()
    with torch.no_grad():
        for parameter in model.blocks.parameters():  # no gate or norm as at the start
            parameter.add_(torch.randn_like(parameter) * 0.1)
    x = model.stem(model.embedding(tokens) * MASK[:, :, None]) * MASK[:, :, None]
    x = source = F.layer_norm(x, (6,))
    for block in model.blocks:
        x = features_of(block, x, source)
    torch.testing.assert_close(model.features(tokens, MASK), model.norm(x) * MASK[:, :, None])


@pytest.mark.parametrize("options", [{}, {"stem": "conv"}, {"stem": "conv", "source": "tokens"}, {"stride": 2}], ids=str)
def test_links_of_every_gated_block_come_from_the_normalised_source(options):
    model, tokens = classifier(mixer="paramixer", blocks=3, embedding_std=0.02, **options), ids()
    captured = []
    for block in model.blocks:
        block.mixer.register_forward_pre_hook(lambda _, inputs: captured.append(inputs))
    model(tokens, MASK)
    rows = [source.expand() if isinstance(source, Table) else source for _, _, source in captured]
    real = rows[0][captured[0][1]]
    torch.testing.assert_close(real.mean(-1), torch.zeros(len(real), dtype=torch.float64), rtol=0, atol=1e-9)
    assert (real.var(-1, correction=0) - 1).abs().max() < 0.2
    assert all(torch.equal(row, rows[0]) for row in rows)


def test_gates_start_at_the_given_value_and_are_learned():
    model = classifier(gate=0.25)
    for gate in (model.blocks[0].gate_mixer, model.blocks[0].gate_feedforward):
        assert gate.shape == (6,)
        assert (gate == 0.25).all()
    model(ids(), MASK).square().sum().backward()
    assert (model.blocks[0].gate_mixer.grad != 0).all()


def test_closed_gates_leave_the_normalised_embedding():
    model, tokens = classifier(gate=0.0, blocks=4).eval(), ids()
    x = F.layer_norm(model.embedding(tokens), (6,))
    torch.testing.assert_close(model.features(tokens, MASK), model.norm(x) * MASK[:, :, None])


def test_scale_of_the_embedding_does_not_decide_how_much_is_mixed_in():
    tokens, found = ids(), []
    for scale in (1.0, 0.02):
        torch.manual_seed(0)
        model = classifier(embedding_std=scale, blocks=2, mixer="paramixer", stem="none").eval()
        found.append(model.features(tokens, MASK))
    torch.testing.assert_close(*found, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("mixer", ["paramixer", "conv", "softmax"])
def test_a_sequence_skips_parts_of_gated_blocks_in_training_only(mixer):
    model = classifier(mixer=mixer, drop_path=0.5, gate=1.0)
    tokens = torch.randint(2, 9, (200, 12))
    mask = torch.ones(200, 12, dtype=torch.bool)
    block, captured = model.blocks[0], []
    block.mixer.register_forward_hook(lambda _, inputs, out: captured.append(len(out)))
    block.register_forward_hook(lambda _, inputs, out: captured.append(out))
    model(tokens, mask)
    computed, trained = captured
    assert 70 < computed < 130  # what is skipped is not computed
    model.eval()
    captured.clear()
    model(tokens, mask)
    assert captured[0] == 200
    unchanged = (trained == F.layer_norm(model.embedding(tokens), (6,))).all(2).all(1)
    assert 25 < unchanged.sum() < 75  # a quarter skips both parts


def test_what_remains_is_scaled_to_the_same_mean(monkeypatch):
    model, tokens = classifier(drop_path=0.75, gate=1.0, d_feedforward=0), ids()
    block = model.blocks[0]
    x = model.embedding(tokens)
    monkeypatch.setattr(block, "_remaining", lambda mask: torch.tensor([1]))
    out = block(x, MASK, x)
    mixed = block.mixer(block.norm_mixer(x), MASK, x)
    torch.testing.assert_close(out[1], x[1] + 4 * mixed[1])
    assert torch.equal(out[[0, 2]], x[[0, 2]])


def test_a_batch_whose_sequences_all_skip_a_block_trains():
    model = classifier(drop_path=0.999)
    model(ids(), MASK).sum().backward()
    assert model.embedding.weight.grad.isfinite().all()
    assert model.blocks[0].mixer.norms[0].weight.grad is None


def test_checkpointing_repeats_which_sequences_skip():
    gradients, tokens = [], ids()
    for checkpoint_blocks in (False, True):
        torch.manual_seed(0)
        model = classifier(mixer="paramixer", blocks=3, drop_path=0.5, dropout=0.3, checkpoint_blocks=checkpoint_blocks)
        torch.manual_seed(1)
        model(tokens, MASK).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        assert (plain is None) == (checkpointed is None)
        if plain is not None:
            torch.testing.assert_close(checkpointed, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mixer", ["paramixer", "conv", "chordmixer", "softmax"])
def test_four_gated_blocks_learn(mixer):
    """Which of two tokens comes first, at random places: the same tokens in both classes."""
    torch.manual_seed(3)
    width = {"d_model": 16, "d_feedforward": 16, "max_length": 16, "positions": mixer == "softmax", "position_std": 1.0}
    model = classifier(mixer=mixer, blocks=4, n_classes=2, pooling="mean-max", **width).float()
    tokens, mask = torch.full((64, 16), 2), torch.ones(64, 16, dtype=torch.bool)
    places = torch.rand(64, 16).argsort(1)[:, :2].sort(1).values
    labels, rows = torch.arange(64) % 2, torch.arange(64)
    tokens[rows, places[:, 0]], tokens[rows, places[:, 1]] = 3 + labels, 4 - labels
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        loss = F.cross_entropy(model(tokens, mask), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * math.log(2), losses


def test_mixed_channels_begin_with_what_the_mixer_brings_and_the_others_with_the_input():
    block = classifier(mixed=0.5, gate=0.1).blocks[0]
    assert block.gate_mixer.tolist() == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1])
    assert block.skip.tolist() == pytest.approx([0.05, 0.05, 0.05, 1, 1, 1])
