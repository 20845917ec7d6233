"""What a newcomer stumbled over, so that nobody else does."""

import re
import shutil

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, InputError, RunError
from tests.support import write_fasta


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


@pytest.mark.parametrize("wrong", [["--device", "cuda:9"], ["--batch-size", "-1"], ["--precision", "fp16", "--device", "cpu"]])
def test_predict_checks_everything_before_writing(trained, two_class_files, wrong):
    result = call("predict", two_class_files[0], "--run", trained.path, *wrong)
    assert result.exit_code == 1 and result.stdout == ""


def test_predict_on_wrong_alphabet_gives_applicable_advice(trained, tmp_path):
    protein = write_fasta(tmp_path / "protein.fa", [("p1", "MKLVVEQQLE")])
    result = call("predict", protein, "--run", trained.path)
    assert result.exit_code == 1 and result.stdout == ""
    assert "trained on dna" in result.stderr and "--alphabet" not in result.stderr


@pytest.mark.parametrize("setting", ["model.d_model=1000000", "mixer.n_links=99999"])
def test_too_large_model_is_an_error(dataset, tmp_path, setting):
    with pytest.raises(ConfigError, match=r"too large|n_links must be from 0 to 1,025"):
        seqmix.train(dataset, tmp_path / "run", settings=[setting])
    assert not (tmp_path / "run").exists()


def test_negative_seed_is_an_error(two_class_files, tmp_path):
    result = call("prepare", *two_class_files, "-o", tmp_path / "data", "--seed", "-5")
    assert result.exit_code == 1 and "--seed" in result.stderr


def test_label_of_white_space_is_missing(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("text,label\n" + "ACGT,a\nCCGT, \n" * 5)
    with pytest.raises(InputError, match="row-2"):
        seqmix.prepare(table, tmp_path / "data")


def test_empty_validation_split_is_reported(two_class_files, tmp_path):
    data = tmp_path / "data"
    prepared = call("prepare", *two_class_files, "-o", data, "--split", "0.8,0,0.2")
    assert "the val split is empty" in re.sub(r"\s+", " ", prepared.stderr)
    trained = call("train", data, "-o", tmp_path / "run", "--epochs", "1", "--set", "model.d_model=8")
    assert "no validation split, so the last weights are kept" in trained.stderr and " best" not in trained.stderr
    call("eval", tmp_path / "run", "--no-baselines")
    assert "the last weights, as there is no validation split" in (tmp_path / "run" / "report.html").read_text()


def test_error_names_all_classes_present(two_class_files, tmp_path):
    with pytest.raises(InputError, match="'other', only of: atrich, gcrich"):
        seqmix.prepare(two_class_files, tmp_path / "data", read=seqmix.ReadOptions(classes=("atrich", "other")))


def test_documents_in_class_folders_have_unique_ids(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "docs" / name).mkdir(parents=True)
        for i in range(4):
            (tmp_path / "docs" / name / f"{i}.txt").write_text(f"{name} text number {i}")
    dataset = seqmix.prepare(tmp_path / "docs", tmp_path / "data")
    assert len(set(dataset.ids())) == 8 and dataset.ids()[0] == "a/0.txt"


def test_resume_never_retrains_run_without_state(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    shutil.rmtree(run / "last")
    before = (run / "model.safetensors").read_bytes()
    with pytest.raises(RunError, match="nothing to resume from"):
        seqmix.train(output=run, resume=True)
    assert (run / "model.safetensors").read_bytes() == before


def test_damaged_run_description_is_explained(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    (run / "dataset.json").unlink()
    with pytest.raises(RunError, match=r"damaged.*restore it, or train again"):
        seqmix.Run.open(run)


def test_help_shows_defaults():
    shown = " ".join(CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "300"}).stdout.split())
    for default in ("default: 20 for DNA", "else 8)", "default: 0.007", "default: mingru", "else 8192"):
        assert default in shown


def test_tokens_per_batch_replaces_batch_size_of_recipe(dataset, tmp_path):
    small = ["model.d_model=8", "mixer.d_hidden=8"]
    options = {"recipe": "paramixer/genome", "epochs": 1, "max_length": 200, "settings": small}
    run = seqmix.train(dataset, tmp_path / "run", tokens_per_batch=4096, **options)
    assert run.config.training.batch_size == 0 and run.config.training.tokens_per_batch == 4096
    assert seqmix.train(dataset, tmp_path / "as-published", **options).config.training.batch_size == 16
