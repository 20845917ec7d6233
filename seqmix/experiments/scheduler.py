"""Run several trainings in parallel, each in a process of its own, without repeating finished ones.

A training that fails does not stop the others; an interruption stops all of them after they have saved their state.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from seqmix.config import Config
from seqmix.experiments.run_trial import Part, Trial, TrialKey, TrialSpec, finished_trial
from seqmix.system import processes


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial(TrialKey):
    """A training to run.

    Attributes:
        place: its run folder, relative to the campaign's.
        data: folder of the data set.
        config: the full configuration; None where there is none because of `error`.
        error: why it cannot be run at all; "" if it can.
        part: the splits, if they are not those of the data set.
    """

    place: Path
    data: Path
    config: Config | None
    error: str = ""
    part: Part | None = None


class TrialProcess:
    """Runs trials in new processes, from one or several threads; a process never outlives its call."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def launch(self, spec: TrialSpec) -> str:
        """Run a trial; return why it failed, or "" if it did not."""
        if self._stopped:
            return "it was not begun"
        with processes.running("seqmix.experiments.run_trial", asdict(spec)) as child:
            with self._lock:
                self._running.add(child)
                if self._stopped:
                    child.terminate()
            said, complaints = child.communicate()
            self._running.discard(child)
        error: str = processes.answer(child.returncode, said, complaints).get("error", "")
        return error

    def stop(self) -> None:
        """Let running trials save their state after the current step, and start no more trials."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.terminate()

    def kill(self) -> None:
        """End running trials at once."""
        for child in list(self._running):
            child.kill()


def run_trials(
    plan: Sequence[PlannedTrial], folder: Path, *, threads: int, jobs: int, on_start: Callable[[PlannedTrial], object]
) -> Iterator[tuple[Trial, bool]]:
    """Yield the trials that were finished before, then each one as it ends, and whether it was run now.

    Args:
        plan: the trainings.
        folder: the folder that their places are in.
        threads: threads of each training.
        jobs: number of trainings that run in parallel.
        on_start: called with each training before it is run.
    """
    found = {planned.place: finished_trial(folder / planned.place) for planned in plan}
    yield from ((trial, False) for trial in found.values() if trial)
    launcher = TrialProcess()

    def run(planned: PlannedTrial) -> Trial:
        on_start(planned)
        return _run(launcher, planned, folder, threads)

    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(run, planned) for planned in plan if not found[planned.place]]
        for future in as_completed(futures):
            yield future.result(), True
    except BaseException:
        launcher.stop()
        try:
            pool.shutdown(cancel_futures=True)
        except KeyboardInterrupt:  # after a second interruption, do not wait
            launcher.kill()
            raise
        raise
    pool.shutdown()


def _run(launcher: TrialProcess, planned: PlannedTrial, folder: Path, threads: int) -> Trial:
    """Run one training; if it fails, its trial says why."""
    path, error, settings = folder / planned.place, planned.error, {}
    if planned.config:
        settings = planned.config.to_tables()
        spec = TrialSpec(
            **planned.key, folder=str(path), data=str(planned.data), config=settings, threads=threads, part=planned.part
        )
        error = launcher.launch(spec)
        trial = None if error else finished_trial(path)
        if trial:
            return trial
    return Trial(
        **planned.key,
        folder=planned.place.as_posix(),
        error=f"failed: {error or 'it left no result'}",
        settings=settings,
    )
