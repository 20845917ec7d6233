"""The classes that folders tell: which level of folders it is, and which folders and files of it are not read."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from seqmix.data.folders import Listing, Parts, kind_by_name, missing_folders
from seqmix.data.labels.source import file_stem
from seqmix.data.options import ReadOptions
from seqmix.data.readers.releases import Source
from seqmix.data.splits.names import are_folds, word_of
from seqmix.data.strays import is_blank
from seqmix.errors import InputError, advice, param

_UNLABELLED = re.compile(r"(un|non?|not|without)[._ -]?(label(l?ed|s)?|annotated|supervised)|unsup", re.IGNORECASE)


@dataclass(slots=True)
class InputFile:
    """A file of an input.

    Attributes:
        source: the file.
        listing: the folder that was given, in which it was found; None if the file itself was given.
        folders: names of the folders that it is in: from the one that all inputs have in common, or else from the folder that
            was given.
        depth: how many of them are above the folder that was given.
    """

    source: Source
    listing: Listing | None = None
    folders: Parts = ()
    depth: int = 0


def name_classes(files: list[InputFile], read: ReadOptions, notes: list[str]) -> list[InputFile]:
    """Give files the classes that folders tell, which hold unless tables or headers have labels.

    Returns:
        The files, without documents beside the folders of classes, and without empty files beside others of their class.
    """
    strays: list[InputFile] = []
    for listing in {id(file.listing): file.listing for file in files}.values():
        own = [file for file in files if file.listing is listing]
        if listing is None:
            used_up = len({file.source.stem for file in own}) == 1 and own[0].source.stem == ""
            _set_folder_classes(own, [file.folders for file in own], named=used_up)
            continue
        level = _set_folder_classes(own, [file.folders[file.depth :] for file in own], named=read.label_from != "file")
        names = {file.source.folder_class for file in own}
        if not read.label_from:
            _refuse_uneven(own, level)
        split_level = next((file.source.split_level for file in own if file.source.split_name), None)
        set_missing(own, listing, level + (split_level is not None and 0 <= split_level <= level))
        if len(names) > 1 and None in names and not read.label_from and split_level is None:
            loose = [file for file in own if file.source.folder_class is None]
            strays += [file for file in loose if file.source.path and kind_by_name(file.source.path) == "documents"]
    files = without(strays, files)
    files = without_blank(files, {file.source.folder_class for file in files})
    for listing in {id(file.listing): file.listing for file in files if file.listing}.values():
        notes += [] if read.label_from else _note_on_files([file for file in files if file.listing is listing])
    if all(file.listing for file in files):
        _add_given_folders(files)
    return files


def _add_given_folders(files: Sequence[InputFile]) -> None:
    """Put the names of the folders that were given, where they differ, before those of the folders in them."""
    given = [file.folders[: file.depth] for file in files]
    levels = [level for level in range(min(map(len, given), default=0)) if len({parts[level] for parts in given}) > 1]
    for file, parts in zip(files, given, strict=True):
        file.source.folders = (*(parts[level] for level in levels), *file.source.folders)


def set_missing(files: Sequence[InputFile], listing: Listing, level: int) -> None:
    """Set the class folders, at a level counted from 0, in which nothing is read, including links in a single split."""
    known = {file.source.folder_class for file in files}
    missing = missing_folders(listing, level)
    splits = any(file.source.split for file in files)
    for file in files:
        file.source.missing_classes = tuple(
            folder
            for folder in missing
            if (folder.name not in known or folder.path in listing.left_out.links) and not (splits and word_of(folder.name))
        )


def without_blank(files: list[InputFile], classes: Collection[str | None]) -> list[InputFile]:
    """Return the files without those of no content, if their class has others in their split."""
    if len(classes) < 2:
        return files
    blank = [file for file in files if file.listing and file.source.path and is_blank(file.source.path)]
    if not blank:
        return files
    held = {(f.source.folder_class, f.source.split) for f in files if not any(f is one for one in blank)}
    blank = [f for f in blank if f.source.folder_class is not None and (f.source.folder_class, f.source.split) in held]
    for file in blank:
        if file.listing and file.source.path:
            file.listing.left_out.without_content.append("/".join(file.listing.parts(file.source.path)))
    return [file for file in files if not any(file is one for one in blank)]


def _set_folder_classes(files: Sequence[InputFile], folders: Sequence[Parts], *, named: bool = True) -> int:
    """Set the folders of files, and if `named` the class: the level nearest to the files at which there are several folders.

    Folds of a cross-validation are not classes.

    Returns:
        This level, counted from 0.
    """
    inner = [parts for parts in folders if parts]
    depth = min(map(len, inner), default=0)
    several = [level for level in range(depth) if len({parts[level] for parts in inner}) > 1]
    classes = [level for level in several if not are_folds(parts[level] for parts in inner)]
    level = classes[-1] if classes else max(0, depth - 1) if len(inner) == len(folders) else 0
    names = {parts[level] for parts in inner}
    folds = are_folds(names)
    for file, parts in zip(files, folders, strict=True):
        file.source.folders = tuple(parts[one] for one in several) if parts else ()
        told = word_of(parts[level]) if parts else None
        no_class = folds or (len(names) == 1 and (bool(file.source.split_name) or (told is not None and not told[1])))
        if named:
            file.source.folder_class = parts[level] if parts and not no_class else None
    return level


def _refuse_uneven(files: Sequence[InputFile], level: int) -> None:
    """Raise an `InputError` if a folder of unlabelled files is beside others that hold the folders of classes."""
    inner: dict[str, set[str]] = {}
    for file in files:
        parts = file.folders[file.depth :]
        if len(parts) > level:
            inner.setdefault(parts[level], set()).update(parts[level + 1 : level + 2])
    without = next((name for name, names in inner.items() if not names and _UNLABELLED.fullmatch(name)), None)
    beside = next((name for name, names in inner.items() if len(names) > 1), None)
    if without is not None and beside is not None and files[0].listing:
        classes = sorted(inner[beside])
        raise InputError(
            f"{files[0].listing.root}: the folder '{beside}' holds folders of classes ({', '.join(classes[:3])}"
            f"{', …' * (len(classes) > 3)}), and '{without}' beside it holds none"
            + ", so that it seems to be for pretraining"
            + advice(
                f"leave '{without}' out with {param('exclude', without)}",
                f"if '{beside}' and '{without}' are the classes, give their files with {param('class_files')}",
            )
        )


def _note_on_files(files: Sequence[InputFile]) -> list[str]:
    """Return a note if all folders of classes hold sequences in files of the same names, which may be the classes."""
    stems: dict[str | None, set[str]] = {}
    whole: dict[str, set[str]] = {}
    for file in files:
        if file.source.path and kind_by_name(file.source.path) == "sequences" and file.source.stem is None:
            stems.setdefault(file.source.folder_class, set()).add(file_stem(file.source.path))
            whole.setdefault(file_stem(file.source.path), set()).add(file_stem(file.source.path, whole=True))
    if any(len(names) > 1 for names in whole.values()):
        return []  # as labels, these are whole names, which are different in each folder
    first = next(iter(stems.values()), set())
    if len(stems) < 2 or any(own != first for own in stems.values()) or len({re.sub(r"\d+", "", stem) for stem in first}) < 2:
        return []
    names = sorted(first)
    shown = f"{', '.join(names[:3])}{', …' * (len(names) > 3)}"
    return [
        f"the folders are the classes, and the names {shown} of the files in each are not used; if these are the classes: "
        "--label-from file"
    ]


def without(strays: Sequence[InputFile], files: Sequence[InputFile]) -> list[InputFile]:
    """Return files without strays, which are left out of their folders."""
    for stray in strays:
        if stray.listing and stray.source.path:
            stray.listing.leave_out([stray.source.path])
    return [file for file in files if not any(file is stray for stray in strays)]
