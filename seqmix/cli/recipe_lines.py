"""Recipes on the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from seqmix.config import ModelConfig
from seqmix.recipes import Recipe

_INDENT = 13
_KEPT = "\N{NO-BREAK SPACE}"  # marks spaces at which a line must not be broken


def recipe_lines(recipes: Iterable[Recipe], width: int | None = None) -> str:
    """Return a paragraph for each recipe: task, main settings, published result, and the command that prepares the data.

    Args:
        recipes: the recipes to list.
        width: columns of the terminal; None leaves lines as long as they are.
    """
    paragraphs = []
    for recipe in recipes:
        length = recipe.settings.get("data", {}).get("max_length", 0)
        mixer = recipe.settings.get("model", {}).get("mixer", ModelConfig().mixer)
        settings = ", ".join(part.replace(" ", _KEPT) for part in [mixer, *_main_settings(recipe.settings)])
        lines = [f"{recipe.name}: {recipe.facts.task}" + (f", length {length:,}" if length else "")]
        lines += _item("settings", settings, width)
        lines += _item("published", recipe.facts.published, width)
        lines += _item("data", recipe.facts.data, width, end=" \\")  # a command, to be pasted into a shell
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _item(name: str, text: str, width: int | None, end: str = "") -> list[str]:
    """Return a name and its indented text as lines, with `end` at line breaks; no lines without text."""
    room = len(text) if width is None else max(20, width - _INDENT - len(end))
    parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) if text else []
    parts = [f"{part}{end}".replace(_KEPT, " ") for part in parts[:-1]] + [part.replace(_KEPT, " ") for part in parts[-1:]]
    return [f"{f'  {name}' if not place else '':<{_INDENT}}{part}" for place, part in enumerate(parts)]


def _main_settings(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the settings that distinguish recipes: "chord", "15 links", "width 32", "batch 16", "200 epochs"."""
    forms = {
        "mixer.protocol": "{}",
        "mixer.n_links": "{} links",
        "mixer.n_landmarks": "{} landmarks",
        "model.blocks": "{} blocks",
        "model.d_model": "width {}",
        "model.words": "{}-mers",
        "model.pooling": "{}",
        "training.batch_size": "batch {}",
        "training.lr": "lr {:g}",
        "training.max_steps": "{:,} steps",
        "training.epochs": "{} epochs",
    }
    found = []
    for name, form in forms.items():
        table, option = name.split(".")
        if value := tables.get(table, {}).get(option):
            found.append("1 block" if name == "model.blocks" and value == 1 else form.format(value))
    return found
