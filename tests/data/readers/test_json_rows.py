"""JSON in the forms that pandas, Hugging Face, jq and people write: read as rows, or refused by what it is."""

import json

import pytest

from tests.support.preparing import labelled_fasta, message_of, noted, prepare, read, write_jsonl

ROWS = [{"text": f"some words, number {i}", "label": "ab"[i % 2]} for i in range(20)]
COLUMNS = {name: [row[name] for row in ROWS] for name in ("text", "label")}
BY_INDEX = {name: {str(i): cell for i, cell in enumerate(column)} for name, column in COLUMNS.items()}
ITEMS = [json.dumps(row) for row in ROWS]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return prepare(write_jsonl(folder / "x.jsonl", ROWS), folder / "data")


FORMS = {
    "array": (json.dumps(ROWS), "one JSON array"),
    "array on many lines": (json.dumps(ROWS, indent=2), "one JSON array"),
    "array of lines": ("[\n" + ",\n".join(ITEMS) + "\n]\n", "one JSON array"),
    "array with a last comma": ("[\n" + ",\n".join(ITEMS) + ",\n]\n", "one JSON array"),
    "lines with commas": (",\n".join(ITEMS) + "\n", "end with commas"),
    "objects on many lines": ("\n".join(json.dumps(row, indent=2) for row in ROWS), "one after the other"),
    "objects without a line end": ("".join(ITEMS), "one after the other"),
    "data": (json.dumps({"data": ROWS}), "read from 'data'"),
    "data and more": (json.dumps({"version": "1.0", "name": "x", "data": ROWS}, indent=1), "not read: 'version', 'name'"),
    "schema of pandas": (json.dumps({"schema": {"fields": [{"name": "text"}]}, "data": ROWS}), "not read: 'schema'"),
    "rows of Hugging Face": (
        json.dumps({"features": [{"a": 1}], "rows": [{"row_idx": i, "row": row} for i, row in enumerate(ROWS)]}),
        "read from 'rows'",
    ),
    "columns of pandas": (json.dumps(BY_INDEX), "object of columns"),
    "columns as lists": (json.dumps(COLUMNS, indent=1), "object of columns"),
    "split of pandas": (
        json.dumps({"columns": ["text", "label"], "index": [*range(20)], "data": [[*row.values()] for row in ROWS]}),
        "columns and data",
    ),
}


@pytest.mark.parametrize(("text", "told"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x", "x.txt"])
def test_forms_of_json_are_read_alike(text, told, name, plain, tmp_path):
    if name == "x.txt" and not text.startswith("["):
        return
    (tmp_path / name).write_text(text)
    data = prepare(tmp_path / name, tmp_path / "data")
    assert data.fingerprint == plain.fingerprint
    assert noted(data, name, told)
    assert not plain.info["notes"]


def test_names_of_an_object_of_objects_are_ids(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({f"r{i}": row for i, row in enumerate(ROWS)}))
    records = read(tmp_path / "x.json")
    assert [(record.id, record.text) for record in records[:2]] == [("r0", ROWS[0]["text"]), ("r1", ROWS[1]["text"])]


@pytest.mark.parametrize("part", [lambda rows: rows, lambda rows: {name: [row[name] for row in rows] for name in rows[0]}])
@pytest.mark.parametrize("names", [("train", "test"), ("Train", "dev", "test"), ("train", "validation")])
def test_splits_of_json_are_splits(part, names, tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({name: part(ROWS[i * 6 : i * 6 + 6]) for i, name in enumerate(names)}))
    data = prepare(tmp_path / "x.json", tmp_path / "data")
    assert data.classes == ["a", "b"] and len(data) == 6 * len(names)
    assert data.sizes["test" if "test" in names else "val"] == 6
    assert noted(data, "read from 'train'" if "train" in names else "read from 'Train'", "splits")


def test_label_tables_may_be_arrays(tmp_path):
    fasta = labelled_fasta(tmp_path / "x.fa")
    table = [{"id": f"{name}{i}", "kind": name.upper()} for i in range(10) for name in "ab"]
    for number, text in enumerate((json.dumps(table), json.dumps({"rows": table}), json.dumps(table, indent=1))):
        (tmp_path / "t.json").write_text(text)
        data = prepare(fasta, tmp_path / f"data{number}", label_from=f"table:{tmp_path / 't.json'}:kind")
        assert data.classes == ["A", "B"]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "one", "meta": {"a": 1}},
        {"text": "one", "entities": [{"a": 1}]},
        {"values": [1, 2, 3]},
        {"values": [[0.1, 0], [0.2, 1]]},
        {"id": "x", "text": "one", "label": ["a", "b"]},
    ],
)
def test_one_record_with_values_of_its_own_is_one_record(row, tmp_path):
    (record,) = read(
        write_jsonl(tmp_path / "x.jsonl", [row]), label_from="column:none" if "none" in row else None, label_separator=","
    )
    assert record.id == row.get("id", "row-1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps({"spam": ["a", "b"], "ham": ["c"]}), ["one JSON object (spam, ham)", "not clear"]),
        (json.dumps({"a": {"b": {"text": "x"}}}), ["one JSON object (a)"]),
        (json.dumps({"x": [{"text": "a"}], "y": [{"text": "b"}]}, indent=1), ["one JSON object (x, y)"]),
        (json.dumps(["one", "two"]), ["array of texts or numbers"]),
        (json.dumps([["one", "a"], ["two", "b"]]), ["array of arrays", "line 1"]),
        (str(ROWS), ["single quotes", "json.dumps"]),
        ("".join(f"{row}\n" for row in ROWS), ["single quotes"]),
        (json.dumps(ROWS)[:-40], ["line 1", "cut off"]),
        (json.dumps(ROWS, indent=1)[:-40], ["cut off"]),
        (json.dumps(ROWS, indent=1).replace("},", "}", 1), ["line 6", "comma"]),
        ('[{"text": "a"},\n{"text": "b", "text": "c"}]', ["line 2", "twice"]),
        ('[\n{"text": "a"},\n{"text": b}]', ["line 3", "not valid JSON"]),
        ('[{"text": "a"},\n{"text": "\\ud83d"}]', ["line 2", "surrogate"]),
        ('[{"text": ' + "[" * 100_000, ["too deeply"]),
        ("[]", ["no jsonl record"]),
        ('[{"text": "a"},\n{"text": ' + "7" * 10_000 + "}]", ["line 2", "not valid JSON"]),
        ('{"text": ' + "7" * 10_000 + "}", ["line 1", "not valid JSON"]),
    ],
)
def test_json_that_is_not_clear_is_refused_by_what_it_is(text, told, tmp_path):
    (tmp_path / "x.json").write_text(text)
    message = message_of(read, tmp_path / "x.json")
    for part in ("x.json", *told):
        assert part in message


@pytest.mark.parametrize(
    "text", ["[1] Smith, J.\n[2] Jones, K.\n", "{a} and {b}\n", "[\n", '["one", "two"]\n', '{\n "text": "a"\n}\n']
)
def test_documents_with_brackets_stay_texts(text, tmp_path):
    (tmp_path / "x.txt").write_text(text)
    assert [record.text for record in read(tmp_path / "x.txt")] == [text.rstrip("\n")]


def test_documents_of_class_folders_are_no_json(tmp_path):
    for number, name in enumerate("ab" * 4):
        (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name / f"{number}.txt").write_text(json.dumps(ROWS))
    assert len(prepare(tmp_path / "in", tmp_path / "data")) == 8
