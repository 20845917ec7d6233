"""Fixtures that all tests share: small files, and a run that is trained once."""

import os
import random
from functools import partial
from pathlib import Path

import pytest

import seqmix
from seqmix.training import resolve
from tests.support import launch_here, offline, random_dna, write_fasta

# On a busy machine, threads waiting for each other would make work on tiny tensors a hundred times slower. Read when torch
# is imported, here and in subprocesses.
os.environ.setdefault("OMP_NUM_THREADS", "1")


offline.install()


@pytest.fixture(autouse=True)
def without_network():
    """Fail a test that tried to reach another host, even if the error was caught."""
    yield
    tried = list(offline.attempts)
    offline.attempts.clear()
    assert not tried


@pytest.fixture(scope="session", autouse=True)
def steady_recipe():
    """Train without windows, hidden tokens and the like if a test states no settings.

    The mechanics are tested on some tens of short sequences, whose steps and scores the tests count; the recipes of the
    defaults are made for real data and change with what is measured. `shipped_recipes` brings them back.
    """
    shipped = resolve.default_recipe
    plain = {"model": {"lexical": "auto"}}
    steady = {"dna": {**plain, "training": {"epochs": 5, "label_smoothing": 0.1}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "default_recipe", lambda data: (name := shipped(data)) and steady.get(name, plain))
        yield shipped


@pytest.fixture
def shipped_recipes(steady_recipe, monkeypatch):
    """Train with the recipes that come with seqmix."""
    monkeypatch.setattr(resolve, "default_recipe", steady_recipe)


@pytest.fixture(scope="session")
def two_class_files(tmp_path_factory):
    """Two FASTA files, AT-rich and GC-rich: easy to distinguish, with varying lengths."""
    folder = tmp_path_factory.mktemp("fasta")
    rng = random.Random(0)
    for name, weights in (("atrich", (3, 1, 1, 3)), ("gcrich", (1, 3, 3, 1))):
        records = [(f"{name}{i}", random_dna(rng.randint(40, 200), rng, weights)) for i in range(40)]
        write_fasta(folder / f"{name}.fa", records)
    return [folder / "atrich.fa", folder / "gcrich.fa"]


@pytest.fixture(scope="session")
def dataset(two_class_files, tmp_path_factory):
    """The two classes, prepared."""
    return seqmix.prepare(two_class_files, tmp_path_factory.mktemp("data") / "data")


@pytest.fixture(scope="session")
def trained(dataset, tmp_path_factory):
    """A small run, trained on `dataset`."""
    output = tmp_path_factory.mktemp("runs") / "run"
    return seqmix.train(
        dataset,
        output,
        epochs=3,
        tokens_per_batch=1024,
        settings=["mixer.d_hidden=16", "model.d_model=16", "model.words=2", "model.lexical=none"],
    )


@pytest.fixture
def clock(monkeypatch):
    """A clock that only advances in optimiser steps (1 s each) and validations (2 s each)."""
    from seqmix.training import fit as fitting

    class Clock:
        now = 1000.0

    def slow(function, seconds):
        def run(*args):
            Clock.now += seconds
            return function(*args)

        return run

    monkeypatch.setattr(fitting.time, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(fitting, "take_step", slow(fitting.take_step, 1.0))
    monkeypatch.setattr(fitting, "_validate", slow(fitting._validate, 2.0))
    return Clock


@pytest.fixture
def launched(monkeypatch):
    """Run trials in this process (see `launch_here`), and list what was trained."""
    from seqmix.experiments import run_trial, scheduler

    names = []
    monkeypatch.setattr(run_trial, "evaluate", partial(seqmix.evaluate, resamples=2))

    def launch(launcher, spec):
        names.append(Path(spec.folder).name)
        return launch_here(launcher, spec)

    monkeypatch.setattr(scheduler.TrialProcess, "launch", launch)
    return names
