"""A campaign on the terminal: a bar of its trainings if this is a terminal, a line for each, and a table at the end."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seqmix.cli.console import console, print_notes, print_tables, print_verdict, say, slow_bar
from seqmix.errors import Interrupted
from seqmix.reporting.text import counted
from seqmix.system.printable import printable

if TYPE_CHECKING:
    from seqmix.experiments.events import CampaignEvent, OnEvent
    from seqmix.experiments.result import CampaignResult
    from seqmix.experiments.run_trial import Trial
    from seqmix.reporting.tables import ReportTable


@contextmanager
def campaign_display(description: str, headline: Callable[[Trial], str], quiet: bool) -> Iterator[OnEvent]:
    """Show the events of a campaign for as long as the block runs.

    Args:
        description: text before the bar.
        headline: summarises a finished training.
        quiet: show nothing.
    """
    from seqmix.experiments.events import Planned, Remark, Stage, TrialFinished, TrialStarted

    with slow_bar(description, "trainings", quiet) as bar:

        def tell(text: str) -> None:
            if not quiet:
                bar.write(printable(text), file=sys.stderr)

        def show(event: CampaignEvent) -> None:
            match event:
                case Stage():
                    tell(event.text)
                case Remark():
                    tell(f"note: {event.text}")
                case Planned():
                    bar.begin(event.count, math.ceil(event.left / event.jobs) * event.budget)
                    done = event.count - event.left
                    tell(
                        f"{counted(event.left, 'training')} to run" + f", {done:,} of {event.count:,} done before" * (done > 0)
                    )
                case TrialStarted():
                    bar.set_description(printable(event.trial.title))
                case TrialFinished():
                    bar.update() if event.run_now else bar.skip()
                    outcome = event.trial.error or headline(event.trial)
                    tell(f"{event.trial.title}: {outcome}{'' if event.run_now else ' (done before)'}")

        yield show


def print_campaign(
    result: CampaignResult,
    table: ReportTable,
    notes: Iterable[str],
    page: Path,
    figures: Path,
    quiet: bool,
    *,
    more: Iterable[ReportTable] = (),
    verdict: Iterable[str] = (),
) -> None:
    """Print the results of a campaign, and the files that they are in.

    Args:
        result: the results.
        table: the results as a table; without rows, nothing is printed.
        notes: notes to print below the table.
        page: the HTML page.
        figures: another file to name after the page.
        quiet: print nothing.
        more: further tables.
        verdict: what the results come to, a sentence in each line, printed last.

    Raises:
        Interrupted: the campaign was interrupted.
    """
    if table.rows:
        out = console(quiet)
        print_tables(out, [table, *more])
        print_notes(out, notes)
        say(out, f"-> {page}  ({figures})")
        for sentence in verdict:
            print_verdict(out, sentence)
    if result.interrupted:
        done = f"finished trainings are in {page}" if result.trials else "no training is finished yet"
        raise Interrupted(f"interrupted; {done}; run the same command again, without --overwrite, to resume")
