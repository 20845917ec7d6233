"""What two branches answer together."""

import numpy as np
import pytest
import torch

from seqmix.objectives.classification import Classification
from seqmix.objectives.multilabel import MultiLabel
from seqmix.objectives.regression import Regression

OBJECTIVES = {
    "classification": Classification(("a", "b", "c")),
    "multilabel": MultiLabel(("a", "b")),
    "regression": Regression(()),
}


def outputs(objective):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 5, objective.n_outputs, generator=generator, dtype=torch.float64).unbind()


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_weights_0_and_1_are_the_branches_alone(kind):
    objective = OBJECTIVES[kind]
    lexical, mixing = outputs(objective)
    for weight, alone in ((0.0, lexical), (1.0, mixing)):
        found = objective.predictions(objective.combine(lexical, mixing, weight))
        np.testing.assert_allclose(found, objective.predictions(alone), rtol=1e-12)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_combination_is_a_mean_of_log_probabilities_log_odds_or_numbers(kind):
    objective = OBJECTIVES[kind]
    found = objective.predictions(objective.combine(*outputs(objective), 0.3))
    first, second = (objective.predictions(part) for part in outputs(objective))
    if kind == "classification":
        expected = first**0.7 * second**0.3
        expected /= expected.sum(1, keepdims=True)
    elif kind == "multilabel":
        odds = (first / (1 - first)) ** 0.7 * (second / (1 - second)) ** 0.3
        expected = odds / (1 + odds)
    else:
        expected = 0.7 * first + 0.3 * second
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_linear_model_never_predicts_what_training_lacks():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(40, 3))
    labels = np.where(features[:, 0] > 0, 2, 0)
    model = OBJECTIVES["classification"].fit_linear(features, labels, 10.0)
    found = OBJECTIVES["classification"].predictions(torch.from_numpy(model.outputs(features)))
    assert (found.argmax(1) == labels).mean() > 0.9
    assert (found[:, 1] < 1e-9).all()
    both = np.stack((labels == 2, np.ones(40)), 1).astype(np.uint8)
    model = OBJECTIVES["multilabel"].fit_linear(features, both, 10.0)
    found = OBJECTIVES["multilabel"].predictions(torch.from_numpy(model.outputs(features)))
    assert (found[:, 1] > 1 - 1e-9).all()


def test_linear_model_can_start_from_another():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 4)).astype(np.float32)
    for objective, labels in (
        (OBJECTIVES["classification"], generator.integers(0, 3, 60)),
        (OBJECTIVES["multilabel"], generator.integers(0, 2, (60, 2))),
        (OBJECTIVES["regression"], generator.normal(size=60)),
    ):
        first = objective.fit_linear(features, labels, 1.0, tolerance=1e-6)
        second = objective.fit_linear(features, labels, 3.0, tolerance=1e-6)
        started = objective.fit_linear(features, labels, 3.0, start=first, tolerance=1e-6)
        np.testing.assert_allclose(started.outputs(features), second.outputs(features), atol=1e-3)


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_linear_model_with_class_weights_has_the_least_weighted_loss(kind):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(80, 4)).astype(np.float32)
    objective = OBJECTIVES[kind]
    drawn = generator.random((80, objective.n_outputs))
    labels = (drawn[:, 0] > 0.8).astype(np.int64) if kind == "classification" else (drawn < 0.2).astype(np.uint8)
    weights = objective.class_weights(labels)

    def weighted_loss(model):
        outputs = torch.from_numpy(model.outputs(features))
        return float(objective.loss(outputs, objective.targets(labels), torch.from_numpy(weights), 0.0).mean())

    fit = {"features": features, "labels": labels, "strength": 100.0, "tolerance": 1e-6}
    assert weighted_loss(objective.fit_linear(**fit, class_weights=weights)) < weighted_loss(objective.fit_linear(**fit)) - 0.01
