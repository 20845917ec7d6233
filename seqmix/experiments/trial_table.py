"""The table of all trainings of a campaign, for its page, and the line about one for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from seqmix.experiments.run_trial import Trial
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import amount, counted, duration, score_text


def trial_table(trials: Sequence[Trial], scores: Sequence[str]) -> ReportTable:
    """Return a table of every training.

    Args:
        trials: the trainings.
        scores: names of the scores to show.
    """
    numbers = [*scores, "time", "tokens/s", "memory", "epochs"]
    table = ReportTable([Column("run"), *(Column(name, "number") for name in numbers), Column("ended", "text")])
    for trial in trials:
        if trial.error:
            table.add(trial.folder, *["-"] * len(numbers), trial.error)
            continue
        table.add(
            trial.folder,
            *(score_text(name, trial.scores[name]) for name in scores),
            duration(trial.seconds),
            f"{trial.tokens_per_second:,.0f}" if trial.tokens_per_second else "-",
            "-" if trial.peak_bytes is None else amount(trial.peak_bytes),
            str(trial.epochs) if trial.epochs else "-",
            trial.reason,
        )
    return table


def trial_headline(trial: Trial) -> str:
    """Summarise a finished training: "accuracy 0.932, 95 s, 12 epochs"."""
    first, score = next(iter(trial.scores.items()))
    epochs = f", {counted(trial.epochs, 'epoch')}" if trial.epochs else ""
    return f"{first} {score_text(first, score)}, {duration(trial.seconds)}{epochs}"
