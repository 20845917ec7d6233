"""Tables as they come out of cat, Excel, pandas and R: headers in the middle, comments above, rows of other lengths."""

import pytest

from tests.support.preparing import message_of, noted, prepare, read

ROWS = [f"r{i},words number {i},{'ab'[i % 2]}" for i in range(24)]
HEADER = "id,text,label"


def write(path, lines, delimiter=",", end="\n"):
    text = "".join(line + end for line in lines)
    path.write_bytes((text if delimiter == "," else text.replace(",", delimiter)).encode())
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    data = prepare(write(folder / "x.csv", [HEADER, *ROWS]), folder / "data")
    assert not data.info["notes"]
    return data


ODD = {
    "header twice": ([HEADER, *ROWS[:9], HEADER, *ROWS[9:]], ["1 row (line 11)", "the header once more"]),
    "header in capitals": ([HEADER, *ROWS[:9], "ID, Text,LABEL", *ROWS[9:]], ["1 row (line 11)"]),
    "header three times": (
        [HEADER, *ROWS[:9], HEADER, *ROWS[9:12], HEADER, *ROWS[12:]],
        ["2 rows (the first in line 11)", "the header once more"],
    ),
    "byte-order mark and header": ([f"\ufeff{HEADER}", *ROWS[:9], f"\ufeff{HEADER}", *ROWS[9:]], ["1 row (line 11)"]),
    "byte-order mark": ([HEADER, *ROWS[:9], f"\ufeff{ROWS[9]}", *ROWS[10:]], []),
    "quoted header": ([HEADER, *ROWS[:9], '"id","text","label"', *ROWS[9:]], ["1 row (line 11)"]),
    "rows of delimiters": ([HEADER, *ROWS, ",,", ",,", " , ,"], ["3 rows (the first in line 26)", "without any content"]),
    "row of blanks": ([HEADER, *ROWS[:5], "   ", *ROWS[5:]], ["1 row (line 7)", "without any content"]),
    "last delimiters": ([HEADER, *(f"{row}," for row in ROWS)], ["24 rows", "longer than the header by empty cells"]),
    "some last delimiters": ([HEADER, *ROWS[:20], *(f"{row},," for row in ROWS[20:])], ["4 rows", "line 22"]),
    "last delimiter of the header": ([f"{HEADER},", *ROWS], []),
    "last delimiters of all": ([f"{HEADER},", *(f"{row}," for row in ROWS)], []),
    "comments above": (["# made by a tool, version 1", "# on Monday", HEADER, *ROWS], ["2 lines of comment"]),
    "comment above": (["% made by a tool", "", HEADER, *ROWS], ["1 line of comment"]),
    "header in a comment": (["##format=1", f"#{HEADER}", *ROWS], ["1 line of comment"]),
    "header that begins with a sign": ([f"# {HEADER}", *ROWS], []),
    "numbers of rows": ([f",{HEADER}", *(f"{i},{row}" for i, row in enumerate(ROWS))], []),
    "numbers of rows by pandas": ([f"Unnamed: 0,{HEADER}", *(f"{i},{row}" for i, row in enumerate(ROWS))], []),
    "blanks before quotes": (
        ["id, text, label", *(", ".join(f'"{cell}"' for cell in row.split(",")) for row in ROWS)],
        [],
    ),
    "cells for Excel": (
        [HEADER, *(f'r{i},="words number {i}",{"ab"[i % 2]}' for i in range(24))],
        ["24 rows", "read without these signs"],
    ),
    "short rows": ([f"{HEADER},note", *(row + ",x" * (i < 6) for i, row in enumerate(ROWS))], ["18 rows", "shorter than"]),
}


@pytest.mark.parametrize(("lines", "told"), ODD.values(), ids=ODD)
@pytest.mark.parametrize(("name", "delimiter", "end"), [("x.csv", ",", "\n"), ("x.tsv", "\t", "\r\n"), ("x.txt", ";", "\n")])
def test_odd_tables_are_read_alike(lines, told, name, delimiter, end, plain, tmp_path):
    if name == "x.txt" and delimiter in lines[0]:
        return
    data = prepare(write(tmp_path / name, lines, delimiter, end), tmp_path / "data")
    assert data.fingerprint == plain.fingerprint
    assert noted(data, name, *told) if told else not noted(data, "row")


@pytest.mark.parametrize("second", ["label,id,text", "text,label,id", "name,sequence,class"])
def test_another_header_is_an_error(second, tmp_path):
    message = message_of(read, write(tmp_path / "x.csv", [HEADER, *ROWS[:9], second, *ROWS[9:]]))
    assert "line 11: a second header" in message and ", ".join(second.split(",")) in message


@pytest.mark.parametrize("second", ["label,peptide", "Label, Peptide", '"label","peptide"'])
def test_a_header_in_another_order_is_an_error_whatever_its_names(second, tmp_path):
    lines = ["peptide,label", *(f"MKVLAAG{'AC' * i},{'ab'[i % 2]}" for i in range(8)), second, "a,MKV"]
    message = message_of(read, write(tmp_path / "x.csv", lines), text_column="peptide")
    assert "line 10: a second header" in message


def test_the_name_of_the_only_column_is_a_record_and_noted(tmp_path):
    data = prepare(
        write(tmp_path / "x.csv", ["text", *(f"words {i}" for i in range(12)), "Text", "words 13"]), tmp_path / "data"
    )
    assert len(data) == 14
    assert noted(data, "1 row (line 14) read as a record, though it is the name of the column")


@pytest.mark.parametrize("row", ["text,name,a", "id,class and text,b", "name,about text,a"])
def test_words_of_a_header_in_a_row_are_a_record(row, tmp_path):
    assert len(read(write(tmp_path / "x.csv", [HEADER, *ROWS, row]))) == 25


def test_blanks_before_quotes_are_no_text(tmp_path):
    path = write(tmp_path / "x.csv", ["label,text", *(f'{"ab"[i % 2]}, "words, {i}"' for i in range(6))])
    assert [(record.text, record.label) for record in read(path)] == [(f"words, {i}", "ab"[i % 2]) for i in range(6)]
    path = write(tmp_path / "y.csv", ["label,text", 'a, "so" he said', "b, no"])
    assert [record.text for record in read(path)] == [' "so" he said', " no"]


@pytest.mark.parametrize("first", ["r99,# a comment", "r99,words"])
def test_short_first_rows_have_the_columns_of_the_header(first, tmp_path):
    path = write(tmp_path / "x.csv", [HEADER, first, *ROWS])
    assert "no label" in message_of(read, path)
    records = read(path, skip_unlabelled=True)
    assert [record.label for record in records] == ["a", "b"] * 12


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([HEADER, *(f"{i},{row}" for i, row in enumerate(ROWS, 1))], ["line 2", "as R writes it"]),
        ([HEADER, *ROWS[:4], "r4,words, and more,a"], ["line 6", "must be quoted"]),
        ([HEADER, *ROWS[:4], "r4"], ["line 6", "1 cell"]),
        (["Our export 2020", "", HEADER, *ROWS], ["the header seems to be line 3"]),
        (["Our export, all", HEADER, *ROWS], ["the header seems to be line 2"]),
        (["# chr,start,end", "r1,1,2"], ["the columns are: # chr"]),
        ([HEADER.replace(",", "^"), "r1^words^a"], ["separated by '^'", "delimiter='^'"]),
        ([HEADER.replace(",", " "), "r1 words a"], ["delimiter='space'"]),
        ([HEADER.replace(",", ":"), "r1:words:a"], ["delimiter=':'"]),
        ([f'"{HEADER}"', *(f'"{row}"' for row in ROWS)], ["each row is in quotes as a whole"]),
    ],
)
def test_tables_that_cannot_be_read_are_explained(lines, told, tmp_path):
    message = message_of(read, write(tmp_path / "x.csv", lines))
    for part in told:
        assert part in message


@pytest.mark.parametrize("label", ["{},5", '"1,{:03d}"', "1 {:03d}", "{}%", "1'{:03d}"])
def test_numbers_with_other_signs_are_explained(label, tmp_path):
    delimiter = "\t"
    path = write(tmp_path / "x.tsv", [f"text{delimiter}label", *(f"words {i}{delimiter}{label.format(i)}" for i in range(24))])
    assert "write it with a point and no other sign" in message_of(prepare, path, tmp_path / "data", task="regression")


def test_numbers_with_a_decimal_comma_are_not_only_lists(tmp_path):
    path = write(tmp_path / "x.csv", ["text;label", *(f"words {i};{i},5" for i in range(24))])
    assert "decimal comma" in message_of(prepare, path, tmp_path / "data")
    path = write(tmp_path / "y.csv", ["text;label", *(f"words {i};{i % 25},5" for i in range(100))])
    assert noted(prepare(path, tmp_path / "noted"), "numbers with a comma", "--task regression", "--label-separator ,")


@pytest.mark.parametrize(
    "joined", [b'\xef\xbb\xbf{"text": "c", "label": "b"}\n', b'\xef\xbb\xbf\n{"text": "c", "label": "b"}\n']
)
def test_joined_jsonl_has_byte_order_marks(joined, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a", "label": "a"}\n' + joined)
    assert [record.label for record in read(tmp_path / "x.jsonl")] == ["a", "b"]
