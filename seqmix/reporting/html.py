"""Self-contained HTML pages: tables and figures, nothing in them is fetched from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from seqmix.reporting.figures import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 0.6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 0; } figcaption { font-size: 0.9rem; color: #555; max-width: 28rem; }
svg { max-width: 100%; height: auto; } .scroll { overflow-x: auto; }
.note { background: #fff6e5; padding: 0.4rem 0.8rem; border-left: 4px solid #e0a030; }
pre { background: #f5f5f5; padding: 0.8rem; overflow-x: auto; font-size: 0.85rem; }
"""


def html_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; its cells are text, not HTML."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def html_figures(figures: Iterable[tuple[Figure, str]]) -> str:
    """Figures and their captions, side by side where there is room."""
    drawn = (f"<figure>{svg(figure)}<figcaption>{html.escape(caption)}</figcaption></figure>" for figure, caption in figures)
    return f'<div class="figures">{"".join(drawn)}</div>'


def html_page(title: str, parts: Iterable[str]) -> str:
    """A page of its own with the HTML `parts` one below the other."""
    page = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>\n{page}\n</body></html>\n'
    )
