"""Files that accompany the data end no run and become no documents: they are left out and counted."""

import json

import pytest

from tests.support.preparing import dna, message_of, prepare


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def rows(seed, n=12, kind="csv", label=True):
    cells = [(dna(30, f"{seed}{i}"), i % 2) for i in range(n)]
    if kind == "jsonl":
        return "".join(json.dumps({"text": text, "label": number}) + "\n" for text, number in cells)
    head = "id,sequence,label\n" if label else "id,sequence\n"
    return head + "".join(f"{seed}{i},{text}{f',{number}' * label}\n" for i, (text, number) in enumerate(cells))


def left_out(dataset):
    return next((note for note in dataset.info["notes"] if note.startswith("left out")), "")


@pytest.mark.parametrize(
    "strays",
    [
        {"dataset_infos.json": '{"default": {}}', "state.json": '{"a": 1}', "dataset_dict.json": '{"splits": ["train"]}'},
        {"sample_submission.csv": "id,label\nr1,0\n", "labels.csv": "number;name\n0;neg\n"},
        {"config.json": '{\n "a": [1,\n 2]\n}\n', "id2label.json": '{"0": "neg", "1": "pos"}', "vocab.tsv": "a\t1\n"},
        {"data/metadata.jsonl": '{"file": "x"}\n', "dataset-metadata.json": "{}", "README.md": "# words"},
    ],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_files_beside_shards_without_texts_are_left_out(strays, kind, tmp_path):
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        write(tmp_path / "set" / "data" / f"{name}.{kind}", rows(name, kind=kind))
    before = prepare(tmp_path / "set", tmp_path / "before")
    for name, content in strays.items():
        write(tmp_path / "set" / name, content)
    after = prepare(tmp_path / "set", tmp_path / "after")
    assert after.info["counts"] == before.info["counts"] and before.sizes["test"] == 12
    assert f"{len(strays)} file" in left_out(after)


def test_table_of_labels_in_the_folder_is_not_read_as_records(tmp_path):
    write(tmp_path / "set" / "x.csv", rows("r", label=False))
    labels = write(tmp_path / "set" / "y.csv", "id,label\n" + "".join(f"r{i},{'ab'[i % 2]}\n" for i in range(12)))
    for place in (f"table:{labels}", f"table:{labels}:label"):
        dataset = prepare(tmp_path / "set", tmp_path / place[-5:], label_from=place)
        assert dataset.classes == ["a", "b"] and len(dataset) == 12


@pytest.mark.parametrize("names", ["X_train.csv X_test.csv y_train.csv", "train.csv test.csv sample_submission.csv"])
def test_files_of_a_competition_are_read_as_a_folder(names, tmp_path):
    train, test, other = (tmp_path / "set" / name for name in names.split())
    write(train, rows("a"))
    write(test, rows("b"))
    write(other, "id,label\na1,0\n")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.sizes["test"] == 12 and other.name in left_out(dataset)


def test_split_without_texts_is_an_error(tmp_path):
    write(tmp_path / "set" / "train.csv", rows("a"))
    write(tmp_path / "set" / "val.csv", rows("b"))
    write(tmp_path / "set" / "test.csv", "id,label\na1,0\n")
    assert "test.csv: no column is named text" in message_of(prepare, tmp_path / "set", tmp_path / "data")


@pytest.mark.parametrize("name", ["README.txt", "AUTHORS.txt", "00_about.txt", "LICENSE.txt", "md5.txt", "terms_of_use.txt"])
@pytest.mark.parametrize("kind", ["txt", "fa"])
def test_files_about_the_data_in_class_folders_are_no_records(name, kind, tmp_path):
    for label in "ab":
        for i in range(4):
            text = dna(40, f"{label}{i}")
            content = f">r{i}\n{text}\n" if kind == "fa" else f"words of {text}"
            write(tmp_path / "set" / label / f"{i}.{kind}", content)
    before = prepare(tmp_path / "set", tmp_path / "before")
    for label in "ab":
        write(tmp_path / "set" / label / name, "d41d8cd98f00b204e9800998ecf8427e  x.fa")
        write(tmp_path / "set" / label / f"e.{kind}", "")
    after = prepare(tmp_path / "set", tmp_path / "after")
    assert after.info["counts"] == before.info["counts"]
    assert "2 files" in left_out(after) and "2 empty files" in left_out(after)
    assert not any("--label-from file" in note for note in after.info["notes"])


@pytest.mark.parametrize("names", [["README.txt"], ["README"], ["LICENSE.txt", "md5sums.txt", "AUTHORS"]])
@pytest.mark.parametrize("kind", ["fa", "csv"])
def test_files_about_the_data_that_are_given_by_a_star_are_left_out(names, kind, tmp_path):
    for name in "ab":
        content = rows(name) if kind == "csv" else "".join(f">{name}{i}\n{dna(30, f'{name}{i}')}\n" for i in range(12))
        write(tmp_path / f"{name}.{kind}", content)
    for name in names:
        write(tmp_path / name, "words about the data")
    dataset = prepare(sorted(tmp_path.iterdir()), tmp_path / "data")
    assert len(dataset) == 24
    (note,) = [note for note in dataset.info["notes"] if note.startswith("left out")]
    assert all(name in note for name in names)


def test_documents_that_are_given_are_read_whatever_their_names(tmp_path):
    files = [write(tmp_path / name, f"words of {name}") for name in ("LICENSE.txt", "notes.txt", "README.txt")]
    assert len(prepare(files, tmp_path / "data", split="1,0,0")) == 3
