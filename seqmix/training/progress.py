"""The progress of a training as a bar, in a terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seqmix.reporting.progress import progress_bar
from seqmix.reporting.text import score_text
from seqmix.training.events import EpochEnd, Event, Finished, Started, StepEnd

if TYPE_CHECKING:
    from tqdm.auto import tqdm

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


@contextmanager
def events_shown(on_event: Callable[[Event], None] | None, progress: bool) -> Iterator[Callable[[Event], None]]:
    """Yield the function to call with the events of a training while the block runs.

    Args:
        on_event: called with each event; None for no callback.
        progress: whether to draw a progress bar as well.
    """
    bar = TrainingProgress() if progress else None

    def emit(event: Event) -> None:
        if bar:
            bar(event)
        if on_event:
            on_event(event)

    try:
        yield emit
    finally:
        if bar:
            bar.close()


class TrainingProgress:
    """Draws the events of `train` as one bar for the whole training, with the time left::

        seqmix.train("data", on_event=TrainingProgress())

    The time left is until the first of epochs, steps and budget is used up.

    Args:
        shown: whether to draw the bar; None to draw it only if standard error is a terminal.
        validation: whether to show the first validation score after the bar.
    """

    def __init__(self, shown: bool | None = True, *, validation: bool = True) -> None:
        self._shown, self._validation = shown, validation
        self._bar: tqdm[Any] | None = None
        self._epochs = 0
        self._tokens = 0
        self._score = ""

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Started():
                self._epochs = event.run.config.training.epochs
            case StepEnd():
                self._step(event)
            case EpochEnd() if self._validation and event.validation:
                name, score = next(iter(event.validation.items()))
                self._score = f"val {name} {score_text(name, score)}, "
            case Finished():
                self.close()

    def close(self) -> None:
        """Remove the bar from the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hide the bar while something else is written to the terminal."""
        if self._bar is None:
            yield
            return
        with self._bar.external_write_mode(file=sys.stderr):
            yield

    def _step(self, event: StepEnd) -> None:
        if self._bar is None:
            # The speed is that of the steps after this one, so that a resumed run shows no more than it has trained.
            self._bar = progress_bar("", "", 1.0, self._shown, initial=event.done, bar_format=_FORMAT)
        else:
            self._tokens += event.tokens
        bar, of = self._bar, f" of {self._epochs}" if self._epochs else ""
        speed = self._tokens / max(1e-9, bar.format_dict["elapsed"])
        bar.set_description_str(f"epoch {event.epoch}{of}", refresh=False)
        bar.set_postfix_str(f"loss {event.loss:.3f}, {self._score}{speed:,.0f} tokens/s", refresh=False)
        bar.update(max(0.0, event.done - bar.n))
