"""The best simple method of a run, in its folder: what an evaluation fitted, or the lexical branch alone.

`baseline.safetensors` holds the weights and, as JSON, what they are of and which records they were fitted to.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from seqmix.errors import RunError, command
from seqmix.models.branches import Branches
from seqmix.models.lexical import LexicalClassifier, restored_lexical
from seqmix.models.plain import restored_plain
from seqmix.models.stored_model import StoredModel
from seqmix.system.files import write_whole
from seqmix.system.tensor_file import pack, unpack

FILE = "baseline.safetensors"
_LEXICAL, _PLAIN = "lexical", "plain"


def save_baseline(run: StoredModel, model: Branches) -> None:
    """Write the best simple method of a run."""
    kind = _LEXICAL if isinstance(model.lexical, LexicalClassifier) else _PLAIN
    facts = {"kind": kind, "spec": asdict(model.lexical.spec), "fitted_to": _fitted_to(run)}
    write_whole(run.path / FILE, pack(model.lexical.state_dict(), facts))


def stored_baseline(run: StoredModel) -> Branches | None:
    """Return the best simple method that was stored for a run; None if there is none, or if it cannot be used any more."""
    try:
        return _read(run)
    except RunError:
        return None


def load_baseline(run: StoredModel) -> Branches:
    """Return the best simple method of a run: what is stored, or else its lexical branch alone, in `eval()` on the CPU.

    Raises:
        RunError: there is none, or it cannot be used.
    """
    if (found := _read(run)) is not None:
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


def _read(run: StoredModel) -> Branches | None:
    path = run.path / FILE
    if not path.is_file():
        return None
    again = f"{command('eval', run.path)} fits it again"
    try:
        tensors, facts = unpack(path)
    except RunError as error:
        raise RunError(f"{error.text}; {again}") from error
    if facts.get("fitted_to") != _fitted_to(run):
        raise RunError(f"{path}: this simple method was fitted to other records, or they were cut otherwise; {again}")
    objective, outputs = run.label_objective, run.objective.n_outputs
    try:
        if facts["kind"] == _PLAIN:
            return Branches(restored_plain(facts["spec"], tensors, outputs, paired=run.paired), None, objective, 0.0).eval()
        lexical = restored_lexical(facts["spec"], tensors, run.vocabulary, outputs, paired=run.paired)
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{path}: this simple method does not fit dataset.json; {again}") from error
    return Branches(lexical, None, objective, 0.0).eval()


def _fitted_to(run: StoredModel) -> dict[str, Any]:
    """Return what a simple method depends on: the records, their splits, and how they are cut."""
    data = run.config.data
    return {"the data set": run.dataset_fingerprint, "max_length": data.max_length, "truncate": data.truncate}
