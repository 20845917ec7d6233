"""Token tables: same results and gradients as without, and used exactly where they pay."""

import copy

import pytest
import torch
import torch.nn.functional as F

from seqmix.mixers import Table
from seqmix.models import token_tables
from tests.support import new_model

LENGTHS = [40, 33, 40, 21] * 3


def classifier(**options):
    torch.manual_seed(0)
    settings = {"d_model": 6, "stem": "none", "max_length": 40, "mixer_options": {"d_hidden": 5, "link_scale": 1.0}} | options
    return new_model(vocab_size=7, n_classes=3, mixer="paramixer", **settings).double()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    return torch.randint(2, 7, (12, 40), generator=generator), torch.arange(40) < torch.tensor(LENGTHS)[:, None]


def tables_used(model, batch):
    """Record the number of rows of the tables that a model's mixers receive, or None without a table."""
    rows = []
    hooks = [
        block.mixer.register_forward_pre_hook(
            lambda _, inputs: rows.append(len(inputs[2].rows) if isinstance(inputs[2], Table) else None)
        )
        for block in model.blocks
    ]
    model(*batch)
    for hook in hooks:
        hook.remove()
    return rows


CASES = {
    "tokens": {},
    "tokens, two blocks": {"blocks": 2},
    "tokens and a residual": {"blocks": 2, "residual": True},
    "positions": {"positions": True, "position_std": 1.0},
    "positions, flat": {"positions": True, "position_std": 1.0, "pooling": "flat", "blocks": 2},
    "words": {"kmer": 2},
    "words and positions": {"kmer": 1, "positions": True, "position_std": 1.0},
    "tokens beside a stem": {"stem": "conv", "source": "tokens", "blocks": 2},
    "words beside the blocks": {"words": 2, "d_words": 5},
    "heads": {"blocks": 2, "mixer_options": {"d_hidden": 5, "link_scale": 1.0, "n_heads": 3}},
    "gated": {"block": "gated", "blocks": 2, "gate": 1.0},
    "gated, positions": {"block": "gated", "gate": 1.0, "positions": True, "position_std": 1.0, "d_feedforward": 0},
    "gated beside a stem": {"block": "gated", "blocks": 2, "gate": 1.0, "stem": "motif", "source": "tokens"},
}
every_case = pytest.mark.parametrize("options", CASES.values(), ids=CASES)


@every_case
def test_tables_keep_outputs_and_gradients_in_training(options, batch, monkeypatch):
    model = classifier(**options)
    assert all(tables_used(model, batch))
    results = []
    for tables in (True, False):
        if not tables:
            monkeypatch.setattr(token_tables, "_of_batch", lambda *_: None)
        model.zero_grad()
        logits = model(*batch)
        F.cross_entropy(logits, torch.tensor([0, 1, 2, 0] * 3)).backward()
        results.append([logits.detach(), *(p.grad.clone() for p in model.parameters())])
    for tabulated, plain in zip(*results, strict=True):
        torch.testing.assert_close(tabulated, plain, rtol=0, atol=1e-10)


@every_case
def test_tables_keep_outputs_in_inference(options, batch, monkeypatch):
    model = classifier(**options).float().eval()
    with torch.inference_mode():
        before = [model(*batch) for _ in range(30)]  # enough for the whole table to be computed on the way
        rows = tables_used(model, batch)
        monkeypatch.setattr(token_tables.TokenTables, "table", lambda *_: None)
        plain = model(*batch)
    assert all(rows)
    for found in before:
        torch.testing.assert_close(found, plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", [{"dropout_embedding": 0.5}, {"stem": "conv"}, {"mixer": "softmax", "mixer_options": {}}])
def test_no_table_if_features_depend_on_more_than_token_and_position(options, batch):
    settings = {"mixer": "paramixer", "d_model": 6, "stem": "none", "max_length": 40} | options
    model = new_model(vocab_size=7, n_classes=3, **settings)
    assert tables_used(model.train(), batch) == [None]


def test_embedding_dropout_prevents_tables_in_training_only(batch):
    model = classifier(dropout_embedding=0.5)
    assert tables_used(model.train(), batch) == [None]
    assert tables_used(model.eval(), batch) == [7]


@pytest.mark.parametrize("options", [{}, {"positions": True}, {"block": "gated", "drop_path": 0.5}], ids=str)
def test_tables_keep_outputs_with_hidden_tokens(options, batch, monkeypatch):
    model = classifier(dropout_tokens=0.3, **options)
    assert all(tables_used(model, batch))
    results = []
    for tables in (True, False):
        if not tables:
            monkeypatch.setattr(token_tables, "_of_batch", lambda *_: None)
        torch.manual_seed(0)
        model.zero_grad()
        logits = model(*batch)
        logits.square().sum().backward()
        results.append([logits.detach(), *(p.grad.clone() for p in model.parameters())])
    for tabulated, plain in zip(*results, strict=True):
        torch.testing.assert_close(tabulated, plain, rtol=0, atol=1e-10)


def test_no_table_with_as_many_rows_as_positions():
    ids, mask = torch.tensor([[2, 3, 4, 5, 6, 2]]), torch.ones(1, 6, dtype=torch.bool)
    assert tables_used(classifier(kmer=3), (ids, mask)) == [None]
    assert tables_used(classifier(positions=True), (ids, mask)) == [None]


def test_huge_vocabulary_is_searched_for_tokens_in_batch(batch):
    (rows,) = tables_used(classifier(kmer=6), (batch[0][:1].repeat(4, 1), batch[1][:1].repeat(4, 1)))
    assert rows < 40


def test_inference_computes_whole_table_once_it_pays(batch):
    model = classifier(positions=True).eval()  # 7 tokens at 40 positions: 280 rows, and 160 positions per batch
    calls = []
    model.blocks[0].mixer.links.register_forward_pre_hook(lambda _, inputs: calls.append(inputs[0].shape[1]))
    with torch.no_grad():
        for _ in range(4):
            model(batch[0][:4], batch[1][:4])
    assert calls[1:] == [280]
    assert calls[0] < 280


def test_kept_table_is_never_used_with_other_weights(batch):
    model = classifier().eval()
    with torch.no_grad():
        model(*batch)
        model.embedding.weight.add_(1.0)
        torch.testing.assert_close(model(*batch), copy.deepcopy(model)(*batch))
        model.blocks[0].mixer.links.bias_out.add_(1.0)
        changed = model(*batch)
        torch.testing.assert_close(changed, copy.deepcopy(model)(*batch))
        other = classifier(positions=False)
        other.embedding.weight.mul_(2.0)
        model.load_state_dict(other.state_dict())
        torch.testing.assert_close(model(*batch), other.eval()(*batch))
        assert not torch.allclose(model(*batch), changed)


def test_training_frees_kept_table(batch):
    model = classifier().eval()
    with torch.no_grad():
        model(*batch)
    assert model._tabulator._kept is not None
    model.train()
    assert model._tabulator._kept is None


def test_too_large_table_is_not_kept(batch, monkeypatch):
    monkeypatch.setattr(token_tables, "_MAX_KEPT_FLOATS", 10)
    model = classifier().eval()
    with torch.no_grad():
        model(*batch)
    assert model._tabulator._kept is None


def test_tables_work_with_checkpointing(batch):
    gradients = []
    for checkpoint_blocks in (False, True):
        model = classifier(blocks=2, checkpoint_blocks=checkpoint_blocks)
        model(*batch).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(checkpointed, plain, rtol=0, atol=1e-12)
