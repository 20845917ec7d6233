"""The parts that all figures share: the palette, the look, and writing them. matplotlib draws them without a display."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from seqmix.errors import SeqmixError
from seqmix.reporting.tables import middle_cut
from seqmix.system.files import write_whole
from seqmix.system.printable import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#20639b", "#d1611f", "#8a8a8a"
DARK, PALE_LINE, PALE = "#444444", "#c8c8c8", "#f0f0f0"  # bars of deviation, lines and areas behind the data
_GRID = "#e4e4e4"
COLOURS = (
    *(BLUE, ORANGE, "#2e8b57", "#b0307a", "#6a51a3", "#8c6d1f"),
    *("#17a2b8", "#c0392b", "#7f7f7f", "#e0a030", "#1b1b1b", "#7cb342"),
)
PALETTE = {"ink": "#222222", "soft": "#595959", "line": "#dddddd", "blue": BLUE, "amber": "#e0a030", "shade": "#f6f6f6"}
"""The colours of HTML pages; `soft` has the contrast that small text needs."""

_MARKERS = "osD^vPX*<>ph"
_LONGEST_NAME = 28


P = ParamSpec("P")
T = TypeVar("T")


def drawing(draw: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that draws or writes a figure, so that it uses matplotlib's own settings, not those of the user."""

    @wraps(draw)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            import matplotlib
        except (ValueError, OSError) as error:  # settings that it cannot read, or not decode
            raise SeqmixError(
                f"figures cannot be drawn: matplotlib cannot read its matplotlibrc: {error}; remove it"
            ) from error
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            return draw(*args, **kwargs)

    return run


def new_figure(width: float = 4.6, height: float = 3.8) -> tuple[Figure, Any]:
    """Return a figure with one pair of axes.

    Args:
        width: width in inches.
        height: height in inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def plain(name: str) -> str:
    """Return a name that matplotlib shows as it is, not as a formula; the middle of a long one is left out."""
    return middle_cut(printable(name), _LONGEST_NAME).replace("$", r"\$")


def grid(axes: Any, axis: str = "both") -> None:
    """Draw thin lines behind the data at the ticks of one axis ("x" or "y") or "both"; drop the frame at top and right."""
    axes.grid(axis=axis, color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


@drawing
def svg(figure: Figure, title: str = "") -> str:
    """Return a figure as SVG, the same text on every call, with a title for readers who cannot see it."""
    import matplotlib

    metadata = {"Date": None, "Creator": None, **({"Title": printable(title)} if title else {})}
    kinds: tuple[Literal["path", "none"], ...] = ("path", "none")
    for kind in kinds:
        buffer = io.StringIO()
        drawn = matplotlib.rc_context({"svg.hashsalt": "seqmix", "font.size": 10, "svg.fonttype": kind})
        with drawn, warnings.catch_warnings(record=True) as lacking:
            warnings.simplefilter("always", UserWarning)
            figure.savefig(buffer, format="svg", metadata=metadata)
        if not lacking:
            break  # otherwise, the font lacks letters (such as Chinese ones), and the reader's own fonts draw the text
    content = buffer.getvalue()
    return content[content.index("<svg") :]


def look(order: int) -> dict[str, Any]:
    """Return the colour and marker of line number `order`; where colours repeat, markers differ."""
    marker = _MARKERS[(order + order // len(COLOURS)) % len(_MARKERS)]
    colour = COLOURS[order % len(COLOURS)]
    return {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.6}


@drawing
def write_figure(figure: Figure, folder: Path, name: str, title: str) -> None:
    """Write a figure as `name`.svg and `name`.png."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=150)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.svg", svg(figure, title) + "\n")
    write_whole(folder / f"{name}.png", png.getvalue())
