"""Progress bars: drawn on a terminal or where they are asked for, silent elsewhere, and never on standard output."""

import io
import re
import sys
import time
from itertools import pairwise

import pytest
from rich.console import Console

from seqmix.cli.training_display import TrainingDisplay
from seqmix.data.inputs import find_sources
from seqmix.data.options import ReadOptions
from seqmix.data.reading import RecordReader
from seqmix.reporting.progress import progress_bar, slow_bar, with_bar
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


def test_the_share_of_the_inputs_that_was_read_grows_to_one(two_class_files):
    reader = RecordReader(find_sources(two_class_files), ReadOptions())
    shares = [reader.share_read() for _ in reader]
    assert all(0 < a <= b <= 1 for a, b in pairwise(shares)) and shares[0] < 1 and reader.share_read() == 1
    assert RecordReader(find_sources(["-"]), ReadOptions()).share_read() is None


def test_a_total_is_estimated_from_the_share_that_is_done(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    shares = iter([0.25, 0.5, 0.75, 1.0])
    for _ in with_bar("abcd", "reading", "records", share=lambda: next(shares)):
        time.sleep(0.11)  # a bar is drawn ten times a second at most
    assert re.findall(r"(\d)/(\d) \[", sys.stderr.getvalue()) == [("1", "4"), ("2", "4"), ("3", "4"), ("4", "4")]
