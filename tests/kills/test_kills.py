"""A few kills of each command; `python -m tests.kills` makes dozens."""

import os
import signal

import pytest

from tests.kills.killing import Killing, all_cases, outcomes
from tests.kills.launching import Launcher

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts commands with os.fork")
KILLS = {
    "prepare --overwrite": 4,
    "prepare --overwrite, no exchange": 4,
    "generate --overwrite": 2,
    "predict --overwrite": 2,
    "eval": 1,
    "train": 1,
    "train --overwrite, no exchange": 1,
}


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    with Launcher(tmp_path_factory.mktemp("launcher")) as made:
        yield made


@pytest.fixture(scope="module")
def cases(launcher, tmp_path_factory):
    return {case.name: case for case in all_cases(tmp_path_factory.mktemp("inputs"), launcher)}


@pytest.mark.parametrize("name", KILLS)
def test_nothing_is_lost_when_commands_are_killed(launcher, cases, tmp_path, name):
    found = list(outcomes(cases[name], tmp_path / "case", launcher, KILLS[name], seed=0))
    assert len(found) == KILLS[name]
    assert not [outcome for outcome in found if outcome.wrong]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("name", ["prepare --overwrite", "predict --overwrite"])
def test_commands_that_are_asked_to_end_leave_nothing_behind(launcher, cases, tmp_path, name, number):
    asked = Killing(cases[name], tmp_path / "case", launcher)
    points = range(number % 4 + 1, asked.steps + 1, 8) if asked.steps > 8 else range(1, asked.steps + 1)
    assert not [wrong for point in points if (wrong := asked.ask(point, number))]
