"""Calibration maps recover what was done to probabilities, and are left out where they would not help."""

import numpy as np
import pytest
import torch

from seqmix.calibration.chance import chance_error
from seqmix.calibration.fit import fit_calibration
from seqmix.calibration.maps import Calibration
from seqmix.objectives.classification import Classification
from seqmix.objectives.multilabel import MultiLabel
from seqmix.objectives.regression import Regression

CLASSES = Classification(("a", "b", "c"))
BINARY = Classification(("no", "yes"))
SEVERAL = MultiLabel(("p", "q", "r"))


def simulated(n, *, temperature=1.0, shift=0.0, classes=3, seed=0):
    """Return logits `(n, C)` and classes that are drawn by the softmax of ``logits / temperature + shift``."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (n, classes))
    z = logits / temperature + shift
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    labels = (p.cumsum(1) < rng.random((n, 1))).sum(1)
    return torch.from_numpy(logits).float(), labels.astype(np.int64)


@pytest.mark.parametrize("temperature", [0.5, 2.0, 4.0])
def test_temperature_is_recovered_and_keeps_every_label(temperature):
    outputs, labels = simulated(1000, temperature=temperature)
    found = fit_calibration(CLASSES, outputs, labels)
    assert found.method == "temperature"
    assert 1 / found.scale[0] == pytest.approx(temperature, rel=0.15)
    assert found.title == f"temperature {1 / found.scale[0]:.2f}"
    new, truth = simulated(4000, temperature=temperature, seed=1)
    raw, calibrated = (CLASSES.predictions(z) for z in (new, found.apply(CLASSES, new)))
    assert (raw.argmax(1) == calibrated.argmax(1)).all()
    assert CLASSES.calibration_error(calibrated, truth) < 0.5 * CLASSES.calibration_error(raw, truth)
    assert CLASSES.record_losses(calibrated, truth).mean() < CLASSES.record_losses(raw, truth).mean()
    np.testing.assert_allclose(calibrated.sum(1), 1.0)


def test_vector_scaling_is_chosen_where_classes_are_shifted():
    shift = np.array([0.0, 1.5, -1.0])
    outputs, labels = simulated(1500, shift=shift)
    found = fit_calibration(CLASSES, outputs, labels)
    assert found.method == "vector"
    assert found.tried["vector"] < found.tried["one temperature"] < found.tried["none"] + 0.01
    fitted = np.array(found.shift)
    np.testing.assert_allclose(fitted - fitted[0], shift, atol=0.4)
    assert fit_calibration(CLASSES, outputs, labels, method="temperature").method == "temperature"


def test_vector_scaling_needs_enough_records_of_each_class():
    outputs, labels = simulated(120, shift=np.array([0.0, 1.5, -1.0]))
    assert "vector" not in fit_calibration(CLASSES, outputs, labels).tried
    asked = fit_calibration(CLASSES, outputs, labels, method="vector")
    assert asked.method == "temperature"
    assert "100 validation records" in asked.reason


def test_isotonic_regression_follows_any_rising_function_and_only_if_asked_for():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, 1500)
    labels = (rng.random(1500) < np.where(z > 0, 0.8, 0.3)).astype(np.int64)
    outputs = torch.from_numpy(np.stack((np.zeros_like(z), z), 1))
    assert fit_calibration(BINARY, outputs, labels).method != "isotonic"
    found = fit_calibration(BINARY, outputs, labels, method="isotonic")
    assert found.method == "isotonic"
    at = torch.tensor([[0.0, -2.0], [0.0, 2.0]])
    np.testing.assert_allclose(BINARY.predictions(found.apply(BINARY, at))[:, 1], [0.3, 0.8], atol=0.08)
    extreme = BINARY.predictions(found.apply(BINARY, torch.tensor([[0.0, -99.0], [0.0, 99.0]])))
    assert extreme.min() > 0
    assert extreme.max() < 1


def test_map_that_makes_fewer_answers_right_is_not_taken():
    rng = np.random.default_rng(1)
    z = rng.normal(0, 1, 400)
    labels = (rng.random(400) < np.where(np.abs(z) < 0.3, 0.5, 1 / (1 + np.exp(-2 * z)))).astype(np.int64)
    outputs = torch.from_numpy(np.stack((np.zeros_like(z), z), 1))
    for method in ("auto", "vector", "isotonic"):
        found = fit_calibration(BINARY, outputs, labels, method=method)
        assert found.calibrated.get("accuracy", 1.0) >= found.raw["accuracy"]


def test_good_probabilities_stay_nearly_as_they_are():
    for seed in range(5):
        outputs, labels = simulated(400, seed=seed)
        found = fit_calibration(CLASSES, outputs, labels)
        assert found.method == "none" or 0.8 < found.scale[0] < 1.25


def test_records_that_are_all_classified_well_do_not_ask_for_certainty():
    labels = np.arange(200) % 3
    outputs = torch.from_numpy(np.eye(3)[labels] * 20.0)
    found = fit_calibration(CLASSES, outputs, labels, method="temperature")
    assert 0.97 < CLASSES.predictions(found.apply(CLASSES, outputs)).max() < 0.9999
    assert found.tried["one temperature"] < 0.005


@pytest.mark.parametrize(
    ("objective", "n", "reason"),
    [
        (CLASSES, 0, "there is no validation split"),
        (CLASSES, 29, "29 validation records are too few (30 are needed)"),
        (Classification(("a", "b", "c", "d")), 60, "no validation record is of the class d"),
        (Regression(()), 60, "a regression has no probabilities"),
    ],
)
def test_nothing_is_fitted_to_too_few_records(objective, n, reason):
    outputs, labels = simulated(n, temperature=3.0, classes=3)
    if len(objective.classes) == 4:
        outputs = torch.nn.functional.pad(outputs, (0, 1))
    found = fit_calibration(objective, outputs, labels)
    assert (found.method, found.reason, found.records) == ("none", reason, n)
    assert found.apply(objective, outputs) is outputs


def test_groups_stay_together_in_the_folds():
    outputs, labels = simulated(40, temperature=3.0)
    copied, of = np.repeat(outputs.numpy(), 10, 0), np.repeat(np.arange(40), 10)
    found = fit_calibration(CLASSES, torch.from_numpy(copied), labels[of], groups=of)
    assert found.method in ("none", "temperature")
    few = fit_calibration(CLASSES, torch.from_numpy(copied), labels[of], groups=of % 4)
    assert (few.method, few.reason) == ("none", "the 400 validation records are of fewer than 5 groups")


def test_labels_have_one_temperature_or_one_each():
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 3, (3000, 3))
    each = np.array([0.6, 1.0, 4.0])
    for temperatures, several in ((each, True), (np.full(3, 2.0), False)):
        labels = (rng.random((3000, 3)) < 1 / (1 + np.exp(-logits / temperatures))).astype(np.uint8)
        found = fit_calibration(SEVERAL, torch.from_numpy(logits), labels, method="temperature")
        assert found.method == "temperature"
        assert len(found.scale) == (3 if several else 1)
        np.testing.assert_allclose(1 / np.array(found.scale), temperatures if several else [2.0], rtol=0.2)
        raw, calibrated = (
            SEVERAL.predictions(z) for z in (torch.from_numpy(logits), found.apply(SEVERAL, torch.from_numpy(logits)))
        )
        assert ((raw >= 0.5) == (calibrated >= 0.5)).all()
        assert SEVERAL.calibration_error(calibrated, labels) < SEVERAL.calibration_error(raw, labels)
    few = fit_calibration(SEVERAL, torch.from_numpy(logits[:60]), labels[:60])
    assert len(few.scale) <= 1


def test_same_records_give_the_same_numbers():
    outputs, labels = simulated(500, temperature=2.0)
    assert fit_calibration(CLASSES, outputs, labels, seed=3) == fit_calibration(CLASSES, outputs, labels, seed=3)


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic"])
def test_stored_map_is_the_same(method):
    objective = BINARY if method == "isotonic" else CLASSES
    outputs, labels = simulated(900, temperature=2.0, shift=0.7, classes=len(objective.classes))
    found = fit_calibration(objective, outputs, labels, method=method)
    again = Calibration.from_dict(found.to_dict())
    again.check(objective)
    assert torch.equal(found.apply(objective, outputs), again.apply(objective, outputs))


def test_chance_alone_makes_a_calibration_error():
    rng = np.random.default_rng(0)
    small, large = (chance_error(BINARY, np.stack((1 - p, p), 1)) for p in (rng.random(100), rng.random(10_000)))
    assert 0.05 < small < 0.12
    assert large < 0.02
