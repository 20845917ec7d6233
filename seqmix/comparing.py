"""Mixers side by side: `compare` trains each with several seeds on one data set, with one budget of time, and scores all
on the test split, beside the simple methods.

Every training is a `seqmix.trial` in a process of its own and an ordinary run folder. What is finished is not done again:
the same call goes on where the last was stopped, and one with more mixers or seeds runs what is missing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from seqmix.baselines import baseline_scores
from seqmix.comparison import Comparison
from seqmix.comparison_report import write_comparison
from seqmix.config import Config, parse_duration, parse_setting, read_toml
from seqmix.dataset import Dataset
from seqmix.errors import ConfigError, DatasetError, RunError, SeqmixError
from seqmix.inference import choose_device, thread_count
from seqmix.mixers import available_mixers
from seqmix.objective import objective_of
from seqmix.run import Run, environment, write_whole
from seqmix.training import settle
from seqmix.trial import Launcher, Trial, TrialSpec, failed_before, finished_trial

_OWN = ("model.mixer", "training.seed", "training.budget", "data.path")  # what a comparison sets itself


def compare(
    data: str | Path | Dataset | None = None,
    output: str | Path = "compare",
    *,
    mixers: Sequence[str] | None = None,
    seeds: int = 3,
    budget: float | str = "5m",
    max_length: int | None = None,
    recipe: str | None = None,
    config: str | Path | None = None,
    settings: Sequence[str] = (),
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    baselines: bool = True,
    overwrite: bool = False,
    on_start: Callable[[int], object] | None = None,
    on_begin: Callable[[str, int], object] | None = None,
    on_trial: Callable[[Trial, bool], object] | None = None,
) -> Comparison:
    """Trains every mixer with every seed under equal conditions, and writes `compare.json` and `compare.html`.

    A call with the `output` of an earlier one goes on with it: finished trainings are not run again, interrupted ones go
    on, failed ones are tried again. Its table has all that was ever finished there.

    Args:
        data: the data set or its folder; None: what `config` names, else "seqmix-data".
        output: folder for the two files and `runs/<mixer>-seed<k>`, which are ordinary run folders.
        mixers: their names; None: all that are installed.
        seeds: how many; they are 0, 1, 2 ...
        budget: of each training, as in `train`; 0: as many epochs as the settings say.
        max_length ... precision: as in `train`, the same for all, but for settings such as "paramixer:mixer.n_links=9", which
            are those of one mixer.
        threads: of the CPU, of each training; None: those of the computer, shared out among `jobs`.
        jobs: trainings side by side. On a CPU, as many as cores with a thread each get more done than one with all cores.
        baselines: also fit and score the simple methods.
        overwrite: replace an earlier comparison.
        on_start: called with the number of trainings; on_begin: with mixer and seed before one that is run; on_trial: with
            each that ended, and whether it was run now.

    Returns:
        What was found. After an interruption (KeyboardInterrupt): what was found till then.

    Raises:
        ConfigError, DatasetError: see their messages; RunError: `output` is in the way, or has other settings.
        SeqmixError: every training failed; the message says why.
    """
    names, folder = list(dict.fromkeys(mixers or available_mixers())), Path(output)
    seconds = parse_duration(budget) if isinstance(budget, str) else budget
    _check_request(seeds, jobs, settings)
    common = {"budget": seconds, "max_length": max_length, "device": device, "precision": precision}
    dataset, plan = _plan(data, names, seeds, common, recipe, config, settings)
    with thread_count(threads):
        count = threads or max(1, torch.get_num_threads() // jobs)
        shared = common | {
            "recipe": recipe,
            "config": read_toml(config) if config else None,
            "settings": list(settings),
            "device": str(choose_device(device or "auto")),
            "threads": count,
            "jobs": jobs,
        }
        comparison = _new_comparison(dataset, shared)
    earlier = _opened(folder, comparison, plan, overwrite)
    if on_start:
        on_start(len(plan))
    try:
        if baselines:
            comparison.baselines = earlier.get("baselines") or _baselines(dataset, plan[0])
        _save(comparison, folder)
        for trial, run_now in _trials(plan, folder, dataset, count, jobs, on_begin or (lambda *_: None)):
            comparison.trials.append(trial)
            _save(comparison, folder)
            if on_trial:
                on_trial(trial, run_now)
    except KeyboardInterrupt:
        comparison.interrupted = True
    order = [_place(planned).as_posix() for planned in plan]
    comparison.trials.sort(key=lambda trial: order.index(trial.folder))
    result = _save(comparison, folder)
    write_comparison(result, folder / "compare.html")
    if result.trials and all(trial.error for trial in result.trials):
        raise SeqmixError(f"every training failed: {'; '.join(result.notes)}")
    return result


def _check_request(seeds: int, jobs: int, settings: Sequence[str]) -> None:
    for name, value in {"seeds": seeds, "jobs": jobs}.items():
        if value < 1:
            raise ConfigError(f"the number of {name} must be at least 1: got {value}")
    for setting in settings:
        table, option, _ = parse_setting(_of_one(setting)[1])
        if f"{table}.{option}" in _OWN:
            raise ConfigError(f"--set {table}.{option}: a comparison sets it itself; use --mixers, --seeds, --budget and DATA")


def _plan(
    data: str | Path | Dataset | None,
    mixers: Sequence[str],
    seeds: int,
    common: Mapping[str, Any],
    recipe: str | None,
    config: str | Path | None,
    settings: Sequence[str],
) -> tuple[Dataset, list[Config]]:
    """The data set and the configuration of every training: all mixers with the first seed, then with the second ..."""
    plan: list[Config] = []
    own = [_of_one(setting) for setting in settings]
    if strange := [name for name, _ in own if name and name not in available_mixers()]:
        raise ConfigError(f"--set {strange[0]}:…: there is no such mixer; available: {', '.join(available_mixers())}")
    for seed in range(seeds):
        for mixer in mixers:
            its = [setting for name, setting in own if name in ("", mixer)]
            data, settled = settle(data, {**common, "mixer": mixer, "seed": seed}, recipe, config, its)
            plan.append(settled)
    assert isinstance(data, Dataset)
    if not len(data.indices("test")):
        raise DatasetError(f"{data.path}: the test split is empty; prepare it again with another --split")
    return data, plan


def _of_one(setting: str) -> tuple[str, str]:
    """The mixer that a setting is for, "" for all, and the setting: "paramixer:mixer.n_links=9"."""
    name, colon, rest = setting.partition(":")
    return (name.strip(), rest) if colon and "." not in name and "=" not in name else ("", setting)


def _new_comparison(dataset: Dataset, settings: dict[str, Any]) -> Comparison:
    objective = objective_of(dataset.info)
    data = {
        "path": str(dataset.path.absolute()),
        "fingerprint": dataset.fingerprint,
        "classes": dataset.classes,
        "counts": dataset.sizes,
        "task": objective.kind,
        "scores": list(objective.columns[:3]),
    }
    return Comparison(settings=settings, data=data, environment=environment())


def _opened(folder: Path, comparison: Comparison, plan: Sequence[Config], overwrite: bool) -> dict[str, Any]:
    """Makes the folder, or finds that it may be gone on with; what an earlier call wrote in `compare.json`.

    Raises:
        RunError: the folder is something else, or a comparison with other settings or data.
    """
    file = folder / "compare.json"
    if folder.exists() and not file.is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RunError(f"{folder} exists and is no comparison: it is not overwritten; choose another --output")
    if file.is_file() and not overwrite:
        try:
            earlier: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            differing = _differences(earlier, comparison)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{file}: the file is damaged; replace the comparison with --overwrite") from error
        # Where what all share is the same, runs can only differ by what another version of seqmix takes as default.
        differing = differing or [line for one in plan for line in _other_config(folder / _place(one), one)]
        if differing:
            raise RunError(
                f"{folder} is a comparison with other settings ({'; '.join(differing)}); repeat the command with "
                "those to go on, replace it with --overwrite, or choose another --output"
            )
        return earlier
    try:
        if (folder / "runs").exists():
            shutil.rmtree(folder / "runs")
        for old in (file, folder / "compare.html"):
            old.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return {}


def _differences(earlier: Mapping[str, Any], comparison: Comparison) -> list[str]:
    """What all trainings share and is not as it was, in words."""
    found = []
    if earlier["data"]["fingerprint"] != comparison.data["fingerprint"]:
        found.append(f"data: {earlier['data']['path']} with other content there, {comparison.data['path']} now")
    now = json.loads(json.dumps(comparison.settings))
    for name in now:
        if earlier["settings"].get(name) != now[name]:
            found.append(f"{name}: {earlier['settings'].get(name)!r} there, {now[name]!r} now")
    return found


def _other_config(path: Path, planned: Config) -> list[str]:
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


def _place(planned: Config) -> Path:
    return Path("runs") / f"{planned.model.mixer}-seed{planned.training.seed}"


def _baselines(dataset: Dataset, planned: Config) -> dict[str, dict[str, Any]]:
    data = planned.data
    return baseline_scores(
        dataset,
        dataset.indices("train"),
        dataset,
        dataset.indices("test"),
        lambda of, index: of.seen(index, data),
    )


def _save(comparison: Comparison, folder: Path) -> Comparison:
    """Writes `compare.json`; the comparison with all that was ever finished in its folder."""
    known = {trial.folder for trial in comparison.trials}
    found = [finished_trial(file.parent) for file in sorted((folder / "runs").glob("*/trial.json"))]
    whole = replace(comparison, trials=[*comparison.trials, *(t for t in found if t and t.folder not in known)])
    write_whole(folder / "compare.json", whole.to_json())
    return whole


def _trials(
    plan: Sequence[Config], folder: Path, dataset: Dataset, threads: int, jobs: int, on_begin: Callable[[str, int], object]
) -> Iterator[tuple[Trial, bool]]:
    """What was finished before, then each trial as it ends, `jobs` side by side; and whether it was run now."""
    found = {_place(planned): finished_trial(folder / _place(planned)) for planned in plan}
    yield from ((trial, False) for trial in found.values() if trial)
    launcher = Launcher()

    def run(planned: Config) -> Trial:
        on_begin(planned.model.mixer, planned.training.seed)
        return _run(launcher, planned, folder, dataset, threads)

    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(run, planned) for planned in plan if not found[_place(planned)]]
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


def _run(launcher: Launcher, planned: Config, folder: Path, dataset: Dataset, threads: int) -> Trial:
    """One training; where it fails, its trial says why."""
    place = _place(planned)
    spec = TrialSpec(folder=str(folder / place), data=str(dataset.path), config=planned.to_tables(), threads=threads)
    error = launcher.launch(spec)
    trial = None if error else finished_trial(folder / place)
    if trial:
        return trial
    return Trial(
        mixer=planned.model.mixer,
        seed=planned.training.seed,
        folder=place.as_posix(),
        error=f"failed: {error or 'it left no result'}",
        settings=planned.to_tables(),
    )
