"""The steps of `reproduce`: what was asked for, where the data are, what is trained, and what is kept after each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seqmix.config import Config, Table, merge, parse_setting
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, DatasetError, InputError, SeqmixError
from seqmix.evaluation.baselines import baselines_of
from seqmix.experiments.reproduction.paper_data import Found, find_data, make_data
from seqmix.experiments.reproduction.papers import Experiment, Suite
from seqmix.experiments.reproduction.result import Reproduction, place_of, task_and_method
from seqmix.experiments.scheduler import (
    PlannedTrial,
    ResultsFolder,
    all_finished,
    open_results,
    other_config,
    other_settings,
    refuse,
    run_trials,
)
from seqmix.experiments.trial import Trial
from seqmix.system.files import write_whole
from seqmix.training.resolve import mixer_with_options, resolve_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whom `reproduce` tells what it does.

    Attributes:
        remark: called with what is missing, or otherwise than published, when it is found.
        stage: with what is done before the trainings, in words.
        start: with the number of trainings, and of those that are still to be run.
        begin: with a training's task, method and seed, before it is run; trial: with each that ended, and whether now.
    """

    remark: Callable[[str], object] = lambda _: None
    stage: Callable[[str], object] = lambda _: None
    start: Callable[[int, int], object] = lambda *_: None
    begin: Callable[[str, str, int], object] = lambda *_: None
    trial: Callable[[Trial, bool], object] = lambda *_: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for, see `reproduce`."""

    suite: Suite
    tasks: tuple[str, ...] | None
    methods: tuple[str, ...] | None
    budget: float
    max_length: int | None
    seeds: int
    generated: bool
    train: int | None
    settings: tuple[str, ...]
    device: str | None

    @property
    def experiments(self) -> list[Experiment]:
        """The tasks."""
        if self.tasks is None:
            return list(self.suite.experiments)
        return [self.suite.experiment(name) for name in dict.fromkeys(self.tasks)]

    @property
    def chosen(self) -> list[str]:
        """Names of the methods."""
        return self.suite.chosen_methods(self.methods)

    def check(self) -> None:
        """Finds what no training could be made of: data may be prepared for long before one is.

        Raises:
            ConfigError: it is not allowed.
        """
        if self.train is not None and not self.generated:
            raise ConfigError(f"--train {self.train} goes with --generate only: add it, or leave out --train")
        if self.train is not None and self.train < 1:
            raise ConfigError(f"--train must be at least 1: got {self.train}")
        if self.max_length is not None and self.max_length < 1:
            raise ConfigError(f"--max-length must be at least 1: got {self.max_length}")
        stated: list[dict[str, Table]] = [{"training": {"budget": self.budget}}]
        stated += [{table: {option: value}} for table, option, value in map(parse_setting, self.settings)]
        for experiment in self.experiments:
            for method in self.chosen:
                if experiment.recipe(method):
                    tables = merge(experiment.tables(method), *stated)
                    mixer_with_options(tables)
                    Config.from_tables(tables)


@dataclass(frozen=True, slots=True)
class Session:
    """A call of `reproduce`: what was asked for, the folder of results, what was found, and who is told.

    In order: `sources`, `open`, `prepared`, `plan`, `train`.
    """

    request: Request
    results: ResultsFolder
    found: Reproduction
    listener: Listener

    def remark(self, text: str) -> None:
        """Keeps, and tells, what a reader should know."""
        self.found.remarks.append(text)
        self.listener.remark(text)

    def save(self) -> Reproduction:
        """Writes `reproduce.json`; the reproduction with all that was ever finished in its folder."""
        known = {trial.folder for trial in self.found.trials}
        earlier = [t for t in all_finished(self.results.folder) if t.folder not in known and task_and_method(t.folder)[0]]
        trials = sorted([*self.found.trials, *earlier], key=lambda trial: (trial.seed, trial.folder))
        whole = replace(self.found, trials=trials)
        write_whole(self.results.json, whole.to_json())
        return whole

    def sources(self, folder: Path, overwrite: bool) -> dict[str, Found | None]:
        """By task of which there are data: its files; None: prepared before, or to be generated.

        Raises:
            InputError: there are no data at all.
        """
        sources: dict[str, Found | None] = {}
        lacking: list[str] = []
        for one in self.request.experiments:
            if (self.results.folder / "data" / one.name / "dataset.json").is_file() and not overwrite:
                sources[one.name] = None
                continue
            try:
                files = find_data(one, folder) if folder.is_dir() else Found(missing=(one.wanted,))
            except InputError as error:
                lacking.append(f"{one.name}: {error}")
                continue
            if not files.missing:
                sources[one.name] = files
            elif self.request.generated and one.generated:
                sources[one.name] = None
            else:
                also = ", or --generate" if one.generated else ""
                lacking.append(f"{one.name}: no {', '.join(files.missing)} (from {one.source}{also})")
        if not sources:
            if not folder.is_dir():
                raise InputError(f"there is no folder '{folder}': say with --data where the data are")
            missing = "".join(f"\n  {text}" for text in lacking)
            raise InputError(f"there are no data in '{folder}', nor in a folder in it: say with --data where they are{missing}")
        for text in lacking:
            self.remark(f"{text}; looked for in {folder} and the folders in it")
        return sources

    def open(self, overwrite: bool) -> None:
        """Makes the folder, or takes up what an earlier call left in it; errors as in `open_results`."""

        def differing(earlier: Mapping[str, Any]) -> list[str]:
            suites = earlier["suite"], self.found.suite.name
            other = [] if suites[0] == suites[1] else ["experiments: {} there, {} now".format(*suites)]
            return other + other_settings(earlier["settings"], self.found.settings)

        earlier = open_results(self.results, differing, overwrite)
        self.found.data.update(earlier.get("data", {}))
        self.found.baselines.update(earlier.get("baselines", {}))

    def prepared(self, sources: Mapping[str, Found | None]) -> dict[str, Dataset]:
        """The data set of every task of which there are data, prepared if it was not before; what fails is remarked."""
        datasets = {}
        for name, files in sources.items():
            folder = self.results.folder / "data" / name
            try:
                if (folder / "dataset.json").is_file():
                    dataset = Dataset.open(folder)
                else:
                    self.listener.stage(f"{name}: preparing" if files else f"{name}: generating")
                    dataset = make_data(self.request.suite.experiment(name), files, folder, self.request.train)
                if not len(dataset.indices("test")):
                    raise DatasetError(f"{folder}: the test split is empty")
            except SeqmixError as error:
                self.remark(f"{name}: {error}")
                continue
            self._take_up(name, dataset, files)
            datasets[name] = dataset
        return datasets

    def _take_up(self, name: str, dataset: Dataset, files: Found | None) -> None:
        """Keeps what is to be known of data; raises a RunError if they are not those of an earlier call."""
        made, earlier = dataset.info.get("generated"), self.found.data.get(name, {})
        if earlier and earlier["fingerprint"] != dataset.fingerprint:
            refuse(self.results, [f"the data of {name}: other content there"])
        if made and self.request.train not in (None, made["train"]):
            refuse(self.results, [f"--train: {made['train']:,} samples of {name} there, {self.request.train:,} now"])
        source = "generated" if made else ", ".join(map(str, files.files)) if files else earlier.get("from", "prepared before")
        facts = {"from": source, "fingerprint": dataset.fingerprint, "counts": dataset.sizes, "notes": dataset.info["notes"]}
        self.found.data[name] = facts
        self.save()

    def plan(self, datasets: Mapping[str, Dataset]) -> list[PlannedTrial]:
        """Every training: all tasks and methods with the first seed, then with the second ...; the simple methods are scored.

        Raises:
            ConfigError: a model is not allowed; RunError: a run that is there has other settings.
        """
        plan = []
        for name, dataset in datasets.items():
            experiment = self.request.suite.experiment(name)
            for method in self.request.chosen:
                if not experiment.recipe(method):
                    self.remark(f"{name}: no settings of {method} are published for it; it is not run")
                    continue
                plan += [self._planned(experiment, dataset, method, seed) for seed in range(self.request.seeds)]
            of = [one for one in plan if one.data == dataset.path]
            if of:
                self._look_at(experiment, dataset, of)
        refuse(self.results, [line for one in plan for line in other_config(self.results.folder / one.place, one.config)])
        return sorted(plan, key=lambda one: one.config.training.seed)

    def _planned(self, experiment: Experiment, dataset: Dataset, method: str, seed: int) -> PlannedTrial:
        request = self.request
        options = {"seed": seed, "budget": request.budget, "max_length": request.max_length, "device": request.device}
        _, config = resolve_run(dataset, options, experiment.tables(method), settings=request.settings)
        return PlannedTrial(place=place_of(experiment.name, method, seed), data=dataset.path, config=config)

    def _look_at(self, experiment: Experiment, dataset: Dataset, plan: Sequence[PlannedTrial]) -> None:
        """Remarks sequences that are shorter than published; scores the simple methods, if that was not done."""
        name, cut = experiment.name, self.request.max_length
        if cut and cut < experiment.length:
            self.remark(f"{name}: sequences are cut to {cut:,}, {experiment.length:,} were published")
        if self.request.suite.baselines and name not in self.found.baselines:
            self.listener.stage(f"{name}: simple methods")
            self.found.baselines[name] = baselines_of(dataset, plan[0].config.data)
            self.save()

    def train(self, plan: Sequence[PlannedTrial], threads: int, jobs: int) -> None:
        """Runs what is not finished."""
        finished = {trial.folder for trial in all_finished(self.results.folder)}
        self.listener.start(len(plan), sum(one.place.as_posix() not in finished for one in plan))

        def begin(one: PlannedTrial) -> None:
            self.listener.begin(*task_and_method(one.place.as_posix()), one.config.training.seed)

        for trial, run_now in run_trials(plan, self.results.folder, threads=threads, jobs=jobs, on_begin=begin):
            self.found.trials.append(trial)
            self.save()
            self.listener.trial(trial, run_now)
