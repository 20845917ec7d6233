"""A file that breaks off: an error that counts what was read; with an option, the predictions of that, and the same error."""

import gzip
import json

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.inference.predict import predict
from seqmix.models.predictor import Tally
from tests.support.preparing import dna, message_of, packed, read

ROWS = [(f"s{i}", dna(60, i)) for i in range(400)]
FORMS = {
    "fa": "".join(f">{name}\n{text}\n" for name, text in ROWS),
    "fq": "".join(f"@{name}\n{text}\n+\n{'I' * 60}\n" for name, text in ROWS),
    "csv": "id,text\n" + "".join(f"{name},{text}\n" for name, text in ROWS),
    "tsv": "text\tid\n" + "".join(f"{text}\t{name}\n" for name, text in ROWS),
    "jsonl": "".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in ROWS),
}


def call(trained, *arguments):
    return CliRunner().invoke(app, ["predict", "--run", str(trained.path), *map(str, arguments)])


def kept(file, trained, on_error="skip"):
    """Return how many records of a file are predicted: whole ones, from the first on; and why it ends."""
    tally = Tally()
    found = list(predict(file, trained, on_error=on_error, tally=tally))
    assert [(one.id, one.length) for one in found] == [(name, 60) for name, _ in ROWS[: len(found)]]
    return len(found), tally.broken_off


@pytest.mark.parametrize("place", [0.3, 0.9])
@pytest.mark.parametrize("form", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("kind", FORMS)
def test_what_can_be_read_of_a_packed_file_is_predicted(kind, form, place, trained, tmp_path):
    content = FORMS[kind].encode()
    parts = b"".join(packed(form, content[start : start + 2000]) for start in range(0, len(content), 2000))
    file = tmp_path / f"x.{kind}.{form}"
    file.write_bytes(parts[: int(place * len(parts)) - 3])
    count, why = kept(file, trained)
    assert place * len(ROWS) - 70 < count < place * len(ROWS) + 5 and len(why) == 1
    assert f"ends too early; it was cut off: copy or download it again; {count} records of it were read" in why[0]
    message = message_of(lambda: list(predict(file, trained)))
    assert f"{count} records of it were read; on_error='skip' keeps their predictions" in message


@pytest.mark.parametrize("on_error", ["skip", "mark"])
def test_a_file_of_one_stream_is_read_as_far_as_it_goes(on_error, trained, tmp_path):
    content = gzip.compress(FORMS["fa"].encode())
    file = tmp_path / "x.fa.gz"
    file.write_bytes(content[: len(content) // 2])
    count, why = kept(file, trained, on_error)
    assert 150 < count < 250 and why


@pytest.mark.parametrize(("kind", "cut"), [("fq", 90), ("fq", 125), ("jsonl", 5), ("jsonl", 50), ("tsv", 8)])
def test_plain_files_that_show_it_break_off(kind, cut, trained, tmp_path):
    file = tmp_path / f"x.{kind}"
    file.write_text(FORMS[kind][:-cut])
    count, why = kept(file, trained)
    assert count == 399 and "399 records of it were read" in why[0]
    assert "399 records of it were read" in message_of(read, file)


@pytest.mark.parametrize("bad", ["{not json}\n", "[1, 2]\n", '{"id": "x", "id": "y"}\n'])
def test_damage_in_the_middle_keeps_what_is_before_it(bad, trained, tmp_path):
    lines = FORMS["jsonl"].splitlines(keepends=True)
    file = tmp_path / "x.jsonl"
    file.write_text("".join([*lines[:300], bad, *lines[300:]]))
    count, why = kept(file, trained)
    assert count == 300 and "line 301" in why[0]


@pytest.mark.parametrize("on_error", ["skip", "mark"])
def test_command_writes_what_it_has_and_fails(on_error, trained, tmp_path):
    file, other, out = tmp_path / "x.fq", tmp_path / "y.fa", tmp_path / "out.tsv"
    file.write_text(FORMS["fq"][:-100])
    other.write_text(FORMS["fa"])
    shown = call(trained, file, other, "--on-error", on_error, "-o", out)
    text = " ".join(shown.output.split())
    assert shown.exit_code == 1 and len(out.read_text().splitlines()) == 1 + 399 + 400
    assert "the predictions cover only part of the input" in text and "399 records of it were read" in text
    assert call(trained, file, "-o", tmp_path / "none.tsv").exit_code == 1
    assert not (tmp_path / "none.tsv").exists()


def test_a_file_without_a_whole_record_is_an_error(trained, tmp_path):
    file, out = tmp_path / "x.fa.gz", tmp_path / "out.tsv"
    file.write_bytes(gzip.compress(FORMS["fa"].encode())[:12])
    assert call(trained, file, "--on-error", "skip", "-o", out).exit_code == 1
    assert not out.exists()


def test_a_program_without_a_tally_gets_a_note(trained, tmp_path, caplog):
    file = tmp_path / "x.fq"
    file.write_text(FORMS["fq"][:-100])
    assert len(list(predict(file, trained, on_error="skip"))) == 399
    assert "399 records of it were read" in caplog.text
