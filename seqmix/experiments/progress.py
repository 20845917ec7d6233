"""The progress of a campaign as a bar of its trainings, in a terminal or a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seqmix.experiments.events import CampaignEvent, OnEvent, Planned, TrialFinished, TrialStarted
from seqmix.reporting.progress import progress_bar


@contextmanager
def events_shown(on_event: OnEvent | None, description: str, progress: bool) -> Iterator[OnEvent | None]:
    """Yield the function to call with the events of a campaign while the block runs.

    Args:
        on_event: called with each event; None for no callback.
        description: text before the bar.
        progress: whether to draw a progress bar as well.
    """
    if not progress:
        yield on_event
        return
    with progress_bar(description, "trainings", shown=True) as bar:

        def show(event: CampaignEvent) -> None:
            match event:
                case Planned():
                    bar.reset(event.count)
                case TrialStarted():
                    bar.set_description(event.trial.title)
                case TrialFinished():
                    bar.update()
            if on_event:
                on_event(event)

        yield show
