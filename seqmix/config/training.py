"""The [training] table."""

from __future__ import annotations

from dataclasses import dataclass

from seqmix.config.options import check, documented, option, options_of, refuse
from seqmix.errors import ConfigError, command, param
from seqmix.system.ranges import MOST_POSITIONS, MOST_RECORDS, MOST_SECONDS, MOST_SEED, MOST_STEPS

PRECISIONS = ("fp32", "bf16", "fp16")
SELECTIONS = ("macro-f1", "micro-f1", "accuracy", "roc-auc", "loss", "r2", "within")
TRAINING, MACHINE = "Training", "Machine"  # panels of `--help`


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
        at_most=MOST_RECORDS,
        allowed=f"from 1 to {MOST_RECORDS:,} (or 0, with training.budget or training.max_steps)",
        flag=True,
        panel=TRAINING,
    )
    budget: float = option(
        0.0,
        f"Time for training, validation and lexical branch included: seconds, or a text such as 90s, 5m or 2h30m; 0 for no "
        f"limit. Without {param('epochs')}, it is the only limit. The result then depends on the speed of the computer.",
        at_least=0,
        at_most=MOST_SECONDS,
        allowed=f"a number of seconds, from 0 (none) to {MOST_SECONDS:,}",
        flag=True,
        panel=TRAINING,
        metavar="TIME",
        shown="any",
    )
    max_steps: int = option(
        0,
        f"Optimiser steps after which training ends; 0 for no limit. Without {param('epochs')}, they are the only limit.",
        at_least=0,
        at_most=MOST_STEPS,
        flag=True,
        panel=TRAINING,
        shown="any",
    )
    validate_every: int = option(
        0,
        "Optimiser steps between validations; 0 to validate after every epoch. The last step is always validated.",
        at_least=0,
        at_most=MOST_STEPS,
    )
    batch_size: int = option(
        0,
        f"Sequences in a batch; 0 for as many as {param('tokens_per_batch')} allows.",
        at_least=0,
        at_most=MOST_RECORDS,
        flag=True,
        panel=TRAINING,
        shown="as many as fit",
    )
    tokens_per_batch: int = option(
        8192,
        "Largest number of tokens in a batch, padding included; auto (0 in TOML) to measure, before the first step, which is "
        "fastest.",
        at_least=0,
        at_most=MOST_POSITIONS,
        flag=True,
        panel=TRAINING,
        metavar="N|auto",
    )
    accumulate: int = option(
        1, "Batches whose gradients are summed for one optimiser step, at least.", at_least=1, at_most=MOST_RECORDS
    )
    least_records: int = option(
        0,
        "Records in an optimiser step, at least: the gradients of as many batches as that takes are summed. Of long records, a "
        "batch may hold only one.",
        at_least=0,
        at_most=MOST_RECORDS,
    )
    tokens_at_once: int = option(
        0,
        "Tokens of a step that are computed at once, if its batches have fewer: with training.least_records, long records are "
        "computed together, which is faster and takes more memory. 0 for each batch by itself.",
        at_least=0,
        at_most=MOST_POSITIONS,
    )
    lr: float = option(
        2e-3,
        "Peak learning rate of AdamW; auto (0 in TOML) to find it by a short test with rising rates before the first step.",
        at_least=0,
        at_most=1e30,
        allowed="above 0 and at most 1e+30, or auto (0 in TOML)",
        flag=True,
        panel=TRAINING,
        metavar="RATE|auto",
    )
    weight_decay: float = option(0.01, "Weight decay of AdamW, for matrices only.", at_least=0, at_most=1000)
    schedule: str = option(
        "cosine", "Learning rate after the warm-up (cosine and linear fall to 0).", choices=("constant", "cosine", "linear")
    )
    warmup: float = option(0.05, "Fraction of all steps in which the learning rate rises from 0.", at_least=0, at_most=1)
    clip: float = option(1.0, "Largest norm of the gradient; 0 for no clipping.", at_least=0, at_most=1e12)
    clip_by: str = option(
        "norm",
        "What training.clip limits: the norm of the gradient, or the value of each of its components.",
        choices=("norm", "value"),
    )
    label_smoothing: float = option(0.0, "Label smoothing in the loss.", at_least=0, below=1, for_labels=True)
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
        at_most=MOST_POSITIONS,
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
        for_labels=True,
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
        "window of model.stride tokens has, if those are more.",
        at_least=0,
        at_most=65_536,
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
        for_labels=True,
    )
    sampling: str = option(
        "all",
        "Records of an epoch: all, each once, or balanced, as many as that but of each class equally often (of several labels: "
        "by a record's rarest label).",
        choices=("all", "balanced"),
        for_labels=True,
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
    calibration: str = option(
        "auto",
        "How probabilities are calibrated on the validation split once training has ended: by a temperature, by vector scaling "
        "(a factor and a shift for each class), by isotonic regression (two classes), not at all, or auto: by the first two as "
        "cross-validation within that split finds best.",
        choices=("auto", "temperature", "vector", "isotonic", "none"),
        for_labels=True,
    )
    patience: int = option(
        3,
        "Validations in a row without a better score after which training stops; 0 for never.",
        at_least=0,
        at_most=MOST_RECORDS,
    )
    smooth: float = option(
        0.0,
        "Weight of the earlier validations in the score and the loss by which weights are chosen and patience counts: an "
        "exponential mean over the validations. 0 for each validation alone, which in a small validation split is partly luck.",
        at_least=0,
        below=1,
    )
    goal: float = option(
        0.0,
        f"Validation score ({param('select')}) at which training ends: at least this, for a loss at most; 0 for none.",
        at_least=-1e12,
        at_most=1e12,
    )
    seed: int = option(0, "Seed of weights, order and dropout.", at_least=0, at_most=MOST_SEED, flag=True, panel=TRAINING)
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
        100,
        f"Optimiser steps between saved states for {param('resume')}.",
        at_least=1,
        at_most=MOST_STEPS,
        flag=True,
        panel=TRAINING,
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
