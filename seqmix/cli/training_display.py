"""Training and progress on the terminal: a bar and a table where someone watches, plain lines where nobody does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from seqmix.reporting.text import number, score_text

if TYPE_CHECKING:
    from tqdm import tqdm

    from seqmix.training.events import Event


class TrainingDisplay:
    """Shows the events of `train`: a progress bar with loss and tokens/s, and a line of a table for every epoch.

    Args:
        console: on standard error.
        quiet: show nothing but the end; verbose: also the configuration.
    """

    def __init__(self, console: Console, *, quiet: bool, verbose: bool) -> None:
        self.console, self.quiet, self.verbose = console, quiet, verbose
        self.bar: tqdm[Any] | None = None
        self.epoch = 0
        self.tokens = 0
        self.rows = 0
        self.columns: tuple[str, ...] = ()

    def __call__(self, event: Event) -> None:
        """Takes an event."""
        from seqmix.training.events import BudgetChosen, EpochEnd, Finished, MemoryShort, Started, StepEnd

        if self.quiet:
            return
        match event:
            case Started():
                self._started(event)
            case BudgetChosen():
                self.console.print(f"batches of up to {event.tokens_per_batch:,} tokens were found to be quickest")
            case MemoryShort():
                self.console.print(
                    f"note: memory ran out at step {event.step}; it was done again with batches in {event.pieces} parts, "
                    "as all later ones will be",
                    style="yellow",
                    highlight=False,
                )
            case StepEnd():
                self._step(event)
            case EpochEnd():
                self._epoch(event)
            case Finished():
                by_steps = event.run.config.training.validate_every
                best = f"step {event.best_step}" if by_steps else f"epoch {event.best_epoch}"
                self.console.print(
                    f"done ({event.reason}); the weights of {best} are kept: {event.run.path}",
                    highlight=False,
                    soft_wrap=True,
                )

    def close(self) -> None:
        """Takes the bar off the screen."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _started(self, event: Any) -> None:
        config = event.run.config
        self.columns = event.run.objective.columns
        verb = f"going on at step {event.state.step} of" if event.resumed else "training"
        self.console.print(
            f"{verb} {config.model.mixer} ({event.parameters:,} parameters) on {event.device}, "
            f"{len(event.dataset.indices('train')):,} records -> {event.run.path}",
            highlight=False,
            soft_wrap=True,
        )
        if not len(event.dataset.indices("val")):
            self.console.print("note: no validation split: the last weights are kept", style="yellow", highlight=False)
        if self.verbose:
            self.console.print((event.run.path / "config.toml").read_text(encoding="utf-8"), highlight=False, markup=False)

    def _step(self, event: Any) -> None:
        if event.epoch != self.epoch:  # where validation is not at the end of epochs, a bar may be left of the last
            self.close()
        if self.bar is None:
            from tqdm import tqdm

            hidden = not sys.stderr.isatty()
            self.bar = tqdm(total=event.batches, desc=f"epoch {event.epoch}", unit="batch", leave=False, disable=hidden)
            self.epoch, self.tokens = event.epoch, 0
        self.tokens += event.tokens
        elapsed = self.bar.format_dict["elapsed"] or 1e-9
        self.bar.set_postfix_str(f"loss {event.loss:.3f}, {self.tokens / elapsed:,.0f} tokens/s", refresh=False)
        self.bar.update(event.batch - self.bar.n)

    def _epoch(self, event: Any) -> None:
        self.close()
        # A table that grows by a row at a time: each row is a table without header, of the same widths.
        table = Table(show_header=self.rows == 0, box=None, pad_edge=False)
        table.add_column("epoch", justify="right", width=5)
        table.add_column("loss", justify="right", width=7)
        for name in self.columns:
            table.add_column(f"val {name}", justify="right", width=max(13, len(f"val {name}")))
        table.add_column("tokens/s", justify="right", width=9)
        table.add_column("time", justify="right", width=6)
        table.add_column("", width=5)
        table.add_row(
            str(event.epoch),
            number(event.train_loss, 4),
            *(score_text(name, event.validation.get(name)) for name in self.columns),
            f"{event.tokens_per_second:,.0f}",
            f"{event.seconds:.0f} s",
            "best" if event.best and event.validation else "",
        )
        self.console.print(table, soft_wrap=True)
        self.rows += 1
