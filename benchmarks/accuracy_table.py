"""The table of `accuracy.py`, from the JSON files of the trainings that are finished."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives import objective_of

Floats = NDArray[np.float64]

_RESAMPLES = 2000
_EMPTY = "-"
_COLUMNS = (
    "Data",
    "Test records",
    "Largest class",
    "Best simple model",
    "Lexical",
    "Mixing",
    "Both",
    "Both less simple",
    "Both less lexical",
    "Mixing, switched off",
    "Mixing, trained without",
    "Mixing less trained without",
    "Both, mixing switched off",
    "Minutes",
)
_LEGEND = """\
Test accuracy / ROC AUC, means over the seeds, with the standard deviation of the accuracy. Differences are of accuracies, in
percentage points, with 95 % intervals of a paired bootstrap over the test records. The best simple model was chosen on
validation. Mixing switched off: each position is given to the mixer alone, at test, or in training as well (trained without).
Minutes: mean and longest of the default's trainings, the lexical branch included."""


@dataclass(frozen=True)
class Answers:
    """The answers of several trainings on one set.

    Attributes:
        labels: classes of the test records, `(n,)`.
        probabilities: of each seed, `(n, C)`.
        classes: names of the classes.
    """

    labels: NDArray[np.int64]
    probabilities: list[Floats]
    classes: list[str]

    @property
    def right(self) -> Floats:
        """The share of the seeds that are right about each record, `(n,)`."""
        return np.mean([one.argmax(1) == self.labels for one in self.probabilities], axis=0)

    def shown(self) -> str:
        """Return accuracy and ROC AUC: "0.964 ± 0.010 / 0.985"."""
        objective = objective_of({"task": "classification", "classes": self.classes})
        scores = [objective.point_scores(one, self.labels) for one in self.probabilities]
        accuracies = [score["accuracy"] for score in scores]
        spread = f" ± {np.std(accuracies, ddof=1):.3f}" if len(accuracies) > 1 else ""
        return f"{np.mean(accuracies):.3f}{spread} / {np.mean([score['ROC AUC'] for score in scores]):.3f}"


def difference(first: Answers, second: Answers) -> str:
    """Return by how much the first is more often right, with its interval: "+1.2 (-0.3 to 2.6)"."""
    apart = 100 * (first.right - second.right)
    drawn = np.random.default_rng(0).integers(len(apart), size=(_RESAMPLES, len(apart)))
    low, high = np.quantile(apart[drawn].mean(1), (0.025, 0.975))
    return f"{apart.mean():+.1f} ({low:.1f} to {high:.1f})"


def read_results(folder: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the results by set and kind ("simple", "default", "unmixed"), in order of the seeds."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    results = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    for result in sorted(results, key=lambda one: one["seed"]):
        found[result["set"]][result["kind"]].append(result)
    return found


def table(folder: Path, order: list[str]) -> str:
    """Return the results in a folder as Markdown.

    Args:
        folder: where the JSON files are.
        order: sets to show first, in this order; others follow.
    """
    found = read_results(folder)
    names = [name for name in order if name in found] + sorted(found.keys() - set(order))
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(_row(name, found[name])) + " |" for name in names]
    seeds = sorted({one["seed"] for kinds in found.values() for one in kinds.get("default", [])})
    said = sorted(
        {" ".join(one["settings"]) for kinds in found.values() for one in kinds.get("default", []) if one["settings"]}
    )
    notes = [f"Seeds {', '.join(map(str, seeds))}."] if seeds else []
    notes += [f"Settings that are not the defaults: {'; '.join(said)}."] if said else []
    notes += sorted({one["machine"] for kinds in found.values() for some in kinds.values() for one in some})
    return "\n".join([*lines, "", _LEGEND, *notes])


def _row(name: str, kinds: dict[str, list[dict[str, Any]]]) -> list[str]:
    prints = {one["fingerprint"] for some in kinds.values() for one in some}
    if len(prints) > 1:
        raise SystemExit(f"{name}: its results are of different data sets; delete them, or choose another --output")
    simple, default, unmixed = (kinds.get(kind, []) for kind in ("simple", "default", "unmixed"))
    best, lexical, mixing, both = (
        _answers(simple, "simple"),
        _answers(default, "lexical"),
        _answers(default, "mixing"),
        _answers(default, "both"),
    )
    off, without, both_off = (
        _answers(default, "mixing off"),
        _answers(unmixed, "mixing off"),
        _answers(default, "both off"),
    )
    some = (simple or default or unmixed)[0]
    counts = np.bincount(some["labels"])
    minutes = [one["minutes"] for one in default]
    return [
        name,
        str(len(some["labels"])),
        f"{counts.max() / counts.sum():.3f}",
        f"{best.shown()} ({simple[0]['name']})" if best else _EMPTY,
        *(one.shown() if one else _EMPTY for one in (lexical, mixing, both)),
        difference(both, best) if both and best else _EMPTY,
        difference(both, lexical) if both and lexical else _EMPTY,
        off.shown() if off else _EMPTY,
        without.shown() if without else _EMPTY,
        difference(mixing, without) if mixing and without else _EMPTY,
        both_off.shown() if both_off else _EMPTY,
        f"{np.mean(minutes):.1f}, {max(minutes):.1f}" if minutes else _EMPTY,
    ]


def _answers(results: list[dict[str, Any]], model: str) -> Answers | None:
    """Return the answers of a model in all of the results that have it; None if none has."""
    having = [one for one in results if model in one["answers"]]
    if not having:
        return None
    probabilities = [np.array(one["answers"][model]["test"], dtype=np.float64) for one in having]
    return Answers(np.array(having[0]["labels"]), probabilities, having[0]["classes"])
