"""Tables as spreadsheets, other programs and people write them: delimiters, quotes, headers, line ends."""

import json

import pytest

import seqmix
from seqmix.data.inputs import find_sources
from seqmix.data.reading import RecordReader
from seqmix.data.tables import origins_line
from tests.support.preparing import dna, message_of, noted, pairs, prepare, read, write_jsonl

ROWS = [("id", "text", "label"), *((f"r{i}", f"some words, number {i}", "ab"[i % 2]) for i in range(12))]


def write(path, rows=ROWS, delimiter=",", end="\n", encoding="utf-8"):
    """Write a table; cells with the delimiter are quoted."""
    lines = [delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in rows]
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return prepare(write(folder / "x.csv"), folder / "data")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.dat"])
def test_delimiter_is_found_by_the_header(delimiter, name, plain, tmp_path):
    data = prepare(write(tmp_path / name, delimiter=delimiter), tmp_path / "data")
    assert data.fingerprint == plain.fingerprint
    usual = {"x.csv": ",", "x.tsv": "\t", "x.dat": "\t" if delimiter == "\t" else ","}[name]
    assert noted(data, "separated by") == (delimiter != usual)


@pytest.mark.parametrize(("given", "delimiter"), [("tab", "\t"), ("\\t", "\t"), ("^", "^"), ("space", " "), (";", ";")])
def test_delimiter_can_be_stated(given, delimiter, plain, tmp_path):
    path = write(tmp_path / "x.csv", delimiter=delimiter)
    data = prepare(path, tmp_path / "data", delimiter=given)
    assert data.fingerprint == plain.fingerprint
    assert not noted(data, "separated by")


@pytest.mark.parametrize("given", ["", "ab", '"', "\n"])
def test_delimiters_that_cannot_be_are_refused(given, tmp_path):
    assert "delimiter must be one character" in message_of(read, write(tmp_path / "x.csv"), delimiter=given)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "sep=\t", "sep=,", "sep=|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_first_line_for_excel_is_obeyed(first, end, plain, tmp_path):
    delimiter = first.strip('"')[-1]
    table = write(tmp_path / "t.csv", delimiter=delimiter, end=end).read_bytes()
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (first + end).encode() + table)
    data = prepare(path, tmp_path / "data")
    assert data.fingerprint == plain.fingerprint
    message = message_of(read, path, text_column="story")
    assert "id, text, label" in message


def test_delimiters_in_texts_do_not_count(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("text\none; two; three\nfour|five\tsix\n")
    assert [record.text for record in read(path)] == ["one; two; three", "four|five\tsix"]
    path.write_text('"id","text; or what is like it"\n1,"a, b; c"\n')
    assert [record.text for record in read(path, text_column="text; or what is like it")] == ["a, b; c"]


STRAY = {
    "closed rows later": ['"so he said', "then", 'and went"'],
    "closed in the next row": ['"so he said', 'and went"', "then"],
    "never closed": ['"so he said', "then", "and went"],
    "text behind it": ['"so" he said', "then", "and went"],
}


# A last cell of two lines cannot be told from two rows.
CASES = [
    (columns, texts)
    for columns in ("id text label", "text label", "label text", "id label text")
    for name, texts in STRAY.items()
    if not columns.endswith("text") or name != "closed in the next row"
]


@pytest.mark.parametrize(("columns", "texts"), CASES)
def test_stray_quotes_in_tsv_are_named_with_their_line(columns, texts, tmp_path):
    names = columns.split()
    rows = [{"id": f"r{i}", "text": text, "label": "a"} for i, text in enumerate(["fine", *texts, "fine", "fine too"])]
    path = tmp_path / "x.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in [names, *([row[name] for name in names] for row in rows)]))
    message = message_of(read, path)
    for part in ("x.tsv", "line 3", "quote"):
        assert part in message


@pytest.mark.parametrize("text", ['5" disk', 'he said "no"', 'a "b" c'])
@pytest.mark.parametrize("name", ["x.tsv", "x.csv"])
def test_quotes_within_cells_are_text(text, name, tmp_path):
    delimiter = "\t" if name == "x.tsv" else ","
    path = tmp_path / name
    path.write_text(delimiter.join(("id", "text", "label")) + "\n" + delimiter.join(("1", text, "x")) + "\n")
    assert [record.text for record in read(path)] == [text]


def test_cells_of_several_lines_are_read_from_tsv(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text('id\ttext\tlabel\n1\t"one\ntwo\tthree\n\nfour ""five"""\ta\n2\tsix\tb\n')
    assert [(r.id, r.text, r.label, r.line) for r in read(path)] == [
        ("1", 'one\ntwo\tthree\n\nfour "five"', "a", 2),
        ("2", "six", "b", 6),
    ]


LABELLED = [f"r{i},word {i},{'ab'[i % 2]}" for i in range(20)]


@pytest.mark.parametrize(
    ("changed", "line", "what"),
    [
        ({4: 'r4,"so he said,a', 8: 'r8,and went",a'}, 6, "ends in line 10 only"),
        ({4: 'r4,"so he said,a', 5: 'r5,and went",b'}, 6, "ends in line 7 only"),
        ({0: 'r0,"so he said,a', 19: 'r19,and went",b'}, 2, "ends in line 21 only"),
        ({4: 'r4,"so he said,a'}, 6, "never ends"),
        ({19: 'r19,"so he said,a'}, 21, "never ends"),
        ({4: '"r4,so he said,a', 9: 'r9",and went,a'}, 6, "ends in line 11 only"),
        ({4: 'r4,"so he said,a', 9: 'r9,"and" went,a'}, 6, "does not end properly"),
        ({4: 'r4,"so \\"he\\" said",a'}, 6, "double them"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_cells_that_swallow_rows_of_csv_are_an_error(changed, line, what, delimiter, tmp_path):
    path = tmp_path / "x.csv"
    rows = [changed.get(number, row) for number, row in enumerate(LABELLED)]
    path.write_text("\n".join(["id,text,label", *rows]).replace(",", delimiter) + "\n")
    message = message_of(read, path)
    for part in ("x.csv", f"line {line}:", "quote", what):
        assert part in message


def test_cells_that_may_swallow_rows_of_csv_are_noted(tmp_path):
    path = tmp_path / "x.csv"
    rows = [f"r{i},word {i}" for i in range(20)]
    rows[4], rows[8] = 'r4,"so he said', 'r8,and went"'
    path.write_text("\n".join(["id,text", *rows]) + "\n")
    data = prepare(path, tmp_path / "data")
    assert len(data) == 16
    assert noted(data, "x.csv", "line 6", "whole rows", "quote")


@pytest.mark.parametrize(
    "text", ["one, a\ntwo, b\nthree, c", "Dear Sir,\nhello,\ngood bye", "one\ntwo, and\nthree", "a,b\nb,c\nc,d", "one,\n,two\n"]
)
def test_cells_of_several_lines_with_delimiters_are_read_from_csv(text, tmp_path):
    path = tmp_path / "x.csv"
    rows = [f'r{i},"{text}",,{"ab"[i % 2]}\n"{text}",{i},r,a' for i in range(10)]
    path.write_text("\n".join(["id,text,notes,label", *rows]) + "\n")
    assert [record.text for record in read(path)][::2] == [text] * 10


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl"])
def test_line_ends_in_cells_are_line_feeds(end, name, tmp_path):
    path = tmp_path / name
    if name == "x.jsonl":
        write_jsonl(path, [{"id": "1", "text": f"one{end}two{end}{end}three", "label": "x"}])
    else:
        delimiter = "\t" if name == "x.tsv" else ","
        header, row = ("id", "text", "label"), ("1", f'"one{end}two{end}{end}three"', "x")
        path.write_bytes((delimiter.join(header) + end + delimiter.join(row) + end).encode())
    assert [record.text for record in read(path)] == ["one\ntwo\n\nthree"]


HEADERLESS = {
    "sequences and numbers": [(dna(80, i), str(i % 2)) for i in range(4)],
    "long texts": [("many words " * 8, "good"), ("other words " * 8, "bad")],
    "names and classes": [("s1", "x", "a"), ("s2", "y", "b"), ("s3", "z", "a")],
    "numbers": [("1", "2.5"), ("2", "3.5")],
}


@pytest.mark.parametrize("rows", HEADERLESS.values(), ids=HEADERLESS)
@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
def test_table_without_header_is_recognised(rows, name, tmp_path):
    message = message_of(read, write(tmp_path / name, rows, "\t" if name == "x.tsv" else ","))
    assert "there seems to be no header" in message
    assert len(message.split("columns are: ")[1]) < 33 * len(rows[0])


def test_many_columns_are_not_all_listed(tmp_path):
    message = message_of(read, write(tmp_path / "x.csv", [[f"gene{i}" for i in range(500)], ["1"] * 500]))
    assert "gene0, gene1" in message and "and 488 more" in message and "gene20" not in message
    assert "if the first line is data" in message


@pytest.mark.parametrize("name", ["Text", " text ", "TEXT", "\ufefftext", "#text"])
def test_names_of_columns_are_found_in_any_spelling(name, tmp_path):
    path = write(tmp_path / "x.csv", [("id", name, "LABEL "), ("1", "abc", " x ")])
    for options in ({}, {"text_column": "text", "label_from": "column:label"}):
        assert [(record.text, record.label) for record in read(path, **options)] == [("abc", "x")]


@pytest.mark.parametrize(
    ("header", "options", "wanted"),
    [
        ("id,text,label,label", {}, ["columns 3 and 4", "'label'"]),
        ("text,label,text,id", {}, ["columns 1 and 3", "'text'"]),
        ("id,text,label,Label", {}, ["'label' and 'Label'", "case or spaces"]),
        ("id,text, text,label", {}, ["'text' and ' text'", "case or spaces"]),
        ("id,text,label,gene,gene", {"group_from": "column:gene"}, ["columns 4 and 5", "'gene'"]),
        ("id,text,label,class", {}, ["'label' and 'class'", "label_from='column:label'"]),
        ("id,text,target,y", {}, ["'target' and 'y'", "label_from='column:target'"]),
    ],
)
def test_columns_that_compete_are_an_error(header, options, wanted, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"{header}\n" + "a,b,c,d,e\n".replace(",e", ",e" * (header.count(",") > 3)))
    if header.count(",") == 3:
        path.write_text(f"{header}\na,b,c,d\n")
    message = message_of(read, path, **options)
    for part in ("x.csv", *wanted):
        assert part in message


def test_repeated_columns_that_nobody_asks_for_are_harmless(tmp_path):
    path = write(tmp_path / "x.csv", [("id", "text", "label", "x", "x", "", ""), ("1", "abc", "a", "", "2", "", "")])
    assert [(record.text, record.label) for record in read(path)] == [("abc", "a")]


@pytest.mark.parametrize(("columns", "other"), [(("text", "sequence"), "sequence"), (("seq", "review"), "review")])
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_text_column_among_several_is_noted(columns, other, name, tmp_path):
    rows = [{"id": str(i), columns[1]: dna(40, i), columns[0]: f"note {i}", "label": "ab"[i % 2]} for i in range(12)]
    path = tmp_path / name
    if name == "x.jsonl":
        write_jsonl(path, rows)
    else:
        write(path, [list(rows[0]), *(list(row.values()) for row in rows)])
    data = prepare(path, tmp_path / "data")
    assert noted(data, name, f"column '{columns[0]}', not '{other}'", "--text-column")
    assert not noted(prepare(path, tmp_path / "stated", text_column=other), "--text-column")


@pytest.mark.parametrize("column", ["labels", "category", "Species", "label_text", "outcome"])
def test_columns_that_may_be_labels_are_pointed_out(column, tmp_path):
    path = write(tmp_path / "x.csv", [("id", "text", "length", column), *((str(i), f"words {i}", "3", "x") for i in range(6))])
    likely = "length" if column == "outcome" else column
    assert noted(prepare(path, tmp_path / "data"), "no labels were read", f"--label-from column:{likely}", column)


@pytest.mark.parametrize("text", ['{"id": "r0", "text": "a", "label": "x", "label": "y"}', '{"text": "a", "text": "b"}'])
def test_keys_that_an_object_has_twice_are_an_error(text, tmp_path):
    (tmp_path / "x.jsonl").write_text('{"id": "r", "text": "a", "label": "x"}\n' + text + "\n")
    message = message_of(read, tmp_path / "x.jsonl")
    assert "line 2" in message and "twice" in message


def test_deeply_nested_json_is_an_error(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n{"text": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    assert "line 2" in message_of(read, tmp_path / "x.jsonl")


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"name": "pos"}, ["object", "column:NAME"]),
        (["pos"], ["list", "label_separator=','"]),
        (["pos", "neg"], ["list", "label_separator=','"]),
        ([], ["list", "label_separator=','"]),
    ],
)
def test_labels_that_are_not_one_value_are_an_error(label, words, tmp_path):
    path = write_jsonl(
        tmp_path / "x.jsonl", [{"id": "r0", "text": "a", "label": "x"}, {"id": "r1", "text": "b", "label": label}]
    )
    message = message_of(read, path)
    for part in ("x.jsonl", "'r1'", "line 2", *words):
        assert part in message


def test_labels_of_a_list_must_not_contain_the_separator(tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", [{"text": "a", "label": ["x, y", "z"]}])
    assert "'x, y'" in message_of(read, path, label_separator=",")
    assert read(path, label_separator=";")[0].label == "x, y;z"


def test_missing_labels_of_json_are_none(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"text": "a", "label": NaN}\n{"text": "b", "label": null}\n{"text": "c", "label": " "}\n{"text": "d", "label": 0}\n'
    )
    assert [record.label for record in read(path, skip_unlabelled=True)] == ["0"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
def test_encoding_holds_for_the_header(encoding, name, tmp_path):
    delimiter = "\t" if name == "x.tsv" else ","
    path = write(tmp_path / name, [("id", "text", "catégorie"), ("1", "café", "thé")], delimiter, encoding=encoding)
    (record,) = read(path, encoding=encoding, label_from="column:catégorie")
    assert (record.text, record.label) == ("café", "thé")


def test_delimiter_of_new_files_is_found_again(tmp_path):
    stated = seqmix.ReadOptions(delimiter="^")
    alike = RecordReader(find_sources(write(tmp_path / "x.csv")), stated, like=stated)
    assert pairs(alike) == pairs(read(tmp_path / "x.csv"))
    assert any("not by '^'" in note for note in alike.notes())
    assert json.dumps(stated.delimiter) == '"^"'


@pytest.mark.parametrize("sign", ["\n", "\t", "\x1b[31m"])
def test_names_of_columns_are_shown_escaped(sign, tmp_path):
    header = f'id,text,"la{sign}bel","other{sign}column"\n'
    path = tmp_path / "x.csv"
    path.write_text(header + "".join(f"r{i},words {i},{'ab'[i % 2]},z\n" for i in range(12)))
    written = sign.encode("unicode_escape").decode()
    assert f"other{written}column" in message_of(read, path, label_from="column:nope")
    data = prepare(path, tmp_path / "data", label_from=f"column:la{sign}bel")
    assert f"column 'la{written}bel'" in origins_line(data.info)
    path.write_text(header.replace("other", "la").replace("column", "bel") + "r,a,b,c\n")
    assert f"'la{written}bel'" in message_of(read, path, label_from=f"column:la{sign}bel")
