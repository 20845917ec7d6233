"""`find_run()`: the run or the ensemble that a user names."""

from __future__ import annotations

from pathlib import Path

from seqmix.ensembles.members import Ensemble, is_ensemble
from seqmix.run import Run


def find_run(run: Run | str | Path | None) -> Run:
    """Return a run or an ensemble, given as itself, as its folder, or as None for the newest run that has learned labels.

    Raises:
        RunError: there is no such run.
    """
    if isinstance(run, Run):
        return run
    if run is None:
        return Run.newest(answering=True)
    return Ensemble.open(run) if isinstance(run, str | Path) and is_ensemble(Path(run)) else Run.open(run)
