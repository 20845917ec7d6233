"""Options that the user states although the model has no use for them. A recipe or a complete file may hold such options."""

from __future__ import annotations

from collections.abc import Mapping

from seqmix.config import ModelConfig
from seqmix.config.model import NO_MIXER
from seqmix.config.tables import Table
from seqmix.errors import ConfigError, command, param

_OF_BLOCKS = {"gated": ("gate", "mixed", "drop_path"), "published": ("norm", "residual")}  # options of [model], by model.block

USED_WITHOUT_MIXER = {
    "model": frozenset({"mixer", "lexical", "max_length"}),
    "training": frozenset({"seed", "class_weights", "calibration"}),
    "data": frozenset({"path", "max_length", "truncate"}),
}
"""The settings that a lexical model alone depends on, by table."""

_OF_MACHINE = {"device", "precision"}  # options of [training] that do not change what is learned, and suit any model


def check_without_mixer(stated: Mapping[str, Table]) -> None:
    """Refuse options of the mixing branch where there is none.

    Args:
        stated: the options that the user states, by table.

    Raises:
        ConfigError: there is such an option.
    """
    for table in ("mixer", "model", "training", "data"):
        used = USED_WITHOUT_MIXER.get(table, frozenset()) | _OF_MACHINE
        for name in [name for name in stated.get(table, {}) if name not in used]:
            option = f"{table}.{name}"
            raise ConfigError(
                f"{param(option)} is for the mixing branch, and {param('mixer', NO_MIXER)} leaves it out: drop one of them",
                option=option,
            )


def check_effect(model: ModelConfig, stated: Table) -> None:
    """Refuse options that the blocks or the windows of the model ignore.

    Args:
        model: the full configuration of the model.
        stated: the options of the model that the user states.

    Raises:
        ConfigError: there is such an option.
    """
    other = "published" if model.block == "gated" else "gated"
    needed = dict.fromkeys(_OF_BLOCKS[other], ("block", model.block, f"set model.block = {other}"))
    if model.stride == 1:
        needed["stride_pooling"] = ("stride", "1", "set a larger model.stride")
    if not model.dropout_tokens:
        needed["hidden_noise"] = ("dropout_tokens", "0", "set model.dropout_tokens")
    for name, (needs, value, remedy) in needed.items():
        if name in stated:
            raise ConfigError(
                f"{param(f'model.{name}')} has no effect with model.{needs} = {value}: leave it out, or {remedy}",
                option=f"model.{name}",
            )


def check_for_labels(stated: Table) -> None:
    """Refuse options of [training] that are for pretraining, where labels are learned.

    Args:
        stated: the options of [training] that the user states.

    Raises:
        ConfigError: there is such an option.
    """
    for name in ("mask", "mask_span"):
        if name in stated:
            raise ConfigError(
                f"training.{name} is for {command('pretrain')}: {command('train')} hides nothing; leave it out",
                option=f"training.{name}",
            )
