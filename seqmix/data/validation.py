"""What `prepare` refuses, counts and notes of the records that it has read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.options import TABLE_FORMATS
from seqmix.data.records import RecordReader
from seqmix.data.splitting import SPLITS, parse_fractions
from seqmix.data.targets import is_number
from seqmix.data.writer import DatasetWriter
from seqmix.errors import InputError

_MANY_NUMBERS = 20  # classes that are numbers, from which on they are taken for amounts
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


def check_labels(labels: NDArray[np.int64], spool: DatasetWriter, task: str) -> None:
    if not spool.label_names and task != "classification":
        raise InputError(f"no labels were found for --task {task}; say where they are with --label-from")
    if spool.label_names and spool.first_unlabelled:
        raise InputError(
            f"{spool.first_unlabelled}: it has no label ({int((labels < 0).sum()):,} of {len(labels):,} records have none, the "
            "others have one); leave such files out, or say where the labels are with --label-from"
        )


def check_classes(classes: list[str], records: int) -> list[str]:
    if len(classes) == 1:
        raise InputError(
            f"all {records} records are of one class, '{classes[0]}'; a classifier needs two at least: "
            "add files, or say where the labels are with --label-from"
        )
    if len(classes) > _MANY_NUMBERS and all(is_number(name) for name in classes):
        return [f"the {len(classes):,} classes are all numbers: if they are amounts, prepare with --task regression"]
    parts = {part.strip() for name in classes for part in name.split(",")}
    if sum("," in name for name in classes) > 1 and len(parts) < len(classes):
        return ["some classes are lists of others: if records have several labels, prepare with --label-separator ,"]
    return []


def check_groups(keys: NDArray[np.int64], source: str | None) -> list[str]:
    alone = int((keys < 0).sum()) if source else 0
    if alone == len(keys):
        raise InputError(f"no record has a group from '{source}'; correct --group, or leave it out")
    return [f"{alone:,} records have no group from '{source}'; each is taken for one of its own"] if alone else []


def check_class_sizes(labels: NDArray[np.int64], classes: list[str], split: str) -> None:
    wanted = sum(fraction > 0 for fraction in parse_fractions(split))
    for i, name in enumerate(classes):
        count = int((labels == i).sum())
        if count < wanted:
            raise InputError(
                f"class '{name}' has {count} record{'s' * (count != 1)}; it takes {wanted}, one for each split: add more, "
                "choose classes with --classes, or give the splits yourself (--split, --split-from)" + _other_task(classes)
            )


def _other_task(classes: list[str]) -> str:
    """What the labels look like, if not like classes."""
    if all(is_number(name) for name in classes):
        return "; if labels are amounts, prepare with --task regression"
    several = sum("," in name for name in classes) > len(classes) / 4
    return "; if records have several labels, prepare with --label-separator ," if several else ""


def check_splits(labels: NDArray[Any], split: NDArray[np.int8], task: str, classes: list[str], leaks: int) -> list[str]:
    """Notes on splits and classes without records; `leaks`: records that were left out as relatives of others."""
    notes = []
    left = f" ({leaks:,} records were left out, as they equal one of a later split or are of its group)" if leaks else ""
    if leaks and not (split == 0).any():
        raise InputError(f"no training record is left{left}; give other splits, or generate longer sequences")
    for s, which in enumerate(SPLITS):
        if s and not (split == s).any():
            notes.append(f"the {which} split is empty" + ("; training will have nothing to choose its weights by" * (s == 1)))
    train = labels[split == 0]
    if task == "regression" and len(train) and np.ptp(train) == 0:
        raise InputError(f"all targets of the training split are {train[0]:g}; there is nothing to learn")
    for i, name in enumerate(classes):
        has = labels[:, i] > 0 if task == "multilabel" else labels == i
        for s, which in enumerate(SPLITS):
            if not (has & (split == s)).any() and (split == s).any():
                if s == 0:
                    raise InputError(f"class '{name}' has no record in the training split{left}; it could not be learned")
                notes.append(f"class '{name}' has no record in the {which} split")
    return notes
