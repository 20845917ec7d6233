"""Files, folders and standard input to the sources that records are read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from seqmix.data.readers.releases import Source, find_release, readable, recognise
from seqmix.errors import ConfigError, InputError, param, shown


def find_sources(
    inputs: Iterable[str | Path] | str | Path,
    split: str | None = None,
    *,
    own_formats: bool = True,
    in_memory: str = "records",
) -> list[Source]:
    """Return the files that `inputs` stand for; folders are searched, `-` is standard input.

    Args:
        inputs: files and folders.
        split: of all of them; None for what a release says of its files.
        own_formats: whether files of a release are read in its format; not if the user names another.
        in_memory: the Python parameter for what is in memory and not in a file.

    Raises:
        InputError: a path does not exist, or a folder holds nothing that can be read.
    """
    sources: list[Source] = []
    for given in inputs if isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes) else [inputs]:
        path = _existing(given, in_memory)
        if path is None:
            sources.append(Source(None))
        elif path.is_dir():
            sources += find_release(path, own_formats) or _files_in(path, own_formats)
        else:
            sources.append((recognise(path) if own_formats else None) or Source(path))
    # A split that all have in common, such as that of a single file, divides nothing.
    if split or len({source.split for source in sources}) == 1:
        for source in sources:
            source.split = split
    return sources


def _existing(given: object, in_memory: str) -> Path | None:
    """Return the path of a file or folder that exists; None for standard input.

    Raises:
        InputError: it does not exist, or is not a path at all but, it seems, a sequence.
    """
    if not isinstance(given, str | Path):
        raise InputError(f"a file or folder must be given by its path, got {shown(given)}; {_elsewhere(in_memory)}")
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


def _files_in(folder: Path, own_formats: bool) -> list[Source]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and readable(p, folder))
    if not files:
        raise InputError(f"{folder}: no readable file in this folder (FASTA, FASTQ, GenBank, CSV, TSV, JSONL, .txt)")
    sources = []
    for file in files:
        inner = file.relative_to(folder).parts
        plain = Source(file, None, inner[0] if len(inner) > 1 else None, "/".join(inner))
        sources.append((recognise(file) if own_formats else None) or plain)
    return sources


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


def class_sources(class_files: Mapping[str, Sequence[str | Path]]) -> list[Source]:
    """Return the files of each class as sources; a folder stands for all files in it.

    Raises:
        InputError: a file does not exist, or is named for two classes.
    """
    sources: dict[Path | None, Source] = {}
    for name, files in class_files.items():
        for source in chain.from_iterable(map(_plain_sources, map(Path, files))):
            source.folder_class = name
            if (earlier := sources.setdefault(source.path, source)) is not source:
                raise InputError(
                    f"{source.name}: this file is named twice in {param('class_files')}: '{earlier.folder_class}' and '{name}'"
                )
    return list(sources.values())


def _plain_sources(path: Path) -> list[Source]:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    return _files_in(path, own_formats=False) if path.is_dir() else [Source(path)]
