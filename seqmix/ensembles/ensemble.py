"""`ensemble()` makes runs answer together."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from seqmix.ensembles.members import FILE, Ensemble, check_alike, ensemble_text, is_ensemble
from seqmix.errors import RunError, param
from seqmix.run import Run
from seqmix.system.arguments import typed
from seqmix.system.files import real_folder, whole_folder, write_whole
from seqmix.system.leftovers import put_back

_LEFT_OUT = "."  # begins the names of locks and of files that are half written


@typed("runs")
def ensemble(
    runs: Sequence[Run | str | Path], output: str | Path = "ensemble", *, copy: bool = False, overwrite: bool = False
) -> Ensemble:
    """Make runs answer together: by the mean of their calibrated probabilities, or of the values of a regression.

    `predict`, `evaluate` and their commands take the folder wherever they take that of a run.

    Args:
        runs: runs or their folders, which have the same classes, the same vocabulary and the same `max_length`.
        output: folder to write. It names the runs by their paths from there, so that all can be moved together.
        copy: whether to copy the runs into the folder, so that it can be moved alone.
        overwrite: whether to replace an ensemble in this folder.

    Returns:
        The ensemble.

    Raises:
        RunError: the runs cannot answer together, one has no trained model, or the folder is in the way.

    Examples:
        >>> runs = [seqmix.train("data", seed=seed) for seed in range(3)]
        >>> seqmix.ensemble(runs, "three").predict_proba(["ACGTTGCA"])
    """
    if isinstance(runs, str | Path | Run):
        runs = [runs]
    members = [run if isinstance(run, Run) else Run.open(run) for run in runs]
    _check(members)
    folder = Path(output)
    put_back(folder)
    if folder.exists() and not is_ensemble(folder):
        raise RunError(f"{folder} exists and is not an ensemble, so it is not overwritten; choose another {param('output')}")
    if folder.exists() and not overwrite:
        raise RunError(f"{folder} exists; replace it with {param('overwrite', True)}, or choose another {param('output')}")
    with whole_folder(folder, overwrite=overwrite, error=RunError) as fresh:
        if copy:
            members = [_copied(member, fresh / "members" / f"{n}-{member.path.name}") for n, member in enumerate(members, 1)]
        write_whole(fresh / FILE, ensemble_text(fresh if copy else folder, members))
    return Ensemble.open(folder)


def write_ensemble(folder: Path, runs: Sequence[Run]) -> None:
    """Write the `ensemble.json` of runs into a folder, made if it is missing, which may hold other files.

    Raises:
        RunError: the runs cannot answer together.
    """
    _check(runs)
    write_whole(real_folder(folder) / FILE, ensemble_text(folder, runs))


def _check(members: Sequence[Run]) -> None:
    if not members:
        raise RunError(f"an ensemble needs runs: {param('runs')} names none")
    for member in members:
        if isinstance(member, Ensemble):
            raise RunError(f"{member.path} is an ensemble itself: name its runs")
        member.check_trained()
    if len({member.path.resolve() for member in members}) < len(members):
        raise RunError("an ensemble takes each run once")
    check_alike(members)


def _copied(member: Run, folder: Path) -> Run:
    """Copy what a run needs to answer: all its files, but not the state of its training."""
    folder.mkdir(parents=True)
    for file in member.path.iterdir():
        if file.is_file() and not file.name.startswith(_LEFT_OUT):
            shutil.copy2(file, folder / file.name)
    return Run.open(folder)
