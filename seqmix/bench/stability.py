"""Measure how stable training is: how far a step moves a model's output, relative to how far it moves the parameters.

At optimiser step t, ``tau_t = |f(X; W_t) - f(X; W_t-1)|_F / |W_t - W_t-1|_F``: the amplification of small updates that Liu
et al. (2020, "Understanding the difficulty of training transformers") identify as the cause of failed training, and that
Chen et al. (2021, Skyformer, section 1) attribute to softmax. f is the logits of a fixed batch X in `eval()`; tau of the
last block's features is measured as well. A mixer's tau is the mean over the first steps and over seeds, and is reported as
a multiple of softmax attention's.

All models have the transformer settings of section 5 of Chen et al., and parameters of the same name start from the same
values; they see the same batches, with AdamW and clipping as in `seqmix train`, without its warm-up. Kernelized attention
sums where softmax averages, so which of the two is more stable depends on the scale of weights and inputs. Stability is
therefore measured in two settings: "seqmix", with the stem, embedding and learning rate of `seqmix train`; and "published",
with those of the code of Chen et al.: no stem, a learned positional embedding, embeddings initialised with a standard
deviation of 0.02, and a learning rate of 1e-4.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqmix.config import Config, ModelConfig, TrainingConfig
from seqmix.data.batching import Batch, collate
from seqmix.data.dataset import Dataset
from seqmix.data.vocabulary import Tokens, make_vocabulary
from seqmix.errors import SeqmixError
from seqmix.mixers import AttentionMixer, mixer_class
from seqmix.models.batched import evaluating
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.inputs import InputSpec
from seqmix.objectives.base import Objective
from seqmix.objectives.classification import Classification
from seqmix.training.trainer import new_optimizer

STEPS = 20
SEEDS = 3
LENGTH = 256
BATCH_SIZE = 4
N_HEADS = 2
_N_FEATURES = 128
_MODEL = {"d_model": 64, "blocks": 2, "d_feedforward": 128, "pooling": "mean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilitySetting:
    """Settings that all mixers share.

    Attributes:
        lr: learning rate.
        model: options of [model].
        embedding_std: initial standard deviation of the embedding; None to leave it as it is.
    """

    lr: float
    model: dict[str, Any] = field(default_factory=dict)
    embedding_std: float | None = None


SETTINGS = {
    "seqmix": StabilitySetting(lr=TrainingConfig().lr),
    "published": StabilitySetting(lr=1e-4, model={"stem": "none", "positions": True, "position_std": 0.02}, embedding_std=0.02),
}


@dataclass(slots=True, kw_only=True)
class Instability:
    """The tau of one mixer in one setting.

    Attributes:
        mixer: name of the mixer.
        setting: a key of `SETTINGS`.
        options: the options that the mixer was built with.
        logits: tau of the logits, by seed and step.
        features: tau of the last block's features, by seed and step.
    """

    mixer: str
    setting: str
    options: dict[str, Any]
    logits: list[list[float]] = field(default_factory=list)
    features: list[list[float]] = field(default_factory=list)

    def score(self, of: str = "logits") -> float:
        """Return the mean tau of "logits" or "features"."""
        return fmean(self._seeds(of))

    def relative(self, softmax: Instability, of: str = "logits") -> tuple[float, float]:
        """Return the score as a multiple of softmax's, and the standard deviation of this ratio over the seeds."""
        pairs = list(zip(self._seeds(of), softmax._seeds(of), strict=False))  # after an interruption, one has fewer
        own, other = (fmean(scores) for scores in zip(*pairs, strict=True))
        return own / other, pstdev([a / b for a, b in pairs])

    def to_dict(self, softmax: Instability | None) -> dict[str, Any]:
        """Return the instability for JSON."""
        found: dict[str, Any] = {"mixer": self.mixer, "setting": self.setting, "options": self.options}
        for of in ("logits", "features"):
            ratio, spread = self.relative(softmax, of) if softmax else (None, None)
            found[of] = {"tau": self.score(of), "relative": ratio, "spread": spread, "steps": getattr(self, of)}
        return found

    def _seeds(self, of: str) -> list[float]:
        taus: list[list[float]] = getattr(self, of)
        return [fmean(steps) for steps in taus]


class TrainingBatches:
    """Batches to train on, and a fixed one to measure on, all drawn from a seed.

    Args:
        dataset: data set to take training records from; None for random nucleotides with random labels of two classes.
        seed: seed of all draws.
        steps: number of batches to train on.
        length: length that sequences are cut to.
        batch_size: records in a batch.
    """

    def __init__(self, dataset: Dataset | None, seed: int, *, steps: int, length: int, batch_size: int) -> None:
        self.vocabulary = dataset.vocabulary if dataset else make_vocabulary("dna")
        self.objective: Objective = dataset.objective if dataset else Classification(("first", "second"))
        self.seed, self.length = seed, length
        generator = np.random.default_rng(seed)
        size = (steps + 1) * batch_size
        sequences: list[Tokens]
        if dataset:
            chosen = np.resize(generator.permutation(dataset.indices("train")), size)
            sequences = [dataset.sequences(int(i))[0][:length] for i in chosen]
            labels = dataset.labels[chosen]
        else:
            letters = self.vocabulary.encode("ACGT", Counter(), "random letters")
            sequences = list(generator.choice(letters, (size, length)))
            labels = generator.integers(self.objective.n_outputs, size=size)
        groups = [slice(start, start + batch_size) for start in range(0, size, batch_size)]
        batches = [collate(sequences[group]) for group in groups]
        self.fixed = batches[0]
        targets = self.objective.targets(labels)
        self.training: list[tuple[Batch, Tensor]] = [
            (batch, targets[group]) for batch, group in zip(batches[1:], groups[1:], strict=True)
        ]


def model_config(mixer: str, length: int, setting: str) -> ModelConfig:
    """Return the configuration of the model whose training is measured, with this mixer.

    Raises:
        ConfigError: the mixer cannot be built with these settings.
    """
    found = mixer_class(mixer)
    assert issubclass(found, AttentionMixer)
    options = {"n_heads": N_HEADS} | (found.feature_options(_N_FEATURES) or {})
    table = _MODEL | SETTINGS[setting].model
    return Config.from_tables({"model": {**table, "mixer": mixer, "max_length": length}, "mixer": options}).model


def training_taus(
    mixer: str, task: TrainingBatches, setting: str = "seqmix", steps: int = STEPS
) -> tuple[list[float], list[float]]:
    """Return tau of the logits and of the features in each of the first `steps` steps of training.

    Raises:
        SeqmixError: training diverges, or the model cannot be built.
    """
    model = _new_model(mixer, task, setting)
    training = TrainingConfig(lr=SETTINGS[setting].lr)
    optimizer = new_optimizer(model, training)

    def outputs() -> list[Tensor]:
        with evaluating(model):
            features = model.features(task.fixed.ids, task.fixed.mask)
            return [model.head(model.pool(features, task.fixed.mask)), features]

    def step(number: int) -> None:
        batch, target = task.training[number]
        optimizer.zero_grad(set_to_none=True)
        found = model(batch.ids, batch.mask)
        task.objective.loss(found, target, torch.ones(found.shape[1]), 0.0).mean().backward()
        if training.clip:
            nn.utils.clip_grad_norm_(model.parameters(), training.clip)
        optimizer.step()

    model.train()
    logits, features = zip(*amplifications(model, outputs, step, steps), strict=True)
    return list(logits), list(features)


def amplifications(
    model: nn.Module, outputs: Callable[[], Sequence[Tensor]], step: Callable[[int], object], steps: int
) -> list[list[float]]:
    """Return tau of each tensor that `outputs()` returns, for each of `steps` steps.

    Args:
        model: the model that is trained.
        outputs: returns the tensors to measure.
        step: takes a training step, given its number from 0.
        steps: number of steps.

    Raises:
        SeqmixError: an output is no longer finite, or a step moved no parameter.
    """
    before, weights = outputs(), [p.detach().clone() for p in model.parameters()]
    found = []
    for number in range(steps):
        step(number)
        after = outputs()
        moved = _distance(model.parameters(), weights)
        taus = [_distance([new], [old]) / moved if moved else math.nan for new, old in zip(after, before, strict=True)]
        if not all(math.isfinite(tau) for tau in taus):
            raise SeqmixError(f"training failed at step {number + 1}: its output is not finite, or no parameter moved")
        found.append(taus)
        before, weights = after, [p.detach().clone() for p in model.parameters()]
    return found


def _new_model(mixer: str, task: TrainingBatches, setting: str) -> SequenceClassifier:
    """Return a new model with this mixer; parameters that the softmax model has in the same shape start from its values."""

    def built(name: str) -> SequenceClassifier:
        torch.manual_seed(task.seed)
        vocabulary = task.vocabulary
        inputs = InputSpec(vocab_size=len(vocabulary), letters=vocabulary.letters, channels=vocabulary.channels or 0)
        return SequenceClassifier(model_config(name, task.length, setting), inputs, task.objective.n_outputs)

    first = built("softmax")
    if (std := SETTINGS[setting].embedding_std) is not None:
        nn.init.normal_(first.embedding.weight, std=std)
    shared, model = dict(first.named_parameters()), built(mixer)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in shared and shared[name].shape == parameter.shape:
                parameter.copy_(shared[name])
    return model


def _distance(one: Iterable[Tensor], other: Iterable[Tensor]) -> float:
    """Return the Frobenius norm of the difference over all tensors, summed in float64."""
    squares = [(a.detach().double() - b.double()).square().sum() for a, b in zip(one, other, strict=True)]
    return math.sqrt(float(torch.stack(squares).sum()))
