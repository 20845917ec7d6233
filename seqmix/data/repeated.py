"""Inputs that are given twice: a file by two names, or the same content packed and unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from seqmix.data.labels.source import file_stem
from seqmix.data.readers.opening import BLOCK, open_stream, unpacked_name
from seqmix.data.readers.releases import Source
from seqmix.errors import InputError, SeqmixError, advice, param


def refuse_repeated(sources: Iterable[Source]) -> None:
    """Raise an `InputError` if a file, or its content under the same name without endings, is among the sources twice."""
    files = [(source, source.path) for source in sources if source.path is not None]
    folders = {folder: folder.resolve() for folder in {path.parent for _, path in files}}
    seen: dict[Path, Source] = {}
    for source, path in files:
        real = folders[path.parent] / path.name
        real = real.resolve() if real.is_symlink() and not _is_pipe(path) else real
        if (earlier := seen.setdefault(real, source)) is not source:
            same = "" if earlier.path == path else f", also as {earlier.name}"
            raise InputError(f"{source.name}: this file is given twice{same}; name it once")
    alike: dict[tuple[Path, str], list[tuple[Source, Path]]] = {}
    for source, path in files:
        if not source.release and not _is_pipe(path):
            alike.setdefault((folders[path.parent], file_stem(path, whole=True)), []).append((source, path))
    _refuse_same_content([sorted(group, key=_order) for group in alike.values() if len(group) > 1], [path for _, path in files])


def _order(file: tuple[Source, Path]) -> tuple[bool, Path]:
    """Return the key that sorts files that are not packed before those that are."""
    path = file[1]
    return unpacked_name(path.name) != path.name, path


def _refuse_same_content(groups: Sequence[Sequence[tuple[Source, Path]]], files: Sequence[Path]) -> None:
    """Raise an `InputError` if two files beside each other, whose names differ in their endings only, have the same content."""
    pairs = [(one, other) for group in groups for one, other in pairwise(group) if _are_equal(one[1], other[1])]
    if not pairs:
        return
    (first, _), (second, path) = pairs[0]
    packed = path.name.removeprefix(unpacked_name(path.name))
    doubled = {other[1] for _, other in pairs}
    all_packed = packed and doubled == {file for file in files if file.name.endswith(packed)}
    pattern = f"*{packed}" if all_packed else second.inner
    more = f" (and {len(pairs) - 1:,} more such pair{'s' * (len(pairs) > 2)})" if len(pairs) > 1 else ""
    raise InputError(
        f"{second.name}: the same content as {first.name}{more}; its records would count twice"
        + advice(f"leave one of them out with {param('exclude', pattern)}" if second.inner else "name one of them")
    )


def _are_equal(one: Path, other: Path) -> bool:
    """Return whether two files have the same content, once they are unpacked."""
    try:
        with one.open("rb") as first, other.open("rb") as second:
            streams = open_stream(first, str(one)), open_stream(second, str(other))
            some = False
            while True:
                parts = [stream.read(BLOCK) for stream in streams]
                if parts[0] != parts[1] or not parts[0]:
                    return some and parts[0] == parts[1]
                some = True
    except (SeqmixError, OSError):
        return False  # explained when it is read


def _is_pipe(path: Path) -> bool:
    return str(path).startswith(("/dev/", "/proc/"))
