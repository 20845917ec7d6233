"""The configuration of a run: frozen dataclasses, TOML in and out, `--set table.option=value`.

Three tables: [model] (with [mixer], the mixer's own options), [training], [data]. What is not said takes the
mixer's defaults for the model, then those below. A run's `config.toml` says everything, so `--config` repeats it.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from seqmix.errors import ConfigError

Table = dict[str, Any]
POOLINGS = ("mean", "cls", "flat")
STEMS = ("conv", "none")
SOURCES = ("stem", "tokens")
POSITION_STARTS = ("normal", "sinusoidal")
T = TypeVar("T")


def _require(condition: bool, name: str, allowed: str, got: object) -> None:
    if not condition:
        raise ConfigError(f"{name} must be {allowed}: got {got!r}")


def one_of(value: str, allowed: Iterable[str], name: str) -> None:
    """Raises a `ConfigError` where the option `name` has a value that is not allowed."""
    _require(value in allowed, name, f"one of {', '.join(allowed)}", value)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The classifier. See `SequenceClassifier` for what each part does.

    Attributes:
        mixer: name of the mixer, one of `available_mixers()`.
        mixer_options: the mixer's own options ([mixer] in TOML).
        max_length: characters of the sequences it is built for, which sizes the mixers; 0: with positions or flat pooling,
            which take no longer ones, data.max_length or the data's longest; else what three quarters of the training
            records do not exceed (longer ones are taken all the same).
        d_model: width, channels.
        blocks: number of mixer blocks.
        d_feedforward: hidden width of the feed-forward in transformer blocks.
        norm: LayerNorm after each block of a mixer that is no attention.
        residual: such a block adds what it mixed to what came in (blocks of attention mixers do so in any case).
        pooling: mean, cls or flat.
        positions: learned positional embedding; position_start: what it begins as, normal (random) or sinusoidal;
            position_std: its initial scale.
        stem: conv or none; stem_kernel: the width of its convolution in characters, odd.
        head_hidden: hidden width of the head; 0: one linear layer.
        dropout_embedding, dropout, dropout_head: probabilities, 0 to below 1.
        kmer: tokens are words of this many characters (DNA, proteins); 0: characters.
        source: what Paramixer's links are computed from: stem (the stem's output) or tokens (its input).
        words: a branch beside the blocks that sees the frequencies of all words of this many characters (DNA, proteins);
            0: none. d_words: its width; dropout_words: probability with which a word is not counted in training;
            dropout_branch: probability with which the head gets one of the two branches only.
        checkpoint_blocks: activation checkpointing: less memory, about a third more time.
    """

    mixer: str = "paramixer"
    mixer_options: Table = field(default_factory=dict)
    max_length: int = 0
    d_model: int = 32
    blocks: int = 1
    d_feedforward: int = 128
    norm: bool = True
    residual: bool = False
    pooling: str = "mean"
    positions: bool = False
    position_start: str = "normal"
    position_std: float = 0.02
    stem: str = "conv"
    stem_kernel: int = 9
    head_hidden: int = 0
    dropout_embedding: float = 0.0
    dropout: float = 0.0
    dropout_head: float = 0.0
    kmer: int = 0
    source: str = "stem"
    words: int = 0
    d_words: int = 64
    dropout_words: float = 0.0
    dropout_branch: float = 0.0
    checkpoint_blocks: bool = False

    def __post_init__(self) -> None:
        one_of(self.pooling, POOLINGS, "model.pooling")
        one_of(self.stem, STEMS, "model.stem")
        one_of(self.position_start, POSITION_STARTS, "model.position_start")
        one_of(self.source, SOURCES, "model.source")
        for name in ("d_model", "blocks", "d_feedforward", "stem_kernel", "d_words"):
            _require(getattr(self, name) >= 1, f"model.{name}", "at least 1", getattr(self, name))
        for name in ("max_length", "head_hidden", "kmer", "words"):
            _require(getattr(self, name) >= 0, f"model.{name}", "0 or more", getattr(self, name))
        for name in ("dropout_embedding", "dropout", "dropout_head", "dropout_words", "dropout_branch"):
            _require(0 <= getattr(self, name) < 1, f"model.{name}", "from 0 to below 1", getattr(self, name))


SCHEDULES = ("constant", "cosine", "linear")
SELECTIONS = ("macro-f1", "micro-f1", "accuracy", "roc-auc", "loss", "r2", "within")
PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """The training loop.

    Attributes:
        epochs: passes over the training split, at most; 0: as many as `budget` or `max_steps` allows.
        budget: seconds that training may take, validation included; 0: any. What it reaches then depends on the computer and
            its load, so a run is no longer the same to the bit.
        max_steps: optimiser steps after which training ends; 0: any. What is stated of `epochs`, `budget` and `max_steps`
            holds together, whichever comes first; what an option or a file states takes the place of what a recipe states of
            the three, and of the default epochs. A stated budget or number of steps takes that of their patience, too.
        validate_every: optimiser steps between validations; 0: every epoch is validated. The last step always is.
        batch_size: sequences in a batch; 0: as many as `tokens_per_batch` allows.
        tokens_per_batch: most tokens in a batch, padding included; 0: found by trying, before the first step.
        accumulate: batches whose gradients are added up for one optimiser step.
        lr: peak learning rate of AdamW; weight_decay: its decay, for matrices only.
        schedule: of the learning rate after warm-up: constant, cosine or linear (both to 0); warmup: fraction of
            all steps in which it rises from 0.
        clip: greatest norm of the gradient; 0: no clipping.
        label_smoothing: 0 to below 1.
        crop: of each training sequence a random part is seen, anew in every epoch, of at least 1 - crop of its length.
        reverse_complement: probability with which a training sequence is seen from its other strand (DNA).
        average: the weights that are validated and kept are a running average over the steps with this decay (shorter
            at the beginning); 0: the last weights as they are.
        class_weights: none, or balanced: weights in the loss inverse to the classes' frequencies.
        select: the validation score that the best weights have, of equal ones that with the lowest loss: macro-f1, accuracy
            (with several labels a record: all of them right), roc-auc or loss; with several labels also micro-f1; of a
            regression r2, loss (its default) or within (the tolerance that the data were prepared with).
        patience: validations (epochs, without `validate_every`) in a row with no better score after which training stops;
            0: never.
        goal: validation score (`select`; of loss, at most this) with which training ends; 0: none.
        seed: of weights, order and dropout.
        precision: fp32, bf16 or fp16 (the last with loss scaling, on a GPU only).
        device: auto, cpu, cuda, cuda:1, mps.
        compile: run the model through torch.compile.
        save_every: optimiser steps between saved states for --resume.
        tensorboard: also write TensorBoard events (needs seqmix[tensorboard]).
    """

    epochs: int = 8
    budget: float = 0.0
    max_steps: int = 0
    validate_every: int = 0
    batch_size: int = 0
    tokens_per_batch: int = 8192
    accumulate: int = 1
    lr: float = 2e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup: float = 0.05
    clip: float = 1.0
    label_smoothing: float = 0.0
    crop: float = 0.0
    reverse_complement: float = 0.0
    average: float = 0.99
    class_weights: str = "none"
    select: str = "macro-f1"
    patience: int = 3
    goal: float = 0.0
    seed: int = 0
    precision: str = "fp32"
    device: str = "auto"
    compile: bool = False
    save_every: int = 100
    tensorboard: bool = False

    def __post_init__(self) -> None:
        _require(0 <= self.budget < math.inf, "training.budget", "a number of seconds, 0 (none) or more", self.budget)
        fewest = 0 if self.budget or self.max_steps else 1
        allowed = "at least 1 (or 0, with training.budget or training.max_steps)"
        _require(self.epochs >= fewest, "training.epochs", allowed, self.epochs)
        for name in ("accumulate", "save_every"):
            _require(getattr(self, name) >= 1, f"training.{name}", "at least 1", getattr(self, name))
        unlimited = (
            "max_steps",
            "validate_every",
            "batch_size",
            "tokens_per_batch",
            "patience",
            "clip",
            "weight_decay",
            "seed",
        )
        for name in unlimited:
            _require(getattr(self, name) >= 0, f"training.{name}", "0 or more", getattr(self, name))
        _require(self.lr > 0, "training.lr", "above 0", self.lr)
        for name in ("warmup", "reverse_complement"):
            _require(0 <= getattr(self, name) <= 1, f"training.{name}", "from 0 to 1", getattr(self, name))
        for name in ("label_smoothing", "average", "crop"):
            _require(0 <= getattr(self, name) < 1, f"training.{name}", "from 0 to below 1", getattr(self, name))
        one_of(self.schedule, SCHEDULES, "training.schedule")
        one_of(self.class_weights, ("none", "balanced"), "training.class_weights")
        one_of(self.select, SELECTIONS, "training.select")
        one_of(self.precision, PRECISIONS, "training.precision")


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """What is trained on.

    Attributes:
        path: the dataset folder.
        max_length: sequences are cut to this many characters; 0: as the data set was prepared (by default, not at all).
        truncate: which part of a longer one is kept: start, end or middle.
    """

    path: str = "seqmix-data"
    max_length: int = 0
    truncate: str = "start"

    def __post_init__(self) -> None:
        _require(self.max_length >= 0, "data.max_length", "0 (as prepared) or more", self.max_length)
        one_of(self.truncate, ("start", "end", "middle"), "data.truncate")


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """All of a run's configuration."""

    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def to_tables(self) -> dict[str, Table]:
        """As it is written to TOML."""
        model = asdict(self.model)
        mixer = model.pop("mixer_options")
        return {"model": model, "mixer": mixer, "training": asdict(self.training), "data": asdict(self.data)}

    @classmethod
    def from_tables(cls, tables: Mapping[str, Mapping[str, Any]]) -> Config:
        """The inverse of `to_tables`; what is missing takes its default.

        Raises:
            ConfigError: a table or an option is unknown, or a value is of the wrong type or not allowed.
        """
        known = ("model", "mixer", "training", "data")
        for name, table in tables.items():
            if name not in known:
                raise ConfigError(f"there is no configuration table '{name}'; there are: {', '.join(known)}")
            if not isinstance(table, Mapping):
                raise ConfigError(f"configuration: '{name}' must be a table [{name}], got {table!r}")
        model = {**tables.get("model", {}), "mixer_options": dict(tables.get("mixer", {}))}
        return cls(
            model=build_table(ModelConfig, "model", model),
            training=build_table(TrainingConfig, "training", tables.get("training", {})),
            data=build_table(DataConfig, "data", tables.get("data", {})),
        )


def build_table(kind: type[T], table: str, values: Mapping[str, Any]) -> T:
    hints = get_type_hints(kind)
    for name, value in values.items():
        if name not in hints:
            public = ", ".join(hint for hint in hints if hint != "mixer_options")
            raise ConfigError(f"there is no option '{table}.{name}'; [{table}] has: {public}")
        if not _fits(value, hints[name]):
            raise ConfigError(f"{table}.{name} must be {_type_name(hints[name])}: got {value!r}")
    converted = {k: float(v) if hints[k] is float else v for k, v in values.items()}
    return kind(**converted)


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, option) for option in get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, get_origin(hint) or hint)


def _type_name(hint: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(hint, "a table")


def parse_setting(text: str) -> tuple[str, str, Any]:
    """ "mixer.n_links=9" to ("mixer", "n_links", 9). Values are TOML; what is no TOML is taken as text.

    Raises:
        ConfigError: it is not of the form table.option=value.
    """
    name, equals, value = text.partition("=")
    table, dot, option = name.strip().partition(".")
    if not (equals and dot and table and option):
        raise ConfigError(f"--set takes table.option=value, such as training.lr=0.001: got '{text}'")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return table, option, parsed


def merge(*layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Table]:
    """Tables laid over each other, later ones on top."""
    merged: dict[str, Table] = {}
    for layer in layers:
        for name, table in layer.items():
            if not isinstance(table, Mapping):
                raise ConfigError(f"configuration: '{name}' must be a table [{name}], got {table!r}")
            merged.setdefault(name, {}).update(table)
    return merged


def read_toml(path: str | Path) -> dict[str, Table]:
    """The tables of a TOML file.

    Raises:
        ConfigError: it does not exist or is not valid TOML.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no valid TOML: {error}") from error


def read_settings(path: str | Path) -> dict[str, Table]:
    """The tables of a configuration file; the facts of one that was made from a recipe are no settings, and left out.

    Raises:
        ConfigError: it does not exist or is not valid TOML.
    """
    return {name: table for name, table in read_toml(path).items() if name != "recipe"}


def option_names() -> dict[str, list[str]]:
    """The options of each table (those of [mixer] depend on the mixer)."""
    kinds = {"model": ModelConfig, "training": TrainingConfig, "data": DataConfig}
    return {name: [f.name for f in fields(kind) if f.name != "mixer_options"] for name, kind in kinds.items()}
