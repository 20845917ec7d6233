"""Folds of a cross-validation among folders and files: neither classes nor splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqmix.data.class_folders import InputFile
from seqmix.data.splits.names import NamedSplits, Place, are_folds, word_of

_EACH = "are not used: they are folds, each with splits of its own (what is for training in one is for testing in another)"


def notes_on_split_folds(files: Sequence[InputFile], places: Sequence[Place], named: NamedSplits) -> list[str]:
    """Return a note if there are several folds, each with splits of its own.

    Args:
        files: all files.
        places: their places.
        named: the splits that names tell.
    """
    told = [word_of(place.stem) for place in places]
    folds = [rest[1] if rest else None for rest in told]
    if named.level is None and are_folds(folds):
        return [f"the files of {_listed(folds)} {_EACH}; prepare one by itself (--include '*{folds[0]}*')"]
    if found := _fold_folders(files, places, besides=named.level):
        names, path, level = found
        way = f"such as {path}" if named.level is None or level < named.level else f"--include '*/{path.name}/*'"
        return [f"the folders {names} {_EACH}; prepare one by itself ({way})"]
    return []


def notes_on_folds(files: Sequence[InputFile], places: Sequence[Place]) -> list[str]:
    """Return a note if folders or files are folds.

    Args:
        files: all files.
        places: their places.
    """
    stems = [place.stem for place in places]
    path = files[0].source.path if files else None
    if found := _fold_folders(files, places):
        of_files = all(len(file.folders) == found[2] + 1 for file in files)  # no folders of classes
        also = " (with --label-from file, if the classes are names of files)" if of_files else ""
        what, names, way = "folders", found[0], f"; to test on one{also}: --test {found[1]}"
    elif are_folds(stems) and path:
        alone = len({*stems}) == len(stems) and not any(file.folders[file.depth :] for file in files)
        what, names, way = "files", _listed(stems), f"; to test on one: --test {path}" if alone else ""
    else:
        return []
    return [f"the {what} {names} are folds, not classes: their records are put together{way}"]


def _fold_folders(
    files: Sequence[InputFile], places: Sequence[Place], besides: int | None = None
) -> tuple[str, Path, int] | None:
    """Return the names of folders that are folds, the path of one of them, and their level; None if there are none.

    Args:
        files: all files.
        places: their places.
        besides: a level of folders that is something else.
    """
    for level in range(min((len(place.folders) for place in places), default=0)):
        names = [place.folders[level] for place in places]
        path = files[0].source.path
        if level != besides and are_folds(names) and path:
            return _listed(names), path.parents[len(files[0].folders) - 1 - level], level
    return None


def _listed(names: Sequence[str | None]) -> str:
    different = [name for name in dict.fromkeys(names) if name]
    return f"{', '.join(different[:3])}{', …' * (len(different) > 3)}"
