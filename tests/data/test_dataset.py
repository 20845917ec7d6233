"""What an open data set shows of itself: its records, its size, and its splits for torch."""

import copy
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import seqmix
from seqmix.cli.console import console, print_dataset
from seqmix.data.dataset import StoredRecord
from seqmix.data.dataset_json import info_text
from seqmix.errors import ConfigError, DatasetError
from seqmix.models.classifier import build_model
from seqmix.run import Run
from tests.support.preparing import dna, with_nearness

ROWS = [{"id": f"r{i}", "text": dna(10 + i % 7, i), "label": "ab"[i % 2]} for i in range(40)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return seqmix.prepare(records=ROWS, output=tmp_path_factory.mktemp("data") / "data")


def test_records_are_shown_as_people_read_them(data):
    assert len(data) == 40
    first = data[0]
    assert first == StoredRecord("r0", ROWS[0]["text"], "a", ("train", "val", "test")[data.split[0]])
    assert data[-1] == data[39] == data[np.int64(39)]
    assert [record.id for record in data] == [row["id"] for row in ROWS]
    for wrong in (40, -41, "r0", 1.5, None, slice(3)):
        with pytest.raises(IndexError) as raised:
            data[wrong]
        assert isinstance(raised.value, DatasetError)


def test_labels_and_pairs_and_numbers_are_shown_as_what_they_are(tmp_path):
    def prepared(records, name, **options):
        return seqmix.prepare(records=records, output=tmp_path / name, **options)

    many = prepared([(str(i), "ACGT", ["x", "y"][: i % 3]) for i in range(30)], "many", task="multilabel", split="1,0,0")
    assert [many[i].label for i in range(3)] == [(), ("x",), ("x", "y")]
    numbers = prepared([(str(i), [0.5, i], i / 4) for i in range(30)], "numbers", task="regression")
    assert numbers[3].label == 0.75
    np.testing.assert_array_equal(numbers[3].text, [[0.5], [3]])
    assert prepared(["ACGT"] * 5, "none")[0].label is None
    assert prepared([{"text": "ACGT", "pair": "GG"}] * 5, "pairs")[0].pair == "GG"


def test_data_set_and_run_have_informative_reprs(data, trained, dataset):
    assert repr(data).startswith(f"<Dataset {str(data.path)!r}: 40 records (")
    for said in ("24 train", "8 val", "8 test", "classes a 20, b 20", "alphabet dna", "lengths 10 to 16"):
        assert said in repr(data)
    assert "mixer paramixer" in repr(trained)
    for said in (str(trained.path), "paramixer", "atrich, gcrich", "best validation macro-F1", str(dataset.path)):
        assert said in repr(trained) and said in trained._repr_html_()
    assert "\n" not in repr(data) + repr(trained)
    for said in (str(data.path), "40 records", "alphabet dna", "24", "lengths in characters"):
        assert said in data._repr_html_()


def test_damaged_run_still_has_a_repr(trained, tmp_path):
    assert "mixer paramixer" in repr(Run(tmp_path / "gone", trained.config, trained.info))


def test_copied_data_set_reopens_its_folder(data):
    packed = pickle.dumps(data)
    for twin in (pickle.loads(packed), copy.deepcopy(data)):
        assert twin[3] == data[3] and twin.fingerprint == data.fingerprint
    assert b"tokens.npy" not in packed.replace(b"tokens.npy", b"", 1)
    assert len(packed) < 10_000


@pytest.mark.parametrize("workers", [0, 2])
def test_split_works_with_data_loader(workers, data):
    torch_data = data.to_torch("train", max_length=12, truncate="end")
    assert len(torch_data) == data.sizes["train"]
    context = "fork" if workers else None
    loader = DataLoader(
        torch_data, batch_size=5, collate_fn=torch_data.collate, num_workers=workers, multiprocessing_context=context
    )
    seen = []
    for ids, mask, targets in loader:
        assert ids.shape == mask.shape and ids.shape[1] <= 12 and targets.dtype == torch.long
        for row, real, target in zip(ids, mask, targets, strict=True):
            seen.append((data.vocabulary.decode(row[real].tolist()), data.classes[target]))
    assert seen == [(data[i].text[-12:], data[i].label) for i in data.indices("train")]


def test_batches_of_a_loader_are_what_a_model_takes(tmp_path):
    pairs = [{"text": dna(8, i), "pair": dna(5, -i), "label": ["x", "y"][: i % 3]} for i in range(30)]
    data = seqmix.prepare(records=pairs, output=tmp_path / "data", task="multilabel", label_separator=";")
    torch_data = data.to_torch("train", cls=True)
    ids, mask, targets = torch_data.collate([torch_data[i] for i in range(4)])
    assert ids.shape == mask.shape == (8, 9) and targets.shape == (4, 2) and targets.dtype == torch.float32
    assert pickle.loads(pickle.dumps(torch_data))[0][1].tolist() == torch_data[0][1].tolist()
    config = seqmix.Config.from_tables({"model": {"mixer": "conv", "d_model": 4, "pooling": "cls", "max_length": 9}})
    model = build_model(config.model, vocab_size=len(data.vocabulary), n_classes=2, paired=True)
    assert model(ids, mask).shape == (4, 2)


def test_unknown_split_is_an_error(data):
    for options in ({"split": "dev"}, {"max_length": -1}, {"truncate": "left"}, {"split": None}):
        with pytest.raises(ConfigError):
            data.to_torch(**options)


def test_groups_and_nearness_are_known_where_they_are_stored(data, tmp_path):
    assert data.groups.tolist() == list(range(40))  # nothing is repeated
    assert data.nearness is None
    assert data.info["groups"] == {"by": "equal records", "count": 40, "largest": 1}
    folder = with_nearness(shutil.copytree(data.path, tmp_path / "data"))
    near = seqmix.Dataset.open(folder)
    assert near.nearness.dtype == np.float32
    assert np.array_equal(np.isnan(near.nearness), near.split == 0)
    assert near.fingerprint == data.fingerprint
    # Loaders of torch hand data sets to their processes as pickles.
    assert np.array_equal(pickle.loads(pickle.dumps(near)).nearness, near.nearness, equal_nan=True)


def test_a_data_set_without_groups_is_opened(data, tmp_path):
    folder = shutil.copytree(data.path, tmp_path / "data")
    (folder / "groups.npy").unlink()
    info = json.loads((folder / "dataset.json").read_text())
    del info["extra_arrays"], info["groups"]
    (folder / "dataset.json").write_text(info_text(info))
    older = seqmix.Dataset.open(folder)
    assert older.groups is None
    assert older.fingerprint == data.fingerprint


def test_groups_are_equal_records_and_stated_groups(tmp_path):
    rows = [{"text": dna(20, i // 2), "label": "ab"[i % 4 // 2], "group": f"g{i // 2 // 3}"} for i in range(60)]
    twins = seqmix.prepare(records=[{"text": r["text"], "label": r["label"]} for r in rows], output=tmp_path / "twins")
    assert twins.groups.tolist() == [i // 2 for i in range(60)]
    assert twins.info["groups"] == {"by": "equal records", "count": 30, "largest": 2}
    stated = seqmix.prepare(records=rows, output=tmp_path / "stated")
    assert stated.groups.tolist() == [i // 6 for i in range(60)]
    assert stated.info["groups"] == {"by": "column group", "count": 10, "largest": 6}


def test_other_splits_have_the_same_groups_and_an_unknown_nearness(data, tmp_path):
    near = seqmix.Dataset.open(with_nearness(shutil.copytree(data.path, tmp_path / "data")))
    # Loaders of torch hand data sets to their processes as pickles.
    view = pickle.loads(pickle.dumps(near.with_split(near.split[::-1])))
    assert view.groups.tolist() == near.groups.tolist()
    assert view.nearness is None


def test_the_number_of_groups_is_shown(data, tmp_path, capsys):
    rows = [{"text": dna(20, i), "label": "ab"[i % 2], "gene": f"g{i // 6}"} for i in range(60)]
    stated = seqmix.prepare(records=rows, output=tmp_path / "stated", group_from="column:gene")
    print_dataset(console(), stated)
    line = "groups (column gene): 10, of which 6 train, 2 val, 2 test; the largest has 6 records"
    assert line in " ".join(capsys.readouterr().err.split())
    assert line in stated._repr_html_()
    assert "groups" not in data._repr_html_()
