"""The data set of a campaign on a single one, as its JSON describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqmix.data.dataset import Dataset
from seqmix.evaluation.circumstances import data_facts
from seqmix.evaluation.sample import Sample

_SHOWN = (  # what of a `dataset.json` a page shows
    *("seqmix", "task", "paired", "classes", "characters", "lengths", "sizes", "counts", "target", "truncated", "dropped"),
    *("replaced", "duplicates", "options", "origins", "inputs", "groups"),
)


def data_description(dataset: Dataset) -> dict[str, Any]:
    """Return path, checksum, classes, counts and kind of a data set, and the names of the scores that are compared on it.

    Also what of its `dataset.json` a page shows ("info"), what a token is called ("noun"), and how near the test records are to
    training ("nearness").
    """
    objective, test = dataset.objective, dataset.indices("test")
    nearness = Sample(dataset, test, "test split", dataset, own=True).nearness
    vocabulary = {name: dataset.info["vocabulary"][name] for name in ("alphabet", "unknown")}
    return {
        "path": str(dataset.path.absolute()),
        "fingerprint": dataset.fingerprint,
        "classes": dataset.classes,
        "counts": dataset.sizes,
        "task": objective.kind,
        "scores": list(objective.columns[:3]),
        "noun": dataset.vocabulary.noun,
        "info": {name: dataset.info[name] for name in _SHOWN if name in dataset.info} | {"vocabulary": vocabulary},
        "nearness": data_facts(dataset, nearness, own=True).get("nearness"),
    }


def other_data(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Describe a data set with other content than that of an earlier call, given both descriptions."""
    if there["fingerprint"] == here["fingerprint"]:
        return []
    return [f"data: {there['path']} with other content there, {here['path']} now"]
