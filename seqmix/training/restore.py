"""Continue from the files of an interrupted training, after checking that they belong together.

Each file has its own checksum, so this finds files of another run, or of another time of this run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from seqmix.data.dataset import Dataset
from seqmix.errors import RunError
from seqmix.run import Run
from seqmix.training.lexical import FittedLexical
from seqmix.training.trainer import Trainer

_MISFIT = (RuntimeError, LookupError, TypeError, ValueError, AttributeError)  # what foreign content raises


def restore(run: Run, trainer: Trainer, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Bring a trainer to a saved state.

    Args:
        run: the run.
        trainer: its trainer, which is changed.
        tensors: from `Run.load_state`.
        facts: from `Run.load_state`; those of this run, see `Run.check_started`.

    Raises:
        RunError: the state does not fit the model, or does not belong to the log and the weights.
    """
    path = run.path / "last" / "state.safetensors"
    try:
        trainer.unpack(tensors, facts)
    except _MISFIT as error:
        raise _foreign(path, error) from error
    _check_log(run, trainer, facts["state"])


def _foreign(path: Path, error: Exception) -> RunError:
    reason = " ".join(str(error).split())[:200]
    return RunError(
        f"{path}: it does not fit config.toml and the data set: one of them was changed, or belongs to another run; restore "
        f"it, or start a new run ({reason})"
    )


def _check_log(run: Run, trainer: Trainer, saved: Mapping[str, Any]) -> None:
    """Raise a `RunError` unless `metrics.jsonl` and `model.safetensors` are those that a state was saved with.

    The log may have lines of a later validation, if a crash prevented saving the state after it.
    """
    state, lines = trainer.state, run.history()
    which = f"{run.path}: last/state.safetensors was saved after {state.validations} validations (step {state.step}), but "
    again = "; restore it, or start a new run"
    if len(lines) < state.validations:
        raise RunError(f"{which}metrics.jsonl has {len(lines)}: it was cut, or belongs to another run{again}")
    logged = lines[: state.validations]
    if logged and "validated" in saved and logged[-1]["step"] != state.validated:  # 0.1.0 did not save it
        raise RunError(f"{which}metrics.jsonl has another step there ({logged[-1]['step']}): it belongs to another run{again}")
    best = next((line["step"] for line in reversed(logged) if line.get("best")), 0)
    if "best_step" in saved and best != state.best_step:
        raise RunError(
            f"{which}its best weights are from step {state.best_step}, those of metrics.jsonl from step {best}: it belongs "
            f"to another run{again}"
        )
    if logged and not (run.path / "model.safetensors").is_file():
        raise RunError(f"{which}model.safetensors, which holds the best weights, is missing{again}")


def restored_lexical_branch(
    run: Run, dataset: Dataset, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> FittedLexical:
    """Return the lexical branch that was fitted before a training was interrupted.

    Args:
        run: the run.
        dataset: its data set.
        tensors: from `Run.load_lexical`.
        facts: from `Run.load_lexical`.

    Raises:
        RunError: it does not belong to the run.
    """
    path = run.path / "last" / "lexical.safetensors"
    run.check_started(facts, path)
    try:
        return FittedLexical.unpack(tensors, facts, dataset)
    except _MISFIT as error:
        raise _foreign(path, error) from error
