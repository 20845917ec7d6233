"""The small data sets and models of `tests.support.kinds`, each made once."""

import pytest

from tests.support.kinds import COMBINATIONS, KINDS, Made


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return the `Made` of a kind, by its name."""
    known = {}

    def make(name):
        if name not in known:
            known[name] = Made((KINDS | COMBINATIONS)[name], tmp_path_factory.mktemp(name.replace(" ", "-")))
        return known[name]

    return make


@pytest.fixture
def one(request, made):
    """The kind that a module of tests is about, as its `KIND` says."""
    return made(request.module.KIND)


@pytest.fixture
def file(one):
    return one.file


@pytest.fixture
def data(one):
    return one.data


@pytest.fixture
def run(one):
    return one.run
