"""The page of an evaluation, `report.html`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from seqmix.data.dataset_json import sizes_of
from seqmix.ensembles.members import Ensemble
from seqmix.evaluation.data_section import data_sections, making_section
from seqmix.evaluation.figures import (
    DRAWN_CURVES,
    NUMBERED,
    confusion_figure,
    curves_figure,
    pictures_figure,
    points_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
)
from seqmix.evaluation.tables import (
    class_table,
    compared_with,
    comparison_table,
    frequent_confusions,
    length_table,
    score_table,
    some_near,
    worst_table,
)
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.text import capitalised, counted, number
from seqmix.run import Run
from seqmix.system.files import write_whole
from seqmix.training.without_effect import USED_WITHOUT_MIXER

if TYPE_CHECKING:
    from seqmix.evaluation.circumstances import Circumstances
    from seqmix.evaluation.result import Evaluation

KEPT_IN_CURVES = "The dotted line marks the weights that are kept."


def report_html(evaluation: Evaluation, run: Run, made: Circumstances | None = None) -> str:
    """Return the page of an evaluation.

    Args:
        evaluation: the evaluation.
        run: the run.
        made: versions, device, time and command of the evaluation; None if they are not known.
    """
    of_classes = f" of {len(evaluation.classes)} classes" if evaluation.classes else ""
    training = training_in_words(run, sizes_of(run.info))
    if isinstance(run, Ensemble):
        training = f"the first of its runs was {training}"
    introduction = f"{counted(evaluation.records, 'record')}{of_classes}; model: {evaluation.model}; {training}."
    notes = [_without_place(note, run) for note in (*evaluation.notes, *run.info["notes"])]
    found = evaluation.verdict, evaluation.against.get("sentence", "")
    title = f"{Path(evaluation.run).name}: {evaluation.source}"
    sections = list(_sections(evaluation, run, made))
    return html_page(title, introduction, sections, notes, first=[sentence for sentence in found if sentence])


def _without_place(text: str, run: Run) -> str:
    """Return a text with the name of the data set instead of the place where this computer has it."""
    path = run.config.data.path
    return text.replace(path, Path(path).name)


def training_in_words(run: Run, sizes: Mapping[str, int]) -> str:
    """Return what the model was trained on, of the records of each split, and how it was chosen."""
    records, chosen = counted(sizes["train"], "record"), f"chosen on {counted(sizes['val'], 'validation record')}"
    without = "as there is no validation split"
    if run.has_mixer:
        return f"trained on {records}, with the {f'best weights {chosen}' if sizes['val'] else f'last weights, {without}'}"
    what = f"features, weighting and penalty {chosen}" if sizes["val"] else f"fixed features, weighting and penalty, {without}"
    return f"fitted to {records}, with {what}"


def _sections(evaluation: Evaluation, run: Run, made: Circumstances | None) -> Iterator[Section]:
    intervals = f"Intervals are bootstrap intervals over {'groups of related' if evaluation.grouped else 'the'} records"
    if any(name in run.label_objective.counted for name in evaluation.scores):
        intervals += (
            "; those of scores that no resample changes, such as perfect ones, follow from the exact interval of Clopper and "
            "Pearson for the share of wrong answers"
        )
    if some_near(evaluation):
        intervals += f'. "{evaluation.far["records"]:,} not near" are the records without a near relative in training'
    table = score_table(evaluation)
    table.title = f"{counted(evaluation.records, 'record')}: {evaluation.source}"
    yield Section(heading="Scores", table=table, remark=f"{intervals}.")
    if evaluation.baselines or evaluation.branches or evaluation.against:
        table, remark = comparison_table(evaluation, intervals=True), _branches_in_words(evaluation)
        if evaluation.intervals:
            remark = f"{remark} Intervals of other methods than the model rest on 200 bootstrap samples.".strip()
        yield Section(heading=capitalised(compared_with(evaluation)), table=table, remark=remark)
    yield Section(heading="Figures", figures=list(_drawings(evaluation, run)))
    if len(evaluation.classes) > NUMBERED and (table := frequent_confusions(evaluation)).rows:
        yield Section(heading="Confusions", table=table)
    if evaluation.by_length:
        yield Section(heading="Scores by length", table=length_table(evaluation, run.vocabulary.noun))
    if evaluation.worst:
        drawings = []
        if pictures := [one["picture"] | one for one in evaluation.worst if "picture" in one]:
            caption = "The true class, and below it the predicted one."
            drawings.append(Drawing(pictures_figure(pictures), "The worst errors as images", caption))
        yield Section(heading="Worst errors", table=worst_table(evaluation), figures=drawings)
    if evaluation.per_class:
        yield Section(heading="Classes", table=class_table(evaluation, areas=True))
    if evaluation.data:
        yield from data_sections(evaluation, run)
    yield making_section(run, made)
    yield configuration(run)


def configuration(run: Run) -> Section:
    """Return the settings of a run, with the name of its data set alone; of a lexical model alone, those that it uses."""
    tables = run.config.to_tables()
    tables["data"]["path"] = Path(run.config.data.path).name
    if run.has_mixer:
        found = ", ".join(f"{name} = {value:.4g}" for name, value in run.measured.items())
        measured = f"Measured before the first step, where the value below is 0: {found}." if found else ""
        first = "Settings of the first run of the ensemble." if isinstance(run, Ensemble) else measured
        return Section(heading="Configuration", text=first, code=tomli_w.dumps(tables))
    used = {
        table: {name: value for name, value in values.items() if name in USED_WITHOUT_MIXER.get(table, ())}
        for table, values in tables.items()
    }
    text = "The settings that this model uses; config.toml in the run folder has all."
    return Section(
        heading="Configuration", text=text, code=tomli_w.dumps({table: values for table, values in used.items() if values})
    )


def _branches_in_words(evaluation: Evaluation) -> str:
    """Return what the branches are and what weights they have; "" without branches."""
    parts = [f"{branch['title']} (weight {branch['weight']:.2f})" for branch in evaluation.branches.values()]
    return f"The model is a weighted mean of two branches: {' and '.join(parts)}." if parts else ""


def _drawings(evaluation: Evaluation, run: Run) -> Iterator[Drawing]:
    """Yield the figures that the evaluation has data for."""
    if evaluation.confusion:
        numbers = ", numbers are records" if len(evaluation.classes) <= NUMBERED else ""
        caption = f"Colours are shares of the true class{numbers}."
        yield Drawing(confusion_figure(evaluation), "Confusion matrix", caption, _confusions_in_words(evaluation))
    of = f" Of {len(evaluation.roc)} classes, the {DRAWN_CURVES} with the smallest areas are drawn; the table has all."
    some = of if len(evaluation.roc) > DRAWN_CURVES else ""
    if evaluation.roc:
        caption = f"The true positive rate over the false positive rate, at every threshold, and the area below.{some}"
        yield Drawing(roc_figure(evaluation), "ROC curves", caption, f"{caption} {_areas_in_words(evaluation.roc)}")
    if evaluation.precision_recall:
        caption = (
            "Precision over recall at every threshold, the average precision (the area below), and the share of the class "
            f"in the records, which is the precision of guessing.{some}"
        )
        words = f"{caption} {_areas_in_words(evaluation.precision_recall)}"
        yield Drawing(precision_recall_figure(evaluation), "Precision and recall", caption, words)
    if evaluation.reliability:
        caption = "On the diagonal, the model is right as often as it claims; the size of a dot is its share of the records."
        words = f"{caption} The calibration error is {number(evaluation.calibration_error)}."
        yield Drawing(reliability_figure(evaluation), "Reliability", caption, words)
    if evaluation.points:
        caption = "On the diagonal, a prediction is right."
        yield Drawing(points_figure(evaluation), "Predicted over true targets", caption)
    if evaluation.pictures:
        caption = "Titles in colour mark wrong predictions."
        yield Drawing(pictures_figure(evaluation.pictures), "The first records as images", caption)
    if evaluation.history and run.has_mixer:
        branches = bool(evaluation.branches)
        caption = f"Loss and validation score during training, which never uses the test split. {KEPT_IN_CURVES}"
        if branches:
            caption += " The mixing branch is trained; the score of both branches is that of the whole model."
        yield Drawing(curves_figure(evaluation.history, run.objective, branches), "Learning curves", caption)


def _confusions_in_words(evaluation: Evaluation) -> str:
    """Return how many answers were right, and the most frequent confusion."""
    counts, names = evaluation.confusion, evaluation.classes
    right, total = sum(row[c] for c, row in enumerate(counts)), sum(map(sum, counts))
    words = f"Of {counted(total, 'record')}, {right:,} were assigned to their class."
    most, true, predicted = max((n, -i, -j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j)
    if most:
        words += f" The most frequent confusion: {most:,} of class {names[-true]} were assigned to {names[-predicted]}."
    return words


def _areas_in_words(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the areas below curves: "turtle 0.932, mouse 0.910."; of many, their range."""
    areas = {name: curve["area"] for name, curve in curves.items() if math.isfinite(curve["area"])}
    if len(areas) > DRAWN_CURVES:
        return f"Areas are from {number(min(areas.values()))} to {number(max(areas.values()))}."
    return ", ".join(f"{name} {number(area)}" for name, area in areas.items()) + "." * bool(areas)


def write_report(evaluation: Evaluation, run: Run, path: Path, made: Circumstances | None = None) -> None:
    """Write `report.html`."""
    write_whole(path, report_html(evaluation, run, made))
