"""`evaluate(..., against=...)`: two runs on the same records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seqmix.errors import ConfigError, DatasetError, param
from seqmix.evaluation.paired import verdict_on
from seqmix.evaluation.sample import Sample
from seqmix.evaluation.verdict import Answers
from seqmix.objectives.metrics import Floats
from seqmix.run import Run


def check_comparable(run: Run, other: Run, files: Sequence[str | Path]) -> None:
    """Refuse two runs whose answers mean different things, and records that can be read only once.

    Args:
        run: the run.
        other: the other run.
        files: new files that both are evaluated on; empty for a split of their data set.

    Raises:
        RunError: the other one was pretrained.
        ConfigError: they are one run, or predict different things, or the records are those of standard input.
    """
    other.check_answers()
    if run.path.resolve() == other.path.resolve():
        raise ConfigError(f"{run.path} is compared with itself; name another run with {param('against')}", option="against")
    if "-" in map(str, files):
        raise ConfigError(
            f"with {param('against')}, records are read for each run, and standard input cannot be read twice: name a file",
            option="against",
        )
    own, others = run.label_objective, other.label_objective
    if own.kind != others.kind:
        raise ConfigError(
            f"{run.path} and {other.path} cannot be compared: one is a {own.kind}, the other a {others.kind}", option="against"
        )
    if differing := sorted(set(own.classes) ^ set(others.classes)):
        raise ConfigError(
            f"{run.path} and {other.path} cannot be compared: only one of them has the class '{differing[0]}'", option="against"
        )


def check_same_records(run: Run, sample: Sample, other: Run, beside: Sample) -> None:
    """Refuse records that are not the same for both runs.

    Args:
        run: the run.
        sample: its records.
        other: the other run.
        beside: the records of the other run.

    Raises:
        DatasetError: they differ.
    """
    if sample.own:
        if sample.dataset.fingerprint != beside.dataset.fingerprint:
            raise DatasetError(
                f"{other.path} was trained on another data set, or on other splits, than {run.path} "
                f"({beside.dataset.path} and {sample.dataset.path}): what one is tested on, the other may have seen in "
                f"training; give labelled files that are new to both with {param('data')}"
            )
        return
    ids = [one.dataset.ids() for one in (sample, beside)]
    if ids[0] != ids[1] or not np.array_equal(sample.labels, beside.labels):
        raise DatasetError(
            f"{run.path} and {other.path} do not read the same records and labels from these files ({len(ids[0]):,} and "
            f"{len(ids[1]):,} records), since they were trained on data that were read otherwise"
        )


def compared_runs(answers: Answers, run: Run, other: Run, predictions: Floats, title: str) -> dict[str, Any]:
    """Return what `Evaluation.against` holds.

    Args:
        answers: what the run answers.
        run: the run.
        other: the other run.
        predictions: what the other run predicts for the same records.
        title: the model of the other run in words.
    """
    objective = answers.objective
    found = answers.against(predictions)
    scores = objective.scores(predictions, answers.labels, answers.resamples, groups=answers.groups)
    verdict = found.verdict()
    sentence = f"{run.path} is {verdict_on(verdict, str(other.path))} ({title}): {found.in_words}."
    return {
        "run": str(other.path),
        "model": title,
        "scores": scores,
        **asdict(found),
        "verdict": verdict,
        "sentence": sentence,
    }
