"""The configuration of a run: frozen dataclasses, TOML in and out, `--set table.option=value`.

Three tables: [model] (with [mixer], the mixer's own options), [training], [data]. An option that is not given takes the
mixer's default for the model, or else the one declared here. A run's `config.toml` holds every option, so `--config` repeats
the run.

Every option is declared once, in `model.py`, `training.py` or `data.py` (see `seqmix.config.options`): `seqmix.train` and
`seqmix train` take their names, defaults, help and checks from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from seqmix.config.data import DataConfig as DataConfig
from seqmix.config.model import ModelConfig as ModelConfig
from seqmix.config.options import check_name, options_of
from seqmix.config.tables import Table, mapping_tables, read_toml
from seqmix.config.tables import merge as merge
from seqmix.config.tables import parse_setting as parse_setting
from seqmix.config.tables import settings_tables as settings_tables
from seqmix.config.training import TrainingConfig as TrainingConfig
from seqmix.errors import ConfigError, param, shown

T = TypeVar("T")


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
    return kind(
        **{k: float(v) if known[k].type is float and type(v) is int and known[k].holds(v) else v for k, v in values.items()}
    )


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
