"""Queries, keys and values to measure attention on: standard normal ones, or those of a trained model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from seqmix.data.batching import collate
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, param
from seqmix.mixers import AttentionMixer, available_mixers, mixer_class
from seqmix.models.batched import evaluating
from seqmix.models.branches import MIXING, branches_of
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.members import Members
from seqmix.reporting.text import amount
from seqmix.run import Run
from seqmix.system.memory import free_memory

Heads = tuple[Tensor, Tensor, Tensor]  # queries, keys, values: (1, H, L, E) each
_LAYERS = ("query", "key", "value")
_BLOCK = 0  # the block of a trained model whose queries, keys and values are used


def attention_mixers() -> list[str]:
    """Return the names of the attention mixers."""
    return [name for name in available_mixers() if issubclass(mixer_class(name), AttentionMixer)]


class Inputs(Protocol):
    """Where queries, keys and values come from."""

    name: str
    n_heads: int
    head_width: int

    @property
    def description(self) -> dict[str, Any]:
        """The inputs described for JSON."""

    def lacking(self, length: int, draws: int) -> str:
        """Return why this many draws of this length are not possible; "" if they are."""

    def draw(self, length: int, number: int) -> Heads:
        """Return draw `number`, the same on every call."""


class GaussianInputs:
    """Independent standard normal rows: the squared distance of a query from a key is about twice the head width."""

    name, n_heads, head_width = "gaussian", 2, 32

    @property
    def description(self) -> dict[str, Any]:
        """The shape and scale of the inputs."""
        return {"n_heads": self.n_heads, "head_width": self.head_width, "standard_deviation": 1.0}

    def lacking(self, length: int, draws: int) -> str:
        """Return why there is not enough memory for the draws; "" if there is."""
        needed, free = draws * 3 * 4 * self.n_heads * length * self.head_width, free_memory(torch.device("cpu"))
        if free is None or needed <= free:
            return ""
        return f"queries, keys and values need {amount(needed)} of memory, but only {amount(free)} is free"

    def draw(self, length: int, number: int) -> Heads:
        """Return three matrices drawn with the seed `number`."""
        generator = torch.Generator().manual_seed(number)
        q, k, v = (torch.randn(1, self.n_heads, length, self.head_width, generator=generator) for _ in range(3))
        return q, k, v


class RunInputs:
    """Queries, keys and values of the first block of a trained model, on the first tokens of test records.

    Raises:
        ConfigError: the run's mixer is not an attention mixer.
    """

    name = "run"

    def __init__(self, run: Run, dataset: Dataset) -> None:
        self.run, self.dataset = run, dataset
        model = branches_of(run.load_model()).get(MIXING)
        model = model.first if isinstance(model, Members) else model
        mixer = model.blocks[_BLOCK].mixer if isinstance(model, SequenceClassifier) else None
        if not isinstance(model, SequenceClassifier) or not isinstance(mixer, AttentionMixer):
            raise ConfigError(
                f"{run.path}: its mixer is {run.config.model.mixer}, which has no queries and keys; "
                f"{param('run')} must be a run of one of: {', '.join(attention_mixers())}"
            )
        self.model = model
        self.mixer, self.n_heads, self.head_width = mixer, mixer.n_heads, run.config.model.d_model // mixer.n_heads

    @property
    def description(self) -> dict[str, Any]:
        """The run and the block that the inputs come from, and their shape."""
        return {
            "path": str(self.run.path),
            "mixer": self.run.config.model.mixer,
            "block": _BLOCK + 1,
            "n_heads": self.n_heads,
            "head_width": self.head_width,
        }

    def lacking(self, length: int, draws: int) -> str:
        """Return why this many draws of this length are not possible: the model's limit, or too few long records."""
        limit = self.model.length_limit
        if limit is not None and self._characters(length) + (self.model.pooling == "cls") > limit:
            return f"the model of {self.run.path} takes at most {limit:,} tokens"
        if (found := len(self._records(length))) < draws:
            return f"{found} records of the test split are that long, and {draws} are needed"
        return ""

    def draw(self, length: int, number: int) -> Heads:
        """Return the inputs of test record `number` in a random order, cut to `length` tokens.

        Raises:
            ConfigError: the mixer does not compute queries, keys and values with its layers.
        """
        chosen = np.random.default_rng(0).permutation(self._records(length))[number]
        tokens = self.dataset.sequences(int(chosen))[0][: self._characters(length)]
        batch = collate([tokens], cls=self.model.pooling == "cls")
        made: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
            return lambda _, __, out: made.update({name: out})

        layers = {name: getattr(self.mixer, name) for name in _LAYERS}
        hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers.items() if layer is not None]
        try:
            with evaluating(self.model):
                self.model.features(batch.ids, batch.mask)
        finally:
            for hook in hooks:
                hook.remove()
        if self.mixer.shared_qk and "query" in made:
            made["key"] = made["query"]
        if missing := [name for name in _LAYERS if name not in made]:
            raise ConfigError(f"the mixer of {self.run.path} computes no {' and no '.join(missing)}; choose another run")
        q, k, v = (made[name].unflatten(-1, (self.n_heads, -1)).transpose(1, 2).float() for name in _LAYERS)
        return q, k, v

    def _characters(self, length: int) -> int:
        """Return how many characters the model turns into this many positions of its blocks."""
        return length * self.model.stride - (self.model.pooling == "cls") + max(0, self.model.kmer - 1)

    def _records(self, length: int) -> Any:
        test = self.dataset.indices("test")
        return test[self.dataset.lengths[test] >= self._characters(length)]
