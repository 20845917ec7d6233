"""Every score against scikit-learn, and the intervals against simulation."""

import math

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, t
from sklearn import metrics as oracle

from seqmix.errors import InputError
from seqmix.objectives.classification import (
    Classification,
    confusion_matrix,
)
from seqmix.objectives.metrics import roc_points
from seqmix.objectives.reliability import expected_calibration_error, reliability
from tests.support import oracles

HEADLINE = ("accuracy", "balanced accuracy", "macro-F1", "MCC", "ROC AUC", "average precision", "log loss")


def objective(probabilities):
    return Classification(tuple(f"class{c}" for c in range(probabilities.shape[1])))


def point_scores(probabilities, labels):
    return objective(probabilities).point_scores(probabilities, labels)


def bootstrap_scores(probabilities, labels, **options):
    return objective(probabilities).scores(probabilities, labels, **options)


def example(n, n_classes, seed, *, ties=False, skill=1.0):
    """Probabilities that are correlated with the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    labels[:n_classes] = np.arange(n_classes)  # every class occurs
    logits = rng.normal(size=(n, n_classes))
    logits[np.arange(n), labels] += skill
    if ties:
        logits = np.round(logits)
    probabilities = np.exp(logits)
    return probabilities / probabilities.sum(1, keepdims=True), labels.astype(np.int64)


CASES = {
    "binary": example(101, 2, 0),
    "binary with ties": example(200, 2, 1, ties=True),
    "binary, few": example(5, 2, 2),
    "binary, worse than chance": example(60, 2, 3, skill=-2.0),
    "binary, all equal": (np.full((20, 2), 0.5), np.arange(20) % 2),
    "three classes": example(150, 3, 4),
    "three classes with ties": example(150, 3, 5, ties=True),
    "ten classes": example(300, 10, 6),
}
every_case = pytest.mark.parametrize(("probabilities", "labels"), CASES.values(), ids=CASES)


@every_case
def test_headline_scores_match_scikit_learn(probabilities, labels):
    scores = point_scores(probabilities, labels)
    assert tuple(scores) == HEADLINE
    assert scores == pytest.approx(oracles.classification(probabilities, labels), abs=1e-12)


@every_case
def test_tables_match_scikit_learn(probabilities, labels):
    n_classes = probabilities.shape[1]
    predicted = probabilities.argmax(1)
    confusion = confusion_matrix(labels, predicted, n_classes)
    np.testing.assert_array_equal(confusion, oracle.confusion_matrix(labels, predicted, labels=range(n_classes)))
    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        labels, predicted, labels=range(n_classes), zero_division=0
    )
    details = objective(probabilities).details(probabilities, labels)
    assert details.confusion == confusion.tolist()
    for c, row in enumerate(details.per_class):
        expected = {"class": f"class{c}", "precision": precision[c], "recall": recall[c], "F1": f1[c], "records": support[c]}
        assert row == pytest.approx(expected)


@every_case
def test_roc_curve_matches_scikit_learn(probabilities, labels):
    false, true = roc_points(probabilities[:, 1], labels == 1)
    expected_false, expected_true, _ = oracle.roc_curve(labels == 1, probabilities[:, 1], drop_intermediate=False)
    np.testing.assert_allclose(false, expected_false, atol=1e-12)
    np.testing.assert_allclose(true, expected_true, atol=1e-12)


def test_probabilities_are_clipped_like_scikit_learn():
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    labels = np.array([1, 1, 0, 0])
    assert point_scores(probabilities, labels)["log loss"] == pytest.approx(oracle.log_loss(labels, probabilities))


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_absent_class_does_not_count():
    probabilities, labels = example(90, 3, 7)
    probabilities, labels = probabilities[labels != 1], labels[labels != 1]
    predicted = probabilities.argmax(1)
    assert 1 in predicted
    scores = point_scores(probabilities, labels)
    one_against_rest = (0, 2)
    expected = {
        "accuracy": oracle.accuracy_score(labels, predicted),
        "balanced accuracy": oracle.balanced_accuracy_score(labels, predicted),
        "macro-F1": oracle.f1_score(labels, predicted, average="macro"),
        "MCC": oracle.matthews_corrcoef(labels, predicted),
        "ROC AUC": np.mean([oracle.roc_auc_score(labels == c, probabilities[:, c]) for c in one_against_rest]),
        "average precision": np.mean(
            [oracle.average_precision_score(labels == c, probabilities[:, c]) for c in one_against_rest]
        ),
        "log loss": oracle.log_loss(labels, probabilities, labels=[0, 1, 2]),
    }
    assert scores == pytest.approx(expected, abs=1e-12)


def test_single_class_has_no_ranking_scores():
    probabilities, _ = example(30, 2, 8)
    scores = point_scores(probabilities, np.zeros(30, dtype=np.int64))
    assert math.isnan(scores["ROC AUC"])
    assert scores["MCC"] == 0.0
    assert scores["accuracy"] == (probabilities.argmax(1) == 0).mean()
    bounds = bootstrap_scores(probabilities, np.zeros(30, dtype=np.int64), resamples=10)["ROC AUC"]
    assert all(math.isnan(value) for value in (bounds.value, bounds.low, bounds.high))


def test_intervals_contain_score_and_depend_on_seed():
    probabilities, labels = example(120, 3, 9)
    scores = bootstrap_scores(probabilities, labels, resamples=200)
    points = point_scores(probabilities, labels)
    assert tuple(scores) == HEADLINE
    for name, score in scores.items():
        assert score.value == points[name]
        assert score.low < score.value < score.high
    assert bootstrap_scores(probabilities, labels, resamples=200) == scores
    assert bootstrap_scores(probabilities, labels, resamples=200, seed=1) != scores


def test_resample_is_scored_like_its_records(monkeypatch):
    probabilities, labels = example(40, 3, 10)
    monkeypatch.setattr("seqmix.objectives.metrics._CHUNK", 100)  # a few resamples at a time: chunking must not matter
    few = bootstrap_scores(probabilities, labels, resamples=25, seed=3)
    rng = np.random.default_rng(3)
    drawn = [np.repeat(np.arange(40), rng.multinomial(40, np.full(40, 1 / 40))) for _ in range(25)]
    far = t.ppf(0.975, 39) * math.sqrt(40 / 39)  # standard errors to each side
    for name in HEADLINE:
        value = few[name].value
        error = np.std([point_scores(probabilities[rows], labels[rows])[name] for rows in drawn])
        if name == "log loss":
            ends = value * np.exp(np.array((-far, far)) * error / value)
        elif name == "MCC":
            ends = np.tanh(np.arctanh(value) + np.array((-far, far)) * error / (1 - value**2))
        else:
            ends = expit(logit(value) + np.array((-far, far)) * error / (value * (1 - value)))
        assert (few[name].low, few[name].high) == pytest.approx(tuple(ends), abs=1e-9)


def test_intervals_cover_true_score():
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(60):
        labels = rng.integers(0, 2, 150)
        right = rng.random(150) < 0.8  # the true accuracy
        probabilities = np.eye(2)[np.where(right, labels, 1 - labels)] * 0.8 + 0.1
        score = bootstrap_scores(probabilities, labels, resamples=150, seed=seed)["accuracy"]
        covered += score.low <= 0.8 <= score.high
    assert covered >= 50  # of 60; 57 are expected, fewer than 50 have a probability of 4e-4


@pytest.mark.parametrize("bins", [1, 10, 15])
@every_case
def test_calibration_error_matches_definition(probabilities, labels, bins):
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    error = 0.0
    for b in range(bins):
        inside = (confidence >= b / bins) & ((confidence < (b + 1) / bins) | (b == bins - 1))
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert expected_calibration_error(confidence, right, bins) == pytest.approx(error, abs=1e-12)


def test_calibration_bins_contain_every_record():
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    binned = reliability(probabilities.max(1), probabilities.argmax(1) == 0)
    assert sum(binned["share"]) == pytest.approx(1.0)
    assert binned["confidence"] == pytest.approx([0.5, 1.0])
    assert binned["accuracy"] == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n", [12, 54])
def test_intervals_of_a_perfect_score_depend_on_the_number_of_records(n, n_classes):
    labels = np.arange(n) % n_classes
    scores = bootstrap_scores(np.eye(n_classes)[labels] * 0.8 + 0.1, labels)
    exact = binomtest(n, n).proportion_ci(method="exact").low
    for name in ("accuracy", "balanced accuracy", "macro-F1"):
        assert (scores[name].value, scores[name].high) == (1.0, 1.0)
        assert scores[name].low == pytest.approx(exact)
    for name in ("MCC", "ROC AUC", "average precision"):
        assert scores[name].low < exact < scores[name].value == scores[name].high == pytest.approx(1.0)


def test_interval_of_a_score_of_0_ends_above_it():
    labels = np.arange(20) % 2
    score = bootstrap_scores(np.eye(2)[1 - labels], labels)["accuracy"]
    assert (score.value, score.low) == (0.0, 0.0)
    assert score.high == pytest.approx(binomtest(0, 20).proportion_ci(method="exact").high)


def test_interval_of_a_perfect_order_of_records_with_wrong_answers_is_wider_than_0():
    labels = np.arange(20) % 2
    scores = bootstrap_scores(np.stack([0.4 - 0.3 * labels, 0.6 + 0.3 * labels], 1), labels)  # all are said to be of class 1
    assert scores["ROC AUC"].low < scores["ROC AUC"].value == 1.0
    assert scores["accuracy"].value == 0.5


def test_loss_that_no_resample_changes_has_no_wider_interval():
    loss = bootstrap_scores(np.full((20, 2), 0.5), np.arange(20) % 2)["log loss"]
    assert loss.low == pytest.approx(loss.high)


def test_interval_of_a_perfect_score_is_over_the_classes_that_occur():
    labels = np.arange(40) % 2 * 2  # of three classes, the second does not occur
    scores = bootstrap_scores(np.eye(3)[labels], labels)
    assert scores["macro-F1"].low == pytest.approx(scores["accuracy"].low) == pytest.approx(0.025 ** (1 / 40))
    assert bootstrap_scores(np.eye(3)[[0, 0]], np.zeros(2, dtype=np.int64))["accuracy"].low == pytest.approx(0.025**0.5)


def test_many_classes_are_counted_in_one_pass():
    many = 200_000
    objective = Classification(tuple(f"c{i}" for i in range(many)))
    assert objective.count(np.arange(many) % (many - 1))["c0"] == 2
    with pytest.raises(InputError, match=r"c0.*has 1 record.*200,000 of 200,000 classes"):
        objective.check_sizes(np.arange(many), 3)
