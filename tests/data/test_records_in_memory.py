"""`prepare(records=...)`: records in memory make the data set that a table of them would make."""

import inspect
import json
import tracemalloc

import numpy as np
import pandas
import pytest

import seqmix
from seqmix.data.records import Record
from seqmix.errors import ConfigError, DatasetError, InputError, SeqmixError
from tests.support.preparing import decoded, dna, label_of, message_of, split_of, write_table

ROWS = [
    {
        "id": f"r{i}",
        "text": dna(20, i),
        "label": "ab"[i % 2],
        "group": f"g{i // 4}",
        "split": ("train", "val", "test")[i // 4 % 3],
    }
    for i in range(48)
]


def only(rows, *names):
    return [{name: row[name] for name in names} for row in rows]


def content(dataset):
    return decoded(dataset), label_of(dataset), split_of(dataset)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The data set prepared from a file of the same records."""
    folder = tmp_path_factory.mktemp("table")
    return seqmix.prepare(write_table(folder / "x.csv", only(ROWS, "id", "text", "label")), folder / "data")


@pytest.mark.parametrize(
    "records",
    [
        [(row["id"], row["text"], row["label"]) for row in ROWS],
        [(row["id"], row["text"].encode(), row["label"]) for row in ROWS],
        only(ROWS, "id", "text", "label"),
        [{"name": row["id"], "sequence": row["text"], "class": row["label"]} for row in ROWS],
        [Record(row["id"], row["text"], row["label"], None, None, "x", 0) for row in ROWS],
        pandas.DataFrame(only(ROWS, "id", "text", "label")),
        pandas.DataFrame(only(ROWS, "text", "label"), index=[row["id"] for row in ROWS]),
    ],
    ids=["tuples", "bytes", "dicts", "other names", "records", "frame", "index"],
)
def test_every_form_of_records_gives_the_same_data_set(records, table, tmp_path):
    made = seqmix.prepare(records=records, output=tmp_path / "data")
    assert content(made) == content(table)
    assert made.fingerprint == table.fingerprint
    assert made.info["vocabulary"]["alphabet"] == "dna"


def test_groups_and_splits_of_records_are_kept(tmp_path):
    grouped = seqmix.prepare(records=only(ROWS, "id", "text", "label", "group"), output=tmp_path / "grouped")
    found = split_of(grouped)
    for i in range(0, 48, 4):
        assert len({found[f"r{j}"] for j in range(i, i + 4)}) == 1
    given = seqmix.prepare(records=iter(only(ROWS, "id", "text", "label", "split")), output=tmp_path / "given")
    assert split_of(given) == {row["id"]: ["train", "val", "test"].index(row["split"]) for row in ROWS}


def test_checksum_of_records_is_stored(tmp_path):
    def checksum(records, name):
        return seqmix.prepare(records=records, output=tmp_path / name).info["inputs"]

    records = only(ROWS, "id", "text", "label")
    (entry,) = checksum(records, "1")
    assert entry["file"] == "records" and len(entry["sha256"]) == 64
    assert checksum(iter(records), "2") == [entry]
    assert checksum([*records[:-1], records[-1] | {"label": "a"}], "3") != [entry]


def test_options_are_given_by_name(tmp_path):
    records = [(row["id"], row["text"], row["label"]) for row in ROWS]
    made = seqmix.prepare(
        records=records,
        output=tmp_path / "data",
        read=seqmix.ReadOptions(skip_unlabelled=True),
        options=seqmix.PrepareOptions(max_length=7, truncate="end"),
        max_length=5,
        classes=["a", "b"],
    )
    assert made.info["options"]["max_length"] == 5 and made.info["options"]["truncate"] == "end"
    assert made.info["read"]["skip_unlabelled"] is True
    assert set(made.lengths) == {5}
    assert "did you mean 'alphabet'?" in message_of(seqmix.prepare, records=records, alphabeth="dna")
    assert "alphabet must be one of" in message_of(seqmix.prepare, records=records, alphabet="dan")


def test_options_are_in_signature_and_documentation():
    parameters = inspect.signature(seqmix.prepare).parameters
    assert {"records", "alphabet", "label_from", "max_length"} <= parameters.keys()
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in parameters:
        assert f"        {name}: " in seqmix.prepare.__doc__


def test_several_labels_are_a_list(tmp_path):
    records = [(row["id"], row["text"], ["x", "y"] if i % 3 else ("y",)) for i, row in enumerate(ROWS)]
    made = seqmix.prepare(records=records, output=tmp_path / "data", task="multilabel")
    assert made.classes == ["x", "y"]
    assert made.labels.sum(0).tolist() == [32, 48]
    assert "label_separator" in message_of(seqmix.prepare, records=records, output=tmp_path / "other")
    records[1] = ("r1", "ACGT", ["x,y"])
    assert "contains the separator" in message_of(seqmix.prepare, records=records, output=tmp_path / "other", task="multilabel")


@pytest.mark.parametrize("labels", [("a", "b"), ("a,b", "a"), (["a", "b"], "a")])
def test_labels_of_multilabel_records_are_lists_or_have_separator(labels, tmp_path):
    records = [(f"r{i}", "ACGTTGCA" + "A" * i, labels[i % 2]) for i in range(40)]
    message = message_of(seqmix.prepare, records=records, output=tmp_path / "none", task="multilabel")
    assert "task='multilabel' and label_separator go together" in message
    frame = [{"text": text, "tags": label} for _, text, label in records]
    named = {"task": "multilabel", "label_from": "column:tags"}
    assert "go together" in message_of(seqmix.prepare, records=frame, output=tmp_path / "none", **named)
    made = seqmix.prepare(records=records, output=tmp_path / "data", task="multilabel", label_separator=",")
    assert made.classes == ["a", "b"]
    lists = [row | {"tags": ["a", "b"][: i % 3] if i % 4 else None} for i, row in enumerate(frame)]
    assert seqmix.prepare(records=lists, output=tmp_path / "lists", **named).classes == ["a", "b"]


def test_pairs_numbers_and_targets_are_accepted(tmp_path):
    pairs = seqmix.prepare(records=[row | {"pair": "ACGT"} for row in only(ROWS, "text", "label")], output=tmp_path / "pairs")
    assert pairs.info["paired"] is True and pairs.vocabulary.decode(pairs.sequences(0)[1]) == "ACGT"
    series = [(i, np.arange(i % 5 + 2) / 10, float(i)) for i in range(48)]
    numbers = seqmix.prepare(records=series, output=tmp_path / "numbers", task="regression")
    assert numbers.vocabulary.alphabet == "real"
    np.testing.assert_allclose(numbers.tokens(3)[:, 0], np.arange(5) / 10, rtol=1e-6)
    np.testing.assert_array_equal(numbers.labels, np.arange(48))


def test_unlabelled_records_can_be_prepared_or_dropped(tmp_path):
    plain = seqmix.prepare(records=[row["text"] for row in ROWS], output=tmp_path / "plain")
    assert not plain.labelled and plain.ids() == [str(i) for i in range(48)]
    frame = pandas.DataFrame(only(ROWS, "id", "text", "label"))
    frame.loc[3, "label"] = None
    assert "record 'r3': no label" in message_of(seqmix.prepare, records=frame, output=tmp_path / "data")
    assert len(seqmix.prepare(records=frame, output=tmp_path / "data", skip_unlabelled=True)) == 47


def test_iterator_is_read_in_constant_memory(tmp_path):
    def records(count, length):
        text = "ACGT" * (length // 4)
        for i in range(count):
            yield str(i), text[i % 4 :] + f"{'ACGT'[i % 3]}" * (i % 7), "ab"[i % 2]

    tracemalloc.start()
    seqmix.prepare(records=records(400, 40_000), output=tmp_path / "data", alphabet="dna")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # of 16 MB


def failing():
    yield "r1", "ACGT", "a"
    raise RuntimeError("no connection")


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "records is empty"),
        (iter(()), "records is empty"),
        (3, "records must be a list"),
        ("ACGT", "records must be a list"),
        (b"ACGT", "records must be a list"),
        ({"ACGT"}, "a set has no order"),
        ([None], "record '0': a sequence must be"),
        ([("x", None, "a")], "record 'x': a sequence must be"),
        ([("x", "ACGT", "a"), ("y", "ACGT")], "as the first has 3 parts"),
        ([{"text": "ACGT"}, {"text": "GG", "label": "a"}], "record '1': it has a 'label', and the first record has none"),
        ([{"id": "x", "label": "a"}], "text"),
        ([("x", "ACGT", "a"), ("y", "", "b")], "record 'y'"),
        ([("x", "ACGT\udc00", "a")], "surrogate"),
        ([("x", "ACGT", "a\udc00")], "surrogate"),
        ([("x\udc00", "ACGT", "a")], "surrogate"),
        ([("x", "ACGT", "a")], "of one class"),
        ([{"text": "ACGT", "label": "a", "split": "somewhere"}], "somewhere"),
        (failing(), "the iterator failed after 1 records: .*no connection"),
    ],
)
def test_invalid_records_are_explained_and_leave_no_files(records, message, tmp_path):
    with pytest.raises(InputError, match=message):
        seqmix.prepare(records=records, output=tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"inputs": None},
        {"inputs": 3},
        {"inputs": [("id", "ACGT", "label")]},
        {"inputs": pandas.DataFrame({"text": ["ACGT"]})},
        {"inputs": ["ACGT" * 90]},
        {"inputs": b"x.fa"},
        {"inputs": "x.fa", "records": ["ACGT"]},
        {"records": ["ACGT"], "output": None},
        {"records": ["ACGT"], "output": "ACGT" * 90},
        {"records": ["ACGT"], "output": "\0"},
        {"records": ["ACGT"], "options": {"alphabet": "dna"}},
        {"records": ["ACGT"], "read": "csv"},
        {"records": ["ACGT"], "seed": "one"},
        {"records": ["ACGT"], "classes": "a"},
        {"records": ["ACGT"], "split": 0.5},
    ],
)
def test_invalid_calls_are_explained(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeqmixError):
        seqmix.prepare(**options)
    assert list(tmp_path.iterdir()) == []


def test_existing_data_set_is_kept_without_overwrite(tmp_path):
    records = [(row["id"], row["text"], row["label"]) for row in ROWS]
    seqmix.prepare(records=records, output=tmp_path / "data")
    with pytest.raises(DatasetError, match="exists"):
        seqmix.prepare(records=records, output=tmp_path / "data")
    assert seqmix.prepare(records=records[:30], output=tmp_path / "data", overwrite=True).info["records"] == 30


def test_data_in_memory_can_be_trained_on_and_predicted(tmp_path):
    records = [(row["id"], row["text"], row["label"]) for row in ROWS]
    data = seqmix.prepare(records=records, output=tmp_path / "data")
    run = seqmix.train(data, tmp_path / "run", mixer="conv", epochs=1, settings=["model.d_model=4", "model.lexical=none"])
    assert json.loads((run.path / "dataset.json").read_text())["inputs"][0]["file"] == "records"
    assert len(run.predict([row["text"] for row in ROWS])) == 48
    with pytest.raises(ConfigError, match="records excludes"):
        seqmix.prepare("x.fa", records=records)
