"""The mixers, by name: one file each in this package, or an entry point `seqmix.mixers` of another package."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any

from seqmix.errors import ConfigError
from seqmix.mixers.base import AttentionMixer, Mixer, Table
from seqmix.options import check_name, check_type

__all__ = ["AttentionMixer", "Mixer", "Table", "available_mixers", "build_mixer", "mixer_class", "mixer_options"]


@cache
def _built_in() -> list[str]:
    """The modules of this package, the contract left out."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "base")


def available_mixers() -> list[str]:
    """Names that `--mixer` takes: the built-in ones, then those that installed packages add, each sorted."""
    added = {point.name for point in entry_points(group="seqmix.mixers")}
    return [*_built_in(), *sorted(added - set(_built_in()))]


def mixer_class(name: str) -> type[Mixer]:
    """The class of the mixer `name`.

    Raises:
        ConfigError: there is no such mixer.
    """
    if name in _built_in():
        module = import_module(f"seqmix.mixers.{name}")
        return next(k for _, k in inspect.getmembers(module, _is_mixer) if k.__module__ == module.__name__)
    for point in entry_points(group="seqmix.mixers"):
        if point.name == name:
            return point.load()
    raise ConfigError(f"there is no mixer '{name}'; available: {', '.join(available_mixers())}")


def _is_mixer(member: object) -> bool:
    return inspect.isclass(member) and issubclass(member, Mixer)


def mixer_options(name: str) -> dict[str, Any]:
    """The options of the mixer `name` with their defaults, from its constructor's keyword-only arguments."""
    parameters = inspect.signature(mixer_class(name)).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def build_mixer(name: str, d_model: int, max_length: int, options: Mapping[str, Any]) -> Mixer:
    """A new mixer of width `d_model` for up to `max_length` positions.

    Raises:
        ConfigError: an option is unknown or its value is not allowed.
    """
    known = mixer_options(name)
    for option, value in options.items():
        check_name(option, known, f"the mixer '{name}' has no option '{option}'", "it has")
        if known[option] is not None:
            check_type(value, type(known[option]), f"mixer.{option}")
    try:
        return mixer_class(name)(d_model, max_length, **options)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"mixer '{name}': {error}") from error
