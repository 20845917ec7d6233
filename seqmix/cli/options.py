"""Flags, made from the declared options (see `seqmix.config.options`), and those that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from seqmix.cli.console import in_flags
from seqmix.config.options import Option, options_of
from seqmix.config.training import MACHINE
from seqmix.data.options import FILES, ReadOptions
from seqmix.recipes import read_recipe
from seqmix.training.keywords import keywords, pretraining_keywords


def complete_mixers(incomplete: str) -> list[str]:
    """Return the names of mixers that begin with this text."""
    from seqmix.mixers import available_mixers

    return [name for name in available_mixers() if name.startswith(incomplete)]


def complete_recipes(incomplete: str) -> list[str]:
    """Return the names of recipes that begin with this text."""
    from seqmix.recipes import recipe_names

    return [name for name in recipe_names() if name.startswith(incomplete)]


def complete_devices(incomplete: str) -> list[str]:
    """Return the kinds of devices that begin with this text."""
    return [name for name in ("auto", "cpu", "cuda", "mps") if name.startswith(incomplete)]


_WIDEST = 24  # characters of choices that `--help` shows next to a flag
_COMPLETIONS = {"mixer": complete_mixers, "device": complete_devices}


def flag(one: Option, *, default: bool = True) -> Any:
    """Return the annotation that makes Typer show a declared option as a flag.

    Args:
        one: the option.
        default: whether the help text states the default, because the command's own is None for "not given"; otherwise
            Typer shows it.
    """
    kinds = [kind for kind in get_args(one.type) if kind is not NoneType] or [one.type]
    kind: Any = Literal[one.choices] if one.choices else str if one.metavar else kinds[0]
    text, metavar = in_flags(one.help), one.metavar
    if len("|".join(one.choices)) > _WIDEST:  # next to the flag, they would leave no room for the help
        metavar = one.name.upper()
        text += "" if all(choice in text for choice in one.choices) else f" One of {', '.join(one.choices)}."
    if default:
        shown = ("yes" if one.default else "no") if isinstance(one.default, bool) else one.default
        text += f" (default: {one.shown or shown})"
    info = typer.Option(
        one.flag,
        help=text,
        metavar=metavar or None,
        rich_help_panel=one.panel or None,
        autocompletion=_COMPLETIONS.get(one.name),
    )
    return Annotated[kind | None if default else kind, info]


def with_flags(options: Mapping[str, Option]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command a flag for every declared option in place of its `**options`, which receives the options given."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            command(**{name: value for name, value in values.items() if name not in options or value is not None})

        signature = inspect.signature(command, eval_str=True)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        made = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=flag(one))
            for name, one in options.items()
        ]
        last = [one for one in own if _panel(one)]  # after the declared options of the same panel
        ordered = [*(one for one in own if one not in last), *made, *last]
        parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in ordered]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        vars(run)["__signature__"] = inspect.Signature(parameters)
        return run

    return decorate


def _panel(parameter: inspect.Parameter) -> str | None:
    return next((part.rich_help_panel for part in get_args(parameter.annotation) if hasattr(part, "rich_help_panel")), None)


_RECIPES = {"dna": "DNA", "protein": "proteins", "text": "texts"}  # that are taken if none is named, and for which data


def _with_recipes(table: str, one: Option) -> Option:
    """Return an option of training that states its values in the default recipes, too: "20 for DNA and texts; else 8"."""
    found = {kind: read_recipe(recipe).get(table, {}).get(one.name, one.default) for recipe, kind in _RECIPES.items()}
    if set(found.values()) == {one.default} or any(kind in one.shown for kind in found):
        return one
    by_value: dict[Any, list[str]] = {}
    for kind, value in found.items():
        by_value.setdefault(value, []).append(kind)
    stated = [
        f"{value} for {' and '.join([', '.join(kinds[:-1])] * (len(kinds) > 1) + kinds[-1:])}"
        for value, kinds in by_value.items()
    ]
    return replace(one, shown=f"{', '.join(stated)}; else {one.shown.replace(';', ',') or one.default}")


TRAIN_FLAGS = {name: _with_recipes(table, one) for name, (table, one) in keywords().items() if one.flag}
PRETRAIN_FLAGS = {name: _with_recipes(table, one) for name, (table, one) in pretraining_keywords().items() if one.flag}
_READ = options_of(ReadOptions)
READING = {
    name: one for name, one in _READ.items() if one.flag and one.panel == FILES
}  # how new files are read, labelled or not

Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help=f"{_READ['include'].help} Repeat for more. (default: {_READ['include'].shown})",
        rich_help_panel=FILES,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help=f"{_READ['exclude'].help} Repeat for more.", rich_help_panel=FILES),
]


def _repeated(name: str) -> Any:
    """Return the declared option as one that may be repeated."""
    one = _READ[name]
    text = f"{in_flags(one.help)} Repeat for more. (default: {one.shown})"
    return typer.Option(metavar=one.metavar, help=text, rich_help_panel=one.panel)


HoldOut = Annotated[list[str] | None, _repeated("hold_out")]
Validate = Annotated[list[str] | None, _repeated("validate")]


def patterns(include: list[str] | None, exclude: list[str] | None) -> dict[str, Any]:
    """Return the patterns that are given, by the names of the options."""
    given = {"include": include, "exclude": exclude}
    return {name: tuple(values) for name, values in given.items() if values}


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more detail.")]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="Threads on the CPU. (default: OMP_NUM_THREADS, or one for each core)",
        rich_help_panel=MACHINE,
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(help="Settings that come with seqmix, such as paramixer/genome.", autocompletion=complete_recipes),
]
ConfigFile = Annotated[Path | None, typer.Option(help="TOML file with settings, such as another run's config.toml.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.OPTION=VALUE",
        help="Any setting, such as model.blocks=2, mixer.memory=256, training.patience=3; repeat for more.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run from its last saved step.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a run folder.")]
if TYPE_CHECKING:  # the types of the values that commands receive
    Device = str
    Precision = str
    TrialDevice = str | None
    TrialPrecision = str | None
    Format = str
    TextColumn = str | None
    IdColumn = str | None
    PairColumn = str | None
    Encoding = str | None
    LabelFrom = str | None
else:
    Device = flag(TRAIN_FLAGS["device"], default=False)
    Precision = flag(TRAIN_FLAGS["precision"], default=False)
    TrialDevice = flag(TRAIN_FLAGS["device"])
    TrialPrecision = flag(TRAIN_FLAGS["precision"])
    Format = flag(_READ["format"], default=False)
    TextColumn = flag(_READ["text_column"])
    IdColumn = flag(_READ["id_column"])
    PairColumn = flag(_READ["pair_column"])
    Encoding = flag(_READ["encoding"])
    LabelFrom = flag(_READ["label_from"])

TrialThreads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="Threads of each training. (default: all threads, divided among --jobs)",
        rich_help_panel=MACHINE,
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", help="Trainings that run in parallel.", rich_help_panel=MACHINE)]
MixerSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.OPTION=VALUE",
        help="Any setting for all mixers, or MIXER:SETTING for one mixer; repeat for more.",
    ),
]


def names(text: str | None) -> list[str] | None:
    """Split "paramixer, softmax" into ["paramixer", "softmax"]; None if not given."""
    return [name.strip() for name in text.split(",")] if text is not None else None
