"""The short version of `python -m tests.stress`: a few processes, one round of each kind."""

import sys

import pytest

from tests.stress.rounds import SHORT, stressing


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked, so that they start at the same moment")
def test_processes_at_once_lose_and_mix_nothing(tmp_path):
    with stressing(tmp_path, 3) as stress:
        for play in SHORT:
            play(stress)
    assert stress.faults == []
    assert {kind: counts["processes"] for kind, counts in stress.counts.items()} == dict.fromkeys(stress.counts, 3)
    assert len(stress.counts) == len(SHORT)
