"""Optimiser steps: how many records they have, whatever the length of records, and that they go on after an interruption."""

import random

import numpy as np
import pytest
import torch

import seqmix
from seqmix.data.batching import collate, group_batches, put_together
from seqmix.training.events import Finished, MemoryShort, StepEnd
from seqmix.training.trainer import Trainer
from tests.support import random_dna, write_fasta
from tests.support.interrupting import assert_same_run, resumed_at

SMALL = ("model.d_model=8", "model.lexical=none", "training.patience=0", "training.least_records=6")

OPTIONS = {"mixer": "conv", "tokens_per_batch": 256, "epochs": 3, "lr": 0.01}


@pytest.fixture(scope="module")
def long_and_short(tmp_path_factory):
    """Twenty records of two classes, of 20 to 300 letters."""
    folder = tmp_path_factory.mktemp("long")
    rng = random.Random(0)
    classes = {"at": (3, 1, 1, 3), "gc": (1, 3, 3, 1)}
    files = [
        write_fasta(folder / f"{name}.fa", [(f"{name}{i}", random_dna(20 + 28 * i, rng, weights)) for i in range(11)])
        for name, weights in classes.items()
    ]
    return seqmix.prepare(files, folder / "data")


def train(data, output, *settings, **options):
    events = []
    run = seqmix.train(data, output, settings=[*SMALL, *settings], on_event=events.append, **OPTIONS | options)
    return run, events


def steps_of(events):
    return [event for event in events if isinstance(event, StepEnd)]


def batches_of(sizes):
    return [np.full(size, number) for number, size in enumerate(sizes)]


def sizes_of(groups):
    return [[len(batch) for batch in group] for group in groups]


def test_step_takes_batches_until_it_has_enough_records():
    assert sizes_of(group_batches(batches_of([1, 1, 2, 5, 1, 3]), least_records=4)) == [[1, 1, 2], [5], [1, 3]]


def test_last_step_takes_the_records_that_are_too_few_for_another():
    assert sizes_of(group_batches(batches_of([2, 2, 1, 2]), least_records=4)) == [[2, 2, 1, 2]]
    assert sizes_of(group_batches(batches_of([1, 2]), least_records=4)) == [[1, 2]]


def test_step_has_at_least_the_batches_to_accumulate():
    batches = batches_of([5, 1, 1, 1, 5])
    assert sizes_of(group_batches(batches, accumulate=2, least_records=4)) == [[5, 1], [1, 1, 5]]
    assert sizes_of(group_batches(batches, accumulate=2)) == [[5, 1], [1, 1], [5]]
    assert sizes_of(group_batches(batches)) == [[5], [1], [1], [1], [5]]


def test_every_step_of_a_training_has_enough_records(long_and_short, tmp_path):
    _, events = train(long_and_short, tmp_path / "run", epochs=1)
    steps, records = steps_of(events), len(long_and_short.indices("train"))
    assert len(steps) <= records // 6
    assert steps[-1].batch == steps[-1].batches > 2 * len(steps)
    assert steps[-1].done == 1.0


def test_records_weigh_equally_however_batches_are_cut(long_and_short, tmp_path):
    """With all records in one step, long ones in batches of their own, gradients are those of one large batch."""
    settings = ("training.least_records=99", "training.clip=0", "training.weight_decay=0.0")
    cut, events = train(long_and_short, tmp_path / "cut", *settings, epochs=1)
    whole, _ = train(long_and_short, tmp_path / "whole", *settings, epochs=1, tokens_per_batch=10**6)
    assert len(steps_of(events)) == 1 and steps_of(events)[0].batches > 5
    one, two = (run.load_state()[0] for run in (cut, whole))
    moments = [name for name in one if name.endswith("exp_avg")]
    assert max(float(one[name].abs().max()) for name in moments) > 1e-4
    for name in moments:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-7)


def test_batches_are_put_together_up_to_a_number_of_tokens():
    batches = batches_of([2, 1, 3, 1, 1])
    assert sizes_of([put_together(batches, [10, 20, 5, 100, 10], 60)]) == [[3, 3, 1, 1]]  # 3 x 20, 3 x 5, 1 x 100, 1 x 10
    assert sizes_of([put_together(batches, [10, 20, 5, 100, 10], 10**6)]) == [[8]]
    assert sizes_of([put_together(batches, [10, 20, 5, 100, 10], 1)]) == [[2, 1, 3, 1, 1]]
    assert np.concatenate(put_together(batches, [10, 20, 5, 100, 10], 60)).tolist() == np.concatenate(batches).tolist()


def test_batches_computed_together_have_the_same_gradients(long_and_short, tmp_path, monkeypatch):
    settings = ("training.clip=0", "training.weight_decay=0.0")
    apart, _ = train(long_and_short, tmp_path / "apart", *settings, epochs=1)
    widths = []
    monkeypatch.setattr("seqmix.training.fit.collate", lambda rows, **how: widths.append(len(rows)) or collate(rows, **how))
    together, events = train(long_and_short, tmp_path / "together", *settings, "training.tokens_at_once=2000", epochs=1)
    steps = steps_of(events)
    assert len(widths) < steps[-1].batches and max(widths) >= 6
    one, two = (run.load_state()[0] for run in (apart, together))
    for name in one:
        if name.startswith("model."):
            torch.testing.assert_close(one[name], two[name], rtol=1e-3, atol=1e-5)


def test_schedule_follows_steps_of_many_batches(long_and_short, tmp_path):
    settings = ("training.schedule=linear", "training.warmup=0.5")
    _, events = train(long_and_short, tmp_path / "epochs", *settings, epochs=4, lr=1.0)
    rates = [event.lr for event in steps_of(events)]
    peak = int(np.argmax(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1]) and rates[peak:] == sorted(rates[peak:], reverse=True)
    assert 0 < rates[0] < 0.5 and 0 < rates[-1] < 0.5 and max(rates) <= 1.0
    _, events = train(long_and_short, tmp_path / "steps", *settings, epochs=None, max_steps=4, lr=1.0)
    assert [event.lr for event in steps_of(events)] == pytest.approx([0.25, 0.75, 0.75, 0.25])
    assert isinstance(events[-1], Finished) and events[-1].reason == "all steps done"


def test_budget_ends_a_training_of_steps_of_many_batches(clock, long_and_short, tmp_path):
    _, events = train(long_and_short, tmp_path / "run", "training.schedule=linear", epochs=None, budget=5)
    assert [event.done for event in steps_of(events)] == [0.2, 0.4, 1.0]  # the second ends an epoch: 2 s for its validation
    assert events[-1].cause == "time"


@pytest.mark.parametrize(("step", "at_once"), [(1, 0), (2, 0), (3, 0), (2, 900)])
def test_resume_with_least_records_is_bit_identical(step, at_once, long_and_short, tmp_path):
    settings = (*SMALL, "model.dropout=0.2", f"training.tokens_at_once={at_once}")
    whole = seqmix.train(long_and_short, tmp_path / "whole", settings=settings, save_every=1, **OPTIONS)
    parts = resumed_at(step, long_and_short, tmp_path / "parts", settings, **OPTIONS)
    assert_same_run(parts, whole)


@pytest.mark.parametrize("at_once", [0, 2000])
def test_step_of_many_batches_is_repeated_when_memory_runs_out(at_once, long_and_short, tmp_path, monkeypatch):
    plain, _ = train(long_and_short, tmp_path / "plain", "training.average=0", epochs=1)
    genuine = Trainer.__post_init__

    def short_of_memory(self):
        def forward(ids, mask):
            if ids.shape[0] > 1:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            return self.model(ids, mask)

        genuine(self)
        self.forward = forward

    monkeypatch.setattr(Trainer, "__post_init__", short_of_memory)
    settings = ("training.average=0", f"training.tokens_at_once={at_once}")
    halved, events = train(long_and_short, tmp_path / "halved", *settings, epochs=1)
    assert any(isinstance(event, MemoryShort) for event in events)
    for wanted, got in zip(plain.load_model().parameters(), halved.load_model().parameters(), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-4)
