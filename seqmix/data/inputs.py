"""Files, folders and standard input to the sources that records are read from."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from seqmix.data.class_folders import InputFile, name_classes, set_missing, without, without_blank
from seqmix.data.folders import LeftOut, Listing, is_text_by_name, keep_one_kind, kind_by_name, list_folder
from seqmix.data.folds import notes_on_folds, notes_on_split_folds
from seqmix.data.labels.source import file_stem
from seqmix.data.options import ReadOptions
from seqmix.data.readers.opening import unpacked_name
from seqmix.data.readers.releases import Source, find_folder_splits, find_release, recognise
from seqmix.data.splits.names import (
    NamedSplits,
    Place,
    are_folds,
    class_in,
    find_named_splits,
    is_held_out,
    lone_names,
    short_names,
    word_of,
)
from seqmix.data.strays import has_labels, is_about
from seqmix.errors import ConfigError, InputError, advice, param, shown

_LOOKED_AT = 20  # files that are not read, to see whether they are texts


def find_sources(
    inputs: Iterable[str | Path] | str | Path,
    split: str | None = None,
    *,
    read: ReadOptions | None = None,
    labels: bool = True,
    stated: str = "",
    in_memory: str = "records",
    elsewhere: Sequence[str | Path] = (),
) -> list[Source]:
    """Return the files that `inputs` stand for; folders are searched, `-` is standard input.

    Args:
        inputs: files and folders.
        split: of all of them; None for what a release says of its files, or else their names.
        read: how they are read, and which files of a folder.
        labels: whether classes and splits matter.
        stated: the option by which the user says how records are divided, whatever names say; "" if there is none.
        in_memory: the Python parameter for what is in memory and not in a file.
        elsewhere: files and folders that are given for another purpose, which are not searched for in folders.

    Raises:
        InputError: a path does not exist, a folder holds nothing that can be read, or names contradict each other.
    """
    read = read or ReadOptions()
    given = inputs if isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes) else [inputs]
    paths = [_existing(one, in_memory) for one in given]
    listings: list[Listing] = []
    others = {Path(one).resolve() for one in elsewhere if isinstance(one, str | Path) and str(one) not in ("", "-")}
    others |= label_tables(read)
    files = list(chain.from_iterable(_files_of(path, read, listings, others) for path in paths))
    notes: list[str] = []
    files = _without_strays(files, notes)
    if labels and not any(file.source.release or file.source.path is None for file in files):
        _set_folders(files, paths)
        files = _name_splits(files, read, notes, stated, divided=split is None)
        files = name_classes(files, read, notes)
    sources = [file.source for file in files]
    if not sources:
        return []
    sources[0].notes = (*notes, *_notes_on_folders(listings, read))
    # A split that all have in common, such as that of a single file, divides nothing.
    if split or len({source.split for source in sources}) == 1:
        for source in sources:
            source.split, source.split_by = split, f"--{split}" if split else ""
    return sources


def label_tables(read: ReadOptions) -> set[Path]:
    """Return the tables of labels, groups and splits that the user names, as table:FILE or table:FILE:COLUMN."""
    held = [str(given).partition("=")[0] for given in (read.hold_out, read.validate)]
    places = [str(where) for where in (read.label_from, read.group_from, read.split_from, *held)]
    texts = [where.removeprefix("table:") for where in places if where.startswith("table:")]
    paths = [Path(text) for whole in texts for text in (whole, whole.rpartition(":")[0]) if text]
    try:
        return {path.resolve() for path in paths if path.is_file()}
    except OSError:
        return set()  # explained when the table is read


def _without_strays(files: list[InputFile], notes: list[str]) -> list[InputFile]:
    """Return files without those that were given by name, as by *, and are about the data; `notes` names them."""
    strays = [file for file in files if not file.listing and not file.source.release and _accompanies(file.source.path)]
    others = [file for file in files if not any(file is stray for stray in strays)]
    if not strays or not any(file.source.path and kind_by_name(file.source.path) != "documents" for file in others):
        return files
    shown = f"{', '.join(file.source.name for file in strays[:3])}{', …' * (len(strays) > 3)}"
    notes.append(f"left out, as {'it is' if len(strays) == 1 else 'they are'} about the data by name: {shown}")
    return others


def _accompanies(path: Path | None) -> bool:
    return path is not None and kind_by_name(path) == "documents" and is_about(path)


def _files_of(path: Path | None, read: ReadOptions, listings: list[Listing], elsewhere: set[Path]) -> list[InputFile]:
    """Return the files that an input stands for, but those that are `elsewhere`; folders are added to `listings`."""
    own_formats = read.format == "auto"
    if path is None or not path.is_dir():
        return [InputFile((recognise(path) if own_formats and path else None) or Source(path))]
    if own_formats and (release := find_release(path)):
        return [InputFile(source) for source in release]
    listing = _listed(path, read, elsewhere)
    listings.append(listing)
    release = find_folder_splits(path, listing.files) if listing.kind != "tables" else []
    if release and not are_folds(source.folder_class for source in release):
        files = [InputFile(source, listing) for source in release]
        files = without_blank(files, {file.source.folder_class for file in files})
        set_missing(files, listing, 1)
        _mark_documents(files, listing)
        return files
    sources = [(recognise(file) if own_formats else None) or Source(file) for file in listing.files]
    for source, file in zip(sources, listing.files, strict=True):
        source.inner = "" if source.release else "/".join(listing.parts(file))
    files = [InputFile(source, listing) for source in sources]
    _mark_documents(files, listing)
    return files


def _mark_documents(files: Iterable[InputFile], listing: Listing) -> None:
    for file in files:
        path = file.source.path
        file.source.document = listing.kind == "documents" and path is not None and is_text_by_name(path)


def _listed(folder: Path, read: ReadOptions, elsewhere: Iterable[Path] = ()) -> Listing:
    """Return what is in a folder, but files and folders that are `elsewhere`.

    Raises:
        InputError: nothing in it is read.
    """
    listing = list_folder(folder, read.include, read.exclude)
    root = folder.resolve()
    for other in elsewhere:
        if root in other.parents:
            gone = other.relative_to(root).parts
            listing.files = [file for file in listing.files if listing.parts(file)[: len(gone)] != gone]
            listing.folders = [p for p in listing.folders if p[: len(gone)] != gone[: len(p)]]  # nor those it is in
    keep_one_kind(listing, read)
    if all(map(is_about, listing.files)) and any(name.endswith(".arrow") for name in listing.left_out.files):
        raise InputError(
            f"{folder}: this is a data set of Arrow files, as the library datasets saves it, which is not read; write each of "
            f"its splits as JSONL, and give these files: datasets.load_from_disk({str(folder)!r}).to_json('new.jsonl')"
        )
    if not listing.files:
        out = listing.left_out
        note, unread = out.note(), [folder / name for name in out.files[:_LOOKED_AT]]
        links = [name for name in out.links if (folder / name).is_dir()]
        ways = [f"read files of any ending with {param('include', '*')}"] if any(map(_may_be_text, unread)) else []
        ways += [f"give what links to folders lead to, as they are not followed ({folder / links[0]}, …)"] if links else []
        ways += [f"if they are classes, name the files of each with {param('class_files')}"] if links else []
        raise InputError(
            f"{folder}: no readable file in this folder (FASTA, FASTQ, GenBank, CSV, TSV, JSONL, .txt)"
            + (f"; {note}" if note else "")
            + (advice(*ways) if ways else "")
        )
    return listing


def _may_be_text(path: Path) -> bool:
    """Return whether a file of a folder is a text of another ending: one of digits, or none."""
    ending = unpacked_name(path.name).rpartition(".")[2] if "." in path.name.strip(".") else ""
    if ending and not ending.isdigit():
        return False
    with suppress(OSError), path.open("rb") as file:
        head = file.read(512)
        return bool(head.strip()) and b"\0" not in head
    return False


def _notes_on_folders(listings: Sequence[Listing], read: ReadOptions) -> list[str]:
    """Return notes on what is left out of folders, and on patterns without effect."""
    left_out = LeftOut()
    for listing in listings:
        left_out.add(listing.left_out)
    notes = [left_out.note()] if left_out.note() else []
    if not read.label_from:
        notes += [hint for listing in listings if (hint := _hint_at_labels(listing, read))]
    if not listings:
        given = {"--include": read.include, "--exclude": read.exclude}
        return [f"{flag} had no effect: no input is a folder" for flag, patterns in given.items() if patterns]
    idle = [pattern for pattern in read.exclude if not any(pattern in listing.used for listing in listings)]
    return notes + [f"--exclude '{pattern}' had no effect: no file has such a path" for pattern in idle]


def _hint_at_labels(listing: Listing, read: ReadOptions) -> str:
    """Return a note on a table that is left out and has a column of labels, beside files that seem to have none."""
    if listing.kind == "sequences" or len({file.parent for file in listing.files}) > 1:
        return ""
    tables = [file for name in listing.left_out.files if kind_by_name(file := listing.root / name) == "tables"]
    labelled = next((file for file in tables if has_labels(file, read)), None)
    if labelled is None or (listing.kind == "tables" and any(has_labels(file, read) for file in listing.files)):
        return ""
    return f"{labelled} seems to have the labels of the others: --label-from {shlex.quote(f'table:{labelled}')} reads them"


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
        if (path := Path(given)).exists():
            return path
        if path.is_symlink():
            raise InputError(f"{path}: this is a link to {path.readlink()}, which leads nowhere; give the file itself")
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        pass
    text = str(given)
    path_like = isinstance(given, Path) or (text.isprintable() and len(text) < 256 and ("." in text or "/" in text))
    sequence = not path_like
    short = f"{text[:57]}..." if sequence and len(text) > 60 else text
    raise InputError(f"{short}: no such file or folder" + (f"; {_elsewhere(in_memory)}" if sequence else ""))


def _elsewhere(in_memory: str) -> str:
    return f"what is not in a file but in memory is passed in Python as {in_memory}=[...]"


def _set_folders(files: Sequence[InputFile], paths: Sequence[Path | None]) -> None:
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


def _name_splits(files: list[InputFile], read: ReadOptions, notes: list[str], stated: str, *, divided: bool) -> list[InputFile]:
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
    if named is None and used and read.label_from not in ("file", "folder"):
        notes += _notes_on_lone_names(files, places, documents=documents) + notes_on_folds(files, places)
    if named is None or _are_labels(named, places, read):
        return files
    if used:
        notes += notes_on_split_folds(files, places, named)
    for file, place, split in zip(files, places, named.splits, strict=True):
        source = file.source
        if used:
            source.split, source.split_by = split, "files" if named.level is None else "folders"
        if named.level is None:
            source.stem = class_in(place.stem) if word_of(place.stem) or split == "test" else place.stem
            source.split_name = source.path.name if source.path else ""
        elif split:
            source.split_name = file.folders[named.level]
            file.folders = (*file.folders[: named.level], *file.folders[named.level + 1 :])
            file.depth -= named.level < file.depth
            source.split_level = named.level - file.depth
    if stated:
        names = ", ".join(named.names[:3]) + (", …" if len(named.names) > 3 else "")
        notes.append(f"names tell splits ({names}), but are not used for them: {stated} is given")
    return without([file for file, split in zip(files, named.splits, strict=True) if not split], files)


def _notes_on_lone_names(files: Sequence[InputFile], places: Sequence[Place], *, documents: bool) -> list[str]:
    """Return notes on names of splits that are not used, as other files or folders have none."""
    lone = short_names(places, documents=documents) or lone_names(places, documents=documents)
    if lone is None:
        return []
    options: list[str] = []
    held_out = {name: "test" for name in lone.others if is_held_out(name)} if {*lone.told.values()} == {"train"} else {}
    for name, word in (lone.told | held_out).items():
        same = [file for file, one in zip(files, lone.names, strict=True) if one == name]
        for file in same if lone.level is None else same[:1]:
            if (path := file.source.path) is not None and word != "train":
                path = path if lone.level is None else path.parents[len(file.folders) - 1 - lone.level]
                options.append(f"--{'val' if word == 'val' else 'test'} {path}")
    what = "file" if lone.level is None else "folder"
    names, others = (
        f"{what}{'s' * (len(some) > 1)} {', '.join(some[:3])}{', …' * (len(some) > 3)}" for some in ([*lone.told], lone.others)
    )
    also = " (with --label-from folder, if the classes are folders)" * (lone.level is None and all(f.folders for f in files))
    way = f"to use it{also}: {' '.join(options)}" if options else "say which files are for testing with --test"
    has = ["has" if len(some) == 1 else "have" for some in (lone.told, lone.others)]
    if not lone.others and None not in lone.names:
        return [f"names are not used for splits: the {names} may be short for them; {way}"]
    without = f"the {others} {has[1]} not" if lone.others else "other files are in no such folder"
    return [f"names are not used for splits: the {names} {has[0]} the name of a split, {without}; {way}"]


def _are_labels(named: NamedSplits, places: Sequence[Place], read: ReadOptions) -> bool:
    """Return whether the user says that the names that tell splits are labels."""
    if read.label_from == "file":
        return named.level is None and not any(told[1] for place in places if (told := word_of(place.stem)))
    return read.label_from == "folder" and named.level is not None and all(len(place.folders) < 2 for place in places)


def _refuse_empty_splits(files: Sequence[InputFile]) -> None:
    """Raise an `InputError` if a folder named as a split holds nothing that is read, beside others that do."""
    for listing in {id(file.listing): file.listing for file in files if file.listing}.values():
        names = {parts[0]: word for parts in listing.folders if len(parts) == 1 and (word := word_of(parts[0]))}
        read = {listing.parts(file)[0] for file in listing.files}
        empty = [name for name in names if name not in read]
        if empty and "train" in {word for word, _ in names.values()} and len(names) > len(empty):
            way, why = "put files of a known kind there", ""
            if empty[0] in listing.left_out.links:
                way, why = "put the folder itself there", ", because it is a link, which seqmix does not follow"
            raise InputError(
                f"{listing.root / empty[0]}: nothing in this split folder is read{why}"
                + advice(way, f"leave it out with {param('exclude', empty[0])}")
            )


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
