"""Tables beside the records that say the label of each: which column, which rows, which encoding."""

import pytest

from tests.support.preparing import dna, label_of, message_of, prepare, read

IDS = [f"s{i}" for i in range(20)]


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text("".join(f">{name} some text\n{dna(60, name)}\n" for name in IDS))
    return path


def table(tmp_path, header, row=lambda i: f"s{i},{'ab'[i % 2]}", name="t.csv", encoding="utf-8"):
    path = tmp_path / name
    lines = [*([header] if header else []), *map(row, range(20))]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def labels(fasta, location, **options):
    return [record.label for record in read(fasta, label_from=f"table:{location}", **options)]


EXPECTED = ["a", "b"] * 10


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("id,length,class", "{id},80,{label}"),
        ("ID,batch,Label", "{id},x,{label}"),
        ("id, label", "{id}, {label}"),
        ("#id,y", "{id},{label}"),
        ("Name,kind", "{id},{label}"),
        ("target,accession,batch", "{label},{id},3"),
        ("label,sample", "{label},{id}"),
        ("sample,age,TARGET", "{id},3,{label}"),
        ('"id";"label"', '"{id}";"{label}"'),
        ("id|label", "{id}|{label}"),
        ("sep=;\nid;label", "{id};{label}"),
    ],
)
def test_column_of_labels_is_found_as_in_other_tables(header, row, fasta, tmp_path):
    path = table(tmp_path, header, lambda i: row.format(id=f"s{i}", label="ab"[i % 2]))
    assert labels(fasta, path) == EXPECTED


@pytest.mark.parametrize("named", ["kind", "Kind", " KIND"])
def test_column_is_named_in_any_spelling(named, fasta, tmp_path):
    path = table(tmp_path, "id,label,Kind", lambda i: f"s{i},no,{'ab'[i % 2]}")
    assert labels(fasta, f"{path}:{named}") == EXPECTED


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("id,length,kind", ["no column is named label", "id, length, kind", "t.csv:length"]),
        ("sample,kind", ["no column is named label", "sample, kind", "t.csv:kind"]),
        ("id,label,class", ["'label' and 'class'", "t.csv:label"]),
        ("id,label,label", ["columns 2 and 3", "'label'"]),
        ("id,label,Label", ["'label' and 'Label'"]),
    ],
)
def test_unclear_column_is_an_error(header, wanted, fasta, tmp_path):
    path = table(tmp_path, header, lambda i: f"s{i},{i},x" if header.count(",") > 1 else f"s{i},x")
    message = message_of(labels, fasta, path)
    assert "text_column" not in message
    for part in ("t.csv", *wanted):
        assert part in message


def test_column_that_is_not_label_is_noted(fasta, tmp_path):
    def notes(header):
        return prepare(
            fasta,
            tmp_path / "data",
            overwrite=True,
            label_from=f"table:{table(tmp_path, header)}",
        ).info["notes"]

    assert any("column 'class'" in note and "column 'id'" in note for note in notes("id,class"))
    assert any("column 'sample'" in note for note in notes("sample,label"))
    assert not any("column" in note for note in notes("id,label"))


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("skip", [False, True])
def test_table_without_header_is_an_error(delimiter, skip, fasta, tmp_path):
    path = table(tmp_path, "", lambda i: f"s{i}{delimiter}{'ab'[i % 2]}")
    assert "no header" in message_of(labels, fasta, path, skip_unlabelled=skip)
    path = table(tmp_path, "", lambda i: f"s{i}{delimiter}{'label' if i % 2 == 0 else 'b'}")
    message = message_of(labels, fasta, path, skip_unlabelled=skip)
    assert "no header" in message and "'s0'" in message


def test_contradicting_rows_are_an_error_that_names_both_lines(fasta, tmp_path):
    path = table(tmp_path, "id,label", lambda i: f"s{i % 10},{'ab'[i // 15]}")
    message = message_of(labels, fasta, path)
    for part in ("t.csv", "'s5'", "line 17", "line 7", "'a'", "'b'"):
        assert part in message
    jsonl = tmp_path / "t.jsonl"
    jsonl.write_text('{"id": "s0", "label": 1}\n\n{"id": "s0", "label": 2}\n')
    message = message_of(labels, fasta, jsonl)
    assert "line 3" in message and "line 1" in message


def test_equal_rows_are_one(fasta, tmp_path):
    path = table(tmp_path, "id,label", lambda i: f"s{i},{'ab'[i % 2]}\ns{i}, {'ab'[i % 2]} ")
    assert labels(fasta, path) == EXPECTED


def test_empty_rows_and_missing_cells_are_no_labels(fasta, tmp_path):
    path = table(tmp_path, "id,label,", lambda i: f"s{i},{'ab'[i % 2]}," if i < 10 else [",,", f"s{i}", f"s{i},,"][i % 3])
    assert labels(fasta, path, skip_unlabelled=True) == EXPECTED[:10]
    assert "there is no id" in message_of(labels, fasta, table(tmp_path, "id,label", lambda i: ",x"))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso8859-15"])
def test_encoding_holds_for_tables_of_labels(encoding, fasta, tmp_path):
    path = table(tmp_path, "id,label", lambda i: f"s{i},{['café', 'thé'][i % 2]}", encoding=encoding)
    assert labels(fasta, path, encoding=encoding) == ["café", "thé"] * 10
    assert read(fasta, group_from=f"table:{path}:label", encoding=encoding)[0].group == "café"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_byte_order_mark_says_the_encoding(encoding, delimiter, fasta, tmp_path):
    row = "s{}{}{}"
    path = table(tmp_path, f"id{delimiter}label", lambda i: row.format(i, delimiter, "éè"[i % 2]), encoding=encoding)
    assert labels(fasta, path) == ["é", "è"] * 10


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04[Content_Types].xml xl/workbook.xml" + bytes(100), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)]
)
def test_spreadsheets_are_named_as_such(content, fasta, tmp_path):
    (tmp_path / "t.xlsx").write_bytes(content)
    assert "Excel" in message_of(labels, fasta, tmp_path / "t.xlsx")


@pytest.mark.parametrize("stated", ["^", None])
def test_stated_delimiter_holds_where_it_occurs(stated, fasta, tmp_path):
    path = table(tmp_path, "id^label" if stated else "id;label", lambda i: f"s{i}{stated or ';'}{'ab'[i % 2]}")
    assert labels(fasta, path, delimiter=stated) == EXPECTED
    assert labels(fasta, table(tmp_path, "id,label"), delimiter="^") == EXPECTED


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["Human", "human ", "mouse"], "'Human' and 'human'"),
        (["Homo sapiens", "homo  sapiens", "mouse"], "'Homo sapiens' and 'homo  sapiens'"),
        (["Homo_sapiens", "Homo sapiens", "mouse"], "'Homo sapiens' and 'Homo_sapiens'"),
        (["1", "1.0", "True"], "'1' and '1.0' and 'True'"),
        (["0", "false", "1"], "'0' and 'false'"),
        (["caf\u00e9", "cafe\u0301", "x"], "are different classes"),
        (["1", "2", "trueish"], None),
        (["a", "b", "ab"], None),
        (["a", "NA", "b"], "'NA' is a class"),
    ],
)
def test_classes_that_may_be_one_are_noted(names, told, fasta, tmp_path):
    path = table(tmp_path, "id,label", lambda i: f"s{i},{names[i % 3]}")
    data = prepare(fasta, tmp_path / "data", label_from=f"table:{path}")
    assert len(data.classes) == 3 and label_of(data)["s0"] == names[0].strip()
    found = [note for note in data.info["notes"] if "class" in note]
    assert any(told in note for note in found) if told else not found


@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_classes_that_are_lists_are_noted(separator, fasta, tmp_path):
    kinds = ["heart", "lung", f"heart{separator}lung"]
    path = table(tmp_path, "id\tlabel", lambda i: f"s{i}\t{kinds[i % 3]}", name="t.tsv")
    notes = prepare(fasta, tmp_path / "data", label_from=f"table:{path}").info["notes"]
    assert any("--label-separator" in note and separator in note for note in notes)


@pytest.mark.parametrize("number", ["1_0", "1_000.5", "0x10", "1,5", "nan"])
def test_targets_that_are_not_written_as_numbers_are_refused(number, fasta, tmp_path):
    path = table(tmp_path, "id\tlabel", lambda i: f"s{i}\t{i if i != 7 else number}", name="t.tsv")
    message = message_of(prepare, fasta, tmp_path / "data", task="regression", label_from=f"table:{path}")
    assert "record 's7'" in message and f"'{number}'" in message


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_classes_with_few_groups_are_noted(groups, tmp_path):
    path = tmp_path / "x.csv"
    rows = [f"s{i},{dna(60, i)},{'ab'[i % 2]},G{'ab'[i % 2]}{i // 2 % groups}" for i in range(60)]
    path.write_text("\n".join(["id,sequence,label,gene", *rows]) + "\n")
    notes = prepare(path, tmp_path / "data", group_from="column:gene").info["notes"]
    told = [note for note in notes if "2 of 2 classes have fewer than 3 groups" in note]
    assert len(told) == (groups < 3)
    if told:
        assert f"'a' {groups}" in told[0]
