"""A few kills of each command; `python -m tests.kills` makes dozens."""

import os

import pytest

from tests.kills.killing import all_cases, outcomes
from tests.kills.launching import Launcher

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts commands with os.fork")
KILLS = {
    "prepare --overwrite": 4,
    "prepare --overwrite, no exchange": 4,
    "generate --overwrite": 2,
    "predict --overwrite": 2,
    "eval": 2,
    "train": 2,
    "train --overwrite, no exchange": 3,
}


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    with Launcher(tmp_path_factory.mktemp("launcher")) as made:
        yield made


def test_nothing_is_lost_when_commands_are_killed(launcher, tmp_path):
    found = [
        outcome
        for number, case in enumerate(all_cases(tmp_path, launcher))
        if case.name in KILLS
        for outcome in outcomes(case, tmp_path / f"case{number}", launcher, KILLS[case.name], seed=0)
    ]
    assert not [outcome for outcome in found if outcome.wrong]
    assert len(found) == sum(KILLS.values())
