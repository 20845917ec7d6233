"""The parts that all figures share: the palette, the look, and writing them. matplotlib draws them without a display."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from seqmix.errors import SeqmixError
from seqmix.reporting.palette import PALETTE, SERIES
from seqmix.reporting.tables import middle_cut
from seqmix.system.files import write_whole
from seqmix.system.printable import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, DARK, PALE_LINE, PALE, PAPER, HEAT, ON_PALE, ON_HEAT = (
    PALETTE[name].light for name in ("blue", "orange", "guide", "soft", "line", "pale", "paper", "heat", "on-pale", "on-heat")
)
COLOURS = tuple(PALETTE[name].light for name in SERIES)
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.3, 1.3)), (0, (7, 2, 1.3, 2)))
"""The strokes of lines that have no markers."""

_INK, _GRID = PALETTE["ink"].light, PALETTE["grid"].light
_SETTINGS: Any = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
    "axes.facecolor": "none",  # that of the page shows
}
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
            matplotlib.rcParams.update(_SETTINGS)
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
def svg(figure: Figure, title: str = "", *, background: str = PAPER) -> str:
    """Return a figure as SVG, the same text on every call, with a title for readers who cannot see it.

    Args:
        figure: the figure.
        title: the title; "" for none.
        background: a colour, or "none" for that of the page.
    """
    import matplotlib

    metadata = {"Date": None, "Creator": None, **({"Title": printable(title)} if title else {})}
    kinds: tuple[Literal["path", "none"], ...] = ("path", "none")
    for kind in kinds:
        buffer = io.StringIO()
        drawn = matplotlib.rc_context({"svg.hashsalt": "seqmix", "font.size": 10, "svg.fonttype": kind})
        with drawn, warnings.catch_warnings(record=True) as lacking:
            warnings.simplefilter("always", UserWarning)
            figure.savefig(buffer, format="svg", metadata=metadata, facecolor=background)
        if not lacking:
            break  # otherwise, the font lacks letters (such as Chinese ones), and the reader's own fonts draw the text
    content = buffer.getvalue()
    return content[content.index("<svg") :]


def look(order: int) -> dict[str, Any]:
    """Return colour, marker and dashes of line number `order`; lines of one colour differ in both others."""
    marker = _MARKERS[(order + order // len(_MARKERS)) % len(_MARKERS)]
    colour = COLOURS[order % len(COLOURS)]
    dashes = DASHES[order // len(COLOURS) % len(DASHES)]
    return {"color": colour, "marker": marker, "linestyle": dashes, "markersize": 5, "linewidth": 1.6}


def stroke(order: int) -> dict[str, Any]:
    """Return the colour and dashes of line number `order`, which has no markers."""
    return {"color": COLOURS[order % len(COLOURS)], "linestyle": DASHES[order % len(DASHES)], "linewidth": 1.8}


@drawing
def write_figure(figure: Figure, folder: Path, name: str, title: str) -> None:
    """Write a figure as `name`.svg and `name`.png."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=150)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.svg", svg(figure, title) + "\n")
    write_whole(folder / f"{name}.png", png.getvalue())
