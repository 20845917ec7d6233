"""Where a table has no column with a usual name for labels, the column that looks most like labels is offered."""

import pytest

from tests.support.preparing import prepare


def write(path, columns, n=30):
    rows = [",".join(columns)] + [",".join(str(make(i)) for make in columns.values()) for i in range(n)]
    path.write_text("\n".join(rows) + "\n")
    return path


def text(i):
    return f"The {i} teams of the season"


def protein(i):
    return "MKVLAAGICWHHEDRNQPST" + "ACDEFGHIKL" * (i + 1)


TITLE, DATE = (lambda i: f"Title {'abcdefgh'[i % 8]}{i}"), (lambda i: f"2017-01-{i:02}")
ACCESSION, PARTITION = (lambda i: f"Q{i}"), (lambda i: i % 5)
TWO, THREE = (lambda i: ["biz", "sport"][i % 2]), (lambda i: "xyz"[i % 3])
TABLES = {
    "subject": {"title": TITLE, "text": text, "subject": TWO, "date": DATE},
    "Kingdom": {"ACC": ACCESSION, "Kingdom": THREE, "Partition": PARTITION, "Sequence": protein},
    "Cytoplasm": {
        "ACC": ACCESSION,
        "Kingdom": lambda _: "Metazoa",
        "Partition": PARTITION,
        "Cytoplasm": lambda i: i % 2,
        "Sequence": protein,
    },
    "mood": {"url": lambda i: f"http://a/{i}", "text": text, "lang": TWO, "mood": THREE},
    "category": {"author": TWO, "text": text, "category": THREE},
    "fitness": {"mutant": lambda i: f"A{i}C", "sequence": protein, "fitness": lambda i: f"0.{i}"},
}


@pytest.mark.parametrize("column", TABLES)
def test_the_column_that_looks_like_labels_is_offered(column, tmp_path):
    notes = " ".join(prepare(write(tmp_path / "x.csv", TABLES[column]), tmp_path / "data").info["notes"])
    assert f"if '{column}' is the label: --label-from column:{column} (other columns: " in notes


def test_columns_of_which_every_cell_is_another_are_not_offered(tmp_path):
    columns = {"title": lambda i: f"Title of {i}", "text": text, "url": lambda i: f"http://a/{i}"}
    notes = " ".join(prepare(write(tmp_path / "x.csv", columns), tmp_path / "data").info["notes"])
    assert "if one holds the labels: --label-from column:NAME (columns: title, url)" in notes


def test_names_of_files_are_offered_beside_columns(tmp_path):
    files = [write(tmp_path / f"{name}.csv", TABLES["subject"]) for name in ("Fake", "True")]
    notes = " ".join(prepare(files, tmp_path / "data").info["notes"])
    assert "--label-from column:subject" in notes
    assert "if the names of the files are: --label-from file" in notes


@pytest.mark.parametrize(("chosen", "other"), [("Target", "Stance"), ("class", "family"), ("target", "emotion")])
def test_another_column_that_may_hold_the_labels_is_told(chosen, other, tmp_path):
    columns = {"id": lambda i: i, chosen: lambda i: "abc"[i % 3], "text": text, other: lambda i: ["FAVOR", "AGAINST"][i % 2]}
    notes = " ".join(prepare(write(tmp_path / "x.csv", columns), tmp_path / "data").info["notes"])
    assert f"the labels are read from column '{chosen}', not '{other}' (--label-from)" in notes


@pytest.mark.parametrize(
    "other", [lambda i: ["A", "B", "C"][i % 3], lambda i: f"kind {i}", lambda i: "one"], ids=["same", "different", "constant"]
)
def test_columns_that_are_no_other_labels_are_not_told(other, tmp_path):
    columns = {"text": text, "target": lambda i: "abc"[i % 3], "category": other}
    assert prepare(write(tmp_path / "x.csv", columns), tmp_path / "data").info["notes"] == []
