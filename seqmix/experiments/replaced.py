"""Results that `overwrite` replaces: set aside in `replaced/` of a campaign's folder until the new ones are complete.

A campaign takes hours, so its results are not deleted when another one begins in its folder, but when every training of that
one has been finished. If none is, because something fails before, the earlier results get their places back. A process that is
killed while it moves them leaves them where the next one finds and moves them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from seqmix.errors import RunError
from seqmix.system.files import real_folder, write_whole
from seqmix.system.leftovers import remove
from seqmix.system.notes import note

FOLDER = "replaced"


class Replaced:
    """The results of earlier campaigns in a folder.

    Args:
        folder: the folder of the campaign.
        name: stem of its files; NAME.json says which campaign the folder holds.
        parts: its subfolders.
    """

    def __init__(self, folder: Path, name: str, parts: Sequence[str]) -> None:
        self.folder, self._name, self._parts = folder, name, parts
        self._json = folder / f"{name}.json"
        self.path = folder / FOLDER
        self._aside: Path | None = None

    def set_aside(self) -> None:
        """Move the results out of the way; the JSON file is copied, and stays until the new one is written over it.

        Raises:
            RunError: they cannot be moved; then they are where they were.
        """
        try:
            place = real_folder(self.path) / f"{max(self._numbers(), default=0) + 1}"
            place.mkdir()
            for path in self._results():
                path.rename(place / path.name)
            write_whole(place / self._json.name, self._json.read_bytes())  # last: it says that the move is complete
            self._aside = place
        except OSError as error:
            self.repair()
            raise RunError(f"{self.folder}: cannot be written: {error.strerror or error}") from error

    def repair(self) -> None:
        """Move results back that a killed process was setting aside."""
        place = self._newest()
        if place is None or not self._json.is_file():
            return
        with suppress(OSError):
            copy = place / self._json.name
            if copy.is_file() and copy.read_bytes() != self._json.read_bytes():
                return  # the new campaign has begun
            copy.unlink(missing_ok=True)
            self._move_back(place)

    def put_back(self) -> None:
        """Give results that this object set aside their places back, because the new campaign has none."""
        if self._aside is None:
            return
        for path in self._results():
            remove(path)
        (self._aside / self._json.name).replace(self._json)
        self._move_back(self._aside)
        self._aside = None
        note(f"{self.folder}: nothing was replaced: what was there before is in its place again")

    def discard(self) -> None:
        """Delete everything that was set aside, because the new campaign is complete."""
        if not self.path.is_symlink():
            remove(self.path)

    def _results(self) -> list[Path]:
        """Return the subfolders and files of the campaign, without the JSON file."""
        files = [path for path in self.folder.glob(f"{self._name}.*") if path != self._json and path.is_file()]
        return [*(path for part in self._parts if (path := self.folder / part).is_dir() and not path.is_symlink()), *files]

    def _move_back(self, place: Path) -> None:
        for path in place.iterdir():
            if not (self.folder / path.name).exists():
                path.rename(self.folder / path.name)
        for empty in (place, self.path):
            with suppress(OSError):
                empty.rmdir()

    def _newest(self) -> Path | None:
        number = max(self._numbers(), default=0)
        return self.path / str(number) if number else None

    def _numbers(self) -> list[int]:
        if self.path.is_symlink() or not self.path.is_dir():
            return []
        return [int(path.name) for path in self.path.iterdir() if path.name.isdecimal()]
