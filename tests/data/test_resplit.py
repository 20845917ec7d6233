"""The same records in other splits: nothing is copied, and a run that is trained on them keeps them."""

import json
import pickle
import shutil

import numpy as np
import pytest

import seqmix
from seqmix.data.resplit import split_file
from seqmix.errors import DatasetError, RunError
from tests.support import train_tiny
from tests.support.preparing import dna


@pytest.fixture
def other(dataset):
    """The records of `dataset` in other splits, a tenth of them in none."""
    return dataset.with_split(np.arange(len(dataset)) % 10 % 4 - (np.arange(len(dataset)) % 10 % 4 == 3) * 4, "every tenth")


def test_view_has_the_same_records_in_other_splits(dataset, other):
    assert len(other) == len(dataset)
    assert [record.text for record in other] == [record.text for record in dataset]
    assert other.sizes == {"train": 24, "val": 24, "test": 16}
    assert sum(sum(part.values()) for part in other.info["counts"].values()) == 64
    assert other[3].split == "" and other[1].split == "val"
    assert dataset.sizes == dataset.info["sizes"] != other.info["sizes"] == other.sizes
    assert other.fingerprint != dataset.fingerprint
    assert dataset.with_split(dataset.split).fingerprint == dataset.fingerprint
    # Loaders of torch hand data sets to their processes as pickles.
    again = pickle.loads(pickle.dumps(other))
    assert again.sizes == other.sizes and again.fingerprint == other.fingerprint
    assert other.with_split(dataset.split).sizes == dataset.sizes
    for wrong in (dataset.split[:-1], dataset.split + 2, dataset.split * 0.5):
        with pytest.raises(DatasetError, match=r"split.* must have 0 .train., 1 .val., 2 .test. or -1"):
            dataset.with_split(wrong)


def test_targets_of_a_regression_are_scaled_by_the_training_records(tmp_path):
    rows = [{"text": dna(20, i), "label": str(i)} for i in range(40)]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", alphabet="dna", task="regression")
    view = data.with_split(np.where(data.labels < 10, 0, 2))
    assert view.info["target"]["mean"] == view.label_objective.mean == 4.5


def test_run_keeps_its_splits_and_is_resumed_and_evaluated_on_them(dataset, other, tmp_path):
    run = train_tiny(other, tmp_path / "run")
    assert run.info["sizes"] == other.sizes
    found = seqmix.evaluate(run, baselines=False, resamples=2)
    assert found.records == 16 and found.source == "test split (every tenth)"
    shutil.copytree(run.path, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "last")
    (tmp_path / "copy" / "model.safetensors").unlink()
    (tmp_path / "copy" / "metrics.jsonl").unlink()
    (tmp_path / "copy" / "last").mkdir()
    again = seqmix.train(output=tmp_path / "copy", resume=True)
    assert (again.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()
    with pytest.raises(DatasetError, match="this is another data set"):
        seqmix.evaluate(train_tiny(dataset, tmp_path / "plain"), data=[_other_data(tmp_path)])
    with pytest.raises(DatasetError, match="40 records, not 80"):
        seqmix.evaluate(run, data=[tmp_path / "other"])


def _other_data(tmp_path):
    rows = [{"text": dna(20, i), "label": "ab"[i % 2]} for i in range(40)]
    return seqmix.prepare(records=rows, output=tmp_path / "other", alphabet="dna").path


def test_damaged_splits_of_a_run_are_refused(dataset, other, tmp_path):
    run = train_tiny(other, tmp_path / "run")
    file = run.path / "split.npy"
    good = file.read_bytes()
    for content in (split_file(dataset.split), good[:-1], None):
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        for use in (lambda: seqmix.evaluate(run), lambda: seqmix.train(output=run.path, resume=True)):
            with pytest.raises((DatasetError, RunError), match=r"split.npy"):
                use()
        file.write_bytes(good)
    assert json.loads((run.path / "dataset.json").read_text())["own_split"] == "every tenth"
