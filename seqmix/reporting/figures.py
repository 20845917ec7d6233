"""What all figures share: their palette, their look, and writing them; drawn by matplotlib, without a display."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.system.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#20639b", "#d1611f", "#8a8a8a"
_LONGEST_NAME = 28


def new_figure(width: float = 4.6, height: float = 3.8) -> tuple[Figure, Any]:
    """A figure with one pair of axes, in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def plain(name: str) -> str:
    """A class name as matplotlib shows it letter by letter: no formulas, not too long."""
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return short.replace("$", r"\$")


def svg(figure: Figure) -> str:
    """A figure as SVG, the same text each time."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "seqmix", "font.size": 10}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a letter that the font lacks is drawn as a box
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    content = buffer.getvalue()
    return content[content.index("<svg") :]


_COLOURS = (
    *(BLUE, ORANGE, "#2e8b57", "#b0307a", "#6a51a3", "#8c6d1f"),
    *("#17a2b8", "#c0392b", "#7f7f7f", "#e0a030", "#1b1b1b", "#7cb342"),
)

_MARKERS = "osD^vPX*<>ph"


def look(order: int) -> dict[str, Any]:
    """Colour and marker of a line; where the colours begin again, they meet other markers."""
    marker = _MARKERS[(order + order // len(_COLOURS)) % len(_MARKERS)]
    colour = _COLOURS[order % len(_COLOURS)]
    return {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.6}


def write_files(folder: Path, name: str, content: str, figure: Figure) -> None:
    """Writes `name` as .json, .svg and .png."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=150)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.json", content)
    write_whole(folder / f"{name}.svg", svg(figure) + "\n")
    write_whole(folder / f"{name}.png", png.getvalue())
