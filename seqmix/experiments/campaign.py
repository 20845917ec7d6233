"""A campaign: many trainings for one table, planned, run in parallel, kept in a folder, and resumed by the next call.

`compare`, `reproduce` and `reproduce_scalability` are campaigns with different plans. Every training is a trial in its own
process, and an ordinary run folder. Finished trainings are not repeated, interrupted ones resume, and failed ones are retried.
What `overwrite` replaces is kept until all trainings are finished, see `replaced`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from seqmix.errors import RunError, SeqmixError, param
from seqmix.experiments.events import OnEvent, Planned, Remark, Stage, TrialFinished, TrialStarted
from seqmix.experiments.replaced import Replaced
from seqmix.experiments.result import CampaignResult
from seqmix.experiments.run_trial import Trial, failed_before, finished_trial
from seqmix.experiments.scheduler import PlannedTrial, run_trials
from seqmix.run import EVALUATION, Run
from seqmix.system.files import refuse_link, write_whole
from seqmix.system.locks import FolderLock, locked
from seqmix.system.notes import note
from seqmix.system.overwriting import refuse_input
from seqmix.system.renaming import is_lock
from seqmix.system.training_files import TRAINING

Result = TypeVar("Result", bound=CampaignResult)


class Campaign(ABC, Generic[Result]):
    """The trainings of one call, and the folder that holds them.

    Attributes:
        kind: name of the campaign in messages, such as "comparison".
        name: stem of its files.
        subfolders: folders that `overwrite` replaces.
        inputs: files and folders that are read, which may not be in these folders.

    Args:
        folder: folder for the results; trainings are in its `runs/`.
        result: result without trainings yet; its settings are shared by all trainings.
        on_event: called with every `CampaignEvent`.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    subfolders: ClassVar[Sequence[str]] = ("runs",)

    def __init__(self, folder: Path, result: Result, on_event: OnEvent | None) -> None:
        self.folder, self.result = folder, result
        self.emit = on_event or (lambda _: None)
        self.inputs: list[Path] = []
        self._lock: FolderLock | None = None
        self._replaced = Replaced(folder, self.name, self.subfolders)
        self._plan: list[PlannedTrial] = []
        self._ended: dict[str, Trial] = {}

    @abstractmethod
    def plan(self) -> Iterable[PlannedTrial]:
        """Yield the trainings in order; the data of a training are prepared, if necessary, before it is yielded."""

    @abstractmethod
    def write(self) -> None:
        """Write the page and figures of `result`."""

    def finish(self) -> None:
        """Find out what can be known once all trainings have ended."""
        return

    def differences(self, earlier: Mapping[str, Any]) -> list[str]:
        """Return reasons why the folder cannot be resumed, given the content of its JSON file."""
        return different_settings(earlier["settings"], self.result.settings)

    def restore(self, earlier: Mapping[str, Any]) -> None:
        """Restore what an earlier call found besides its trainings, given the content of its JSON file."""

    def identify(self, trial: Trial) -> Trial | None:
        """Complete a trial written by version 0.1.0; return None for one of another campaign."""
        return trial

    def run(self, overwrite: bool) -> Result:
        """Run the trainings that are not finished, and return the result with all finished trainings in the folder.

        Args:
            overwrite: whether to replace an earlier campaign in the folder.

        Raises:
            RunError: the folder is something else, another process is using it, or its trainings had other settings or
                data.
            SeqmixError: every training failed.
        """
        self._refuse_foreign()
        with locked(self.folder, "campaign", f"at work on a {self.kind}", make=True) as self._lock:
            try:
                self._open(overwrite)
                return self._run()
            except Exception:  # whatever it was, the results of before go back
                self._put_back()
                raise

    def _run(self) -> Result:
        try:
            self._plan = list(self.plan())
            self.refuse([line for planned in self._plan for line in _other_config(self.folder, planned)])
            self._train()
            self.finish()
        except KeyboardInterrupt:
            self.result.interrupted = True
        self.save()
        self.write()
        if not self.result.interrupted and all(trial.error for trial in self.result.trials):
            raise SeqmixError(f"every training failed: {'; '.join(self.reasons())}")
        self._release_replaced()
        return self.result

    def _put_back(self) -> None:
        """Give what this call set aside its place back, if no training has been finished."""
        with suppress(SeqmixError, OSError):
            self._check_held()
            if not any(self._finished()):
                self._replaced.put_back()

    def _release_replaced(self) -> None:
        """Delete what `overwrite` replaced, if every training has been finished; otherwise say where it is."""
        if self._replaced.path.is_dir():
            finished = {trial.folder for trial in self._finished()}
            if all(planned.place.as_posix() in finished for planned in self._plan):
                self._replaced.discard()
            else:
                note(
                    f"{self._replaced.path}: what was replaced stays here until every training of this {self.kind} is finished"
                )

    def reasons(self) -> list[str]:
        """Return why every training failed."""
        return self.result.failures

    def stage(self, text: str) -> None:
        """Announce the next step before the trainings, and save what was found so far."""
        self.save()
        self.emit(Stage(text))

    def remark(self, text: str) -> None:
        """Report something that is missing, or differs from what was published."""
        self.emit(Remark(text))

    def save(self) -> None:
        """Write the JSON file, with all finished trainings in the folder."""
        trials = {trial.folder: trial for trial in self._finished()} | self._ended
        self._check_held()
        order = {planned.place.as_posix(): number for number, planned in enumerate(self._plan)}
        self.result.trials = sorted(trials.values(), key=lambda t: (order.get(t.folder, len(order)), t.seed, t.folder))
        write_whole(self._json, self.result.to_json())

    def _check_held(self) -> None:
        """Make sure that the folder is still that of this campaign, before something is written into it."""
        if self._lock is not None:
            self._lock.check()

    def refuse(self, differences: Sequence[str]) -> None:
        """Raise a RunError if anything differs from the trainings in the folder."""
        if differences:
            raise RunError(
                f"{self.folder} is a {self.kind} with other settings ({'; '.join(differences)}); resume it with its own "
                f"settings, replace it with {param('overwrite', True)}, or choose another {param('output')}"
            )

    @property
    def _json(self) -> Path:
        return self.folder / f"{self.name}.json"

    def _finished(self) -> Iterator[Trial]:
        for file in sorted((self.folder / "runs").glob("*/trial.json")):
            if (trial := finished_trial(file.parent)) and (trial := self.identify(trial)):
                yield trial

    def _refuse_foreign(self) -> None:
        """Refuse a folder that is not empty and not a campaign of this kind."""
        folder = self.folder
        if folder.exists() and not self._json.is_file() and not (folder.is_dir() and all(map(is_lock, folder.iterdir()))):
            raise RunError(f"{folder} exists and is not a {self.kind}: it is not overwritten; choose another {param('output')}")

    def _open(self, overwrite: bool) -> None:
        """Open the campaign that an earlier call left in the folder, or make its folder ready for a new one."""
        self._refuse_foreign()
        folder, file = self.folder, self._json
        self._replaced.repair()
        if file.is_file() and not overwrite:
            try:
                earlier: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
                differences = self.differences(earlier)
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise RunError(
                    f"{file}: the file is damaged; replace the {self.kind} with {param('overwrite', True)}"
                ) from error
            self.refuse(differences)
            self.restore(earlier)
            return
        for part in self.subfolders:
            refuse_link(folder / part)
            refuse_input(folder / part, self.inputs)
        self._refuse_busy_runs()
        if file.is_file():
            self._replaced.set_aside()
        self.save()

    def _refuse_busy_runs(self) -> None:
        """Refuse to replace runs that another process trains or evaluates."""
        for run in (self.folder / "runs").glob("*/"):
            with ExitStack() as held:
                held.enter_context(locked(run, TRAINING, "replacing the run"))
                for place in (run, *run.glob("eval-*/")):
                    held.enter_context(locked(place, EVALUATION, "replacing the run"))

    def _train(self) -> None:
        finished, settings = {trial.folder for trial in self._finished()}, self.result.settings
        count, jobs = len(self._plan), settings["jobs"]
        left = sum(planned.place.as_posix() not in finished for planned in self._plan)
        self.emit(Planned(count, left, jobs, settings["budget"]))

        def started(planned: PlannedTrial) -> None:
            self._check_held()
            self.emit(TrialStarted(planned))

        ended = run_trials(self._plan, self.folder, threads=settings["threads"], jobs=jobs, on_start=started)
        for done, (trial, run_now) in enumerate(ended, 1):
            trial = self.identify(trial) or trial
            self._ended[trial.folder] = trial
            self.save()
            self.emit(TrialFinished(trial, run_now, done, count))


def different_settings(earlier: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Describe the shared settings that have changed."""
    now = json.loads(json.dumps(settings))
    return [f"{name}: {earlier.get(name)!r} there, {now[name]!r} now" for name in now if earlier.get(name) != now[name]]


def _other_config(folder: Path, planned: PlannedTrial) -> list[str]:
    """Describe the settings of an existing run that prevent resuming it: defaults may have changed since it was started."""
    path = folder / planned.place
    if planned.config is None or not (path / "config.toml").is_file() or failed_before(path):
        return []
    there, now = Run.open(path).config.to_tables(), planned.config.to_tables()
    return [
        f"{path.name}: {table}.{name}: {there[table].get(name)!r} there, {value!r} now"
        for table in now
        for name, value in now[table].items()
        if (table, name) != ("data", "path") and there[table].get(name) != value
    ]
