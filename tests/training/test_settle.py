"""Statistics of pooled features are those of a model that answers, and hidden tokens do not drown what records differ by."""

import numpy as np
import pytest
import torch

import seqmix
from seqmix.config.tables import settings_tables
from seqmix.errors import ConfigError
from seqmix.models.members import members_of
from seqmix.models.pooled_features import PooledFeatures
from seqmix.training.events import FewerTokensHidden
from seqmix.training.new_run import new_run
from seqmix.training.resolve import resolve
from seqmix.training.settle import hidden_tokens, settle
from seqmix.training.trainer import Trainer
from tests.support.interrupting import assert_same_run, resumed_at

SMALL = (
    "model.lexical=none",
    "model.mixer=mingru",
    "model.block=gated",
    "model.stem=none",
    "model.kmer=2",
    "model.d_model=8",
    "model.standardise=true",
    "model.dropout_tokens=0.5",
    "training.epochs=3",
    "training.patience=0",
    "training.tokens_per_batch=4096",
    "training.lr=5e-3",
)
WAYS = {
    "averaged weights": ("training.average=0.9",),
    "last weights": ("training.average=0",),
    "skipped parts": ("model.drop_path=0.5", "training.average=0.9"),
    "no validation split": ("training.average=0.9",),
    "crops": ("training.crop=0.5",),
    "two members": ("model.second={kmer=1,blocks=2}",),
}


def sequence(length, generator):
    return "".join(generator.choice(list("ACGT"), length))


def aligned(count=60, length=600, seed=0, differ=8):
    """Copies of one genome with mutations, of which three tell the two classes apart."""
    generator = np.random.default_rng(seed)
    genome = np.array(list(sequence(length, generator)))
    turn = dict(zip("ACGT", "GTAC", strict=True))
    for i in range(count):
        copy = genome.copy()
        places = [*generator.choice(length, differ, replace=False), *((50, 300, 500) if i % 2 else ())]
        for place in places:
            copy[place] = turn[genome[place]]
        yield f"r{i}", "".join(copy), "ab"[i % 2]


def unlike(count=60, length=600, seed=0):
    generator = np.random.default_rng(seed)
    for i in range(count):
        letters = generator.choice(list("ACGT"), length, p=generator.dirichlet(np.ones(4) * 20))
        yield f"r{i}", "".join(letters), "ab"[i % 2]


def prepared(records, folder, **options):
    return seqmix.prepare(records=records, output=folder, **options)


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    return prepared(aligned(), tmp_path_factory.mktemp("aligned") / "data")


@pytest.fixture(scope="module")
def different(tmp_path_factory):
    return prepared(unlike(), tmp_path_factory.mktemp("unlike") / "data")


def trainer_of(dataset, folder, *settings):
    config = resolve(dataset, settings_tables([*SMALL, *settings]))
    torch.manual_seed(0)
    return Trainer(new_run(dataset, config, folder, False).build_model(), dataset, config, torch.device("cpu"))


def pooled(dataset, member, window=0):
    """Return the features of all training records, or their windows, as the member has them when it answers."""
    rows = []
    for i in dataset.indices("train"):
        ids = torch.from_numpy(dataset.tokens(int(i)).astype(np.int64))[None]
        for part in ids.split(window or ids.shape[1], dim=1):
            with torch.no_grad():
                rows.append(PooledFeatures(member.eval())(part, torch.ones_like(part, dtype=torch.bool)))
    return torch.cat(rows)


@pytest.mark.parametrize("way", WAYS)
def test_kept_features_have_no_mean_over_the_training_records(way, alike, tmp_path):
    split = {"split": "1,0,0"} if way == "no validation split" else {}
    data = prepared(aligned(), tmp_path / "data", **split) if split else alike
    settings = [*SMALL, *WAYS[way]]
    run = seqmix.train(data, tmp_path / "run", settings=settings)
    for member in members_of(run.load_model()):
        features = member.standardisation(pooled(data, member))
        assert features.mean(0).abs().max() < 1e-3, way
        assert features.var(0).max() > 1e-3  # and they are features, not zeros


def test_settled_means_are_those_of_every_record_in_small_sets(alike, tmp_path):
    trainer = trainer_of(alike, tmp_path / "run")
    settle(trainer)
    (member,) = members_of(trainer.averaged)
    torch.testing.assert_close(member.standardisation.mean, pooled(alike, member).mean(0), rtol=1e-4, atol=1e-6)


def test_windows_are_settled_as_they_are_answered(alike, tmp_path):
    run = seqmix.train(alike, tmp_path / "run", settings=[*SMALL, "data.window=20"])
    (member,) = members_of(run.load_model())
    windows = member.standardisation(pooled(alike, member, 20))
    assert (windows.mean(0).abs() / windows.std(0)).max() < 0.5  # of one window of each of the 36 records


@pytest.mark.parametrize("way", ["averaged weights", "last weights", "two members"])
@pytest.mark.parametrize("step", [1, 4])
def test_resume_is_bit_identical(way, step, alike, tmp_path):
    settings = [*SMALL, *WAYS[way], "model.hidden_noise=0.2", "model.dropout_tokens=0.3"]
    reference = seqmix.train(alike, tmp_path / "whole", settings=settings)
    assert_same_run(resumed_at(step, alike, tmp_path / "cut", settings), reference)


def test_state_of_one_model_is_read_into_both(alike, tmp_path):
    trainer = trainer_of(alike, tmp_path / "run", "training.average=0")
    tensors, facts = trainer.pack()
    old = {name: tensor for name, tensor in tensors.items() if not name.startswith("averaged.")}
    del facts["state"]["hidden"]
    torch.manual_seed(1)
    other = trainer_of(alike, tmp_path / "other", "training.average=0")
    other.averaged.embedding.weight.data.zero_()
    other.unpack(old, facts)
    for name, value in trainer.model.state_dict().items():
        torch.testing.assert_close(other.averaged.state_dict()[name], value)


def test_tokens_are_hidden_less_where_records_are_alike(alike, different, tmp_path):
    settings = ("model.hidden_noise=0.5", "model.dropout_tokens=0.3")
    (few,) = hidden_tokens(trainer_of(alike, tmp_path / "alike", *settings))
    assert 0 < few < 0.1
    (many,) = hidden_tokens(trainer_of(different, tmp_path / "different", *settings))
    assert many == pytest.approx(0.3)
    (unlimited,) = hidden_tokens(trainer_of(alike, tmp_path / "unlimited", "model.dropout_tokens=0.3"))
    assert unlimited == pytest.approx(0.3)


@pytest.mark.parametrize("most", [0.1, 0.5, 1.5])
def test_noise_that_is_left_is_as_configured(most, alike, tmp_path):
    first = trainer_of(alike, tmp_path / "first", "model.dropout_tokens=0.6", f"model.hidden_noise={most}")
    (hidden,) = hidden_tokens(first)
    second = trainer_of(alike, tmp_path / "second", f"model.dropout_tokens={hidden:.6f}", f"model.hidden_noise={most / 1000}")
    (lower,) = hidden_tokens(second)
    noise = most / 1000 * (hidden / (1 - hidden)) / (lower / (1 - lower))  # odds were lowered by `most / 1000 / noise`
    assert noise == pytest.approx(most, rel=0.35)


def test_measuring_noise_changes_neither_model_nor_random_state(alike, tmp_path):
    trainer = trainer_of(alike, tmp_path / "run", "model.hidden_noise=0.1")
    before, random = {n: t.clone() for n, t in trainer.model.state_dict().items()}, torch.get_rng_state()
    assert hidden_tokens(trainer) == hidden_tokens(trainer)
    assert torch.equal(torch.get_rng_state(), random)
    for name, tensor in trainer.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_fewer_hidden_tokens_are_said_once(alike, different, tmp_path):
    events = []
    settings = [*SMALL, "model.hidden_noise=0.5", "model.dropout_tokens=0.3"]
    seqmix.train(alike, tmp_path / "alike", settings=settings, on_event=events.append)
    (event,) = [event for event in events if isinstance(event, FewerTokensHidden)]
    assert event.configured == (0.3,)
    assert 0 < event.hidden[0] < 0.1
    events.clear()
    seqmix.train(different, tmp_path / "different", settings=settings, on_event=events.append)
    assert not [event for event in events if isinstance(event, FewerTokensHidden)]


def test_aligned_records_are_told_apart(tmp_path):
    """With as many hidden tokens as are configured, 0.78 are right."""
    data = prepared(aligned(count=160, length=3000, differ=60), tmp_path / "data")
    settings = [*SMALL, "model.hidden_noise=0.2", "model.kmer=6", "model.stride=12", "model.frames=3", "training.epochs=5"]
    run = seqmix.train(data, tmp_path / "run", settings=settings, seed=1)
    assert run.best_line()["val_accuracy"] > 0.88


def test_limit_without_hidden_tokens_is_refused(alike, tmp_path):
    settings = [*SMALL, "model.dropout_tokens=0", "model.hidden_noise=0.5"]
    with pytest.raises(ConfigError, match="hidden_noise"):
        seqmix.train(alike, tmp_path / "run", settings=settings)
