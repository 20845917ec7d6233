"""The data of the papers' experiments: found in a folder in the form of their sources, and prepared, or generated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from seqmix.data.dataset import Dataset
from seqmix.data.folders import list_folder
from seqmix.data.options import PrepareOptions
from seqmix.data.prepare import prepare
from seqmix.data.readers.opening import reading
from seqmix.data.readers.releases import LISTOPS, PAIRS, Source, find_folder_splits, find_release, recognise
from seqmix.data.synthetic.generate import generate
from seqmix.errors import InputError
from seqmix.experiments.reproduction.papers import Experiment, PaperFile


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFiles:
    """Files of an experiment.

    Attributes:
        inputs: the inputs of `prepare`; () with `class_files`.
        class_files: the files of each class, for `prepare`.
        missing: files that were expected but not found, in words.
    """

    inputs: tuple[Path, ...] = ()
    class_files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that were found."""
        return (*self.inputs, *chain.from_iterable(self.class_files.values()))


def find_data(experiment: Experiment, folder: Path) -> PaperFiles:
    """Find the data of an experiment in a folder or in one of its sub-folders.

    Raises:
        InputError: a folder cannot be read, or it is ambiguous which of several files is meant.
    """
    with reading(str(folder)):
        places = list(_places(folder))
        if experiment.class_files:
            found = {name: [(one, _find(one, places)) for one in of] for name, of in experiment.class_files.items()}
            files = {name: tuple(file for _, file in of if file) for name, of in found.items()}
            missing = tuple(one.name for of in found.values() for one, file in of if not file)
            return PaperFiles(class_files=files, missing=missing)
        for place in places:
            if inputs := _inputs(experiment.release, experiment.part, place):
                return PaperFiles(inputs=inputs)
        return PaperFiles(missing=(experiment.wanted,))


def _places(folder: Path) -> Iterator[Path]:
    """Yield the folder, those in it, and those in the folders of the archive of the Long Range Arena."""
    yield folder
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if inner.name == "lra_release":
            yield from _places(inner)
        else:
            yield inner


def _inputs(release: str, part: str, place: Path) -> tuple[Path, ...]:
    """Return what `prepare` is given if the folder is of the release: itself, its part, or its tables; else nothing."""
    if release in (LISTOPS.name, PAIRS.name):
        tables = [source for path in sorted(place.glob("*.tsv*")) if (source := recognise(path))]
        of = [source for source in tables if source.release and source.release.name == release]
        return tuple(_path(source) for source in of) if "train" in {source.split for source in of} else ()
    # Beside Pathfinder's images of 32 x 32, the archive has larger ones, in folders of the same form.
    if re.fullmatch(r"pathfinder(?!32$)\d+", place.name):
        return ()
    if part and place.name != part:
        return _inputs(release, part, place / part) if (place / part).is_dir() else ()
    sources = find_release(place) or find_folder_splits(place, list_folder(place).files)
    return (place,) if sources and sources[0].release and sources[0].release.name == release else ()


def _path(source: Source) -> Path:
    assert source.path is not None
    return source.path


def _find(wanted: PaperFile, places: list[Path]) -> Path | None:
    """Return the file of this form; None if missing."""
    form = re.compile(wanted.form, re.IGNORECASE)
    files = [path for place in places for path in sorted(place.iterdir()) if form.fullmatch(path.name)]
    if len(files) > 1:
        raise InputError(f"there are several files of {wanted.of}: {', '.join(map(str, files))}; leave one of them there")
    return files[0] if files else None


def make_data(experiment: Experiment, found: PaperFiles | None, output: Path, train: int | None = None) -> Dataset:
    """Prepare data as published, or generate them.

    Args:
        experiment: whose data.
        found: its files; None to generate the data.
        output: folder of the data set.
        train: training samples of generated data, and the most of validation and test samples; None for as many as
            published.

    Raises:
        InputError: a file cannot be read.
        DatasetError: `output` cannot be written.
    """
    if found:
        options = PrepareOptions(**experiment.options)
        return prepare(found.inputs, output, class_files=found.class_files or None, options=options)
    sizes = {split: experiment.generated[split] for split in ("train", "val", "test")}
    fewer = {split: min(size, train or size) for split, size in sizes.items()}
    return generate(output=output, **{**experiment.generated, **fewer})
