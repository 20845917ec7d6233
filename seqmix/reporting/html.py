"""Self-contained HTML pages: text, tables and figures in one template; a page loads nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seqmix.reporting.figures import PALETTE, svg
from seqmix.reporting.tables import ReportTable
from seqmix.system.printable import printable
from seqmix.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_LEAST_SCALE = 0.65  # of a figure on a narrow screen; any smaller and its letters could not be read, so it scrolls instead


class Drawing(NamedTuple):
    """A figure on a page.

    Attributes:
        figure: the figure.
        title: a few words on what it shows, which screen readers read out.
        caption: how to read it.
    """

    figure: Figure
    title: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a page; empty parts are left out.

    Attributes:
        heading: the heading; "" for none.
        text: a paragraph.
        table: a table below the text.
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


def html_page(title: str, introduction: str, sections: Sequence[Section], notes: Sequence[str] = ()) -> str:
    """Return a whole page.

    Args:
        title: the title and heading of the page.
        introduction: the first paragraph.
        sections: the sections, from top to bottom.
        notes: what a reader should know first, set off in colour.
    """
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            introduction=introduction,
            notes=notes,
            sections=sections,
            inline=_inline,
            palette=PALETTE,
            version=__version__,
        )
    )


def html_table(table: ReportTable) -> str:
    """Return one table under its title, without a page around it, for a notebook."""
    template = _environment().from_string(
        '{% from "table.html.j2" import table %}<p><b>{{ content.title }}</b></p>{{ table(content, content.title) }}'
    )
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
    """Return a figure as inline SVG; `name` keeps its identifiers apart from those of other figures on the page."""
    from markupsafe import Markup

    content = svg(drawing.figure, drawing.title)
    content = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", content)
    least = round(_LEAST_SCALE * 96 * drawing.figure.get_figwidth())
    return Markup(content.replace("<svg ", f'<svg role="img" style="min-width: {least}px" ', 1))
