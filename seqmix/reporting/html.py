"""Self-contained HTML pages: text, tables and figures through one template; nothing on a page is fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seqmix.reporting.figures import PALETTE, svg
from seqmix.reporting.tables import ReportTable
from seqmix.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_LEAST_SCALE = 0.65  # of a figure on a narrow screen: below, its letters would be too small, so it scrolls


class Drawing(NamedTuple):
    """A figure on a page.

    Attributes:
        figure: what is drawn.
        title: what it shows, in a few words; read out where it cannot be seen.
        caption: how to read it.
    """

    figure: Figure
    title: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page; what is empty is left out.

    Attributes:
        heading: above it; "" for none.
        text: a paragraph.
        table: below the text.
        remark: a paragraph below the table.
        figures: side by side where there is room.
        code: text of fixed width, such as a configuration.
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
        title: of the page and above it.
        introduction: the first paragraph.
        sections: from top to bottom.
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
    """Return one table, under its title and without a page around it, as notebooks show it."""
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
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _inline(drawing: Drawing, name: str) -> str:
    """Return a figure as SVG to stand in a page, where its identifiers must not meet those of others."""
    from markupsafe import Markup

    content = svg(drawing.figure, drawing.title)
    content = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", content)
    least = round(_LEAST_SCALE * 96 * drawing.figure.get_figwidth())
    return Markup(content.replace("<svg ", f'<svg role="img" style="min-width: {least}px" ', 1))
