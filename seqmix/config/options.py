"""Options, each declared once: a dataclass field with its type, default, help text and range.

`option` declares a field; `check` checks values against the declarations. The docstrings of the configuration classes, the
parameters of `seqmix.train` and the flags of the command line are made from the declarations::

    @documented
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Settings:
        "The settings."

        pooling: str = option("mean", "How features are pooled.", choices=("mean", "flat"), flag=True)
        epochs: int = option(8, "Passes over the training split.", at_least=1, flag=True)

        def __post_init__(self) -> None:
            check(self, "training.")
"""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from seqmix.errors import ConfigError, shown, suggestion, unmarked
from seqmix.system.ranges import Range, refusal

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
_KEY = "option"
_NOUNS = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", tuple: "a list"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Option(Range):
    """The declaration of an option, with its range.

    Attributes:
        name: name of the field.
        type: type of the values.
        default: the value if none is given.
        help: the effect, in sentences; names of other options are marked with `errors.param`.
        flag: the flag on the command line, such as "--group"; "" for none.
        panel: heading of `--help` that lists the flag; "" for the general one.
        metavar: placeholder for the value of a flag that takes text, such as "TIME"; "" for that of the type.
        shown: the default as `--help` shows it; "" for the value itself.
        for_labels: whether only training with labels uses it; pretraining ignores it while it has its default.
    """

    name: str
    type: Any
    default: Any
    help: str
    flag: str
    panel: str
    metavar: str
    shown: str
    for_labels: bool


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    parity: str = "",
    or_zero: bool = False,
    allowed: str = "",
    flag: bool | str = False,
    panel: str = "",
    metavar: str = "",
    shown: str = "",
    for_labels: bool = False,
) -> Any:
    """Declare an option as the value of a dataclass field.

    Args:
        default: the value if none is given, or a callable such as `dict` that makes it.
        help: see `Option`.
        choices: see `Range`.
        at_least: see `Range`.
        above: see `Range`.
        at_most: see `Range`.
        below: see `Range`.
        parity: see `Range`.
        or_zero: see `Range`.
        allowed: see `Range`.
        flag: whether the option is a flag on the command line; a text if the flag's name is not the field's.
        panel: see `Option`.
        metavar: see `Option`.
        shown: see `Option`.
        for_labels: see `Option`.
    """
    declared = {"help": help, "choices": choices, "at_least": at_least, "above": above, "at_most": at_most, "below": below}
    declared |= {
        "parity": parity,
        "or_zero": or_zero,
        "allowed": allowed,
        "flag": flag,
        "panel": panel,
        "metavar": metavar,
        "shown": shown,
    }
    declared["for_labels"] = for_labels
    if callable(default):
        return field(default_factory=default, metadata={_KEY: declared})
    return field(default=default, metadata={_KEY: declared})


def declared(kind: type[Any], name: str) -> Any:
    """Declare an option as another dataclass declares it."""
    found = next(one for one in fields(kind) if one.name == name)
    return field(default=found.default, metadata=found.metadata)


def options_of(kind: type[Any]) -> Mapping[str, Option]:
    """Return the declared options of a dataclass by name."""
    options = [one for one in fields(kind) if _KEY in one.metadata]
    types = get_type_hints(kind) if options else {}
    found = {}
    for one in options:
        flag = one.metadata[_KEY]["flag"]
        spelled = f"--{one.name.replace('_', '-')}" if flag is True else flag or ""
        default = one.default if one.default_factory is MISSING else one.default_factory()
        declared = {**one.metadata[_KEY], "flag": spelled}
        found[one.name] = Option(name=one.name, type=types[one.name], default=default, **declared)
    return found


def check(settings: Any, prefix: str = "", *, spelled: Callable[[str], str] = str) -> None:
    """Check the values of a dataclass object against its declarations.

    Args:
        settings: the object.
        prefix: text before the name of an option in errors, such as "training.".
        spelled: writes the name of an option in errors; `errors.param` if Python and the command line spell it differently.

    Raises:
        ConfigError: a value is not allowed.
    """
    for name, one in options_of(type(settings)).items():
        value = getattr(settings, name)
        check_type(value, one.type, prefix + name, spelled=spelled)
        if isinstance(value, float) and math.isinf(value):
            raise ConfigError(f"{spelled(prefix + name)} must be a finite number: got {value}", option=prefix + name)
        if not one.holds(value):
            refuse(prefix + name, one.range, value, spelled=spelled, choices=one.choices)


def check_type(value: Any, type_: Any, name: str, *, spelled: Callable[[str], str] = str) -> None:
    """Raise a `ConfigError` unless the value of the option `name` is of the type."""
    if not _fits(value, type_):
        raise ConfigError(f"{spelled(name)} must be {_noun(type_)}: got {shown(value)}", option=name)


def check_name(name: str, known: Collection[str], problem: str, has: str) -> None:
    """Raise a `ConfigError` unless `name` is known: "<problem>; <has>: clip, lr; did you mean 'lr'?"."""
    if name not in known:
        raise ConfigError(f"{problem}; {has}: {', '.join(known) or 'none'}{suggestion(name, known)}")


def refuse(name: str, allowed: str, got: Any, *, spelled: Callable[[str], str] = str, choices: Collection[str] = ()) -> None:
    """Raise the `ConfigError` for a value that is not allowed."""
    raise ConfigError(refusal(spelled(name), allowed, got, choices), option=name)


def _fits(value: Any, type_: Any) -> bool:
    origin = get_origin(type_)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in get_args(type_))
    if type_ is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if type_ is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return type_ is Any or isinstance(value, origin or type_)


def _noun(type_: Any) -> str:
    parts = [part for part in get_args(type_) if part is not NoneType]
    if get_origin(type_) in (Union, UnionType):
        return " or ".join(map(_noun, parts))
    return _NOUNS.get(get_origin(type_) or type_, "a table")


def documented(kind: type[T]) -> type[T]:
    """Add the declared options to the docstring of a dataclass, a line for each."""
    if kind.__doc__:
        kind.__doc__ = f"{kind.__doc__.rstrip()}\n\n    Attributes:\n{described(kind, 8)}"
    return kind


def described(kind: type, indent: int) -> str:
    """Return the declared options of a dataclass as lines of a docstring."""
    return "\n".join(described_option(one, indent) for one in options_of(kind).values())


def described_option(one: Option, indent: int) -> str:
    """Return the entry of an option in a docstring: "lr: Peak learning rate. (above 0; default: 0.002)"."""
    facts = [one.range] if one.range and not one.allowed else []
    if not isinstance(one.default, dict):
        facts.append(f"default: {one.shown or repr(one.default)}")
    text = unmarked(f"{one.name}: {one.help} ({'; '.join(facts)})" if facts else f"{one.name}: {one.help}")
    return textwrap.fill(text, 124, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4))


def taking(*kinds: type[Any]) -> Callable[[F], F]:
    """Make the options of dataclasses keyword parameters of a function that has `**given`; see `taking_options`."""
    return taking_options([one for kind in kinds for one in options_of(kind).values()])


def taking_options(options: Sequence[Option], *, unset: bool = False) -> Callable[[F], F]:
    """Make declared options keyword parameters of a function that has `**given`.

    They replace `given` in its signature, and the line "given" among the arguments in its docstring.

    Args:
        options: the declarations.
        unset: whether the parameters default to None, for "not given", instead of the declared defaults.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
        keywords = [
            inspect.Parameter(
                one.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None if unset else one.default,
                annotation=one.type | None if unset else one.type,
            )
            for one in options
        ]
        vars(function)["__signature__"] = signature.replace(parameters=[*own, *keywords])

        def described_here(line: re.Match[str]) -> str:
            return "\n".join(described_option(one, len(line[1])) for one in options)

        function.__doc__ = re.sub(r"^( +)given$", described_here, function.__doc__ or "", count=1, flags=re.MULTILINE)
        return function

    return decorate


def sort_options(given: Mapping[str, Any], *kinds: type[Any]) -> list[dict[str, Any]]:
    """Return for each dataclass those of the given options that it declares.

    Raises:
        ConfigError: none of the dataclasses declares an option.
    """
    known = [options_of(kind) for kind in kinds]
    names = [name for options in known for name in options]
    for name in given:
        check_name(name, names, f"there is no option '{name}'", "there are")
    return [{name: value for name, value in given.items() if name in options} for options in known]
