"""The forms in which a lexical model is fitted: one optimum, and the answers of the module that is stored."""

import numpy as np
import pytest
import torch

import seqmix
from seqmix.config import DataConfig
from seqmix.models.batched import branch_outputs
from seqmix.models.lexical import LexicalClassifier
from seqmix.models.lexical_spec import WEIGHTINGS, LexicalSpec
from seqmix.training import lexical_features
from seqmix.training.lexical_features import LexicalFeatures, count_records
from tests.support.kinds import KINDS
from tests.support.preparing import prepare, write_jsonl

FORMS = {"dense": {"_MOST_PRODUCTS": 0}, "products": {"_FIT_COST": 1e12}, "sparse": {"_MOST_PRODUCTS": 0, "_MOST_DENSE": 0}}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Pairs of sequences, and which of them are alike."""
    folder = tmp_path_factory.mktemp("pairs")
    return prepare(write_jsonl(folder / "x.jsonl", KINDS["pairs"].rows(60)), folder / "data", **KINDS["pairs"].options)


def fitted(data, spec, form, monkeypatch):
    """Fit to one form; return the outputs for the validation records, those of the module, and the form."""
    train, val = data.indices("train"), data.indices("val")
    with monkeypatch.context() as patch:
        for name, value in FORMS[form].items():
            patch.setattr(lexical_features, name, value)
        features = LexicalFeatures.of(spec, *(count_records(data, part, DataConfig(), spec) for part in (train, val)))
        first, second = features.matrices
        model = data.objective.fit_linear(first, data.labels[train], 10.0, tolerance=1e-8)
        used = features._form
    weight, shift = features.expanded(model)
    module = LexicalClassifier(spec, data.vocabulary, data.objective.n_outputs).eval()
    state = {"weight": weight, "bias": model.bias, "shift": shift, "scale": features.idf}
    module.load_state_dict({name: torch.from_numpy(np.asarray(value)).float() for name, value in state.items()})
    stored = branch_outputs(
        module,
        data.objective,
        lambda i: data.truncated(int(val[i]), DataConfig()),
        data.lengths[val],
        device=torch.device("cpu"),
    )
    return model.outputs(second), stored["lexical"].numpy(), used


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("kind", ["one", "pairs"])
def test_every_form_has_the_same_optimum_and_is_stored(kind, weighting, dataset, pairs, monkeypatch):
    data = dataset if kind == "one" else pairs
    spec = LexicalSpec(features="kmers", k=4, letters=4, weighting=weighting, paired=kind == "pairs")
    forms = ["products", "dense"] if weighting == "standardised" else ["products", "sparse"]
    found = [fitted(data, spec, form, monkeypatch) for form in forms]
    assert [used for _, _, used in found] == forms
    for outputs, stored, _ in found:
        np.testing.assert_allclose(stored, outputs, atol=2e-4)
        np.testing.assert_allclose(outputs, found[0][0], atol=5e-3)


def test_standardised_features_have_mean_0_and_variance_1(dataset):
    spec = LexicalSpec(features="kmers", k=2, letters=4, weighting="standardised")
    train = dataset.indices("train")
    counts = count_records(dataset, train, DataConfig(), spec)
    first, _ = LexicalFeatures.of(spec, counts, counts[:0]).matrices
    np.testing.assert_allclose(first.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(first.std(0), 0.25, atol=1e-6)  # 1 over the root of 16 features
    sums = np.asarray(counts.sum(1)).ravel()
    assert sums.tolist() == [dataset.lengths[i] - 1 for i in train]


@pytest.mark.parametrize("kind", ["one", "pairs"])
def test_features_are_made_in_parts(kind, dataset, pairs, monkeypatch):
    data = dataset if kind == "one" else pairs
    spec = LexicalSpec(features="kmers", k=3, letters=4, weighting="tf-idf", paired=kind == "pairs")
    counts = count_records(data, data.indices("train"), DataConfig(), spec)
    whole = LexicalFeatures.of(spec, counts, counts).train
    monkeypatch.setattr(lexical_features, "_ENTRIES", 100)
    assert (LexicalFeatures.of(spec, counts, counts).train != whole).nnz == 0


def test_standardised_features_of_many_records_are_left_out_if_too_large(dataset, monkeypatch):
    monkeypatch.setattr(lexical_features, "_MOST_PRODUCTS", 0)
    monkeypatch.setattr(lexical_features, "_MOST_DENSE", 100)
    spec = LexicalSpec(features="kmers", k=4, letters=4, weighting="standardised")
    counts = count_records(dataset, dataset.indices("train"), DataConfig(), spec)
    assert not LexicalFeatures.of(spec, counts, counts[:0]).feasible
    assert seqmix.Dataset.open(dataset.path).indices("train").size == counts.shape[0]
