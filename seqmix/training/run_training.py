"""What `train` and `pretrain` have in common: begin a run or resume one, and train it to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.config import Config
from seqmix.config.tables import Table, merge
from seqmix.data.dataset import Dataset
from seqmix.data.resplit import as_trained
from seqmix.errors import ConfigError, RunError, command, param
from seqmix.models.lexical_spec import suiting_lexical
from seqmix.run import Run
from seqmix.system.devices import thread_count
from seqmix.system.ranges import check_numbers
from seqmix.training.events import Event, RecipeAdapted
from seqmix.training.new_run import new_run
from seqmix.training.progress import events_shown
from seqmix.training.resolve import layers_beneath, open_labelled, resolve_run
from seqmix.training.stated import plain_options, stated_layers

Opener = Callable[[str | Path | Dataset], Dataset]

_PATIENCE = 30.0  # seconds for other processes to find that they cannot replace a new run, which takes a moment


def run_training(
    opened: Opener,
    data: str | Path | Dataset | None,
    output: str | Path | None,
    given: dict[str, Any],
    *,
    threads: int | None,
    on_event: Callable[[Event], None] | None,
    progress: bool,
    **how: Any,
) -> Run:
    """Begin or resume a training and bring it to its end; `train` and `pretrain` explain what they hand on.

    Args:
        opened: opens the data set, with the objective to train for.
        data: see `train`.
        output: see `train`.
        given: the other options; None for an option that is not given.
        threads: see `train`.
        on_event: see `train`.
        progress: see `train`.
        how: `config`, `recipe`, `settings`, `resume` and `overwrite`, see `train`.

    Raises:
        SeqmixError: see `train`.
    """
    check_numbers(threads=threads)
    with events_shown(on_event, progress) as emit:
        run, dataset = _begin(opened, data, output, given, emit, **how)  # mistakes are found before torch is loaded
        import torch

        from seqmix.training.train_to_end import train_to_end

        with run.held(0.0 if how["resume"] else _PATIENCE), thread_count(threads), torch.random.fork_rng():
            train_to_end(run, dataset, emit)
    return run


def _begin(
    opened: Opener,
    data: str | Path | Dataset | None,
    output: str | Path | None,
    given: dict[str, Any],
    emit: Callable[[Event], None],
    *,
    config: Config | Mapping[str, Any] | str | Path | None,
    recipe: str | None,
    settings: Sequence[str] | Mapping[str, Any],
    resume: bool,
    overwrite: bool,
) -> tuple[Run, Dataset]:
    """Return the run to train and its data set; arguments as in `run_training`."""
    given = plain_options(given)
    if resume and overwrite:
        raise ConfigError(f"{param('resume')} and {param('overwrite')} cannot be combined: continue the run, or replace it")
    if resume:
        return _resumed(opened, data, output, stated_layers(given, config, settings), recipe)
    dataset, resolved, origin, adapted = resolve_run(data, given, recipe, config, settings, opened)
    with origin.named_in_errors():
        run = new_run(dataset, resolved, Path(output) if output else None, overwrite)
    if adapted:
        emit(RecipeAdapted(origin.recipe, adapted))
    return run, dataset


def _resumed(
    opened: Opener,
    data: str | Path | Dataset | None,
    output: str | Path | None,
    given: Sequence[Mapping[str, Table]],
    recipe: str | None,
) -> tuple[Run, Dataset]:
    """Return the run to resume, and its data set."""
    run = Run.open(output) if output else Run.newest()
    if run.learns_labels != (opened is open_labelled):
        folder = str(run.path)
        other = f"; to train a classifier from its weights: {command('train')} {param('init', folder)}"
        raise RunError(
            f"{folder}: this run was started with {run.command}; continue it with: {run.command} {param('resume', True)} "
            f"{param('output', folder)}{'' if run.learns_labels else other}"
        )
    dataset = opened(data or run.config.data.path)
    dataset = as_trained(dataset, run.path, run.info)
    _check_same(run, dataset, [*layers_beneath(recipe, dataset, given), *given])
    return run, dataset


def _check_same(run: Run, dataset: Dataset, layers: Sequence[Mapping[str, Mapping[str, Any]]]) -> None:
    """Raise a `RunError` unless a run is resumed with the data and the options that it started with."""
    if dataset.fingerprint != run.dataset_fingerprint:
        raise RunError(f"{run.path}: cannot be resumed: the data set {dataset.path} has changed since the run started")
    tables = run.config.to_tables()
    for table, options in merge(*layers).items():
        for name, value in options.items():
            stored = tables.get(table, {}).get(name)
            if (table, name, value) == ("model", "lexical", "auto"):
                value = suiting_lexical(dataset)
            if (table, name) == ("training", "init") and value:
                value = str(Path(value).absolute())
            if name not in ("path", "device") and stored != value:
                raise RunError(
                    f"{run.path}: cannot be resumed with {param(f'{table}.{name}')} = {value!r}: the run started with "
                    f"{stored!r}; leave the option out, or start a new run"
                )
