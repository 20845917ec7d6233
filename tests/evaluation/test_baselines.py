"""What the baselines see, and that they learn from the training split alone."""

import random

import numpy as np
import pytest

import seqmix
from seqmix.evaluation import baselines
from seqmix.evaluation.baselines import baseline_scores
from seqmix.objectives import KINDS
from tests.support import random_dna, write_fasta

CLASS_SCORES = ("accuracy", "balanced accuracy", "macro-F1", "MCC", "ROC AUC", "average precision", "log loss")


def test_dna_baselines_are_scored(dataset):
    found = baseline_scores(dataset)
    assert list(found) == ["largest class", "length only", "composition", "4-mers", "6-mers", "best k-mers"]
    for figures in found.values():
        assert tuple(figures) == CLASS_SCORES
    test_labels = dataset.labels[dataset.indices("test")]
    largest = np.bincount(dataset.labels[dataset.indices("train")]).argmax()
    assert found["largest class"]["accuracy"] == (test_labels == largest).mean()
    assert found["largest class"]["ROC AUC"] == 0.5
    assert found["4-mers"]["accuracy"] > 0.9
    assert found["length only"]["accuracy"] < 0.9
    assert baseline_scores(dataset) == found


def test_length_baseline_learns_from_length(tmp_path):
    rng = random.Random(1)
    files = [
        write_fasta(tmp_path / f"{name}.fa", [(f"{name}{i}", random_dna(rng.randint(*lengths), rng)) for i in range(25)])
        for name, lengths in (("long", (90, 150)), ("short", (20, 60)))
    ]
    assert baseline_scores(seqmix.prepare(files, tmp_path / "data"))["length only"]["accuracy"] == 1.0


@pytest.fixture
def documents(tmp_path):
    rng = random.Random(2)
    words = {"cooking": ["salt", "pepper", "pan", "simmer", "onion"], "sailing": ["mast", "wind", "rope", "anchor", "harbour"]}
    for name, own in words.items():
        (tmp_path / "texts" / name).mkdir(parents=True)
        for i in range(15):
            text = " ".join(rng.choices([*own, "the", "and", "Ünïcode"], k=rng.randint(8, 20)))
            (tmp_path / "texts" / name / f"{i}.txt").write_text(text, encoding="utf-8")
    return tmp_path / "texts"


def test_documents_have_character_ngrams(documents, tmp_path):
    found = baseline_scores(seqmix.prepare(documents, tmp_path / "data"))
    assert list(found) == ["largest class", "length only", "character 1-4-grams", "best n-grams"]
    assert found["character 1-4-grams"]["accuracy"] == 1.0


@pytest.mark.parametrize("alphabet", ["protein", "dna-iupac", "bytes"])
def test_every_alphabet_has_baselines(alphabet, tmp_path):
    rng = random.Random(3)
    letters = "ACGT" if alphabet == "dna-iupac" else "ACDEFGHIKLMNPQRSTVWY"
    files = [
        write_fasta(tmp_path / f"{name}.fa", [(f"{name}{i}", "".join(rng.choices(part, k=60))) for i in range(12)])
        for name, part in (("one", letters[: len(letters) // 2]), ("two", letters[len(letters) // 2 :]))
    ]
    dataset = seqmix.prepare(files, tmp_path / "data", options=seqmix.PrepareOptions(alphabet=alphabet))
    best = [name for name in baseline_scores(dataset) if name not in ("largest class", "length only")]
    assert best
    assert all(baseline_scores(dataset)[name]["accuracy"] == 1.0 for name in best)


def test_baselines_work_without_validation_split(two_class_files, tmp_path):
    options = seqmix.PrepareOptions(split="0.7,0,0.3")
    found = baseline_scores(seqmix.prepare(two_class_files, tmp_path / "data", options=options))
    assert found["4-mers"]["accuracy"] > 0.9


def test_penalty_has_the_least_validation_loss():
    generator = np.random.default_rng(0)
    objective, labels = KINDS["classification"](("a", "b")), np.arange(80) % 2
    features = generator.normal(size=(80, 30)) + 0.3 * labels[:, None]
    train, val, test = (features[i::3] for i in range(3))
    chosen, best, (loss, _) = baselines._fitted(objective, [train, val, test], labels[0::3], labels[1::3])
    found = baselines._predictions(objective, chosen, test)
    losses = {}
    for strength in baselines._STRENGTHS:
        model = objective.fit_linear(train, labels[0::3], strength)
        losses[strength] = objective.point_scores(baselines._predictions(objective, model, val), labels[1::3])["log loss"]
    assert (best, loss) == min(losses.items(), key=lambda item: item[1])
    again = objective.fit_linear(train, labels[0::3], best)
    np.testing.assert_array_equal(found, baselines._predictions(objective, again, test))


def test_baselines_never_see_the_labels_they_are_scored_on(dataset):
    poisoned = seqmix.Dataset.open(dataset.path)
    test = poisoned.indices("test")
    poisoned.labels = poisoned.labels.copy()
    poisoned.labels[test] = 1 - poisoned.labels[test]
    honest, inverted = baseline_scores(dataset), baseline_scores(poisoned)
    for name in ("4-mers", "6-mers", "best k-mers"):
        assert inverted[name]["accuracy"] == pytest.approx(1 - honest[name]["accuracy"])
