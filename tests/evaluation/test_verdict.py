"""What an evaluation says about the model beside simple methods."""

import math

import pytest

from seqmix.evaluation.verdict import verdict
from seqmix.objectives import KINDS
from seqmix.objectives.metrics import Score


def said(value, low, *, lexical=None, is_simple=False, **baselines):
    objective = KINDS["classification"](("a", "b"))
    branches = {"lexical": {"name": "6-mers", "scores": {"accuracy": lexical}}} if lexical is not None else {}
    simple = {name.replace("_", " "): {"accuracy": score} for name, score in baselines.items()}
    return verdict(objective, {"accuracy": Score(value, low, 1.0)}, branches, simple, is_simple=is_simple)


@pytest.mark.parametrize(
    ("value", "low", "expected"),
    [
        (0.95, 0.93, "the model is better than every simple method (accuracy 0.950, 6-mers alone: 0.920)"),
        (0.95, 0.90, "the model is ahead of every simple method (accuracy 0.950, 6-mers alone: 0.920), but that is within"),
        (0.92, 0.90, "the model is no better than a simple method (accuracy 0.920, 6-mers alone: 0.920)"),
        (0.90, 0.80, "the model is behind a simple method (accuracy 0.900, 6-mers alone: 0.920)"),
    ],
)
def test_model_is_compared_with_the_best_simple_method_and_its_interval(value, low, expected):
    assert said(value, low, lexical=0.92, largest_class=0.5).startswith(expected)


def test_baselines_count_without_a_lexical_branch():
    assert said(0.4, 0.3, largest_class=0.5) == "the model is behind a simple method (accuracy 0.400, largest class: 0.500)"


@pytest.mark.parametrize(
    ("value", "low", "expected"),
    [
        (0.95, 0.93, "the model is better than every other simple method (accuracy 0.950, 4-mers: 0.920)"),
        (0.95, 0.90, "the model is ahead of every other simple method (accuracy 0.950, 4-mers: 0.920), but that is within"),
        (0.92, 0.90, "the model is as good as another simple method (accuracy 0.920, 4-mers: 0.920)"),
        (0.90, 0.80, "the model is behind another simple method (accuracy 0.900, 4-mers: 0.920)"),
    ],
)
def test_lexical_model_alone_is_a_simple_method_itself(value, low, expected):
    found = said(value, low, is_simple=True, **{"4-mers": 0.92}).replace("4-mers logistic regression", "4-mers")
    assert found.startswith(expected)


def test_nothing_is_said_without_anything_to_compare_with():
    assert said(0.9, 0.8) is None
    assert said(math.nan, math.nan, largest_class=0.5) is None
