"""Data sets in the form in which their sources distribute them: recognising their files, and what each file says about its
records.

Recognised by content: folders of splits that contain folders of classes (IMDb), CIFAR-10, Pathfinder, and the tables of Long
Range Arena (ListOps, pairs from the ACL Anthology Network). The parsers of the two tables are here, those of images in
`images`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from seqmix.config.data import SPLIT_NAMES, SPLITS
from seqmix.data.readers.entry import Entry, decoded_lines
from seqmix.data.readers.images import parse_cifar, parse_cifar_binary, parse_pathfinder
from seqmix.data.readers.opening import open_stream, reading, unpacked_name
from seqmix.errors import InputError

# Names of folders and files in releases, and the split that each means.
_SPLIT_OF = {name: SPLITS[number] for name, number in SPLIT_NAMES.items()}
_UNLABELLED = "unsup"
_NUMBERS = re.compile(rb"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$")
_PAIR_CELLS = ("label", "id1", "id2", "text1", "text2")


@dataclass(frozen=True, slots=True)
class Release:
    """A data set that was recognised.

    Attributes:
        name: its name for users.
        alphabet: default alphabet of `prepare`; "auto" for the usual one.
        split: default split of `prepare`; "auto" for the usual one.
        notes: what was left out.
    """

    name: str
    alphabet: str = "auto"
    split: str = "auto"
    notes: tuple[str, ...] = ()


CIFAR = Release("CIFAR-10", alphabet="bytes")
PATHFINDER = Release("Pathfinder", alphabet="bytes", split="0.9,0.05,0.05")
PAIRS = Release("pairs of documents (AAN)", alphabet="chars")
LISTOPS = Release("ListOps", alphabet="words")
IMDB = Release("IMDb reviews (aclImdb)")
RELEASE_FORMATS = ("cifar-10", "cifar-10-binary", "pathfinder", "pairs", "listops")


@dataclass(frozen=True, slots=True)
class Missing:
    """A folder in which nothing is read.

    Attributes:
        name: its name.
        path: its path within the folder that was given.
        reason: why, in words.
        readable: whether it would be read if files of any ending were.
    """

    name: str
    path: str
    reason: str
    readable: bool = False


@dataclass(slots=True)
class Source:
    """One input file, and what its location says about its records.

    Attributes:
        path: the file; None for standard input.
        split: split of its records; None if not given.
        folder_class: class of its records by folder; None if not given.
        inner: its path inside the given folder, which is the id of a document.
        document: whether it is among documents and is one, even if it looks like a sequence.
        sha256: checksum of the file.
        content: a number that is the same for files with the same records.
        format: name of its format.
        release: the release that it belongs to; None if there is none.
        stratum: name of a stratum of records; every split gets its share, besides the classes.
        left_out: ids of records that could not be used, filled while the file is read.
        companions: SHA-256 of other files read with it, filled while the file is read.
        stem: class of its records by the name of the file; None if it has no name that could be one.
        by_user: whether the class was named by the user.
        split_by: what tells its split: "files", "folders", an option; "" for nothing or a release.
        split_name: the name of the file or folder that tells its split.
        split_level: the place of that folder among those within the given folder.
        missing_classes: folders beside that of its class in which nothing is read.
        folders: names of the folders that it is in, at those levels at which not all files are in one folder.
        label_place: where its labels are, as the user writes it; "" for nowhere, or its folder.
        text_place: where its texts are, in words.
        notes: what a user should know of the inputs that were given with it.
    """

    path: Path | None
    split: str | None = None
    folder_class: str | None = None
    inner: str = ""  # its path inside a folder that was given; the id of a document
    document: bool = False
    sha256: str = ""
    content: int = 0
    format: str = ""
    release: Release | None = None
    stratum: str = ""
    left_out: list[str] = field(default_factory=list)
    companions: dict[str, str] = field(default_factory=dict)
    stem: str | None = None
    by_user: bool = False
    split_by: str = ""
    split_name: str = ""
    split_level: int = 0
    missing_classes: tuple[Missing, ...] = ()
    folders: tuple[str, ...] = ()
    label_place: str = ""
    text_place: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.path) if self.path else "standard input"


def find_release(folder: Path) -> list[Source]:
    """Return the files of the release in `folder` that has a format of its own, or an empty list if there is none."""
    with reading(str(folder)):
        return _find_cifar(folder) or _find_pathfinder(folder)


def _find_cifar(folder: Path) -> list[Source]:
    files = sorted([*folder.glob("data_batch_*"), *folder.glob("test_batch*")])
    return [source for file in files if (source := recognise(file)) and source.release is CIFAR]


def _find_pathfinder(folder: Path) -> list[Source]:
    """Return lists of images of one or more difficulties, each in a folder."""
    sources = []
    for part in (folder, *sorted(p for p in folder.iterdir() if p.is_dir())):
        if (part / "imgs").is_dir() and (part / "metadata").is_dir():
            lists = sorted((part / "metadata").glob("*.npy"), key=lambda path: (len(path.name), path.name))
            stratum = part.absolute().name
            sources += [Source(path, format="pathfinder", release=PATHFINDER, stratum=stratum) for path in lists]
    return sources


def find_folder_splits(folder: Path, files: list[Path]) -> list[Source]:
    """Return files in folders of classes in folders of splits; an empty list if there are other folders.

    Args:
        folder: the folder.
        files: those in it that can be read.
    """
    splits = {p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")}
    if not {"train"} < {_SPLIT_OF.get(name.lower(), "") for name in splits} <= {"train", "val", "test"}:
        return []
    inner = [path.relative_to(folder).parts for path in files]
    classes = {(parts[0], parts[1]) for parts in inner if len(parts) > 2}
    if {split for split, _ in classes} != splits:
        return []
    deep = [parts[2:-1] for parts in inner if len(parts) > 2]
    if any(len(set(level)) > 1 for level in zip(*deep, strict=False)):
        return []  # folders nearer to the files are the classes
    names = {name for _, name in classes}
    imdb = {"pos", "neg"} <= names <= {"pos", "neg", _UNLABELLED}
    used = [len(parts) > 2 and not (imdb and parts[1] == _UNLABELLED) for parts in inner]
    strays = ["/".join(parts) for parts in inner if len(parts) < 3]
    notes = []
    if sum(used) + len(strays) < len(files):
        count = len(files) - len(strays) - sum(used)
        notes.append(f"left out: {count:,} documents without a class, those in {_UNLABELLED}/")
    if strays:
        notes.append(f"left out, as they are in no folder of a class: {listed(strays, 'file')}")
    name = IMDB.name if imdb else f"folders of splits ({', '.join(sorted(splits))}) and of classes"
    release = Release(name, notes=tuple(notes))
    return [
        Source(path, _SPLIT_OF[parts[0].lower()], parts[1], "/".join(parts), release=release)
        for path, parts, use in zip(files, inner, used, strict=True)
        if use
    ]


def listed(names: list[str], what: str) -> str:
    """Describe names: "12 files (a, b, c, …)"."""
    return f"{len(names):,} {what}{'s' * (len(names) != 1)} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def recognise(file: Path) -> Source | None:
    """Return a file as part of a release, by its name or, for a `.tsv`, by its first line; None if it is not part of one."""
    name = file.name.lower()
    if batch := re.fullmatch(r"(data_batch_\d+|test_batch)(\.bin)?", name):
        kind = "cifar-10-binary" if batch[2] else "cifar-10"
        return Source(file, "test" if batch[1] == "test_batch" else "train", format=kind, release=CIFAR)
    plain = unpacked_name(name)
    if not plain.endswith(".tsv") or not file.is_file():  # from a pipe, nothing can be read twice
        return None
    split = _SPLIT_OF.get(re.split(r"[._-]", plain.removesuffix(".tsv"))[-1])
    with reading(str(file)), file.open("rb") as raw:
        cells = open_stream(raw, str(file)).readline(1 << 16).rstrip(b"\r\n").split(b"\t")
    if cells == [b"Source", b"Target"]:
        return Source(file, split, format="listops", release=LISTOPS)
    if "aan_pairs" in name or (len(cells) > 4 and re.fullmatch(rb"[01](\.0)?", cells[0]) and not _NUMBERS.match(cells[-1])):
        return Source(file, split, format="pairs", release=PAIRS)
    return None


def parse_release(stream: BinaryIO, source: Source, encoding: str) -> Iterator[Entry]:
    """Parse a file whose format is one of `RELEASE_FORMATS`.

    Args:
        stream: content of the file.
        source: the file; its `left_out` and `companions` are filled.
        encoding: encoding of tables.

    Yields:
        The entries of the file.

    Raises:
        InputError: the content is not that of such a file; the message names the file, and the line or record.
    """
    assert source.path is not None
    with reading(source.name):
        if source.format == "cifar-10":
            yield from parse_cifar(stream, source.path, source.companions)
        elif source.format == "cifar-10-binary":
            yield from parse_cifar_binary(stream, source.path, source.companions)
        elif source.format == "pathfinder":
            yield from parse_pathfinder(stream, source.path, source.companions, source.left_out)
        elif source.format == "pairs":
            yield from _parse_pairs(stream, source.name, encoding)
        else:
            yield from _parse_listops(stream, source.name, encoding)


def _parse_pairs(stream: BinaryIO, name: str, encoding: str) -> Iterator[Entry]:
    """Parse two documents per line, and whether one cites the other. There is no header, and quotes are ordinary characters."""
    for number, line in enumerate(decoded_lines(stream, name, encoding, newline="\n"), 1):
        cells = line.rstrip("\r\n").split("\t")
        label = cells[0].strip().removesuffix(".0")
        if len(cells) != len(_PAIR_CELLS):
            raise InputError(
                f"{name}: line {number}: {len(cells)} cells, where {len(_PAIR_CELLS)} were expected, separated by tabs: "
                f"{', '.join(_PAIR_CELLS)}"
            )
        if label not in ("0", "1"):
            raise InputError(f"{name}: line {number}: the label is '{cells[0][:30]}', 0 or 1 was expected")
        _, first, second, text, other = cells
        yield Entry(f"{first},{second}", text, number, "", {"label": label, "id1": first, "id2": second}, pair=other)


def _parse_listops(stream: BinaryIO, name: str, encoding: str) -> Iterator[Entry]:
    """Parse an expression per line, and its value. The round brackets add nothing to the square ones."""
    split = Path(name).name.split(".")[0]
    for number, line in enumerate(decoded_lines(stream, name, encoding), 1):
        cells = line.rstrip("\n").split("\t")
        if len(cells) != 2:
            raise InputError(f"{name}: line {number}: {len(cells)} cells, where 2 were expected: Source and Target")
        if number > 1:
            words = cells[0].replace("(", " ").replace(")", " ").split()
            yield Entry(f"{split}-{number - 1}", " ".join(words), number, "", {"Source": cells[0], "Target": cells[1]})
