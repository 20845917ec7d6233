"""The best simple method of a run, in its folder: what an evaluation fitted, or the lexical branch alone.

`baseline.safetensors` holds the weights and, as JSON, what they are of and which records they were fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seqmix.config import DataConfig
from seqmix.data.vocabulary import Vocabulary
from seqmix.errors import RunError, command
from seqmix.models.branches import Branches
from seqmix.models.lexical import LexicalClassifier, restored_lexical
from seqmix.models.plain import restored_plain
from seqmix.models.stored_model import StoredModel
from seqmix.objectives.labelled import LabelObjective
from seqmix.system.files import write_whole
from seqmix.system.tensor_file import pack, unpack

FILE = "baseline.safetensors"
_LEXICAL, _PLAIN = "lexical", "plain"


def save_baseline(run: StoredModel, model: Branches) -> None:
    """Write the best simple method of a run."""
    write_baseline(run.path, model, fitted_to(run.dataset_fingerprint, run.config.data))


def write_baseline(folder: Path, model: Branches, records: Mapping[str, Any]) -> None:
    """Write a simple method to a folder.

    Args:
        folder: the folder.
        model: the simple method.
        records: what it was fitted to, from `fitted_to`.
    """
    kind = _LEXICAL if isinstance(model.lexical, LexicalClassifier) else _PLAIN
    facts = {"kind": kind, "spec": asdict(model.lexical.spec), "fitted_to": dict(records)}
    write_whole(folder / FILE, pack(model.lexical.state_dict(), facts))


def stored_baseline(run: StoredModel) -> Branches | None:
    """Return the best simple method that was stored for a run; None if there is none, or if it cannot be used any more."""
    try:
        return _of_run(run)
    except RunError:
        return None


def load_baseline(run: StoredModel) -> Branches:
    """Return the best simple method of a run: what is stored, or else its lexical branch alone, in `eval()` on the CPU.

    Raises:
        RunError: there is none, or it cannot be used.
    """
    if (found := _of_run(run)) is not None:
        return found
    if own := own_lexical(run):
        return own
    raise RunError(
        f"{run.path}: no simple method is stored in this run yet; {command('eval', run.path)} fits the best one and stores it"
    )


def own_lexical(run: StoredModel) -> Branches | None:
    """Return the lexical branch of a run alone; None if it has none."""
    if not (run.path / "model.safetensors").is_file():
        return None
    model = run.load_model()
    return Branches(model.lexical, None, model.objective, 0.0).eval() if isinstance(model, Branches) else None


def _of_run(run: StoredModel) -> Branches | None:
    records = fitted_to(run.dataset_fingerprint, run.config.data)
    try:
        return read_baseline(run.path, records, run.vocabulary, run.label_objective, paired=run.paired)
    except RunError as error:
        raise RunError(f"{error.text}; {command('eval', run.path)} fits it again") from error


def read_baseline(
    folder: Path, records: Mapping[str, Any], vocabulary: Vocabulary, objective: LabelObjective, *, paired: bool
) -> Branches | None:
    """Return the simple method that was written to a folder, in `eval()` on the CPU; None if there is none.

    Args:
        folder: the folder.
        records: what it must have been fitted to, from `fitted_to`.
        vocabulary: the vocabulary of the records.
        objective: what it has learned.
        paired: whether records are pairs.

    Raises:
        RunError: it is damaged, or was fitted to other records.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    tensors, facts = unpack(path)
    if facts.get("fitted_to") != records:
        raise RunError(f"{path}: this simple method was fitted to other records, or they were cut otherwise")
    try:
        if facts["kind"] == _PLAIN:
            plain = restored_plain(facts["spec"], tensors, objective.n_outputs, paired=paired)
            return Branches(plain, None, objective, 0.0).eval()
        lexical = restored_lexical(facts["spec"], tensors, vocabulary, objective.n_outputs, paired=paired)
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{path}: this simple method does not fit the data") from error
    return Branches(lexical, None, objective, 0.0).eval()


def fitted_to(fingerprint: str, seen: DataConfig) -> dict[str, Any]:
    """Return what a simple method depends on: the records and their splits, and how they are cut."""
    return {"the data set": fingerprint, "max_length": seen.max_length, "truncate": seen.truncate}
