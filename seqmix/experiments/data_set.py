"""The data set of a campaign on a single one, as its JSON describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqmix.data.dataset import Dataset


def data_description(dataset: Dataset) -> dict[str, Any]:
    """Return path, checksum, classes, counts and kind of a data set, and the names of the scores that are compared on it."""
    objective = dataset.objective
    return {
        "path": str(dataset.path.absolute()),
        "fingerprint": dataset.fingerprint,
        "classes": dataset.classes,
        "counts": dataset.sizes,
        "task": objective.kind,
        "scores": list(objective.columns[:3]),
    }


def other_data(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Describe a data set with other content than that of an earlier call, given both descriptions."""
    if there["fingerprint"] == here["fingerprint"]:
        return []
    return [f"data: {there['path']} with other content there, {here['path']} now"]
