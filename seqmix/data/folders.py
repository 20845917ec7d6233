"""What lies under a folder that is given as an input: the files to read, and an account of all that is left out."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from seqmix.data.options import SEQUENCE_FORMATS, TABLE_FORMATS, ReadOptions
from seqmix.data.readers.formats import ENDINGS, TABLE_ENDINGS, TEXT_ENDINGS, detect_format
from seqmix.data.readers.opening import open_stream, unpacked_name
from seqmix.data.readers.releases import Missing
from seqmix.data.strays import is_about, without_texts
from seqmix.errors import InputError, SeqmixError, advice, param

Parts = tuple[str, ...]

_NO_DATA = {"__MACOSX", "__pycache__", "lost+found"}  # folders that systems and programs leave behind
_SMALL = 256  # bytes
_LOOKED_AT = 64  # documents whose content is looked at to learn whether there are sequences among them


@dataclass(slots=True)
class LeftOut:
    """What input folders contain that is not read.

    Attributes:
        files: paths of files within their folder.
        links: where links lead that are not followed, by their paths: nowhere, to a folder, or to a file that is read under
            another name.
        empty: paths of folders without a file.
        hidden: number of hidden files and folders.
        asked: paths of files left out by patterns of the user.
        without_content: paths of empty files beside others of their class.
        read: paths of the folders in which files are read.
    """

    files: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    hidden: int = 0
    asked: list[str] = field(default_factory=list)
    without_content: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    def add(self, other: LeftOut) -> None:
        """Add what was left out of another folder."""
        self.files += other.files
        self.links |= other.links
        self.empty += other.empty
        self.hidden += other.hidden
        self.asked += other.asked
        self.without_content += other.without_content
        self.read |= other.read

    def note(self) -> str:
        """Return "left out: 3 files (.xlsx 2, README.txt), 1 empty folder, 1 link"; "" if nothing was left out."""
        parts = [f"{_counted(len(self.files), 'file')} ({_kinds(self.files)})"] if self.files else []
        if nothing := self.without_content:
            parts += [f"{_counted(len(nothing), 'empty file')} ({', '.join(nothing[:3])}{', …' * (len(nothing) > 3)})"]
        parts += [_counted(len(self.empty), "empty folder")] if self.empty else []
        if self.links:
            told = [f"{path} leads {where}" for path, where in self.links.items()]
            parts.append(f"{_counted(len(told), 'link')} ({', '.join(told[:3])}{', …' * (len(told) > 3)})")
        parts += [_counted(self.hidden, "hidden file")] if self.hidden else []
        if self.asked:
            folders = dict.fromkeys(file.rpartition("/")[0] for file in self.asked)
            whole = [folder for folder in folders if folder and folder not in self.read]
            of = f" (all of {', '.join(whole[:3])}{', …' * (len(whole) > 3)})" if whole and self.read else ""
            parts.append(f"{_counted(len(self.asked), 'file')} as asked{of}")
        return f"left out: {', '.join(parts)}" if parts else ""


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _kinds(files: Sequence[str]) -> str:
    """Return the kinds of files: the ending and the number of several, the name of a single file."""
    endings = Counter(map(_ending, files))
    named = {_ending(file): file for file in files}
    shown = [
        named[ending] if count == 1 else f"{ending or 'without an ending'} {count:,}" for ending, count in endings.most_common()
    ]
    return ", ".join(shown[:6]) + (", …" if len(shown) > 6 else "")


def _ending(file: str) -> str:
    name = unpacked_name(file.rpartition("/")[2])
    return f".{name.rpartition('.')[2].lower()}" if "." in name.strip(".") else ""


@dataclass(slots=True)
class Listing:
    """What lies under a folder.

    Attributes:
        root: the folder.
        files: the files to read, in order.
        folders: all folders in it, and links to folders, as parts of their path; without hidden and excluded ones.
        left_out: the rest.
        used: the patterns for what to leave out that matched something.
        include: the patterns of the files to read.
        kind: what is kept: "sequences", "tables" or "documents"; "" if all is.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    folders: list[Parts] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    used: set[str] = field(default_factory=set)
    include: Sequence[str] = ()
    kind: str = ""

    def parts(self, file: Path) -> Parts:
        """Return the parts of the path of a file within the folder."""
        return file.relative_to(self.root).parts

    def leave_out(self, files: Iterable[Path]) -> None:
        """Move files from those that are read to those that are left out."""
        gone = set(files)
        if not gone:
            return
        self.files = [file for file in self.files if file not in gone]
        self.left_out.files += ["/".join(self.parts(file)) for file in sorted(gone)]


def list_folder(root: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Listing:
    """Return what lies under a folder. Links to folders are not followed.

    Args:
        root: the folder.
        include: patterns of the files to read, whatever their ending; () for all with a known ending.
        exclude: patterns of files and folders to leave out.

    Raises:
        InputError: a folder may not be read.
    """
    listing = Listing(root, include=include)
    for place, folders, names in os.walk(root, onerror=_refuse):
        above = Path(place).relative_to(root).parts
        seen = [name for name in folders if not _is_hidden(name)]
        listing.left_out.hidden += len(folders) - len(seen)
        kept = [name for name in seen if not _excluded(listing, (*above, name), exclude, folder=True)]
        listing.folders += [(*above, name) for name in kept]
        links = [name for name in kept if Path(place, name).is_symlink()]
        listing.left_out.links |= {"/".join((*above, name)): "to a folder" for name in links}
        folders[:] = [name for name in kept if name not in links]
        files = [name for name in names if not _is_hidden(name)]
        listing.left_out.hidden += len(names) - len(files)
        for name in files:
            _sort_file(listing, (*above, name), include, exclude)
        if above and not seen and not files:
            listing.left_out.empty.append("/".join(above))
    listing.files.sort()
    listing.folders.sort()
    _leave_out_second_names(listing)
    listing.left_out.read = {"/".join(listing.parts(file)[:-1]) for file in listing.files}
    return listing


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read: {error.strerror or error}") from error


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _NO_DATA


def _sort_file(listing: Listing, parts: Parts, include: Sequence[str], exclude: Sequence[str]) -> None:
    path, inner = listing.root.joinpath(*parts), "/".join(parts)
    if _excluded(listing, parts, exclude) or (include and not any(_matches(parts, pattern) for pattern in include)):
        listing.left_out.asked.append(inner)
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        listing.left_out.links[inner] = "nowhere"
        return
    wanted = include or unpacked_name(parts[-1].lower()).endswith(ENDINGS)
    if wanted and stat.S_ISREG(mode):
        listing.files.append(path)
    else:
        listing.left_out.files.append(inner)


def _excluded(listing: Listing, parts: Parts, patterns: Sequence[str], *, folder: bool = False) -> bool:
    """Return whether a pattern matches a file or folder, or all that is in a folder."""
    found = [p for p in patterns if _matches(parts, p) or (folder and p.endswith("/*") and _matches(parts, p.rstrip("/*")))]
    listing.used.update(found)
    return bool(found)


def _matches(parts: Parts, pattern: str) -> bool:
    """Return whether a pattern matches a file by its path, its name, or a folder that it is in."""
    pattern = pattern.removeprefix("./").removeprefix("**/").rstrip("/")
    paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return any(fnmatchcase(path, pattern) for path in paths) or ("/" not in pattern and fnmatchcase(parts[-1], pattern))


def _leave_out_second_names(listing: Listing) -> None:
    """Leave out links to files that are read anyway."""
    links = [file for file in listing.files if file.is_symlink()]
    if not links:
        return
    known = {file.resolve() for file in listing.files if not file.is_symlink()}
    for link in links:
        target = link.resolve()
        if target in known:
            listing.files.remove(link)
            listing.left_out.links["/".join(listing.parts(link))] = "to a file that is read"
        known.add(target)


def keep_one_kind(listing: Listing, read: ReadOptions) -> None:
    """Leave out the files that only accompany the data, such as README.txt and tables beside FASTA.

    With sequences, all other files go. Between tables and documents the number decides, in folders if there are any.
    """
    if others := [file for file in listing.files if kind_by_name(file) == "sequences" or not is_about(file)]:
        listing.leave_out(set(listing.files) - set(others))
    kinds = {file: kind_by_name(file) for file in listing.files}
    if read.format != "auto":
        asked = _kind_of(read.format)
        if asked in kinds.values():
            listing.kind = asked
            listing.leave_out(file for file, kind in kinds.items() if kind != asked)
        return
    encoding = read.encoding
    doubtful = [file for file, kind in kinds.items() if kind != "sequences"]
    if len(doubtful) < len(kinds) or any(_content(file, encoding) == "sequences" for file in doubtful[:_LOOKED_AT]):
        kinds |= {file: _content(file, encoding) for file in doubtful}
        kinds |= dict.fromkeys(_short_texts(kinds), "documents")
    if "sequences" in kinds.values():
        kept = "sequences"
    else:
        pool = [file for file in kinds if file.parent != listing.root] or [*kinds]
        tables = sum(kinds[file] == "tables" for file in pool)
        kept = "tables" if tables * 2 >= len(pool) and tables else "documents"
    listing.kind = kept
    listing.leave_out(file for file, kind in kinds.items() if kind != kept)
    if kept == "tables":
        listing.leave_out(without_texts(listing.files, read))


def _short_texts(kinds: Mapping[Path, str]) -> list[Path]:
    """Return the texts that only look like FASTA since they are short, such as ">he said", "thanks".

    They are texts if other texts are at least as many, and nothing else is a sequence.
    """
    texts = [file for file in kinds if is_text_by_name(file)]
    short = [file for file in texts if kinds[file] == "sequences" and file.stat().st_size < _SMALL]
    alone = len(short) == list(kinds.values()).count("sequences")
    return short if alone and 2 * len(short) <= sum(kinds[file] != "tables" for file in texts) else []


def missing_folders(listing: Listing, level: int) -> list[Missing]:
    """Return the folders in which nothing is read, of those at a level, counted from 0, or with nothing in them down to there.

    Folders of which all files are left out by patterns of the user are not among them.
    """
    inner = {listing.parts(file)[:-1] for file in listing.files}
    read = {parts[:length] for parts in inner for length in range(len(parts) + 1)}
    found = [p for p in listing.folders if len(p) <= level + 1 and p not in read and p[:-1] in read | {()}]
    return [missing for folder in found if (missing := _why_missing(listing, folder))]


def _why_missing(listing: Listing, folder: Parts) -> Missing | None:
    """Return why nothing in a folder is read; None if the user asked for it."""
    inner = "/".join(folder)
    out = listing.left_out
    files, links, asked = ([p for p in some if f"{p}/".startswith(f"{inner}/")] for some in (out.files, out.links, out.asked))
    if files:
        unknown = [p for p in files if not unpacked_name(p.lower()).endswith(ENDINGS)]
        reason = f"its files ({_kinds(files)}) {_why_left_out(listing, files, unknown)}"
        kept = [p for p in unknown if not listing.include and _is_of_kind(listing.root / p, listing.kind)]
        return Missing(folder[-1], inner, reason, readable=bool(kept))
    wanted = not listing.include or any(_matches((*folder, "file"), pattern) for pattern in listing.include)
    if links:
        is_link = inner in links
        way = advice("put the folder itself there", f"name the files of each class with {param('class_files')}")
        reason = f"it is a link, and links to folders are not followed{way}" if is_link else _why_links(listing, links)
        wanted = wanted or any("/" not in pattern and "*" in pattern for pattern in listing.include)
        return Missing(folder[-1], inner, reason) if wanted else None
    if asked:
        return None if listing.include else Missing(folder[-1], inner, "all its files are left out, as asked")
    reason = "it is empty" if inner in out.empty else "it holds no files, or hidden ones only"
    return Missing(folder[-1], inner, reason) if wanted else None


def _why_left_out(listing: Listing, files: Sequence[str], unknown: Sequence[str]) -> str:
    """Return why the files of a folder are left out."""
    if unknown:
        return "are of unknown kinds"
    paths = [listing.root / file for file in files]
    if all(is_about(path) for path in paths):
        return "are about the data, by their names"
    if listing.kind == "tables" and all(kind_by_name(path) == "tables" for path in paths):
        return "have no column of texts, as other tables do"
    return f"are not {listing.kind or 'records'}, which is what other folders hold"


def _why_links(listing: Listing, links: Sequence[str]) -> str:
    """Return why the links in a folder are not followed."""
    if not any((listing.root / link).exists() for link in links):
        return "it holds links that lead nowhere"
    return "it holds links only, to folders or to files that are read under another name"


def _is_of_kind(file: Path, kind: str) -> bool:
    try:
        with file.open("rb") as raw:
            return _kind_of(detect_format(open_stream(raw, str(file)).peek(65536), str(file), "utf-8")) == kind
    except (SeqmixError, OSError):
        return False


def is_text_by_name(file: Path) -> bool:
    """Return whether the ending of a file is that of a document."""
    return unpacked_name(file.name.lower()).endswith(TEXT_ENDINGS)


def kind_by_name(file: Path) -> str:
    """Return what a file holds, by its name."""
    name = unpacked_name(file.name.lower())
    if name.endswith(tuple(TABLE_ENDINGS)):
        return "tables"
    return "sequences" if name.endswith(ENDINGS) and not name.endswith(TEXT_ENDINGS) else "documents"


def _content(file: Path, encoding: str) -> str:
    """Return what a file holds, by its content; by its name if that cannot be told."""
    try:
        with file.open("rb") as raw:
            kind = detect_format(open_stream(raw, str(file)).peek(65536), str(file), encoding)
    except (SeqmixError, OSError):
        return kind_by_name(file)
    return _kind_of(kind)


def _kind_of(form: str) -> str:
    return "sequences" if form in SEQUENCE_FORMATS else "tables" if form in TABLE_FORMATS else "documents"
