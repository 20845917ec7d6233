"""The configuration of a run: frozen dataclasses, TOML in and out, `--set table.option=value`.

Three tables: [model] (with [mixer], the mixer's own options), [training], [data]. An option that is not given takes the
mixer's default for the model, or else the one declared here. A run's `config.toml` holds every option, so `--config` repeats
the run.

Every option is declared here once (see `seqmix.config.options`): `seqmix.train` and `seqmix train` take their names, defaults,
help and checks from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from seqmix.config.options import check, check_name, documented, option, options_of, refuse
from seqmix.config.tables import Table, mapping_tables, read_toml
from seqmix.config.tables import merge as merge
from seqmix.config.tables import parse_setting as parse_setting
from seqmix.config.tables import settings_tables as settings_tables
from seqmix.errors import ConfigError, command, param, shown

T = TypeVar("T")

POOLINGS = ("mean", "cls", "flat", "mean-max")
PRECISIONS = ("fp32", "bf16", "fp16")
SELECTIONS = ("macro-f1", "micro-f1", "accuracy", "roc-auc", "loss", "r2", "within")
TRUNCATIONS = ("start", "end", "middle")
PROTOCOLS = ("chord", "cdil")
NO_MIXER = "none"  # in model.mixer: the lexical branch alone

MODEL, TRAINING, DATA, MACHINE = "Model", "Training", "Data", "Machine"  # panels of `--help`


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The classifier; `SequenceClassifier` explains how its parts work together."""

    mixer: str = option(
        "paramixer",
        "How positions are mixed: paramixer, skyformer, s4d, conv …, or none for the lexical branch alone.",
        flag=True,
        panel=MODEL,
    )
    lexical: str = option(
        "none",
        "The lexical branch, a linear model that is fitted before the mixer is trained: kmers (DNA, proteins), ngrams (texts: "
        "words and character n-grams), auto for the one that suits the data, or none.",
        choices=("none", "auto", "kmers", "ngrams"),
        flag=True,
        panel=MODEL,
        shown="auto for DNA; none with a recipe or file that does not say",
    )
    mixer_options: Table = option(dict, "Options of the mixer ([mixer] in TOML).")
    max_length: int = option(
        0,
        "Sequence length in characters that the model is built for, which sizes the mixers. 0 for data.max_length or the "
        "longest record with positions or flat pooling, which cannot process longer sequences; otherwise for the length that "
        "three quarters of the training records do not exceed (longer ones are still processed).",
        at_least=0,
    )
    d_model: int = option(32, "Width of the model: channels at each position.", at_least=1)
    embedding_std: float = option(1.0, "Initial scale (standard deviation) of the embedding of tokens.", above=0)
    blocks: int = option(1, "Number of mixer blocks.", at_least=1)
    block: str = option(
        "published",
        "What is around the mixer in a block: published for what its paper has (attention mixers: a transformer block; others: "
        "a plain block), or gated for normed input, residuals, and gates that are nearly closed at first, which trains at any "
        "depth.",
        choices=("published", "gated"),
    )
    gate: float = option(0.1, "Initial value of the gates of gated blocks, one for each channel.")
    mixed: float = option(
        0.0,
        "Share of the channels of gated blocks that begin without the block's input and with an open gate: they carry only "
        "what the mixer brings.",
        at_least=0,
        at_most=1,
    )
    drop_path: float = option(
        0.0, "Probability that, in training, a sequence skips a part of a gated block (stochastic depth).", at_least=0, below=1
    )
    d_feedforward: int = option(
        128,
        "Hidden width of the feed-forward layers in transformer and gated blocks; 0 for none in gated blocks.",
        at_least=0,
    )
    norm: bool = option(True, "LayerNorm after each plain block (other blocks have their own).")
    residual: bool = option(False, "A plain block adds its mixer's output to its input (other blocks always do).")
    pooling: str = option(
        "mean",
        "How the positions become one vector; mean-max joins their mean and their maximum in each channel.",
        choices=POOLINGS,
        flag=True,
        panel=MODEL,
    )
    positions: bool = option(False, "Add a learned positional embedding.")
    position_start: str = option(
        "normal", "Initial positional embedding: random, or sinusoids.", choices=("normal", "sinusoidal")
    )
    position_std: float = option(0.02, "Initial scale (root mean square) of the positional embedding.")
    stem: str = option(
        "conv",
        "Convolution between the embedding and the first block: conv adds it to the embedding, motif replaces the embedding by "
        "it.",
        choices=("conv", "motif", "none"),
    )
    stem_kernel: int = option(9, "Width of the stem's convolution in characters, odd.", at_least=1)
    stride: int = option(
        1,
        "Tokens that are pooled to one position after the stem, so that the blocks work on a sequence as many times shorter; "
        "not with cls pooling.",
        at_least=1,
    )
    stride_pooling: str = option("mean", "How these tokens become one position.", choices=("mean", "max"))
    phases: int = option(
        1,
        "Tokens of a window (model.stride) are pooled apart by their place modulo this, each into a share of the channels; 3 "
        "keeps the reading frame of DNA.",
        at_least=1,
    )
    head_hidden: int = option(0, "Hidden width of the head; 0 for a single linear layer.", at_least=0)
    dropout_tokens: float = option(
        0.0, "Probability that, in training, the embedding of a token is zeroed as a whole.", at_least=0, below=1
    )
    dropout_embedding: float = option(0.0, "Dropout after the embedding.", at_least=0, below=1)
    dropout: float = option(0.0, "Dropout after each block's mixing and feed-forward.", at_least=0, below=1)
    dropout_head: float = option(0.0, "Dropout before the head.", at_least=0, below=1)
    kmer: int = option(
        0,
        "Tokens are k-mers of this many characters (DNA, proteins); 0 for single characters.",
        at_least=0,
        flag=True,
        panel=MODEL,
    )
    source: str = option(
        "stem",
        "What Paramixer computes its links from: the stem's output, or its input (equal tokens then have equal links, which "
        "are computed once).",
        choices=("stem", "tokens"),
    )
    words: int = option(
        0,
        "The k-mer branch, parallel to the blocks: frequencies of all k-mers of this many characters (DNA, proteins); 0 for no "
        "branch.",
        at_least=0,
    )
    d_words: int = option(64, "Width of the k-mer branch.", at_least=1)
    dropout_words: float = option(0.0, "Probability that a k-mer is not counted in training.", at_least=0, below=1)
    dropout_branch: float = option(
        0.0, "Probability that, in training, the head sees only one of the two branches.", at_least=0, below=1
    )
    checkpoint_blocks: bool = option(False, "Activation checkpointing: less memory, but about a third more time.")

    def __post_init__(self) -> None:
        check(self, "model.", spelled=param)


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """The training loop.

    Training ends when the first of `epochs`, `budget` and `max_steps` is used up. Limits given by an option or a file replace
    those of a recipe and the default number of epochs; a budget or number of steps also replaces a recipe's patience.
    """

    epochs: int = option(
        8,
        f"Passes over the training split, at most; 0 for as many as {param('budget')} or {param('max_steps')} allows.",
        at_least=0,
        allowed="at least 1 (or 0, with training.budget or training.max_steps)",
        flag=True,
        panel=TRAINING,
    )
    budget: float = option(
        0.0,
        f"Time for training, including validation: seconds, or a text such as 90s, 5m or 2h30m; 0 for no limit. Without "
        f"{param('epochs')}, it is the only limit. The result then depends on the speed of the computer.",
        at_least=0,
        below=math.inf,
        allowed="a number of seconds, 0 (none) or more",
        flag=True,
        panel=TRAINING,
        metavar="TIME",
        shown="any",
    )
    max_steps: int = option(
        0,
        f"Optimiser steps after which training ends; 0 for no limit. Without {param('epochs')}, they are the only limit.",
        at_least=0,
        flag=True,
        panel=TRAINING,
        shown="any",
    )
    validate_every: int = option(
        0,
        "Optimiser steps between validations; 0 to validate after every epoch. The last step is always validated.",
        at_least=0,
    )
    batch_size: int = option(
        0,
        f"Sequences in a batch; 0 for as many as {param('tokens_per_batch')} allows.",
        at_least=0,
        flag=True,
        panel=TRAINING,
        shown="as many as fit",
    )
    tokens_per_batch: int = option(
        8192,
        "Most tokens in a batch, padding included; auto (0 in TOML) to measure before the first step how many are fastest.",
        at_least=0,
        flag=True,
        panel=TRAINING,
        metavar="N|auto",
    )
    accumulate: int = option(1, "Batches whose gradients are summed for one optimiser step, at least.", at_least=1)
    least_records: int = option(
        0,
        "Records in an optimiser step, at least: the gradients of as many batches as that takes are summed. Of long records, a "
        "batch may hold only one.",
        at_least=0,
    )
    lr: float = option(
        2e-3,
        "Peak learning rate of AdamW; auto (0 in TOML) to find it by a short test with rising rates before the first step.",
        at_least=0,
        allowed="above 0, or auto (0 in TOML)",
        flag=True,
        panel=TRAINING,
        metavar="RATE|auto",
    )
    weight_decay: float = option(0.01, "Weight decay of AdamW, for matrices only.", at_least=0)
    schedule: str = option(
        "cosine", "Learning rate after the warm-up (cosine and linear fall to 0).", choices=("constant", "cosine", "linear")
    )
    warmup: float = option(0.05, "Fraction of all steps in which the learning rate rises from 0.", at_least=0, at_most=1)
    clip: float = option(1.0, "Largest norm of the gradient; 0 for no clipping.", at_least=0)
    label_smoothing: float = option(0.0, "Label smoothing in the loss.", at_least=0, below=1)
    crop: float = option(
        0.0,
        "Train on a random part of each sequence, of at least 1 - crop of its length, drawn again in every epoch.",
        at_least=0,
        below=1,
    )
    crop_length: int = option(
        0,
        "Train on a random part of at most this many characters of each record, drawn again in every epoch; 0 for whole "
        "records. data.window is its counterpart in prediction.",
        at_least=0,
    )
    reverse_complement: float = option(
        0.0, "Probability of training on a sequence's reverse complement (DNA).", at_least=0, at_most=1
    )
    init: str = option(
        "",
        "Run to take the weights from, trained or pretrained. The settings of the model are then those of this run, unless "
        "given; the head is new where the classes differ.",
        flag=True,
        panel=TRAINING,
        metavar="RUN",
        shown="random weights",
    )
    init_checksum: str = option(
        "", "SHA-256 of these weights, which seqmix fills in: with other ones, a training is not repeated or resumed."
    )
    freeze: bool = option(
        False,
        f"Train the head alone: embedding, stem and blocks keep the weights of {param('init')}.",
        flag="--freeze",
        panel=TRAINING,
    )
    mask: float = option(
        0.15,
        f"Share of the characters (words, subwords) that {command('pretrain')} hides.",
        above=0,
        below=1,
        allowed="above 0 and below 1",
    )
    mask_span: int = option(
        0,
        f"Consecutive characters that {command('pretrain')} hides together; 0 for 8 (3 words or subwords), or as many as a "
        "window of model.stride k-mers has, if those are more.",
        at_least=0,
    )
    average: float = option(
        0.99,
        "Decay of the running average of the weights, which is validated and kept (shorter at the beginning); 0 to keep the "
        "last weights.",
        at_least=0,
        below=1,
    )
    class_weights: str = option(
        "none",
        "Weights of the classes in the loss; balanced for the inverse of their frequencies.",
        flag=True,
        panel=TRAINING,
        choices=("none", "balanced"),
    )
    sampling: str = option(
        "all",
        "Records of an epoch: all, each once, or balanced, as many as that but of each class equally often (of several labels: "
        "by a record's rarest label).",
        choices=("all", "balanced"),
    )
    select: str = option(
        "macro-f1",
        "Validation score that chooses the weights to keep, ties by the loss. Classification: macro-f1, accuracy, roc-auc or "
        "loss; multilabel: also micro-f1 (accuracy: all labels right); regression: loss (its default), r2 or within (the "
        "tolerance that the data were prepared with).",
        choices=SELECTIONS,
        flag=True,
        panel=TRAINING,
        shown="macro-f1; loss for a regression",
    )
    patience: int = option(
        3, "Validations in a row without a better score after which training stops; 0 for never.", at_least=0
    )
    smooth: float = option(
        0.0,
        "Weight of the earlier validations in the score and the loss by which weights are chosen and patience counts: an "
        "exponential mean over the validations. 0 for each validation alone, which in a small validation split is partly luck.",
        at_least=0,
        below=1,
    )
    goal: float = option(
        0.0, f"Validation score ({param('select')}) at which training ends: at least this, for a loss at most; 0 for none."
    )
    seed: int = option(0, "Seed of weights, order and dropout.", at_least=0, flag=True, panel=TRAINING)
    precision: str = option(
        "fp32",
        "Floating point numbers of the model; fp16 (with loss scaling) needs a GPU.",
        choices=PRECISIONS,
        flag=True,
        panel=MACHINE,
    )
    device: str = option(
        "auto", "Where to compute: auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.", flag=True, panel=MACHINE
    )
    compile: bool = option(False, "Run the model through torch.compile.", flag=True, panel=MACHINE)
    save_every: int = option(
        100, f"Optimiser steps between saved states for {param('resume')}.", at_least=1, flag=True, panel=TRAINING
    )
    tensorboard: bool = option(False, "Also write TensorBoard events (needs seqmix[tensorboard]).")

    def __post_init__(self) -> None:
        check(self, "training.", spelled=param)
        if not (self.epochs or self.budget or self.max_steps):
            refuse("training.epochs", options_of(TrainingConfig)["epochs"].range, self.epochs)
        if self.sampling == self.class_weights == "balanced":
            raise ConfigError(
                f"{param('training.sampling')} and {param('training.class_weights')} would both balance the classes: leave one "
                "of them out",
                option="training.sampling",
            )
        if self.freeze and not self.init:
            raise ConfigError(
                f"{param('freeze', True)} needs weights to keep: give the run that they are taken from with {param('init')}",
                option="training.freeze",
            )


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """The training data."""

    path: str = option("seqmix-data", "The folder of the data set.")
    max_length: int = option(
        0,
        "Cut sequences to this many characters; 0 for as prepared.",
        at_least=0,
        allowed="0 (as prepared) or more",
        flag=True,
        panel=DATA,
        shown="as prepared",
    )
    truncate: str = option("start", "Which part of a longer sequence to keep.", choices=TRUNCATIONS)
    window: int = option(
        0,
        "Predict a longer sequence in windows of this many characters, evenly spaced so that they cover it, and average the "
        "answers (log-probabilities; of several labels, log-odds; of a regression, values); 0 for the whole sequence at once.",
        at_least=0,
    )

    def __post_init__(self) -> None:
        check(self, "data.", spelled=param)


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The whole configuration of a run.

    Attributes:
        model: the classifier.
        training: the training loop.
        data: the training data.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        for name, kind in {"model": ModelConfig, "training": TrainingConfig, "data": DataConfig}.items():
            if not isinstance(getattr(self, name), kind):
                raise ConfigError(f"{param(name)} must be a {kind.__name__}: got {shown(getattr(self, name))}", option=name)

    def longest_view(self, length: int) -> int:
        """Return the length of the longest part that the model sees of a sequence of `length` characters."""
        parts = (self.training.crop_length, self.data.window)
        return max(min(length, part) if part else length for part in parts)

    def to_tables(self) -> dict[str, Table]:
        """Return the tables that are written to TOML."""
        model = asdict(self.model)
        mixer = model.pop("mixer_options")
        return {"model": model, "mixer": mixer, "training": asdict(self.training), "data": asdict(self.data)}

    @classmethod
    def from_tables(cls, tables: Mapping[str, Mapping[str, Any]]) -> Config:
        """Build a configuration from its tables, the inverse of `to_tables`; missing options take their defaults.

        Raises:
            ConfigError: a table or an option is unknown, or a value is of the wrong type or not allowed.
        """
        known = ("model", "mixer", "training", "data")
        for name, table in tables.items():
            check_name(name, known, f"there is no configuration table '{name}'", "there are")
            if not isinstance(table, Mapping):
                raise ConfigError(f"configuration: '{name}' must be a table [{name}], got {table!r}")
        model = build_table(ModelConfig, "model", tables.get("model", {}))
        return cls(
            model=replace(model, mixer_options=dict(tables.get("mixer", {}))),
            training=build_table(TrainingConfig, "training", tables.get("training", {})),
            data=build_table(DataConfig, "data", tables.get("data", {})),
        )


def build_table(kind: type[T], table: str, values: Mapping[str, Any]) -> T:
    """Return the dataclass `kind` made from a table of TOML.

    Raises:
        ConfigError: an option is unknown, or a value is of the wrong type or not allowed.
    """
    known = options_of(kind)
    public = [name for name in known if name != "mixer_options"]
    for name in values:
        check_name(name, public, f"there is no option '{table}.{name}'", f"[{table}] has")
    return kind(**{k: float(v) if known[k].type is float and type(v) is int else v for k, v in values.items()})


def read_settings(config: Config | Mapping[str, Any] | str | Path) -> dict[str, Table]:
    """Return the tables of a configuration: a `Config`, a mapping as in `settings_tables`, or a TOML file.

    The table [recipe] of a recipe's file holds no settings, and is left out.

    Raises:
        ConfigError: the file does not exist or is not valid TOML, or a key does not have the form table.option.
    """
    if isinstance(config, Config):
        return config.to_tables()
    tables = mapping_tables(config, "config") if isinstance(config, Mapping) else read_toml(config)
    return {name: table for name, table in tables.items() if name != "recipe"}
