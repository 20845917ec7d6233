"""`seqmix eval RUN --against RUN2`: two runs on the same records."""

import json

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, DatasetError
from tests.support import write_fasta

SMALL = ["model.d_model=4", "mixer.d_hidden=4", "model.lexical=none"]


@pytest.fixture(scope="module")
def other(dataset, tmp_path_factory):
    """A run on the data set of `trained`, which has hardly learned anything."""
    return seqmix.train(dataset, tmp_path_factory.mktemp("other") / "run", epochs=1, lr=1e-6, settings=SMALL)


def test_both_are_scored_on_the_same_records(trained, other, tmp_path):
    result = seqmix.evaluate(trained, against=other, output=tmp_path / "out", resamples=50, baselines=False)
    alone = seqmix.evaluate(other, output=tmp_path / "alone", resamples=50, baselines=False)
    beside = result.against
    assert beside["run"] == str(other.path) and beside["model"] == other.title
    assert beside["scores"] == alone.scores
    assert beside["first"] == result.scores["accuracy"].value and beside["second"] == alone.scores["accuracy"].value
    assert beside["difference"] == pytest.approx(beside["first"] - beside["second"])
    assert beside["low"] <= beside["difference"] <= beside["high"] and beside["test"] == "McNemar"
    assert beside["sentence"].startswith(f"{trained.path} is {beside['verdict']} ")
    assert f"{other.path} ({other.title}): accuracy " in beside["sentence"]
    stored = json.loads((tmp_path / "out" / "evaluation.json").read_text())["against"]
    assert stored["sentence"] == beside["sentence"] and stored["scores"]["accuracy"]["value"] == beside["second"]
    assert beside["sentence"] in (tmp_path / "out" / "report.html").read_text()


def test_command_ends_with_the_sentence(trained, other, tmp_path):
    words = ["eval", trained.path, "--against", other.path, "--no-baselines", "-o", tmp_path / "out"]
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    last = result.stderr.rstrip().splitlines()[-1]
    assert last.startswith(f"{trained.path} is ") and f"{other.path} ({other.title})" in last
    assert f"{other.path} ({other.title})" in "".join(result.stderr.splitlines()[:-1])  # in the table of methods


def test_runs_that_cannot_be_compared_are_refused(trained, two_class_files, tmp_path):
    out = {"output": tmp_path / "out", "resamples": 2, "baselines": False}
    with pytest.raises(ConfigError, match="compared with itself"):
        seqmix.evaluate(trained, against=trained.path, **out)
    data = seqmix.prepare(two_class_files, tmp_path / "data", options=seqmix.PrepareOptions(seed=1))
    elsewhere = seqmix.train(data, tmp_path / "elsewhere", max_steps=1, settings=SMALL)
    with pytest.raises(DatasetError, match=r"trained on another data set, or on other splits.*new to both with data"):
        seqmix.evaluate(trained, against=elsewhere, **out)
    result = seqmix.evaluate(trained, data=two_class_files, against=elsewhere, **out)  # new files, which each reads for itself
    assert result.against["run"] == str(elsewhere.path) and result.records == 80
    third = write_fasta(tmp_path / "third.fa", [(f"c{i}", "ACGT" * 10) for i in range(20)])
    data = seqmix.prepare([*two_class_files, third], tmp_path / "three")
    three = seqmix.train(data, tmp_path / "run3", max_steps=1, settings=SMALL)
    with pytest.raises(ConfigError, match="only one of them has the class 'third'"):
        seqmix.evaluate(trained, against=three, **out)
    assert (
        not (tmp_path / "out" / "evaluation.json").exists()
        or json.loads((tmp_path / "out" / "evaluation.json").read_text())["against"]
    )
