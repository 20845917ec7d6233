"""Dashed curves that keep apart, in many images at once: from random numbers to end points of dashes and pixels.

A curve is a random walk. The next dash is chosen among a few candidates, whose angle to the previous dash is uniform within
bounds: the first one that fits and has the most free room ahead. A dash fits if both its ends are inside the image and no
closer than the margin to another curve or to an earlier part of its own, except for the previous dash. If none fits, the curve
is given up. Ends that may get a dot keep further away, by its radius.

Lengths are in units of a pixel in an image of 32 a side, and grow with the side to the power of 0.75. Arrays: `S` images, `N`
points, `K` candidates, `P` probes of a candidate. Cost: O(S K P N) per dash.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

DOT = 1.5
"""Radius of a dot."""
_DASH, _WIDTH = 1.2, 1.0  # length and width of a dash
_GAP, _MARGIN, _BORDER = 1.8, 3.8, 1.0  # distance between dashes, between curves, and to the edge
_GROWTH = 0.75  # lengths grow with the side to this power
_TURN = 1.1  # largest angle between a dash and the next, in radians
_CANDIDATES = 8
# Where free room is measured, along a dash from its start: at its two ends, and ahead of it.
_PROBES = np.array([0.0, _DASH, _DASH + 2, _DASH + 4, _DASH + 6, _DASH + 9], dtype=np.float32)
_FAR = 1e4  # a coordinate outside every image, for curves that were given up


def scale(side: int) -> float:
    """Return the pixels per unit of length in images of this side."""
    return float((side / 32) ** _GROWTH)


class CurveField:
    """Images, and the curves in them so far.

    Attributes:
        paths: for each curve, `(S, dashes, 2, 2)`: x and y of both ends of each dash.
    """

    def __init__(self, count: int, side: int) -> None:
        self.side = side
        self.paths: list[Floats] = []
        self._points = np.zeros((count, 0, 3), dtype=np.float32)  # x, y and the extra distance to keep

    def keep(self, chosen: Mask) -> None:
        """Drop all images except the chosen ones, `(S,)` bool."""
        self.paths = [path[chosen] for path in self.paths]
        self._points = self._points[chosen]

    def add_curve(self, dashes: int, rng: np.random.Generator, *, dotted: bool = False, attempts: int = 1) -> Mask:
        """Add one more curve to each image that has room for it, and return which images these are, `(S,)` bool."""
        path = np.full((len(self._points), dashes, 2, 2), _FAR, dtype=np.float32)
        without = np.arange(len(path))
        at_ends = np.float32(DOT * scale(self.side) if dotted else 0)
        for _ in range(attempts):
            grown, found = self._walk(self._points[without], dashes, at_ends, rng)
            path[without[grown]] = found
            without = np.delete(without, grown)
        self.paths.append(path)
        self._points = np.concatenate([self._points, _as_points(path, at_ends)], axis=1)
        self._points[:, -1, 2] = at_ends
        return path[:, 0, 0, 0] < _FAR

    def _walk(
        self, others: Floats, dashes: int, at_ends: np.float32, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], Floats]:
        """Draw a curve in each image that has room for it.

        Returns:
            The images `(S',)`, and their curves `(S', dashes, 2, 2)`.
        """
        path = np.zeros((len(others), dashes, 2, 2), dtype=np.float32)
        rows = np.arange(len(others))
        heading = np.zeros(len(others), dtype=np.float32)
        for i in range(dashes):
            angle, start = self._candidates(path[rows, i - 1, 1] if i else None, heading, rng)
            direction = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
            probes = start[:, :, None] + np.float32(scale(self.side)) * _PROBES[:, None] * direction[:, :, None]
            more = np.zeros(len(_PROBES), dtype=np.float32)
            more[0], more[1] = (i == 0) * at_ends, (i == dashes - 1) * at_ends
            own = _as_points(path[rows, : max(0, i - 1)], at_ends)
            free = self._free(probes, more, np.concatenate([others[rows], own], axis=1))
            room = np.logical_and.accumulate(free, axis=2).sum(axis=2)  # free probes before the first that is not
            best = room.argmax(axis=1)
            fits = room[np.arange(len(rows)), best] >= 2
            rows, taken = rows[fits], (np.flatnonzero(fits), best[fits])
            heading = angle[taken]
            path[rows, i] = probes[taken][:, :2]
        return rows, path[rows]

    def _candidates(self, tips: Floats | None, heading: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw candidates for the next dash.

        Args:
            tips: `(S, 2)`, ends of the previous dashes; None for the first dash.
            heading: `(S,)`, angles of the previous dashes.
            rng: random generator.

        Returns:
            Angles `(S, K)` and starting points `(S, K, 2)`.
        """
        shape = (len(heading), _CANDIDATES)
        if tips is None:
            anywhere = rng.random((*shape, 2), dtype=np.float32) * np.float32(self.side - 1)
            return rng.random(shape, dtype=np.float32) * np.float32(2 * np.pi), anywhere
        turn = (2 * rng.random(shape, dtype=np.float32) - 1) * np.float32(_TURN)
        halfway = heading[:, None] + turn / 2
        step = np.float32(_GAP * scale(self.side)) * np.stack([np.cos(halfway), np.sin(halfway)], axis=-1)
        return heading[:, None] + turn, tips[:, None] + step

    def _free(self, probes: Floats, more: Floats, points: Floats) -> Mask:
        """Return which probes are inside the image and far enough from all points.

        Args:
            probes: `(S, K, P, 2)`.
            more: `(P,)`, distance that each probe keeps beyond the margin.
            points: `(S, N, 3)`.

        Returns:
            `(S, K, P)` bool.
        """
        x, y = probes[..., 0], probes[..., 1]
        edge = np.float32(_BORDER * scale(self.side)) + more
        low, high = np.minimum(x, y), np.maximum(x, y)
        free: Mask = (low >= edge) & (high <= self.side - 1 - edge)
        if not points.shape[1]:
            return free
        # |p - q|^2 - (m + e)^2, with the distances m of probe p and e of point q, is one matrix product.
        m = np.broadcast_to(np.float32(_MARGIN * scale(self.side)) + more, x.shape)
        of_probes = np.stack([-2 * x, -2 * y, x**2 + y**2 - m**2, np.ones_like(x), -2 * m], axis=1)  # (S, 5, K, P)
        x, y, e = points[..., 0], points[..., 1], points[..., 2]
        of_points = np.stack([x, y, np.ones_like(x), x**2 + y**2 - e**2, e], axis=2)  # (S, N, 5)
        gaps = (of_points @ of_probes.reshape(len(x), 5, _CANDIDATES * len(_PROBES))).min(axis=1)
        free &= gaps.reshape(free.shape) >= 0
        return free


def _as_points(path: Floats, at_ends: np.float32) -> Floats:
    """Return the ends of dashes `(S, n, 2, 2)`, from the first on, as points `(S, 2 n, 3)`."""
    points = np.zeros((len(path), 2 * path.shape[1], 3), dtype=np.float32)
    points[..., :2] = path.reshape(len(path), 2 * path.shape[1], 2)
    points[:, :1, 2] = at_ends
    return points


def draw(paths: list[Floats], dots: Floats, side: int) -> NDArray[np.uint8]:
    """Draw images.

    Args:
        paths: for each curve, its dashes `(S, dashes, 2, 2)`.
        dots: `(S, n, 2)`.
        side: pixels a side.

    Returns:
        `(S, side, side)`, 0 to 255.
    """
    size = scale(side)
    dashes = np.concatenate(paths, axis=1)
    drawn = dashes[..., 0, 0] < side  # (S, N)
    strokes = np.concatenate([dashes[drawn], np.repeat(dots.reshape(-1, 1, 2), 2, axis=1)])
    image = np.concatenate([np.nonzero(drawn)[0], np.repeat(np.arange(len(dots)), dots.shape[1])])
    radii = np.repeat(np.array([_WIDTH / 2, DOT], dtype=np.float32) * size, [drawn.sum(), dots.shape[0] * dots.shape[1]])
    reach = int(np.ceil(max(_DASH / 2 + _WIDTH / 2, DOT) * size)) + 1
    shades, corners = _shade(strokes, radii, reach)
    frame = side + 2 * reach + 1
    offsets = np.arange(2 * reach + 1)
    columns = corners[:, 0, None, None] + offsets + reach
    rows = corners[:, 1, None, None] + offsets[:, None] + reach
    canvas = np.zeros((len(dots), frame, frame), dtype=np.uint8)
    np.maximum.at(canvas.reshape(-1), ((image[:, None, None] * frame + rows) * frame + columns).reshape(-1), shades.reshape(-1))
    return canvas[:, reach : reach + side, reach : reach + side]


def _shade(strokes: Floats, radii: Floats, reach: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the brightness that each stroke gives to the pixels around its middle.

    Args:
        strokes: `(n, 2, 2)`, segments, possibly single points.
        radii: `(n,)`, half their widths.
        reach: pixels on each side of the middle.

    Returns:
        Brightness `(n, 2 reach + 1, 2 reach + 1)`, 0 to 255, as far as a pixel is covered; and x and y of the first pixel,
        `(n, 2)`.
    """
    corners = np.rint(strokes.mean(axis=1)).astype(np.int64) - reach
    start, along = strokes[:, 0, :, None, None], (strokes[:, 1] - strokes[:, 0])[:, :, None, None]
    offsets = np.arange(2 * reach + 1, dtype=np.float32)
    x = corners[:, 0, None, None] - start[:, 0] + offsets
    y = corners[:, 1, None, None] - start[:, 1] + offsets[:, None]
    squared = np.maximum((along**2).sum(axis=1), np.float32(1e-12))
    share = np.clip((x * along[:, 0] + y * along[:, 1]) / squared, 0, 1)
    distance = np.hypot(x - share * along[:, 0], y - share * along[:, 1])
    covered = np.clip(radii[:, None, None] + 0.5 - distance, 0, 1)
    return np.rint(255 * covered).astype(np.uint8), corners
