"""The mixers by name: the built-in ones in the table below, and those that other packages add as entry points.

`from seqmix.mixers import Paramixer` works for every built-in mixer. A class is imported when it is first asked for, so
that the names alone do not wait for torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from seqmix.config.options import check_name, check_type
from seqmix.errors import ConfigError
from seqmix.mixers.declared import declared
from seqmix.mixers.ranges import mixer_refusal, ranges_of

if TYPE_CHECKING:
    from seqmix.mixers.base import AttentionMixer as AttentionMixer
    from seqmix.mixers.base import Mixer as Mixer
    from seqmix.mixers.base import Table as Table
    from seqmix.mixers.bigbird import BigBird as BigBird
    from seqmix.mixers.chordmixer import ChordMixer as ChordMixer
    from seqmix.mixers.conv import Conv as Conv
    from seqmix.mixers.informer import Informer as Informer
    from seqmix.mixers.kernelized import Kernelized as Kernelized
    from seqmix.mixers.linear import Linear as Linear
    from seqmix.mixers.linformer import Linformer as Linformer
    from seqmix.mixers.longshort import LongShort as LongShort
    from seqmix.mixers.mingru import MinGRU as MinGRU
    from seqmix.mixers.nystromformer import Nystromformer as Nystromformer
    from seqmix.mixers.paramixer import Paramixer as Paramixer
    from seqmix.mixers.performer import Performer as Performer
    from seqmix.mixers.reformer import Reformer as Reformer
    from seqmix.mixers.s4d import S4D as S4D
    from seqmix.mixers.skyformer import Skyformer as Skyformer
    from seqmix.mixers.softmax import Softmax as Softmax

# The class of each mixer; its module has the mixer's name.
_BUILT_IN = {
    "bigbird": "BigBird",
    "chordmixer": "ChordMixer",
    "conv": "Conv",
    "informer": "Informer",
    "kernelized": "Kernelized",
    "linear": "Linear",
    "linformer": "Linformer",
    "longshort": "LongShort",
    "mingru": "MinGRU",
    "nystromformer": "Nystromformer",
    "paramixer": "Paramixer",
    "performer": "Performer",
    "reformer": "Reformer",
    "s4d": "S4D",
    "skyformer": "Skyformer",
    "softmax": "Softmax",
}
_HOMES = {"AttentionMixer": "base", "Mixer": "base", "Table": "base", **{kind: name for name, kind in _BUILT_IN.items()}}

__all__ = [
    "available_mixers",
    "build_mixer",
    "is_built_in",
    "mixer_class",
    "mixer_declares",
    "mixer_options",
    "mixer_ranges",
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"seqmix.mixers.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'seqmix.mixers' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


def available_mixers() -> list[str]:
    """Return the names of all mixers: the built-in ones, then those that installed packages add, each sorted."""
    added = {point.name for point in entry_points(group="seqmix.mixers")}
    return [*_BUILT_IN, *sorted(added - _BUILT_IN.keys())]


def is_built_in(name: str) -> bool:
    """Return whether a mixer comes with seqmix, so that it can be imported."""
    return name in _BUILT_IN


def mixer_class(name: str) -> type[Mixer]:
    """Return the class of a mixer.

    Raises:
        ConfigError: there is no such mixer.
    """
    if isinstance(name, str) and name in _BUILT_IN:
        return getattr(import_module(f"seqmix.mixers.{name}"), _BUILT_IN[name])
    check_name(name, available_mixers(), f"there is no mixer '{name}'", "available")
    return next(point for point in entry_points(group="seqmix.mixers") if point.name == name).load()


def mixer_options(name: str) -> dict[str, Any]:
    """Return the options of a mixer with their defaults: the keyword-only arguments of its constructor."""
    if name in _BUILT_IN:
        return dict(declared(_BUILT_IN[name], tuple(_HOMES.items())).options)
    parameters = inspect.signature(mixer_class(name)).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def mixer_declares(name: str, attribute: str) -> Any:
    """Return an attribute of the class of a mixer, such as "model_defaults", without waiting for torch if it is built in."""
    if name in _BUILT_IN:
        return declared(_BUILT_IN[name], tuple(_HOMES.items())).attributes[attribute]
    return getattr(mixer_class(name), attribute)


def mixer_ranges(name: str) -> dict[str, dict[str, Any]]:
    """Return the allowed values of a mixer's options, see `seqmix.mixers.ranges`; a mixer need not declare any."""
    return dict(mixer_declares(name, "option_ranges")) if name in _BUILT_IN else ranges_of(mixer_class(name))


def build_mixer(name: str, d_model: int, max_length: int, options: Mapping[str, Any]) -> Mixer:
    """Build a mixer.

    Args:
        name: of the mixer, one of `available_mixers()`.
        d_model: width D.
        max_length: positions it is built for, a CLS token included.
        options: the mixer's own options.

    Raises:
        ConfigError: an option is unknown or its value is not allowed.
    """
    check_mixer_options(name, options, d_model)
    try:
        return mixer_class(name)(d_model, max_length, **options)
    except (ValueError, TypeError) as error:
        at_fault = _at_fault(name, d_model, max_length, options)
        raise ConfigError(f"mixer '{name}': {error}", option=at_fault and f"mixer.{at_fault}") from error


def _at_fault(name: str, d_model: int, max_length: int, options: Mapping[str, Any]) -> str | None:
    """Return the only option without which the mixer can be built; None if there is not exactly one."""
    found = []
    for option in options:
        try:
            mixer_class(name)(d_model, max_length, **{other: value for other, value in options.items() if other != option})
        except (ValueError, TypeError):
            continue
        found.append(option)
    return found[0] if len(found) == 1 else None


def check_mixer_options(name: str, options: Mapping[str, Any], d_model: int | None = None) -> dict[str, Any]:
    """Return the defaults of a mixer's options, after checking the given ones.

    Args:
        name: the name of the mixer.
        options: values by option.
        d_model: width of the model, which some options must suit; None if it is not known yet.

    Raises:
        ConfigError: there is no such mixer, it does not have an option, or a value is not allowed.
    """
    known = mixer_options(name)
    for option, value in options.items():
        if option not in known:
            others = [other for other in _BUILT_IN if option in mixer_options(other)]
            elsewhere = f", an option of {' and '.join(others)}" if others else ""
            check_name(option, known, f"the mixer '{name}' has no option '{option}'{elsewhere}", "it has")
        if known[option] is not None:
            check_type(value, type(known[option]), f"mixer.{option}")
    if refused := mixer_refusal(mixer_ranges(name), known | dict(options), d_model):
        raise ConfigError(refused[1], option=refused[0])
    return known
