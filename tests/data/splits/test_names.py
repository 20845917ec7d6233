"""Splits named by files, folders or a column: which names are used, which are not, and which notes say so."""

import pytest

import seqmix
from seqmix.data.splits.names import word_of
from tests.support.preparing import dna, label_of, message_of, prepare, split_of


def table(path, prefix, n=10, columns="id,sequence,label", extra=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{prefix}{i},{dna(40, f'{prefix}{i}')},{i % 2}{extra}\n" for i in range(n)]
    path.write_text(f"{columns}\n" + "".join(rows))
    return path


def fasta(path, prefix, n=10, label=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f">{prefix}{i}{label and f' label={label}{i % 2}'}\n{dna(40, f'{prefix}{i}')}\n" for i in range(n)))
    return path


def text(path, prefix):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"words about {prefix} and {dna(30, prefix)}")
    return path


def sizes(dataset):
    return [sum(dataset.info["counts"][split].values()) for split in ("train", "val", "test")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train", ("train", "")),
        ("Training", ("train", "")),
        ("DEV", ("val", "")),
        ("genes_valid", ("val", "genes")),
        ("test-00000-of-00002", ("test", "")),
        ("train_1", ("train", "")),
        ("TrainSet", ("train", "")),
        ("testset", ("test", "")),
        ("train_genes", ("train", "genes")),
        ("H3K4me3.validation", ("val", "H3K4me3")),
        ("mouse_train_chr1", ("train", "mouse_chr1")),
        ("evaluation", ("eval", "")),
        ("train_test", None),
        ("contest", None),
        ("latest", None),
        ("mouse", None),
    ],
)
def test_names_of_splits_are_recognised(name, expected):
    assert word_of(name) == expected


@pytest.mark.parametrize(
    "names",
    [
        ("train", "dev", "test"),
        ("TRAIN", "Valid", "Test"),
        ("genes_train", "genes_val", "genes_test"),
        ("training_genes", "validation_genes", "eval_genes"),
        ("train-00000-of-00001", "validation-00000-of-00001", "test-00000-of-00001"),
    ],
)
@pytest.mark.parametrize("layout", ["folder", "files", "folders"])
def test_names_of_tables_tell_splits(names, layout, tmp_path):
    inner = "{}/data.csv" if layout == "folders" else "{}.csv"
    files = [table(tmp_path / "set" / inner.format(name), "tvs"[i], (12, 6, 4)[i]) for i, name in enumerate(names)]
    dataset = prepare(files if layout == "files" else tmp_path / "set", tmp_path / "data")
    assert sizes(dataset) == [12, 6, 4]
    assert dataset.classes == ["0", "1"]
    assert all("tvs"[split] == name[0] for name, split in split_of(dataset).items())
    origins = dataset.info["origins"]
    shown = f"folders {', '.join(names)}" if layout == "folders" else f"files {', '.join(f'{name}.csv' for name in names)}"
    assert origins == {"labels": "column 'label'", "texts": "column 'sequence'", "splits": shown}


@pytest.mark.parametrize("layout", ["train.fa test.fa", "train/x.fa test/x.fa", "train_1.fa train_2.fa test_1.fa"])
def test_names_of_fasta_tell_splits_and_headers_labels(layout, tmp_path):
    files = [fasta(tmp_path / "set" / name, f"{name[:2]}{i}", 16, "c") for i, name in enumerate(layout.split())]
    for given in (files, [tmp_path / "set"]):
        dataset = prepare(given, tmp_path / f"data{len(given)}", overwrite=True)
        assert dataset.classes == ["c0", "c1"]
        assert {name[:2] for name, split in split_of(dataset).items() if split == 2} == {"te"}
        assert {name[:2] for name, split in split_of(dataset).items() if split < 2} == {"tr"}


@pytest.mark.parametrize(
    "layout",
    [
        "mouse_train.fa mouse_test.fa human_train.fa human_test.fa",
        "train/mouse.fa test/mouse.fa train/human.fa test/human.fa",
        "mouse/train.fa mouse/test.fa human/train.fa human/test.fa",
        "mouse/train/x.fa mouse/test/x.fa human/train/x.fa human/test/x.fa",
        "train/mouse/x.fa test/mouse/x.fa train/human/x.fa test/human/x.fa",
    ],
)
def test_classes_stand_beside_splits_in_names(layout, tmp_path):
    for name in layout.split():
        fasta(
            tmp_path / "set" / name, "-".join((("mouse" if "mouse" in name else "human"), "te" if "test" in name else "tr", ""))
        )
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["human", "mouse"]
    assert all(name.startswith(label) for name, label in label_of(dataset).items())
    assert all((split == 2) == ("-te-" in name) for name, split in split_of(dataset).items())


@pytest.mark.parametrize("layout", ["{c}/{s}/{i}.txt", "{s}/{c}/{i}.txt", "corpus/{c}/{s}/{i}.txt"])
def test_folders_of_documents_tell_classes_and_splits(layout, tmp_path):
    for s, n in (("Training", 5), ("dev", 2), ("eval", 3)):
        for c in ("bad", "good"):
            for i in range(n):
                text(tmp_path / "set" / layout.format(s=s, c=c, i=i), f"{s}{c}{i}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["bad", "good"]
    assert sizes(dataset) in ([10, 4, 6], [10, 10, 0])  # of folders of splits of folders of classes, as before


@pytest.mark.parametrize("layout", ["train/{}.txt test/{}.txt", "x/train/{}.txt x/test/{}.txt"])
def test_folders_of_splits_are_never_classes(layout, tmp_path):
    for part in layout.split():
        for i in range(4):
            text(tmp_path / "set" / part.format(i), f"{part}{i}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == []
    assert sum(split == 2 for split in split_of(dataset).values()) == 4


@pytest.mark.parametrize("names", [("train",), ("test",), ("train", "plane"), ("dev_brain", "test_liver")])
def test_single_split_among_names_is_none(names, tmp_path):
    files = [fasta(tmp_path / f"{name}.fa", name) for name in names]
    dataset = prepare(files, tmp_path / "data")
    assert dataset.classes == (sorted(names) if len(names) > 1 else [])
    assert dataset.info["origins"]["splits"] == "drawn at random, 60/20/20, seed 0"


@pytest.mark.parametrize("third", ["all.csv", "sample_submission.csv", "train_test.csv"])
def test_name_without_split_beside_those_with_one_is_refused(third, tmp_path):
    for name in ("train.csv", "test.csv", third):
        table(tmp_path / "set" / name, name)
    message = message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert third.split(".")[0] in message
    assert "exclude" in message
    assert sizes(prepare(tmp_path / "set", tmp_path / "data", exclude=[third]))[2] == 10


def test_splits_without_training_are_refused(tmp_path):
    for name in ("val", "test"):
        fasta(tmp_path / "set" / f"{name}.fa", name, label="x")
    assert "training" in message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert prepare(tmp_path / "set", tmp_path / "data", split="0.6,0.2,0.2").classes == ["x0", "x1"]


@pytest.mark.parametrize("option", ["split", "split_from", "test"])
def test_what_the_user_says_of_splits_wins_over_names_with_a_note(option, tmp_path):
    files = [
        table(tmp_path / f"{name}.csv", name, 20, "id,sequence,label,part", ",train" if i else ",test")
        for i, name in enumerate(("train", "dev"))
    ]
    other = table(tmp_path / "other.csv", "other", 10)
    given = {"split": "0.5,0.25,0.25", "split_from": "column:part", "test": [other]}[option]
    dataset = prepare(files, tmp_path / "data", **{option: given})
    assert sizes(dataset) == {"split": [20, 10, 10], "split_from": [16, 4, 20], "test": [30, 10, 10]}[option]
    assert any("names tell splits (train, dev)" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("column", ["split", "Split", "SET", "partition", "fold"])
def test_column_of_splits_is_used(column, tmp_path):
    path = tmp_path / "x.csv"
    splits = ["train"] * 12 + ["Validation"] * 4 + ["test"] * 4
    path.write_text(f"id,text,label,{column}\n" + "".join(f"r{i},{dna(30, i)},{i % 2},{s}\n" for i, s in enumerate(splits)))
    dataset = prepare(path, tmp_path / "data")
    assert sizes(dataset) == [12, 4, 4]
    assert dataset.info["origins"]["splits"] == f"column '{column}'"
    drawn = prepare(path, tmp_path / "drawn", split="0.5,0.25,0.25")
    assert sizes(drawn) == [10, 6, 4] or sum(sizes(drawn)) == 20
    assert any(f"--split-from column:{column}" in note for note in drawn.info["notes"])


@pytest.mark.parametrize("values", [["a", "b"], ["train", "7"], ["train", ""], ["train", "train"]])
def test_column_of_other_values_is_pointed_out(values, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,text,label,split\n" + "".join(f"r{i},{dna(30, i)},{i // 2 % 2},{values[i % 2]}\n" for i in range(20)))
    dataset = prepare(path, tmp_path / "data")
    assert dataset.info["origins"]["splits"].startswith("drawn")
    assert any("column 'split' was not used" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("values", [range(20), ["x"] * 20, [""] * 20])
def test_folds_that_are_no_splits_are_left_alone(values, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,text,label,fold\n" + "".join(f"r{i},{dna(30, i)},{i % 2},{v}\n" for i, v in enumerate(values)))
    assert prepare(path, tmp_path / "data").info["notes"] == []


@pytest.mark.parametrize("given", ["x/1.csv y/1.csv", "x/1.csv x/2.csv y/1.csv"])
def test_columns_win_over_folders_as_labels(given, tmp_path):
    for name in given.split():
        table(tmp_path / "set" / name, name)
    assert prepare(tmp_path / "set", tmp_path / "data").classes == ["0", "1"]


@pytest.mark.parametrize("given", ["x.fa y.fa", "x/1.fa y/1.fa", "part-00.fa part-01.fa"])
def test_headers_win_over_names_as_labels_with_a_note(given, tmp_path):
    for name in given.split():
        fasta(tmp_path / "set" / name, name, label="c")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["c0", "c1"]
    assert any("--label-from f" in note for note in dataset.info["notes"])


def test_origins_are_shown(tmp_path, capsys):
    from seqmix.cli.console import console, print_dataset

    dataset = seqmix.prepare(table(tmp_path / "x.csv", "x", 20), tmp_path / "data")
    print_dataset(console(), dataset)
    line = "labels: column 'label'; texts: column 'sequence'; splits: drawn at random, 60/20/20, seed 0"
    assert line in " ".join(capsys.readouterr().err.split())
    assert "drawn at random" in dataset._repr_html_()
