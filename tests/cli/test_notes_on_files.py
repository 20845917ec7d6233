"""What was found out about files is told by predict and eval too, once each, on standard error."""

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from tests.support import write_fasta

AT, GC = "ATTATAATCATTAATA", "GCGGCCGCAGCGGCGC"
ROWS = [(f"n{i}", (AT, GC)[i % 2] * (1 + i), ("atrich", "gcrich")[i % 2]) for i in range(6)]


def semicolons(folder):
    text = "id;sequence;label\n" + "".join(f"{name};{text};{label}\n" for name, text, label in ROWS)
    (folder / "new.csv").write_text(text)
    return folder / "new.csv", "new.csv: the cells are separated by ';', not by ',' (--delimiter)"


def latin(folder):
    headed = "".join(f">{name} caf\xe9 label={label}\n{text}\n" for name, text, label in ROWS)
    (folder / "new.fa").write_bytes(headed.encode("latin-1"))
    return folder / "new.fa", "headers that are not utf-8 were read as latin-1"


def left_out(folder):
    (folder / "new").mkdir()
    write_fasta(folder / "new" / "x.fa", [(f"{name} label={label}", text) for name, text, label in ROWS])
    (folder / "new" / "plot.bin").write_bytes(b"\x00")
    return folder / "new", "left out: 1 file (plot.bin)"


def copied(folder):
    (folder / "new").mkdir()
    for file in ("x.fa", "y.fa"):
        write_fasta(folder / "new" / file, [(f"{name} label={label}", text) for name, text, label in ROWS])
    return folder / "new", "y.fa has the same records as"


def columns(folder):
    text = "id,text,sequence,label\n" + "".join(f"{name},{text},x,{label}\n" for name, text, label in ROWS)
    (folder / "new.csv").write_text(text)
    return folder / "new.csv", "the text is read from column 'text', not 'sequence' (--text-column)"


def run_cli(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("write", [semicolons, latin, left_out, copied, columns])
def test_predict_and_eval_tell_what_was_found_out_about_files(write, trained, tmp_path):
    place, note = write(tmp_path)
    predicted = run_cli("predict", place, "--run", trained.path)
    assert predicted.stderr.count(note) == 1 and note not in predicted.stdout
    evaluated = run_cli("eval", trained.path, "--data", place, "--no-baselines", "-o", tmp_path / "out")
    assert evaluated.stderr.count(note) == 1
    assert "split" not in evaluated.stderr  # such files are not divided
    assert note not in run_cli("predict", place, "--run", trained.path, "-q").stderr


def test_a_file_given_twice_is_told_as_such(trained, tmp_path):
    file = write_fasta(tmp_path / "new.fa", [(name, text) for name, text, _ in ROWS])
    assert "new.fa is given twice" in run_cli("predict", file, file, "--run", trained.path).stderr


@pytest.mark.parametrize("write", [semicolons, latin, left_out])
def test_labels_within_new_files_win_over_names_though_names_were_the_labels_in_training(write, trained, tmp_path):
    assert trained.info["label_from"] == "file"
    place, _ = write(tmp_path)
    printed = run_cli("eval", trained.path, "--data", place, "--no-baselines", "-o", tmp_path / "out").stderr
    assert "note: labels were read from '" in printed and "not from 'file' as in training" in printed


def test_a_class_that_the_model_does_not_know_gets_advice(trained, tmp_path):
    file = write_fasta(tmp_path / "new.fa", [(name, text) for name, text, _ in ROWS])
    result = CliRunner().invoke(app, ["eval", str(trained.path), "--data", str(file)], env={"COLUMNS": "300"})
    assert (
        "the model does not know the class 'new'; its classes are: atrich, gcrich; say where the labels are with --label-from"
        in (result.stderr)
    )
