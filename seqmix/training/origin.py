"""Where the settings of a new run come from that the user did not state, for errors about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from seqmix.config.tables import Table
from seqmix.errors import ConfigError
from seqmix.recipes import find_recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where settings come from.

    Attributes:
        stated: the settings that the user states.
        recipe: name of the recipe; "" for none.
        of_recipe: its settings.
        named: whether the user named the recipe, which then comes before the initial run.
        run: folder of the run whose weights are taken; None for none.
        of_run: the settings that come with them.
    """

    stated: Mapping[str, Table]
    recipe: str = ""
    of_recipe: Mapping[str, Table] = field(default_factory=dict)
    named: bool = False
    run: Path | None = None
    of_run: Mapping[str, Table] = field(default_factory=dict)

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Add to a `ConfigError` that is raised in the block what set the option at fault, if it was not the user."""
        try:
            yield
        except ConfigError as error:
            if setter := self._setter(error.option or ""):
                raise ConfigError(f"{error.text}; {setter}", option=error.option) from error
            raise

    def _setter(self, option: str) -> str:
        """Return what set an option, in words; "" if the user did, or nothing."""
        table, _, name = option.partition(".")
        if name in self.stated.get(table, {}):
            return ""
        by_recipe = bool(self.recipe) and name in self.of_recipe.get(table, {})
        by_run = self.run is not None and name in self.of_run.get(table, {})
        if by_run and not (by_recipe and self.named):
            return f"the run that the weights are taken from, {self.run}, sets {option}"
        if not by_recipe:
            return ""
        if not self.named:
            return f"recipe {self.recipe}, the default for such data, sets {option}"
        meant = f"it is for another task ({find_recipe(self.recipe).facts.task})"
        return f"recipe {self.recipe} sets {option}: {meant}; choose a recipe that suits these data, or none"
