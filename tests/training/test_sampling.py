"""Balanced sampling: an epoch has as many records as before, of each class equally many."""

import random

import numpy as np
import pytest
import torch

import seqmix
from seqmix.data.batching import sample_balanced
from seqmix.errors import ConfigError
from seqmix.objectives.multilabel import MultiLabel
from seqmix.training.new_run import new_run
from seqmix.training.resolve import resolve
from seqmix.training.trainer import Trainer
from tests.support import prepare_noise, random_dna, write_fasta
from tests.support.interrupting import assert_same_run, resumed_at

OPTIONS = {"mixer": "conv", "batch_size": 8, "epochs": 3, "lr": 0.01}
SMALL = ("model.d_model=8", "model.lexical=none", "training.patience=0", "training.sampling=balanced")


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """Forty records of a common class and eight of a rare one."""
    return prepare_noise(tmp_path_factory.mktemp("rare"), common=40, rare=8)


def trainer_of(dataset, folder, **training):
    config = resolve(dataset, {"training": {"sampling": "balanced", **training}, "model": {"mixer": "conv"}})
    model = new_run(dataset, config, folder, False).build_model()
    return Trainer(model, dataset, config, torch.device("cpu"))


def test_each_group_is_drawn_equally_often():
    groups = np.array([0] * 50 + [1] * 7 + [5] * 2)
    for seed in range(5):
        drawn, before = sample_balanced(groups, (seed, 0))
        assert sorted(np.bincount(groups[drawn])[[0, 1, 5]]) == [19, 20, 20]
        times = np.bincount(drawn, minlength=59)
        assert times[:50].max() == 1 and np.ptp(times[50:57]) <= 1 and np.ptp(times[57:]) <= 1
        for position in (50, 58):
            assert before[drawn == position].tolist() == list(range(times[position]))
        again, _ = sample_balanced(groups, (seed, 0))
        assert np.array_equal(drawn, again)
    others = {tuple(np.unique(sample_balanced(groups, (0, epoch))[0])) for epoch in range(5)}
    assert len(others) == 5, "other records of the large group in each epoch"


def test_epoch_keeps_its_number_of_records_and_balances_classes(rare, tmp_path):
    trainer = trainer_of(rare, tmp_path / "run")
    train = rare.indices("train")
    plans = []
    for epoch in (0, 1):
        trainer.state.epoch = epoch
        records = np.concatenate(trainer.plan())
        plans.append(np.sort(records).tolist())
        assert len(records) == len(set(records.tolist())) == len(train)
        assert set(records % len(rare)) <= set(train.tolist())
        assert np.ptp(np.bincount(rare.labels[records % len(rare)])) <= 1
    assert plans[0] != plans[1]


def test_record_that_comes_again_is_cropped_elsewhere(rare, tmp_path):
    trainer = trainer_of(rare, tmp_path / "run", crop_length=8)
    records = np.concatenate(trainer.plan())
    index = int(rare.indices("train")[rare.labels[rare.indices("train")] == 1][0])
    again = [int(record) for record in records if record % len(rare) == index]
    assert len(again) >= 3
    assert len({trainer.training_view(record)[0].tobytes() for record in again}) > 1


def test_several_labels_are_balanced_by_the_rarest_label_of_a_record():
    labels = np.array([[1, 0, 0]] * 6 + [[1, 1, 0]] * 3 + [[1, 1, 1]] + [[0, 0, 0]] * 2, dtype=np.uint8)
    strata = MultiLabel(("a", "b", "c")).strata(labels)
    assert strata.tolist() == [0] * 6 + [1] * 3 + [2] + [-1] * 2
    drawn, _ = sample_balanced(strata, (0, 0))
    assert np.unique(strata[drawn], return_counts=True)[1].tolist() == [3, 3, 3, 3]


def test_regression_cannot_be_sampled_by_class(tmp_path):
    rng = random.Random(0)
    path = write_fasta(tmp_path / "all.fa", [(f"r{i} label={i / 7}", random_dna(20, rng)) for i in range(30)])
    data = seqmix.prepare(path, tmp_path / "data", task="regression")
    with pytest.raises(ConfigError, match=r"a regression has no classes: leave out training\.sampling") as caught:
        seqmix.train(data, tmp_path / "run", settings=SMALL)
    assert caught.value.option == "training.sampling"


def test_sampling_and_weights_do_not_balance_twice(rare, tmp_path):
    with pytest.raises(ConfigError, match="both balance the classes"):
        seqmix.train(rare, tmp_path / "run", settings=SMALL, class_weights="balanced")


@pytest.mark.parametrize("step", [2, 6])
def test_resume_with_balanced_sampling_is_bit_identical(step, rare, tmp_path):
    whole = seqmix.train(rare, tmp_path / "whole", settings=SMALL, save_every=1, **OPTIONS)
    assert_same_run(resumed_at(step, rare, tmp_path / "parts", SMALL, **OPTIONS), whole)
