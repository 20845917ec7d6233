"""Tables of settings: TOML files, `--set table.option=value`, mappings with dotted or nested keys, and merging them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.errors import ConfigError, param, shown

Table = dict[str, Any]
_ESCAPED_BYTE = re.compile(r"(?<!\\)\\u(dc[89a-f][0-9a-f])")  # of a path that is not UTF-8, which TOML itself cannot hold


def parse_setting(text: str) -> tuple[str, str, Any]:
    """Split "mixer.n_links=9" into ("mixer", "n_links", 9). Values are TOML; anything else is taken as text.

    Raises:
        ConfigError: the text does not have the form table.option=value.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(_form(text))
    table, key = _split_name(name, text)
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")["value"]
    except ValueError:  # not TOML, or a number of thousands of digits
        parsed = value.strip()
    return table, key, parsed


def _split_name(name: str, text: str) -> tuple[str, str]:
    table, dot, key = name.strip().partition(".")
    if not (dot and table and key):
        raise ConfigError(_form(text))
    return table, key


def _form(got: str) -> str:
    return f"{param('settings')} takes table.option=value, such as training.lr=0.001: got '{got}'"


def mapping_tables(given: Mapping[str, Any], name: str) -> dict[str, Table]:
    """Return the tables of a mapping with dotted keys, nested tables, or both; `name`: the parameter, for errors."""
    layers: list[dict[str, Table]] = []
    for key, value in given.items():
        table, dot, option = key.partition(".") if isinstance(key, str) else ("", "", "")
        if isinstance(value, Mapping) and table and not dot:
            layers.append({table: dict(value)})
        elif table and option:
            layers.append({table: {option: value}})
        else:
            raise ConfigError(
                f"{param(name)} takes keys such as 'training.lr' or tables such as 'training': got {key!r} with {shown(value)}",
                option=name,
            )
    return merge(*layers)


def settings_tables(given: Sequence[str] | Mapping[str, Any]) -> dict[str, Table]:
    """Return settings as tables.

    Args:
        given: texts such as "model.dropout=0.1", or a mapping with dotted keys ({"model.dropout": 0.1}), nested tables
            ({"model": {"dropout": 0.1}}), or both.

    Raises:
        ConfigError: a text or key does not have this form.
    """
    if isinstance(given, Mapping):
        return mapping_tables(given, "settings")
    parsed = map(parse_setting, [given] if isinstance(given, str) else given)
    return merge(*({table: {key: value}} for table, key, value in parsed))


def merge(*layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Table]:
    """Merge tables; later ones override earlier ones."""
    merged: dict[str, Table] = {}
    for layer in layers:
        for name, table in layer.items():
            if not isinstance(table, Mapping):
                raise ConfigError(f"configuration: '{name}' must be a table [{name}], got {table!r}")
            merged.setdefault(name, {}).update(table)
    return merged


def read_toml(path: str | Path) -> dict[str, Table]:
    """Return the tables of a TOML file.

    Raises:
        ConfigError: the file does not exist or is not valid TOML.
    """
    path = Path(path)
    try:
        return tomllib.loads(_ESCAPED_BYTE.sub(lambda found: chr(int(found[1], 16)), path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # also of a number of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
