"""`crossval` trains on all folds of a data set but one, for each in turn, and scores every record once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config import Config
from seqmix.config.options import taking_options
from seqmix.data.dataset import Dataset
from seqmix.data.record_groups import record_groups
from seqmix.data.relatives.nearness import notes_on_nearness
from seqmix.data.resplit import split_file
from seqmix.ensembles.ensemble import write_ensemble
from seqmix.ensembles.members import FILE as ENSEMBLE_FILE
from seqmix.evaluation.predictions_file import write_predictions_file
from seqmix.experiments.campaign import Campaign
from seqmix.experiments.crossval.folds import make_folds, split_of_fold
from seqmix.experiments.crossval.pooled import fold_answers, fold_row, pool, put_together
from seqmix.experiments.crossval.report import write_crossval
from seqmix.experiments.crossval.result import Crossvalidation
from seqmix.experiments.data_set import data_description, other_data
from seqmix.experiments.events import OnEvent
from seqmix.experiments.progress import events_shown
from seqmix.experiments.run_trial import Part
from seqmix.experiments.scheduler import PlannedTrial
from seqmix.experiments.train_options import TrainOptions, check_init, method_name
from seqmix.reporting.text import counted
from seqmix.run import Run
from seqmix.system.arguments import typed
from seqmix.system.devices import thread_count
from seqmix.system.environment import environment
from seqmix.system.files import write_whole
from seqmix.system.ranges import check_numbers
from seqmix.training.keywords import keywords
from seqmix.training.resolve import open_labelled

_SPLITS = "splits"  # folder of the files with the splits of each fold
ENSEMBLE = "ensemble"  # folder of the ensemble of all folds


@typed()
@taking_options([one for _, one in keywords().values()], unset=True)
def crossval(
    data: str | Path | Dataset | None = None,
    output: str | Path = "crossval",
    *,
    folds: int = 5,
    seeds: int = 1,
    keep_test: bool = False,
    baselines: bool = True,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    recipe: str | None = None,
    settings: Sequence[str] = (),
    threads: int | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    progress: bool = False,
    **given: Any,
) -> Crossvalidation:
    """Predict every record of a data set once, by a model that has seen neither it nor any record related to it.

    All records are divided into folds, whatever split they are in; groups of related records are kept whole, and classes are
    dealt out evenly. For each fold, a model is trained on the others, of which a part is taken to choose the weights by. The
    same records serve the best simple method. At the end, `ensemble` in the output folder is an ensemble of the folds' models,
    which `predict` takes as a run.

    A call with the `output` of an earlier one resumes it: finished trainings are not repeated, interrupted ones resume, failed
    ones are retried.

    Args:
        data: the data set or its folder; None for the one that `config` names, or "seqmix-data".
        output: folder for `crossval.json`, `crossval.html`, `crossval.tsv` with all predictions, `ensemble`, and
            `runs/fold<k>-seed<s>`, which are ordinary run folders.
        folds: number of folds.
        seeds: trainings of each fold, with consecutive seeds; the mean of their predictions counts.
        keep_test: whether the records of the test split stay out of it, for a final evaluation.
        baselines: whether to fit simple methods as well.
        config: settings, as in `train`.
        recipe: settings that come with seqmix, as in `train`.
        settings: "table.option=value", as in `train`.
        threads: CPU threads of each training; if None, those available are divided among `jobs`.
        jobs: trainings run in parallel. On a CPU, one job per core with one thread each is faster than one job with all cores.
        overwrite: whether to replace an earlier cross-validation.
        on_event: called with every `CampaignEvent`.
        progress: whether to draw a progress bar.
        given

    Returns:
        The results; after an interruption (KeyboardInterrupt), the results so far.

    Raises:
        ConfigError: an option is not allowed.
        DatasetError: the data set cannot be used, or a class has fewer groups than there are folds.
        RunError: `output` is in the way, or has other settings.
        SeqmixError: every training failed.
    """
    check_numbers(folds=folds, seeds=seeds, jobs=jobs, threads=threads)
    options = TrainOptions(given, recipe, config, settings)
    dataset, first = options.resolved(data)
    check_init(first, dataset)
    plan = _planned(dataset, options, folds, seeds, first.training.seed, keep_test)
    with thread_count(threads), events_shown(on_event, "cross-validating", progress) as emit:
        shared = options.shared(plan[0].config, threads, jobs, folds=folds, keep_test=keep_test, baselines=baselines)
        description = data_description(dataset) | {"groups": _groups_in_words(dataset)}
        result = Crossvalidation(settings=shared, data=description, environment=environment(), seeds=seeds)
        result.remarks, result.leaks = _remarks(dataset, keep_test), _leaks(dataset)
        return CrossvalCampaign(Path(output), result, emit, dataset, plan, baselines).run(overwrite)


@dataclass(frozen=True, slots=True)
class _Training:
    """A training on a fold's splits.

    Attributes:
        fold: number of the fold, from 1.
        seed: seed of the training.
        split: the splits, `(n,)`.
        origin: what they are, in words.
        config: the full configuration.
    """

    fold: int
    seed: int
    split: NDArray[np.int8]
    origin: str
    config: Config


def _planned(dataset: Dataset, options: TrainOptions, folds: int, seeds: int, first: int, keep_test: bool) -> list[_Training]:
    """Return every training: all folds with the first seed, then all with the second, and so on."""
    fold = make_folds(dataset, folds, first, keep_test=keep_test)
    splits = [split_of_fold(dataset, fold, number, first) for number in range(folds)]
    found = []
    for seed in range(first, first + seeds):
        for number, split in enumerate(splits, 1):
            origin = f"fold {number} of {folds}, seed {first}"
            view = open_labelled(dataset.with_split(split, origin))
            found.append(_Training(number, seed, split, origin, options.resolved(view, seed=seed)[1]))
    return found


class CrossvalCampaign(Campaign[Crossvalidation]):
    """The trainings of all folds.

    Args:
        dataset: the data set.
        trainings: the trainings.
        baselines: whether to fit simple methods.
    """

    kind, name, subfolders = "cross-validation", "crossval", ("runs", _SPLITS, ENSEMBLE)

    def __init__(
        self,
        folder: Path,
        result: Crossvalidation,
        on_event: OnEvent | None,
        dataset: Dataset,
        trainings: Sequence[_Training],
        baselines: bool,
    ) -> None:
        super().__init__(folder, result, on_event)
        self.dataset, self.trainings, self.baselines = dataset, trainings, baselines
        self.inputs = [dataset.path]

    def differences(self, earlier: Mapping[str, Any]) -> list[str]:
        """Also compare the content of the data."""
        return other_data(earlier["data"], self.result.data) + super().differences(earlier)

    def plan(self) -> Iterator[PlannedTrial]:
        """Yield the trainings, after writing their splits."""
        for remark in self.result.remarks:
            self.remark(remark)
        for training in self.trainings:
            file = self.folder / _SPLITS / f"fold{training.fold}.npy"
            file.parent.mkdir(exist_ok=True)
            write_whole(file, split_file(training.split))
            yield PlannedTrial(
                task=f"fold {training.fold}",
                mixer=training.config.model.mixer,
                method=method_name(training.config),
                seed=training.seed,
                place=self._place(training),
                data=self.dataset.path,
                config=training.config,
                part=Part(file=str(file), origin=training.origin, simple=self.baselines and training.seed == self._first_seed),
            )

    def write(self) -> None:
        """Write page, predictions and ensemble, as far as trainings are finished."""
        self._summarise()
        self.save()
        write_crossval(self.result, self.folder / "crossval.html")

    def _summarise(self) -> None:
        """Score the folds whose trainings are all finished, and all records together if no fold is missing."""
        done = {trial.folder: trial for trial in self.result.trials if not trial.error}
        by_fold: dict[int, list[_Training]] = {}
        for training in self.trainings:
            by_fold.setdefault(training.fold, []).append(training)
        answers, rows = {}, []
        for number, trainings in by_fold.items():
            trials = [done[place] for training in trainings if (place := self._place(training).as_posix()) in done]
            if len(trials) == len(trainings):
                split = trainings[0].split
                answers[number] = fold_answers(self.folder, trials, split)
                rows.append(fold_row(self.dataset, number, split, answers[number], trials))
        self.result.folds = rows
        if len(answers) < len(by_fold):
            (self.folder / ENSEMBLE / ENSEMBLE_FILE).unlink(missing_ok=True)
            return
        found = put_together(answers)
        groups = record_groups(self.dataset)[found.indices]
        runs = [Run.open(self.folder / self._place(training)) for training in self.trainings]
        write_ensemble(self.folder / ENSEMBLE, runs)
        self.result.pooled = pool(self.dataset, found, groups, folder=self.folder, model=runs[0].title)
        write_predictions_file(
            self.folder / f"{self.name}.tsv",
            self.dataset.label_objective,
            self.dataset,
            found.indices,
            found.model,
            separator=self.dataset.info["read"].get("label_separator") or ",",
            folds=found.fold,
            groups=groups,
        )

    @property
    def _first_seed(self) -> int:
        return self.trainings[0].seed

    @staticmethod
    def _place(training: _Training) -> Path:
        return Path("runs") / f"fold{training.fold}-seed{training.seed}"


def _groups_in_words(dataset: Dataset) -> str:
    """Return what the groups of related records are."""
    stored = dataset.info.get("groups")
    return str(stored["by"]) if stored and dataset.groups is not None else "equal records"


def _remarks(dataset: Dataset, keep_test: bool) -> list[str]:
    """Return what a user should know about the division."""
    sizes = dataset.sizes
    test = counted(sizes["test"], "record")
    if keep_test:
        left = len(dataset) - sizes["test"]
        return [f"{left:,} records are divided; the {test} of the test split stay out, for a final evaluation (--keep-test)"]
    parts = [f"{sizes[name]:,} of {word}" for name, word in (("train", "training"), ("val", "validation"), ("test", "test"))]
    found = [f"all {len(dataset):,} records are divided into folds: {', '.join(parts)}"]
    origin = dataset.info.get("origins", {}).get("splits", "")
    if sizes["test"] and origin and not origin.startswith("drawn"):
        found.append("the test split was given, not drawn at random: if it is to stay unseen until the end, use --keep-test")
    return found


def _leaks(dataset: Dataset) -> list[str]:
    """Return what `Crossvalidation.leaks` holds, as far as it is known from the splits of the data set."""
    if dataset.nearness is None:
        return []
    by = _groups_in_words(dataset)
    notes = notes_on_nearness(
        dataset.nearness, dataset.split, grouped=by != "equal records", similar=by.startswith("similarity")
    )
    return [f"already in the splits of the data set, {note}; between folds there are as many at least" for note in notes]
