"""Recipes: settings that come with seqmix, such as those of the papers, as TOML files beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seqmix.config import Table, build_table, read_toml
from seqmix.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeFacts:
    """What there is to know about a recipe besides its settings ([recipe] in its TOML).

    Attributes:
        task: what it is for; source: of the settings.
        data: the command that makes or prepares its data.
        published: the result that the source gives; "": none that is known here.
        vocabulary: tokens, special ones included, that the source counts in the data; 0: it does not say.
    """

    task: str = ""
    source: str = ""
    data: str = ""
    published: str = ""
    vocabulary: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Settings that come with seqmix: `settings`, tables over the defaults, and `facts` about them."""

    name: str
    settings: dict[str, Table]
    facts: RecipeFacts


_RECIPES = Path(__file__).parent


def recipe_names() -> list[str]:
    """Names that `--recipe` takes."""
    return sorted(path.relative_to(_RECIPES).with_suffix("").as_posix() for path in _RECIPES.rglob("*.toml"))


def recipes() -> list[Recipe]:
    """All recipes that come with seqmix, by name."""
    return [find_recipe(name) for name in recipe_names()]


def find_recipe(name: str) -> Recipe:
    """A recipe that comes with seqmix.

    Raises:
        ConfigError: there is none of that name, or its table [recipe] has an unknown key.
    """
    tables = read_toml(_recipe_path(name))
    facts = build_table(RecipeFacts, "recipe", tables.pop("recipe", {}))
    return Recipe(name=name, settings=tables, facts=facts)


def read_recipe(name: str) -> dict[str, Table]:
    """The settings of a recipe that comes with seqmix; errors as in `find_recipe`."""
    return find_recipe(name).settings


def recipe_text(name: str) -> str:
    """The TOML of a recipe, comments included, as it is; errors as in `find_recipe`."""
    return _recipe_path(name).read_text(encoding="utf-8")


def _recipe_path(name: str) -> Path:
    if name not in recipe_names():
        raise ConfigError(f"there is no recipe '{name}'; there are: {', '.join(recipe_names())}")
    return _RECIPES / f"{name}.toml"
