"""`prepare()`: records to a dataset folder - alphabet, splits, counts of all that was changed.

Written to a temporary folder and renamed: the data set is whole or it is not there. Memory: the longest record,
about 50 bytes for each record, and the sampled k-mers (see `relatives.sketches`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from seqmix.config.data import SPLITS
from seqmix.config.options import sort_options, taking
from seqmix.data.choose_encoder import choose_encoder
from seqmix.data.dataset import Dataset
from seqmix.data.dataset_json import info_text
from seqmix.data.describe import as_given, describe
from seqmix.data.divide import check_stated, divide
from seqmix.data.finalize import finalize
from seqmix.data.held_out import flags_of, joined, refuse_two_ways, splits_held_out
from seqmix.data.in_memory import MemoryRecords
from seqmix.data.inputs import class_sources, find_sources, label_tables
from seqmix.data.labels.several import check_separator, check_without
from seqmix.data.likely_fills import notes_on_fills
from seqmix.data.options import PrepareOptions, ReadOptions
from seqmix.data.readers.releases import Source
from seqmix.data.reading import RecordReader
from seqmix.data.record_streams import RecordStream
from seqmix.data.records import Record
from seqmix.data.relatives.nearness import store_nearness
from seqmix.data.repeated import refuse_repeated
from seqmix.data.validation import (
    check_any,
    check_groups,
    check_labels,
    check_repeated,
    check_splits,
    check_wanted_classes,
    duplicates,
    refuse_headers_only,
)
from seqmix.data.vocabulary import Encoder, vocabulary_of
from seqmix.data.writer import LengthLimits, Progress, WrittenRecords, write_records
from seqmix.errors import ConfigError, DatasetError, InputError, param, shown
from seqmix.objectives import kind_of
from seqmix.objectives.class_names import check_names
from seqmix.reporting.progress import amount_shown
from seqmix.system.arguments import typed
from seqmix.system.files import whole_folder
from seqmix.system.leftovers import put_back
from seqmix.system.overwriting import refuse_input
from seqmix.system.renaming import Standing, standing

_SPLIT = "0.6,0.2,0.2"
_LOOKED_AT, _LOOKED_AT_CHARACTERS = 100, 1 << 20  # records, and characters of them, that an alphabet is guessed from


@typed("inputs", "records", "val", "test")
@taking(PrepareOptions, ReadOptions)
def prepare(
    inputs: Sequence[str | Path] | str | Path = (),
    output: str | Path = "seqmix-data",
    *,
    records: Iterable[Any] | None = None,
    class_files: Mapping[str, Sequence[str | Path] | str | Path] | None = None,
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
        class_files: instead of `inputs`, the file, or a list of files, of each class.
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
    options, read = _options(options, read, given)
    inputs, val, test = map(as_list, (inputs, val, test))
    _check_inputs(inputs, records, class_files, val, test, read)
    output = _free(output, overwrite)
    before = standing(output)
    if records is not None:
        options = _settled(options, read, [])
        stream: RecordStream = MemoryRecords(
            records, read, many_labels=options.task == "multilabel", raw=options.alphabet == "bytes"
        )
        share, facts = None, {}
    else:
        classes = {name: as_list(files) for name, files in (class_files or {}).items()}
        stated = flags_of(read) or ("--split" if options.split != "auto" else "")
        by_user = " and ".join(flag for flag, files in (("--val", val), ("--test", test)) if files) or stated
        by_user = "--split-from" if read.split_from else by_user
        sources = find_sources(inputs, "train" if val or test else None, read=read, stated=by_user, elsewhere=[*val, *test])
        sources += class_sources(classes, read)
        sources += find_sources(val, "val", read=read) + find_sources(test, "test", read=read)
        refuse_repeated(sources)
        refuse_input(output, [*(source.path for source in sources), *label_tables(read)])
        options = _settled(options, read, sources)
        stream = reader = RecordReader(sources, read, split_stated=stated)
        share, facts = reader.share_read, {"given": as_given(inputs, classes, val, test)}
    with amount_shown(progress, "reading", "characters", share) as report:
        return prepare_records(stream, output, options, overwrite=overwrite, before=before, facts=facts, progress=report)


def _options(
    options: PrepareOptions | None, read: ReadOptions | None, given: Mapping[str, Any]
) -> tuple[PrepareOptions, ReadOptions]:
    """Return the options of both groups, with those given by name on top."""
    of_prepare, of_read = sort_options(given, PrepareOptions, ReadOptions)
    if isinstance(of_read.get("classes"), list):
        of_read["classes"] = tuple(map(str, of_read["classes"]))
    of_read |= joined(of_read)
    if isinstance(folder := of_prepare.get("vocabulary_from"), Path):
        of_prepare["vocabulary_from"] = str(folder)
    return replace(options or PrepareOptions(), **of_prepare), replace(read or ReadOptions(), **of_read)


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
        raise ConfigError(
            f"nothing to prepare: name a file or folder, - for standard input, or files with {param('class_files')}"
        )
    if class_files and (inputs or val or test or read.label_from):
        raise ConfigError(
            f"{param('class_files')} names the classes of all files and excludes {param('inputs')}, {param('val')}, "
            f"{param('test')} and {param('label_from')}; name every file with it, and splits with {param('split_from')}"
        )
    if read.split_from and (val or test):
        raise ConfigError(f"{param('split_from')} and separate inputs ({param('val')}, {param('test')}) cannot be combined")


def prepare_records(
    stream: RecordStream,
    output: str | Path,
    options: PrepareOptions,
    *,
    overwrite: bool = False,
    before: Standing | None = None,
    facts: Mapping[str, Any] | None = None,
    beside: Callable[[Path], None] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Write the dataset folder of a stream of records.

    Args:
        stream: gives the records.
        output: the folder to write.
        options: alphabet, lengths, splits.
        overwrite: replace `output` if it is a data set.
        before: the state of `output` when the work began; None for its state now.
        facts: stored in `dataset.json`, too.
        beside: writes more files into the folder, once all records are read.
        progress: see `prepare`.

    Raises:
        SeqmixError: see `prepare`.
    """
    output = _free(output, overwrite)
    kind_of(options.task, stream.options.label_separator)  # contradictions are found before a record is read
    limits = LengthLimits(min_length=options.min_length, max_length=options.max_length, truncate=options.truncate)
    with whole_folder(output, overwrite=overwrite, before=before) as folder:
        _free(output, overwrite)  # again: only what is there from now on is protected
        notes: list[str] = []

        def choose(first: list[Record]) -> Encoder:
            return choose_encoder(first, stream.is_sequence, options, notes)

        written = _write(stream, folder, limits, choose, progress)
        check_wanted_classes(stream)
        _complete(stream, written, options, limits, facts=facts, notes=notes)
        if beside:
            beside(folder)
    return Dataset.open(output, verify=False)


def _free(output: str | Path, overwrite: bool) -> Path:
    """Return the folder to write, if it does not exist or may be replaced."""
    if not isinstance(output, str | Path) or not str(output) or "\0" in str(output):
        raise ConfigError(f"{param('output')} must be the path of a folder: got {shown(output)}", option="output")
    output = Path(output)
    try:
        put_back(output)
    except OSError as error:
        raise ConfigError(f"{param('output')} cannot be the path of a folder: {error.strerror}", option="output") from error
    if output.exists() and not (output / "dataset.json").is_file():
        raise DatasetError(f"{output} exists and is not a data set: it is not overwritten; choose another {param('output')}")
    if output.exists() and not overwrite:
        raise DatasetError(f"{output} exists; choose another {param('output')}, or replace it with {param('overwrite', True)}")
    return output


def prepare_for(
    info: dict[str, Any],
    inputs: Sequence[str | Path],
    output: Path,
    *,
    max_length: int | None,
    truncate: str,
    read: ReadOptions,
    class_files: Mapping[str, Sequence[str | Path]] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Write a data set of new labelled records with the vocabulary and classes of another; all are the test split.

    Args:
        info: `dataset.json` of the other data set.
        inputs: files or folders.
        output: the folder to write.
        max_length: cut longer records to this many characters; None for no limit.
        truncate: which part of them is kept.
        read: how the inputs are read.
        class_files: instead of `inputs`, the files of each class.
        progress: see `prepare`.

    Raises:
        InputError: a record has no label, or one that the classes of `info` do not have.
    """
    sources = class_sources(class_files, read) if class_files else find_sources(inputs, "test", read=read)
    for source in sources:
        source.split = "test"
    refuse_repeated(sources)
    vocabulary = vocabulary_of(info["vocabulary"], trained=True)
    stream = RecordReader(sources, read, like=replace(read, delimiter=info["read"].get("delimiter")), model=vocabulary)
    limits = LengthLimits(max_length=max_length, truncate=truncate)
    with whole_folder(output) as folder:
        written = _write(stream, folder, limits, lambda _: vocabulary, progress)
        files = ", ".join(source.name for source in sources)
        if (written.n_sequences == 2) != bool(info.get("paired")):
            had, has = ("single texts", "pairs of texts") if written.n_sequences == 2 else ("pairs of texts", "single texts")
            raise InputError(f"{files}: the records are {has}, and the model was trained on {had}")
        if not written.label_texts:
            raise InputError(f"{files}: no labels found to evaluate against; say where with {param('label_from')}")
        kind, tolerance = info.get("task"), info.get("target", {}).get("tolerance")
        options = PrepareOptions(max_length=max_length, truncate=truncate, task=kind, tolerance=tolerance)
        _complete(stream, written, options, limits, classes=info["classes"])
    return Dataset.open(output, verify=False)


def _settled(options: PrepareOptions, read: ReadOptions, sources: Sequence[Source]) -> PrepareOptions:
    """Return the options with what the release that was recognised says, unless the user does.

    Raises:
        ConfigError: inputs, or options, do not go together.
    """
    refuse_two_ways(options.split, read, sources)
    defaults = {(s.release.alphabet, s.release.split) if s.release else ("auto", "auto") for s in sources} or {("auto", "auto")}
    given = {source.split for source in sources}
    names = ", ".join(sorted({source.release.name for source in sources if source.release}))
    if len(defaults) > 1:
        raise ConfigError(f"{names}: it cannot be put together with inputs of another kind; prepare each by itself")
    if not read.split_from and None in given and len(given) > 1:
        raise ConfigError(
            f"{names}: it gives splits and other inputs do not; say the split of each with {param('val')} and {param('test')}"
        )
    alphabet, split = defaults.pop()
    if alphabet == "bytes" and options.alphabet not in ("auto", "bytes", "real"):
        raise ConfigError(f"{names}: intensities of images take {param('alphabet', 'bytes')} (or none), not {options.alphabet}")
    if names and options.split != "auto" and given == set(SPLITS) and not read.split_from:
        raise ConfigError(
            f"{names}: it gives all splits, {param('split')} would have no effect; leave it out, or use {param('split_from')}"
        )
    return replace(
        options,
        alphabet=alphabet if options.alphabet == "auto" and not options.vocabulary_from else options.alphabet,
        split=options.split if options.split != "auto" else _SPLIT if split == "auto" else split,
    )


def _write(
    stream: RecordStream,
    folder: Path,
    limits: LengthLimits,
    choose: Callable[[list[Record]], Encoder],
    progress: Progress | None,
) -> WrittenRecords:
    """Write the records of a stream; `choose` is given the first of them, and returns what makes tokens of them."""
    records = iter(stream)
    first: list[Record] = []
    characters = 0
    try:
        for record in records:
            first.append(record)
            characters += len(record.text)
            if len(first) >= _LOOKED_AT or characters > _LOOKED_AT_CHARACTERS:
                break
        else:  # these are all
            refuse_headers_only(first)
        written = write_records(chain(first, records), folder, choose(first), limits, progress)
    finally:
        if isinstance(records, Generator):
            records.close()  # and the file that is being read, now rather than when the error is forgotten
    check_any(len(written), stream, limits, too_short=written.too_short)
    return written


def _complete(
    stream: RecordStream,
    written: WrittenRecords,
    options: PrepareOptions,
    limits: LengthLimits,
    *,
    classes: list[str] | None = None,
    facts: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write what is missing of the data set: divide the records, bring them into their final form, describe them."""
    read, folder = stream.options, written.folder
    kind = kind_of(options.task, read.label_separator)
    notes = [*stream.notes(), *notes]
    check_labels(written, kind)
    encoded = kind.encode(
        written.label_texts,
        written.labels,
        separator=read.label_separator,
        classes=classes,
        tolerance=options.tolerance,
        named=written.name_of,
    )
    stream.split_column.settle(written.splits)
    if classes is None:  # otherwise they are those of a trained model, and there are no splits to check
        notes += encoded.objective.check_classes(len(written))
        notes += check_names(encoded.objective.classes)
        notes += check_separator(written.label_texts, read.label_separator)
        notes += check_without(encoded)
        notes += check_groups(written, read.group_from)
        notes += stream.split_column.notes()
    else:
        notes += stream.split_column.unused()
    division = divide(written, encoded, options, held_out=splits_held_out(read))
    notes += division.notes
    final = finalize(written, division.split, division.keep, limits)
    notes += final.notes
    too_short = written.too_short + final.too_short
    check_any(int(final.keep.sum()), stream, limits, too_short=too_short, emptied=final.emptied)
    labels, split = encoded.labels[final.keep], division.split[final.keep]
    if not encoded.objective.has_classes:
        notes += notes_on_fills(labels[:, None], written.name_of, "target")
    if classes is None:
        check_stated(stream, division, split, limits, too_short=too_short)
        notes += check_splits(labels, split, encoded.objective, division.leaks)
    twins = duplicates(written.sequence_keys, encoded.labels)
    notes += check_repeated(written, twins)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "split.npy", split)
    np.save(folder / "groups.npy", division.groups(final.keep))
    if classes is None and (found := store_nearness(folder, written.n_sequences, final.vocabulary, split)):
        stated = bool((written.splits >= 0).any())
        facts = {**(facts or {}), "nearness": found.describe(stated=stated)}
        notes += found.notes(split, stated=stated, grouped=bool(read.group_from), similar=bool(options.split_by))
    info = describe(stream, written, encoded, division, final, options=options, twins=twins, notes=notes, facts=facts)
    # Names that are not UTF-8 are written as escapes.
    (folder / "dataset.json").write_text(info_text(info), encoding="utf-8", errors="backslashreplace")
