"""The folders of numbered runs, `runs/007-<label>`: which is the newest, and the name of the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NUMBERED = re.compile(r"(\d+)-")


def newest_first(root: Path) -> list[Path]:
    """Return the run folders in a folder, the newest first.

    Numbered runs are ordered by number, because copies and restored backups have new times. Runs with names of their own are
    placed by the time of their configuration.
    """
    times = dict[Path, float]()
    for path in root.glob("[!.]*/config.toml"):
        with suppress(FileNotFoundError):  # it is being replaced or deleted
            times[path.parent] = path.stat().st_mtime
    numbered = sorted((folder for folder in times if _number(folder)), key=lambda p: (_number(p), p.name))
    named = sorted((folder for folder in times if not _number(folder)), key=lambda p: (times[p], p.name))
    found = []
    while numbered or named:
        last = max((group for group in (numbered, named) if group), key=lambda group: times[group[-1]])
        found.append(last.pop())
    return found


def next_run_folder(label: str, root: Path) -> Path:
    """Return `root/007-<label>`, with the number after the highest one in use."""
    return root / f"{max(_numbers(root), default=0) + 1:03d}-{label}"


def _numbers(root: Path) -> Iterator[int]:
    yield from (_number(path) for path in root.glob("*"))


def _number(path: Path) -> int:
    """Return the number of a folder; 0 if it has none."""
    found = _NUMBERED.match(path.name)
    return int(found[1]) if found else 0
