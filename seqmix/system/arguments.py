"""Arguments of public functions, held against their annotations: a value of the wrong type is a mistake that is explained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, wraps
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

from seqmix.errors import ConfigError, param, shown

P = ParamSpec("P")
R = TypeVar("R")
_NOUNS = {bool: "True or False", int: "a whole number", float: "a number", str: "a string", Path: "a path", NoneType: "None"}
_PLURALS = {int: "whole numbers", float: "numbers", str: "strings"}


def typed(*unchecked: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function refuse arguments that do not fit its annotations with a `ConfigError`.

    Args:
        unchecked: names of parameters that the function itself explains better.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @cache
        def hints() -> dict[str, Any]:
            return {
                name: _resolved(one.annotation, function)
                for name, one in signature.parameters.items()
                if isinstance(one.annotation, str) and name not in unchecked  # options check themselves
            }

        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            given = dict(zip(signature.parameters, args, strict=False)) | kwargs
            for name, hint in hints().items():
                if name in given:
                    _check(given[name], hint, name)
            return function(*args, **kwargs)

        return run

    return decorate


def _resolved(annotation: str, function: Callable[..., Any]) -> Any:
    """Return the type that an annotation names; Any for one that only type checkers know."""
    try:
        return eval(annotation, inspect.unwrap(function).__globals__)
    except NameError:
        return Any


def _check(value: Any, hint: Any, name: str) -> None:
    if not _fits(value, hint):
        raise ConfigError(f"{param(name)} must be {_noun(hint)}: got {shown(value)}", option=name)
    if "Path" in str(hint):
        for path in [value] if isinstance(value, str | Path) else value if isinstance(value, Sequence) else []:
            _check_path(path, name)


def _check_path(path: Any, name: str) -> None:
    try:
        if "\0" in str(path):
            raise ValueError("it contains a NUL character")
        Path(path).exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{param(name)} cannot be the path {shown(path)}: {reason}", option=name) from error


def _fits(value: Any, hint: Any) -> bool:
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if kind is Callable:
        return callable(value)
    if kind in (int, float):
        return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
    if kind in (Sequence, Iterable):
        listed = isinstance(value, kind) and not isinstance(value, str | bytes | Mapping)
        return listed and (kind is Iterable or all(_fits(item, part) for part in parts for item in value))
    return kind is Any or not isinstance(kind, type) or isinstance(value, kind)


def _noun(hint: Any) -> str:
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        return _listed([_noun(part) for part in parts])
    if kind is Callable:
        return "a function"
    if kind in (Sequence, Iterable):
        nouns = [_PLURALS[part] for part in parts if part in _PLURALS]
        return f"a list of {nouns[0]}" if nouns else "a list"
    if kind is Mapping:
        return "a mapping"
    return _NOUNS.get(kind) or f"a {kind.__name__}"


def _listed(names: Collection[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} or {last}" if first else last
