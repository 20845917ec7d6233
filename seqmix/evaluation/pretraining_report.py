"""The report of a pretraining, which `eval` cannot score: scores on hidden tokens, learning curves and the data on a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seqmix.data.dataset import Dataset
from seqmix.data.tables import dataset_tables
from seqmix.evaluation.evaluate import unlearned_notes
from seqmix.evaluation.figures import curves_figure
from seqmix.evaluation.report import KEPT_IN_CURVES, configuration, training_in_words
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import number
from seqmix.run import Run
from seqmix.system.files import write_whole

_MEANING = (
    "Each value is a mean over hidden tokens of the validation split: accuracy is the share that is predicted right, loss the "
    "cross-entropy in nats and bits the same in bits; explained is the part of the entropy of the tokens by which the loss is "
    "below it. The last column is what a model reaches that gives each token its frequency in the training data."
)


def write_pretraining_report(run: Run) -> Path:
    """Write `report.html` of a run that was pretrained, and return its path.

    Raises:
        DatasetError: the data set that it was pretrained on is missing or damaged.
    """
    dataset, path = Dataset.open(run.config.data.path), run.path / "report.html"
    sizes = dataset.sizes
    if not dataset.labelled:
        sizes["train"] += sizes["test"]
    introduction = (
        f"Pretraining: {run.title} ({run.n_parameters:,} parameters) learned to predict hidden tokens; "
        f"{training_in_words(run, sizes)}. A classifier that begins with these weights: seqmix train --init {run.path}"
    )
    notes = [*unlearned_notes(run), *dataset.info["notes"]]
    write_whole(path, html_page(f"{run.path.name}: pretraining", introduction, list(_sections(run, dataset)), notes))
    return path


def _sections(run: Run, dataset: Dataset) -> Iterator[Section]:
    history = run.history()
    if table := _score_table(run):
        yield Section(heading="Scores on hidden tokens", table=table, remark=_MEANING)
    if history:
        caption = f"Loss on hidden tokens, and the share of them that is predicted right on validation. {KEPT_IN_CURVES}"
        drawing = Drawing(curves_figure(history, run.objective, branches=False), "Learning curves", caption)
        yield Section(heading="Figures", figures=[drawing])
    for place, table in enumerate(dataset_tables(dataset)):
        yield Section(heading="" if place else "Data", table=table)
    yield configuration(run)


def _score_table(run: Run) -> ReportTable | None:
    """Return the validation scores of the weights that are kept beside constant ones; None without a validation split."""
    objective, best = run.objective, run.best_line()
    none = np.zeros(1)  # hidden tokens have no labels
    constant = objective.point_scores(objective.constant_prediction(none)[None], none)
    scores = {name: best.get(f"val_{name}") for name in objective.columns}
    if all(value is None for value in scores.values()):
        return None
    table = ReportTable([Column("score"), Column("this model", "number"), Column(objective.constant, "number")])
    for name, value in scores.items():
        table.add(name, number(value), number(constant[name]))
    return table
