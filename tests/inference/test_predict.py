"""Prediction: the same answer for the same sequence whatever stands beside it, in order, in any format, whole or not there."""

import csv
import gzip
import io
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.config import DataConfig
from seqmix.errors import ConfigError, InputError, RunError
from seqmix.inference import predict as prediction
from seqmix.inference.predict import predict, reading_options
from seqmix.inference.writing import write_predictions
from seqmix.models import predictor
from seqmix.models.predictor import Prediction, Tally
from seqmix.system.files import text_output
from tests.support import random_dna, write_fasta


@pytest.fixture(scope="module")
def sequences():
    rng = random.Random(3)
    lengths = [1, 2, 7, 200, 33, 64, 65, 150, 8, 90, 41]
    records = [(f"record-{i}", random_dna(n, rng, (3, 1, 1, 3) if i % 2 else (1, 3, 3, 1))) for i, n in enumerate(lengths)]
    return [*records, ("record-3", "ACGTN"), ("odd id", "acguryN"), ("Ünïcode|x", "A" * 50)]


@pytest.fixture(scope="module")
def fasta(sequences, tmp_path_factory):
    return write_fasta(tmp_path_factory.mktemp("new") / "new.fa", sequences)


@pytest.fixture(scope="module")
def expected(fasta, trained):
    return list(predict(fasta, trained))


def values(predictions):
    return np.array([list(p.probabilities.values()) for p in predictions])


def cli(*arguments, code=0, **options):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)], **options)
    assert result.exit_code == code, result.output
    return result


# Predictions.


def test_ids_lengths_and_order_match_input(expected, sequences):
    assert [p.id for p in expected] == [header.split()[0] for header, _ in sequences]
    assert [p.length for p in expected] == [len(sequence) for _, sequence in sequences]


def test_label_is_most_probable_class(expected):
    for p in expected:
        assert list(p.probabilities) == ["atrich", "gcrich"]
        assert sum(p.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
        assert p.probabilities[p.label] == max(p.probabilities.values())
    assert {p.label for p in expected} == {"atrich", "gcrich"}


@pytest.mark.parametrize(
    "options", [{"batch_size": 1}, {"batch_size": 2}, {"batch_size": 100}, {"tokens_per_batch": 70}], ids=str
)
def test_probabilities_do_not_depend_on_the_batch_size(options, expected, fasta, trained):
    found = list(predict(fasta, trained, **options))
    assert [p.id for p in found] == [p.id for p in expected]
    np.testing.assert_allclose(values(found), values(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("mixer", seqmix.available_mixers())
def test_probabilities_do_not_depend_on_neighbours(mixer, dataset, sequences, tmp_path):
    small = ["model.d_model=8", *(["mixer.n_landmarks=16"] if mixer == "skyformer" else [])]
    run = seqmix.train(dataset, tmp_path / "run", mixer=mixer, epochs=1, settings=small, pooling="cls", lr=1e-2)
    together = values(predict(write_fasta(tmp_path / "all.fa", sequences), run))
    backwards = values(predict(write_fasta(tmp_path / "backwards.fa", sequences[::-1]), run, batch_size=3))
    np.testing.assert_allclose(backwards[::-1], together, rtol=0, atol=1e-5)
    for i in (0, 3, 6):
        alone = values(predict(write_fasta(tmp_path / f"{i}.fa", sequences[i : i + 1]), run))
        np.testing.assert_allclose(alone[0], together[i], rtol=0, atol=1e-5)
    assert np.ptp(together[:, 0]) > 1e-3


def test_vocabulary_of_model_is_used(trained, tmp_path):
    tally = Tally()
    lower, upper, ambiguous = (
        values(predict(write_fasta(tmp_path / f"{name}.fa", [("x", text)]), trained, tally=tally))
        for name, text in (("lower", "acgu" * 5), ("upper", "ACGT" * 5), ("iupac", "ACGR" * 5))
    )
    np.testing.assert_array_equal(lower, upper)
    assert not np.array_equal(ambiguous, upper)
    assert tally.replaced == {"R": 5}
    assert any("'R' 5" in line for line in tally.lines(trained.config.data))
    with pytest.raises(InputError, match=r"protein\.fa: record 'p1' \(line 1\): 'E' at position 4"):
        list(predict(write_fasta(tmp_path / "protein.fa", [("p1", "ACGEFL")]), trained))


@pytest.mark.parametrize(("truncate", "kept"), [("start", slice(0, 45)), ("end", slice(-45, None))])
def test_sequences_are_truncated_as_in_training(truncate, kept, dataset, tmp_path):
    settings = ["model.d_model=4", "mixer.d_hidden=4", f"data.truncate={truncate}"]
    run = seqmix.train(dataset, tmp_path / "run", pooling="flat", max_length=45, epochs=1, settings=settings)
    sequence = random_dna(100, random.Random(4))
    tally = Tally()
    (whole,) = predict(write_fasta(tmp_path / "whole.fa", [("x", sequence)]), run, tally=tally)
    (part,) = predict(write_fasta(tmp_path / "part.fa", [("x", sequence[kept])]), run)
    assert whole.probabilities == part.probabilities
    assert (whole.length, part.length) == (100, 45)
    assert tally.truncated == 1
    assert f"cut to 45 characters ({truncate} kept)" in tally.lines(run.config.data)[0]


@pytest.mark.parametrize(
    ("text", "rest"), [("~~~^^##@!", ""), ("~~~^^##@!%", " and 1 other"), ("~~~^^##@!%&", " and 2 others")]
)
def test_counts_of_unknown_characters_add_up_to_their_total(text, rest):
    expected = f"{len(text)} characters are not in the model's alphabet: '~' 3, '^' 2, '#' 2, '@' 1, '!' 1{rest}"
    assert Tally(replaced=Counter(text)).lines(DataConfig()) == [expected]


def test_sequence_too_long_for_model_is_an_error(dataset, tmp_path):
    settings = ["model.d_model=4", "mixer.d_hidden=4"]
    run = seqmix.train(dataset, tmp_path / "run", pooling="flat", epochs=1, settings=settings)
    longest = int(dataset.lengths.max())
    file = write_fasta(tmp_path / "long.fa", [("fits", "A" * longest), ("long", "A" * (longest + 1))])
    with pytest.raises(InputError, match=rf"record 'long' \(line 3\).*{longest + 1} characters.*at most {longest}"):
        list(predict(file, run))


def test_only_the_run_folder_is_needed(trained, fasta, expected, tmp_path):
    run = Path(shutil.copytree(trained.path, tmp_path / "run"))
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace(trained.config.data.path, "/gone"))
    for name in ("last", "metrics.jsonl", "environment.json"):
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    assert list(predict(fasta, run)) == expected


# Input.


def test_predict_reads_every_input_of_prepare(sequences, expected, trained, fasta, tmp_path):
    (tmp_path / "new.fa.gz").write_bytes(gzip.compress(fasta.read_bytes()))
    with (tmp_path / "new.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "sequence", "label"])
        writer.writerows([header.split()[0], sequence, "unheard-of"] for header, sequence in sequences)
    lines = (json.dumps({"id": header.split()[0], "sequence": sequence}) for header, sequence in sequences)
    (tmp_path / "new.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "new.fastq").write_text("".join(f"@{h}\n{s}\n+\n{'I' * len(s)}\n" for h, s in sequences))
    for name in ("new.fa.gz", "new.csv", "new.jsonl", "new.fastq"):
        found = list(predict(tmp_path / name, trained))
        wanted = expected[:-1] if name == "new.fastq" else expected  # FASTQ is ASCII
        assert [p.id for p in found[: len(wanted)]] == [p.id for p in wanted], name
        np.testing.assert_allclose(values(found), values(expected), rtol=0, atol=1e-9)


def test_several_inputs_are_predicted_in_order(fasta, expected, trained):
    assert list(predict([fasta, str(fasta)], trained)) == expected * 2


def test_standard_input_is_read(fasta, expected, trained, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(fasta.read_bytes())))
    assert list(predict("-", trained)) == expected


def test_newest_run_is_the_default(trained, fasta, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"seqmix\.train"):
        list(predict(fasta))
    shutil.copytree(trained.path, tmp_path / "runs" / "001-paramixer-chord")
    assert list(predict(fasta)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty|no record"),
        (b"\x00\x01\x02\xff" * 100, "x.fa"),
        (b">a\nACGT\n>b\n>c\nACGT\n", "record 'b'.*no sequence"),
        (gzip.compress(b">a\n" + b"ACGT" * 1000, mtime=0)[:-20], "cut off"),
    ],
    ids=["empty", "binary", "header without sequence", "cut gzip"],
)
def test_bad_input_is_explained(content, message, trained, tmp_path):
    (tmp_path / "x.fa").write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(predict(tmp_path / "x.fa", trained))


def test_invalid_options_are_explained(fasta, trained):
    with pytest.raises(ConfigError, match="batch_size"):
        list(predict(fasta, trained, batch_size=-1))
    with pytest.raises(ConfigError, match="choose from: auto, cpu"):
        list(predict(fasta, trained, device="cuda:9"))
    with pytest.raises(InputError, match="no such file"):
        list(predict("missing.fa", trained))


# Memory.


def test_records_are_read_in_windows(trained, two_class_files, monkeypatch):
    read = []

    class Counting(prediction.RecordReader):
        def __iter__(self):
            for record in super().__iter__():
                read.append(len(record.text))
                yield record

    monkeypatch.setattr(prediction, "RecordReader", Counting)
    predictions = predict(two_class_files, trained, tokens_per_batch=100)
    most = 0
    for given, _ in enumerate(predictions):
        most = max(most, sum(read[given:]))  # characters read but not yet yielded
    assert len(read) == 80
    assert most <= 8 * 100 + 2 * 210  # a window, and the record that filled it
    assert most < sum(read) / 5


def test_many_short_records_are_read_in_windows(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(predictor, "_WINDOW_RECORDS", 10)
    tally = Tally()
    predictions = predict(write_fasta(tmp_path / "short.fa", [(f"{i}", "ACG") for i in range(100)]), trained, tally=tally)
    next(predictions)
    assert tally.records == 10
    assert len(list(predictions)) == 99


def test_progress_counts_every_record_once(fasta, expected, trained):
    done = []
    assert len(list(predict(fasta, trained, batch_size=4, on_batch=done.append))) == len(expected)
    assert sum(done) == len(expected)


# Output.


def written(predictions, **options):
    out = io.StringIO()
    write_predictions(predictions, out, classes=["atrich", "gcrich"], **options)
    return out.getvalue()


@pytest.mark.parametrize(("format", "delimiter"), [("tsv", "\t"), ("csv", ",")])
def test_tables_have_one_row_per_record(format, delimiter, expected):
    rows = list(csv.reader(io.StringIO(written(expected, format=format)), delimiter=delimiter))
    assert rows[0] == ["id", "length", "label", "prob_atrich", "prob_gcrich"]
    for row, p in zip(rows[1:], expected, strict=True):
        assert row[:3] == [p.id, str(p.length), p.label]
        assert [float(cell) for cell in row[3:]] == pytest.approx(list(p.probabilities.values()), abs=1e-6)


def test_json_lines_have_one_object_per_record(expected):
    objects = [json.loads(line) for line in written(expected, format="jsonl").splitlines()]
    for found, p in zip(objects, expected, strict=True):
        assert (found["id"], found["length"], found["label"]) == (p.id, p.length, p.label)
        assert found["prob"] == pytest.approx(p.probabilities, abs=1e-6)


@pytest.mark.parametrize("format", ["tsv", "csv"])
def test_any_id_round_trips(format):
    odd = ["a\tb", 'say "x"', "a,b", "Ünï", " blank ", "#1"]
    text = written([Prediction(name, 1, "atrich", {"atrich": 0.7, "gcrich": 0.3}) for name in odd], format=format)
    rows = list(csv.reader(io.StringIO(text), delimiter="\t" if format == "tsv" else ","))
    assert [row[0] for row in rows[1:]] == odd


def test_probabilities_can_be_left_out(expected):
    assert written(expected, with_probabilities=False).splitlines()[0] == "id\tlength\tlabel"
    assert all(line.count("\t") == 2 for line in written(expected, with_probabilities=False).splitlines())
    assert "prob" not in written(expected, format="jsonl", with_probabilities=False)


def test_top_k_lists_most_probable_classes():
    p = Prediction("x", 5, "b", {"a": 0.2, "b": 0.5, "c": 0.3})
    out = io.StringIO()
    write_predictions([p], out, classes=["a", "b", "c"], top=2)
    assert out.getvalue() == "id\tlength\tlabel\tlabel_1\tprob_1\tlabel_2\tprob_2\nx\t5\tb\tb\t0.5\tc\t0.3\n"
    out = io.StringIO()
    write_predictions([p], out, classes=["a", "b", "c"], top=1, format="jsonl")
    assert json.loads(out.getvalue())["top"] == [{"label": "b", "prob": 0.5}]


@pytest.mark.parametrize("options", [{"format": "xml"}, {"top": 3}, {"top": -1}], ids=str)
def test_invalid_output_options_are_explained(options, expected):
    with pytest.raises(ConfigError, match=r"format must be|top must be"):
        written(expected, **options)


def test_command_writes_same_as_function(fasta, expected, trained, tmp_path):
    text = written(expected, with_novelty=True)
    assert cli(fasta, "--run", trained.path).stdout == text
    result = cli(fasta, "--run", trained.path, "-o", tmp_path / "out.tsv")
    assert result.stdout == ""
    assert (tmp_path / "out.tsv").read_text(encoding="utf-8") == text
    cli(fasta, "--run", trained.path, "-o", tmp_path / "out.jsonl", "--format", "jsonl", "--top", "1", "--quiet")
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == len(expected)


def test_existing_output_is_kept_without_overwrite(fasta, expected, trained, tmp_path):
    out = tmp_path / "out.tsv"
    out.write_text("precious")
    result = cli(fasta, "--run", trained.path, "-o", out, code=1)
    assert "--overwrite" in result.stderr
    assert out.read_text() == "precious"
    cli(fasta, "--run", trained.path, "-o", out, "--overwrite")
    assert out.read_text(encoding="utf-8") == written(expected, with_novelty=True)


def test_bad_input_leaves_no_partial_output(trained, tmp_path):
    records = [(f"r{i}", "ACGT" * 10) for i in range(20)]
    file = write_fasta(tmp_path / "bad.fa", [*records, ("last", "ACGE")])
    for existing in (False, True):
        folder = tmp_path / str(existing)
        folder.mkdir()
        if existing:
            (folder / "out.tsv").write_text("precious")
        result = cli(file, "--run", trained.path, "-o", folder / "out.tsv", "--batch-size", "1", "--overwrite", code=1)
        assert "record 'last' (line 41)" in result.stderr
        assert [p.name for p in folder.iterdir()] == ["out.tsv"] * existing
        assert not existing or (folder / "out.tsv").read_text() == "precious"


def test_interruption_leaves_no_partial_output(tmp_path):
    with pytest.raises(KeyboardInterrupt), text_output(tmp_path / "out.tsv") as out:
        out.write("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_unwritable_output_is_explained(fasta, trained, tmp_path):
    (tmp_path / "file").write_text("")
    for bad in (tmp_path / "file" / "out.tsv", tmp_path / "missing" / "out.tsv", tmp_path):
        assert "cannot be written" in cli(fasta, "--run", trained.path, "-o", bad, code=1).stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_full_disk_is_explained(fasta, trained):
    # A device is not a file that could be lost, so it needs no --overwrite.
    result = cli(fasta, "--run", trained.path, "-o", "/dev/full", code=1)
    assert "/dev/full: cannot be written: No space left on device" in result.stderr
    assert Path("/dev/full").exists()


def command(*arguments):
    code = "from seqmix.cli import main; main()"
    return [sys.executable, "-c", code, "predict", *map(str, arguments)]


def test_full_disk_behind_standard_output_is_explained(fasta, trained):
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        result = subprocess.run(command(fasta, "--run", trained.path), stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1, result.stderr
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


def test_broken_pipe_ends_quietly(trained, tmp_path):
    file = write_fasta(tmp_path / "many.fa", [(f"record{i}", "ACGTAC") for i in range(12_000)])  # more than a pipe holds
    process = subprocess.Popen(command(file, "--run", trained.path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"id\tlength\tlabel\tprob_atrich\tprob_gcrich\tnovelty\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_reading_options_default_to_those_of_training_data(trained):
    found = reading_options(trained, encoding="latin-1", text_column=None)
    assert (found.encoding, found.format, found.classes, found.label_from) == ("latin-1", "auto", (), None)


def test_documents_use_characters_of_model(tmp_path):
    rng = random.Random(6)
    table = tmp_path / "texts.csv"
    with table.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["name", "body", "genre"])
        for i in range(30):
            words = rng.choices(["salt", "pan"] if i % 2 else ["mast", "wind"], k=5)
            writer.writerow([f"d{i}", " ".join(words), "cook" if i % 2 else "sail"])
    read = seqmix.ReadOptions(text_column="body", id_column="name", label_from="column:genre")
    data = seqmix.prepare(table, tmp_path / "data", read=read)
    run = seqmix.train(data, tmp_path / "run", epochs=1, settings=["model.d_model=4", "mixer.d_hidden=4"])
    tally = Tally()
    (tmp_path / "new.csv").write_text('name,body\nx,salt pän\ny,"a\nb"\n', encoding="utf-8")
    assert [p.id for p in predict(tmp_path / "new.csv", run, tally=tally)] == ["x", "y"]
    assert tally.replaced.keys() == {"ä", "b"}  # a line break is read as a space
