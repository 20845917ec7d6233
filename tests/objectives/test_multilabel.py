"""Several labels a record: scores against scikit-learn, the loss, and weights."""

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle

from seqmix.objectives.multilabel import MultiLabel
from tests.support import oracles


def objective(labels):
    return MultiLabel(tuple(str(c) for c in range(labels.shape[1])))


def point_scores(probabilities, labels):
    return objective(labels).point_scores(probabilities, labels)


def example(n, n_labels, seed, *, ties=False):
    """Probabilities that know something of the labels; every label occurs, and none is everywhere."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, n_labels)) < 0.4).astype(np.uint8)
    labels[0], labels[1] = 1, 0
    probabilities = 1 / (1 + np.exp(-(2.0 * labels - 1 + rng.normal(size=labels.shape))))
    return (np.round(probabilities, 1) if ties else probabilities), labels


CASES = {"three": example(90, 3, 0), "ties": example(60, 4, 1, ties=True), "one": example(40, 1, 2), "few": example(4, 5, 3)}
every_case = pytest.mark.parametrize(("probabilities", "labels"), CASES.values(), ids=CASES)


@every_case
def test_scores_match_scikit_learn(probabilities, labels):
    assert point_scores(probabilities, labels) == pytest.approx(oracles.multilabel(probabilities, labels), abs=1e-9)


@every_case
def test_resample_is_scored_like_its_records(probabilities, labels):
    n = len(labels)
    counts = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=5).astype(float)
    scores = objective(labels).weighted_scores(probabilities, labels, counts)
    for i, row in enumerate(counts):
        drawn = np.repeat(np.arange(len(labels)), row.astype(int))
        repeated = point_scores(probabilities[drawn], labels[drawn])
        assert {name: scores[name][i] for name in repeated} == pytest.approx(repeated, nan_ok=True)


def test_absent_label_does_not_count():
    probabilities, labels = example(50, 3, 4)
    labels[:, 2] = 0
    probabilities[:, 2] /= 10  # nor is it given
    with_it, without = point_scores(probabilities, labels), point_scores(probabilities[:, :2], labels[:, :2])
    for name in ("exact match", "micro-F1", "macro-F1", "ROC AUC", "average precision"):
        assert with_it[name] == pytest.approx(without[name])
    objective(labels).scores(probabilities, labels, resamples=20)
    none = point_scores(np.full((5, 2), 0.1), np.zeros((5, 2), np.uint8))
    assert none["exact match"] == 1 and none["log loss"] == pytest.approx(-np.log(0.9))
    assert np.isnan([none[name] for name in ("micro-F1", "macro-F1", "ROC AUC", "average precision")]).all()


def test_certain_predictions_have_a_finite_loss():
    assert point_scores(np.array([[1.0, 0.0]]), np.array([[0, 1]], np.uint8))["log loss"] == pytest.approx(36.04, abs=0.01)


@every_case
def test_scores_of_each_label_match_scikit_learn(probabilities, labels):
    found = objective(labels).details(probabilities, labels).per_class
    for c, row in enumerate(found):
        figures = oracle.precision_recall_fscore_support(
            labels[:, c], probabilities[:, c] >= 0.5, average="binary", zero_division=0
        )
        assert [row["precision"], row["recall"], row["F1"]] == pytest.approx(figures[:3])
        assert (row["class"], row["records"]) == (str(c), labels[:, c].sum())


def test_loss_is_mean_binary_cross_entropy():
    generator = torch.Generator().manual_seed(0)
    outputs, labels = torch.randn(20, 3, generator=generator), torch.randint(0, 2, (20, 3), generator=generator)
    objective = MultiLabel(("a", "b", "c"))
    targets = objective.targets(labels.numpy().astype(np.uint8))
    found = objective.loss(outputs, targets, torch.ones(3), 0.0)
    probabilities = outputs.double().sigmoid().numpy()
    assert found.mean().item() == pytest.approx(point_scores(probabilities, labels.numpy())["log loss"], rel=1e-5)
    np.testing.assert_allclose(objective.predictions(outputs), probabilities)
    smoothed = objective.loss(outputs, targets, torch.ones(3), 1.0)
    halves = objective.loss(outputs, torch.full((20, 3), 0.5), torch.ones(3), 0.0)
    torch.testing.assert_close(smoothed, halves)


def test_balanced_weights_equalise_presence_and_absence():
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]], np.uint8)
    weights = MultiLabel(("a", "b", "c")).class_weights(labels)
    assert weights.tolist() == [3, 1, 1]  # where all records are alike, there is nothing to balance


def test_intervals_of_a_perfect_score_depend_on_the_number_of_records():
    _, labels = example(30, 3, 4)
    scores = objective(labels).scores(labels * 0.8 + 0.1, labels)
    assert scores["exact match"].low == pytest.approx(0.025 ** (1 / 30))
    for name in ("exact match", "micro-F1", "macro-F1", "ROC AUC", "average precision"):
        assert 0.5 < scores[name].low < 0.9 < scores[name].value == scores[name].high == pytest.approx(1.0)
