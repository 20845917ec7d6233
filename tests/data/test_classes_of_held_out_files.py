"""Files given as a test split, or to a model, whose classes have other names: the advice works."""

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.inference.predict import predict
from tests.support import train_tiny
from tests.support.preparing import dna, message_of, prepare, standard_input, write_table


def table(path, labels, count=24):
    rows = [{"text": dna(40, f"{path.name}{i}"), "label": labels[i % len(labels)]} for i in range(count)]
    return write_table(path, rows)


@pytest.fixture
def training(tmp_path):
    return table(tmp_path / "train.csv", ["house mouse", "rat"], 40)


@pytest.mark.parametrize("name", ["House Mouse", "house_mouse", "house-mouse", "HOUSE  MOUSE"])
def test_names_written_otherwise_are_named(name, training, tmp_path):
    message = message_of(prepare, training, tmp_path / "out", test=table(tmp_path / "test.csv", [name, "rat"]))
    assert "'house mouse' and " in message and "write it in one way" in message


@pytest.mark.parametrize("labels", [("house mouse", "rat", "cat"), ("cat", "dog"), ("rat", "cat", "dog")])
def test_classes_that_training_lacks_can_be_left_out(labels, training, tmp_path):
    test = table(tmp_path / "test.csv", labels)
    message = message_of(prepare, training, tmp_path / "out", test=test)
    assert "'cat' has no record in the training split" in message and "classes='house mouse,rat'" in message
    if "rat" in labels:
        found = prepare(training, tmp_path / "out", test=test, classes=["house mouse", "rat"])
        assert found.classes == ["house mouse", "rat"]
        assert found.sizes["test"] == 8 * len({*labels} & {"house mouse", "rat"})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    data = prepare(table(folder / "train.csv", ["house mouse", "rat"], 40), folder / "data")
    return train_tiny(data, folder / "run", epochs=1)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("House Mouse", "rat"), "differ only in case: write it as the model does"),
        (("house_mouse", "rat"), "write it as the model does"),
        (("house mouse", "rat", "cat"), "leave the records of 'cat' out of the files"),
        (("rat", "cat", "dog"), "leave the records of 'cat' and 1 more such class"),
        (("0", "1"), "--label-from"),
    ],
)
def test_evaluation_says_what_to_do_about_classes_that_the_model_lacks(labels, words, model, tmp_path):
    test = table(tmp_path / "test.csv", labels)
    shown = CliRunner().invoke(app, ["eval", str(model.path), "--data", str(test), "--no-baselines"])
    assert shown.exit_code == 1 and words in " ".join(shown.output.split())


@pytest.mark.parametrize("on_error", ["skip", "mark"])
@pytest.mark.parametrize("bad", ["", "NA", " ", "AC-GT"])
@pytest.mark.parametrize("kind", ["csv", "fasta"])
def test_bad_records_of_standard_input_do_not_end_a_prediction(kind, bad, on_error, model, monkeypatch):
    if kind == "fasta" and bad == "NA":
        pytest.skip("codes of nucleotides")
    rows = [("a", "ACGT"), ("b", bad), ("c", "ACGTA")]
    text = "".join(f">{name}\n{letters}\n" for name, letters in rows)
    if kind == "csv":
        text = "id,text\n" + "".join(f"{name},{letters}\n" for name, letters in rows)
    standard_input(monkeypatch, text.encode())
    found = list(predict("-", model, on_error=on_error))
    assert [one.id for one in found if one.label] == ["a", "c"]
    assert len(found) == 2 + (on_error == "mark")


@pytest.mark.parametrize("on_error", ["skip", "mark"])
@pytest.mark.parametrize("mixer", [{"mixer": "linformer", "max_length": 60}, {"mixer": "conv", "kmer": 4}])
def test_records_that_are_too_long_or_short_do_not_end_a_prediction(mixer, on_error, model, tmp_path):
    data = prepare(table(tmp_path / "train.csv", ["a", "b"], 40), tmp_path / "data")
    run = train_tiny(data, tmp_path / "run", epochs=1, **mixer)
    file = tmp_path / "x.fa"
    file.write_text("".join(f">s{length}\n{dna(length, 1)}\n" for length in (40, 1, 3000, 2, 41)))
    found = list(predict(file, run, on_error=on_error))
    assert {"s40", "s41"} <= {one.id for one in found if one.label}
    assert all(one.label or one.error for one in found)
