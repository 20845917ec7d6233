"""The campaign of `reproduce`: its data are found, prepared or generated, then every method is trained on every task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqmix.data.dataset import Dataset
from seqmix.errors import DatasetError, InputError, SeqmixError, param
from seqmix.evaluation.baselines import baseline_scores
from seqmix.experiments.campaign import Campaign
from seqmix.experiments.events import OnEvent
from seqmix.experiments.reproduction.paper_data import PaperFiles, find_data, make_data
from seqmix.experiments.reproduction.papers import Experiment
from seqmix.experiments.reproduction.report import write_reproduction
from seqmix.experiments.reproduction.result import Reproduction
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.scheduler import PlannedTrial
from seqmix.training.resolve import resolve_run


class ReproductionCampaign(Campaign[Reproduction]):
    """All tasks and methods with the first seed, then with the second ...

    Args:
        experiments: the tasks.
        methods: names of methods.
        seeds: trainings of each method on each task.
        device: name of the device, None for "auto".
        train: training samples to generate; None for as many as published.
    """

    kind, name, subfolders = "reproduction", "reproduce", ("runs", "data")

    def __init__(
        self,
        folder: Path,
        result: Reproduction,
        on_event: OnEvent | None,
        experiments: Sequence[Experiment],
        methods: Sequence[str],
        seeds: int,
        device: str | None,
        train: int | None,
    ) -> None:
        super().__init__(folder, result, on_event)
        self.experiments, self.methods, self.seeds, self.device, self.samples = experiments, methods, seeds, device, train
        self.files: dict[str, PaperFiles | None] = {}

    def remark(self, text: str) -> None:
        """Keep and pass on a remark on missing data, or on a difference from the publication."""
        self.result.remarks.append(text)
        super().remark(text)

    def find_data(self, folder: Path, generated: bool, overwrite: bool) -> None:
        """Find the files of each task; None for data that were prepared before, or will be generated.

        Raises:
            InputError: there are no data at all.
        """
        lacking: list[str] = []
        self.inputs = [folder]
        for one in self.experiments:
            if (self._data_folder(one) / "dataset.json").is_file() and not overwrite:
                self.files[one.name] = None
                continue
            try:
                files = find_data(one, folder) if folder.is_dir() else PaperFiles(missing=(one.wanted,))
            except InputError as error:
                lacking.append(f"{one.name}: {error.text}")
                continue
            if not files.missing or (generated and one.generated):
                self.files[one.name] = None if files.missing else files
            else:
                also = ", or generate it" if one.generated else ""
                lacking.append(f"{one.name}: no {', '.join(files.missing)} (from {one.source}{also})")
        if not self.files:
            say = f"say with {param('data')} where"
            if not folder.is_dir():
                raise InputError(f"there is no folder '{folder}': {say} the data are")
            missing = "".join(f"\n  {text}" for text in lacking)
            raise InputError(f"there are no data in '{folder}', nor in a folder in it: {say} they are{missing}")
        for text in lacking:
            self.remark(f"{text}; looked for in {folder} and the folders in it")

    def differences(self, earlier: Mapping[str, Any]) -> list[str]:
        """Compare the experiments as well."""
        there, here = earlier["suite"], self.result.suite.name
        other = [] if there == here else [f"experiments: {there} there, {here} now"]
        return other + super().differences(earlier)

    def restore(self, earlier: Mapping[str, Any]) -> None:
        """Take up the description of the data, and the scores of the simple methods."""
        self.result.data = earlier.get("data", {})
        self.result.baselines = earlier.get("baselines", {})

    def identify(self, trial: Trial) -> Trial | None:
        """Take task and method, which version 0.1.0 did not keep, from the place that they were given."""
        if trial.task:
            return trial
        for experiment in self.result.suite.experiments:
            for method in (trial.mixer, *experiment.recipes):
                if trial.folder == _place(experiment.name, method, trial.seed).as_posix():
                    return replace(trial, task=experiment.name, method=method)
        return None

    def plan(self) -> list[PlannedTrial]:
        """Return the trainings; data are prepared, and the simple methods scored, where that was not done before."""
        datasets = [(one, dataset) for one in self.experiments if (dataset := self._prepared(one))]
        plan = []
        for experiment, dataset in datasets:
            planned = list(self._planned(experiment, dataset))
            if planned:
                self._compare_with_paper(experiment, dataset, planned[0])
            plan += planned
        return sorted(plan, key=lambda one: one.seed)

    def write(self) -> None:
        """Write `reproduce.html`."""
        write_reproduction(self.result, self.folder / "reproduce.html")

    def reasons(self) -> list[str]:
        """Return failed trainings and missing data."""
        return [*self.result.failures, *self.result.remarks]

    def _data_folder(self, experiment: Experiment) -> Path:
        return self.folder / "data" / experiment.name

    def _prepared(self, experiment: Experiment) -> Dataset | None:
        """Return the data set of a task, prepared if it was not before; None, with a remark, if there is none."""
        name, folder = experiment.name, self._data_folder(experiment)
        if name not in self.files:
            return None
        files = self.files[name]
        try:
            if (folder / "dataset.json").is_file():
                dataset = Dataset.open(folder)
            else:
                self.stage(f"{name}: {'preparing' if files else 'generating'}")
                dataset = make_data(experiment, files, folder, self.samples)
            if not len(dataset.indices("test")):
                raise DatasetError(f"{folder}: the test split is empty")
        except SeqmixError as error:
            self.remark(f"{name}: {error}")
            return None
        self._describe(name, dataset, files)
        return dataset

    def _describe(self, name: str, dataset: Dataset, files: PaperFiles | None) -> None:
        """Keep the facts about the data; raise a RunError if the data are not those of an earlier call."""
        made, earlier = dataset.info.get("generated"), self.result.data.get(name, {})
        if earlier and earlier["fingerprint"] != dataset.fingerprint:
            self.refuse([f"the data of {name}: other content there"])
        if made and self.samples not in (None, made["train"]):
            self.refuse([f"{param('train')}: {made['train']:,} samples of {name} there, {self.samples:,} now"])
        source = "generated" if made else ", ".join(map(str, files.files)) if files else earlier.get("from", "prepared before")
        facts = {"from": source, "fingerprint": dataset.fingerprint, "counts": dataset.sizes, "notes": dataset.info["notes"]}
        self.result.data[name] = facts
        self.save()

    def _planned(self, experiment: Experiment, dataset: Dataset) -> Iterator[PlannedTrial]:
        """Yield the trainings on a task, of the methods that there are settings for."""
        shared = self.result.settings
        for method in self.methods:
            if not experiment.recipe(method):
                self.remark(f"{experiment.name}: no settings of {method} are published for it; it is not run")
                continue
            for seed in range(self.seeds):
                options = {"seed": seed, "device": self.device, **{k: shared[k] for k in ("budget", "max_length")}}
                config = resolve_run(dataset, options, experiment.tables(method), settings=shared["settings"]).config
                yield PlannedTrial(
                    task=experiment.name,
                    method=method,
                    mixer=config.model.mixer,
                    seed=seed,
                    place=_place(experiment.name, method, seed),
                    data=dataset.path,
                    config=config,
                )

    def _compare_with_paper(self, experiment: Experiment, dataset: Dataset, planned: PlannedTrial) -> None:
        """Remark sequences that are shorter than published; score the simple methods, if that was not done."""
        name, cut = experiment.name, self.result.settings["max_length"]
        if cut and cut < experiment.length:
            self.remark(f"{name}: sequences are cut to {cut:,}, {experiment.length:,} were published")
        if self.result.suite.baselines and name not in self.result.baselines:
            assert planned.config
            self.stage(f"{name}: simple methods")
            self.result.baselines[name] = baseline_scores(dataset, planned.config.data)
            self.save()


def _place(task: str, method: str, seed: int) -> Path:
    """Return the run folder of a training, relative to that of the campaign."""
    return Path("runs") / f"{task}-{method}-seed{seed}"
