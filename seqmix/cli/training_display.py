"""A training on the terminal: a table that grows by a row with every validation, above a bar for the whole training."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from seqmix.cli.console import console, for_a_person, print_notes, print_stripped, say
from seqmix.objectives.regression import IN_UNITS
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import counted, duration, number, score_text

if TYPE_CHECKING:
    from seqmix.run import Run
    from seqmix.training.events import (
        Calibrated,
        EpochEnd,
        Event,
        Finished,
        LearnedNothing,
        LexicalFitted,
        Started,
        WeightsTaken,
    )
    from seqmix.training.progress import TrainingProgress

_TEXTS = ("chars", "bytes", "words", "subwords")  # alphabets of texts, which are read by words or by characters
_FEW, _ENOUGH = 8, 16  # records in a step: with fewer, steps are uneven; with so many, they are not


def run_shown(train: Callable[..., Run], *arguments: Any, quiet: bool, verbose: bool, **options: Any) -> Run:
    """Call `train` or `pretrain` with arguments and options, show its events, and return its run."""
    display = TrainingDisplay(console(), quiet=quiet, verbose=verbose)
    try:
        return train(*arguments, on_event=display, **options)
    finally:
        display.close()


class TrainingDisplay:
    """The events of `train` on a terminal: where it begins, a row of scores for every validation, a bar, and how it ended.

    Args:
        console: a console on standard error.
        quiet: show nothing.
        verbose: show the configuration as well.
    """

    def __init__(self, console: Console, *, quiet: bool, verbose: bool) -> None:
        self.console, self.quiet, self.verbose = console, quiet, verbose
        self._progress: TrainingProgress | None = None
        self._rows = 0
        self._columns: tuple[str, ...] = ()
        self._run: Run | None = None
        self._told = False  # that nothing was learned in the whole training

    def __call__(self, event: Event) -> None:
        """Show an event."""
        from seqmix.training.events import (
            Calibrated,
            EpochEnd,
            FewerTokensHidden,
            Finished,
            LearnedNothing,
            LearningRateChosen,
            LexicalFitted,
            MemoryShort,
            RecipeAdapted,
            Started,
            TokensPerBatchChosen,
            WeightsTaken,
        )
        from seqmix.training.progress import TrainingProgress

        if self.quiet:
            return
        self._progress = self._progress or TrainingProgress(None, validation=False)
        with self._progress.aside():
            match event:
                case RecipeAdapted():
                    changes = " and ".join(
                        f"{name} is {new or 'empty'} (was {old})" for name, (old, new) in event.changes.items()
                    )
                    self._note(f"recipe {event.recipe} does not go with your settings everywhere: {changes}")
                case Started():
                    self._started(event)
                case WeightsTaken():
                    self._taken(event)
                case LexicalFitted():
                    self._lexical(event)
                case TokensPerBatchChosen():
                    self._say(f"batches of up to {event.tokens_per_batch:,} tokens were the fastest")
                case LearningRateChosen():
                    self._say(f"a trial of {event.steps} steps chose the learning rate {event.lr:.2g}")
                case FewerTokensHidden():
                    before, now = (
                        " and ".join(f"{share:.2g}" for share in shares) for shares in (event.configured, event.hidden)
                    )
                    self._say(f"records are much alike: {now} of the tokens are hidden in training, not {before}")
                case MemoryShort():
                    self._note(
                        f"memory ran out at step {event.step}; the step was repeated with each batch in {event.pieces} "
                        "parts, as all later batches will be"
                    )
                case EpochEnd():
                    self._epoch(event)
                case LearnedNothing():
                    self._nothing(event)
                case Calibrated():
                    self._calibrated(event)
                case Finished():
                    self.close()
                    self._finished(event)
        self._progress(event)

    def close(self) -> None:
        """Remove the bar from the screen."""
        if self._progress is not None:
            self._progress.close()

    def _say(self, text: str) -> None:
        say(self.console, text)

    def _say_wrapped(self, text: str) -> None:
        say(self.console, text, wrapped=for_a_person(self.console))

    def _note(self, text: str) -> None:
        print_notes(self.console, [text])

    def _started(self, event: Started) -> None:
        config = event.run.config
        self._columns = event.run.objective.columns
        self._run = event.run
        verb = f"resuming at step {event.state.step} of" if event.resumed else self._verb(event.run)
        records = counted(len(event.dataset.indices("train")), "record")
        if event.run.has_mixer:
            self._say(f"{verb} {config.model.mixer} ({event.parameters:,} parameters) on {event.device}, {records}")
        else:
            self._say(f"fitting {event.run.title} on cpu, {records}")
            idle = [f"--device {config.training.device}"] * (config.training.device.partition(":")[0] not in ("auto", "cpu"))
            idle += [f"--precision {config.training.precision}"] * (config.training.precision != "fp32")
            if idle:
                has = "have" if len(idle) > 1 else "has"
                self._note(
                    f"{' and '.join(idle)} {has} no effect: without a mixer, the model is fitted on the CPU, in full precision"
                )
        self._say(f"-> {event.run.path}")
        if event.run.has_mixer and event.dataset.vocabulary.alphabet in _TEXTS and not event.dataset.are_images:
            noun = "word" if config.model.hashed_words else event.dataset.vocabulary.noun
            self._say(f"texts are read by {noun}s")
        if not len(event.dataset.indices("val")):
            unchosen = "the last weights are kept" if event.run.has_mixer else "features and penalty are fixed ones"
            self._note(f"there is no validation split, so {unchosen}")
        if self.verbose:
            say(self.console, (event.run.path / "config.toml").read_text(encoding="utf-8"), lines=True)

    def _verb(self, run: Run) -> str:
        return "training" if run.learns_labels else "pretraining"

    def _taken(self, event: WeightsTaken) -> None:
        head = "with a new head" if event.new_head else "head included"
        trained = "; only the head is trained" if event.frozen else ""
        how, source, here = "pretrained " * event.pretrained, event.source, Path.cwd()
        source = source.relative_to(here) if source.is_relative_to(here) else source
        self._say(f"{event.parameters:,} {how}weights are taken from {source}, {head}{trained}")

    def _lexical(self, event: LexicalFitted) -> None:
        scores = f": validation {self._shown(event.validation)}" if event.validation else ""
        what = "lexical branch" if self._run and self._run.has_mixer else "chosen"
        self._say(f"{what}: {event.spec.title}{scores} ({duration(event.seconds)})")

    def _shown(self, scores: Mapping[str, float]) -> str:
        """Return the first of the scores that the table shows: "accuracy 0.797"."""
        return f"{self._columns[0]} {score_text(self._columns[0], scores.get(self._columns[0]))}"

    def _epoch(self, event: EpochEnd) -> None:
        assert self._run is not None
        if self._rows == 0 and event.validation:
            self._say(self._judged(self._run))
        by_steps = bool(self._run.config.training.validate_every)
        table = ReportTable(
            [
                Column("step", "number", 6) if by_steps else Column("epoch", "number", 5),
                Column("train\nloss", "number", 7),
                *(Column(f"val\n{name}", "number", 8 if name in IN_UNITS else 7) for name in self._columns),
                Column("tokens/s", "number", 9 - by_steps),
                Column("time", "number", 7),
                Column("", width=4),
            ],
            headed=self._rows == 0,
        )
        table.add(
            str(event.step if by_steps else event.epoch),
            number(event.train_loss, 4),
            *(score_text(name, event.validation.get(name)) for name in self._columns),
            f"{event.tokens_per_second:,.0f}",
            duration(event.seconds),
            "best" if event.best and event.validation else "",
        )
        print_stripped(self.console, table)  # a table of one row, as wide as the others: together they look like one that grows
        self._rows += 1

    def _judged(self, run: Run) -> str:
        """Return whose scores the table has, and what the best weights are chosen by."""
        select = run.config.training.select
        score = run.objective.selections.get(select, select)
        highest = "lowest" if select == "loss" else "highest"
        smoothed = "smoothed " * bool(run.config.training.smooth)
        whose = "" if run.config.model.lexical == "none" else "scores of the mixing branch alone; "
        return f"{whose}best: the {highest} {smoothed}validation {score} so far"

    def _calibrated(self, event: Calibrated) -> None:
        found = event.calibration
        if found.method == "none":
            self._say_wrapped(f"probabilities are not calibrated: {found.reason}")
            return
        names = [name for name in ("calibration error", "log loss") if name in found.raw]
        scores = ", ".join(f"{name} {number(found.raw[name])} before, {number(found.calibrated[name])} after" for name in names)
        why = f" ({found.reason})" if found.reason else ""
        self._say_wrapped(f"probabilities are calibrated by {found.title}{why}: in cross-validation, {scores}")

    def _finished(self, event: Finished) -> None:
        by_steps = event.run.config.training.validate_every
        best = f"step {event.best_step}" if by_steps else f"epoch {event.best_epoch}"
        before = "it was finished before: " if event.earlier else ""
        kept = f"; the weights of {best} are kept" if event.cause != "fitted" else ""
        self._columns = event.run.objective.columns
        self._say(f"done ({before}{event.reason}){kept}")
        if (found := event.run.best_line()) and "weight" in found:
            scores = {name: value for name in self._columns if (value := found.get(f"both_{name}")) is not None}
            shown = f"validation {self._shown(scores)}, " if scores else ""
            self._say(f"both branches: {shown}weight of the mixing branch {found['weight']:.2f}")
        if not (event.run.learns_labels or event.learned_nothing or self._told):
            self._say(f"to train a classifier from these weights: seqmix train --init {shlex.quote(str(event.run.path))}")
        if event.cause == "time" and not event.best_step and not event.run.history()[-1]["step"]:
            self._note(
                "the time was used up before the first step, so the mixing branch knows nothing: try a longer --budget, which "
                "includes fitting the lexical branch"
            )
        elif event.learned_nothing and not self._told:
            self._note(f"{self._unlearned(event.run)} by more than chance")

    def _unlearned(self, run: Run, so_far: str = "") -> str:
        learner = "model" if run.config.model.lexical == "none" else "mixing branch"
        return f"the {learner} has learned nothing{so_far}: on validation it does not beat the {run.objective.constant}"

    def _nothing(self, event: LearnedNothing) -> None:
        """Say that nothing is learned, why it may be, and what to try."""
        assert self._run is not None
        names = [name for name in (self._columns[0], self._columns[-1]) if name in event.constant]
        scores = ", ".join(
            f"{name} {score_text(name, event.validation.get(name))} ({score_text(name, event.constant[name])})"
            for name in names
        )
        training, loss = self._run.config.training, f"its training loss is {number(event.train_loss, 2)}"
        if event.memorises:
            why = f"{loss}, so it memorises the {event.records:,} records"
            attempt = "a smaller model or more dropout" if training.crop_length else "--set training.crop_length=1024"
        elif event.records_per_step < _FEW:
            why = f"{loss}, and steps of {event.records_per_step:.3g} records are uneven"
            attempt = f"--set training.least_records={_ENOUGH}"
        else:
            why = f"{loss} after {counted(event.step, 'step')}, learning rate {event.lr:.2g}"
            attempt = "--lr auto or a longer training" if training.lr else "a longer training or another model"
        self._told = event.last
        self._note(
            f"{self._unlearned(self._run, '' if event.last else ' so far')} by more than chance: {scores}; {why}; try {attempt}"
        )
