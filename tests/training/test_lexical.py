"""The lexical branch in training: fitted first, kept apart, combined, stored and read again."""

import numpy as np
import pytest
import torch

import seqmix
from seqmix.errors import ConfigError
from seqmix.models.branches import LEXICAL, MIXING, Branches, best_weight
from seqmix.objectives.classification import Classification
from seqmix.training.events import EpochEnd, Finished, LexicalFitted
from tests.support import train_tiny

LEXICAL_ON = "model.lexical=auto"


@pytest.fixture(scope="module")
def both(dataset, tmp_path_factory):
    """A run with both branches, and its events."""
    events = []
    output = tmp_path_factory.mktemp("both") / "run"
    return train_tiny(dataset, output, LEXICAL_ON, on_event=events.append), events


@pytest.fixture(scope="module")
def alone(dataset, tmp_path_factory):
    """A run of the lexical branch alone, and its events."""
    events = []
    output = tmp_path_factory.mktemp("alone") / "run"
    return seqmix.train(dataset, output, mixer="none", on_event=events.append), events


def test_both_branches_are_trained_and_predict(both, dataset):
    run, events = both
    [fitted] = [event for event in events if isinstance(event, LexicalFitted)]
    assert fitted.spec.features == "kmers"
    assert fitted.validation["accuracy"] > 0.9
    assert events.index(fitted) < min(i for i, event in enumerate(events) if isinstance(event, EpochEnd))
    model = run.load_model()
    assert isinstance(model, Branches)
    assert [line["weight"] for line in run.history() if line["best"]][-1] == model.weight
    texts = [dataset[i].text for i in dataset.indices("test")[:5]]
    ids = torch.tensor(dataset.vocabulary.encode(texts[0].encode(), {}, "")[None].astype(np.int64))
    found = run.objective.predictions(model(ids, torch.ones_like(ids, dtype=torch.bool)).detach())
    [prediction, *_] = run.predict(texts)
    np.testing.assert_allclose(list(prediction.probabilities.values()), found[0], atol=1e-6)


def test_mixing_branch_is_trained_as_without_the_other(both, dataset, tmp_path):
    run, _ = both
    without = train_tiny(dataset, tmp_path / "run", "model.lexical=none")
    mixing = run.load_model().parts[MIXING]
    for name, tensor in without.load_model().state_dict().items():
        assert torch.equal(mixing.state_dict()[name], tensor), name
    for ours, theirs in zip(run.history(), without.history(), strict=True):
        assert {name: ours[name] for name in theirs if name not in ("seconds", "tokens_per_second")} == {
            name: theirs[name] for name in theirs if name not in ("seconds", "tokens_per_second")
        }


def test_combination_is_never_worse_on_validation_than_either_branch(both):
    _, events = both
    [fitted] = [event for event in events if isinstance(event, LexicalFitted)]
    for event in (event for event in events if isinstance(event, EpochEnd)):
        assert event.both["macro-F1"] >= max(event.validation["macro-F1"], fitted.validation["macro-F1"])


def test_best_weight_has_the_least_loss_of_those_that_score_as_well_as_a_branch():
    objective = Classification(("a", "b"))
    generator = torch.Generator().manual_seed(0)
    labels = np.arange(60) % 2
    truth = torch.nn.functional.one_hot(torch.from_numpy(labels)).float()
    lexical, mixing = (truth + torch.randn(60, 2, generator=generator) for _ in range(2))
    weight, scores = best_weight(objective, lexical, mixing, labels, "accuracy")

    def at(share):
        return objective.point_scores(objective.predictions(objective.combine(lexical, mixing, share)), labels)

    better = max(at(0)["accuracy"], at(1)["accuracy"])
    allowed = [step / 20 for step in range(21) if at(step / 20)["accuracy"] >= better]
    assert weight == min(allowed, key=lambda share: at(share)["log loss"])
    assert scores == at(weight)
    assert 0 < weight < 1


def test_lexical_branch_alone_is_a_whole_run(alone, dataset, tmp_path):
    run, events = alone
    assert [type(event).__name__ for event in events] == ["Started", "LexicalFitted", "Finished"]
    assert events[-1].cause == "fitted"
    assert list(run.load_model().parts) == [LEXICAL]
    [line] = run.history()
    assert line["best"]
    result = seqmix.evaluate(run, output=tmp_path, resamples=2, baselines=False)
    assert result.scores["accuracy"].value > 0.9
    assert (tmp_path / "report.html").exists()
    before = (run.path / "model.safetensors").read_bytes()
    again = []
    seqmix.train(dataset, run.path, resume=True, on_event=again.append)
    assert isinstance(again[-1], Finished)
    assert again[-1].earlier
    assert (run.path / "model.safetensors").read_bytes() == before


def test_nothing_to_train_is_an_error_that_says_what_to_do(dataset, tmp_path):
    with pytest.raises(ConfigError, match=r"both none; choose a mixer, or lexical='auto'"):
        seqmix.train(dataset, tmp_path / "run", mixer="none", lexical="none")
    with pytest.raises(ConfigError, match="needs texts"):
        seqmix.train(dataset, tmp_path / "run", lexical="ngrams")
