"""The figures of an evaluation report."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqmix.reporting.figures import (
    BLUE,
    DARK,
    GREY,
    HEAT,
    ON_HEAT,
    ON_PALE,
    ORANGE,
    PALE_LINE,
    drawing,
    grid,
    new_figure,
    plain,
    stroke,
)
from seqmix.reporting.palette import HEAT_TURNS
from seqmix.reporting.text import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqmix.evaluation.result import Evaluation
    from seqmix.objectives.base import Objective


NUMBERED = 20  # classes up to which cells of the confusion matrix have numbers
DRAWN_CURVES = 10  # ROC curves, and as many of precision over recall
_CURVES = ("accuracy", "macro-F1", "R2")  # the first one measured is drawn over the epochs
_LETTER = 0.085  # inches; width of a letter
_DASH = 4.0  # line widths; the stripes of equal ROC curves
_INSIDE = 4  # ROC curves whose legend has room inside the axes
_LEGEND_LINE = 0.19  # inches; height of a line of a legend below the axes
_BESIDE = 22  # letters of the longest line up to which such a legend has two columns
_SQUARE = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5))
_NARROW = 0.4  # inches; width of a cell below which slanted names would meet
_LEVELS = 20  # of the colour of a confusion matrix
_TRAINING, _BOTH = "training", "both branches"  # curves that do not look like the others
_LOOKS: Mapping[str, dict[str, Any]] = {
    _TRAINING: {"color": GREY, "linestyle": "--", "marker": "^"},
    _BOTH: {"color": ORANGE, "linestyle": (0, (7, 2, 1.3, 2)), "marker": "s"},
}
_MARKED = 40  # validations up to which each is a dot on the learning curves
_ABOVE_ALL = 1.02  # end of the axis of a score that is at most 1
_LEAST_SPAN = 0.2  # of an axis in learning curves, as a share of the largest value


@drawing
def confusion_figure(evaluation: Evaluation) -> Figure:
    """Draw the confusion matrix; colours are shares of the true class, numbers are counts."""
    size = len(evaluation.classes)
    side = min(12.0, max(4.0, 1.8 + 0.55 * size))
    names = [plain(name) for name in evaluation.classes]
    margin = _LETTER * max(map(len, names))  # inches for the names, which would else push the axis labels out of the figure
    slanted = margin > (side - 1.0) / size
    figure, axes = new_figure(side + margin, side + (1.0 if side < _NARROW * size else 0.6) * margin * slanted - 0.6)
    totals = [max(1, sum(row)) for row in evaluation.confusion]
    shares = [[count / total for count in row] for row, total in zip(evaluation.confusion, totals, strict=True)]
    _draw_shares(axes, shares)
    axes.spines[:].set(visible=True, color=PALE_LINE)
    upright = {"rotation": 90} if side < _NARROW * size else {"rotation": 40, "ha": "right"}
    axes.set_xticks(range(size), names, **(upright if slanted else {}))
    axes.set_yticks(range(size), names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    if size <= NUMBERED:
        for i, row in enumerate(evaluation.confusion):
            for j, count in enumerate(row):
                colour = ON_HEAT if shares[i][j] > HEAT_TURNS else ON_PALE if count else DARK
                axes.text(j, i, f"{count:,}", ha="center", va="center", color=colour)
    return figure


def _draw_shares(axes: Any, shares: Sequence[Sequence[float]]) -> None:
    """Draw a square for each share that is not 0: all of one strength as one path, so that many classes make no large file."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    places: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            if share > 0:
                places[math.ceil(share * _LEVELS)] += [(j + x, i + y) for x, y in _SQUARE]
    codes = (Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY)
    for level, corners in sorted(places.items()):
        outline = Outline(corners, list(codes) * (len(corners) // len(codes)))
        axes.add_patch(PathPatch(outline, facecolor=HEAT, alpha=level / _LEVELS, linewidth=0))
    axes.set(xlim=(-0.5, len(shares) - 0.5), ylim=(len(shares) - 0.5, -0.5), aspect="equal")


def drawn_curves(evaluation: Evaluation) -> list[str]:
    """Return the classes whose curves are drawn: of many, those with the smallest areas, in their order."""
    areas = {name: curve.get("area", math.nan) for name, curve in evaluation.roc.items()}
    worst = sorted(areas, key=lambda name: areas[name] if math.isfinite(areas[name]) else math.inf)[:DRAWN_CURVES]
    return [name for name in areas if name in worst]


@drawing
def roc_figure(evaluation: Evaluation) -> Figure:
    """Draw ROC curves, one for each class, and their areas; with two classes, only that of the second.

    Equal curves are drawn as stripes of one line, so that all are seen.
    """
    shapes = []
    for name in drawn_curves(evaluation):
        curve = evaluation.roc[name]
        label = f"{plain(name)}: {number(curve['area'])}" if "area" in curve else plain(name)
        points = list(zip(curve["false_positive_rate"], curve["true_positive_rate"], strict=True))
        shapes.append((label, _corners(points)))
    few = len(shapes) <= _INSIDE
    return _unit_square(shapes, "false positive rate", "true positive rate", [(0.0, 0.0), (1.0, 1.0)], inside=few)


@drawing
def precision_recall_figure(evaluation: Evaluation) -> Figure:
    """Draw precision over recall, one line for each class, and their areas beside the shares of the classes.

    The classes are those of the ROC curves. Equal curves are drawn as stripes of one line.
    """
    shapes = []
    for name in drawn_curves(evaluation):
        curve = evaluation.precision_recall[name]
        label = f"{plain(name)}: {number(curve['area'])}, share {number(curve['share'])}"
        recall, precision = curve["recall"], curve["precision"]
        steps = [(0.0, precision[0])]
        for x, y in zip(recall, precision, strict=True):
            steps += [(steps[-1][0], y), (x, y)]
        shapes.append((label, _corners(steps)))
    guess = [(0.0, curve["share"]), (1.0, curve["share"])] if len(shapes) == 1 else None
    return _unit_square(shapes, "recall", "precision", guess, inside=False)


def _unit_square(
    shapes: Sequence[tuple[str, list[tuple[float, float]]]],
    x: str,
    y: str,
    guess: Sequence[tuple[float, float]] | None,
    *,
    inside: bool,
) -> Figure:
    """Draw curves within the unit square.

    Args:
        shapes: label and corners of each curve.
        x: name of the horizontal axis.
        y: name of the vertical axis.
        guess: the line of guessing; None for none.
        inside: whether the legend is inside the axes, rather than below them.
    """
    lines = [*(["guessing"] if guess else []), *(label for label, _ in shapes)]
    columns = 2 if max(map(len, lines)) <= _BESIDE else 1
    below = 0 if inside else math.ceil(len(lines) / columns)
    figure, axes = new_figure(height=3.8 + _LEGEND_LINE * below)
    if guess:
        axes.plot(*zip(*guess, strict=True), color=GREY, linewidth=1, linestyle=":", label="guessing")
    corners = [shape for _, shape in shapes]
    for order, (label, shape) in enumerate(shapes):
        style, equal, under = stroke(order), corners.count(shape), corners[:order].count(shape)
        if equal > 1:
            style |= {"linestyle": (0, (_DASH * (equal - under), _DASH * under)) if under else "-"}
        axes.plot(*zip(*shape, strict=True), label=label, **style)
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    if inside:
        axes.legend(frameon=False, loc="lower right", fontsize="small")
    else:
        figure.legend(frameon=False, loc="outside lower center", fontsize="small", ncols=columns)
    return figure


def _corners(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points of a curve at which it turns, and its ends."""
    inner = (
        middle
        for before, middle, after in zip(points, points[1:], points[2:], strict=False)
        if not any(before[axis] == middle[axis] == after[axis] for axis in (0, 1))
    )
    return [points[0], *inner, points[-1]]


@drawing
def reliability_figure(evaluation: Evaluation) -> Figure:
    """Draw accuracy over confidence; on the diagonal, a model is right as often as it claims.

    The size of a dot is its share of the records. Dots are not joined: many stand for few records, and scatter.
    """
    figure, axes = new_figure()
    bins = evaluation.reliability
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    sizes = [15 + 400 * share for share in bins["share"]]
    axes.scatter(bins["confidence"], bins["accuracy"], s=sizes, color=BLUE, alpha=0.7, clip_on=False)
    axes.set_xlabel("confidence of the prediction")
    axes.set_ylabel("share that was right")
    axes.set_xlim(0, 1.03)
    axes.set_ylim(-0.03, 1.05)
    return figure


@drawing
def points_figure(evaluation: Evaluation) -> Figure:
    """Draw the predicted over the true targets of a regression; on the diagonal, a prediction is right."""
    figure, axes = new_figure()
    true, predicted = evaluation.points["true"], evaluation.points["predicted"]
    ends = min(*true, *predicted), max(*true, *predicted)
    axes.plot(ends, ends, color=GREY, linewidth=1, linestyle=":")
    axes.scatter(true, predicted, s=9, color=BLUE, alpha=0.5, linewidths=0)
    axes.set_xlabel("true target")
    axes.set_ylabel("predicted target")
    return figure


@drawing
def pictures_figure(pictures: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw records that are images, with their true class and, if it differs, the predicted one; see `Evaluation.pictures`."""
    from matplotlib.figure import Figure

    columns = 4
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(2.0 * columns, 2.25 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        axes.axis("off")
    for axes, picture in zip(panels, pictures, strict=False):
        side, right = picture["side"], picture["true"] == picture["predicted"]
        image = [picture["intensities"][row * side : (row + 1) * side] for row in range(side)]
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        title = plain(picture["true"]) if right else f"{plain(picture['true'])},\nnot {plain(picture['predicted'])}"
        axes.set_title(title, fontsize="small", **({} if right else {"color": ORANGE}))
    return figure


@drawing
def curves_figure(history: Sequence[dict[str, Any]], objective: Objective, branches: bool) -> Figure:
    """Draw the training and validation loss, and below them the first validation score, over the epochs.

    If an epoch has several validations, they are drawn over the steps. A dotted line marks the weights that are kept.

    Args:
        history: the lines of `metrics.jsonl`.
        objective: the objective of the run.
        branches: whether the model has two branches: losses are then of the mixing branch, and scores of it and of both.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    unit = "epoch" if len({line["epoch"] for line in history}) == len(history) else "step"
    times = [line[unit] for line in history]
    scores = _scores(history, "val_")
    losses: dict[str, list[float | None]] = {_TRAINING: [line["train_loss"] for line in history]}
    if None not in (validation := [objective.validation_loss(line) for line in scores]):
        losses["validation"] = validation
    panels = {"loss of the mixing branch" if branches else "loss": losses}
    if shown := next((name for name in _CURVES if all(line.get(name) is not None for line in scores)), None):
        found = {"mixing branch" if branches else "validation": [line[shown] for line in scores]}
        together = [line.get(shown) for line in _scores(history, "both_")]
        if branches and None not in together:
            found[_BOTH] = together
        panels[f"validation {shown}"] = found
    kept = [time for time, line in zip(times, history, strict=True) if line.get("best")][-1:]
    for axes, (name, curves) in zip(figure.subplots(len(panels), sharex=True, squeeze=False).flat, panels.items(), strict=True):
        _draw_curves(axes, times, curves)
        if not name.startswith("loss"):
            axes.set_ylim(top=min(_ABOVE_ALL, axes.get_ylim()[1]))
        axes.set_ylabel(name)
        for time in kept:
            axes.axvline(time, color=DARK, linewidth=1, linestyle=":")
    axes.set_xlabel(unit)
    axes.set_xlim(0, 1.04 * times[-1])
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _scores(history: Sequence[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    """Return the scores of each validation whose keys have this prefix."""
    return [{name.removeprefix(prefix): value for name, value in line.items() if name.startswith(prefix)} for line in history]


def _draw_curves(axes: Any, times: Sequence[int], curves: Mapping[str, Sequence[float | None]]) -> None:
    """Draw curves whose points all fit on the axis, which does not begin at 0, but does not enlarge tiny differences either."""
    unmarked = {} if len(times) <= _MARKED else {"marker": ""}
    for name, values in curves.items():
        if all(value is None for value in values):
            continue
        look = _LOOKS.get(name, {"color": BLUE, "marker": "o"})
        axes.plot(times, values, markersize=3, label=name, **look | unmarked)
    known = [value for values in curves.values() for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    half = max(0.55 * (high - low), 0.5 * _LEAST_SPAN * max(abs(low), abs(high))) or 0.5
    axes.set_ylim((low + high) / 2 - half, (low + high) / 2 + half)
    grid(axes, "y")
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize="small")
