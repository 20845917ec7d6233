"""The files that a training writes into its run folder as it goes on: the log, and the state that it resumes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.errors import RunError
from seqmix.system.files import without_nan, write_whole
from seqmix.system.leftovers import clear_folder
from seqmix.system.tensor_file import pack, unpack

if TYPE_CHECKING:
    from torch import Tensor


class TrainingFiles:
    """The log `metrics.jsonl`, and in `last/` the state and the fitted lexical branch of a training.

    Attributes:
        path: the run folder.
    """

    path: Path

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
        write_whole(self.path / "last" / f"{name}.safetensors", pack(tensors, facts))

    def _load_last(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        path = self.path / "last" / f"{name}.safetensors"
        return unpack(path) if path.is_file() else None

    def log(self, line: Mapping[str, Any]) -> None:
        """Append a line to `metrics.jsonl`."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(without_nan(line)) + "\n")

    def history(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`; a last line that was cut off by a crash is left out.

        Raises:
            RunError: the file is damaged.
        """
        path = self.path / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise RunError(f"{path}: the file is damaged: {error}") from error

    def best_line(self) -> dict[str, Any]:
        """Return the line of `metrics.jsonl` about the weights that are kept; empty if there is none yet.

        Raises:
            RunError: the file is damaged.
        """
        return next((line for line in reversed(self.history()) if line.get("best")), {})

    def remove_partial(self) -> None:
        """Remove files that a killed process left half-written; no other process may be writing to this run."""
        for folder in (self.path, self.path / "last"):
            clear_folder(folder)

    def rewind_history(self, validations: int) -> None:
        """Drop lines of the log after the first `validations`, because a resumed run will log them again."""
        kept = [json.dumps(line) + "\n" for line in self.history()[:validations]]
        write_whole(self.path / "metrics.jsonl", "".join(kept))
