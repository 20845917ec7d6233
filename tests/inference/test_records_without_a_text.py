"""Records of JSON and GenBank without a text that can be read are bad records like others: stop, skip or mark."""

import json

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.inference.predict import predict
from tests.support import write_fasta
from tests.support.preparing import message_of, read

GOOD = [{"id": f"g{i}", "text": "ACGTTGCA" * (i + 1)} for i in range(3)]
BAD = {
    "null": {"id": "b", "text": None},
    "missing": {"id": "b"},
    "number": {"id": "b", "text": 5},
    "object": {"id": "b", "text": {"a": 1}},
    "words": {"id": "b", "text": ["ACGT", "ACGT"]},
    "empty": {"id": "b", "text": ""},
}


def write(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def call(trained, *arguments):
    return CliRunner().invoke(app, ["predict", "--run", str(trained.path), *map(str, arguments)])


@pytest.mark.parametrize("bad", BAD)
def test_rows_without_a_text_are_marked_or_skipped(bad, trained, tmp_path):
    file = write(tmp_path / "x.jsonl", [GOOD[0], BAD[bad], *GOOD[1:]])
    marked = list(predict(file, trained, on_error="mark"))
    assert [p.id for p in marked] == ["g0", "b", "g1", "g2"]
    assert [bool(p.label) for p in marked] == [True, False, True, True]
    assert "x.jsonl: " in marked[1].error and "line 2" in marked[1].error
    assert [p.id for p in predict(file, trained, on_error="skip")] == ["g0", "g1", "g2"]
    shown = call(trained, file)
    assert shown.exit_code == 1
    assert "--on-error skip leaves such records out" in " ".join(shown.output.split())


def test_preparing_stops_at_a_row_without_a_text(tmp_path):
    rows = [{**row, "label": "a"} for row in [GOOD[0], BAD["null"], GOOD[1]]]
    assert "x.jsonl: line 2: 'text' must be a string" in message_of(read, write(tmp_path / "x.jsonl", rows))


def test_a_list_of_words_is_named(tmp_path):
    message = message_of(read, write(tmp_path / "x.jsonl", [{"text": ["a", "walking", "stone"]}, {"text": ["b"]}]))
    assert "'text' is a list of texts, ['a', 'walking', 'stone']; join them into one text, such as 'a walking stone'" in message


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("form", ["jsonl", "fasta"])
def test_nothing_to_predict_is_an_error(n, form, trained, tmp_path):
    if form == "jsonl":
        file = write(tmp_path / "x.jsonl", [BAD["null"]] * n)
    else:
        file = write_fasta(tmp_path / "x.fa", [(f"b{i}", "AC-GT") for i in range(n)])
    out = tmp_path / "out.tsv"
    shown = call(trained, file, "--on-error", "skip", "-o", out)
    assert (shown.exit_code, out.exists()) == (1, False)
    assert ("none of the 3 records can" if n == 3 else "the only record cannot") in " ".join(shown.output.split())
    assert call(trained, file, "--on-error", "mark", "-o", out).exit_code == 0
    assert len(out.read_text().splitlines()) == n + 1
