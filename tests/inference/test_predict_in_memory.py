"""Sequences in memory get the answers that they get in a file, and what is wrong with them is a clear error."""

import copy
import pickle
import shutil

import numpy as np
import pytest
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

import seqmix
from seqmix.errors import ConfigError, InputError, SeqmixError
from seqmix.models import predictor
from seqmix.run import Run
from tests.support import train_tiny, write_fasta
from tests.support.preparing import message_of

SEQUENCES = ["ACGTACGTTTAA", "GGCCGGCCGCTA", "acgu", "N" * 30 + "GC"]


@pytest.fixture(scope="module")
def in_file(trained, tmp_path_factory):
    path = write_fasta(tmp_path_factory.mktemp("new") / "new.fa", [(f"s{i}", text) for i, text in enumerate(SEQUENCES)])
    return list(seqmix.predict(path, trained))


def test_predictions_in_memory_equal_those_of_a_file(trained, in_file):
    named = [(f"s{i}", text) for i, text in enumerate(SEQUENCES)]
    assert trained.predict(named) == in_file
    assert trained.predict(dict(named)) == in_file
    assert trained.predict([{"id": name, "sequence": text} for name, text in named]) == in_file
    assert trained.predict([SeqRecord(Seq(text), id=name) for name, text in named]) == in_file
    assert trained.predict([(name, text.encode(), "a label that does not matter") for name, text in named]) == in_file
    assert list(seqmix.predict(sequences=named, run=trained)) == in_file


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda texts: [Seq(text) for text in texts]])
def test_sequence_without_id_gets_its_position(form, trained, in_file):
    found = trained.predict(form(SEQUENCES))
    assert [p.id for p in found] == ["0", "1", "2", "3"]
    assert [p.probabilities for p in found] == [p.probabilities for p in in_file]


def test_series_and_data_frames_are_read_by_index_and_columns(trained, in_file):
    import pandas

    names = [p.id for p in in_file]
    assert trained.predict(pandas.Series(SEQUENCES, index=names)) == in_file
    assert trained.predict(pandas.DataFrame({"sequence": SEQUENCES}, index=names)) == in_file
    assert trained.predict(pandas.DataFrame({"name": names, "text": SEQUENCES, "length": 3})) == in_file


def test_iterator_is_predicted_lazily(trained, in_file, monkeypatch):
    monkeypatch.setattr(predictor, "_WINDOW_RECORDS", 2)
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield SEQUENCES[len(asked) % 4]

    found = trained.predict(endless())
    assert next(found).probabilities == pytest.approx(in_file[1].probabilities, abs=1e-6)
    assert len(asked) == 2


def test_predict_proba_has_a_column_per_class(trained, in_file):
    found = trained.predict_proba(SEQUENCES)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [list(p.probabilities.values()) for p in in_file])
    assert [trained.classes[i] for i in found.argmax(1)] == [p.label for p in in_file]
    assert trained.predict_proba([]).shape == (0, 2)
    assert trained.predict([]) == []
    np.testing.assert_allclose(trained.predict_proba(SEQUENCES, batch_size=1, device="cpu"), found, rtol=0, atol=1e-6)


def test_model_is_loaded_once_until_weights_change(dataset, tmp_path, monkeypatch):
    run = train_tiny(dataset, tmp_path / "run", epochs=1)
    loads = []
    load = Run.load_model
    monkeypatch.setattr(Run, "load_model", lambda self: loads.append(self) or load(self))
    before = run.predict_proba(SEQUENCES)
    run.predict(SEQUENCES)
    assert len(loads) == 1
    train_tiny(dataset, tmp_path / "run", epochs=1, lr=0.2, overwrite=True)
    after = Run.open(run.path).predict_proba(SEQUENCES)
    shutil.copy(run.path / "model.safetensors", tmp_path)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(run.predict_proba(SEQUENCES), after)
    np.testing.assert_array_equal(copy.deepcopy(run).predict_proba(SEQUENCES), after)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(run)).predict_proba(SEQUENCES), after)


def broken():
    yield "ACGT"
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        (None, "sequences must be a list of sequences"),
        (3, "sequences must be a list of sequences"),
        ("ACGT", "sequences must be a list of sequences.*got 'ACGT'"),
        (b"ACGT", "sequences must be a list of sequences"),
        ({"ACGT", "GG"}, "a set has no order"),
        (np.array("ACGT"), "sequences must be a list of sequences"),
        (np.zeros(3), "record '0': a sequence must be a text"),
        ([None], "record '0': a sequence must be a text"),
        (["ACGT", 3], "record '1': a sequence must be a text"),
        (["ACGT", ""], "record '1': there is no sequence in it"),
        ([("x", "ACGE")], "record 'x': 'E' at position 4"),
        ([("x", "ACGT"), ("y", "ACGT", "z")], "record '1': a tuple must be .* as the first has 2 parts"),
        ([("x", "ACGT", "a", "b")], r"a tuple must be \(id, sequence\) or \(id, sequence, label\)"),
        ([(None, "ACGT")], "an id a text"),
        ([[0.5, 0.25]], "record '0': the model was trained on texts"),
        ([np.zeros((2, 2, 2))], r"shape \(2, 2, 2\)"),
        ([[[0.5], [0.25, 1]]], "cannot be read as an array"),
        ([{"id": "x"}], "record '0'.*text"),
        ([{"text": "ACGT"}, {"sequence": "ACGT"}], "record '1': it has no 'text'"),
        (["ACGT\ud800"], "half of a surrogate pair"),
        (broken(), "the iterator failed after 1 records: .*the disk is gone"),
    ],
)
def test_invalid_sequences_are_explained(sequences, message, trained):
    with pytest.raises(InputError, match=message):
        list(trained.predict(sequences))


def test_invalid_calls_are_explained(trained):
    assert "give one of them" in message_of(seqmix.predict, run=trained)
    assert "give only one of them" in message_of(seqmix.predict, "x.fa", trained, sequences=["ACGT"])
    with pytest.raises(ConfigError, match="batch_size"):
        trained.predict(["ACGT"], batch_size=-1)
    with pytest.raises(ConfigError, match="tokens_per_batch"):
        trained.predict(["ACGT"], tokens_per_batch=0)


@pytest.mark.parametrize(
    "sequences", [["ACGT" * 90], "ACGT", ["ACGT", "GG"], "ACGT\nGG", "AC\0GT", b"ACGT", [3], [None]], ids=str
)
def test_sequences_in_place_of_files_get_advice(sequences, trained):
    with pytest.raises(SeqmixError, match="sequences="):
        seqmix.predict(sequences, trained)
