"""The figures of an evaluation report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqmix.reporting.figures import BLUE, GREY, ORANGE, look, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqmix.evaluation.result import Evaluation
    from seqmix.objectives.base import Objective


DRAWN_CURVES = 10  # ROC curves, of the first classes
_CURVES = ("accuracy", "macro-F1", "R2")  # the first one measured is drawn over the epochs


def confusion_figure(evaluation: Evaluation) -> Figure:
    """Draw the confusion matrix; colours are shares of the true class, numbers are counts."""
    size = len(evaluation.classes)
    side = min(12.0, max(4.0, 1.8 + 0.55 * size))
    names = [plain(name) for name in evaluation.classes]
    margin = 0.085 * max(map(len, names))  # inches for the names, which would else push the axis labels out of the figure
    figure, axes = new_figure(side + margin, side + 0.6 * margin - 0.6)
    totals = [max(1, sum(row)) for row in evaluation.confusion]
    shares = [[count / total for count in row] for row, total in zip(evaluation.confusion, totals, strict=True)]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.spines[:].set_visible(False)
    axes.set_xticks(range(size), names, rotation=40, ha="right")
    axes.set_yticks(range(size), names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    if size <= 20:
        for i, row in enumerate(evaluation.confusion):
            for j, count in enumerate(row):
                axes.text(j, i, f"{count:,}", ha="center", va="center", color="white" if shares[i][j] > 0.55 else "black")
    return figure


def roc_figure(evaluation: Evaluation) -> Figure:
    """Draw ROC curves, one for each class; with two classes, only that of the second."""
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    for order, (name, curve) in enumerate(list(evaluation.roc.items())[:DRAWN_CURVES]):
        rates = curve["false_positive_rate"], curve["true_positive_rate"]
        axes.plot(*rates, label=plain(name), linewidth=1.8, color=look(order)["color"])
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(frameon=False, loc="lower right", fontsize="small")
    return figure


def reliability_figure(evaluation: Evaluation) -> Figure:
    """Draw accuracy over confidence; on the diagonal, a model is right as often as it claims.

    The size of a dot is its share of the records.
    """
    figure, axes = new_figure()
    bins = evaluation.reliability
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    axes.plot(bins["confidence"], bins["accuracy"], color=BLUE, linewidth=1, alpha=0.6)
    axes.scatter(bins["confidence"], bins["accuracy"], s=[15 + 400 * share for share in bins["share"]], color=BLUE, alpha=0.7)
    axes.set_xlabel("confidence of the prediction")
    axes.set_ylabel("share that was right")
    axes.set_xlim(0, 1.03)
    axes.set_ylim(-0.03, 1.05)
    return figure


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


def pictures_figure(evaluation: Evaluation) -> Figure:
    """Draw records that are images, with their true class and, if it differs, the predicted one."""
    from matplotlib.figure import Figure

    columns = 4
    rows = -(-len(evaluation.pictures) // columns)
    figure = Figure(figsize=(2.0 * columns, 2.25 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        axes.axis("off")
    for axes, picture in zip(panels, evaluation.pictures, strict=False):
        side, right = picture["side"], picture["true"] == picture["predicted"]
        image = [picture["intensities"][row * side : (row + 1) * side] for row in range(side)]
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        title = plain(picture["true"]) if right else f"{plain(picture['true'])},\nnot {plain(picture['predicted'])}"
        axes.set_title(title, fontsize="small", color="black" if right else ORANGE)
    return figure


def curves_figure(history: Sequence[dict[str, Any]], objective: Objective) -> Figure:
    """Draw the training and validation loss, and the first validation score, over the epochs.

    If an epoch has several validations, they are drawn over the steps.

    Args:
        history: the lines of `metrics.jsonl`.
        objective: the objective of the run.
    """
    figure, axes = new_figure(5.6, 3.8)
    unit = "epoch" if len({line["epoch"] for line in history}) == len(history) else "step"
    times = [line[unit] for line in history]
    scores = [{name.removeprefix("val_"): value for name, value in line.items()} for line in history]
    axes.plot(times, [line["train_loss"] for line in history], color=GREY, marker="o", markersize=3, label="training loss")
    losses = [objective.validation_loss(line) for line in scores]
    if None not in losses:
        axes.plot(times, losses, color=BLUE, marker="o", markersize=3, label="validation loss")
    shown = next((name for name in _CURVES if all(line.get(name) is not None for line in scores)), None)
    if shown:
        right = axes.twinx()
        right.spines[["top"]].set_visible(False)
        score = [line[shown] for line in scores]
        right.plot(times, score, color=ORANGE, marker="s", markersize=3, label=f"validation {shown}", clip_on=False)
        right.set_ylabel(shown, color=ORANGE)
        low = min(0.5, *score)
        right.set_ylim(low - 0.04 * (1.0 - low), 1.0)  # a score at the very bottom would hide behind the axis
    axes.set_xlabel(unit)
    axes.set_ylabel("loss")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(frameon=False, loc="outside upper center", ncols=3, fontsize="small")
    return figure
