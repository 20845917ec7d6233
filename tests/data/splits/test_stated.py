"""A split that the user states and of which no record is left is an error; an empty split is always told."""

import pytest

from tests.support.preparing import dna, message_of, prepare


def table(path, ids, columns="", cells=(), label=None, length=30):
    lines = [f"id,text{',label' if label else ''}{columns}"]
    for number, name in enumerate(ids):
        values = [name, dna(length, f"{path.name}{number}")]
        values += [label(number)] if label else []
        lines.append(",".join([*values, *([cells[number % len(cells)]] if cells else [])]))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def competition(tmp_path):
    """Return the files of a competition: training records with labels in a table, test records without."""
    train = table(tmp_path / "X_train.csv", [f"a{i}" for i in range(24)])
    test = table(tmp_path / "X_test.csv", [f"b{i}" for i in range(9)])
    labels = tmp_path / "y.csv"
    labels.write_text("id,label\n" + "".join(f"a{i},{i % 2}\n" for i in range(24)))
    return train, test, {"label_from": f"table:{labels}", "skip_unlabelled": True}


@pytest.mark.parametrize(
    ("how", "way"),
    [("test", "leave out test,"), ("val", "leave out val,"), ("names", "how all records are divided with split=")],
)
def test_stated_split_without_a_labelled_record_is_an_error(how, way, competition, tmp_path):
    train, test, options = competition
    inputs, more = ([train, test], {}) if how == "names" else (train, {how: test})
    found = message_of(prepare, inputs, tmp_path / "data", **options, **more)
    which = "test" if how == "names" else how
    assert f"no record is left in the {which} split" in found and "X_test.csv" in found
    assert "9 were without a label" in found and way in found
    rest, split = (inputs, {"split": "0.6,0.2,0.2"}) if how == "names" else (train, {})
    again = prepare(rest, tmp_path / "data", **options, **split)
    assert min(again.sizes.values()) > 3


@pytest.mark.parametrize("asked", [True, False])
def test_column_of_splits_of_which_one_has_no_labels_is_an_error(asked, tmp_path):
    path = table(
        tmp_path / "x.csv",
        [f"r{i}" for i in range(24)],
        ",split",
        ["train", "train", "train", "test"],
        lambda i: str(i % 2) * (i % 4 != 3),
    )
    options = {"skip_unlabelled": True} | ({"split_from": "column:split"} if asked else {})
    found = message_of(prepare, path, tmp_path / "data", **options)
    assert "no record is left in the test split (column" in found and "6 were without a label" in found
    assert ("leave out split_from, and" in found) == asked
    again = prepare(path, tmp_path / "data", skip_unlabelled=True, split="0.6,0.2,0.2")
    assert sum(again.sizes.values()) == 18


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"min_length": 25}, "all were shorter than min_length=25"),
        ({"classes": ("a", "b")}, "8 were of other classes than the classes"),
        ({"alphabet": "dna", "unknown": "drop", "min_length": 1}, "all were shorter than min_length=1"),
    ],
)
def test_stated_split_whose_records_are_all_left_out_is_an_error_that_says_why(options, why, tmp_path):
    train = table(tmp_path / "one.csv", [f"a{i}" for i in range(24)], label=lambda i: "ab"[i % 2])
    test = table(
        tmp_path / "two.csv", [f"b{i}" for i in range(8)], label=lambda _: "c" if "classes" in options else "a", length=20
    )
    if "unknown" in options:
        test.write_text("id,text,label\n" + "".join(f"b{i},????,a\n" for i in range(8)))
    found = message_of(prepare, train, tmp_path / "data", test=test, **options)
    assert "no record is left in the test split" in found and why in found


def test_stated_validation_of_which_all_records_are_in_the_test_split_is_an_error(tmp_path):
    train = table(tmp_path / "one.csv", [f"a{i}" for i in range(24)], label=lambda i: "ab"[i % 2])
    test = table(tmp_path / "two.csv", [f"b{i}" for i in range(8)], label=lambda i: "ab"[i % 2])
    val = tmp_path / "three.csv"
    val.write_text(test.read_text())
    found = message_of(prepare, train, tmp_path / "data", val=val, test=test)
    assert "no record is left in the val split" in found and "8 were equal to a record of a later split" in found


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ("0.8,0.2,0", ["the test split is empty; eval needs --split val or new files with --data"]),
        ("0.8,0,0.2", ["the val split is empty; training cannot choose"]),
        ("1,0,0", ["the val split is empty; training", "the test split is empty; eval needs new files with --data"]),
    ],
)
def test_empty_split_is_told_with_what_needs_it(split, told, tmp_path):
    path = table(tmp_path / "x.csv", [f"a{i}" for i in range(24)], label=lambda i: "ab"[i % 2])
    notes = [note for note in prepare(path, tmp_path / "data", split=split).info["notes"] if "empty" in note]
    assert len(notes) == len(told) and all(note.startswith(start) for note, start in zip(notes, told, strict=True))
