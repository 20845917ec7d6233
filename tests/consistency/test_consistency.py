"""A part of what `python -m tests.consistency` tries, which changes data sets and runs for as long as wanted."""

from collections import Counter
from itertools import islice

from tests.consistency.run import changes, subjects

CHANGES = 260


def test_changed_data_sets_and_runs_give_the_same_answers_or_are_refused(tmp_path):
    (tmp_path / "scratch").mkdir()
    counts = Counter()
    made = subjects(tmp_path)
    found = [text for _, text in islice(changes(0, made, tmp_path / "scratch", counts), CHANGES) if text]
    assert not found, found[0]
    assert counts["refused"] > CHANGES / 2
    assert counts["the same answer"] > CHANGES / 10
