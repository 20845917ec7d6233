"""What an evaluation says about the model beside the best simple method, and about records unlike the training records."""

import math

import numpy as np
import pytest

from seqmix.evaluation.baselines import SimpleMethod, best_simple
from seqmix.evaluation.best_simple import Simple
from seqmix.evaluation.verdict import Answers, judged, related
from seqmix.objectives import KINDS
from seqmix.reporting.text import MINUS

OBJECTIVE = KINDS["classification"](("a", "b"))


def predicting(right, labels):
    """Predictions that are right for these records."""
    return np.eye(2)[np.where(right, labels, 1 - labels)] * 0.8 + 0.1


def method(predictions, loss=0.5, name="best k-mers", title="6-mers, standardised, C 10", score=0.8):
    return SimpleMethod(name, title, predictions, (loss, score), model=object())


def found(model, simple, *, n=200, groups=None, nearness=None, is_model=False, labels=None):
    """What is found if the model and the best simple method are right for these shares of the records, from the first on."""
    labels = np.arange(n) % 2 if labels is None else labels
    own, other = (predicting(np.arange(n) < round(share * n), labels) for share in (model, simple))
    answers = Answers(OBJECTIVE, own, labels, np.array([0.5, 0.5]), groups, nearness, 200)
    return judged(answers, Simple([], method(other), is_model))


@pytest.mark.parametrize(
    ("model", "simple", "expected"),
    [(0.95, 0.80, "better than"), (0.80, 0.95, "worse than"), (0.90, 0.89, "not distinguishable from")],
)
def test_model_is_compared_with_the_best_simple_method(model, simple, expected):
    result = found(model, simple)
    beginning = f"The model is {expected} the best simple method (6-mers, standardised, C 10): accuracy {model:.3f} against "
    assert result["verdict"].startswith(f"{beginning}{simple:.3f}, difference ")
    assert result["verdict"].endswith(".")
    assert result["comparison"]["verdict"] == expected.rsplit(" ", 1)[0]
    assert result["comparison"]["method"] == "6-mers, standardised, C 10"
    assert result["comparison"]["difference"] == pytest.approx(model - simple)
    assert result["comparison"]["low"] < model - simple < result["comparison"]["high"]


def test_difference_is_in_points_with_its_interval_and_the_p_value():
    text = found(0.95, 0.80)["verdict"]
    assert "difference +15.0 points (+10.3 to +19.7), p < 0.001" in text
    assert "difference -15.0 points (-19.7 to -10.3), p < 0.001" in found(0.80, 0.95)["verdict"].replace(MINUS, "-")


def test_groups_widen_the_interval_and_take_the_place_of_mcnemar():
    groups = np.repeat(np.arange(20), 10)
    plain, grouped = (found(0.95, 0.80, groups=one) for one in (None, groups))
    assert (plain["comparison"]["test"], grouped["comparison"]["test"]) == ("McNemar", "bootstrap")
    assert grouped["grouped"] and not plain["grouped"]
    width = [one["comparison"]["high"] - one["comparison"]["low"] for one in (plain, grouped)]
    assert width[1] > 2 * width[0]
    assert grouped["comparison"]["p_value"] > plain["comparison"]["p_value"]


def test_groups_of_one_record_are_no_groups():
    assert related(np.array([4, 2, 9])) is None
    assert related(None) is None
    np.testing.assert_array_equal(related(np.array([4, 2, 4])), [4, 2, 4])


def test_model_that_is_a_simple_method_itself_is_not_compared_with_itself():
    result = found(0.9, 0.9, is_model=True)
    assert result["verdict"].startswith(
        "The model is itself the best simple method, chosen on validation (6-mers, standardised, C 10): accuracy 0.900 ("
    )
    assert result["comparison"] == {}


def test_nothing_is_said_without_anything_to_compare_with():
    labels = np.arange(20) % 2
    answers = Answers(OBJECTIVE, predicting(np.ones(20, bool), labels), labels)
    result = judged(answers, Simple())
    assert (result["verdict"], result["comparison"], result["far"]) == ("", {}, {})


def test_records_without_a_near_relative_are_scored_apart():
    nearness = np.where(np.arange(200) < 150, 0.8, 0.2)  # the model is right for the first 160 records
    result = found(0.8, 0.78, nearness=nearness)
    assert result["far"]["records"] == 50
    assert result["far"]["scores"]["accuracy"].value == pytest.approx(0.2)
    assert (
        "; on the 50 of 200 records without a near relative in training it is not better than chance (accuracy 0.200 ("
        in (result["verdict"])
    )
    assert result["verdict"].endswith("; largest class: 0.500).")
    better = found(0.99, 0.98, nearness=nearness)
    assert better["verdict"].endswith(
        "; on the 50 of 200 records without a near relative in training: accuracy 0.960 (0.842 to 0.991)."
    )


def test_nearness_of_one_half_is_near_and_an_unknown_one_is_not():
    nearness = np.array([0.5, 0.49, math.nan, 1.0] * 50)
    assert found(0.9, 0.9, nearness=nearness)["far"]["records"] == 100
    assert found(0.9, 0.9, nearness=np.full(200, math.nan))["far"] == {}


@pytest.mark.parametrize(
    ("far", "said"), [(0, "; but all 200 records have"), (4, "; but 196 of 200 records have"), (200, "p < 0.001.")]
)
def test_too_few_records_without_a_near_relative_are_said_to_be(far, said):
    result = found(0.95, 0.8, nearness=np.where(np.arange(200) < far, 0.1, 0.9))
    assert said in result["verdict"]
    assert ("which says little about records that have none" in result["verdict"]) is (far < 200)
    assert result["far"]["records"] == far and bool(result["far"]["scores"]) is (far > 0)


def test_chance_is_called_chance():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    own, other = (predicting(rng.random(200) < 0.5, labels) for _ in range(2))
    answers = Answers(OBJECTIVE, own, labels, np.array([0.6, 0.4]), None, None, 200)
    assert "; it is not better than chance (largest class: 0." in judged(answers, Simple([], method(other)))["verdict"]


def test_good_order_is_not_chance_even_if_every_answer_is_the_largest_class():
    labels = (np.arange(200) % 10 == 0).astype(int)
    second = 0.1 + 0.2 * labels + 0.1 * np.random.default_rng(0).random(200)
    answers = Answers(OBJECTIVE, np.stack((1 - second, second), 1), labels, np.array([0.9, 0.1]), None, None, 200)
    assert not answers.is_chance


def test_regression_is_compared_by_its_first_score():
    objective = KINDS["regression"]((), 0.0, 1.0)
    rng = np.random.default_rng(0)
    labels = rng.normal(size=150)
    own, other = ((labels + noise * rng.normal(size=150))[:, None] for noise in (0.2, 0.6))
    result = judged(Answers(objective, own, labels, np.zeros(1), None, None, 200), Simple([], method(other)))
    assert result["comparison"]["score"] == "R2" and result["comparison"]["verdict"] == "better"
    assert "points" not in result["verdict"] and ": R2 0.9" in result["verdict"]
    noise = judged(
        Answers(objective, rng.normal(size=(150, 1)), labels, np.zeros(1), None, None, 200), Simple([], method(other))
    )
    assert "; it is not better than chance (mean target: -0.0" in noise["verdict"]


def test_several_labels_are_compared_by_exact_matches():
    objective = KINDS["multilabel"](("x", "y"))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (150, 2)).astype(np.uint8)
    own, other = (np.where(rng.random((150, 2)) < share, labels, 1 - labels) * 0.8 + 0.1 for share in (0.97, 0.8))
    result = judged(Answers(objective, own, labels, np.full(2, 0.5), None, None, 200), Simple([], method(other)))
    assert (result["comparison"]["score"], result["comparison"]["verdict"]) == ("exact match", "better")
    assert result["comparison"]["test"] == "McNemar"


def test_best_simple_method_is_chosen_on_validation_alone():
    good, bad = np.zeros((1, 2)), np.ones((1, 2))
    lexical, length = method(good, 0.40, "best k-mers"), method(bad, 0.35, "length only")
    other = SimpleMethod("4-mers", "4-mers", good, (0.1, 0.9))  # not stored; the lexical one was chosen among its like
    assert best_simple([length, other, lexical]) is length
    assert best_simple([method(bad, 0.399, "length only"), other, lexical]) is lexical
    assert best_simple([method(bad, math.nan, "length only"), method(good, math.nan)]).name == "best k-mers"
    assert best_simple([method(bad, 0.35, "length only", score=0.7), lexical]) is lexical
    assert best_simple([other]) is None
