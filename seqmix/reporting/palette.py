"""The colours of pages and figures, each in two shades: one for a light page, and one for a dark page.

The colours of lines differ from each other for readers with any of the three kinds of colour blindness, too; text has a
contrast of at least 4.5 to its background, and lines have one of at least 3.
"""

from __future__ import annotations

from typing import NamedTuple


class Shades(NamedTuple):
    """A colour.

    Attributes:
        light: on a light page, in files of figures and in print.
        dark: on a dark page.
    """

    light: str
    dark: str


PALETTE = {
    "paper": Shades("#ffffff", "#14171a"),
    "ink": Shades("#1f2328", "#e6e8ea"),
    "soft": Shades("#57606a", "#aab3bb"),
    "line": Shades("#d8dadd", "#3a4148"),
    "shade": Shades("#f4f5f6", "#20252a"),
    "amber": Shades("#e0a030", "#d9a441"),
    "guide": Shades("#767a7e", "#8f979f"),
    "grid": Shades("#e4e6e8", "#2e343a"),
    "pale": Shades("#eff1f3", "#1d2126"),
    "blue": Shades("#0072b2", "#4aa3ff"),
    "orange": Shades("#b84300", "#ff914d"),
    "green": Shades("#009e73", "#34d6a5"),
    "purple": Shades("#a34a86", "#d985bb"),
    "ochre": Shades("#b58900", "#f0e442"),
    "slate": Shades("#2b3238", "#e9eaec"),
    "heat": Shades("#0a4480", "#559fe2"),
    "on-pale": Shades("#000001", "#fffffe"),
    "on-heat": Shades("#fffffe", "#000000"),
}
"""The colours, by name. No two have the same light shade, so that a figure drawn in light shades can be shown in dark ones."""

SERIES = ("blue", "orange", "green", "purple", "ochre", "slate")
"""The colours of lines, in the order in which they are used."""

HEAT_TURNS = 0.721
"""How strong the colour of a cell is where the text on it changes from `on-pale` to `on-heat`: either is well legible there."""
