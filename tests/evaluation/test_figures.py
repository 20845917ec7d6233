"""The figures of a report: every point and every curve can be seen, and says what it is of."""

from types import SimpleNamespace

import pytest

from seqmix.evaluation.figures import confusion_figure, curves_figure, precision_recall_figure, reliability_figure, roc_figure
from seqmix.objectives import KINDS

OBJECTIVE = KINDS["classification"](("a", "b"))


def history(*accuracies, both=None):
    lines = []
    for number, accuracy in enumerate(accuracies, 1):
        line = {"epoch": number, "step": 5 * number, "train_loss": 2.0 / number, "val_accuracy": accuracy, "val_log loss": 2.5}
        lines.append(line | ({"both_accuracy": both, "both_log loss": 0.5} if both else {}))
    return lines


@pytest.mark.parametrize("accuracies", [(0.1, 0.4, 0.35), (0.95, 0.951), (0.3,), (0.0,), (1.0, 1.0)])
def test_learning_curves_show_every_point(accuracies):
    figure = curves_figure(history(*accuracies), OBJECTIVE, branches=False)
    for axes in figure.axes:
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        for line in axes.get_lines():
            assert all(left < x < right and low < y < high for x, y in line.get_xydata())


def test_learning_curves_do_not_flatten_differences():
    loss, score = curves_figure(history(0.2, 0.21, 0.25), OBJECTIVE, branches=False).axes
    assert score.get_ylim()[0] > 0.15 and score.get_ylim()[1] < 0.3
    assert loss.get_ylim()[0] > 0.4


def test_learning_curves_name_the_branches():
    alone = curves_figure(history(0.2, 0.4), OBJECTIVE, branches=False)
    assert [axes.get_ylabel() for axes in alone.axes] == ["loss", "validation accuracy"]
    loss, score = curves_figure(history(0.2, 0.4, both=0.9), OBJECTIVE, branches=True).axes
    assert loss.get_ylabel() == "loss of the mixing branch"
    assert {line.get_label(): list(line.get_ydata()) for line in score.get_lines()} == {
        "mixing branch": [0.2, 0.4],
        "both branches": [0.9, 0.9],
    }


def test_equal_roc_curves_are_stripes_of_one_line():
    def curve(*points):
        return {"false_positive_rate": [x for x, _ in points], "true_positive_rate": [y for _, y in points]}

    perfect, finer = curve((0, 0), (0, 1), (1, 1)), curve((0, 0), (0, 0.5), (0, 1), (0.5, 1), (1, 1))
    roc = {"a": perfect, "b": finer, "c": curve((0, 0), (0.5, 0.5), (1, 1))}
    lines = {line.get_label(): line for line in roc_figure(SimpleNamespace(roc=roc)).axes[0].get_lines()}
    assert {name: line.is_dashed() for name, line in lines.items()} == {"guessing": True, "a": False, "b": True, "c": True}


def test_few_of_many_curves_are_drawn_and_they_are_the_worst():
    def curve(area):
        return {"false_positive_rate": [0, area / 100, 1], "true_positive_rate": [0, 1, 1], "area": area / 100}

    roc = {f"class {n}": curve(n) for n in range(100, 80, -1)}
    labels = [line.get_label() for line in roc_figure(SimpleNamespace(roc=roc)).axes[0].get_lines()]
    assert labels == ["guessing", *(f"class {n}: {n / 100:.3f}" for n in range(90, 80, -1))]


def test_precision_is_drawn_beside_that_of_guessing():
    curve = {"recall": [0.5, 0.5, 1.0], "precision": [1.0, 0.5, 2 / 3], "area": 0.833, "share": 0.5}
    evaluation = SimpleNamespace(roc={"b": {"area": 0.75}}, precision_recall={"b": curve})
    guessing, line = precision_recall_figure(evaluation).axes[0].get_lines()
    assert guessing.get_label() == "guessing" and list(guessing.get_ydata()) == [0.5, 0.5]
    assert line.get_label() == "b: 0.833, share 0.500"
    assert line.get_xydata().tolist() == [[0, 1], [0.5, 1], [0.5, 2 / 3], [1, 2 / 3]]


@pytest.mark.parametrize(("names", "rotation"), [(["0", "1"], 0), ([str(n) for n in range(10)], 0), (["a" * 25] * 3, 40)])
def test_class_names_are_slanted_only_if_they_have_no_room(names, rotation):
    evaluation = SimpleNamespace(classes=names, confusion=[[1] * len(names)] * len(names))
    assert {label.get_rotation() for label in confusion_figure(evaluation).axes[0].get_xticklabels()} == {rotation}


def test_reliability_does_not_join_bins():
    bins = {"confidence": [0.5, 0.7], "accuracy": [0.0, 1.0], "share": [0.1, 0.9]}
    axes = reliability_figure(SimpleNamespace(reliability=bins)).axes[0]
    assert [list(line.get_xdata()) for line in axes.get_lines()] == [[0, 1]]  # the diagonal
    sizes = axes.collections[0].get_sizes()
    assert sizes[1] > sizes[0]


@pytest.mark.parametrize(
    "names", [[f"class{n}" for n in range(10)], ["Methanocaldococcus jannaschii " + "x" * n for n in range(10)]]
)
def test_legend_of_many_roc_curves_widens_no_figure(names):
    curve = {"false_positive_rate": [0, 0, 1], "true_positive_rate": [0, 1, 1]}
    figure = roc_figure(SimpleNamespace(roc=dict.fromkeys(names, curve)))
    figure.draw_without_rendering()
    assert figure.get_figwidth() <= 4.6
    [legend], bounds = figure.legends, figure.bbox
    drawn, axes = legend.get_window_extent(), figure.axes[0].get_tightbbox()
    assert bounds.x0 <= drawn.x0 and drawn.x1 <= bounds.x1 and drawn.y1 <= axes.y0
    assert axes.height > 0.5 * axes.width


@pytest.mark.parametrize(("best", "marked"), [((True, True, False), 2), ((False, False, False), None)])
def test_learning_curves_mark_the_weights_that_are_kept(best, marked):
    lines = [line | {"best": kept} for line, kept in zip(history(0.1, 0.4, 0.35), best, strict=True)]
    for axes in curves_figure(lines, OBJECTIVE, branches=False).axes:
        assert [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == ([marked] if marked else [])
