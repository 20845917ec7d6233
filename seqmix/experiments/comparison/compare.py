"""`compare` trains every mixer with several seeds on one data set, in equal time, and scores all of them and the baselines on
the test split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.config import Config, read_settings
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, DatasetError, RunError, command, param
from seqmix.evaluation.baselines import SimpleMethod, best_simple, lexical_method, scores_of, simple_methods
from seqmix.experiments.campaign import Campaign
from seqmix.experiments.comparison.distinguish import distinguish
from seqmix.experiments.comparison.report import write_comparison
from seqmix.experiments.comparison.result import Comparison
from seqmix.experiments.data_set import data_description, other_data
from seqmix.experiments.events import OnEvent
from seqmix.experiments.progress import events_shown
from seqmix.experiments.request import check_mixer_options, check_mixers, check_request, import_error, of_mixer, shared_settings
from seqmix.experiments.scheduler import PlannedTrial
from seqmix.mixers import available_mixers
from seqmix.system.arguments import typed
from seqmix.system.devices import thread_count
from seqmix.system.environment import environment
from seqmix.training.resolve import resolve_run

_OWN = ("model.mixer", "model.lexical", "training.seed", "training.budget", "data.path")  # set by the comparison itself


@typed()
def compare(
    data: str | Path | Dataset | None = None,
    output: str | Path = "compare",
    *,
    mixers: Sequence[str] | None = None,
    seeds: int = 3,
    budget: float | str = "5m",
    max_length: int | None = None,
    recipe: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    settings: Sequence[str] = (),
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    baselines: bool = True,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    progress: bool = False,
) -> Comparison:
    """Train every mixer with every seed under equal conditions, and write `compare.json` and `compare.html`.

    The mixers are compared alone, without the lexical branch; simple methods stand beside them.

    A call with the `output` of an earlier one resumes it: finished trainings are not repeated, interrupted ones resume, failed
    ones are retried. The table has all finished trainings in the folder.

    Args:
        data: the data set or its folder; if None, the one that `config` names, or "seqmix-data".
        output: folder for the two files and for `runs/<mixer>-seed<k>`, which are ordinary run folders.
        mixers: names of mixers; all that are installed if None.
        seeds: trainings per mixer, with the seeds 0, 1, 2 ...
        budget: time of each training, as in `train`; 0 for the epochs of the settings.
        max_length: length that sequences are truncated to, as in `train`.
        recipe: settings that come with seqmix, for all mixers.
        config: settings for all mixers: a `Config`, a TOML file, or a mapping (see `seqmix.train`).
        settings: "table.option=value" for all mixers, or "paramixer:mixer.n_links=9" for one.
        device: as in `train`.
        precision: as in `train`.
        threads: CPU threads of each training; if None, those available are divided among `jobs`.
        jobs: trainings run in parallel. On a CPU, one job per core with one thread each is faster than one job with all cores.
        baselines: whether to fit and score baselines.
        overwrite: whether to replace an earlier comparison.
        on_event: called with every `CampaignEvent`.
        progress: whether to draw a progress bar.

    Returns:
        The results; after an interruption (KeyboardInterrupt), the results so far.

    Raises:
        ConfigError: an option is not allowed.
        DatasetError: the data set cannot be used.
        RunError: `output` is in the way, or has other settings.
        SeqmixError: every training failed.
    """
    names = list(dict.fromkeys(mixers or available_mixers()))
    instead = f"a comparison sets it itself; use {param('mixers')}, {param('seeds')}, {param('budget')} and another data set"
    check_request(settings, _OWN, instead, budget, seeds=seeds, jobs=jobs, threads=threads)
    check_mixers(names)
    broken = {name: error for name in names if (error := import_error(name))}
    check_mixer_options(settings, [name for name in names if name not in broken])
    common = {"max_length": max_length, "precision": precision}
    table = read_settings(config) if config else None
    options = {**common, "budget": budget, "device": device}
    dataset, plan = _plan(data, names, seeds, options, recipe, config, settings, broken)
    with thread_count(threads), events_shown(on_event, "comparing", progress) as emit:
        shared = shared_settings(budget, settings, device, threads, jobs, **common, recipe=recipe, config=table)
        comparison = Comparison(settings=shared, data=data_description(dataset), environment=environment())
        return ComparisonCampaign(Path(output), comparison, emit, dataset, plan, baselines).run(overwrite)


class ComparisonCampaign(Campaign[Comparison]):
    """All mixers with the first seed, then all with the second, and so on, on one data set.

    Args:
        dataset: the data set.
        trials: the trainings.
        baselines: whether to score the baselines.
    """

    kind, name = "comparison", "compare"

    def __init__(
        self,
        folder: Path,
        result: Comparison,
        on_event: OnEvent | None,
        dataset: Dataset,
        trials: Sequence[PlannedTrial],
        baselines: bool,
    ) -> None:
        super().__init__(folder, result, on_event)
        self.dataset, self.trials, self.baselines = dataset, trials, baselines
        self.inputs = [dataset.path]
        self.simple: SimpleMethod | None = None

    def differences(self, earlier: Mapping[str, Any]) -> list[str]:
        """Also compare the content of the data."""
        return other_data(earlier["data"], self.result.data) + super().differences(earlier)

    def restore(self, earlier: Mapping[str, Any]) -> None:
        """Restore the scores of the baselines."""
        if self.baselines:
            self.result.baselines = earlier.get("baselines", {})

    def plan(self) -> Sequence[PlannedTrial]:
        """Return the trainings, after scoring the baselines on what the first training sees."""
        if self.baselines:
            self._fit_simple()
        return self.trials

    def _fit_simple(self) -> None:
        """Fit and score simple methods, and store the best one; or read what an earlier call has found."""
        from seqmix.models.stored_baseline import fitted_to, read_baseline, write_baseline

        data, seen = self.dataset, next(trial.config.data for trial in self.trials if trial.config)
        records, test = fitted_to(data.fingerprint, seen), data.indices("test")
        try:
            stored = read_baseline(self.folder, records, data.vocabulary, data.label_objective, paired=data.n_sequences == 2)
        except RunError:
            stored = None
        if stored is not None and self.result.baselines:
            self.simple = lexical_method("", stored, None, data, test, seen)
            return
        self.stage("simple methods")
        methods = simple_methods(data, seen, data, test)
        self.result.baselines = scores_of(methods, data.label_objective, data.labels[test])
        self.simple = best_simple(methods)
        if self.simple and self.simple.model:
            write_baseline(self.folder, self.simple.model, records)

    def finish(self) -> None:
        """Compare all mixers with the best simple method and with the best mixer."""
        self.result.distinctions = distinguish(self.dataset, self.result.trials, self.folder, self.simple)

    def write(self) -> None:
        """Write `compare.html`."""
        write_comparison(self.result, self.folder / "compare.html")

    def reasons(self) -> list[str]:
        """Return the notes of the table."""
        return self.result.notes


def _plan(
    data: str | Path | Dataset | None,
    mixers: Sequence[str],
    seeds: int,
    options: Mapping[str, Any],
    recipe: str | None,
    config: Config | Mapping[str, Any] | str | Path | None,
    settings: Sequence[str],
    broken: Mapping[str, str],
) -> tuple[Dataset, list[PlannedTrial]]:
    """Return the data set and every training: all mixers with the first seed, then all with the second, and so on.

    Args:
        broken: by mixer, why it cannot be imported.
    """
    resolved = {}
    for seed in range(seeds):
        for mixer in mixers:
            if mixer not in broken:
                given = {**options, "mixer": mixer, "lexical": "none", "seed": seed}
                data, resolved[mixer, seed], *_ = resolve_run(data, given, recipe, config, of_mixer(settings, mixer))
    if not resolved:
        raise ConfigError("; ".join(f"the mixer '{name}' {error}" for name, error in broken.items()))
    assert isinstance(data, Dataset)
    if not len(data.indices("test")):
        raise DatasetError(
            f"{data.path}: the test split is empty; run {command('prepare')} again with another {param('split')}"
        )
    return data, [
        PlannedTrial(
            mixer=mixer,
            seed=seed,
            place=Path("runs") / f"{mixer}-seed{seed}",
            data=data.path,
            config=resolved.get((mixer, seed)),
            error=broken.get(mixer, ""),
        )
        for seed in range(seeds)
        for mixer in mixers
    ]
