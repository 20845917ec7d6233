"""Training: `train()` resolves the configuration, consumes the events of `fit()` and writes the run folder.

The whole state is saved between steps, so that a run that was interrupted and resumed ends with the same weights as one that
was not (to the bit, on a CPU and without a time budget).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from seqmix.config import NO_MIXER, Config
from seqmix.config.options import taking_options
from seqmix.config.tables import Table, merge
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, Interrupted, RunError, command, param
from seqmix.models.branches import Branches
from seqmix.models.classifier import InputSpec, SequenceClassifier, count_parameters, without_memory
from seqmix.reporting.text import amount
from seqmix.run import Run, next_run_folder
from seqmix.system.arguments import typed
from seqmix.system.devices import choose_device, thread_count
from seqmix.system.memory import free_memory
from seqmix.training.batch_size import choose_tokens_per_batch
from seqmix.training.events import (
    Cause,
    EpochEnd,
    Event,
    Finished,
    LearningRateChosen,
    LexicalFitted,
    Started,
    StepEnd,
    TokensPerBatchChosen,
)
from seqmix.training.fit import fit
from seqmix.training.keywords import keywords
from seqmix.training.lexical import FittedLexical, fit_lexical
from seqmix.training.progress import events_shown
from seqmix.training.rate_test import choose_learning_rate
from seqmix.training.resolve import layers_beneath, open_labelled, resolve_run, stated_layers, suiting_lexical
from seqmix.training.state import State
from seqmix.training.trainer import Trainer

_FITTED = "the lexical branch is fitted"


@typed()
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

    Each of these overrides those before it: recipe, `config`, keyword options, `settings`. Without a recipe and `config`,
    DNA is trained with the recipe "dna", proteins with "protein" and texts with "text".

    Args:
        data: the data set or its folder; None for `data.path` of `config`, or else "seqmix-data".
        output: the run folder; None for runs/NNN-<mixer> or, with `resume`, the newest run under runs/.
        config: a `Config` (used exactly as it is), a TOML file, or a mapping with dotted keys ("model.dropout": 0.1) or
            nested tables ("model": {"dropout": 0.1}).
        recipe: name of a recipe that comes with seqmix.
        settings: a mapping as in `config`, or texts such as "model.dropout=0.1"; these override everything else.
        resume: continue an interrupted run from its last saved step, with what is left of its time budget.
        overwrite: replace `output` if it is a run folder.
        threads: threads on the CPU; None for OMP_NUM_THREADS, or one for each core.
        on_event: called with every `Event`.
        progress: whether to draw a progress bar.
        given

    Returns:
        The run, with its best weights saved.

    Raises:
        ConfigError: an option is unknown or not allowed, or the model cannot be built.
        DatasetError: there is no data set, or it cannot be trained on.
        RunError: `output` exists, or cannot be resumed.
        Interrupted: SIGINT or SIGTERM arrived; the state was saved, and `resume` continues from there.
    """
    if given.get("batch_size") is not None and given.get("tokens_per_batch") is not None:
        raise ConfigError(f"{param('batch_size')} and {param('tokens_per_batch')} cannot be combined: give one of them")
    if given.get("tokens_per_batch") is not None:
        given["batch_size"] = 0  # a recipe's or file's batch size would leave the option without effect
    if resume and overwrite:
        raise ConfigError(f"{param('resume')} and {param('overwrite')} cannot be combined: continue the run, or replace it")
    with thread_count(threads), torch.random.fork_rng(), events_shown(on_event, progress) as emit:
        if resume:
            run, dataset = _resumed(data, output, stated_layers(given, config, settings), recipe)
        else:
            dataset, resolved = resolve_run(data, given, recipe, config, settings)
            run = new_run(dataset, resolved, Path(output) if output else None, overwrite)
        _train(run, dataset, emit)
    return run


def _resumed(
    data: str | Path | Dataset | None,
    output: str | Path | None,
    given: Sequence[Mapping[str, Table]],
    recipe: str | None,
) -> tuple[Run, Dataset]:
    """Return the run to resume, and its data set."""
    run = Run.open(output) if output else Run.newest()
    dataset = open_labelled(data or run.config.data.path)
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
        output = next_run_folder("-".join(part for part in (name, label) if part))
    return Run.create(output, config, dataset.info, overwrite=overwrite)


def _outline(dataset: Dataset, config: Config) -> SequenceClassifier:
    """Build the model without its weights, so that errors show before a folder is made."""
    inputs = InputSpec.of(dataset.vocabulary, paired=dataset.n_sequences == 2)
    try:
        model = without_memory(lambda: SequenceClassifier(config.model, inputs, dataset.objective.n_outputs))
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
            value = suiting_lexical(dataset) if (table, name, value) == ("model", "lexical", "auto") else value
            if name not in ("path", "device") and stored != value:
                raise RunError(
                    f"{run.path}: cannot be resumed with {param(f'{table}.{name}')} = {value!r}: the run started with "
                    f"{stored!r}; leave the option out, or start a new run"
                )


def _train(run: Run, dataset: Dataset, emit: Callable[[Event], None]) -> None:
    """Train a run to its end, from its last saved state."""
    if not run.has_mixer:
        _fit_alone(run, dataset, emit)
        return
    trainer, resumed = _trainer(run, dataset)
    if trainer.state.finished:
        emit(_finished(run, trainer, earlier=True))
        return
    run.remove_partial()
    writer = _tensorboard(run) if run.config.training.tensorboard else None
    emit(Started(run, dataset, count_parameters(trainer.model), str(trainer.device), resumed, trainer.state))
    with _signals() as stop, closing(writer) if writer else nullcontext():
        _add_lexical(run, trainer, emit, stop)
        _follow(run, trainer, emit, stop, writer)
    emit(_finished(run, trainer))


def _add_lexical(run: Run, trainer: Trainer, emit: Callable[[Event], None], stop: threading.Event) -> None:
    """Fit the lexical branch, or read it if it was fitted before the training was interrupted."""
    if run.config.model.lexical == "none":
        return
    trainer.lexical, fresh = _lexical(run, trainer.dataset, emit, stop)
    if fresh and run.config.training.budget:
        trainer.state.elapsed += trainer.lexical.seconds


def _lexical(run: Run, dataset: Dataset, emit: Callable[[Event], None], stop: threading.Event) -> tuple[FittedLexical, bool]:
    """Return the fitted lexical branch of a run, and whether it was fitted just now."""

    def check() -> None:
        if stop.is_set():
            raise _interrupted(run, "before the first step")

    if saved := run.load_lexical():
        return FittedLexical.unpack(*saved, dataset), False
    fitted = fit_lexical(dataset, run.config.data, run.config.training.seed, check)
    run.save_lexical(*fitted.pack())
    emit(LexicalFitted(fitted.model.spec, fitted.scores, fitted.seconds))
    return fitted, True


def _fit_alone(run: Run, dataset: Dataset, emit: Callable[[Event], None]) -> None:
    """Fit the model of a run that has no mixer."""
    done = Finished(run, 0, _FITTED, cause="fitted")
    if (run.path / "model.safetensors").exists():
        emit(replace(done, earlier=True))
        return
    run.remove_partial()
    emit(Started(run, dataset, 0, "cpu", False, State()))
    with _signals() as stop:
        fitted, _ = _lexical(run, dataset, emit, stop)
    line = {"epoch": 0, "step": 0} | {f"val_{name}": value for name, value in fitted.scores.items()}
    run.rewind_history(0)
    run.log(line | {"best": True, "seconds": round(fitted.seconds, 3)})
    run.save_model(Branches(fitted.model, None, dataset.objective, 0.0))
    emit(done)


def _interrupted(run: Run, when: str) -> Interrupted:
    return Interrupted(
        f"interrupted {when}; continue with: {command('train')} {param('resume', True)} {param('output', str(run.path))}"
    )


def _trainer(run: Run, dataset: Dataset) -> tuple[Trainer, bool]:
    """Return a trainer at the last saved state of a run, and whether there was one."""
    device = choose_device(run.config.training.device)
    torch.manual_seed(run.config.training.seed)
    trainer = Trainer(run.build_model().to(device), dataset, run.config, device)
    saved = run.load_state()
    if saved is None and (run.path / "model.safetensors").exists():
        raise RunError(f"{run.path}: nothing to resume from: last/state.safetensors is missing; start a new run")
    if saved:
        trainer.unpack(*saved)
        if not trainer.state.finished:
            run.rewind_history(trainer.state.validations)
    return trainer, saved is not None


def _follow(run: Run, trainer: Trainer, emit: Callable[[Event], None], stop: threading.Event, writer: Any) -> None:
    """Pass on the events of training, and write their results to the run folder."""
    training, state = run.config.training, trainer.state

    def check() -> None:
        if stop.is_set():
            raise _interrupted(run, f"at step {state.step}")

    if not (training.tokens_per_batch or training.batch_size or state.tokens_per_batch):
        state.tokens_per_batch = choose_tokens_per_batch(trainer, check)
        emit(TokensPerBatchChosen(state.tokens_per_batch))
    if not (training.lr or state.peak_lr):
        state.peak_lr, steps = choose_learning_rate(trainer, check)
        emit(LearningRateChosen(state.peak_lr, steps))
    for event in fit(trainer, check):
        if isinstance(event, EpochEnd):
            _record_epoch(run, trainer, event, writer)
        elif isinstance(event, StepEnd) and (event.step % training.save_every == 0 or trainer.due(event.batches)):
            run.save_state(*trainer.pack())
        emit(event)
        if stop.is_set():
            run.save_state(*trainer.pack())
            check()


def _finished(run: Run, trainer: Trainer, *, earlier: bool = False) -> Finished:
    state = trainer.state
    cause = trainer.cause
    return Finished(
        run,
        state.best_epoch,
        _in_words(cause, trainer),
        state.best_step,
        earlier=earlier,
        cause=cause,
        learned_nothing=trainer.learned_nothing,
    )


def _in_words(cause: Cause, trainer: Trainer) -> str:
    training = trainer.config.training
    match cause:
        case "goal":
            return f"validation {training.select} has reached {training.goal:g}"
        case "time":
            return f"the time budget of {training.budget:g} s is used up"
        case "steps":
            return "all steps done"
        case "epochs":
            return "all epochs done"
        case "fitted":
            return _FITTED
        case "patience":
            validations = "validations" if training.validate_every else "epochs"
            smoothed = "smoothed " * bool(training.smooth)
            return f"no better {smoothed}{training.select} for {trainer.state.stale} {validations}"


def _record_epoch(run: Run, trainer: Trainer, event: EpochEnd, writer: Any) -> None:
    """Write the weights, then the log, then the state, so that a resume can repair whatever a crash leaves."""
    if event.best:
        run.save_model(trainer.best_model)
    line = {"epoch": event.epoch, "step": event.step, "train_loss": event.train_loss, "lr": event.lr}
    line |= {f"val_{name}": value for name, value in event.validation.items()}
    if event.weight is not None:
        line |= {f"both_{name}": value for name, value in event.both.items()} | {"weight": event.weight}
    if event.gain is not None:
        line["gain"] = event.gain
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
    """Yield an event that SIGINT and SIGTERM set; a second SIGINT interrupts at once. Has no effect outside the main thread."""
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
