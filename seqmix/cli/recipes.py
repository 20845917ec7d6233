"""`seqmix recipes`."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated

import typer

from seqmix.cli.console import reported

app = typer.Typer()


@app.command()
@reported
def recipes(
    name: Annotated[str | None, typer.Argument(help="Recipe to print as TOML, to read or to edit. (default: list all)")] = None,
) -> None:
    """List the settings that come with seqmix, such as those of the papers: seqmix train --recipe NAME."""
    from seqmix.recipes import recipe_text
    from seqmix.recipes import recipes as all_recipes

    if name is not None:
        typer.echo(recipe_text(name), nl=False)
        return
    from seqmix.cli.recipe_lines import recipe_lines

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    typer.echo(recipe_lines(all_recipes(), width))
