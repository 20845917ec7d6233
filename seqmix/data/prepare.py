"""`prepare()`: records to a dataset folder - alphabet, splits, counts of all that was changed.

Written to a temporary folder and renamed: the data set is whole or it is not there. Memory: the longest record and
about 50 bytes for each record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import ARRAYS, FORMAT_VERSION, Dataset
from seqmix.data.in_memory import MemoryRecords
from seqmix.data.options import PrepareOptions, ReadOptions
from seqmix.data.readers.releases import Source
from seqmix.data.records import Record, RecordReader, class_sources, find_sources
from seqmix.data.splitting import SPLITS, components, parse_fractions, split_leaks, stratified_split
from seqmix.data.validation import (
    check_groups,
    check_labels,
    check_splits,
    duplicates,
    length_quantiles,
    without_effect,
)
from seqmix.data.vocabulary import Encoder, guess_alphabet, new_encoder, vocabulary_of
from seqmix.data.writer import DatasetWriter, Meta
from seqmix.errors import ConfigError, DatasetError, InputError, param
from seqmix.objectives import kind_of
from seqmix.objectives.base import EncodedLabels
from seqmix.options import sort_options, taking
from seqmix.reporting.progress import amount_shown
from seqmix.system.files import file_checksum, whole_folder
from seqmix.version import __version__

_SPLIT = "0.6,0.2,0.2"

Progress = Callable[[int, int], object]


@taking(PrepareOptions, ReadOptions)
def prepare(
    inputs: Sequence[str | Path] | str | Path = (),
    output: str | Path = "seqmix-data",
    *,
    records: Iterable[Any] | None = None,
    class_files: Mapping[str, Sequence[str | Path]] | None = None,
    val: Sequence[str | Path] | str | Path = (),
    test: Sequence[str | Path] | str | Path = (),
    options: PrepareOptions | None = None,
    read: ReadOptions | None = None,
    overwrite: bool = False,
    progress: bool | Progress = False,
    **given: Any,
) -> Dataset:
    """Turn sequence files and documents, or records in memory, into a dataset folder.

    Args:
        inputs: files or folders, also of data sets as their sources distribute them; "-" is standard input.
        output: the folder to write.
        records: instead of `inputs`, records in memory: a list or an iterator of any length of (id, sequence) or
            (id, sequence, label) tuples, of dicts with id, text, label, group, split and pair, or of
            `seqmix.data.records.Record`; or a data frame with such columns, by the same names as those of tables. A
            sequence is a text, bytes or an array of numbers; with several labels a record, its label is a list.
        class_files: instead of `inputs`, the files of each class.
        val: inputs that are the validation split as they are; `inputs` then are the training split.
        test: inputs that are the test split as they are; `inputs` then are the training split, or without `val` are
            divided into training and validation.
        options: options of `PrepareOptions`; those given by name come on top.
        read: options of `ReadOptions`; those given by name come on top.
        overwrite: replace `output` if it is a data set.
        progress: True to draw a progress bar; or a function, called now and then with the number of records and
            characters so far.
        given

    Returns:
        The data set, open.

    Raises:
        InputError: an input cannot be read; the message says where.
        DatasetError: `output` exists.
        ConfigError: options are unknown, not allowed, or contradict each other.

    Examples:
        >>> records = [("m1", "ACGTTGCA", "mouse"), ("t1", "GGCATTAC", "turtle")]  # and many more
        >>> data = seqmix.prepare(records=records, alphabet="dna")  # doctest: +SKIP
    """
    options, read = _options(options, read, given, records is not None)
    inputs, val, test = map(as_list, (inputs, val, test))
    _check_inputs(inputs, records, class_files, val, test, read)
    output = _free(output, overwrite)
    if records is not None:
        reader: RecordReader = MemoryRecords(records, read)
        options = _settled(options, read, [])
        with amount_shown(progress, "reading", "characters") as report:
            return prepare_records(reader, output, options, overwrite=overwrite, progress=report)
    own = read.format == "auto"
    sources = find_sources(inputs, "train" if val or test else None, own_formats=own) + class_sources(class_files or {})
    sources += find_sources(val, "val", own_formats=own) + find_sources(test, "test", own_formats=own)
    options = _settled(options, read, sources)
    with amount_shown(progress, "reading", "characters") as report:
        return prepare_records(RecordReader(sources, read), output, options, overwrite=overwrite, progress=report)


def _options(
    options: PrepareOptions | None, read: ReadOptions | None, given: Mapping[str, Any], in_memory: bool
) -> tuple[PrepareOptions, ReadOptions]:
    """Return the options of both groups, with those given by name on top."""
    of_prepare, of_read = sort_options(given, PrepareOptions, ReadOptions)
    if isinstance(of_read.get("classes"), list):
        of_read["classes"] = tuple(of_read["classes"])
    for value, kind, name in ((options, PrepareOptions, "options"), (read, ReadOptions, "read")):
        if value is not None and not isinstance(value, kind):
            raise ConfigError(f"{param(name)} must be a {kind.__name__}: got {value!r}", option=name)
    options, read = replace(options or PrepareOptions(), **of_prepare), replace(read or ReadOptions(), **of_read)
    if in_memory and options.task == "multilabel" and read.label_separator is None:
        read = replace(read, label_separator=",")  # several labels are a list here, no text that has to be taken apart
    return options, read


def as_list(inputs: Any) -> list[Any]:
    """Return files as a list, also a single file; what is not a file is found out when it is looked for."""
    return list(inputs) if isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes | Path) else [inputs]


def _check_inputs(inputs: object, records: object, class_files: object, val: object, test: object, read: ReadOptions) -> None:
    """Raise a `ConfigError` where there are no inputs, or inputs of more than one kind."""
    if records is not None and (inputs or class_files or val or test):
        raise ConfigError(
            f"{param('records')} excludes files ({param('inputs')}, {param('class_files')}, {param('val')} and "
            f"{param('test')}); say the split of a record in the record itself"
        )
    if records is None and not inputs and not class_files:
        raise ConfigError("nothing to prepare: name a file or folder, - for standard input, or --class NAME=FILE,…")
    if class_files and (inputs or val or test or read.label_from):
        raise ConfigError(
            "--class says the classes of all files and excludes INPUT, --val, --test and --label-from; "
            "name every file with --class, and splits with --split-from"
        )
    if read.split_from and (val or test):
        raise ConfigError("--split-from and separate inputs (--val, --test) exclude each other")


def prepare_records(
    reader: RecordReader,
    output: str | Path,
    options: PrepareOptions,
    *,
    overwrite: bool = False,
    facts: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Writes the dataset folder of a reader's records; see `prepare`.

    Args:
        facts: written to `dataset.json`, too.
    """
    output = _free(output, overwrite)
    kind_of(options.task, reader.options.label_separator)
    with whole_folder(output, overwrite=overwrite) as folder:
        spool = DatasetWriter(folder, reader, options.min_length, options.max_length, options.truncate)
        spool.fill(_choose_vocabulary(reader, options), progress)
        _finish(spool, folder, options, reader.options, facts=facts)
    return Dataset.open(output, verify=False)


def _free(output: str | Path, overwrite: bool) -> Path:
    """The folder to write, if it is not there, or may be replaced."""
    if not isinstance(output, str | Path) or not str(output) or "\0" in str(output):
        raise ConfigError(f"{param('output')} must be the path of a folder: got {output!r}", option="output")
    output = Path(output)
    try:
        output.exists()
    except OSError as error:
        raise ConfigError(f"{param('output')} cannot be the path of a folder: {error.strerror}", option="output") from error
    if output.exists() and not (output / "dataset.json").is_file():
        raise DatasetError(f"{output} exists and is no data set: it is not overwritten; choose another --output")
    if output.exists() and not overwrite:
        raise DatasetError(f"{output} exists; choose another folder with --output, or replace it with --overwrite")
    return output


def prepare_for(
    info: dict[str, Any],
    inputs: Sequence[str | Path],
    output: Path,
    *,
    max_length: int | None,
    truncate: str,
    read: ReadOptions,
    progress: Progress | None = None,
) -> Dataset:
    """A data set of new labelled records with another's vocabulary and classes; all of it is the test split.

    Raises:
        InputError: a record has no label, or one that the classes of `info` do not have.
    """
    with whole_folder(output) as folder:
        reader = RecordReader(find_sources(inputs, "test", own_formats=read.format == "auto"), read)
        spool = DatasetWriter(folder, reader, 0, max_length, truncate)
        vocabulary = vocabulary_of(info["vocabulary"], trained=True)
        spool.fill(lambda records: (vocabulary, records), progress)
        files = ", ".join(map(str, inputs))
        if (spool.n_sequences == 2) != bool(info.get("paired")):
            had, has = ("single texts", "pairs of texts") if spool.n_sequences == 2 else ("pairs of texts", "single texts")
            raise InputError(f"{files}: the records are {has}, and the model was trained on {had}")
        if not spool.label_names:
            raise InputError(f"{files}: no labels found to evaluate against; say where with --label-from")
        kind, tolerance = info.get("task"), info.get("target", {}).get("tolerance")
        options = PrepareOptions(max_length=max_length, truncate=truncate, task=kind, tolerance=tolerance)
        _finish(spool, folder, options, read, classes=info["classes"])
    return Dataset.open(output, verify=False)


def _settled(options: PrepareOptions, read: ReadOptions, sources: Sequence[Source]) -> PrepareOptions:
    """`options` with what the release that was recognised says, where the user does not.

    Raises:
        ConfigError: inputs, or options, do not go together.
    """
    defaults = {(s.release.alphabet, s.release.split) if s.release else ("auto", "auto") for s in sources} or {("auto", "auto")}
    given = {source.split for source in sources}
    names = ", ".join(sorted({source.release.name for source in sources if source.release}))
    if len(defaults) > 1:
        raise ConfigError(f"{names}: it cannot be put together with inputs of another kind; prepare each by itself")
    if not read.split_from and None in given and len(given) > 1:
        raise ConfigError(f"{names}: it gives splits and other inputs do not; say the split of each with --val and --test")
    alphabet, split = defaults.pop()
    if alphabet == "bytes" and options.alphabet not in ("auto", "bytes", "real"):
        raise ConfigError(f"{names}: intensities of images take --alphabet bytes (or none), not {options.alphabet}")
    if names and options.split != "auto" and given == set(SPLITS) and not read.split_from:
        raise ConfigError(f"{names}: it gives all splits, --split would have no effect; leave it out, or use --split-from")
    return replace(
        options,
        alphabet=alphabet if options.alphabet == "auto" else options.alphabet,
        split=options.split if options.split != "auto" else _SPLIT if split == "auto" else split,
    )


def _choose_vocabulary(
    reader: RecordReader, options: PrepareOptions
) -> Callable[[Iterator[Record]], tuple[Encoder, Iterator[Record]]]:
    """Looks at the first records for the alphabet."""

    def choose(records: Iterator[Record]) -> tuple[Encoder, Iterator[Record]]:
        first: list[Record] = []
        seen = 0
        for record in records:
            first.append(record)
            seen += len(record.text)
            if len(first) >= 100 or seen > 1 << 20:
                break

        def again() -> Iterator[Record]:
            yield from first
            yield from records

        alphabet = options.alphabet
        if alphabet == "auto":
            alphabet = guess_alphabet([record.text[:65536] for record in first], reader.is_sequence)
        return new_encoder(alphabet, options.unknown), again()

    return choose


def _finish(
    spool: DatasetWriter,
    folder: Path,
    options: PrepareOptions,
    read: ReadOptions,
    *,
    classes: list[str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Splits the spooled records and writes what is missing of the data set into `folder`."""
    notes, kind = spool.reader.notes() + without_effect(spool.reader), kind_of(options.task, read.label_separator)
    meta = spool.meta()
    if classes is None and (strange := sorted(set(read.classes) - spool.reader.seen_classes)):
        raise InputError(
            f"--classes: no record is of the class '{strange[0]}', only of: {', '.join(sorted(spool.reader.seen_classes))}"
        )
    check_labels(meta.labels, spool, kind)
    encoded = kind.encode(
        list(spool.label_names),
        meta.labels,
        separator=read.label_separator,
        classes=classes,
        tolerance=options.tolerance,
        named=spool.named,
    )
    objective = encoded.objective
    notes += objective.check_classes(len(meta.labels))
    notes += check_groups(meta.group_keys, read.group_from)
    split, keep = _divide(meta, encoded, options, notes)
    leaks = int((~keep).sum())
    vocabulary, keep = spool.write_tokens(split, keep)
    labels, split = encoded.labels[keep], split[keep]
    notes += check_splits(labels, split, objective, leaks)
    twins = duplicates(meta.sequence_keys, encoded.labels)
    if twins["with_different_labels"]:
        notes.append(f"{twins['with_different_labels']:,} sequences occur under more than one label")
    if spool.repeated_ids():
        notes.append(f"{spool.repeated_ids():,} records have an id that was there before; they are kept")
    np.save(folder / "labels.npy", labels)
    np.save(folder / "split.npy", split)
    lengths = np.diff(np.load(folder / "offsets.npy"))
    parts = {name: labels[split == s] for s, name in enumerate(SPLITS)}
    info = {
        "format_version": FORMAT_VERSION,
        "seqmix": __version__,
        "task": kind.kind,
        "paired": spool.n_sequences == 2,
        "vocabulary": vocabulary.to_dict(),
        "classes": list(objective.classes),
        "records": len(labels),
        "characters": int(lengths.sum()),
        "lengths": length_quantiles(lengths),
        "sizes": {name: len(part) for name, part in parts.items()},
        "counts": {name: objective.count(part) for name, part in parts.items()},
        **objective.describe(labels, split == 0),
        "truncated": spool.truncated,
        "dropped": {**spool.dropped(), "related to a later split": leaks},
        "replaced": dict(spool.replaced.most_common()),
        "duplicates": twins,
        "notes": notes,
        "label_from": spool.reader.label_from,
        "options": asdict(options),
        "read": asdict(read),
        "inputs": spool.reader.inputs(),
        **(facts or {}),
        "arrays": {name: file_checksum(folder / name) for name in ARRAYS},
    }
    (folder / "dataset.json").write_text(json.dumps(info, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _divide(
    meta: Meta, encoded: EncodedLabels, options: PrepareOptions, notes: list[str]
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """The split of every record `(n,)`, and which are kept: not those with a relative in a later split. Adds to `notes`."""
    fixed = meta.splits if (meta.splits >= 0).any() else None
    strata = encoded.strata * (meta.strata.max(initial=0) + 1) + meta.strata
    members = components([meta.sequence_keys, meta.whole_keys, meta.group_keys])
    if fixed is None:
        fractions = parse_fractions(options.split)
        encoded.objective.check_sizes(encoded.labels, sum(fraction > 0 for fraction in fractions))
        split = stratified_split(strata, members, fractions, options.seed)
        return split, np.ones(len(split), dtype=bool)
    if _lacks_validation(fixed) and (share := _validation_share(options.split)):
        # The training inputs are divided; whoever is related to a test record is found by the leak check.
        split = stratified_split(strata, members, (1 - share, share, 0.0), options.seed, np.where(fixed == 2, 2, -1))
        notes.append(f"no validation split is given: {int((split == 1).sum()):,} training records were taken for it (--split)")
    else:
        split = fixed.astype(np.int8)
    leaks = split_leaks(members, split)
    if leaks.any():
        notes.append(
            f"{int(leaks.sum()):,} training or validation records were left out: equal to, or of one group with, "
            "records of a later split"
        )
    return split, ~leaks


def _lacks_validation(splits: NDArray[np.int64]) -> bool:
    """Whether training and test records are given, but none for validation: those are then taken out of training."""
    return {int(split) for split in np.unique(splits)} == {0, 2}


def _validation_share(split: str) -> float:
    """The share of validation records in what is not tested on."""
    train, validation, _ = parse_fractions(split)
    return validation / (train + validation)
