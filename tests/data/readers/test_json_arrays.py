"""Arrays of JSON are read object by object: places in messages are right wherever pieces are cut, and memory has a bound."""

import json
import tracemalloc

import pytest

from seqmix.data.readers import json_array, json_rows
from tests.support.preparing import message_of, read

ROWS = [
    {"id": f"r{i}", "text": f'words "{i}" \u00e9\n{"x" * (i % 9)}', "label": "ab"[i % 2], "n": [i, {"a": -1.5e3}]}
    for i in range(30)
]
FORMS = {
    "one line": json.dumps(ROWS),
    "escaped": json.dumps(ROWS, ensure_ascii=True, separators=(",", ":")),
    "lines": "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n]\n",
    "indented": "\ufeff\n\n" + json.dumps(ROWS, indent=3, ensure_ascii=False) + "\n\n",
    "last comma": "[" + ", ,\n".join(map(json.dumps, ROWS)) + ",]",
}


@pytest.fixture(params=[1, 2, 3, 7, 64, 1 << 16])
def piece(request, monkeypatch):
    monkeypatch.setattr(json_array, "PIECE", request.param)
    monkeypatch.setattr(json_rows, "PIECE", request.param)
    return request.param


@pytest.mark.parametrize("form", FORMS)
def test_objects_are_whole_wherever_pieces_end(form, piece, tmp_path):
    (tmp_path / "x.json").write_text(FORMS[form], encoding="utf-8")
    found = read(tmp_path / "x.json")
    assert [(one.id, one.text, one.label) for one in found] == [(row["id"], row["text"], row["label"]) for row in ROWS]
    lines = FORMS[form].splitlines()
    assert all(row["id"] in "".join(lines[one.line - 1 : one.line + 2]) for one, row in zip(found, ROWS, strict=True))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[\n{"text": "a"},\n{"text": b}]', "line 3: not valid JSON"),
        ('[{"text": "a"},\n{"text": "b", "text": "c"}]', "line 2: an object has 'text' twice"),
        ('[{"text": "a"}\n\n{"text": "b"}]', "line 3: not valid JSON: expected a comma here"),
        ('[{"text": "a"},\n{"text": "b"', "line 2: the JSON that begins here does not end; the file was cut off; 1 record"),
        ('[{"text": "a"},\n{"text": "b"},\n', "the JSON array does not end; the file was cut off; 2 records of it were read"),
        ('[{"text": "a"},\n"b"]', "line 2: this is JSON, an array of texts or numbers"),
        ('[\n{"text": "a"},\n{"text": tru}]', "line 3: not valid JSON"),
    ],
)
def test_places_of_errors_are_right_wherever_pieces_end(text, told, piece, tmp_path):
    (tmp_path / "x.json").write_text(text)
    assert told in message_of(read, tmp_path / "x.json")


@pytest.mark.parametrize("between", [", ", ",\n"])
def test_a_long_array_is_read_in_bounded_memory(between, tmp_path):
    (tmp_path / "x.json").write_text("[" + between.join(json.dumps({"text": "word " * 2000}) for _ in range(800)) + "]")
    with (tmp_path / "x.json").open("rb") as stream:
        options = json_rows.TableOptions()
        tracemalloc.start()
        count = sum(1 for _ in json_rows.json_rows(stream, "x.json", options))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 800 and peak < 1e6  # of 8 MB


@pytest.mark.parametrize("form", ['[{"text": "%s"}]', '{"data":\n [{"text": "%s"}]}', '{"text":\n "a"}\n{"text": "%s"}'])
def test_documents_that_are_read_whole_have_a_largest_size(form, monkeypatch, tmp_path):
    (tmp_path / "x.json").write_text(form % ("word " * 50_000))
    assert len(read(tmp_path / "x.json", text_column="text")[-1].text) == 250_000
    for module in (json_array, json_rows):
        monkeypatch.setattr(module, "LARGEST", 100_000)
    assert "more than 100,000 characters" in message_of(read, tmp_path / "x.json")
