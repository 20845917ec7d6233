"""Layouts of folders that are refused or read in one of several ways: the message names the others, and they work."""

import json

import pytest

from tests.support.preparing import dna, message_of, prepare, write_jsonl


def write(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("some words of " + dna(9, name))


def numbered(folders, ending=".txt", n=5):
    return [f"{folder}/{i}{ending}" for folder in folders for i in range(n)]


@pytest.mark.parametrize("name", ["unlabeled", "unlabelled", "Unlabeled", "no_label", "unsup", "not-annotated"])
def test_unlabelled_folder_beside_one_that_holds_the_classes_is_refused(name, tmp_path):
    write(tmp_path / "set", *numbered(["labeled/a", "labeled/b", name]))
    message = message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert f"'labeled' holds folders of classes (a, b), and '{name}' beside it holds none" in message
    assert prepare(tmp_path / "set", tmp_path / "data", exclude=[name]).classes == ["a", "b"]


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (["biz/2019", "biz/2020", "sport/2019", "sport/2020"], ["2019", "2020"]),
        (["biz/2019", "sport/2020"], ["2019", "2020"]),
        (["all/biz/x", "all/biz/y", "all/sport/x"], ["x", "y"]),
    ],
)
def test_folders_above_those_that_are_the_classes_are_noted_with_a_way_to_take_them(folders, classes, tmp_path):
    write(tmp_path / "set", *numbered(folders))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == classes
    (note,) = (note for note in dataset.info["notes"] if "not those above, biz, sport" in note)
    ways = [way.split("=") for way in note.split("--class ")[1:]]
    assert prepare(class_files={name: path.strip() for name, path in ways}, output=tmp_path / "again").classes == [
        "biz",
        "sport",
    ]


@pytest.mark.parametrize(
    "folders", [["sport", "biz"], ["set/sport", "set/biz"], ["train/sport", "train/biz", "test/sport", "test/biz"]]
)
def test_folders_above_classes_are_not_noted_if_they_tell_nothing_else(folders, tmp_path):
    write(tmp_path / "set", *numbered(folders))
    assert not any("not those above" in note for note in prepare(tmp_path / "set", tmp_path / "data").info["notes"])


@pytest.mark.parametrize("public", ["PublicTest", "public_test", "Public"])
def test_usage_as_kaggle_divides_its_tests_is_noted(public, tmp_path):
    path = tmp_path / "x.csv"
    marks = ["Training", public, public.replace("ublic", "rivate")]
    path.write_text("text,label,Usage\n" + "".join(f"words {dna(9, i)},{i % 2},{marks[i % 3]}\n" for i in range(18)))
    assert any(
        "column 'Usage' (Training, P" in note.replace("(Training, p", "(Training, P") and "not used" in note
        for note in prepare(path, tmp_path / "data").info["notes"]
    )


def table(path, columns, row, n=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row(i))) for i in range(n))]) + "\n")


@pytest.mark.parametrize(
    ("texts", "labels", "id_column"),
    [("train.csv", "train_labels.csv", "id"), ("0.txt", "labels.csv", "file"), ("texts.tsv", "y.csv", "id")],
)
def test_table_of_labels_that_is_left_out_is_named_and_can_be_used(texts, labels, id_column, tmp_path):
    folder = tmp_path / "set"
    if texts.endswith(".txt"):
        write(folder, *(f"{i}.txt" for i in range(20)))
    else:
        table(folder / texts, ["id", "text"], lambda i: (f"d{i}", f"some words {dna(9, i)}"))
        if texts.endswith(".tsv"):
            (folder / texts).write_text((folder / texts).read_text().replace(",", "\t"))
    ending = ".txt" if texts.endswith(".txt") else ""
    table(folder / labels, [id_column, "label"], lambda i: (f"{'' if ending else 'd'}{i}{ending}", "ab"[i % 2]))
    dataset = prepare(folder, tmp_path / "data")
    assert dataset.classes == []
    way = f"table:{folder / labels}"
    assert any(note.endswith(f"--label-from {way} reads them") for note in dataset.info["notes"])
    assert prepare(folder, tmp_path / "again", label_from=way).classes == ["a", "b"]


@pytest.mark.parametrize("names", [["labels.csv"], ["settings.json", "x.csv"]])
def test_tables_without_labels_or_beside_labelled_files_are_not_named(names, tmp_path):
    table(tmp_path / "set" / "train.csv", ["text", "label"], lambda i: (f"some words {dna(9, i)}", i % 2))
    for name in names:
        table(tmp_path / "set" / name, ["id", "label"] if name == "labels.csv" else ["id", "size"], lambda i: (i, i % 2))
    assert not any("seems to have the labels" in note for note in prepare(tmp_path / "set", tmp_path / "data").info["notes"])


@pytest.mark.parametrize("names", ["Fake.csv True.csv", "spam.csv ham.csv", "pos.csv neg.csv neutral.csv"])
def test_names_of_tables_that_may_be_the_classes_are_named(names, tmp_path):
    files = [tmp_path / name for name in names.split()]
    for file in files:
        table(file, ["title", "text"], lambda i, file=file: (i, f"some words {dna(9, f'{file}{i}')}"))
    notes = prepare(files, tmp_path / "data").info["notes"]
    assert len([note for note in notes if "--label-from file" in note]) == 1
    assert prepare(files, tmp_path / "again", label_from="file").classes == sorted(file.stem for file in files)


@pytest.mark.parametrize("names", ["train.csv test.csv", "x.csv"])
def test_names_of_tables_that_are_no_classes_are_not_named(names, tmp_path):
    files = [tmp_path / name for name in names.split()]
    for file in files:
        table(file, ["title", "text"], lambda i, file=file: (i, f"some words {dna(9, f'{file}{i}')}"))
    assert not any("--label-from file" in note for note in prepare(files, tmp_path / "data").info["notes"])


@pytest.mark.parametrize("dump", [{}, {"indent": 2}, {"sort_keys": True}])
def test_files_of_one_object_have_their_paths_as_ids(dump, tmp_path):
    for i in range(10):
        path = tmp_path / "set" / "ab"[i % 2] / f"d{i}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"text": f"some words {dna(9, i)}", "date": i}, **dump))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert sorted(dataset.ids()) == sorted(f"{'ab'[i % 2]}/d{i}.json" for i in range(10))


def test_ids_of_files_of_several_objects_stay(tmp_path):
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "x.jsonl").write_text(
            "".join(f'{{"text": "words {dna(9, f"{name}{i}")}"}}\n' for i in range(5))
        )
    assert set(prepare(tmp_path / "set", tmp_path / "data").ids()) == {f"row-{i}" for i in range(1, 6)}


@pytest.mark.parametrize("files", ["data-00000-of-00001.arrow", "train/data.arrow test/data.arrow", "cache-1.arrow"])
@pytest.mark.parametrize("about", [["dataset_info.json", "state.json"], ["dataset_dict.json"], []])
def test_data_sets_of_arrow_are_named(files, about, tmp_path):
    for name in (*files.split(), *about):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b'{"features": {}}' if name.endswith("json") else b"ARROW1\0\0")
    assert "load_from_disk(" in message_of(prepare, tmp_path / "set", tmp_path / "data")


@pytest.mark.parametrize("name", ["a.fasta", "a.fa", "a.fastq", "a.gb"])
@pytest.mark.parametrize(
    "text", ['{"error":"API rate limit exceeded","count":"4"}', '{\n "message": "Not found"\n}', '{"status": 503}\n']
)
def test_messages_of_a_server_are_not_sequences(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    message = message_of(prepare, tmp_path / name, tmp_path / "data")
    assert "message of a server" in message and "download it again" in message and "column" not in message


@pytest.mark.parametrize("where", ["x.tsv", "x.csv", "labels.csv"])
def test_null_of_mysql_is_a_missing_label(where, tmp_path):
    sign = "\t" if where.endswith("tsv") else ","
    head = "id text label" if where != "labels.csv" else "id label"
    rows = [
        sign.join([f"d{i}", *([f"some words {dna(9, i)}"] if where != "labels.csv" else []), "\\N" if i < 4 else "ab"[i % 2]])
        for i in range(24)
    ]
    path = tmp_path / where
    path.write_text("\n".join([head.replace(" ", sign), *rows]) + "\n")
    given = {"skip_unlabelled": True}
    if where == "labels.csv":
        table(tmp_path / "texts.csv", ["id", "text"], lambda i: (f"d{i}", f"some words {dna(9, i)}"), 24)
        given["label_from"], path = f"table:{path}", tmp_path / "texts.csv"
    dataset = prepare(path, tmp_path / "data", **given)
    assert dataset.classes == ["a", "b"] and len(dataset) == 20


@pytest.mark.parametrize(
    "text",
    [
        '"text" "label"\n"1" "Some words of a text." "sport"\n"2" "Other words" "biz"\n',
        '"id" "text" "y"\n"1" "d1" "Some \\"words\\" of a text." 1\n"2" "d2" "Other words" NA\n',
        '"text" "y"\r\n"1" "Some words" 0.5\r\n"2" "Other words" -1e-05\r\n',
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x", "x.dat"])
def test_tables_of_r_with_blanks_are_named(name, text, tmp_path):
    (tmp_path / name).write_bytes(text.encode())
    assert "a table of R" in message_of(prepare, tmp_path / name, tmp_path / "data")


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_advice_on_a_file_without_labels_works(ending, tmp_path):
    folder = tmp_path / "kaggle"
    folder.mkdir()
    rows = [{"id": f"r{i}", "review": dna(20, i), "sentiment": "ab"[i % 2]} for i in range(20)]
    for name, some in {"train": rows, "test": [{"id": row["id"], "review": row["review"]} for row in rows]}.items():
        if ending == "jsonl":
            write_jsonl(folder / f"{name}.jsonl", some)
        else:
            by = "," if ending == "csv" else "\t"
            lines = [by.join(some[0]), *(by.join(row.values()) for row in some)]
            (folder / f"{name}.{ending}").write_text("\n".join(lines) + "\n")
    message = message_of(prepare, folder, tmp_path / "data", label_from="column:sentiment")
    assert f"if this file has no labels, leave it out, in a folder with exclude='test.{ending}'" in message
    data = prepare(folder, tmp_path / "data", label_from="column:sentiment", exclude=[f"test.{ending}"])
    assert (len(data), data.classes) == (20, ["a", "b"])


@pytest.mark.parametrize("column", ["id", "accession", "name"])
def test_table_of_labels_beside_sequences_is_pointed_out(column, tmp_path):
    records, table = tmp_path / "x.fasta", tmp_path / "labels.tsv"
    records.write_text("".join(f">s{i}\n{dna(30, i)}\n" for i in range(20)))
    table.write_text(f"{column}\tfamily\n" + "".join(f"s{i}\t{'ab'[i % 2]}\n" for i in range(20)))
    message = message_of(prepare, [records, table], tmp_path / "data")
    assert f"give it as label_from='table:{table}'" in message
    assert prepare(records, tmp_path / "data", label_from=f"table:{table}").classes == ["a", "b"]
