"""Which mixers are distinguishable: each from the best simple method, and from the best mixer, on the same test records.

Both references are chosen on validation. The difference is that of the mean first score of a mixer's trainings; its error has
the test records (or their groups) and what trainings differ by in it. All p-values together are corrected by Holm's method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqmix.data.dataset import Dataset
from seqmix.errors import SeqmixError
from seqmix.evaluation.baselines import SimpleMethod
from seqmix.evaluation.paired import Difference, holm, mean_difference, paired_difference, verdict_on
from seqmix.evaluation.verdict import related
from seqmix.experiments.answers import MODEL, read_predictions
from seqmix.experiments.run_trial import Trial
from seqmix.objectives.metrics import Floats
from seqmix.run import Run

SIMPLE, MIXER = "simple method", "mixer"  # what a mixer is compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinction:
    """The comparison of a mixer with a reference.

    Attributes:
        mixer: name of the mixer.
        reference: "simple method" or "mixer", each the best one on validation.
        other: the reference in words.
        difference: what `Difference` has, by name.
        corrected: the p-value, corrected for the number of comparisons.
        verdict: "better", "worse" or "not distinguishable".
    """

    mixer: str
    reference: str
    other: str
    difference: dict[str, Any]
    corrected: float
    verdict: str


def distinguish(dataset: Dataset, trials: Sequence[Trial], folder: Path, simple: SimpleMethod | None) -> list[Distinction]:
    """Return the comparisons of all mixers that have predictions.

    Args:
        dataset: the data set.
        trials: the trainings.
        folder: the folder that their paths are relative to.
        simple: the best simple method, with its predictions for the test split; None if there is none.
    """
    answers = _answers(dataset, trials, folder)
    best = best_mixer(trials, list(answers), dataset.objective.columns[0], dataset.objective.loss_score)
    spread = _spread(dataset, answers)
    pairs: list[tuple[str, str, str, Difference]] = []
    for mixer, own in answers.items():
        if simple is not None:
            pairs.append((mixer, SIMPLE, simple.title, _difference(dataset, own, simple.predictions, spread)))
        if best is not None and mixer != best:
            pairs.append((mixer, MIXER, best, _difference(dataset, own, answers[best], spread)))
    corrected = holm([found.p_value for *_, found in pairs])
    return [
        Distinction(
            mixer=mixer,
            reference=reference,
            other=other,
            difference=asdict(found),
            corrected=p_value,
            verdict=found.verdict(p_value),
        )
        for (mixer, reference, other, found), p_value in zip(pairs, corrected, strict=True)
    ]


def _answers(dataset: Dataset, trials: Sequence[Trial], folder: Path) -> dict[str, list[Floats]]:
    """Return the predictions of each mixer's finished trainings for the test split; those of older versions are made now."""
    found: dict[str, list[Floats]] = {}
    test = dataset.indices("test")
    for trial in trials:
        if trial.error:
            continue
        made = read_predictions(folder / trial.folder / MODEL, len(test))
        if made is None:
            try:
                made = Run.open(folder / trial.folder).predictor().of_dataset(dataset, test)
            except SeqmixError:  # its folder was removed or changed since
                continue
        found.setdefault(trial.mixer, []).append(made)
    return found


def best_mixer(trials: Sequence[Trial], mixers: Sequence[str], score: str, loss: str) -> str | None:
    """Return the mixer with the best mean validation score of the weights that were kept, or else loss; None if unknown."""
    means: dict[str, tuple[float, float]] = {}
    for mixer in mixers:
        lines = [_kept(trial) for trial in trials if trial.mixer == mixer and not trial.error]
        known = [(line.get(f"val_{score}"), line.get(f"val_{loss}")) for line in lines]
        if known and all(first is not None and second is not None for first, second in known):
            first, second = np.array(known, dtype=np.float64).mean(0)
            means[mixer] = float(first), -float(second)
    return max(means, key=lambda mixer: means[mixer]) if means else None


def _kept(trial: Trial) -> Mapping[str, Any]:
    """Return the line of the log about the weights that were kept."""
    return next((line for line in reversed(trial.history) if line.get("best")), {})


def _spread(dataset: Dataset, answers: Mapping[str, Sequence[Floats]]) -> tuple[float, float] | None:
    """Return the variance of the first score over the seeds, pooled over all mixers, and its degrees of freedom.

    Two or three seeds of one mixer hardly tell it. None if no mixer has more than one.
    """
    objective, labels = dataset.label_objective, dataset.labels[dataset.indices("test")]
    once = np.ones((1, len(labels)))
    scores = [[float(objective.first_score(one, labels, once)[0]) for one in made] for made in answers.values()]
    freedom = sum(len(values) - 1 for values in scores)
    squares = sum(float(((np.array(values) - np.mean(values)) ** 2).sum()) for values in scores)
    return (squares / freedom, float(freedom)) if freedom else None


def _difference(
    dataset: Dataset, first: Sequence[Floats], second: Floats | Sequence[Floats], spread: tuple[float, float] | None
) -> Difference:
    test = dataset.indices("test")
    groups = related(None if dataset.groups is None else dataset.groups[test])
    objective, labels = dataset.label_objective, dataset.labels[test]
    if spread is None:
        other = second if isinstance(second, np.ndarray) else second[0]
        return paired_difference(objective, first[0], other, labels, groups=groups)
    return mean_difference(objective, first, second, labels, groups=groups, spread=spread)


def in_words(found: Sequence[Distinction]) -> list[str]:
    """Return who is distinguishable from whom, a sentence for each reference."""
    said = []
    for reference in (SIMPLE, MIXER):
        some = [one for one in found if one.reference == reference]
        parts: list[str] = []
        for verdict in ("better", "worse", "not distinguishable"):
            if names := [one.mixer for one in some if one.verdict == verdict]:
                other = "it" if parts else f"the best {reference} ({some[0].other})"
                parts.append(f"{_listed(names)} {'is' if len(names) == 1 else 'are'} {verdict_on(verdict, other)}")
        if some:
            said.append(f"{'; '.join(parts)}.")
    return said


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
