"""What `prepare` refuses, counts and notes of the records that it has read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.options import TABLE_FORMATS
from seqmix.data.records import RecordReader
from seqmix.data.splitting import SPLITS
from seqmix.data.writer import DatasetWriter
from seqmix.errors import InputError, param
from seqmix.objectives.base import Objective

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def without_effect(reader: RecordReader) -> list[str]:
    """Options that name columns, where no input has any."""
    if any(source.format in TABLE_FORMATS for source in reader.sources):
        return []
    options = reader.options
    named = {
        "--text-column": options.text_column,
        "--id-column": options.id_column,
        "--pair-column": options.pair_column,
    }
    return [f"{option} had no effect: no input is a CSV, TSV or JSONL table" for option, value in named.items() if value]


def length_quantiles(lengths: NDArray[np.int64]) -> dict[str, int]:
    """Quantiles of record lengths, from the shortest ("0%") to the longest ("100%")."""
    if not len(lengths):
        return {}
    values = np.quantile(lengths, _QUANTILES, method="nearest")
    return {f"{q:.0%}": int(value) for q, value in zip(_QUANTILES, values, strict=True)}


def duplicates(keys: NDArray[np.int64], labels: NDArray[Any]) -> dict[str, int]:
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    kinds = np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1)
    low, high = np.full(len(counts), len(labels)), np.full(len(counts), -1)
    np.minimum.at(low, inverse, kinds)
    np.maximum.at(high, inverse, kinds)
    return {
        "records": int((counts[inverse] > 1).sum()),
        "distinct": int((counts > 1).sum()),
        "with_different_labels": int((low != high).sum()),
    }


def check_labels(labels: NDArray[np.int64], spool: DatasetWriter, kind: type[Objective]) -> None:
    if not spool.label_names and not kind.may_lack_labels:
        raise InputError(f"no labels were found for {param('task', kind.kind)}; say where they are with {param('label_from')}")
    if spool.label_names and spool.first_unlabelled:
        raise InputError(
            f"{spool.first_unlabelled}: it has no label ({int((labels < 0).sum()):,} of {len(labels):,} records have none, the "
            "others have one); leave such files out, or say where the labels are with --label-from"
        )


def check_groups(keys: NDArray[np.int64], source: str | None) -> list[str]:
    alone = int((keys < 0).sum()) if source else 0
    if alone == len(keys):
        raise InputError(f"no record has a group from '{source}'; correct --group, or leave it out")
    return [f"{alone:,} records have no group from '{source}'; each is taken for one of its own"] if alone else []


def check_splits(labels: NDArray[Any], split: NDArray[np.int8], objective: Objective, leaks: int) -> list[str]:
    """Notes on splits and classes without records; `leaks`: records that were left out as relatives of others."""
    notes = []
    left = f" ({leaks:,} records were left out, as they equal one of a later split or are of its group)" if leaks else ""
    if leaks and not (split == 0).any():
        raise InputError(f"no training record is left{left}; give other splits, or generate longer sequences")
    for s, which in enumerate(SPLITS):
        if s and not (split == s).any():
            notes.append(f"the {which} split is empty" + ("; training will have nothing to choose its weights by" * (s == 1)))
    objective.check_training(labels[split == 0])
    for i, name in enumerate(objective.classes):
        has = objective.members(labels, i)
        for s, which in enumerate(SPLITS):
            if not (has & (split == s)).any() and (split == s).any():
                if s == 0:
                    raise InputError(f"class '{name}' has no record in the training split{left}; it could not be learned")
                notes.append(f"class '{name}' has no record in the {which} split")
    return notes
