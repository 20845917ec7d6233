"""Self-contained HTML pages: text, tables and figures in one template; a page loads nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seqmix.reporting.figures import svg
from seqmix.reporting.palette import PALETTE
from seqmix.reporting.tables import ReportTable
from seqmix.system.printable import printable
from seqmix.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_SHADES = {shades.light: name for name, shades in PALETTE.items()}
_LEAST_SCALE = 0.65  # of a figure on a narrow screen; any smaller and its letters could not be read, so it scrolls instead


class Drawing(NamedTuple):
    """A figure on a page.

    Attributes:
        figure: the figure.
        title: a few words on what it shows, which screen readers read out.
        caption: how to read it.
        description: what can be read off it, for readers who cannot see it; the caption if "".
    """

    figure: Figure
    title: str
    caption: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a page; empty parts are left out.

    Attributes:
        heading: the heading; "" for none.
        text: a paragraph.
        table: a table below the text; its title is the caption.
        remark: a paragraph below the table.
        figures: figures, side by side if there is room.
        code: text in a fixed-width font, such as a configuration.
    """

    heading: str = ""
    text: str = ""
    table: ReportTable | None = None
    remark: str = ""
    figures: Sequence[Drawing] = ()
    code: str = ""


def html_page(
    title: str, introduction: str, sections: Sequence[Section], notes: Sequence[str] = (), *, first: Sequence[str] = ()
) -> str:
    """Return a whole page.

    Args:
        title: the title and heading of the page.
        introduction: the first paragraph.
        sections: the sections, from top to bottom.
        notes: what a reader should know, set off in colour.
        first: what the page is for, such as a verdict, in sentences above everything else.
    """
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            introduction=introduction,
            first=first,
            notes=notes,
            sections=sections,
            inline=_inline,
            palette=PALETTE,
            version=__version__,
        )
    )


def html_table(table: ReportTable) -> str:
    """Return one table with its title, without a page around it, for a notebook."""
    template = _environment().from_string('{% from "table.html.j2" import table %}{{ table(content, content.title) }}')
    return template.render(content=table)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: Any) -> Any:
    return printable(value, lines=True) if type(value) is str else value  # markup is a class of its own


def _inline(drawing: Drawing, name: str) -> str:
    """Return a figure as inline SVG, in the colours of the page, with its title and description.

    Args:
        drawing: the figure.
        name: keeps its identifiers apart from those of other figures on the page.
    """
    from markupsafe import Markup

    content = svg(drawing.figure, background="none")
    content = re.sub(r"\s*<metadata>.*?</metadata>", "", content, flags=re.DOTALL)
    content = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", content)
    content = re.sub(r"(fill|stroke): (#[0-9a-f]{6})", _in_shades, content)
    least = round(_LEAST_SCALE * 96 * drawing.figure.get_figwidth())
    described = f'role="img" aria-labelledby="{name}-title {name}-description" style="min-width: {least}px" '
    begin = content.index(">") + 1
    words = Markup('\n <title id="{0}-title">{1}</title>\n <desc id="{0}-description">{2}</desc>').format(
        name, printable(drawing.title), printable(drawing.description or drawing.caption)
    )
    return Markup(content[:begin].replace("<svg ", f"<svg {described}", 1) + str(words) + content[begin:])


def _in_shades(found: re.Match[str]) -> str:
    """Return a colour of a figure as the variable of the page that holds its shade."""
    name = _SHADES.get(found[2])
    return f"{found[1]}: var(--{name})" if name else found[0]
