"""The folder of an ensemble: `ensemble.json` names the runs whose answers are averaged.

The runs are named relative to the folder, so that folder and runs can be moved together, and with the checksums of their
weights: a run that was trained again since is another model, which may have seen other records.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.errors import RunError, command, param, shown
from seqmix.reporting.text import counted
from seqmix.run import Run
from seqmix.system.files import file_checksum

if TYPE_CHECKING:
    from seqmix.calibration.seen import Seen
    from seqmix.ensembles.predictor import MeanPredictor

FILE = "ensemble.json"
MEAN = "probabilities"  # what is averaged; of a regression, the values
_FORMAT = 1
_READ_ALIKE = ("max_length", "truncate", "window")  # of [data]: a record is encoded once for all members


class Ensemble(Run):
    """Several runs that answer together, by the mean of their probabilities; wherever a run predicts, so does an ensemble.

    Its settings and its description of the data are those of the first member.

    Attributes:
        members: the runs.
    """

    def __init__(self, path: Path, members: Sequence[Run]) -> None:
        first = members[0]
        super().__init__(path, first.config, first.info)
        self.members = tuple(members)

    @classmethod
    def open(cls, path: str | Path) -> Ensemble:
        """Open the folder of an ensemble.

        Args:
            path: the folder.

        Raises:
            RunError: the folder is not that of an ensemble, or a member is missing or has changed.
        """
        path = Path(path)
        members = []
        for stated in _read(path):
            folder = path / stated["run"]
            if not folder.is_dir():
                raise RunError(
                    f"{path}: the run {stated['run']} of this ensemble is missing; move the folder and its runs together"
                )
            member = Run.open(folder)
            member.check_trained()
            if file_checksum(folder / "model.safetensors") != stated["sha256"]:
                raise RunError(
                    f"{path}: the run {stated['run']} was trained again since the ensemble was made; make it again with "
                    f"{command('ensemble')}"
                )
            members.append(member)
        check_alike(members)
        return cls(path, members)

    @property
    def title(self) -> str:
        """The kind of model in words: "ensemble of 5 models (paramixer and k-mers)"."""
        kinds = list(dict.fromkeys(member.title for member in self.members))
        return f"ensemble of {counted(len(self.members), 'model')} ({', '.join(kinds)})"

    @property
    def has_mixer(self) -> bool:
        """Whether a member has a mixing branch, rather than a lexical one alone."""
        return any(member.has_mixer for member in self.members)

    @property
    def n_parameters(self) -> int:
        """The number of parameters of all mixing branches, which are trained."""
        return sum(member.n_parameters for member in self.members)

    @property
    def learned_nothing(self) -> bool:
        """Whether no member is better on validation than a constant prediction."""
        return all(member.learned_nothing for member in self.members)

    @property
    def calibrated_by(self) -> str:
        """How the members are calibrated, in words; "" if none is."""
        ways = [member.calibrated_by or "nothing" for member in self.members]
        return f"each member by its own ({', '.join(ways)})" if {*ways} - {"nothing"} else ""

    @property
    def seen(self) -> Seen | None:
        """What the first member has seen, without the scores, which are of that member alone."""
        found = self.members[0].seen
        return found and found.without_scores()

    def history(self) -> list[dict[str, Any]]:
        """Return nothing: the members have logs of their own."""
        return []

    def check_trained(self) -> None:
        """Refuse an ensemble of which a run has no trained model."""
        for member in self.members:
            member.check_trained()

    def predictor(self, device: str = "auto") -> MeanPredictor:
        """Return the members, ready to predict together, on a device; see `Run.predictor`."""
        from seqmix.ensembles.predictor import MeanPredictor

        return MeanPredictor.of_members([member.predictor(device) for member in self.members])

    def _facts(self) -> list[tuple[str, str]]:
        """Return the most important facts about the ensemble."""
        labels = ", ".join(self.classes) or self.objective.subject
        return [("model", self.title), (self.objective.kind, labels), ("data", self.config.data.path)]


def is_ensemble(path: Path) -> bool:
    """Return whether a folder is that of an ensemble."""
    return (path / FILE).is_file()


def ensemble_text(path: Path, members: Sequence[Run]) -> str:
    """Return the content of the `ensemble.json` in a folder, with the paths of the members as seen from there."""
    stated = [
        {
            "run": Path(os.path.relpath(member.path.resolve(), path.resolve())).as_posix(),
            "sha256": file_checksum(member.path / "model.safetensors"),
        }
        for member in members
    ]
    return json.dumps({"format_version": _FORMAT, "mean": MEAN, "members": stated}, indent=1, ensure_ascii=False) + "\n"


def _read(path: Path) -> list[dict[str, str]]:
    """Return the members that an `ensemble.json` states."""
    file = path / FILE
    if not file.is_file():
        raise RunError(f"{path}: this is not the folder of an ensemble ({FILE} is missing)")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version, mean, members = content["format_version"], content["mean"], content["members"]
        good = bool(members) and all(isinstance(one[name], str) for one in members for name in ("run", "sha256"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{file}: the file is damaged: it does not describe an ensemble; make it again") from error
    if not isinstance(version, int) or version > _FORMAT or mean != MEAN:
        raise RunError(f"{file}: written by a newer seqmix (version {shown(version)}, mean {shown(mean)}); update seqmix")
    if not good:
        raise RunError(f"{file}: the file is damaged: it names no runs; make it again")
    return list(members)


def check_alike(members: Sequence[Run]) -> None:
    """Refuse runs whose answers cannot be averaged.

    Raises:
        RunError: they were pretrained, or differ in what they answer or how they read records.
    """
    first = members[0]
    for member in members:
        member.check_answers()
        for what, value in _compared(member).items():
            if value != (other := _compared(first)[what]):
                raise RunError(
                    f"{first.path} and {member.path} cannot answer together: they have different {what}: {shown(other)} and "
                    f"{shown(value)}"
                    + (
                        f"; run {command('train')} for both with the same {param('max_length')}"
                        if what == "data.max_length"
                        else ""
                    )
                )


def _compared(run: Run) -> dict[str, Any]:
    """Return what the members of an ensemble must have in common, by its name for people."""
    objective = run.label_objective
    return {
        "kinds": objective.kind,
        "classes": list(objective.classes),
        "numbers of sequences": 2 if run.paired else 1,
        "vocabularies": run.vocabulary.to_dict(),
        "separators of labels": run.info["read"].get("label_separator"),
        **{f"data.{name}": getattr(run.config.data, name) for name in _READ_ALIKE},
    }
