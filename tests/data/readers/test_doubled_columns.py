"""Columns that pandas renamed because their name occurred twice are pointed out."""

import json

import pytest

from tests.support.preparing import prepare

ROWS = [(f"s{i}", f"words {i}", "ab"[i % 2], "xy"[i // 2 % 2]) for i in range(12)]


@pytest.mark.parametrize("base", ["label", "text", "id", "Label", "class"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "table"])
def test_a_second_column_of_pandas_is_noted(base, form, tmp_path):
    label = base if base.lower() in ("label", "class") else "label"
    header = ("id", "text", label, f"{base}.1")
    path = tmp_path / f"x.{form.replace('table', 'csv')}"
    if form == "jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(header, row, strict=True))) for row in ROWS))
    else:
        path.write_text("".join(",".join(row) + "\n" for row in (header, *ROWS)))
    given = {}
    if form == "table":
        given = {"label_from": f"table:{path}"}
        path = tmp_path / "records.csv"
        path.write_text("id,text\n" + "".join(f"{row[0]},{row[1]}\n" for row in ROWS))
    data = prepare(path, tmp_path / "data", **given)
    assert data.classes == ["a", "b"]
    assert any(f"the column '{base}.1' seems to be a second column '{base}'" in note for note in data.info["notes"])


def test_other_columns_with_such_names_are_not_noted(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("text,label,score,score.1,version.1\n" + "".join(f"{row[1]},{row[2]},1,2,3\n" for row in ROWS))
    assert not any("second column" in note for note in prepare(path, tmp_path / "data").info["notes"])
    path.write_text("text,text.1,label\n" + "".join(f"{row[1]},{row[0]},{row[2]}\n" for row in ROWS))
    data = prepare(path, tmp_path / "pairs", pair_column="text.1")
    assert not any("second column" in note for note in data.info["notes"])
