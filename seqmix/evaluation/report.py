"""The reports of an evaluation: tables for the terminal, and a self-contained HTML page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from seqmix.data.dataset_json import sizes_of
from seqmix.ensembles.members import Ensemble
from seqmix.evaluation.baselines import method_of
from seqmix.evaluation.figures import (
    DRAWN_CURVES,
    confusion_figure,
    curves_figure,
    pictures_figure,
    points_figure,
    reliability_figure,
    roc_figure,
)
from seqmix.objectives.metrics import Score
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import SHOWN_CLASSES, Column, ReportTable
from seqmix.reporting.text import counted, interval_text, number, score_text
from seqmix.run import Run
from seqmix.system.files import write_whole
from seqmix.system.printable import printable
from seqmix.training.without_effect import USED_WITHOUT_MIXER

if TYPE_CHECKING:
    from seqmix.evaluation.result import Evaluation

KEPT_IN_CURVES = "The dotted line marks the weights that are kept."
_CROSSED = 10  # classes up to which a terminal shows the confusion matrix


def evaluation_tables(evaluation: Evaluation) -> list[ReportTable]:
    """Return all tables of an evaluation, for the terminal."""
    tables = [score_table(evaluation)]
    if evaluation.per_class:
        tables.append(class_table(evaluation, SHOWN_CLASSES))
    if evaluation.confusion and len(evaluation.classes) <= _CROSSED:
        tables.append(confusion_table(evaluation))
    if evaluation.baselines or evaluation.branches or evaluation.against:
        tables.append(comparison_table(evaluation))
    return tables


def score_table(evaluation: Evaluation) -> ReportTable:
    """Return a table of the headline scores with their intervals."""
    title = f"{evaluation.run}: {evaluation.source}, {counted(evaluation.records, 'record')}"
    columns = [Column("score"), Column("value", "number"), Column("95 % interval", "number")]
    far: Mapping[str, Score] = evaluation.far.get("scores", {})
    if far:
        columns += [Column(f"{evaluation.far['records']:,} not near", "number"), Column("its interval", "number")]
    table = ReportTable(columns, title)
    for name, score in evaluation.scores.items():
        shown = (score, far[name]) if far else (score,)
        table.add(name, *(cell for one in shown for cell in _cells(name, one)))
    if math.isfinite(evaluation.calibration_error):
        table.add("calibration error", number(evaluation.calibration_error), *[""] * (len(columns) - 2))
    return table


def _cells(name: str, score: Score) -> tuple[str, str]:
    return score_text(name, score.value), interval_text(name, score.low, score.high) or "-"


def class_table(evaluation: Evaluation, most: int | None = None) -> ReportTable:
    """Return a table of precision, recall and F1 of each class, or of the first `most`; None for all."""
    scores = ("precision", "recall", "F1")
    table = ReportTable([Column("class"), *(Column(name, "number") for name in (*scores, "records"))], "classes")
    for row in evaluation.per_class[:most]:
        table.add(str(row["class"]), *(number(float(row[name])) for name in scores), f"{float(row['records']):,.0f}")
    if most is not None and (more := len(evaluation.per_class) - most) > 0:
        table.add(f"… {more:,} more", *[""] * 4)
    return table


def confusion_table(evaluation: Evaluation) -> ReportTable:
    """Return the confusion matrix: true classes in rows, predicted ones in columns."""
    columns = [Column("true class"), *(Column(printable(name), "number") for name in evaluation.classes)]
    table = ReportTable(columns, "confusion: true classes in rows, predicted ones in columns")
    for name, row in zip(evaluation.classes, evaluation.confusion, strict=True):
        table.add(name, *(f"{count:,}" for count in row))
    return table


def comparison_table(evaluation: Evaluation) -> ReportTable:
    """Return a table of the scores of the model, of each of its branches alone, and of the baselines."""
    columns = [Column("method"), *(Column(name, "number") for name in evaluation.columns)]
    table = ReportTable(columns, _compared_with(evaluation))

    def add(name: str, scores: Mapping[str, Any], style: str | None = None) -> None:
        table.add(name, *(score_text(column, scores[column]) for column in evaluation.columns), style=style)

    own = {name: score.value for name, score in evaluation.scores.items()}
    add("both (this model)" if evaluation.branches else f"this model ({evaluation.model})", own, style="bold")
    if other := evaluation.against:
        add(f"{other['run']} ({other['model']})", {name: score.value for name, score in other["scores"].items()})
    for branch in evaluation.branches.values():
        add(f"{branch['name']} alone", branch["scores"])
    for method, scores in evaluation.baselines.items():
        add(method_of(method, evaluation.task).title, scores)
    return table


def _compared_with(evaluation: Evaluation) -> str:
    """Return the heading of the comparison."""
    simple = "simple methods" if evaluation.baselines else ""
    branches = "each branch alone" if evaluation.branches else ""
    other = "another run" if evaluation.against else ""
    *most, last = filter(None, (other, branches, simple))
    return f"compared with {', '.join(most)}{' and ' * bool(most)}{last} on the same split"


def report_html(evaluation: Evaluation, run: Run) -> str:
    """Return the page of an evaluation."""
    of_classes = f" of {len(evaluation.classes)} classes" if evaluation.classes else ""
    training = training_in_words(run, sizes_of(run.info))
    if isinstance(run, Ensemble):
        training = f"the first of its runs was {training}"
    introduction = f"{counted(evaluation.records, 'record')}{of_classes}; model: {evaluation.model}; {training}."
    verdict = " ".join(filter(None, (evaluation.verdict, evaluation.against.get("sentence", ""))))
    if verdict:
        introduction = f"{verdict} {introduction[:1].upper()}{introduction[1:]}"
    notes = [*evaluation.notes, *run.info["notes"]]
    return html_page(f"{Path(evaluation.run).name}: {evaluation.source}", introduction, list(_sections(evaluation, run)), notes)


def training_in_words(run: Run, sizes: Mapping[str, int]) -> str:
    """Return what the model was trained on, of the records of each split, and how it was chosen."""
    records, chosen = counted(sizes["train"], "record"), f"chosen on {counted(sizes['val'], 'validation record')}"
    without = "as there is no validation split"
    if run.has_mixer:
        return f"trained on {records}, with the {f'best weights {chosen}' if sizes['val'] else f'last weights, {without}'}"
    what = f"features, weighting and penalty {chosen}" if sizes["val"] else f"fixed features, weighting and penalty, {without}"
    return f"fitted to {records}, with {what}"


def _sections(evaluation: Evaluation, run: Run) -> Iterator[Section]:
    intervals = f"Intervals are bootstrap intervals over {'groups of related' if evaluation.grouped else 'the'} records"
    if any(name in run.label_objective.counted for name in evaluation.scores):
        intervals += (
            "; those of scores that no resample changes, such as perfect ones, follow from the exact interval of Clopper and "
            "Pearson for the share of wrong answers"
        )
    if evaluation.far.get("scores"):
        intervals += f'. "{evaluation.far["records"]:,} not near" are the records without a near relative in training'
    yield Section(heading="Scores", table=score_table(evaluation), remark=f"{intervals}.")
    if evaluation.baselines or evaluation.branches or evaluation.against:
        table, remark = comparison_table(evaluation), _branches_in_words(evaluation)
        yield Section(heading=_compared_with(evaluation).capitalize(), table=table, remark=remark)
    yield Section(heading="Figures", figures=list(_drawings(evaluation, run)))
    if evaluation.per_class:
        yield Section(heading="Classes", table=class_table(evaluation))
    yield configuration(run)


def configuration(run: Run) -> Section:
    """Return the settings of a run; of a lexical model alone, those that it uses."""
    if run.has_mixer:
        found = ", ".join(f"{name} = {value:.4g}" for name, value in run.measured.items())
        measured = f"Measured before the first step, where the value below is 0: {found}." if found else ""
        first = "Settings of the first run of the ensemble." if isinstance(run, Ensemble) else measured
        return Section(heading="Configuration", text=first, code=tomli_w.dumps(run.config.to_tables()))
    used = {
        table: {name: value for name, value in values.items() if name in USED_WITHOUT_MIXER.get(table, ())}
        for table, values in run.config.to_tables().items()
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
        caption = "Colours are shares of the true class, numbers are records."
        yield Drawing(confusion_figure(evaluation), "Confusion matrix", caption)
    if evaluation.roc:
        caption = "The true positive rate over the false positive rate, at every threshold."
        if len(evaluation.roc) > DRAWN_CURVES:
            caption += f" Of {len(evaluation.roc)} classes, the first {DRAWN_CURVES} are drawn."
        yield Drawing(roc_figure(evaluation), "ROC curves", caption)
    if evaluation.reliability:
        caption = "On the diagonal, the model is right as often as it claims; the size of a dot is its share of the records."
        yield Drawing(reliability_figure(evaluation), "Reliability", caption)
    if evaluation.points:
        caption = "On the diagonal, a prediction is right."
        yield Drawing(points_figure(evaluation), "Predicted over true targets", caption)
    if evaluation.pictures:
        caption = "Titles in colour mark wrong predictions."
        yield Drawing(pictures_figure(evaluation), "The first records as images", caption)
    if evaluation.history and run.has_mixer:
        branches = bool(evaluation.branches)
        caption = f"Loss and validation score during training, which never uses the test split. {KEPT_IN_CURVES}"
        if branches:
            caption += " The mixing branch is trained; the score of both branches is that of the whole model."
        yield Drawing(curves_figure(evaluation.history, run.objective, branches), "Learning curves", caption)


def write_report(evaluation: Evaluation, run: Run, path: Path) -> None:
    """Write `report.html`."""
    write_whole(path, report_html(evaluation, run))
