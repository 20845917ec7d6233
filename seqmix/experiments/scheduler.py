"""Many trainings for one table: a folder for them, several side by side, and nothing that is finished done again.

Each is a trial in a process of its own and an ordinary run folder. What fails ends alone; who interrupts stops
all, after they have saved their state.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqmix.config import Config, parse_setting
from seqmix.errors import ConfigError, RunError
from seqmix.experiments.trial import Trial, TrialProcess, TrialSpec, failed_before, finished_trial
from seqmix.mixers import available_mixers
from seqmix.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """A training that is wanted: `place` of its run in the folder of all, `data` set, and the full configuration."""

    place: Path
    data: Path
    config: Config


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsFolder:
    """The folder of such a table: `kind`, what it is called; `name` of its .json and .html; `parts`: its sub-folders."""

    folder: Path
    kind: str
    name: str
    parts: tuple[str, ...] = ("runs",)

    @property
    def json(self) -> Path:
        """What is read again by the next call."""
        return self.folder / f"{self.name}.json"

    @property
    def html(self) -> Path:
        """What people look at."""
        return self.folder / f"{self.name}.html"


def check_request(seeds: int, jobs: int, settings: Sequence[str], own: Sequence[str], instead: str) -> None:
    """What can be said of a request before anything is read.

    Args:
        settings: "table.option=value", or "mixer:table.option=value" for one mixer.
        own: settings that the caller makes; `instead`: what to say where the user makes them.

    Raises:
        ConfigError: it is not allowed.
    """
    for name, value in {"seeds": seeds, "jobs": jobs}.items():
        if value < 1:
            raise ConfigError(f"the number of {name} must be at least 1: got {value}")
    for setting in settings:
        mixer, rest = _of_one(setting)
        if mixer and mixer not in available_mixers():
            raise ConfigError(f"--set {mixer}:…: there is no such mixer; available: {', '.join(available_mixers())}")
        table, option, _ = parse_setting(rest)
        if f"{table}.{option}" in own:
            raise ConfigError(f"--set {table}.{option}: {instead}")


def of_mixer(settings: Sequence[str], mixer: str) -> list[str]:
    """Those of `settings` that are for all mixers or for this one, in their order, without its name."""
    return [rest for name, rest in map(_of_one, settings) if name in ("", mixer)]


def _of_one(setting: str) -> tuple[str, str]:
    """The mixer that a setting is for, "" for all, and the setting: "paramixer:mixer.n_links=9"."""
    name, colon, rest = setting.partition(":")
    return (name.strip(), rest) if colon and "." not in name and "=" not in name else ("", setting)


def open_results(
    results: ResultsFolder, differing: Callable[[dict[str, Any]], Sequence[str]], overwrite: bool
) -> dict[str, Any]:
    """Makes the folder, or finds that it may be gone on with; what an earlier call wrote in its .json.

    Args:
        differing: what makes the earlier content, which it is given, another than what is wanted now, in words.
        overwrite: replace it.

    Raises:
        RunError: the folder is something else, or its trainings had other settings or data.
    """
    folder, file = results.folder, results.json
    if folder.exists() and not file.is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RunError(f"{folder} exists and is no {results.kind}: it is not overwritten; choose another --output")
    if file.is_file() and not overwrite:
        try:
            earlier: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            found = differing(earlier)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{file}: the file is damaged; replace the {results.kind} with --overwrite") from error
        refuse(results, found)
        return earlier
    try:
        for part in results.parts:
            if (folder / part).exists():
                shutil.rmtree(folder / part)
        for old in (file, results.html):
            old.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return {}


def refuse(results: ResultsFolder, differing: Sequence[str]) -> None:
    """Raises a RunError if anything differs."""
    if differing:
        raise RunError(
            f"{results.folder} is a {results.kind} with other settings ({'; '.join(differing)}); repeat the command with "
            "those to go on, replace it with --overwrite, or choose another --output"
        )


def other_settings(earlier: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """What all trainings share and is not as it was, in words."""
    now = json.loads(json.dumps(settings))
    return [f"{name}: {earlier.get(name)!r} there, {now[name]!r} now" for name in now if earlier.get(name) != now[name]]


def other_config(path: Path, planned: Config) -> list[str]:
    """Settings of a run that is there and would not be gone on with: the mixer's defaults may have changed since."""
    if not (path / "config.toml").is_file() or failed_before(path):
        return []
    there, now = Run.open(path).config.to_tables(), planned.to_tables()
    return [
        f"{path.name}: {table}.{name}: {there[table].get(name)!r} there, {value!r} now"
        for table in now
        for name, value in now[table].items()
        if (table, name) != ("data", "path") and there[table].get(name) != value
    ]


def all_finished(folder: Path) -> list[Trial]:
    """The trainings that were ever finished under `folder`/runs."""
    found = (finished_trial(file.parent) for file in sorted((folder / "runs").glob("*/trial.json")))
    return [trial for trial in found if trial]


def run_trials(
    plan: Sequence[PlannedTrial], folder: Path, *, threads: int, jobs: int, on_begin: Callable[[PlannedTrial], object]
) -> Iterator[tuple[Trial, bool]]:
    """What was finished before, then each training as it ends, `jobs` side by side; and whether it was run now.

    Args:
        folder: what their places are in.
        threads: of each.
        on_begin: called with each that is run, before.
    """
    found = {planned.place: finished_trial(folder / planned.place) for planned in plan}
    yield from ((trial, False) for trial in found.values() if trial)
    launcher = TrialProcess()

    def run(planned: PlannedTrial) -> Trial:
        on_begin(planned)
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
        except KeyboardInterrupt:  # who interrupts twice does not want to wait
            launcher.kill()
            raise
        raise
    pool.shutdown()


def _run(launcher: TrialProcess, planned: PlannedTrial, folder: Path, threads: int) -> Trial:
    """One training; where it fails, its trial says why."""
    path = folder / planned.place
    spec = TrialSpec(folder=str(path), data=str(planned.data), config=planned.config.to_tables(), threads=threads)
    error = launcher.launch(spec)
    trial = None if error else finished_trial(path)
    if trial:
        return trial
    return Trial(
        mixer=planned.config.model.mixer,
        seed=planned.config.training.seed,
        folder=planned.place.as_posix(),
        error=f"failed: {error or 'it left no result'}",
        settings=planned.config.to_tables(),
    )
