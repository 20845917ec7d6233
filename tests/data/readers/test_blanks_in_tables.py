"""Blanks and byte-order marks around the cells of a table belong neither to texts nor to ids nor to labels."""

import json

import pytest

from tests.support.preparing import label_of, message_of, prepare, read

WORDS = ["a river, wide and slow", "walking stone", "old house on a hill", "the 2 small boats"]
ROWS = [(f"s{i}", f"{WORDS[i % 4]} {i}", "ab"[i % 2]) for i in range(12)]
HEADER = ("id", "text", "label")


def write(path, rows, delimiter=",", quoted=False, header=HEADER):
    def line(row):
        return delimiter.join(f'"{cell}"' if quoted or delimiter.strip() in cell else cell for cell in row)

    path.write_text("".join(line(row) + "\n" for row in (header, *rows)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The fingerprint of the table without blanks."""
    folder = tmp_path_factory.mktemp("plain")
    return prepare(write(folder / "plain.csv", ROWS), folder / "expected").fingerprint


LAYOUTS = {
    "bars": ("x.csv", " | ", False, "around"),
    "bars in text": ("x.txt", " | ", False, "around"),
    "commas and blanks": ("x.csv", ", ", False, "before"),
    "commas, blanks, quotes": ("x.csv", ", ", True, "before"),
    "semicolons, blanks, quotes": ("x.csv", ";  ", True, "before"),
    "blanks before semicolons": ("x.csv", " ;", False, "after"),
    "tabs and blanks": ("x.tsv", "\t ", False, "before"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_blanks_beside_delimiters_are_left_out_and_noted(layout, expected, tmp_path):
    name, delimiter, quoted, where = LAYOUTS[layout]
    data = prepare(write(tmp_path / name, ROWS, delimiter, quoted), tmp_path / "data")
    assert data.fingerprint == expected
    assert list(data.ids()) == [row[0] for row in ROWS]
    assert any(f"the blanks {where} the cells are left out" in note for note in data.info["notes"])


def test_aligned_columns_are_read_without_their_blanks(expected, tmp_path):
    rows = [(name.ljust(5), text.ljust(40), label) for name, text, label in ROWS]
    header = ("id".ljust(5), "text".ljust(40), "label")
    data = prepare(write(tmp_path / "x.csv", rows, " | ", header=header), tmp_path / "data")
    assert data.fingerprint == expected


def test_blanks_of_some_cells_are_part_of_texts(tmp_path):
    rows = [(name, f"  {text}" if i % 3 else text, label) for i, (name, text, label) in enumerate(ROWS)]
    records = read(write(tmp_path / "x.tsv", rows, "\t"))
    assert [record.text for record in records] == [row[1] for row in rows]


def test_quotes_after_a_blank_among_others_are_explained(tmp_path):
    path = write(tmp_path / "x.csv", ROWS * 2)
    path.write_text(path.read_text() + 's99, "one, two", a\n')
    message = message_of(read, path)
    assert "line 26" in message and "a quote must follow ',' at once" in message


def marked(rows, place):
    return [
        tuple("\ufeff" * (i % 2) + cell if column == place else cell for column, cell in enumerate(row))
        for i, row in enumerate(rows)
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("name", "delimiter", "quoted"), [("x.csv", ",", False), ("x.csv", ",", True), ("x.tsv", "\t", False)])
def test_byte_order_marks_of_cells_are_left_out(place, name, delimiter, quoted, expected, tmp_path):
    data = prepare(write(tmp_path / name, marked(ROWS, place), delimiter, quoted), tmp_path / "data")
    assert data.fingerprint == expected
    assert label_of(data) == {name: label for name, _, label in ROWS}


def test_a_byte_order_mark_before_a_quote_is_left_out(expected, tmp_path):
    lines = [f'{name},\ufeff"{text}",\ufeff{label}\n' for name, text, label in ROWS]
    (tmp_path / "x.csv").write_text("id,\ufefftext,label\n" + "".join(lines), encoding="utf-8")
    assert prepare(tmp_path / "x.csv", tmp_path / "data").fingerprint == expected


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("document", [True, False])
def test_byte_order_marks_in_json_are_left_out(place, escaped, document, expected, tmp_path):
    rows = [json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=escaped) for row in marked(ROWS, place)]
    (tmp_path / "x.jsonl").write_text(f"[{','.join(rows)}]" if document else "\n".join(rows), encoding="utf-8")
    data = prepare(tmp_path / "x.jsonl", tmp_path / "data")
    assert data.fingerprint == expected


@pytest.mark.parametrize("name", ["label.csv", "label.jsonl"])
def test_byte_order_marks_in_a_table_of_labels_are_left_out(name, tmp_path):
    pairs = [(name, label) for name, _, label in marked(marked(ROWS, 2), 0)]
    if name.endswith("csv"):
        write(tmp_path / name, pairs, header=("id", "label"))
    else:
        (tmp_path / name).write_text("\n".join(json.dumps({"id": i, "label": label}) for i, label in pairs))
    given = write(tmp_path / "x.csv", [row[:2] for row in ROWS], header=("id", "text"))
    data = prepare(given, tmp_path / "data", label_from=f"table:{tmp_path / name}")
    assert label_of(data) == {name: label for name, _, label in ROWS}


DRAWN = {
    "markdown": "| id | text | label |\n|----|:-----|------:|\n| s0 | a river | a |\n| s1 | a hill | b |\n",
    "without outer bars": "id | text | label\n--- | --- | ---\ns0 | a river | a\ns1 | a hill | b\n",
    "psql": " id | text    | label \n----+---------+-------\n s0 | a river | a\n s1 | a hill  | b\n",
}


@pytest.mark.parametrize("kind", DRAWN)
def test_drawn_tables_are_named(kind, tmp_path):
    (tmp_path / "x.csv").write_text(DRAWN[kind])
    assert "x.csv: line 2: a rule below the header: this is a table of Markdown" in message_of(read, tmp_path / "x.csv")
