"""What `label_from` and the like take, however it is spelled; and tables that are something else than they should be."""

import json

import pytest

from tests.support.preparing import dna, label_of, message_of, prepare, read

N = range(20)


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text("".join(f">s{i} OS={'ab'[i % 2]} OX=3\n{dna(50, i)}\n" for i in N))
    return path


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,label,split\n" + "".join(f"s{i},{'xy'[i % 2]},{['train', 'val', 'test'][i % 3]}\n" for i in N))
    return path


@pytest.mark.parametrize(
    "source", ["HEADER:OS", " header: OS", "Header :OS ", "header_regex:OS=(\\w+)", "Header-Regex:OS=(\\w+)"]
)
def test_kind_of_source_may_be_in_any_case_and_have_spaces(source, fasta, tmp_path):
    data = prepare(fasta, tmp_path / "data", label_from=source)
    assert data.classes == ["a", "b"]
    assert "in the headers" in data.info["origins"]["labels"]


@pytest.mark.parametrize("kind", ["Table", "table", "TABLE "])
def test_tables_too(kind, fasta, table, tmp_path):
    data = prepare(fasta, tmp_path / "data", label_from=f"{kind}: {table}", split_from=f"{kind}: {table}")
    assert data.classes == ["x", "y"] and data.info["origins"]["splits"] == f"table {table}"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("OS", "header:OS"),
        ("label", "column:label"),
        ("header=OS", "did you mean header:OS?"),
        ("headers:OS", "did you mean header:OS?"),
        ("columns:OS", "did you mean column:OS?"),
        ("col:OS", "did you mean column:OS?"),
        ("regex:OS=(a)", "did you mean header-regex:OS=(a)?"),
        ("t.csv", "label_from='table:t.csv'"),
        ("t.csv:label", "label_from='table:t.csv:label'"),
        ("table=t.csv", "did you mean table:t.csv?"),
        ("filename", "did you mean file?"),
        ("directory", "did you mean folder?"),
        ("folder:x", "nothing stands behind 'folder'"),
        ("header:", "header:…"),
    ],
)
def test_source_that_is_none_is_explained(source, told, fasta, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = message_of(read, fasta, label_from=source)
    assert f"got '{source}'" in message and told in message
    assert told.replace("label_from", "group_from") in message_of(read, fasta, group_from=source)


def test_column_of_a_file_that_is_no_table_leads_to_its_headers(fasta):
    message = message_of(read, fasta, label_from="column:OS")
    assert "not a table" in message and "label_from='header:OS'" in message
    assert read(fasta, label_from="header:OS")[0].label == "a"


@pytest.mark.parametrize("layout", ["here", "dot"])
def test_folder_of_a_file_beside_is_the_folder_one_is_in(layout, tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.fa").write_text("".join(f">s{i}\n{dna(50, name + str(i))}\n" for i in N))
    monkeypatch.chdir(tmp_path / "a")
    own = "x.fa" if layout == "here" else "./x.fa"
    assert {record.label for record in read(own, "../b/x.fa", label_from="folder")} == {"a", "b"}


@pytest.mark.parametrize("source", ["header:gene", r"header-regex:gene=(\w+)"])
def test_groups_that_no_record_has_are_explained(source, fasta, tmp_path):
    message = message_of(prepare, fasta, tmp_path / "data", label_from="header:OS", group_from=source)
    for part in ("no record has a group", "'s0'", "s0 OS=a OX=3", "group_from"):
        assert part in message


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.csv", "id,label\n", "has no rows"),
        ("t.fa", ">s0 a\nACGTACGTACGT\n>s1 b\nACGTTTGCAAGA\n", "it seems to be FASTA"),
        ("t.json", json.dumps({f"s{i}": "ab"[i % 2] for i in N}), "one object of ids and labels"),
        ("t.txt", "id label\ns0 a\ns1 b\n", "delimiter='space'"),
        ("t.txt", "s0 a\ns1 b\n", "delimiter='space'"),
        ("t.csv", "# made today\nsample,kind\ns0,a\n", "the first line is a comment"),
    ],
)
def test_tables_that_are_something_else_are_explained(name, content, told, fasta, tmp_path):
    (tmp_path / name).write_text(content)
    assert told in message_of(read, fasta, label_from=f"table:{tmp_path / name}")


def test_advice_on_spaces_between_cells_works(fasta, tmp_path):
    (tmp_path / "t.txt").write_text("id label\n" + "".join(f"s{i} {'ab'[i % 2]}\n" for i in N))
    assert read(fasta, label_from=f"table:{tmp_path / 't.txt'}", delimiter="space")[1].label == "b"


@pytest.mark.parametrize("separator", [",", "|", ";"])
def test_rows_of_one_id_are_put_together_if_ids_may_have_several_labels(separator, fasta, tmp_path):
    path = tmp_path / "t.tsv"
    rows = [f"s{i}\t{name}\n" for name in ("GO:1", "GO:2", "GO:1") for i in N if i % 4 or name == "GO:1"]
    path.write_text("id\tlabel\n" + "".join(rows) + f"s0\tGO:3{separator}GO:1\n")
    message = message_of(read, fasta, label_from=f"table:{path}")
    assert "'GO:2'" in message and "label_separator" in message
    data = prepare(fasta, tmp_path / "data", label_from=f"table:{path}", label_separator=separator)
    assert data.classes == ["GO:1", "GO:2", "GO:3"]
    labels = [data.label_objective.decode(row) for row in data.labels[:2]]
    assert [list(names) for names in labels] == [["GO:1", "GO:3"], ["GO:1", "GO:2"]]
    assert any("put together" in note for note in data.info["notes"])


def test_one_label_for_each_is_still_found(fasta, table, tmp_path):
    assert set(label_of(prepare(fasta, tmp_path / "data", label_from=f"table:{table}")).values()) == {"x", "y"}
