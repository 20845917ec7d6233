"""The settings that a user states, in layers of plain values: configuration, options, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqmix.config import Config, DataConfig, ModelConfig, TrainingConfig, read_settings
from seqmix.config.options import check_type, options_of
from seqmix.config.tables import Table, merge, settings_tables
from seqmix.errors import ConfigError, command, param, shown, suggestion
from seqmix.reporting.text import parse_duration
from seqmix.run import Run
from seqmix.system.ranges import MOST_POSITIONS
from seqmix.training.keywords import keywords

_DIGITS = 20  # of a number that is read
KINDS: dict[str, type[Any]] = {"model": ModelConfig, "training": TrainingConfig, "data": DataConfig}


def plain_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of `train` without those that are None, with the run of `init` as its folder.

    Raises:
        ConfigError: two of them cannot be combined.
    """
    options = {name: value for name, value in given.items() if value is not None}
    if "batch_size" in options and "tokens_per_batch" in options:
        raise ConfigError(f"{param('batch_size')} and {param('tokens_per_batch')} cannot be combined: give one of them")
    if "tokens_per_batch" in options:
        # A recipe's or file's batch size would leave the option without effect. It comes last, so that errors name the option.
        options["batch_size"] = 0
    if isinstance(init := options.get("init"), Run | Path):
        options["init"] = str(init.path if isinstance(init, Run) else init)
    return options


def stated_layers(
    options: Mapping[str, Any],
    config: Config | Mapping[str, Any] | str | Path | None,
    settings: Sequence[str] | Mapping[str, Any],
) -> list[Mapping[str, Table]]:
    """Return the layers of the user's settings, lowest first: configuration, options, settings.

    Args:
        options: options by the names of `keywords`; None for an option that is not given.
        config: see `train`.
        settings: see `train`.

    Raises:
        ConfigError: an option is unknown, or a text does not have the right form.
    """
    layers: list[Mapping[str, Table]] = [read_settings(config)] if config else []
    known = keywords()
    for name, value in options.items():
        if name not in known:
            raise ConfigError(f"{command('train')} has no option '{name}'{suggestion(name, known)}")
        table, _ = known[name]
        if name == "mixer_options" and value is not None:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{param(name)} must be a mapping: got {shown(value)}", option=name)
            layers.append({"mixer": dict(value)})
        elif value is not None:
            layers.append({table: {name: value}})
    layers.append(settings_tables(settings))
    return [{table: _plain(table, values) for table, values in merge(layer).items()} for layer in layers]


def _plain(table: str, values: Table) -> Table:
    """Return a stated table with texts such as "5m" and numbers of numpy as Python's numbers, after checking types.

    Raises:
        ConfigError: a value is of the wrong type.
    """
    declared = options_of(KINDS[table]) if table in KINDS else {}
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
    if table == "training":
        plain |= {name: _PARSERS[name](value) for name, value in plain.items() if name in _PARSERS and isinstance(value, str)}
    for name in plain.keys() & declared.keys():
        check_type(plain[name], declared[name].type, f"{table}.{name}")
    return plain


def _parse_tokens(text: str) -> int:
    """Return a number of tokens per batch, which is 0 for "auto"."""
    if text.strip() == "auto":
        return 0
    if text.strip().isdecimal() and len(text) < _DIGITS and (number := int(text)):
        return number
    raise ConfigError(
        f"{param('tokens_per_batch')} must be a whole number from 1 to {MOST_POSITIONS:,}, or auto: got {shown(text)}",
        option="training.tokens_per_batch",
    )


def _parse_rate(text: str) -> float:
    """Return a learning rate, which is 0 for "auto"."""
    if text.strip() == "auto":
        return 0.0
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if rate:
        return rate
    raise ConfigError(f"training.lr must be a number above 0, or auto: got '{text}'", option="training.lr")


_PARSERS: dict[str, Callable[[str], Any]] = {
    "budget": parse_duration,
    "tokens_per_batch": _parse_tokens,
    "lr": _parse_rate,
}
