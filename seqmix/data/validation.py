"""Checks of the records that `prepare` has read: errors, counts and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.record_streams import RecordStream
from seqmix.data.records import Record
from seqmix.data.writer import LengthLimits, WrittenRecords
from seqmix.errors import InputError, param
from seqmix.objectives.class_names import OF_EXCEL, alike_to, why_not_learned
from seqmix.objectives.labelled import LabelObjective
from seqmix.system.printable import printable, quoted

_MOST_CLASSES = 20  # without a record in a split that are named


def refuse_headers_only(records: Sequence[Record]) -> None:
    """Raise an `InputError` if all records are headers without a sequence: to leave them out would leave nothing."""
    if records and all(isinstance(record.text, bytes) and not record.text.strip() for record in records):
        raise InputError(f"{records[0]}: a header but no sequence, like all records here; download or make the file again")


def check_any(left: int, stream: RecordStream, limits: LengthLimits, *, too_short: int, emptied: int = 0) -> None:
    """Raise an `InputError` that says why if no record is left.

    Args:
        left: number of records that are left.
        stream: where they came from.
        limits: of the lengths.
        too_short: number of records that were left out since they are shorter.
        emptied: number of records that were left out since all their characters were dropped.
    """
    if left:
        return
    if stream.labels.unlabelled:
        stream.notes()  # raises an error of its own where it can be seen why there are no labels
    found = stream.labels
    reasons = {
        f"shorter than {param('min_length', limits.min_length)}": too_short,
        "without a known character": emptied,
        f"without a label from '{found.source}' ({param('skip_unlabelled', True)})": found.unlabelled,
        f"of none of the {param('classes')} {','.join(stream.options.classes)}": found.other_class,
    }
    counted = ", ".join(f"{count:,} were {reason}" for reason, count in reasons.items() if count)
    first = f"; the first is {found.first_unlabelled}" if found.unlabelled else ""
    raise InputError(f"no record is left: {counted}{first}")


def check_wanted_classes(stream: RecordStream) -> None:
    """Raise an `InputError` if a class given with `classes` has no records."""
    found = stream.labels.classes
    if strange := sorted(set(stream.options.classes) - found):
        raise InputError(
            f"{param('classes')}: there are no records of class {quoted(strange[0])}, only of: "
            + printable(", ".join(sorted(found)))
            + alike_to(strange[0], found)
        )


def check_labels(written: WrittenRecords, kind: type[LabelObjective]) -> None:
    """Raise an `InputError` if records lack labels that they need."""
    where = f"say where {'they' if not written.label_texts else 'the labels'} are with {param('label_from')}"
    if not written.label_texts and not kind.may_lack_labels:
        raise InputError(f"no labels were found for {param('task', kind.kind)}; {where}")
    if written.label_texts and written.first_unlabelled:
        raise InputError(
            f"{written.first_unlabelled}: it has no label ({int((written.labels < 0).sum()):,} of {len(written):,} records "
            f"have none, the others have one); leave such files out, or {where}"
        )


def check_groups(written: WrittenRecords, source: str | None) -> list[str]:
    """Return notes on records without a group, and on classes whose records are in too few groups to be divided.

    Args:
        written: the records.
        source: where groups are read; None if they are not.

    Raises:
        InputError: no record has a group.
    """
    alone = int((written.group_keys < 0).sum()) if source else 0
    if alone == len(written):
        raise InputError(f"no record has a group from '{source}'; correct {param('group_from')}, or leave it out")
    notes = [f"{alone:,} records have no group from '{source}'; each is treated as a group of its own"] if alone else []
    return notes + (_few_groups(written, source) if source else [])


def _few_groups(written: WrittenRecords, source: str) -> list[str]:
    """Return a note on classes with fewer groups than splits, unless the splits are given."""
    if (written.splits >= 0).any() or not written.label_texts:
        return []
    pairs = np.unique(np.stack((written.labels, written.group_keys)), axis=1)
    groups = np.bincount(pairs[0][(pairs[0] >= 0) & (pairs[1] >= 0)], minlength=len(written.label_texts))
    alone = np.bincount(written.labels[(written.labels >= 0) & (written.group_keys < 0)], minlength=len(groups))
    few = [(name, int(n)) for name, n in zip(written.label_texts, groups + alone, strict=True) if n < len(SPLITS)]
    if not few:
        return []
    shown = ", ".join(f"{quoted(name)} {n}" for name, n in few[:3]) + (", …" if len(few) > 3 else "")
    return [
        f"{len(few):,} of {len(groups):,} classes have fewer than {len(SPLITS)} groups from '{source}' ({shown}); no group is "
        "divided, so such a class is missing in a split"
    ]


def check_repeated(written: WrittenRecords, twins: dict[str, int]) -> list[str]:
    """Return notes on sequences and ids that occur more than once, given the result of `duplicates`, and on odd ids."""
    notes = []
    if twins["with_different_labels"]:
        count = twins["with_different_labels"]
        what = "sequences occur" if count > 1 else "sequence occurs"
        notes.append(f"{count:,} {what} under more than one label{_contradiction(written)}")
    if written.repeated_ids:
        notes.append(f"{written.repeated_ids:,} records have the id of an earlier record; they are kept")
    if written.dated_ids[1]:
        first, count = written.dated_ids
        what = "an id looks" if count == 1 else f"{count:,} ids look"
        notes.append(f"{what} like what Excel makes of {OF_EXCEL}; such an id is {quoted(first)}")
    return notes


def _contradiction(written: WrittenRecords) -> str:
    """Return an example of two records with one sequence and two labels, as an addition to a note; "" if there is none."""
    order = np.argsort(written.sequence_keys, kind="stable")
    keys, labels = written.sequence_keys[order], written.labels[order]
    unlike = np.flatnonzero((keys[1:] == keys[:-1]) & (labels[1:] != labels[:-1]) & (labels[1:] >= 0) & (labels[:-1] >= 0))
    if not len(unlike):
        return ""
    first = unlike[order[unlike + 1].argmin()]  # the keys are in no order that lasts
    pair = order[first : first + 2].tolist()
    return ", such as " + " and ".join(f"{written.name_of(i)} ({quoted(written.label_texts[written.labels[i]])})" for i in pair)


def duplicates(keys: NDArray[np.int64], labels: NDArray[Any]) -> dict[str, int]:
    """Count records whose sequence occurs more than once.

    Args:
        keys: `(n,)`, equal for equal sequences.
        labels: `(n,)` or `(n, C)`.

    Returns:
        The number of such records, of distinct sequences among them, and of these sequences with different labels.
    """
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


def check_splits(labels: NDArray[Any], split: NDArray[np.int8], objective: LabelObjective, leaks: int) -> list[str]:
    """Return notes on splits and classes without records.

    Args:
        labels: labels of the kept records, `(n,)` or `(n, C)`.
        split: split of each kept record, `(n,)`.
        objective: the objective of the data set.
        leaks: number of records left out because they equal a record of a later split or share its group.

    Raises:
        InputError: there is no training record at all, or none of a class.
    """
    notes = []
    left = (
        f" ({leaks:,} records were left out because they equal a record of a later split or share its group)" if leaks else ""
    )
    if leaks and not (split == 0).any():
        raise InputError(f"no training record is left{left}; give other splits, or generate longer sequences")
    for s, which in enumerate(SPLITS):
        if s and not (split == s).any():
            instead = "--split val or new files with --data" if (split == 1).any() else "new files with --data"
            without = ("training cannot choose the best weights without it", f"eval needs {instead}")
            notes.append(f"the {which} split is empty; {without[s - 1]}")
    objective.check_training(labels[split == 0])
    counts = [objective.count(labels[split == s]) for s in range(len(SPLITS))]
    lacking = [[name for name in objective.classes if not count[name]] for count in counts]
    if lacking[0]:
        trained = [name for name in objective.classes if counts[0][name]]
        raise InputError(
            f"class {quoted(lacking[0][0])} has no record in the training split{left}, so it cannot be learned"
            + why_not_learned(lacking[0][0], objective.classes, trained)
        )
    for s, which in enumerate(SPLITS):
        if not (split == s).any():
            continue
        if len(names := [quoted(name) for name in lacking[s]]) == 1:
            notes.append(f"class {names[0]} has no record in the {which} split")
        elif names:
            more = len(names) - _MOST_CLASSES
            shown = ", ".join(names[:_MOST_CLASSES]) + (f" and {more:,} more" if more > 0 else "")
            notes.append(f"{len(names):,} classes have no record in the {which} split: {shown}")
    return notes
