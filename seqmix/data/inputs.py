"""Files, folders and standard input to the sources that records are read from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from seqmix.data.folders import LeftOut, Listing, Parts, keep_one_kind, kind_by_name, list_folder
from seqmix.data.label_source import file_stem
from seqmix.data.options import ReadOptions
from seqmix.data.readers.releases import Source, find_folder_splits, find_release, recognise
from seqmix.data.split_names import NamedSplits, Place, find_named_splits, word_of
from seqmix.errors import ConfigError, InputError, advice, param, shown


@dataclass(slots=True)
class _File:
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


def find_sources(
    inputs: Iterable[str | Path] | str | Path,
    split: str | None = None,
    *,
    read: ReadOptions | None = None,
    labels: bool = True,
    stated: str = "",
    in_memory: str = "records",
) -> list[Source]:
    """Return the files that `inputs` stand for; folders are searched, `-` is standard input.

    Args:
        inputs: files and folders.
        split: of all of them; None for what a release says of its files, or else their names.
        read: how they are read, and which files of a folder.
        labels: whether classes and splits matter.
        stated: the option by which the user says how records are divided, whatever names say; "" if there is none.
        in_memory: the Python parameter for what is in memory and not in a file.

    Raises:
        InputError: a path does not exist, a folder holds nothing that can be read, or names contradict each other.
    """
    read = read or ReadOptions()
    given = inputs if isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes) else [inputs]
    paths = [_existing(one, in_memory) for one in given]
    listings: list[Listing] = []
    files = list(chain.from_iterable(_files_of(path, read, listings) for path in paths))
    notes: list[str] = []
    if labels and not any(file.source.release or file.source.path is None for file in files):
        _set_folders(files, paths)
        files = _name_splits(files, read, notes, stated, divided=split is None)
        files = _name_classes(files, read)
    sources = [file.source for file in files]
    if not sources:
        return []
    sources[0].notes = (*notes, *_notes_on_folders(listings, read))
    # A split that all have in common, such as that of a single file, divides nothing.
    if split or len({source.split for source in sources}) == 1:
        for source in sources:
            source.split, source.split_by = split, f"--{split}" if split else ""
    return sources


def _files_of(path: Path | None, read: ReadOptions, listings: list[Listing]) -> list[_File]:
    """Return the files that an input stands for; the folders that are searched are added to `listings`."""
    own_formats = read.format == "auto"
    if path is None or not path.is_dir():
        return [_File((recognise(path) if own_formats and path else None) or Source(path))]
    if own_formats and (release := find_release(path)):
        return [_File(source) for source in release]
    listing = _listed(path, read)
    listings.append(listing)
    if release := find_folder_splits(path, listing.files):
        for source in release:
            source.missing_classes = () if read.include else _folders_without_files(listing, 1)
        return [_File(source, listing) for source in release]
    sources = [(recognise(file) if own_formats else None) or Source(file) for file in listing.files]
    for source, file in zip(sources, listing.files, strict=True):
        source.inner = "" if source.release else "/".join(listing.parts(file))
    return [_File(source, listing) for source in sources]


def _listed(folder: Path, read: ReadOptions) -> Listing:
    """Return what is in a folder.

    Raises:
        InputError: nothing in it is read.
    """
    listing = list_folder(folder, read.include, read.exclude)
    keep_one_kind(listing, read)
    if not listing.files:
        note = listing.left_out.note()
        raise InputError(
            f"{folder}: no readable file in this folder (FASTA, FASTQ, GenBank, CSV, TSV, JSONL, .txt)"
            + (f"; {note}" if note else "")
        )
    return listing


def _notes_on_folders(listings: Sequence[Listing], read: ReadOptions) -> list[str]:
    """Return notes on what is left out of folders, and on patterns without effect."""
    left_out = LeftOut()
    for listing in listings:
        left_out.add(listing.left_out)
    notes = [left_out.note()] if left_out.note() else []
    if not listings:
        given = {"--include": read.include, "--exclude": read.exclude}
        return [f"{flag} had no effect: no input is a folder" for flag, patterns in given.items() if patterns]
    idle = [pattern for pattern in read.exclude if not any(pattern in listing.used for listing in listings)]
    return notes + [f"--exclude '{pattern}' had no effect: no file has such a path" for pattern in idle]


def _existing(given: object, in_memory: str) -> Path | None:
    """Return the path of a file or folder that exists; None for standard input.

    Raises:
        InputError: it does not exist, or is not a path at all but, it seems, a sequence.
    """
    if not isinstance(given, str | Path):
        raise InputError(f"a file or folder must be given by its path, got {shown(given)}; {_elsewhere(in_memory)}")
    if not str(given).strip():
        raise InputError(
            "an input is an empty text, not a file or folder; a variable in the command may be empty: leave it out"
        )
    if str(given) == "-":
        return None
    try:
        if Path(given).exists():
            return Path(given)
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        pass
    text = str(given)
    path_like = isinstance(given, Path) or (text.isprintable() and len(text) < 256 and ("." in text or "/" in text))
    sequence = not path_like
    short = f"{text[:57]}..." if sequence and len(text) > 60 else text
    raise InputError(f"{short}: no such file or folder" + (f"; {_elsewhere(in_memory)}" if sequence else ""))


def _elsewhere(in_memory: str) -> str:
    return f"what is not in a file but in memory is passed in Python as {in_memory}=[...]"


def _set_folders(files: Sequence[_File], paths: Sequence[Path | None]) -> None:
    """Set the folders of each file."""
    for file in files:
        if file.listing and file.source.path:
            file.folders = file.listing.parts(file.source.path)[:-1]
    if len(paths) < 2:
        return
    tops = [file.listing.root if file.listing else file.source.path.parent for file in files if file.source.path]
    absolute = [Path.cwd() / top for top in tops]
    common = os.path.commonpath(absolute)
    for file, top in zip(files, absolute, strict=True):
        above = top.relative_to(common).parts
        file.folders, file.depth = (*above, *file.folders), len(above)


def _name_splits(files: list[_File], read: ReadOptions, notes: list[str], stated: str, *, divided: bool) -> list[_File]:
    """Give files the splits that names tell.

    Args:
        files: the files.
        read: how they are read.
        notes: notes for the user, to which some are added.
        stated: see `find_sources`.
        divided: whether the files may be of different splits.

    Returns:
        The files, without those outside the folders of splits.
    """
    places = [Place(file.folders, file_stem(file.source.path, whole=True)) for file in files if file.source.path]
    documents = all(kind_by_name(file.source.path) == "documents" for file in files if file.source.path)
    used = divided and not stated
    named = find_named_splits(places, documents=documents, needed=used)
    if used:
        _refuse_empty_splits(files)
    if named is None or _are_labels(named, places, read):
        return files
    for file, place, split in zip(files, places, named.splits, strict=True):
        source = file.source
        if used:
            source.split, source.split_by = split, "files" if named.level is None else "folders"
        if named.level is None:
            told = word_of(place.stem)
            source.stem = told[1] if told else place.stem
            source.split_name = source.path.name if source.path else ""
        elif split:
            source.split_name = file.folders[named.level]
            file.folders = (*file.folders[: named.level], *file.folders[named.level + 1 :])
            file.depth -= named.level < file.depth
            source.split_level = named.level - file.depth
    if stated:
        names = ", ".join(named.names[:3]) + (", …" if len(named.names) > 3 else "")
        notes.append(f"names tell splits ({names}), but are not used for them: {stated} is given")
    return _without([file for file, split in zip(files, named.splits, strict=True) if not split], files)


def _are_labels(named: NamedSplits, places: Sequence[Place], read: ReadOptions) -> bool:
    """Return whether the user says that the names that tell splits are labels."""
    if read.label_from == "file":
        return named.level is None and not any(told[1] for place in places if (told := word_of(place.stem)))
    return read.label_from == "folder" and named.level is not None and all(len(place.folders) < 2 for place in places)


def _without(strays: Sequence[_File], files: Sequence[_File]) -> list[_File]:
    """Return files without strays, which are left out of their folders."""
    for stray in strays:
        if stray.listing and stray.source.path:
            stray.listing.leave_out([stray.source.path])
    return [file for file in files if not any(file is stray for stray in strays)]


def _refuse_empty_splits(files: Sequence[_File]) -> None:
    """Raise an `InputError` if a folder named as a split holds nothing that is read, beside others that do."""
    for listing in {id(file.listing): file.listing for file in files if file.listing}.values():
        names = {parts[0]: word for parts in listing.folders if len(parts) == 1 and (word := word_of(parts[0]))}
        empty = [name for name in names if name in _folders_without_files(listing, 0)]
        if empty and "train" in {word for word, _ in names.values()} and len(names) > len(empty):
            raise InputError(
                f"{listing.root / empty[0]}: nothing in this folder of a split is read"
                + advice("put files of a known kind there", f"leave it out with {param('exclude', empty[0])}")
            )


def _folders_without_files(listing: Listing, level: int) -> tuple[str, ...]:
    """Return the names of the folders at a level, counted from 0, in which nothing is read."""
    read = {parts[level] for file in listing.files if len(parts := listing.parts(file)) > level + 1}
    return tuple(dict.fromkeys(p[level] for p in listing.folders if len(p) == level + 1 and p[level] not in read))


def _name_classes(files: list[_File], read: ReadOptions) -> list[_File]:
    """Give files the classes that folders tell, which hold unless tables or headers have labels.

    Returns:
        The files, without documents beside the folders of classes.
    """
    strays: list[_File] = []
    for listing in {id(file.listing): file.listing for file in files}.values():
        own = [file for file in files if file.listing is listing]
        if listing is None:
            if len({file.source.stem for file in own}) == 1 and own[0].source.stem == "":  # the names of files are used up
                _set_folder_classes(own, [file.folders for file in own])
            continue
        inner = [file.folders[file.depth :] for file in own]
        level = 0
        while inner and all(len(parts) > 1 for parts in inner) and len({parts[0] for parts in inner}) == 1:
            inner, level = [parts[1:] for parts in inner], level + 1
        _set_folder_classes(own, inner)
        names = {file.source.folder_class for file in own}
        split_level = next((file.source.split_level for file in own if file.source.split_name), None)
        level += split_level is not None and 0 <= split_level <= level
        missing = tuple(name for name in _folders_without_files(listing, level) if name not in names)
        for file in own:
            file.source.missing_classes = () if read.include else missing
        if len(names) > 1 and None in names and not read.label_from and split_level is None:
            loose = [file for file in own if file.source.folder_class is None]
            strays += [file for file in loose if file.source.path and kind_by_name(file.source.path) == "documents"]
    return _without(strays, files)


def _set_folder_classes(files: Sequence[_File], folders: Sequence[Parts]) -> None:
    names = {parts[0] for parts in folders if parts}
    for file, parts in zip(files, folders, strict=True):
        told = word_of(parts[0]) if parts else None
        no_class = len(names) == 1 and (bool(file.source.split_name) or (told is not None and not told[1]))
        file.source.folder_class = parts[0] if parts and not no_class else None


def refuse_repeated(sources: Iterable[Source]) -> None:
    """Raise an `InputError` if a file is among the sources twice, also by a link or another spelling of its path."""
    folders: dict[Path, Path] = {}
    seen: dict[Path, Source] = {}
    for source in sources:
        if source.path is None:
            continue
        folder = source.path.parent
        if folder not in folders:
            folders[folder] = folder.resolve()
        real = folders[folder] / source.path.name
        real = real.resolve() if real.is_symlink() and not _is_pipe(source.path) else real
        if (earlier := seen.setdefault(real, source)) is not source:
            same = "" if earlier.path == source.path else f", also as {earlier.name}"
            raise InputError(f"{source.name}: this file is given twice{same}; name it once")


def _is_pipe(path: Path) -> bool:
    return str(path).startswith(("/dev/", "/proc/"))


def parse_class_files(texts: Sequence[str]) -> dict[str, list[str | Path]]:
    """Return the files of each class from texts such as "turtle=a.fa,b.fa".

    Raises:
        ConfigError: there is no "=", no name before it, or no file behind it.
    """
    found: dict[str, list[str | Path]] = {}
    for text in texts:
        name, _, files = (part.strip() for part in text.partition("="))
        paths = [file.strip() for file in files.split(",")]
        if not name or not all(paths):
            raise ConfigError(
                f"{param('class_files')} must be NAME=FILE or NAME=FILE,FILE,…, such as turtle=a.fa.gz,b.fa.gz: got '{text}'",
                option="class_files",
            )
        found.setdefault(name, []).extend(paths)
    return found


def class_sources(class_files: Mapping[str, Sequence[str | Path]], read: ReadOptions | None = None) -> list[Source]:
    """Return the files of each class as sources; a folder stands for all files in it.

    Raises:
        InputError: a file does not exist, or is named for two classes.
    """
    sources: dict[Path | None, Source] = {}
    listings: list[Listing] = []
    read = read or ReadOptions()
    for name, files in class_files.items():
        for source in chain.from_iterable(_plain_sources(Path(file), read, listings) for file in files):
            source.folder_class = name
            if (earlier := sources.setdefault(source.path, source)) is not source:
                raise InputError(
                    f"{source.name}: this file is named twice in {param('class_files')}: '{earlier.folder_class}' and '{name}'"
                )
    found = list(sources.values())
    if found:
        found[0].notes = tuple(_notes_on_folders(listings, read))
    return found


def _plain_sources(path: Path, read: ReadOptions, listings: list[Listing]) -> list[Source]:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [Source(path, by_user=True)]
    listing = _listed(path, read)
    listings.append(listing)
    return [Source(file, inner="/".join(listing.parts(file)), by_user=True) for file in listing.files]
