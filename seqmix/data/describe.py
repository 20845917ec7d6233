"""`dataset.json`: all that describes a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.dataset_json import ARRAYS, EXTRA_ARRAYS, FORMAT_VERSION
from seqmix.data.divide import Division
from seqmix.data.finalize import FinalRecords
from seqmix.data.options import PrepareOptions
from seqmix.data.record_streams import RecordStream
from seqmix.data.splits.similarity import parse_split_by
from seqmix.data.writer import WrittenRecords
from seqmix.objectives.labelled import EncodedLabels
from seqmix.system.files import file_checksum
from seqmix.version import __version__

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def describe(
    stream: RecordStream,
    written: WrittenRecords,
    encoded: EncodedLabels,
    division: Division,
    final: FinalRecords,
    *,
    options: PrepareOptions,
    twins: dict[str, int],
    notes: list[str],
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of `dataset.json`; the arrays must be in the folder.

    Args:
        stream: where the records came from.
        written: the records of the first pass.
        encoded: their labels.
        division: their splits.
        final: the records that are in the data set.
        options: what was asked for.
        twins: `validation.duplicates`.
        notes: what a user should know.
        facts: what else is stored.
    """
    objective, folder = encoded.objective, written.folder
    labels, split = encoded.labels[final.keep], division.split[final.keep]
    lengths = np.diff(np.load(folder / "offsets.npy"))
    parts = {name: labels[split == s] for s, name in enumerate(SPLITS)}
    return {
        "format_version": FORMAT_VERSION,
        "seqmix": __version__,
        "task": objective.kind,
        "paired": written.n_sequences == 2,
        "vocabulary": final.vocabulary.to_dict(),
        "classes": list(objective.classes),
        "records": len(labels),
        "characters": int(lengths.sum()),
        "lengths": _length_quantiles(lengths),
        "sizes": {name: len(part) for name, part in parts.items()},
        "counts": {name: objective.count(part) for name, part in parts.items()},
        **objective.describe(labels, split == 0),
        **({"ranges": final.ranges} if final.ranges else {}),
        "truncated": written.truncated + final.truncated,
        "dropped": {
            "shorter than min_length": written.too_short + final.too_short,
            "without label": stream.labels.unlabelled,
            "of other classes": stream.labels.other_class,
            "nothing left after dropping unknown characters": final.emptied,
            "related to a later split": division.leaks,
        },
        "replaced": dict(written.replaced.most_common()),
        "duplicates": twins,
        "notes": notes,
        "groups": _groups(stream, options, np.load(folder / "groups.npy")),
        "label_from": stream.labels.source,
        "origins": _origins(stream, division),
        "options": asdict(options),
        "read": asdict(stream.options),
        "inputs": stream.inputs(),
        **(facts or {}),
        "arrays": {name: file_checksum(folder / name) for name in ARRAYS},
        "extra_arrays": {name: file_checksum(folder / name) for name in EXTRA_ARRAYS if (folder / name).is_file()},
    }


def _groups(stream: RecordStream, options: PrepareOptions, groups: NDArray[np.int64]) -> dict[str, Any]:
    """Return what the groups are, how many there are, and the number of records of the largest."""
    stated = stream.options.group_from
    kept = [stated.replace(":", " ", 1)] if stated else []
    kept += [f"similarity {parse_split_by(options.split_by):g}"] if options.split_by else []
    return {
        "by": ", ".join(kept) or "equal records",
        "count": int(groups.max(initial=-1)) + 1,
        "largest": int(np.bincount(groups).max(initial=0)),
    }


def as_given(
    inputs: Sequence[object], class_files: Mapping[str, Sequence[object]], val: Sequence[object], test: Sequence[object]
) -> dict[str, Any]:
    """Return the files and folders that were given, by name, so that the same ones can be prepared in another way."""
    by_class = {name: list(map(str, files)) for name, files in class_files.items()}
    return {"inputs": [*map(str, inputs)], "class_files": by_class, "val": [*map(str, val)], "test": [*map(str, test)]}


def _origins(stream: RecordStream, division: Division) -> dict[str, str]:
    """Return in words where labels, texts and splits came from; {} for records that were not read from files."""
    origins = stream.origins()
    if not origins:
        return {}
    column = ", ".join(f"column '{name}'" for name in stream.split_column.names) if stream.split_column.used else ""
    read = stream.options
    held = [f"{flag} {text}" for flag, text in (("--hold-out", read.hold_out), ("--validate", read.validate)) if text]
    given = origins["splits"] or column or ", ".join(held)
    if division.origin.startswith("drawn"):
        given = ""
    return {**origins, "splits": "; ".join(part for part in (given, division.origin) if part)}


def _length_quantiles(lengths: NDArray[np.int64]) -> dict[str, int]:
    """Return quantiles of lengths, from the shortest ("0%") to the longest ("100%")."""
    if not len(lengths):
        return {}
    values = np.quantile(lengths, _QUANTILES, method="nearest")
    return {f"{q:.0%}": int(value) for q, value in zip(_QUANTILES, values, strict=True)}
