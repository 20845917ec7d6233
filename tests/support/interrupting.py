"""Trainings that are interrupted and resumed, to compare with uninterrupted ones."""

import pytest

import seqmix
from seqmix.training.events import StepEnd


class _Interruption(BaseException):
    pass


def resumed_at(step, data, output, settings, **options):
    """Return a run whose training died right after a step was saved, and was resumed."""

    def die(event):
        if isinstance(event, StepEnd) and event.step == step:
            raise _Interruption

    with pytest.raises(_Interruption):
        seqmix.train(data, output, settings=settings, on_event=die, save_every=1, **options)
    return seqmix.train(data, output, resume=True)


def assert_same_run(run, reference):
    """Check that weights, last state (with optimiser and random numbers) and log are bit-identical."""
    for name in ("model.safetensors", "last/state.safetensors"):
        assert (run.path / name).read_bytes() == (reference.path / name).read_bytes(), name
    assert log(run) == log(reference)


def log(run):
    return [{k: v for k, v in line.items() if k not in ("seconds", "tokens_per_second")} for line in run.history()]
