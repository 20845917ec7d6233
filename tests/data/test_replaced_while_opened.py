"""A data set that is replaced while it is opened: the old or the new is opened whole, never parts of both."""

import pickle

import numpy as np
import pytest

import seqmix
from seqmix.data import dataset as opening
from seqmix.data.dataset import Dataset
from seqmix.data.synthetic.generate import generate
from seqmix.errors import DatasetError
from seqmix.system.files import file_checksum
from seqmix.training.pretrain import open_without_labels

ARRAYS = ("tokens.npy", "offsets.npy", "labels.npy", "split.npy", "ids.txt")


def make(path, seed):
    """Make a data set; those of two seeds have files of the same sizes."""
    return generate("adding", path, train=30, val=10, test=10, length=32, seed=seed)


@pytest.fixture
def folder(tmp_path):
    make(tmp_path / "other", seed=1)
    return make(tmp_path / "data", seed=0).path


def exchange(folder):
    other, aside = folder.with_name("other"), folder.with_name("aside")
    folder.rename(aside)
    other.rename(folder)
    aside.rename(other)


def exchange_at(monkeypatch, folder, name, times=1):
    """Exchange the data set with another one after a step of opening it."""
    genuine, left = getattr(opening, name), [times]

    def step(*args, **kwargs):
        found = genuine(*args, **kwargs)
        if left[0]:
            left[0] -= 1
            exchange(folder)
        return found

    monkeypatch.setattr(opening, name, step)


def is_whole(dataset):
    """Return whether what was opened is what its description says."""
    there = {name: file_checksum(dataset.path / name) for name in ARRAYS}
    labels, tokens = np.load(dataset.path / "labels.npy"), np.load(dataset.path / "tokens.npy")
    same = np.array_equal(labels, dataset.labels) and np.array_equal(tokens[: len(dataset.tokens(0))], dataset.tokens(0))
    return same and dataset.info["arrays"] == there


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("step", ["read_info", "check_content", "load_array"])
def test_data_set_that_is_replaced_while_it_is_opened_is_opened_whole(folder, monkeypatch, step, verify):
    exchange_at(monkeypatch, folder, step)
    assert is_whole(Dataset.open(folder, verify=verify))


def test_moment_without_a_data_set_is_passed_over(folder, monkeypatch):
    genuine = opening.read_info

    def too_late(path):
        monkeypatch.setattr(opening, "read_info", genuine)
        path.unlink()
        try:
            return genuine(path)
        finally:
            folder.rename(folder.with_name("aside"))
            folder.with_name("other").rename(folder)

    monkeypatch.setattr(opening, "read_info", too_late)
    assert is_whole(Dataset.open(folder))


def test_data_set_that_is_replaced_again_and_again_is_an_error(folder, monkeypatch):
    exchange_at(monkeypatch, folder, "read_info", times=1000)
    with pytest.raises(DatasetError, match="data"):
        Dataset.open(folder)


def test_copy_for_another_process_is_of_the_same_data_set(folder):
    packed = pickle.dumps(Dataset.open(folder))
    assert is_whole(pickle.loads(packed))
    exchange(folder)
    with pytest.raises(DatasetError, match=r"data: the data set was replaced or changed while it was read; open it again"):
        pickle.loads(packed)


def test_view_for_pretraining_is_of_the_same_data_set(two_class_files, tmp_path):
    dataset = seqmix.prepare(two_class_files, tmp_path / "data")
    seqmix.prepare(two_class_files, tmp_path / "other", seed=1)
    assert is_whole(open_without_labels(dataset))
    exchange(dataset.path)
    with pytest.raises(DatasetError, match="was replaced or changed"):
        open_without_labels(dataset)


def test_damage_is_told_as_before(folder):
    labels = np.load(folder / "labels.npy")
    np.save(folder / "labels.npy", labels[::-1])
    with pytest.raises(DatasetError, match=r"the data set is damaged: labels\.npy does not match its checksum"):
        Dataset.open(folder)
