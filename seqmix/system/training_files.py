"""The files that a training writes into its run folder as it goes on: the log, and the state that it resumes from."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.errors import RunError
from seqmix.system.files import append_line, real_folder, without_nan, write_whole
from seqmix.system.leftovers import clear, clear_folder
from seqmix.system.locks import FolderLock, locked
from seqmix.system.tensor_file import pack, unpack

if TYPE_CHECKING:
    from torch import Tensor


TRAINING = "training"  # the lock of a process that trains a run
_COUNTS = ("epoch", "step")


class TrainingFiles:
    """The log `metrics.jsonl`, and in `last/` the state and the fitted lexical branch of a training.

    Attributes:
        path: the run folder.
        place: the folder of this path when the run was opened, which another may have replaced since; None if unknown.
    """

    path: Path
    place: os.stat_result | None = None
    _lock: FolderLock | None = None

    @contextmanager
    def held(self, wait: float = 0.0) -> Iterator[None]:
        """Keep other processes from training or replacing this run during the block.

        Args:
            wait: seconds to wait for another process, which may have come first and be about to find that it came too late.

        Raises:
            RunError: another process does so now, or has done so since the run was opened.
        """
        if not os.access(self.path, os.W_OK):  # nothing can be written anyway
            yield
            return
        with locked(self.path, TRAINING, "training", wait=wait) as lock:
            if self.place is not None and not os.path.samestat(self.place, self.path.stat()):
                raise RunError(
                    f"{self.path}: another process has just replaced this run, and is using it; choose another folder"
                )
            self._lock = lock
            try:
                yield
            finally:
                self._lock = None

    def check_held(self) -> None:
        """Make sure that this process may still write to the run, if it held its lock.

        Raises:
            RunError: another process took over.
        """
        if self._lock is not None:
            self._lock.check()

    def save_state(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Write the state needed to resume: tensors and JSON in one file, so that they always belong together."""
        self._save_last("state", tensors, facts)

    def load_state(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the state that `save_state` wrote last; None if there is none.

        Raises:
            RunError: the file is damaged.
        """
        return self._load_last("state")

    def save_lexical(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Write the fitted lexical branch, which a resumed training reads again."""
        self._save_last("lexical", tensors, facts)

    def load_lexical(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return what `save_lexical` wrote; None if there is nothing.

        Raises:
            RunError: the file is damaged.
        """
        return self._load_last("lexical")

    def _save_last(self, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        self.check_held()
        write_whole(real_folder(self.path / "last") / f"{name}.safetensors", pack(tensors, facts))

    def _load_last(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        path = self.path / "last" / f"{name}.safetensors"
        return unpack(path) if path.is_file() else None

    def log(self, line: Mapping[str, Any]) -> None:
        """Append a line to `metrics.jsonl`."""
        self.check_held()
        append_line(self.path / "metrics.jsonl", json.dumps(without_nan(line)))

    def history(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`; a last line that was cut off by a crash is left out.

        Raises:
            RunError: the file is damaged.
        """
        path = self.path / "metrics.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
        try:
            found = [json.loads(line) for line in lines]
        except (ValueError, RecursionError) as error:
            raise RunError(f"{path}: the file is damaged: {error}") from error
        for number, line in enumerate(found, 1):
            if not _is_validation(line):
                raise RunError(
                    f"{path}: the file is damaged: line {number} does not describe a validation (an epoch, a step and numbers)"
                )
        return found

    def best_line(self) -> dict[str, Any]:
        """Return the line of `metrics.jsonl` about the weights that are kept; empty if there is none yet.

        Raises:
            RunError: the file is damaged.
        """
        return next((line for line in reversed(self.history()) if line.get("best")), {})

    def remove_partial(self) -> None:
        """Remove files that a killed process left half-written; no other process may be training this run."""
        clear(self.path)
        for folder in (self.path, self.path / "last"):
            if not folder.is_symlink():
                clear_folder(folder)

    def rewind_history(self, validations: int) -> None:
        """Drop lines of the log after the first `validations`, because a resumed run will log them again."""
        kept = [json.dumps(line) + "\n" for line in self.history()[:validations]]
        self.check_held()
        write_whole(self.path / "metrics.jsonl", "".join(kept))


def _is_validation(line: Any) -> bool:
    """Return whether a line of `metrics.jsonl` has an epoch, a step, and nothing but finite numbers, true, false and null."""
    return (
        isinstance(line, dict)
        and all(type(count := line.get(name)) is int and 0 <= count < 1 << 63 for name in _COUNTS)
        and isinstance(line.get("best", False), bool)
        and all(value is None or (isinstance(value, int | float) and abs(value) < math.inf) for value in line.values())
    )
