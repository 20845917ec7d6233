"""New labelled files for a run to be scored on: how they are read, and how many of their records it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seqmix.data.dataset import Dataset
from seqmix.data.inputs import find_sources
from seqmix.data.options import ReadOptions
from seqmix.data.reading import RecordReader
from seqmix.run import Run


def reading_of_new_files(
    run: Run,
    files: Sequence[str | Path],
    read: ReadOptions | None,
    *,
    label_from: str | None,
    by_class: bool,
    skip_unlabelled: bool,
) -> ReadOptions:
    """Return how new files are read: like the training data, unless the user says otherwise.

    If the classes of the training data were the names of the files, new files may have labels in headers or columns instead.

    Args:
        run: the run.
        files: the files.
        read: the user's options; None for none.
        label_from: where the user says that labels are; None for nowhere.
        by_class: whether the classes of all files are given.
        skip_unlabelled: whether records without a label are left out.
    """
    options = read or run.read_options
    source = label_from or (read and read.label_from) or _label_source(run) or options.label_from
    options = replace(options, skip_unlabelled=skip_unlabelled or options.skip_unlabelled)
    stated = label_from or (read and read.label_from) or run.info["read"].get("label_from")
    if by_class or (source == "file" and not stated and _labelled_inside(files, options)):
        return replace(options, label_from=None)
    return replace(options, label_from=source)


def _label_source(run: Run) -> str | None:
    """Return the label source of the training data if it also applies to new files (a table does not)."""
    used = run.info.get("label_from")
    return used if used and not used.startswith("table:") else None


def _labelled_inside(files: Sequence[str | Path], read: ReadOptions) -> bool:
    """Return whether new files have labels in their headers or columns, where the names of the training files were labels."""
    if any(str(file) == "-" for file in files):
        return False
    within = replace(read, label_from=None)
    reader = RecordReader(find_sources(files, "test", read=within), within, like=within)
    next(iter(reader), None)
    return reader.labels.source not in (None, "file")


def count_known(run: Run, trained: Dataset, tested: Dataset) -> int:
    """Return how many records of `tested` equal a training record, or are its other strand, as the model sees them."""
    complement = trained.vocabulary.complement

    def key(dataset: Dataset, index: int) -> int:
        parts = tuple(part.tobytes() for part in dataset.truncated(index, run.config.data))
        if complement is None:
            return hash(parts)
        return min(hash(parts), hash(tuple(part[::-1].translate(complement) for part in parts)))

    seen = {key(trained, int(index)) for index in trained.indices("train")}
    return sum(key(tested, index) in seen for index in range(len(tested)))
