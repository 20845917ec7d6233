"""Training: `train()` settles the configuration, consumes the events of `fit()` and writes the run folder.

The whole state is saved between steps, so that an interrupted run ends with the weights of an uninterrupted one (to the
bit, on a CPU and without a time budget).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from seqmix.config import Config, Table, keywords, merge
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, Interrupted, RunError, command, param
from seqmix.models.classifier import count_parameters
from seqmix.options import taking_options
from seqmix.run import Run, model_for, next_run_folder
from seqmix.system.devices import choose_device, thread_count
from seqmix.training.batch_size import choose_tokens_per_batch
from seqmix.training.events import BudgetChosen, EpochEnd, Event, Finished, MemoryShort, Started
from seqmix.training.progress import events_shown
from seqmix.training.resolve import layers_beneath, open_labelled, resolve_run, stated_layers
from seqmix.training.trainer import Trainer, fit


@taking_options([one for _, one in keywords().values()], unset=True)
def train(
    data: str | Path | Dataset | None = None,
    output: str | Path | None = None,
    *,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    recipe: str | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    resume: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    progress: bool = False,
    **given: Any,
) -> Run:
    """Train a classifier on a prepared data set and write a run folder.

    Later settings replace earlier ones: recipe, `config`, keyword options, `settings`. Without recipe and `config`, DNA is
    trained with the recipe "dna".

    Args:
        data: the data set or its folder; None for what `config` names, else "seqmix-data".
        output: the run folder; None for runs/NNN-<mixer>, or with `resume` the newest under runs/.
        config: a `Config` (trained exactly as it is), a TOML file, or a mapping with dotted keys ("model.dropout": 0.1) or
            nested tables ("model": {"dropout": 0.1}).
        recipe: name of a recipe that comes with seqmix.
        settings: as `config`, on top of everything else; or texts such as "model.dropout=0.1".
        resume: continue an interrupted run from its last saved step; a time budget goes on with what is left of it.
        overwrite: replace `output` if it is a run folder.
        threads: of the CPU; None for OMP_NUM_THREADS, or one for each core.
        on_event: called with every `Event`.
        progress: whether to draw a progress bar.
        given

    Returns:
        The run, its best weights saved.

    Raises:
        ConfigError: an option is unknown or not allowed, or the model cannot be built.
        DatasetError: there is no data set, or it cannot be trained on.
        RunError: `output` is in the way, or cannot be resumed.
        Interrupted: SIGINT or SIGTERM arrived; the state was saved, `resume` goes on from there.
    """
    if given.get("batch_size") is not None and given.get("tokens_per_batch") is not None:
        raise ConfigError(f"{param('batch_size')} and {param('tokens_per_batch')} exclude each other: give one of them")
    if given.get("tokens_per_batch") is not None:
        given["batch_size"] = 0  # a recipe's or file's batch size would leave the option without effect
    if resume and overwrite:
        raise ConfigError(f"{param('resume')} and {param('overwrite')} exclude each other: continue the run, or replace it")
    if resume:
        run, dataset = _resumed(data, output, stated_layers(given, config, settings), recipe)
    else:
        dataset, resolved = resolve_run(data, given, recipe, config, settings)
        run = new_run(dataset, resolved, Path(output) if output else None, overwrite)
    with thread_count(threads), torch.random.fork_rng(), events_shown(on_event, progress) as emit:
        _train(run, dataset, emit)
    return run


def _resumed(
    data: str | Path | Dataset | None,
    output: str | Path | None,
    given: Sequence[Mapping[str, Table]],
    recipe: str | None,
) -> tuple[Run, Dataset]:
    """Return the run that goes on, and its data set."""
    run = Run.open(output) if output else Run.newest()
    dataset = open_labelled(data or run.config.data.path)
    _check_same(run, dataset, [*layers_beneath(recipe, dataset, given), *given])
    return run, dataset


def new_run(dataset: Dataset, config: Config, output: Path | None, overwrite: bool) -> Run:
    """The folder of a run that is about to be trained.

    Raises:
        ConfigError: the model cannot be built, or not for this data set; RunError: the folder is in the way.
    """
    with torch.random.fork_rng():  # a model that cannot be built leaves no folder behind
        try:
            model = model_for(config, dataset.info)
        except (RuntimeError, MemoryError) as error:
            raise ConfigError(f"the model cannot be built: it is too large for the memory here ({error})") from error
    longest = int(dataset.cut_lengths(config.data.max_length).max())
    if model.length_limit is not None and longest > config.model.max_length:
        raise ConfigError(
            f"the data set has sequences of {longest:,} characters, model.max_length is {config.model.max_length:,}; "
            f"cut them with --max-length {config.model.max_length}"
        )
    if output is None:
        label = model.mixer_label()
        output = next_run_folder("-".join(part for part in (config.model.mixer, label) if part))
    return Run.create(output, config, dataset.info, overwrite=overwrite)


def _check_same(run: Run, dataset: Dataset, layers: Sequence[Mapping[str, Mapping[str, Any]]]) -> None:
    """A resumed run must go on with its own data and options; options given again must be the same."""
    if dataset.fingerprint != run.dataset_fingerprint:
        raise RunError(f"{run.path}: cannot be resumed: the data set {dataset.path} has changed since it was begun")
    tables = run.config.to_tables()
    for table, options in merge(*layers).items():
        for name, value in options.items():
            stored = tables.get(table, {}).get(name)
            if name not in ("path", "device") and stored != value:
                raise RunError(
                    f"{run.path}: cannot be resumed with {table}.{name} = {value!r}: it was begun with {stored!r}; "
                    "leave the option out, or start a new run"
                )


def _train(run: Run, dataset: Dataset, emit: Callable[[Event], None]) -> None:
    config = run.config
    device = choose_device(config.training.device)
    torch.manual_seed(config.training.seed)
    model = run.build_model().to(device)
    trainer = Trainer(model, dataset, config, device)
    saved = run.load_state()
    if saved is None and (run.path / "model.safetensors").exists():
        raise RunError(f"{run.path}: nothing to resume from: last/state.safetensors is missing; start a new run")
    if saved:
        trainer.unpack(*saved)
        if trainer.state.finished:
            emit(Finished(run, trainer.state.best_epoch, _reason(trainer), trainer.state.best_step, earlier=True))
            return
        run.rewind_history(trainer.state.validations)
    run.remove_partial()
    writer = _tensorboard(run) if config.training.tensorboard else None
    emit(Started(run, dataset, count_parameters(model), str(device), saved is not None, trainer.state))
    with _signals() as stop:

        def check() -> None:
            if stop.is_set():
                raise Interrupted(
                    f"interrupted at step {trainer.state.step}; continue with: {command('train')} {param('resume', True)} "
                    f"{param('output', str(run.path))}"
                )

        try:
            if not (config.training.tokens_per_batch or config.training.batch_size or trainer.state.tokens_per_batch):
                trainer.state.tokens_per_batch = choose_tokens_per_batch(trainer, check)
                emit(BudgetChosen(trainer.state.tokens_per_batch))
            for event in fit(trainer, check):
                if isinstance(event, EpochEnd):
                    _record_epoch(run, trainer, event, writer)
                elif isinstance(event, MemoryShort):
                    pass
                elif event.step % config.training.save_every == 0 or trainer.due(event.batches):
                    run.save_state(*trainer.pack())
                emit(event)
                if stop.is_set():
                    run.save_state(*trainer.pack())
                    check()
        finally:
            if writer:
                writer.close()
    emit(Finished(run, trainer.state.best_epoch, _reason(trainer), trainer.state.best_step))


def _reason(trainer: Trainer) -> str:
    """Why training is over."""
    state, training = trainer.state, trainer.config.training
    if state.reached:
        return f"validation {training.select} has reached {training.goal:g}"
    if trainer.used_up:
        return f"the time budget of {training.budget:g} s is used up"
    if trainer.over:
        return "all steps done"
    if 0 < training.epochs <= state.epoch:
        return "all epochs done"
    return f"no better {training.select} for {state.stale} {'validations' if training.validate_every else 'epochs'}"


def _record_epoch(run: Run, trainer: Trainer, event: EpochEnd, writer: Any) -> None:
    """Weights first, then the log, then the state: whatever a crash leaves is made good by a resume."""
    if event.best:
        run.save_model(trainer.averaged)
    line = {"epoch": event.epoch, "step": event.step, "train_loss": event.train_loss, "lr": event.lr}
    line |= {f"val_{name}": value for name, value in event.validation.items()}
    line |= {
        "best": event.best,
        "seconds": round(event.seconds, 3),
        "tokens_per_second": round(event.tokens_per_second),
    }
    run.log(line)
    run.save_state(*trainer.pack())
    if writer:
        for name, value in line.items():
            writer.add_scalar(name, value, event.step)


def _tensorboard(run: Run) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError("training.tensorboard needs TensorBoard: pip install 'seqmix[tensorboard]'") from error
    return SummaryWriter(str(run.path / "tensorboard"))


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second SIGINT interrupts at once. Only in the main thread."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, _: Any) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
