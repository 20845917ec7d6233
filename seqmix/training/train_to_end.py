"""Train a run to its end: consume the events of `fit()` and write them to the run folder.

The whole state is saved between steps, so that a run that was interrupted and resumed ends with the same weights as one that
was not (to the bit, on a CPU and without a time budget).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import torch

from seqmix.calibration.stored import is_measured, remove_measured
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, Interrupted, RunError, param
from seqmix.models.branches import Branches
from seqmix.models.classifier import count_parameters
from seqmix.models.members import members_of
from seqmix.models.run_identity import STARTED_WITH
from seqmix.run import Run
from seqmix.system.devices import choose_device
from seqmix.system.files import real_folder
from seqmix.system.signals import ending_signals, forsake_lost_terminal
from seqmix.training.batch_size import choose_tokens_per_batch
from seqmix.training.calibrate import calibrate
from seqmix.training.events import (
    Calibrated,
    Cause,
    EpochEnd,
    Event,
    FewerTokensHidden,
    Finished,
    LearningRateChosen,
    LexicalFitted,
    Started,
    StepEnd,
    TokensPerBatchChosen,
    WeightsTaken,
)
from seqmix.training.fit import fit
from seqmix.training.initial_weights import freeze, take_weights
from seqmix.training.lexical import FittedLexical, fit_lexical
from seqmix.training.rate_test import choose_learning_rate
from seqmix.training.restore import restore, restored_lexical_branch
from seqmix.training.settle import hidden_tokens
from seqmix.training.state import State
from seqmix.training.trainer import Trainer

_FITTED = "the model is fitted"


def train_to_end(run: Run, dataset: Dataset, emit: Callable[[Event], None]) -> None:
    """Train a run to its end, from its last saved state.

    Args:
        run: the run.
        dataset: the data set that it was created for.
        emit: called with every event.

    Raises:
        RunError: it cannot be resumed.
        Interrupted: SIGINT, SIGTERM or SIGHUP arrived; the state was saved.
    """
    if not run.has_mixer:
        _fit_alone(run, dataset, emit)
        return
    trainer, resumed, taken = _trainer(run, dataset)
    if trainer.state.finished:
        with _signals() as stop:
            _calibrate(run, dataset, emit, stop)
        emit(_finished(run, trainer, earlier=True))
        return
    run.remove_partial()
    remove_measured(run.path)
    writer = _tensorboard(run) if run.config.training.tensorboard else None
    emit(Started(run, dataset, count_parameters(trainer.model), str(trainer.device), resumed, trainer.state))
    if taken:
        emit(taken)
    with _signals() as stop, closing(writer) if writer else nullcontext():
        _add_lexical(run, trainer, emit, stop)
        _follow(run, trainer, emit, stop, writer)
        _calibrate(run, dataset, emit, stop)
    emit(_finished(run, trainer))


def _calibrate(run: Run, dataset: Dataset, emit: Callable[[Event], None], stop: threading.Event) -> None:
    """Calibrate the weights that are kept, unless that was done before."""

    def check() -> None:
        if stop.is_set():
            raise _interrupted(run, "while probabilities were calibrated")

    if run.learns_labels and not is_measured(run.path):
        emit(Calibrated(calibrate(run, dataset, check)))


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
        return restored_lexical_branch(run, dataset, *saved), False
    training = run.config.training
    fitted = fit_lexical(dataset, run.config.data, training.seed, check, balanced=training.class_weights == "balanced")
    tensors, facts = fitted.pack()
    run.save_lexical(tensors, facts | {STARTED_WITH: run.started_with})
    emit(LexicalFitted(fitted.model.spec, fitted.scores, fitted.seconds))
    return fitted, True


def _fit_alone(run: Run, dataset: Dataset, emit: Callable[[Event], None]) -> None:
    """Fit the model of a run that has no mixer."""
    done = Finished(run, 0, _FITTED, cause="fitted")
    if (run.path / "model.safetensors").exists():
        with _signals() as stop:
            _calibrate(run, dataset, emit, stop)
        emit(replace(done, earlier=True))
        return
    run.remove_partial()
    emit(Started(run, dataset, 0, "cpu", False, State()))
    with _signals() as stop:
        fitted, _ = _lexical(run, dataset, emit, stop)
        line = {"epoch": 0, "step": 0} | {f"val_{name}": value for name, value in fitted.scores.items()}
        run.rewind_history(0)
        run.log(line | {"best": True, "seconds": round(fitted.seconds, 3)})
        run.save_model(Branches(fitted.model, None, dataset.label_objective, 0.0))
        _calibrate(run, dataset, emit, stop)
    emit(done)


def _interrupted(run: Run, when: str) -> Interrupted:
    return Interrupted(
        f"interrupted {when}; continue with: {run.command} {param('resume', True)} {param('output', str(run.path))}"
    )


def _trainer(run: Run, dataset: Dataset) -> tuple[Trainer, bool, WeightsTaken | None]:
    """Return a trainer at the last saved state of a run, whether there was one, and what else the weights began with."""
    training = run.config.training
    device = choose_device(training.device)
    saved = run.load_state()
    if saved is None and (run.path / "model.safetensors").exists():
        raise RunError(f"{run.path}: nothing to resume from: last/state.safetensors is missing; start a new run")
    if saved:
        run.check_started(saved[1], run.path / "last" / "state.safetensors")  # before a model of any size is built
    torch.manual_seed(training.seed)
    model = run.build_model()
    taken = take_weights(model, run) if training.init and saved is None else None
    if training.freeze:
        freeze(model)
    trainer = Trainer(model.to(device), dataset, run.config, device)
    if saved:
        restore(run, trainer, *saved)
        if not trainer.state.finished:
            run.rewind_history(trainer.state.validations)
    return trainer, saved is not None, taken


def _follow(run: Run, trainer: Trainer, emit: Callable[[Event], None], stop: threading.Event, writer: Any) -> None:
    """Pass on the events of training, and write their results to the run folder."""
    training, state = run.config.training, trainer.state

    def check() -> None:
        if stop.is_set():
            raise _interrupted(run, f"at step {state.step}")

    _hide_tokens(trainer, emit, check)
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
            _save_state(run, trainer)
        try:
            emit(event)
        finally:  # also if nothing can be printed any more
            if stop.is_set():
                _save_state(run, trainer)
        check()


def _hide_tokens(trainer: Trainer, emit: Callable[[Event], None], check: Callable[[], None]) -> None:
    """Hide fewer tokens than configured where they would drown what records differ by (`model.hidden_noise`)."""
    members = members_of(trainer.model)
    if trainer.state.step or trainer.state.hidden or not any(member.config.hidden_noise for member in members):
        return
    configured = tuple(member.dropout_tokens for member in members)
    trainer.state.hidden = hidden_tokens(trainer, check)
    trainer.hide()
    if (hidden := tuple(trainer.state.hidden)) != configured:
        emit(FewerTokensHidden(configured, hidden))


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
        run.save_model(trainer.kept_model(event.weight))
    line = {"epoch": event.epoch, "step": event.step, "train_loss": event.train_loss, "lr": event.lr}
    line |= {f"val_{name}": value for name, value in event.validation.items()}
    if event.weight is not None:
        line |= {f"both_{name}": value for name, value in event.both.items()} | {"weight": event.weight}
    if event.gain is not None:
        line["gain"] = event.gain
    measured = {"peak_lr": trainer.state.peak_lr, "tokens_per_batch": trainer.state.tokens_per_batch}
    line |= {name: value for name, value in measured.items() if value}
    line |= {
        "best": event.best,
        "seconds": round(event.seconds, 3),
        "tokens_per_second": round(event.tokens_per_second),
    }
    run.log(line)
    _save_state(run, trainer)
    if writer:
        for name, value in line.items():
            writer.add_scalar(name, value, event.step)


def _save_state(run: Run, trainer: Trainer) -> None:
    tensors, facts = trainer.pack()
    run.save_state(tensors, facts | {STARTED_WITH: run.started_with})


def _tensorboard(run: Run) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError("training.tensorboard needs TensorBoard: pip install 'seqmix[tensorboard]'") from error
    return SummaryWriter(str(real_folder(run.path / "tensorboard")))


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Yield an event that is set by SIGINT and by signals that ask a process to end; a second SIGINT interrupts at once.

    Has no effect outside the main thread.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, _: Any) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        if number != signal.SIGINT:
            forsake_lost_terminal()
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, *ending_signals())}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
