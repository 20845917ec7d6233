"""Which of the places that may have labels is taken, and where labels, texts and splits of a data set were read, in words."""

from __future__ import annotations

import shlex
import stat
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from seqmix.config.data import SPLITS
from seqmix.data.alike_names import notes_on_alike
from seqmix.data.folders import kind_by_name
from seqmix.data.labels.hints import LABEL_IN_HEADER, varying_key
from seqmix.data.labels.source import file_stem
from seqmix.data.options import SEQUENCE_FORMATS, TABLE_FORMATS, ReadOptions
from seqmix.data.readers.columns import TEXT_COLUMNS
from seqmix.data.readers.entry import Entry
from seqmix.data.readers.formats import detect_format
from seqmix.data.readers.opening import open_stream
from seqmix.data.readers.releases import Source, listed
from seqmix.data.splits.names import are_folds, are_parts, class_in
from seqmix.errors import SeqmixError

_SHOWN = 3  # names


def name_by_file(sources: Sequence[Source], notes: list[str]) -> bool:
    """Set the classes that the names of files tell; `notes` gets what a user should know of names that are alike.

    Returns:
        Whether the names may be classes: files outside folders of classes, several of one split.
    """
    files = [source for source in sources if source.path and source.folder_class is None and not source.release]
    named = [source for source in files if source.stem is not None]  # the name of a split was taken out
    short: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for source in files:
        if source.stem is None and source.path and _has_name(source):
            short[source.split, file_stem(source.path)].add(file_stem(source.path, whole=True))
    alike = {stem for (_, stem), whole in short.items() if len(whole) > 1}
    for source in files:
        if source.stem is None and source.path and _has_name(source):
            stem = file_stem(source.path)
            source.stem = file_stem(source.path, whole=True) if stem in alike else stem
    _align_stems(files)
    if not files or all(source.format for source in files):
        return False
    split = next((source.split for source in files if source.split == "train"), files[0].split)
    own = [source for source in files if source.split == split]
    several = len({source.stem if source in named else str(source.path) for source in own}) > 1
    if are_folds(source.stem for source in own):
        return False
    if several and not named:
        notes += [f"several files are of '{stem}': their classes are their whole names" for stem in sorted(alike)]
        notes += _same_stems(own)
    return several


def _align_stems(sources: Sequence[Source]) -> None:
    """Take the names of splits out of classes if these differ in nothing else: Train_Pos, and with --test Test_Pos."""
    stems = {source.stem for source in sources if source.split == "train"}
    others = {source.stem for source in sources if source.split in ("val", "test")}
    inner = {stem: class_in(stem) for stem in (stems | others) - {None} if stem is not None}
    if not stems or others <= stems or None in stems | others or not all(inner.values()):
        return
    if {inner[stem] for stem in others if stem} <= {inner[stem] for stem in stems if stem}:
        for source in sources:
            source.stem = inner[source.stem or ""]


def _same_stems(sources: Sequence[Source]) -> list[str]:
    by_stem: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        if source.stem is not None and source.path and kind_by_name(source.path) != "tables" and not source.document:
            by_stem[source.stem].append(source.name)
    return [f"{listed(names, 'file')} are of one class by name: '{s}'" for s, names in by_stem.items() if len(names) > 1]


def _has_name(source: Source) -> bool:
    """Return whether the name of a source may be a class, which that of a pipe, such as /dev/fd/63, is not."""
    if source.path is None or str(source.path).startswith(("/dev/", "/proc/")):
        return False
    try:
        return stat.S_ISREG(source.path.stat().st_mode)
    except OSError:
        return True


def prefer_headers(sources: Sequence[Source], notes: list[str], *, by_file: bool, form: str) -> bool:
    """Let the headers of FASTA files be the labels, not the names of files or folders, if all files have labels there.

    Args:
        sources: the files; `folder_class` of those with labels in headers is removed.
        notes: gets a note where only some files have labels in headers.
        by_file: whether the names of files may be classes.
        form: the format of all files, or "auto".

    Returns:
        Whether the names of files may still be classes.
    """
    places = [s for s in sources if not s.by_user and (s.folder_class is not None or by_file) and s.path and _has_name(s)]
    if form != "auto" and form not in SEQUENCE_FORMATS:
        return by_file
    heads = {source.name: head for source in places if (head := _first_headers(source))}
    headers = {name: head[0] for name, head in heads.items()}
    labelled = [name for name, header in headers.items() if LABEL_IN_HEADER.search(header)]
    if not labelled:
        parts = are_parts(source.folder_class or source.stem or "" for source in places)
        if key := varying_key(list(heads.values()), likely=parts):
            instead = "folders" if any(source.folder_class is not None for source in places) else "files"
            notes.append(
                f"'{key}' in the headers was not used, as names of {instead} are classes; if it is the label: "
                f"--label-from header:{key}"
            )
        return by_file
    if len(labelled) < len(headers):
        notes.append(
            f"label=… in the headers of {listed(labelled, 'file')} was not used, as other files have none "
            "(--label-from header:label)"
        )
        return by_file
    notes.clear()
    found = [source for source in places if source.name in headers]
    instead = "folder" if any(source.folder_class is not None for source in found) else "file"
    names = list(dict.fromkeys(source.folder_class or source.stem for source in found))
    if len(names) > 1:
        notes.append(
            f"labels were read in the headers, not from the names of {instead}s ({_some([name or '' for name in names])}): "
            f"--label-from {instead} takes those"
        )
    for source in found:
        source.folder_class = None
    return False


def _first_headers(source: Source) -> list[str]:
    """Return the headers in the first part of a FASTA or FASTQ file; [] if it is of another format."""
    if source.path is None or source.format or source.document:
        return []
    try:
        with source.path.open("rb") as raw:
            head = open_stream(raw, source.name).peek(1 << 16)
        if detect_format(head, source.name, "utf-8") not in ("fasta", "fastq"):
            return []
    except (SeqmixError, OSError):
        return []  # explained when it is read
    return [line.decode("latin-1") for line in head.splitlines() if line.startswith((b">", b"@"))]


def text_place(kind: str, source: Source, first: Entry, options: ReadOptions) -> str:
    """Return in words where the texts of a source are.

    Args:
        kind: format of the source.
        source: the source.
        first: its first entry.
        options: how it is read.
    """
    if kind in TABLE_FORMATS:
        usual = [name for name in first.columns if name.strip().lower() in TEXT_COLUMNS]
        same = [
            name
            for name, cell in first.columns.items()
            if isinstance(cell, str) and isinstance(first.text, str) and cell == first.text
        ]
        column = options.text_column or next((name for name in usual if name in same), (same or usual or ["text"])[0])
        return f"column '{column}'" + (f" and column '{options.pair_column}'" if options.pair_column else "")
    if source.release and kind not in (*SEQUENCE_FORMATS, "text"):
        return source.release.name
    return "documents" if kind == "text" else f"{_spelled(kind)} records"


def _spelled(kind: str) -> str:
    return {"genbank": "GenBank"}.get(kind, kind.upper())


def origins_of(sources: Sequence[Source], options: ReadOptions) -> dict[str, str]:
    """Return in words where labels, texts and splits were read; "" for splits if no record has one."""
    labels = dict.fromkeys(map(_label_place, sources))
    if (above := dict.fromkeys(name for s in sources for name in s.folders[:-1])) and "names of folders" in labels:
        names = sorted({source.folder_class for source in sources if source.folder_class is not None})
        named = f"names of folders ({_some(names)}); the folders {_some([*above])} above them are not used"
        labels = {named if place == "names of folders" else place: None for place in labels}
    if "names of files" in labels and (unused := _levels(sources)):
        labels = {
            f"{place}; the folders {unused} are not used" if place == "names of files" else place: None for place in labels
        }
    texts = dict.fromkeys(source.text_place for source in sources if source.text_place)
    splits: list[str] = []
    if options.split_from:
        splits.append(describe_place(options.split_from))
    else:
        for what in ("files", "folders"):
            own = sorted((source for source in sources if source.split_by == what), key=lambda s: SPLITS.index(s.split or ""))
            names = list(dict.fromkeys(source.split_name for source in own))
            if names:
                splits.append(f"{what} {_some(names)}")
        options_given = dict.fromkeys(source.split_by for source in sources if source.split_by.startswith("--"))
        given = [flag for flag in options_given if flag != "--train"]
        splits += [_some(given)] if given else []
        splits += dict.fromkeys(
            f"as {source.release.name} gives them"
            for source in sources
            if source.release and source.split and not source.split_by
        )
    return {"labels": _some([*labels]) or "none", "texts": _some([*texts]), "splits": " and ".join(splits)}


def _label_place(source: Source) -> str:
    if source.label_place:
        return describe_place(source.label_place)
    if source.by_user:
        return "--class"
    return "names of folders" if source.folder_class is not None else "none"


def unused_folders(sources: Sequence[Source]) -> list[str]:
    """Return notes on names of folders that tell nothing, as the labels are in a column or there are none; [] if all do."""
    notes = []
    found = [s for s in sources if s.label_place.startswith("column:") and (s.inner or s.split_by == "files")]
    if shown := _levels(found, folds=False):
        names = f"the names of the folders {shown} are not used"
        notes.append(f"{names}: their records are put together; prepare one by itself if it is a set")
    found = [s for s in sources if not s.label_place and s.folder_class is None and s.inner and not s.release]
    if shown := _levels(found, folds=False):
        notes.append(f"the folders {shown} are not used as labels; if they are the classes: give the folder that they are in")
    return notes + _folders_above(sources)


def _folders_above(sources: Sequence[Source]) -> list[str]:
    """Return a note on folders above those that are the classes, which may be the classes; [] if there are none."""
    found = [
        source
        for source in sources
        if not source.label_place and not source.by_user and source.folders[-1:] == (source.folder_class,) and source.path
    ]
    above = {s.folders[-2]: _folder_named(s.folders[-2], s.path) for s in found if len(s.folders) > 1 and s.path}
    if len(above) < 2:
        return []
    names = _some(sorted({source.folder_class or "" for source in found}))
    ways = [f"--class {shlex.quote(f'{name}={folder}')}" for name, folder in sorted(above.items())]
    way = "give them one by one" if any(source.split for source in found) else _some_ways(ways)
    return [f"the classes are the folders {names}, not those above, {_some(sorted(above))}; if those are the classes: {way}"]


def _some_ways(ways: Sequence[str]) -> str:
    return " ".join(ways[:_SHOWN]) + " …" * (len(ways) > _SHOWN)


def _folder_named(name: str, file: Path) -> Path:
    """Return the folder of this name that is nearest to a file and does not hold it directly."""
    return next((folder for folder in file.parent.parents if folder.name == name), file.parent)


def notes_on_places(sources: Sequence[Source]) -> list[str]:
    """Return notes on classes that may not be meant: names of parts of one set, and labels from places of different kinds."""
    notes = []
    files: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        place = _label_place(source)
        if place not in ("none", "--class") and not source.release:
            files[place].append(source)
    for place, own in files.items():
        by_folder = place == "names of folders"
        names = [name for source in own if (name := source.folder_class if by_folder else source.stem)]
        if place in ("names of files", "names of folders") and are_parts(names):
            shown = _some([*dict.fromkeys(names)])
            notes.append(
                f"the classes are {place} ({shown}) that look like those of the parts of one set; if they are not classes: say "
                "where the labels are with --label-from"
            )
        elif place == "names of files":
            notes += notes_on_alike(names)
    if len(files) > 1 and any(place.startswith("names of") for place in files):
        where = "; ".join(f"{place} for {_some([source.name for source in own])}" for place, own in files.items())
        notes.append(
            f"labels come from different places: {where}; if that is not meant: prepare each by itself, or name the class of "
            "each file with --class"
        )
    return notes


def _levels(sources: Sequence[Source], *, folds: bool = True) -> str:
    """Return the names of folders at each level that has several: "H3, H4 and fold0, fold1"; "" if there are none.

    Args:
        sources: the files.
        folds: whether folds of a cross-validation are wanted.
    """
    levels = [dict.fromkeys(level) for level in zip(*(source.folders for source in sources if source.folders), strict=False)]
    return " and ".join(_some([*level]) for level in levels if len(level) > 1 and (folds or not are_folds(level)))


def describe_place(text: str) -> str:
    """Return a source of labels in words: "column 'label'" for "column:label"."""
    kind, _, key = text.partition(":")
    words = {
        "column": f"column '{key}'",
        "header": f"'{key}' in the headers",
        "header-regex": f"{key} in the headers",
        "table": f"table {key}",
    }
    return words.get(kind) or {"file": "names of files", "folder": "names of folders"}[kind]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
