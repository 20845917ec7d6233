"""What seems to tell splits and is not used is named in a note, with a way to use it that works."""

import pytest

from tests.data.splits.test_names import sizes
from tests.support.preparing import dna, message_of, prepare


def table(path, columns, rows, n=40):
    lines = (",".join([f"r{i}", dna(30, i), str(i % 2), *(str(row[i // 2 % len(row)]) for row in rows)]) for i in range(n))
    path.write_text(f"id,text,label,{columns}\n" + "\n".join(lines))
    return path


def marks(dataset):
    return [note for note in dataset.info["notes"] if "not used for splits" in note]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("fold", range(5)),
        ("Partition", range(4)),
        ("is_train", ["True", "False"]),
        ("isTest", [0, 0, 1]),
        ("validation", ["True", ""]),
        ("stage", ["train", "train", "test"]),
        ("Usage", ["Public", "Private", "train"]),
        ("usage", ["Public", "Private"]),
        ("subset", ["holdout", "private"]),
        ("cv_fold", ["1.0", "2.0"]),
    ],
)
def test_column_that_seems_to_tell_splits_is_told(column, values, tmp_path):
    dataset = prepare(table(tmp_path / "x.csv", column, [values]), tmp_path / "data")
    assert dataset.info["origins"]["splits"].startswith("drawn")
    (note,) = marks(dataset)
    assert f"column '{column}' ({values[0]!s}" in note
    if column == "stage":
        assert "--split-from column:stage uses it" in note
        assert sizes(prepare(tmp_path / "x.csv", tmp_path / "again", split_from="column:stage"))[2] > 10
    else:
        assert "uses it" not in note
    assert not marks(prepare(tmp_path / "x.csv", tmp_path / "drop", group_from=f"column:{column}", task="classification"))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("fold", ["a/b", "a/c"]),
        ("stage", ["I", "II", "III"]),
        ("set", ["x"]),
        ("test", ["ACGT", "CCGT"]),
        ("train", ["bus", "t"]),
    ],
)
def test_columns_of_another_meaning_are_left_alone(column, values, tmp_path):
    assert marks(prepare(table(tmp_path / "x.csv", column, [values]), tmp_path / "data")) == []


@pytest.mark.parametrize("flag", ["validation", "is_val", "fold"])
def test_column_beside_the_one_that_is_used_is_told(flag, tmp_path):
    values = [["train", "train", "test"], [0, 1]]
    dataset = prepare(table(tmp_path / "x.csv", f"set,{flag}", values, 60), tmp_path / "data")
    assert dataset.info["origins"]["splits"].startswith("column 'set'")
    (note,) = marks(dataset)
    assert f"column '{flag}'" in note


@pytest.mark.parametrize("values", [["train", "public"], ["train", "0"], ["train", "ignore", "test"], ["train", ""]])
def test_advice_for_a_column_of_splits_with_other_values_works(values, tmp_path):
    path = table(tmp_path / "x.csv", "split", [values])
    (note,) = marks(prepare(path, tmp_path / "data"))
    assert "write train, val or test in all its rows" in note
    assert message_of(prepare, path, tmp_path / "data", split_from="column:split", overwrite=True)
    table(path, "split", [[value if value in ("train", "test") else "test" for value in values]])
    assert sizes(prepare(path, tmp_path / "again", split_from="column:split"))[2] > 10


@pytest.mark.parametrize("header", ["SET={}", "len=40|split={}", "[partition={}]"])
def test_header_that_tells_splits_is_told(header, tmp_path):
    records = [(f"s{i} {header.format(('train', 'train', 'test')[i % 3])}", dna(40, i)) for i in range(30)]
    (tmp_path / "x.fa").write_text("".join(f">{head}\n{sequence}\n" for head, sequence in records))
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data")
    (note,) = marks(dataset)
    key = header.rpartition("=")[0].strip("[").rpartition("|")[2]
    assert f"--split-from header:{key} uses it" in note
    assert sizes(prepare(tmp_path / "x.fa", tmp_path / "again", split_from=f"header:{key}"))[2] == 10


@pytest.mark.parametrize("column", ["split", "fold", "is_train"])
def test_column_of_splits_in_a_table_of_labels_is_told(column, tmp_path):
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{dna(40, i)}\n" for i in range(30)))
    values = {"split": ["train", "train", "test"], "fold": [0, 1, 2], "is_train": ["yes", "no"]}[column]
    labels = tmp_path / "labels.csv"
    labels.write_text(f"id,label,{column}\n" + "".join(f"s{i},{i % 2},{values[i % len(values)]}\n" for i in range(30)))
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data", label_from=f"table:{labels}")
    (note,) = marks(dataset)
    assert f"column '{column}' of {labels}" in note
    if column == "split":
        place = f"table:{labels}:split"
        assert place in note
        again = prepare(tmp_path / "x.fa", tmp_path / "again", label_from=f"table:{labels}", split_from=place)
        assert sizes(again)[2] == 10
        assert marks(again) == []


@pytest.mark.parametrize("classes", [("Pos", "pos"), ("pos ", "pos"), ("e\u0301", "\u00e9")])
def test_class_that_is_written_in_two_ways_is_explained(classes, tmp_path):
    for split, name in zip(("TRAIN", "Test"), classes, strict=True):
        for label in (name, "neg"):
            path = tmp_path / "set" / split / label / "x.fa"
            path.parent.mkdir(parents=True)
            path.write_text("".join(f">{split}{label}{i}\n{dna(40, f'{split}{label}{i}')}\n" for i in range(8)))
    assert "in one way" in message_of(prepare, tmp_path / "set", tmp_path / "data")


def test_values_taken_for_classes_are_explained(tmp_path):
    lines = [f"{dna(30, i)},{i / 7:.3f},{'train' if i < 30 else 'test'}" for i in range(40)]
    (tmp_path / "x.csv").write_text("sequence,target,set\n" + "\n".join(lines))
    assert "regression" in message_of(prepare, tmp_path / "x.csv", tmp_path / "data")
    prepare(tmp_path / "x.csv", tmp_path / "data", task="regression")
