"""Write commands.md, configuration.md and python.md in docs/reference from the code: ``python docs/generate_reference.py``.

Commands come from the command line itself, settings from the fields that declare them, the options of mixers from their
signatures and docstrings, Python names from their docstrings. A test holds the pages against what this script writes.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

import seqmix
from seqmix.cli import app
from seqmix.config import DataConfig, ModelConfig, TrainingConfig
from seqmix.config.options import Option, options_of
from seqmix.errors import spell
from seqmix.mixers import available_mixers, mixer_class, mixer_options, mixer_ranges
from seqmix.mixers.ranges import allowed_values

REFERENCE = Path(__file__).parent / "reference"

_MADE = "<!-- Written by docs/generate_reference.py: change the code and run the script again. -->"
_COMMANDS = """\
Options that all commands have are not repeated: `--help` (`-h`) describes the command, `--quiet` (`-q`) prints errors only, and
`--verbose` (`-v`), where there is one, prints more. `seqmix --version` prints the version, `seqmix --install-completion`
installs completion for your shell.

The defaults of `train` and `pretrain` are those without a recipe. DNA, proteins and texts are trained with a default recipe,
which sets others, such as the mixer, the epochs and the learning rate: `seqmix recipes dna` prints that of DNA."""
_CONFIGURATION = """\
A run's `config.toml` has four tables. Every key can be set on the command line (`--set training.patience=5`), in a file
(`--config FILE`), in a recipe (`--recipe NAME`), and in Python. The command line overrides the file, the file overrides the
recipe, and the recipe overrides the defaults below. DNA, proteins and texts have default recipes (`seqmix recipes dna`). Some
mixers have other defaults for `[model]`: the attention mixers take a width of 64 and two blocks."""

_PYTHON = """\
The names that `import seqmix` gives. [Use from Python](../how-to/python.md) shows them at work. Paths to a data set, a run or
a file are strings or `pathlib.Path`."""


def commands_page() -> str:
    """Return the page of commands."""
    parts = ["# Commands", _MADE, _COMMANDS]
    for name, command in _commands(get_command(app)):
        parts.append(f"## seqmix {name}")
        parts.append(_plain(command.help or ""))
        parts.append(f"    seqmix {name} " + " ".join(["[OPTIONS]", *map(_argument, _arguments(command))]))
        rows = [_argument_row(one) for one in _arguments(command)]
        rows += [_row(one) for one in command.params if one not in _arguments(command) and not _common(one)]
        parts.append(_table(("Option", "Value", "Default", "Effect"), rows))
    return "\n\n".join(parts) + "\n"


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def _arguments(command: Any) -> list[Any]:
    return [one for one in command.params if one.param_type_name == "argument"]


def _argument(one: Any) -> str:
    name = (one.metavar or one.name.upper()).strip("[]")
    return name if one.required else f"[{name}]"


def _argument_row(one: Any) -> tuple[str, str, str, str]:
    return f"`{_argument(one)}`", "", _default(one), _plain(_without_default(one.help or ""))


def _common(one: Any) -> bool:
    return one.name in ("quiet", "verbose", "help")


def _row(one: Any) -> tuple[str, str, str, str]:
    names = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
    return names, _value(one), _default(one), _plain(_without_default(one.help or ""))


def _value(one: Any) -> str:
    if one.is_flag:
        return ""
    if one.metavar:
        return f"`{_cell(one.metavar)}`"
    shown = one.display_type(None).strip("<>").removeprefix("list[").removesuffix("]")
    shown = {"str": "text", "int": "number", "float": "number"}.get(shown, shown)
    return shown if "|" not in shown else ", ".join(shown.split("|"))


def _default(one: Any) -> str:
    if match := re.search(r"\(default: (.*)\)$", one.help or ""):
        return _plain(match[1])
    if one.required:
        return "required"
    if getattr(one, "is_flag", False):
        return "" if not one.secondary_opts else f"`{(one.opts if one.default else one.secondary_opts)[0]}`"
    return "" if one.default in (None, (), []) else f"`{one.default}`"


def _without_default(text: str) -> str:
    return re.sub(r"\s*\(default: .*\)$", "", text)


def configuration_page() -> str:
    """Return the page of settings."""
    parts = ["# Configuration", _MADE, _CONFIGURATION]
    for table, kind in (("model", ModelConfig), ("training", TrainingConfig), ("data", DataConfig)):
        options = [one for one in options_of(kind).values() if one.name != "mixer_options"]
        parts += [f"## [{table}]", (inspect.getdoc(kind) or "").partition("\n\nAttributes:")[0]]
        parts.append(_table(("Key", "Type", "Default", "Allowed", "Effect"), [_setting(one, table) for one in options]))
    parts += ["## [mixer]", "The options of the mixer that `model.mixer` names."]
    for name in available_mixers():
        parts += [f"### {name}", _mixer_table(name)]
    return "\n\n".join(parts) + "\n"


def _setting(one: Option, table: str) -> tuple[str, str, str, str, str]:
    flag = f" Option: `{one.flag}`." if one.flag else ""
    allowed = _plain(", ".join(f"`{value}`" for value in one.choices) or one.range)
    return f"`{table}.{one.name}`", _type(one.default), f"`{_toml(one.default)}`", allowed, _plain(one.help) + flag


def _mixer_table(name: str) -> str:
    _, sections = _sections(inspect.getdoc(mixer_class(name)) or "")
    described = {option: text[0].upper() + text[1:] for option, text in _entries(sections.get("Args", ""))}
    ranges = mixer_ranges(name)
    rows = [
        (
            f"`mixer.{option}`",
            _type(value),
            f"`{_toml(value)}`",
            _plain(allowed_values(ranges[option])) if option in ranges else "",
            _plain(described.get(option, "")),
        )
        for option, value in mixer_options(name).items()
    ]
    return _table(("Key", "Type", "Default", "Allowed", "Effect"), rows)


def python_page() -> str:
    """Return the page of the Python names."""
    parts = ["# Python", _MADE, _PYTHON]
    for name in sorted(set(seqmix.__all__) - {"__version__"}, key=lambda name: (name.lower(), name)):
        found = getattr(seqmix, name)
        parts += [f"## seqmix.{name}", *_documented(found)]
        if inspect.isclass(found):
            parts += _methods(found)
    return "\n\n".join(parts) + "\n"


def _documented(found: Any) -> list[str]:
    """Return what the docstring of a function or class says: summary, parameters, what it returns and raises."""
    summary, sections = _sections(inspect.getdoc(found) or "")
    parts = [_prose(summary)]
    for title in ("Args", "Attributes"):
        if title in sections:
            defaults = _defaults(found) if title == "Args" else {}
            rows = [_described(name, text, defaults.get(name, "")) for name, text in _entries(sections[title])]
            parts.append(_table(("Parameter" if title == "Args" else "Attribute", "Default", "Meaning"), rows))
    for title in ("Returns", "Yields"):
        if title in sections:
            parts.append(f"{title}: {_plain(sections[title])}")
    if "Raises" in sections:
        parts.append("Raises:\n\n" + "\n".join(f"* `{name}`: {_plain(text)}" for name, text in _entries(sections["Raises"])))
    return parts


def _described(name: str, text: str, default: str) -> tuple[str, str, str]:
    """Return the row of a parameter; a text may end with the default that holds where none is given."""
    text = " ".join(text.split())
    if match := re.search(r" \((?:([^()]*); )?default: ([^()]*)\)$", text):
        text = text[: match.start()] + (f" ({match[1]})" if match[1] else "")
        default = f"`{match[2]}`"
    return f"`{name}`", default, _plain(text)


def _methods(kind: type[Any]) -> list[str]:
    rows = []
    members = {name: member for base in reversed(kind.__mro__) for name, member in vars(base).items()}
    for name, member in members.items():
        plain = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(inspect.unwrap(plain)) or not plain.__module__.startswith("seqmix."):
            continue
        shown = name if isinstance(member, property) else f"{name}({_parameters(plain)})"
        rows.append((f"`{shown}`", _plain(_sections(inspect.getdoc(plain) or "")[0].partition("\n\n")[0])))
    return [_table(("Method or property", "What it does"), rows)] if rows else []


def _parameters(function: Any) -> str:
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    return ", ".join(names)


def _defaults(found: Any) -> dict[str, str]:
    try:
        parameters = inspect.signature(found).parameters.values()
    except ValueError:
        return {}
    return {
        one.name: f"`{one.default!r}`" for one in parameters if one.default is not one.empty and "<" not in repr(one.default)
    }


def _sections(docstring: str) -> tuple[str, dict[str, str]]:
    """Return the text before the first section of a docstring, and its sections by title."""
    pieces = re.split(r"^(Args|Attributes|Returns|Yields|Raises|Examples?):\n", docstring, flags=re.MULTILINE)
    return pieces[0].strip(), {
        title: textwrap.dedent(text).strip("\n") for title, text in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def _entries(section: str) -> list[tuple[str, str]]:
    found = re.findall(r"^(\w[\w*, ]*): (.*(?:\n[ ]+.*)*)", section, re.MULTILINE)
    return [(name, text) for name, text in found]


def _prose(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def _type(value: Any) -> str:
    return {bool: "true or false", int: "whole number", float: "number", str: "text", dict: "table"}[type(value)]


def _toml(value: Any) -> str:
    return (
        {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _plain(text: str) -> str:
    """Return a help text as Markdown, its marks written as options."""
    known = {**options_of(ModelConfig), **options_of(TrainingConfig), **options_of(DataConfig)}
    text = spell(
        text,
        lambda name, _: f"`{name}`" if name in known else f"`--{name.replace('_', '-')}`",
        lambda name, _: f"`seqmix {name}`",
    )
    in_code_or_flag = r"`[^`]*`|(?<![\w-])(--[a-z][a-z-]*)"
    return _cell(re.sub(in_code_or_flag, lambda match: f"`{match[1]}`" if match[1] else match[0], " ".join(text.split())))


def _cell(text: str) -> str:
    return re.sub(r"<(\w+)>", lambda match: match[1].upper(), text).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    filled = [column for column in range(len(head)) if column == 0 or any(row[column] for row in rows)]
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line[column] for column in filled) + " |" for line in lines)


def pages() -> dict[Path, str]:
    """Return the text of each page that is made from the code."""
    made = {"commands.md": commands_page(), "configuration.md": configuration_page(), "python.md": python_page()}
    return {REFERENCE / name: text for name, text in made.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
