"""A bad record among good ones: the prediction stops and says how to go on, leaves it out, or gives it an empty row."""

import csv
import io
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, InputError
from seqmix.inference.predict import predict
from seqmix.models import predictor
from seqmix.models.predictor import Tally
from tests.support import write_fasta

GOOD = [(f"g{i}", "ACGTTGCA" * (i + 1)) for i in range(6)]
BAD = {"empty": "", "gap": "ACGT-ACGT", "star": "ACGTACGT*", "letter": "ACGEFL", "space": "  ", "accent": "ACGÉ"}


def mixed(path, bad="ACGT-"):
    """Write good records with a bad one first, in the middle and at the end."""
    (path.parent).mkdir(exist_ok=True)
    path.write_text(
        "".join(f">{n}\n{s}\n" for n, s in [("b0", bad), *GOOD[:3], ("b1", bad), *GOOD[3:], ("b2", bad)]), encoding="latin-1"
    )
    return path


@pytest.fixture(scope="module")
def alone(trained, tmp_path_factory):
    """The predictions of the good records by themselves."""
    return list(predict(write_fasta(tmp_path_factory.mktemp("good") / "new.fa", GOOD), trained))


def same(found, expected):
    assert [(p.id, p.length, p.label) for p in found] == [(p.id, p.length, p.label) for p in expected]
    for p, q in zip(found, expected, strict=True):
        assert list(p.probabilities.values()) == pytest.approx(list(q.probabilities.values()), abs=1e-6)


@pytest.mark.parametrize(("bad", "window"), [*((bad, 4) for bad in BAD.values()), (BAD["gap"], 1), (BAD["gap"], 4096)])
def test_bad_records_are_skipped_or_marked_in_order(bad, window, trained, alone, tmp_path, monkeypatch):
    monkeypatch.setattr(predictor, "_WINDOW_RECORDS", window)
    file, tally = mixed(tmp_path / "x.fa", bad), Tally()
    same(list(predict(file, trained, on_error="skip", tally=tally)), alone)
    assert (tally.records, tally.skipped, tally.marked) == (6, 3, 0)
    tally = Tally()
    marked = list(predict(file, trained, on_error="mark", tally=tally, batch_size=2))
    assert [p.id for p in marked] == ["b0", "g0", "g1", "g2", "b1", "g3", "g4", "g5", "b2"]
    same([p for p in marked if p.error is None], alone)
    assert {(p.label, len(p.probabilities), p.value, p.length) for p in marked if p.error} == {("", 0, None, len(bad.strip()))}
    assert (tally.records, tally.skipped, tally.marked) == (6, 0, 3)
    (line,) = tally.lines(trained.config.data)
    assert line.startswith("given an empty label: 3 of 9 records, which cannot be predicted; the first: ")
    assert "x.fa: record 'b0' (line 1): " in line


def test_prediction_stops_by_default_and_names_the_option(trained, tmp_path):
    with pytest.raises(InputError, match=r"record 'b0'.*; on_error='skip' leaves such records out and on_error='mark' gives"):
        list(predict(mixed(tmp_path / "x.fa"), trained))
    result = CliRunner().invoke(app, ["predict", str(tmp_path / "x.fa"), "--run", str(trained.path)])
    assert result.exit_code == 1 and result.stdout == ""
    assert "--on-error skip leaves such records out and --on-error mark gives them an empty label" in result.stderr


def test_every_record_may_be_bad(trained, tmp_path):
    file = write_fasta(tmp_path / "x.fa", [("a", "-"), ("b", "*")])
    assert list(predict(file, trained, on_error="skip")) == []
    assert [(p.id, p.label, p.length) for p in predict(file, trained, on_error="mark")] == [("a", "", 1), ("b", "", 1)]


def test_sequences_in_memory_take_the_option(trained, alone):
    found = trained.predict([*GOOD[:2], ("b", "AC-GT"), *GOOD[2:]], on_error="skip")
    same(found, alone)
    rows = trained.predict_proba([GOOD[0], ("b", ""), GOOD[1]], on_error="mark")
    assert np.isnan(rows[1]).all() and np.isfinite(rows[[0, 2]]).all()
    with pytest.raises(ConfigError, match="on_error must be one of stop, skip, mark"):
        trained.predict(["ACGT"], on_error="ignore")
    with pytest.raises(InputError, match="pair"):  # a mistake that all records share is not one of a record
        trained.predict([{"text": "ACGT", "pair": "ACGT"}], on_error="skip")


def test_estimators_do_not_name_an_option_that_they_lack(trained):
    model = seqmix.SeqmixClassifier(mixer="none").fit(["ACGTACGA", "GGCCGGCC"] * 6, ["a", "b"] * 6)
    with pytest.raises(ValueError, match="at position") as caught:
        model.predict(["ACGTACGA", "AC-"])
    assert "on_error" not in str(caught.value)


@pytest.fixture
def call(trained):
    def run(*arguments, code=0):
        result = CliRunner().invoke(app, ["predict", *map(str, arguments), "--run", str(trained.path)])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.mark.parametrize(("form", "delimiter"), [("tsv", "\t"), ("csv", ",")])
@pytest.mark.parametrize(("options", "columns"), [((), 6), (("--no-probabilities",), 4), (("--top", 1), 6)])
def test_marked_row_has_empty_cells(form, delimiter, options, columns, call, tmp_path):
    result = call(mixed(tmp_path / "x.fa"), "--on-error", "mark", "--format", form, *options)
    rows = list(csv.reader(io.StringIO(result.stdout), delimiter=delimiter))
    assert {len(row) for row in rows} == {columns}
    assert [row[0] for row in rows if not any(row[2:])] == ["b0", "b1", "b2"]
    assert rows[1] == ["b0", "5", *[""] * (columns - 2)]
    assert "note: given an empty label: 3 of 9 records" in result.stderr


def test_marked_line_of_json_has_null(call, tmp_path):
    lines = [
        json.loads(line)
        for line in call(mixed(tmp_path / "x.fa"), "--on-error", "mark", "--format", "jsonl").stdout.splitlines()
    ]
    assert [line["id"] for line in lines if line["label"] is None and line["prob"] is None] == ["b0", "b1", "b2"]
    assert "'-' at position 5" in lines[0]["error"] and "error" not in lines[1]


# Several files.


def test_rows_of_several_files_name_the_file(call, tmp_path):
    a, b = (write_fasta(tmp_path / f"{name}.fa", [("same", "ACGT"), (name, "GGCC")]) for name in "ab")
    for form, delimiter in (("tsv", "\t"), ("csv", ",")):
        result = call(a, b, "--format", form)
        rows = list(csv.DictReader(io.StringIO(result.stdout), delimiter=delimiter))
        assert list(rows[0])[:3] == ["id", "file", "length"]
        assert [(row["id"], row["file"]) for row in rows] == [("same", str(a)), ("a", str(a)), ("same", str(b)), ("b", str(b))]
    assert "note: 1 record has the id of an earlier record; the column 'file' tells those of different files apart" in " ".join(
        result.stderr.split()
    )
    lines = [json.loads(line) for line in call(tmp_path, "--format", "jsonl").stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(a), str(a), str(b), str(b)]
    assert call(a).stdout.startswith("id\tlength\t")
    assert "note" not in call(a).stderr


# The format of the output.


@pytest.mark.parametrize("name", ["p.tsv", "p.csv", "P.CSV", "p.jsonl", "p.x.tsv.gz", "p.csv.bz2", "p.jsonl.xz", "p.tsv.GZ"])
def test_format_and_packing_follow_the_ending(name, call, tmp_path):
    import bz2
    import gzip
    import lzma

    file = write_fasta(tmp_path / "new.fa", GOOD)
    call(file, "-o", tmp_path / name)
    unpack = {"gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}.get(name.lower().rsplit(".")[-1], bytes)
    text = unpack((tmp_path / name).read_bytes()).decode()
    form = next(form for form in ("tsv", "csv", "jsonl") if f".{form}" in name.lower())
    assert text == call(file, "--format", form).stdout
    assert text.startswith({"tsv": "id\tlength", "csv": "id,length", "jsonl": '{"id": "g0"'}[form])


@pytest.mark.parametrize("name", ["p.txt", "p", "p.json", "p.gz", "p.csv.zst", "p.xlsx", "p.parquet", "p.csv.gz.gz"])
def test_other_ending_is_refused(name, call, tmp_path):
    message = call(tmp_path / "missing.fa", "-o", tmp_path / name, code=1).stderr
    assert "the ending must say the format of the predictions: .tsv, .csv, .jsonl, each also with .gz, .bz2, .xz" in message
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(("name", "form"), [("p.csv", "tsv"), ("p.tsv.gz", "jsonl"), ("p.jsonl", "csv")])
def test_format_that_contradicts_the_ending_is_refused(name, form, call, tmp_path):
    message = call(tmp_path / "missing.fa", "-o", tmp_path / name, "--format", form, code=1).stderr
    assert f"the ending says {name.split('.')[1]}, --format says {form}" in message


def test_format_may_be_stated_where_the_ending_says_nothing(call, tmp_path):
    file = write_fasta(tmp_path / "new.fa", GOOD)
    call(file, "-o", tmp_path / "p.txt", "--format", "csv")
    assert (tmp_path / "p.txt").read_text() == call(file, "-o", "-", "--format", "csv").stdout


def test_dash_is_standard_output_and_messages_go_elsewhere(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = write_fasta(tmp_path / "new.fa", [*GOOD, ("b", "AC-")])
    result = call(file, "-o", "-", "--on-error", "skip", "-v")
    assert result.stdout == call(write_fasta(tmp_path / "good.fa", GOOD)).stdout
    assert "note: left out: 1 of 7" in result.stderr and "6 predictions of" in result.stderr
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("content", [b"bad \xff\xfe text", b"", b"\xc3"], ids=["bytes", "empty", "cut"])
def test_a_document_that_cannot_be_read_does_not_end_the_others(content, tmp_path):
    rows = "".join(f"{i},{('salt pan', 'mast wind')[i % 2]} {i},{'xy'[i % 2]}\n" for i in range(30))
    (tmp_path / "texts.csv").write_text(f"id,text,label\n{rows}")
    data = seqmix.prepare(tmp_path / "texts.csv", tmp_path / "data")
    run = seqmix.train(data, tmp_path / "run", epochs=1, settings=["model.d_model=4", "mixer.d_hidden=4"])
    new = tmp_path / "new"
    new.mkdir()
    for name, text in {"a": b"salt pan", "b": content, "c": b"mast wind"}.items():
        (new / f"{name}.txt").write_bytes(text)
    marked = list(predict(new, run, on_error="mark"))
    assert [found.id for found in marked] == ["a.txt", "b.txt", "c.txt"]
    assert [found.label == "" for found in marked] == [False, True, False]
    assert [found.id for found in predict(new, run, on_error="skip")] == ["a.txt", "c.txt"]
    with pytest.raises(InputError, match=r"b\.txt"):
        list(predict(new, run))


@pytest.mark.parametrize(("texts", "count"), [(["NNNN", "ACGT"], 1), (["nnn", "N", "ACGN"], 2), (["ACGT"], 0)])
def test_sequences_of_unknown_letters_alone_are_told(texts, count, trained):
    tally = Tally()
    trained.predict(texts, tally=tally)
    assert tally.unknown == count
    assert any("of unknown letters alone" in line for line in tally.lines(trained.config.data)) is bool(count)


@pytest.mark.parametrize(
    ("on_error", "expected"), [("skip", "left out: 1 of 3 records"), ("mark", "given an empty label: 1 of 3 records"), ("", "")]
)
def test_quiet_does_not_hide_that_records_are_missing(on_error, expected, trained, tmp_path):
    bad = [] if not on_error else [("bad", "ACGT!")]
    file = write_fasta(tmp_path / "x.fa", [("one", "ACGTACGT"), *bad, ("two", "GGCCGGCC")])
    options = ["--on-error", on_error] if on_error else []
    found = CliRunner().invoke(app, ["predict", "-q", str(file), "--run", str(trained.path), *options])
    assert found.exit_code == 0
    assert [" ".join(found.stderr.split()).startswith(f"note: {expected}"), not found.stderr] == [bool(expected), not expected]
