"""Pathfinder: are two dots the ends of one dashed curve? Images of 32, 64 or 128 pixels a side, read row by row.

Every image has two long curves of 6 (easy), 9 (medium) or 14 (hard) dashes, and as many shorter curves, a third as long, as
there is room for. Curves do not cross or touch; `curves.py` describes their course. They are white on black, with soft edges.

Two dots are at the two ends of one curve (class connected) or at one end of each of two (unconnected). So that the positions
of the dots do not give the class away, an image is kept only if some end has two partners that look alike: the other end of
its own curve and an end of the other curve, at nearly equal distances from it (within 3 % of the side) and from the middle of
the image (within 6 %). The first dot is at that end; only then is a coin tossed for which partner gets the second dot. The
curves do not depend on the class, nor do the number of dots, their distance or the brightness: the curve must be followed.

Sources: Linsley et al., Learning long-range spatial dependencies with horizontal gated recurrent units, NeurIPS 2018; Tay et
al., Long Range Arena, ICLR 2021. This generator follows their description, except that their curves may cross.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seqmix.data.synthetic.base import Sample, Task
from seqmix.data.synthetic.curves import CurveField, Floats, Mask, draw
from seqmix.data.synthetic.options import DASHES, PathfinderOptions

_TRIALS = 2**15  # images started at once times pixels a side; most are given up
_ATTEMPTS = (2, 6)  # tries of the first and the second long curve before an image is given up
_SHORT_DASHES = 60  # dashes that the short curves would have in all at a side of 32 if there were room for all of them
_SAME_DISTANCE, _SAME_PLACE = 0.03, 0.06  # largest difference of distances between dots, and from the middle, in sides
# Triples: an end of a curve, its other end, and an end of the other curve.
_PARTNERS = np.array([(0, 1, 2), (0, 1, 3), (1, 0, 2), (1, 0, 3), (2, 3, 0), (2, 3, 1), (3, 2, 0), (3, 2, 1)])


class Pathfinder(Task[PathfinderOptions]):
    """Tell whether a dashed curve joins two dots in an image, read row by row (2 classes)."""

    name = "pathfinder"
    alphabet = "bytes"
    classes = ("connected", "unconnected")

    options_type = PathfinderOptions

    def samples(self, count: int, rng: np.random.Generator, options: PathfinderOptions) -> Iterator[Sample]:
        """Generate samples with `length` bytes, the brightness of each pixel, as `text`; see `Task.samples`."""
        made = 0
        while made < count:
            paths, pairs = _draw_scenes(rng, options.side, DASHES[options.difficulty])
            chosen = rng.integers(2, size=len(pairs))
            images = draw(paths, pairs[np.arange(len(pairs)), chosen], options.side)
            for image, label in zip(images[: count - made], chosen.tolist(), strict=False):
                yield Sample(image.tobytes(), self.classes[label])
            made += len(images)

    def show(self, sample: Sample) -> str:
        """Return the image in block characters, two rows of pixels per line; 128 pixels a side are shown as 64."""
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
    """Return the image of a sample, `(side, side)`."""
    assert isinstance(sample.text, bytes)
    pixels = np.frombuffer(sample.text, dtype=np.uint8)
    return pixels.reshape(math.isqrt(len(pixels)), -1)


def _draw_scenes(rng: np.random.Generator, side: int, dashes: int) -> tuple[list[Floats], Floats]:
    """Draw the curves of some images, and where their dots may go.

    Returns:
        For each curve, its dashes `(S, dashes, 2, 2)`; and two candidate pairs of dots `(S, 2, 2, 2)`, first on one curve and
        then on two.
    """
    field = CurveField(_TRIALS // side, side)
    for attempts in _ATTEMPTS:
        field.keep(field.add_curve(dashes, rng, dotted=True, attempts=attempts))
    first, second = field.paths
    pairs, alike = _like_pairs(np.stack([first[:, 0, 0], first[:, -1, 1], second[:, 0, 0], second[:, -1, 1]], axis=1), side)
    field.keep(alike)
    short = dashes // 3
    for _ in range(round(_SHORT_DASHES / short * math.sqrt(side / 32))):
        field.add_curve(short, rng)
    return field.paths, pairs


def _like_pairs(ends: Floats, side: int) -> tuple[Floats, Mask]:
    """Find the two pairs of ends, one of one curve and one of two, that are most alike.

    Args:
        ends: `(S, 4, 2)`, x and y of both ends of both long curves.
        side: pixels a side.

    Returns:
        The pairs `(S', 2, 2, 2)` of the images in which they are enough alike, and which images these are, `(S,)` bool.
    """
    to_same, to_other = (ends[:, _PARTNERS[:, 0]] - ends[:, _PARTNERS[:, i]] for i in (1, 2))  # (S, 8, 2)
    distance = np.abs(np.hypot(to_same[..., 0], to_same[..., 1]) - np.hypot(to_other[..., 0], to_other[..., 1]))
    middle = ends - np.float32((side - 1) / 2)
    off = np.hypot(middle[..., 0], middle[..., 1])  # (S, 4)
    place = np.abs(off[:, _PARTNERS[:, 1]] - off[:, _PARTNERS[:, 2]])
    unlike = np.maximum(distance / _SAME_DISTANCE, place / _SAME_PLACE)
    best = _PARTNERS[unlike.argmin(axis=1)]
    rows = np.arange(len(ends))[:, None, None]
    pairs: Floats = ends[rows, best[:, [[0, 1], [0, 2]]]]
    alike: Mask = unlike.min(axis=1) <= side
    return pairs[alike], alike
