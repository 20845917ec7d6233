"""The estimators are what scikit-learn's tools expect, and answer as a run does."""

import copy
import pickle
import random
import subprocess
import sys

import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import seqmix
from seqmix import SeqmixClassifier, SeqmixRegressor
from seqmix.errors import SeqmixError
from seqmix.run import Run
from tests.support import random_dna

# Texts are taken, and rows of numbers as series, so that no check of scikit-learn is out of place. Those that need not pass:
EXPECTED_FAILURES = {
    "check_methods_subset_invariance": "sums in float32 depend on the batch in their last digit; the check allows 1e-7",
}
CONFIG = {
    "model": {"d_model": 8, "words": 0},
    "training": {
        "patience": 0,
        "warmup": 0.0,
        "average": 0.0,
        "schedule": "constant",
        "tokens_per_batch": 512,
        "validate_every": 100_000,
    },
}


def small(kind=SeqmixClassifier, **options):
    return kind(**{"mixer": "conv", "epochs": 8, "lr": 0.1, "random_state": 0, "config": CONFIG} | options)


@pytest.fixture(autouse=True)
def no_sync(monkeypatch):
    """Files in temporary folders need not survive a power cut."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(scope="module")
def sequences():
    rng = random.Random(0)
    return [random_dna(rng.randint(20, 60), rng, (1, 3, 3, 1) if i % 2 else (3, 1, 1, 3)) for i in range(60)]


LABELS = ["at", "gc"] * 30


@pytest.fixture(scope="module")
def fitted(sequences):
    return small().fit(sequences, LABELS)


# The other checks are of what both estimators share.
REGRESSOR = small(SeqmixRegressor, tokens_per_batch=200, lr=0.05, epochs=12)
REGRESSOR_CHECKS = [check for _, check in estimator_checks_generator(REGRESSOR) if "regressor" in str(check.func)]


@parametrize_with_checks([small(tokens_per_batch=64)], expected_failed_checks=lambda _: EXPECTED_FAILURES)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", REGRESSOR_CHECKS, ids=range(len(REGRESSOR_CHECKS)))
def test_scikit_learns_checks_of_regressors_pass(check):
    check(REGRESSOR)


def test_texts_of_every_form_are_classified(sequences, fitted):
    expected = fitted.predict_proba(sequences)
    assert fitted.score(sequences, LABELS) > 0.9
    assert fitted.classes_.tolist() == ["at", "gc"] and expected.shape == (60, 2)
    np.testing.assert_allclose(expected.sum(1), 1)
    np.testing.assert_array_equal(fitted.predict(sequences), fitted.classes_[expected.argmax(1)])
    frame = pandas.DataFrame({"sequence": sequences})
    for X in (  # noqa: N806
        np.array(sequences),
        tuple(sequences),
        frame["sequence"],
        frame,
        frame.to_numpy(),
        frame["sequence"].to_numpy(),
    ):
        np.testing.assert_array_equal(fitted.predict_proba(X), expected)


def test_fit_is_deterministic_with_a_random_state(sequences, fitted):
    again = small().fit(np.array(sequences), np.array(LABELS))
    assert all(np.array_equal(again.weights_[name], array) for name, array in fitted.weights_.items())
    other = small(random_state=np.random.RandomState(1)).fit(sequences, LABELS)
    assert not np.array_equal(other.predict_proba(sequences), fitted.predict_proba(sequences))


def test_fitted_estimator_can_be_copied_and_pickled(sequences, fitted):
    expected = fitted.predict_proba(sequences)
    for twin in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(twin.predict_proba(sequences), expected)
    with pytest.raises(NotFittedError):
        clone(fitted).predict(sequences)
    assert clone(fitted).get_params() == fitted.get_params()


@pytest.mark.parametrize(
    "labels",
    [[0, 1] * 30, [10, 9] * 30, [True, False] * 30, np.array(["b", "a"] * 30), [1.0, 2.0] * 30, ["", " "] * 30],
    ids=["numbers", "not in the order of texts", "booleans", "texts", "floats", "blanks"],
)
def test_classes_are_the_labels_themselves_in_their_order(labels, sequences):
    model = small().fit(sequences, labels)
    assert model.classes_.tolist() == sorted(set(np.array(labels).tolist()))
    assert model.score(sequences, labels) > 0.9


def test_pipelines_cross_validation_and_grid_search_work(sequences):
    upper = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    pipeline = make_pipeline(upper, small())
    lower = [text.lower() for text in sequences]
    assert pipeline.fit(lower, LABELS).score(lower, LABELS) > 0.9
    assert cross_val_score(small(), sequences, LABELS, cv=2).mean() > 0.8
    search = GridSearchCV(small(), {"lr": [0.1, 1e-6], "epochs": [8]}, cv=2).fit(sequences, LABELS)
    assert search.best_params_["lr"] == 0.1
    assert search.predict(sequences[:3]).shape == (3,)


def test_folder_keeps_data_set_and_run(sequences, fitted, tmp_path):
    model = small(folder=tmp_path / "kept").fit(sequences, LABELS)
    run = Run.open(tmp_path / "kept" / "run")
    assert run.classes == ["at", "gc"]
    np.testing.assert_array_equal(run.predict_proba(sequences), model.predict_proba(sequences))
    np.testing.assert_array_equal(model.predict_proba(sequences), fitted.predict_proba(sequences))
    small(folder=tmp_path / "kept", epochs=1).fit(sequences, LABELS)
    assert Run.open(tmp_path / "kept" / "run").config.training.epochs == 1


def test_series_of_numbers_of_any_length_are_classified():
    rng = np.random.default_rng(0)
    series = [rng.normal(i % 2, 0.3, size=rng.integers(5, 20)) for i in range(40)]
    model = small().fit(series, np.arange(40) % 2)
    assert model.score(series, np.arange(40) % 2) > 0.9


def test_regressor_predicts_numbers(sequences):
    share = [(text.count("G") + text.count("C")) / len(text) for text in sequences]
    model = small(SeqmixRegressor, epochs=20, lr=0.02).fit(sequences, share)
    assert model.score(sequences, share) > 0.5
    assert model.predict(sequences[:2]).shape == (2,)


@pytest.mark.parametrize(
    ("options", "X", "y"),
    [
        ({}, None, [0, 1]),
        ({}, "ACGT", [0, 1, 0, 1]),
        ({}, 3, [0]),
        ({}, [], []),
        ({}, ["ACGT", None], [0, 1]),
        ({}, ["ACGT", 3], [0, 1]),
        ({}, ["ACGT", "GG"], None),
        ({}, ["ACGT", "GG"], [0]),
        ({}, ["ACGT", "GG"], [0, 0]),
        ({}, ["ACGT", "GG"], [0.5, 0.25]),
        ({}, ["ACGT"] * 9 + [""], [0, 1] * 5),
        ({"mixer": "nothing"}, ["ACGT"] * 10, [0, 1] * 5),
        ({"alphabet": "dan"}, ["ACGT"] * 10, [0, 1] * 5),
        ({"validation_fraction": 1}, ["ACGT"] * 10, [0, 1] * 5),
        ({"validation_fraction": "half"}, ["ACGT"] * 10, [0, 1] * 5),
        ({"random_state": "x"}, ["ACGT"] * 10, [0, 1] * 5),
        ({"epochs": -1}, ["ACGT"] * 10, [0, 1] * 5),
        ({"device": "tpu"}, ["ACGT"] * 10, [0, 1] * 5),
    ],
)
def test_unusable_training_data_is_a_clear_error(options, X, y):  # noqa: N803
    with pytest.raises(SeqmixError) as raised:
        small(**options).fit(X, y)
    assert isinstance(raised.value, ValueError | TypeError)


def test_importing_seqmix_loads_no_scikit_learn():
    code = "import sys, seqmix; print([name for name in ('sklearn', 'torch', 'pandas', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert {"SeqmixClassifier", "SeqmixRegressor"} <= set(seqmix.__all__)


def test_parameters_are_documented():
    for kind in (SeqmixClassifier, SeqmixRegressor):
        for name in kind().get_params():
            assert f"        {name}: " in kind.__doc__
