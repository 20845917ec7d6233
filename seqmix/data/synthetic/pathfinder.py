"""Pathfinder: are two dots the two ends of one dashed curve? Images of 32, 64 or 128 pixels a side, row by row.

Every image has two long curves of 6 (easy), 9 (medium) or 14 (hard) dashes, and shorter ones of a third as many, as far
as there is room. They do not cross or touch: `curves.py` says how they run. White on black, with soft edges.

Two dots are at the ends of one curve (class connected) or at an end of each of two (unconnected). So that the dots' places
do not give the class away, an image is kept only if, for some end, its curve's other end and an end of the other curve
are nearly as far from it (to 3 % of the side) and from the middle of the image (to 6 %). The first dot goes to the former
end; only then a coin is tossed, and the second goes to one of the latter two. The curves know nothing of the class, nor
does the number of dots, their distance or the brightness: a curve must be followed.

Linsley et al., Learning long-range spatial dependencies with horizontal gated recurrent units, NeurIPS 2018; Tay et
al., Long Range Arena, ICLR 2021. This generator follows their description; in their images, curves may cross.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqmix.data.synthetic.base import Sample, Task
from seqmix.data.synthetic.curves import CurveField, Floats, Mask, draw
from seqmix.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHES = {"easy": 6, "medium": 9, "hard": 14}
"""Dashes of a long curve, for each difficulty."""
SIDES = (32, 64, 128)

_TRIALS = 2**15
"""Images that are begun at once, times pixels a side: most are given up."""
_ATTEMPTS = (2, 6)
"""How often the first and the second long curve are tried in an image before it is given up."""
_SHORT_CURVES = 60
"""Short curves are tried until they would have about this many dashes at a side of 32, if all had room."""
_SAME_DISTANCE, _SAME_PLACE = 0.03, 0.06
"""By how much of the side the two distances between dots, and those from the middle, may differ."""
_OTHERS = np.array([(0, 1, 2), (0, 1, 3), (1, 0, 2), (1, 0, 3), (2, 3, 0), (2, 3, 1), (3, 2, 0), (3, 2, 1)])
"""An end of a curve, its other end, and an end of the other curve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PathfinderOptions:
    """What the images are like.

    Attributes:
        length: pixels: 1024, 4096 or 16384 (32, 64 or 128 a side).
        difficulty: easy, medium or hard: long curves of 6, 9 or 14 dashes.
    """

    length: int = 1024
    difficulty: str = "hard"

    def __post_init__(self) -> None:
        if self.length not in {side * side for side in SIDES}:
            allowed = ", ".join(f"{side * side} ({side} x {side})" for side in SIDES)
            raise ConfigError(f"--length is the number of pixels and must be one of {allowed}: got {self.length}")
        if self.difficulty not in DASHES:
            raise ConfigError(f"--difficulty must be one of {', '.join(DASHES)}: got '{self.difficulty}'")

    @property
    def side(self) -> int:
        """Pixels a side."""
        return math.isqrt(self.length)


class Pathfinder(Task[PathfinderOptions]):
    """Tell whether a curve joins two dots."""

    name = "pathfinder"
    alphabet = "bytes"
    classes = ("connected", "unconnected")
    summary = "tell whether a dashed curve joins two dots in an image, read row by row (2 classes)"
    options_type = PathfinderOptions

    def samples(self, count: int, rng: np.random.Generator, options: PathfinderOptions) -> Iterator[Sample]:
        """`text` is `length` bytes, the brightness of each pixel."""
        made = 0
        while made < count:
            paths, pairs = _draw_scenes(rng, options.side, DASHES[options.difficulty])
            chosen = rng.integers(2, size=len(pairs))
            images = draw(paths, pairs[np.arange(len(pairs)), chosen], options.side)
            for image, label in zip(images[: count - made], chosen.tolist(), strict=False):
                yield Sample(image.tobytes(), self.classes[label])
            made += len(images)

    def show(self, sample: Sample) -> str:
        """The image in block characters, two rows of pixels a line; 128 pixels a side are shown as 64."""
        image = as_image(sample)
        if len(image) > 64:
            half = len(image) // 2
            image = image.reshape(half, 2, half, 2).max(axis=(1, 3))
        bright = image > 100
        lines = [
            "".join(" ▀▄█"[int(t) + 2 * int(b)] for t, b in zip(*rows, strict=True))
            for rows in bright.reshape(-1, 2, len(bright))
        ]
        return "\n".join([*lines, sample.label])


def as_image(sample: Sample) -> NDArray[np.uint8]:
    """The image of a sample: `(side, side)`."""
    assert isinstance(sample.text, bytes)
    pixels = np.frombuffer(sample.text, dtype=np.uint8)
    return pixels.reshape(math.isqrt(len(pixels)), -1)


def _draw_scenes(rng: np.random.Generator, side: int, dashes: int) -> tuple[list[Floats], Floats]:
    """Curves of some images, and where dots may go: `(S, 2, 2, 2)`, two ends of one curve and then of two."""
    field = CurveField(_TRIALS // side, side)
    for attempts in _ATTEMPTS:
        field.keep(field.add_curve(dashes, rng, dotted=True, attempts=attempts))
    first, second = field.paths
    pairs, alike = _like_pairs(np.stack([first[:, 0, 0], first[:, -1, 1], second[:, 0, 0], second[:, -1, 1]], axis=1), side)
    field.keep(alike)
    short = dashes // 3
    for _ in range(round(_SHORT_CURVES / short * math.sqrt(side / 32))):
        field.add_curve(short, rng)
    return field.paths, pairs


def _like_pairs(ends: Floats, side: int) -> tuple[Floats, Mask]:
    """The pair of ends of one curve and the pair of ends of two that are most alike, where they are enough so.

    `ends`: `(S, 4, 2)`. Returns `(S', 2, 2, 2)`, and which images these are, `(S,)`.
    """
    to_same, to_other = (ends[:, _OTHERS[:, 0]] - ends[:, _OTHERS[:, i]] for i in (1, 2))  # (S, 8, 2)
    distance = np.abs(np.hypot(to_same[..., 0], to_same[..., 1]) - np.hypot(to_other[..., 0], to_other[..., 1]))
    middle = ends - np.float32((side - 1) / 2)
    off = np.hypot(middle[..., 0], middle[..., 1])  # (S, 4)
    place = np.abs(off[:, _OTHERS[:, 1]] - off[:, _OTHERS[:, 2]])
    unlike = np.maximum(distance / _SAME_DISTANCE, place / _SAME_PLACE)
    best = _OTHERS[unlike.argmin(axis=1)]
    rows = np.arange(len(ends))[:, None, None]
    pairs: Floats = ends[rows, best[:, [[0, 1], [0, 2]]]]
    alike: Mask = unlike.min(axis=1) <= side
    return pairs[alike], alike


def contact_sheet(samples: Sequence[Sample], columns: int = 6) -> Figure:
    """Images side by side, each under its class."""
    from matplotlib.figure import Figure

    rows = -(-len(samples) // columns)
    figure = Figure(figsize=(1.7 * columns, 1.9 * rows), layout="constrained")
    for i, sample in enumerate(samples):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.imshow(as_image(sample), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(sample.label, fontsize="small")
        axes.set_axis_off()
    return figure
