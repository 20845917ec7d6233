"""A model without memory for its weights, with which everything is checked before a run folder exists."""

import re

import pytest
import torch

import seqmix
from seqmix.config import ModelConfig
from seqmix.errors import ConfigError
from seqmix.mixers import Mixer, available_mixers
from seqmix.models.classifier import SequenceClassifier, count_parameters, without_memory
from seqmix.models.inputs import InputSpec
from seqmix.training import model_size

SMALL = {"d_model": 8, "words": 0}


def build(**options):
    return SequenceClassifier(ModelConfig(max_length=50, d_model=8, **options), InputSpec(vocab_size=7), 2)


@pytest.mark.parametrize("mixer", available_mixers())
def test_every_mixer_is_outlined_with_its_shapes_and_without_random_numbers(mixer):
    before = torch.get_rng_state()
    outline = without_memory(lambda: build(mixer=mixer))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.is_meta for parameter in outline.parameters())
    real = build(mixer=mixer)
    assert [(n, p.shape) for n, p in outline.named_parameters()] == [(n, p.shape) for n, p in real.named_parameters()]
    assert count_parameters(outline) == count_parameters(real)
    assert outline.mixer_label() == real.mixer_label()


def test_mixer_reading_its_weights_at_construction_is_built_on_cpu():
    class Reading(Mixer):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(3))
            self.largest = float(self.weight.max())

    before = torch.get_rng_state()
    assert without_memory(Reading).weight.device.type == "cpu"
    assert torch.equal(torch.get_rng_state(), before)


def test_training_builds_its_model_once(dataset, tmp_path, monkeypatch):
    devices, init = [], SequenceClassifier.__init__

    def counted(self, *args):
        init(self, *args)
        devices.append(next(self.parameters()).device.type)

    monkeypatch.setattr(SequenceClassifier, "__init__", counted)
    run = seqmix.train(dataset, tmp_path / "run", epochs=1, tokens_per_batch=4096, **SMALL)
    assert devices == ["meta", "cpu", "cpu"]  # the last for its calibration, from what is stored
    devices.clear()
    seqmix.train(output=run.path, resume=True)
    assert devices == ["cpu"]
    devices.clear()
    assert run.n_parameters == count_parameters(run.load_model())
    assert devices == ["meta", "cpu"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d_model": 10**6}, "too large for this computer's memory: its .* weights.* need .* is free"),
        ({"d_model": 10**8}, "model.d_model must be from 1 to 1,000,000"),
        ({"stem_kernel": 4}, "must be odd"),
        ({"settings": ["model.max_length=20"], "positions": True}, "cut them with max_length=20"),
    ],
    ids=str,
)
def test_failed_build_leaves_no_folder(options, message, dataset, tmp_path):
    with pytest.raises(ConfigError, match=message):
        seqmix.train(dataset, tmp_path / "run", **SMALL | options)
    assert not list(tmp_path.iterdir())


def test_weights_that_do_not_fit_the_free_memory_are_refused(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(model_size, "free_memory", lambda _: 1000)
    message = r"its [\d,]+ weights, their gradients and the optimiser's moments need [\d.]+ kB, but only 1 kB is free"
    with pytest.raises(ConfigError, match=message):
        seqmix.train(dataset, tmp_path / "run", **SMALL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "deciding"),
    [
        (
            ["model.d_model=100000", "model.blocks=100", "model.stem=none"],
            "model.blocks, model.d_model, model.d_feedforward and the options of",
        ),
        (["model.words=10", "model.d_words=1000000"], "in its words, whose size depends on model.words and model.d_words"),
        (
            ["model.kmer=10", "model.d_model=8000", "model.stem=none"],
            "embedding, whose size depends on model.d_model, model.kmer and",
        ),
        (
            ["model.positions=true", "model.max_length=1000000000000"],
            "in its position, whose size depends on model.max_length and",
        ),
        (["model.pooling=flat", "model.max_length=1000000000000", "model.head_hidden=1000"], r"in its head|overflow"),
    ],
    ids=str,
)
def test_sizes_that_are_too_large_together_are_named(settings, deciding, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(model_size, "free_memory", lambda _: 10**9)
    options = {**SMALL, "settings": [*SMALL.get("settings", ()), *settings]}
    with pytest.raises(ConfigError, match="too large for this computer's memory") as caught:
        seqmix.train(dataset, tmp_path / "run", **options)
    assert re.search(deciding, str(caught.value)), str(caught.value)
    assert not list(tmp_path.iterdir())
