"""`calibration.json` and `seen.json` in a run folder: written when a training ends, and read to predict."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from seqmix.calibration.maps import Calibration
from seqmix.calibration.seen import Seen
from seqmix.errors import RunError, command, param
from seqmix.objectives.labelled import LabelObjective
from seqmix.system.files import without_nan, write_whole
from seqmix.system.tensor_file import stored_checksum
from seqmix.version import __version__

T = TypeVar("T")
CALIBRATION, SEEN = "calibration.json", "seen.json"
_WEIGHTS = "weights"  # the checksum of the weights that a file belongs to


def save_measured(folder: Path, calibration: Calibration, seen: Seen) -> None:
    """Write both files of a run.

    Args:
        folder: the run folder, with its weights.
        calibration: the calibration of these weights.
        seen: what the run has seen.
    """
    for name, content in ((SEEN, seen.to_dict()), (CALIBRATION, calibration.to_dict())):
        facts = {"seqmix": __version__, _WEIGHTS: stored_checksum(folder / "model.safetensors"), **without_nan(content)}
        indent = 1 if name == CALIBRATION else None
        write_whole(folder / name, json.dumps(facts, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def remove_measured(folder: Path) -> None:
    """Remove both files of a run, whose weights are about to change."""
    for name in (CALIBRATION, SEEN):
        (folder / name).unlink(missing_ok=True)


def is_measured(folder: Path) -> bool:
    """Return whether a run has both files, and they belong to its weights."""
    try:
        return all(_content(folder, name) is not None for name in (CALIBRATION, SEEN))
    except RunError:
        return False


def load_calibration(folder: Path, objective: LabelObjective) -> Calibration:
    """Return the calibration of a run; one that changes nothing if it has none, as those of earlier versions.

    Raises:
        RunError: the file is damaged, or belongs to other weights.
    """

    def made(content: Mapping[str, Any]) -> Calibration:
        found = Calibration.from_dict(content)
        found.check(objective)
        return found

    return _load(folder, CALIBRATION, made) or Calibration()


def load_seen(folder: Path, sides: int) -> Seen | None:
    """Return what a run has seen; None if it does not say, as those of earlier versions.

    Args:
        folder: the run folder.
        sides: sequences of a record.

    Raises:
        RunError: the file is damaged, or belongs to other weights.
    """
    return _load(folder, SEEN, lambda content: Seen.from_dict(content, sides))


def _load(folder: Path, name: str, made: Callable[[Mapping[str, Any]], T]) -> T | None:
    """Return what a file holds; None if there is none."""
    if (content := _content(folder, name)) is None:
        return None
    try:
        return made(content)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise _damaged(folder / name, str(error)) from error


def _content(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the content of a file that belongs to the weights of a run; None if there is none."""
    path = folder / name
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(content, dict) or _WEIGHTS not in content:
        raise _damaged(path, "it is not what seqmix writes")
    if content[_WEIGHTS] != stored_checksum(folder / "model.safetensors"):
        raise _damaged(path, "it belongs to other weights than model.safetensors")
    return content


def _damaged(path: Path, why: str) -> RunError:
    return RunError(
        f"{path}: the file is damaged: {' '.join(why.split())}; restore it, or remove it and make it again with "
        f"{command('train')} {param('resume', True)} {param('output', str(path.parent))}"
    )
