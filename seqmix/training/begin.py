"""The beginning of a training: a new run folder, or the one that is resumed, and its data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from seqmix.config import Config
from seqmix.config.model import NO_MIXER
from seqmix.config.tables import Table, merge
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, RunError, param
from seqmix.models.classifier import InputSpec, SequenceClassifier, count_parameters, without_memory
from seqmix.models.lexical import suiting_lexical
from seqmix.models.masked import new_model
from seqmix.reporting.text import amount
from seqmix.run import Run, next_run_folder
from seqmix.system.devices import thread_count
from seqmix.system.memory import free_memory
from seqmix.training.events import Event
from seqmix.training.progress import events_shown
from seqmix.training.resolve import layers_beneath, resolve_run, stated_layers
from seqmix.training.train_run import train_run

Opener = Callable[[str | Path | Dataset], Dataset]


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
        opened: opens the data set as what is learned needs it.
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
    with thread_count(threads), torch.random.fork_rng(), events_shown(on_event, progress) as emit:
        run, dataset = _begin(opened, data, output, given, **how)
        train_run(run, dataset, emit)
    return run


def _begin(
    opened: Opener,
    data: str | Path | Dataset | None,
    output: str | Path | None,
    given: dict[str, Any],
    *,
    config: Config | Mapping[str, Any] | str | Path | None,
    recipe: str | None,
    settings: Sequence[str] | Mapping[str, Any],
    resume: bool,
    overwrite: bool,
) -> tuple[Run, Dataset]:
    """Return the run to train and its data set; arguments as in `run_training`."""
    if given.get("batch_size") is not None and given.get("tokens_per_batch") is not None:
        raise ConfigError(f"{param('batch_size')} and {param('tokens_per_batch')} cannot be combined: give one of them")
    if given.get("tokens_per_batch") is not None:
        given["batch_size"] = 0  # a recipe's or file's batch size would leave the option without effect
    if isinstance(init := given.get("init"), Run | Path):
        given["init"] = str(init.path if isinstance(init, Run) else init)
    if resume and overwrite:
        raise ConfigError(f"{param('resume')} and {param('overwrite')} cannot be combined: continue the run, or replace it")
    if resume:
        return _resumed(opened, data, output, stated_layers(given, config, settings), recipe)
    dataset, resolved = resolve_run(data, given, recipe, config, settings, opened)
    return new_run(dataset, resolved, Path(output) if output else None, overwrite), dataset


def _resumed(
    opened: Opener,
    data: str | Path | Dataset | None,
    output: str | Path | None,
    given: Sequence[Mapping[str, Table]],
    recipe: str | None,
) -> tuple[Run, Dataset]:
    """Return the run to resume, and its data set."""
    run = Run.open(output) if output else Run.newest()
    dataset = opened(data or run.config.data.path)
    if dataset.learns_labels != run.learns_labels:
        raise RunError(f"{run.path}: this run was started with {run.command}; continue it with {run.command}")
    _check_same(run, dataset, [*layers_beneath(recipe, dataset, given), *given])
    return run, dataset


def new_run(dataset: Dataset, config: Config, output: Path | None, overwrite: bool) -> Run:
    """Create the folder of a run that is about to be trained, after checking that its model can be built.

    Args:
        dataset: the data set.
        config: the full configuration.
        output: the folder; None for the next one under runs/.
        overwrite: whether to replace another run in this folder.

    Raises:
        ConfigError: the model cannot be built, or does not suit the data set.
        RunError: the folder exists.
    """
    model = _outline(dataset, config) if config.model.mixer != NO_MIXER else None
    longest = config.longest_view(int(dataset.cut_lengths(config.data.max_length).max()))
    if model and model.length_limit is not None and longest > config.model.max_length:
        raise ConfigError(
            f"the data set has sequences of {longest:,} {dataset.vocabulary.noun}s, but model.max_length is "
            f"{config.model.max_length:,}; "
            f"cut them with {param('max_length', config.model.max_length)}",
            option="model.max_length",
        )
    if output is None:
        name, label = (config.model.mixer, model.mixer_label()) if model else (config.model.lexical, "")
        parts = ("" if dataset.learns_labels else dataset.objective.kind, name, label)
        output = next_run_folder("-".join(part for part in parts if part))
    return Run.create(output, config, dataset.info, overwrite=overwrite)


def _outline(dataset: Dataset, config: Config) -> SequenceClassifier:
    """Build the model without its weights, so that errors show before a folder is made."""
    inputs = InputSpec.of(dataset.vocabulary, paired=dataset.n_sequences == 2)
    try:
        model = without_memory(lambda: new_model(config, inputs, dataset.objective, dataset.vocabulary.unknown_id))
    except (RuntimeError, MemoryError) as error:
        raise ConfigError(f"the model cannot be built: it is too large for this computer's memory ({error})") from error
    needed, free = 4 * count_parameters(model), free_memory(torch.device("cpu"))
    if free is not None and needed > free:
        raise ConfigError(
            f"the model cannot be built: it is too large for this computer's memory: its weights need {amount(needed)}, and "
            f"{amount(free)} are free"
        )
    return model


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
