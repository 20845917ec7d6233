"""The lexical branch in training: fitted first, kept apart, combined, stored and read again."""

import random
import re

import numpy as np
import pytest
import torch

import seqmix
from seqmix.config import DataConfig
from seqmix.data.batching import collate
from seqmix.errors import ConfigError
from seqmix.evaluation.tables import comparison_table
from seqmix.models.branches import LEXICAL, MIXING, Branches, best_weight, packed
from seqmix.objectives.classification import Classification
from seqmix.training import lexical
from seqmix.training import train_to_end as training
from seqmix.training.events import EpochEnd, Finished, LexicalFitted, StepEnd
from tests.support import prepare_noise, random_dna, strict_json, train_tiny
from tests.support.kinds import COMBINATIONS, KINDS, Made

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
    mixing = run.load_model().by_name[MIXING]
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


def test_evaluation_shows_each_branch_alone_and_both(both, tmp_path):
    run, _ = both
    result = seqmix.evaluate(run, output=tmp_path, resamples=2)
    assert list(result.branches) == [LEXICAL, MIXING]
    assert sum(branch["weight"] for branch in result.branches.values()) == pytest.approx(1)
    assert not any(name.startswith("best") for name in result.baselines)  # it would be the lexical branch again
    rows = [row.cells[0] for row in comparison_table(result).rows]
    assert rows[:3] == ["both (this model)", f"{run.load_model().lexical.spec.noun} alone", "conv alone"]
    stored = strict_json(tmp_path / "evaluation.json")["branches"]
    page = (tmp_path / "report.html").read_text()
    for name, branch in result.branches.items():
        assert stored[name]["scores"]["accuracy"] == branch["scores"]["accuracy"] > 0.8
        assert branch["title"] in page
    without = seqmix.evaluate(run, output=tmp_path, resamples=2, baselines=False)
    assert [row.cells[0] for row in comparison_table(without).rows] == rows[:3]


def test_report_of_the_lexical_branch_alone_shows_it_and_no_mixing(alone, tmp_path):
    run, _ = alone
    spec = run.load_model().lexical.spec
    result = seqmix.evaluate(run, output=tmp_path, resamples=2, baselines=False)
    assert result.model == spec.title == strict_json(tmp_path / "evaluation.json")["model"]
    page = (tmp_path / "report.html").read_text()
    assert f"model: {spec.title}; fitted to" in page and "penalty chosen on" in page
    assert not re.search("mixing|branch|best weights|dropout|lr =|Learning curves", page)
    assert all(f"{name} = " in page for name in ("mixer", "lexical", "seed", "truncate"))


def test_lexical_branch_alone_is_a_whole_run(alone, dataset, tmp_path):
    run, events = alone
    assert [type(event).__name__ for event in events] == ["Started", "LexicalFitted", "Calibrated", "Finished"]
    assert events[-1].cause == "fitted"
    assert list(run.load_model().by_name) == [LEXICAL]
    [line] = run.history()
    assert line["best"]
    result = seqmix.evaluate(run, output=tmp_path, resamples=2, baselines=False)
    assert result.scores["accuracy"].value > 0.9
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


def test_choice_on_a_part_of_the_records_fits_all_of_them(dataset, monkeypatch):
    monkeypatch.setattr(lexical, "_LEAST", 12)
    monkeypatch.setattr(lexical, "_CHOICE", lexical._Limits(20, 10**9, 10**9))
    seen = []
    original = lexical.count_records
    monkeypatch.setattr(lexical, "count_records", lambda *args: seen.append(len(args[1])) or original(*args))
    fitted = lexical.fit_lexical(dataset, DataConfig(), 0)
    assert set(seen[:-2]) <= {20, len(dataset.indices("val"))}
    assert seen[-2] == len(dataset.indices("train"))
    assert fitted.scores["accuracy"] > 0.9
    monkeypatch.setattr(lexical, "_CHOICE", lexical._Limits(20, 1500, 10**9))
    assert 12 <= len(lexical._Search(dataset, DataConfig(), np.random.default_rng(0), lambda: None).train) < 20


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [([1.0, 0.992, 0.988], 1), ([1.0, 0.995, 0.991], 0), ([0.8, 1.0, 0.798], 0), ([1.0, 0.5, 0.7], 1), ([0.6, 0.6], 0)],
)
def test_choice_is_the_first_whose_loss_is_within_a_hundredth_of_the_least(losses, chosen):
    tried = [lexical._Tried(loss, None, strength, None) for strength, loss in enumerate(losses)]
    assert lexical._simplest(tried).strength == chosen


def test_each_part_of_texts_is_counted_once(tmp_path, monkeypatch):
    data, seen = Made(KINDS["words"], tmp_path).data, []
    original = lexical.count_records
    monkeypatch.setattr(lexical, "count_records", lambda *args: seen.append(args[3]) or original(*args))
    search = lexical._Search(data, DataConfig(), np.random.default_rng(0), lambda: None)
    [*_, (both, counts)] = search._counted()
    assert both.parts == ("words", "characters")
    assert [spec.parts for spec in seen] == [("words",)] * 2 + [("characters",)] * 2
    expected = original(data, search.train, DataConfig(), both)
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(counts[0], name), getattr(expected, name))


def test_fit_is_reproducible_and_packs(dataset):
    first, second = (lexical.fit_lexical(dataset, DataConfig(), 0) for _ in range(2))
    again = lexical.FittedLexical.unpack(*first.pack(), dataset)
    for other in (second, again):
        assert torch.equal(first.validation, other.validation)
        assert first.model.spec == other.model.spec
        assert all(torch.equal(a, b) for a, b in zip(first.model.buffers(), other.model.buffers(), strict=True))
    assert again.scores == first.scores


def test_without_validation_split_the_choice_is_fixed(two_class_files, tmp_path):
    data = seqmix.prepare(two_class_files, tmp_path / "data", options=seqmix.PrepareOptions(split="0.7,0,0.3"))
    run = train_tiny(data, tmp_path / "run", LEXICAL_ON)
    model = run.load_model()
    assert model.lexical.spec.title == "6-mers, tf-idf, C 10"
    assert model.weight == 0.5
    assert seqmix.evaluate(run, output=tmp_path, resamples=2, baselines=False).scores["accuracy"].value > 0.8


LEARNED = {
    "multilabel": ("exact match", 0.8),
    "regression": ("R2", 0.8),
    "pairs": ("accuracy", 0.8),
    "words": ("accuracy", 0.9),
    "pairs of words, targets": ("R2", 0.5),
}


@pytest.mark.parametrize("kind", LEARNED)
def test_every_kind_has_a_lexical_branch(kind, tmp_path):
    made = Made((KINDS | COMBINATIONS)[kind], tmp_path)
    run = seqmix.train(made.data, tmp_path / "run", mixer="none")
    name, least = LEARNED[kind]
    assert seqmix.evaluate(run, output=tmp_path / "test", resamples=2, baselines=False).scores[name].value >= least
    rows = made.test_rows[:3]
    texts = [tuple(row[name] for name in made.kind.inputs) if len(made.kind.inputs) > 1 else row["text"] for row in rows]
    assert len(run.predict(texts)) == 3


def test_numbers_have_no_lexical_branch(tmp_path):
    made = Made(KINDS["numbers"], tmp_path)
    assert train_tiny(made.data, tmp_path / "run", LEXICAL_ON, epochs=1).config.model.lexical == "none"
    with pytest.raises(ConfigError, match=r"no letters or words to count; choose a mixer$"):
        seqmix.train(made.data, tmp_path / "other", mixer="none")


@pytest.mark.parametrize(
    "options",
    [
        {"kmer": 6},
        {"settings": ["model.blocks=2"]},
        {"protocol": "cdil"},
        {"epochs": 3},
        {"lr": 0.1},
        {"budget": "5m"},
        {"select": "loss"},
        {"tokens_per_batch": "auto"},
        {"freeze": True},
        {"init": "run"},
        {"settings": ["training.sampling=balanced"]},
        {"settings": ["training.least_records=8"]},
        {"settings": ["data.window=8"]},
    ],
    ids=str,
)
def test_options_of_the_mixing_branch_without_one_are_errors(options, dataset, tmp_path):
    name = next(iter(options)) if "settings" not in options else options["settings"][0].partition("=")[0]
    with pytest.raises(ConfigError, match=rf"{name} is for the mixing branch, and mixer='none' leaves it out"):
        seqmix.train(dataset, tmp_path / "run", mixer="none", **options)
    assert not (tmp_path / "run").exists()


def test_class_weights_weight_the_lexical_branch_as_the_mixing_one(tmp_path):
    data = prepare_noise(tmp_path, common=90, rare=30)
    rng = random.Random(1)
    new = [random_dna(40, rng) for _ in range(100)]
    for weights, share in {"none": 0.25, "balanced": 0.5}.items():
        run = seqmix.train(data, tmp_path / weights, mixer="none", class_weights=weights)
        assert run.predict_proba(new)[:, run.classes.index("rare")].mean() == pytest.approx(share, abs=0.05)


def test_lexical_run_can_be_repeated_from_its_configuration(alone, dataset, tmp_path):
    run, _ = alone
    again = seqmix.train(dataset, tmp_path / "again", config=run.path / "config.toml")
    assert again.config == run.config
    assert (again.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()
    named = seqmix.train(dataset, tmp_path / "named", recipe="paramixer/genome", mixer="none", max_length=50)
    assert named.config.model.lexical == "kmers"


@pytest.mark.parametrize("options", [{"pooling": "cls"}, {"pooling": "flat", "max_length": 64}, {"kmer": 2}])
def test_lexical_branch_stands_beside_every_input_of_the_mixer(options, dataset, tmp_path):
    run = train_tiny(dataset, tmp_path / "run", LEXICAL_ON, epochs=1, **options)
    model, test = run.load_model(), dataset.indices("test")[:6]
    rows = [dataset.truncated(int(i), run.config.data)[0] for i in test]
    batch = collate(rows, cls=model.pooling == "cls")
    with torch.no_grad():
        whole = model.objective.predictions(model(batch.ids, batch.mask))
    found = run.predict_proba([dataset[i].text for i in test])
    np.testing.assert_allclose(whole, found, atol=1e-5)
    plain = collate(rows)
    lexical = model.outputs(batch.ids, batch.mask)[LEXICAL]
    torch.testing.assert_close(lexical, model.lexical(plain.ids, plain.mask), rtol=0, atol=0)


def test_time_of_the_lexical_branch_counts_in_a_budget(dataset, tmp_path):
    events = []
    run = train_tiny(dataset, tmp_path / "run", LEXICAL_ON, epochs=1, budget=60, on_event=events.append)
    [fitted] = [event for event in events if isinstance(event, LexicalFitted)]
    assert run.load_state()[1]["state"]["elapsed"] > fitted.seconds > 0


class DeathError(Exception):
    """What stands for a process that dies."""


@pytest.mark.parametrize("when", ["fitting", "fitted", "step"])
def test_resume_is_bit_identical_with_a_lexical_branch(when, both, dataset, tmp_path, monkeypatch):
    def die(event):
        if (when == "fitted" and isinstance(event, LexicalFitted)) or (isinstance(event, StepEnd) and event.step == 5):
            raise DeathError

    settings = (LEXICAL_ON, "training.save_every=2")
    with monkeypatch.context() as patch, pytest.raises(DeathError):
        if when == "fitting":
            patch.setattr(lexical, "candidates", lambda _: die(LexicalFitted) or (_ for _ in ()).throw(DeathError))
        train_tiny(dataset, tmp_path / "run", *settings, on_event=die)
    fits = []
    monkeypatch.setattr(training, "fit_lexical", lambda *args, **how: fits.append(1) or lexical.fit_lexical(*args, **how))
    run = seqmix.train(dataset, tmp_path / "run", resume=True)
    assert len(fits) == (when == "fitting")
    expected, _ = both
    for name, tensor in packed(expected.load_model())[0].items():
        assert torch.equal(packed(run.load_model())[0][name], tensor), name
    assert run.load_model().weight == expected.load_model().weight
