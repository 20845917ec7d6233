"""Recipes: settings that come with seqmix, such as those of the papers, as TOML files beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seqmix.config import build_table
from seqmix.config.options import check, check_name, documented, option
from seqmix.config.tables import Table, read_toml
from seqmix.system.ranges import MOST_RECORDS


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeFacts:
    """What there is to know about a recipe besides its settings ([recipe] in its TOML)."""

    task: str = option("", "The task that it is for.")
    source: str = option("", "Where the settings come from.")
    data: str = option("", "The command that makes or prepares its data.")
    published: str = option("", "The result that the source reports; empty if none is known here.")
    vocabulary: int = option(
        0,
        "Tokens, special ones included, that the source counts in the data; 0 if it does not say.",
        at_least=0,
        at_most=MOST_RECORDS,
    )

    def __post_init__(self) -> None:
        check(self, "recipe.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Settings that come with seqmix.

    Attributes:
        name: such as "paramixer/genome".
        settings: tables that are laid over the defaults.
        facts: what there is to know about them.
    """

    name: str
    settings: dict[str, Table]
    facts: RecipeFacts


_RECIPES = Path(__file__).parent


def recipe_names() -> list[str]:
    """Return the names of the recipes."""
    return sorted(path.relative_to(_RECIPES).with_suffix("").as_posix() for path in _RECIPES.rglob("*.toml"))


def recipes() -> list[Recipe]:
    """Return all recipes that come with seqmix, ordered by name."""
    return [find_recipe(name) for name in recipe_names()]


def find_recipe(name: str) -> Recipe:
    """Return a recipe that comes with seqmix.

    Raises:
        ConfigError: there is no recipe of that name, or its table [recipe] has an unknown key.
    """
    tables = read_toml(_recipe_path(name))
    facts = build_table(RecipeFacts, "recipe", tables.pop("recipe", {}))
    return Recipe(name=name, settings=tables, facts=facts)


def read_recipe(name: str) -> dict[str, Table]:
    """Return the settings of a recipe; errors as in `find_recipe`."""
    return find_recipe(name).settings


def recipe_text(name: str) -> str:
    """Return the TOML text of a recipe, comments included; errors as in `find_recipe`."""
    return _recipe_path(name).read_text(encoding="utf-8")


def _recipe_path(name: str) -> Path:
    check_name(name, recipe_names(), f"there is no recipe '{name}'", "there are")
    return _RECIPES / f"{name}.toml"
