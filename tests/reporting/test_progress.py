"""Progress bars: drawn on a terminal or where they are asked for, silent elsewhere, and never on standard output."""

import io
import re
import sys
from itertools import pairwise

import pytest
from rich.console import Console

from seqmix.cli.training_display import TrainingDisplay
from seqmix.reporting.progress import progress_bar, slow_bar
from seqmix.training.events import StepEnd
from seqmix.training.progress import TrainingProgress
from tests.support import train_tiny


class Terminal(io.StringIO):
    def isatty(self):
        return True


def count(shown=None):
    with progress_bar("counting", "records", 3, shown) as bar:
        bar.update(2)


def test_no_bar_if_standard_error_is_not_a_terminal(capsys):
    count()
    assert capsys.readouterr() == ("", "")


def test_bar_can_be_requested(capsys):
    count(shown=True)
    out, err = capsys.readouterr()
    assert out == "" and "counting" in err and "/3" in err and " records/s" in err


def test_bar_on_terminal_can_be_disabled(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    count(shown=False)
    assert sys.stderr.getvalue() == ""
    count()
    assert "counting" in sys.stderr.getvalue()


@pytest.mark.parametrize(
    ("settings", "options"),
    [(("training.validate_every=2",), {"max_steps": 5}), ((), {"epochs": 2, "max_steps": 3})],
)
def test_progress_grows_to_whole_training(dataset, tmp_path, settings, options):
    events = []
    train_tiny(dataset, tmp_path / "run", *settings, **options, on_event=events.append)
    done = [event.done for event in events if isinstance(event, StepEnd)]
    assert all(0 < a <= b <= 1 for a, b in pairwise(done))
    assert done[-1] == pytest.approx(1.0)


def test_training_draws_one_bar_with_total_time_left(dataset, tmp_path, capsys):
    train_tiny(dataset, tmp_path / "run", on_event=TrainingProgress())
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"epoch 1 of 2 +\d+%\|.*\| \d\d:\d\d<(\d\d:\d\d|\?), loss \d\.\d{3}", err)


def test_training_display_fits_80_columns(dataset, tmp_path, capsys):
    with (tmp_path / "out").open("w+") as out:
        display = TrainingDisplay(Console(width=80, file=out), quiet=False, verbose=False)
        run = train_tiny(dataset, tmp_path / "run", on_event=display)
        out.seek(0)
        lines = out.read().splitlines()
    assert capsys.readouterr() == ("", "")  # the console alone is written to
    rows = [line.split() for line in lines if re.match(r" +\d+ ", line)]
    assert [row[0] for row in rows] == ["1", "2"] and all(len(row) >= 9 for row in rows)
    assert all(len(line) <= 80 for line in lines if "─" in line or re.match(r" +\d+ ", line))
    for line, row in zip(run.history(), rows, strict=True):
        assert row[2] == f"{line['val_accuracy']:.3f}"


def test_the_time_left_of_slow_steps_runs_on_and_leaves_out_what_was_done_before(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with slow_bar("comparing", "trainings") as bar:
        bar.begin(4, expected=60.0)
        bar.skip()
        assert bar.format_dict["left"] in ("01:00", "00:59")
        bar.start_t -= 10.0
        assert bar.format_dict["left"] in ("00:50", "00:49")
        bar.update()  # took 10 s; two more are to come
        assert bar.format_dict["left"] in ("00:20", "00:19")
        bar.start_t -= 5.0
        assert bar.format_dict["left"] in ("00:15", "00:14")
    assert re.search(r"comparing:  25%\|.*\| 1/4 trainings \[00:0\d<(01:00|00:59)\]", sys.stderr.getvalue())


def test_a_slow_bar_that_is_not_shown_takes_the_same_calls(capsys):
    with slow_bar("comparing", "trainings", shown=False) as bar:
        bar.begin(4)
        bar.skip()
        bar.update()
    assert capsys.readouterr() == ("", "")
