"""The best simple method is fitted once, stored in the run, and predicts."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import RunError
from seqmix.models.stored_baseline import FILE, stored_baseline
from seqmix.training import lexical
from tests.support import random_dna, write_fasta

SMALL = ["model.d_model=4", "mixer.d_hidden=4"]


@pytest.fixture(scope="module")
def scored(trained, tmp_path_factory):
    """A copy of a run without a lexical branch, and its evaluation."""
    folder = Path(shutil.copytree(trained.path, tmp_path_factory.mktemp("scored") / "run"))
    (folder / FILE).unlink(missing_ok=True)
    run = seqmix.Run.open(folder)
    return run, seqmix.evaluate(run, resamples=5)


@pytest.fixture
def copy(scored, tmp_path):
    """A copy of this run."""
    return seqmix.Run.open(shutil.copytree(scored[0].path, tmp_path / "run"))


def test_it_is_fitted_once_and_used_by_later_evaluations(scored, tmp_path, monkeypatch):
    run, first = scored
    written = (run.path / FILE).read_bytes()
    monkeypatch.setattr(lexical, "fit_lexical", lambda *_, **__: pytest.fail("it is fitted again"))
    again = seqmix.evaluate(run, output=tmp_path / "again", resamples=5)
    assert again.baselines == first.baselines and again.comparison == first.comparison
    assert first.comparison["name"] == "best k-mers" and first.comparison["method"].startswith("3-mers")
    assert first.comparison["second"] == first.baselines["best k-mers"]["accuracy"]
    assert (run.path / FILE).read_bytes() == written


def test_run_predicts_with_it(scored, dataset):
    run, result = scored
    records = [dataset[int(i)] for i in dataset.indices("test")]
    found = run.predict([record.text for record in records], baseline=True)
    right = np.mean([one.label == record.label for one, record in zip(found, records, strict=True)])
    assert right == result.baselines["best k-mers"]["accuracy"]
    own = run.predict_proba([record.text for record in records])
    simple = run.predict_proba([record.text for record in records], baseline=True)
    assert np.abs(own - simple).max() > 0.01
    assert next(seqmix.predict(sequences=[records[0].text], run=run, baseline=True)).probabilities == found[0].probabilities


def test_command_predicts_with_it(scored, dataset, tmp_path):
    run, _ = scored
    file = write_fasta(tmp_path / "new.fa", [("one", dataset[0].text)])
    rows = [
        CliRunner().invoke(app, ["predict", str(file), "--run", str(run.path), "-q", *flag]).stdout.splitlines()[1].split("\t")
        for flag in ([], ["--baseline"])
    ]
    expected = run.predict([dataset[0].text], baseline=True)[0].probabilities
    assert [float(cell) for cell in rows[1][3:5]] == pytest.approx(list(expected.values()), rel=1e-4)
    assert rows[0] != rows[1]


def test_run_that_was_not_evaluated_says_how_to_get_one(copy, tmp_path):
    (copy.path / FILE).unlink()
    with pytest.raises(RunError, match=r"no simple method is stored in this run yet; seqmix.evaluate\('.*run'\) fits"):
        copy.predict(["ACGT"], baseline=True)
    file = write_fasta(tmp_path / "new.fa", [("one", "ACGTACGT")])
    result = CliRunner().invoke(app, ["predict", str(file), "--run", str(copy.path), "--baseline"], env={"COLUMNS": "500"})
    assert result.exit_code == 1 and f"seqmix eval {copy.path} fits the best one and stores it" in result.stderr


def test_lexical_branch_alone_is_the_best_simple_method_of_its_run(dataset, tmp_path):
    run = seqmix.train(dataset, tmp_path / "run", epochs=1, settings=SMALL)
    result = seqmix.evaluate(run, resamples=5)
    assert not (run.path / FILE).exists()
    assert result.comparison["second"] == result.branches["lexical"]["scores"]["accuracy"]
    assert result.comparison["method"] == result.branches["lexical"]["title"]
    assert "best k-mers" not in result.baselines
    texts = [dataset[int(i)].text for i in dataset.indices("test")]
    alone = run.predict_proba(texts, baseline=True).argmax(1)
    right = (alone == dataset.labels[dataset.indices("test")]).mean()
    assert right == result.branches["lexical"]["scores"]["accuracy"]
    unfitted = seqmix.evaluate(run, resamples=5, baselines=False, output=tmp_path / "unfitted")
    assert unfitted.comparison["second"] == result.comparison["second"] and unfitted.baselines == {}


def test_lexical_model_alone_is_the_best_simple_method_itself(dataset, tmp_path):
    run = seqmix.train(dataset, tmp_path / "run", mixer="none")
    result = seqmix.evaluate(run, resamples=5)
    assert (
        result.verdict.startswith("The model is itself the best simple method, chosen on validation (3-mers")
        and result.comparison == {}
    )
    texts = [dataset[0].text]
    np.testing.assert_array_equal(run.predict_proba(texts), run.predict_proba(texts, baseline=True))


@pytest.fixture
def lengths(tmp_path):
    """Two classes of random letters that differ in nothing but their lengths."""
    rng = random.Random(1)
    files = [
        write_fasta(tmp_path / f"{name}.fa", [(f"{name}{i}", random_dna(rng.randint(*span), rng)) for i in range(50)])
        for name, span in (("long", (90, 150)), ("short", (20, 60)))
    ]
    return seqmix.prepare(files, tmp_path / "data")


def test_length_is_the_best_simple_method_where_it_says_more_than_the_letters(lengths, tmp_path):
    run = seqmix.train(lengths, tmp_path / "run", epochs=1, settings=SMALL)
    result = seqmix.evaluate(run, resamples=5)
    assert result.comparison["name"] == "length only" and result.comparison["second"] == 1.0
    assert "the best simple method (length only, C " in result.verdict
    found = seqmix.Run.open(run.path).predict(["ACGT" * 30, "ACGT" * 10], baseline=True)
    assert [one.label for one in found] == ["long", "short"]


def test_file_of_other_records_or_a_damaged_one_is_not_used(copy, monkeypatch):
    written = (copy.path / FILE).read_bytes()
    other = seqmix.Run.open(copy.path)
    monkeypatch.setattr(type(other), "dataset_fingerprint", "another")
    assert stored_baseline(other) is None
    with pytest.raises(RunError, match=r"fitted to other records.*seqmix.evaluate\("):
        other.predict(["ACGT"], baseline=True)
    monkeypatch.undo()
    (copy.path / FILE).write_bytes(written[:-1] + bytes([written[-1] ^ 1]))
    assert stored_baseline(copy) is None
    with pytest.raises(RunError, match=r"damaged.*seqmix.evaluate\("):
        copy.predict(["ACGT"], baseline=True)
    seqmix.evaluate(copy, resamples=5)
    assert (copy.path / FILE).read_bytes() == written


def test_real_numbers_have_a_simple_method_that_predicts(tmp_path):
    rng = np.random.default_rng(0)
    values = {f"{name}{i}": rng.normal(mean, 1, (30, 2)) for i in range(30) for name, mean in (("a", 0.0), ("b", 1.0))}
    data = seqmix.prepare(
        records=[(key, one.astype(np.float32), key[0]) for key, one in values.items()],
        output=tmp_path / "data",
        alphabet="real",
    )
    run = seqmix.train(data, tmp_path / "run", epochs=1, settings=SMALL)
    result = seqmix.evaluate(run, resamples=5)
    assert result.comparison["name"] == "means and spreads" and result.comparison["second"] > 0.9
    assert [one.label for one in run.predict([values["a0"], values["b0"]], baseline=True)] == ["a", "b"]


def test_command_ends_with_the_verdict_which_is_also_first_on_the_page(scored, tmp_path):
    words = ["eval", str(scored[0].path), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "500"})
    last = result.stderr.rstrip().splitlines()[-1]
    assert last.startswith("The model is ") and "the best simple method (3-mers" in last and last.endswith(".")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.index("the best simple method (3-mers") < page.index("95 % interval")
