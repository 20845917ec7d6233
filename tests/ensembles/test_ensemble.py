"""Ensembles: the mean of what runs answer, wherever a run answers, and no score on what a member has seen."""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import DatasetError, RunError
from tests.support import train_tiny
from tests.support.kinds import KINDS
from tests.support.preparing import prepare, write_jsonl

TEXTS = ["ACGTTGCA" * 5, "GGCGCCATGG" * 6, "ATATATTA" * 9]


@pytest.fixture(scope="module")
def seeds(dataset, tmp_path_factory):
    """Two runs with different seeds."""
    folder = tmp_path_factory.mktemp("seeds")
    return [train_tiny(dataset, folder / f"seed{seed}", seed=seed) for seed in range(2)]


def mean_of(runs, texts=TEXTS):
    return np.mean([run.predict_proba(texts) for run in runs], axis=0)


def test_answer_is_the_mean_of_the_members_probabilities(seeds, tmp_path):
    made = seqmix.ensemble(seeds, tmp_path / "both")
    assert np.allclose(made.predict_proba(TEXTS), mean_of(seeds), atol=1e-12)
    assert not np.allclose(*(run.predict_proba(TEXTS) for run in seeds), atol=1e-4)
    by_name = list(seqmix.predict(sequences=TEXTS, run=tmp_path / "both"))
    assert [list(found.probabilities.values()) for found in by_name] == made.predict_proba(TEXTS).tolist()
    assert repr(made) == (
        f"<Ensemble {str(made.path)!r}: model ensemble of 2 models (conv), classification atrich, gcrich, "
        f"data {seeds[0].config.data.path}>"
    )


def test_windows_of_records_do_not_change_answers(seeds, tmp_path):
    made = seqmix.ensemble(seeds, tmp_path / "both")
    texts = [text[:40] for text in TEXTS] * 50
    small = np.array([list(p.probabilities.values()) for p in made.predict(iter(texts), tokens_per_batch=64)])
    assert np.allclose(small, made.predict_proba(texts), atol=1e-6)


def test_commands_take_an_ensemble_as_a_run(seeds, dataset, two_class_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    assert "ensemble of 2 models" in call("ensemble", *(run.path for run in seeds)).stderr
    rows = call("predict", two_class_files[0], "--run", "ensemble").stdout.splitlines()
    assert len(rows) == 41
    call("eval", "ensemble", "--no-baselines")
    found = json.loads((tmp_path / "ensemble" / "evaluation.json").read_text())
    labels = dataset.labels[dataset.indices("test")]
    texts = [dataset[i].text for i in dataset.indices("test")]
    right = (mean_of(seeds, texts).argmax(1) == labels).mean()
    assert found["scores"]["accuracy"]["value"] == right and found["model"] == "ensemble of 2 models (conv)"
    assert "ensemble exists; replace it with --overwrite" in call("ensemble", seeds[0].path, code=1).stderr
    call("ensemble", seeds[0].path, "--overwrite")
    assert len(seqmix.Ensemble.open("ensemble").members) == 1
    assert "not a run folder" in call("train", "--resume", "-o", "ensemble", code=1).stderr


def test_ensemble_and_runs_can_be_moved_together_and_a_copy_alone(seeds, tmp_path):
    for run in seeds:
        shutil.copytree(run.path, tmp_path / "here" / run.path.name)
    here = [tmp_path / "here" / run.path.name for run in seeds]
    expected = mean_of(seeds)
    seqmix.ensemble(here, tmp_path / "here" / "both")
    seqmix.ensemble(here, tmp_path / "here" / "copied", copy=True)
    (tmp_path / "here").rename(tmp_path / "there")
    for name in ("both", "copied"):
        found = seqmix.Ensemble.open(tmp_path / "there" / name).predict_proba(TEXTS)
        assert np.allclose(found, expected, atol=1e-12)
    assert not list((tmp_path / "there" / "copied").rglob("state.safetensors"))
    for name in ("both", "copied"):
        (tmp_path / "there" / name).rename(tmp_path / name)
    seqmix.Ensemble.open(tmp_path / "copied").predict(TEXTS)
    with pytest.raises(RunError, match=r"the run .* of this ensemble is missing; move the folder and its runs together"):
        seqmix.Ensemble.open(tmp_path / "both")


def test_runs_that_cannot_answer_together_are_refused(seeds, dataset, tmp_path):
    kind = KINDS["regression"]
    other = prepare(write_jsonl(tmp_path / "r.jsonl", kind.rows(kind.n)), tmp_path / "r", **kind.options)
    cut = train_tiny(dataset, tmp_path / "cut", max_length=30)
    for runs, message in (
        ([seeds[0], train_tiny(other, tmp_path / "number")], "they have different kinds: 'classification' and 'regression'"),
        ([seeds[0], cut], r"different data.max_length: 0 and 30; run .*train for both with the same max_length"),
        ([], "names none"),
        ([seeds[0], seeds[0].path], "takes each run once"),
        ([seqmix.ensemble(seeds, tmp_path / "both")], "is an ensemble itself"),
    ):
        with pytest.raises(RunError, match=message):
            seqmix.ensemble(runs, tmp_path / "new")
    with pytest.raises(RunError, match="not an ensemble, so it is not overwritten"):
        seqmix.ensemble(seeds, tmp_path / "r", overwrite=True)


def test_damaged_or_outdated_folder_is_refused(seeds, tmp_path):
    shutil.copytree(seeds[0].path, tmp_path / "run")
    made = seqmix.ensemble([tmp_path / "run", seeds[1]], tmp_path / "both")
    file = made.path / "ensemble.json"
    good = json.loads(file.read_text())
    for content, message in (
        ("{", "does not describe an ensemble"),
        (json.dumps(good | {"members": []}), "names no runs"),
        (json.dumps(good | {"members": [{"run": 3, "sha256": ""}]}), "names no runs"),
        (json.dumps(good | {"mean": "votes"}), "written by a newer seqmix"),
        (json.dumps(good | {"format_version": 9}), "written by a newer seqmix"),
    ):
        file.write_text(content)
        with pytest.raises(RunError, match=message):
            seqmix.Ensemble.open(made.path)
    file.write_text(json.dumps(good))
    shutil.copy(seeds[1].path / "model.safetensors", tmp_path / "run" / "model.safetensors")
    with pytest.raises(RunError, match="was trained again since the ensemble was made"):
        seqmix.predict(sequences=TEXTS, run=made.path)


def test_split_that_a_member_has_seen_is_not_scored(dataset, tmp_path):
    number = np.arange(len(dataset))
    keeps = [np.where(dataset.split == 2, 2, number % 2), np.where(dataset.split == 2, 2, (number + 1) % 2)]
    uses = [*keeps[:1], np.where(number % 4 == 0, 2, number % 2)]
    for name, splits in (("keeps", keeps), ("uses", uses)):
        runs = [train_tiny(dataset.with_split(s, f"{name} {i}"), tmp_path / f"{name}{i}") for i, s in enumerate(splits)]
        seqmix.ensemble(runs, tmp_path / name)
    assert seqmix.evaluate(tmp_path / "keeps", resamples=2).records == dataset.sizes["test"]
    seen = int((dataset.split[number % 4 != 0] == 2).sum())
    message = f"{seen} of the {dataset.sizes['test']} records of the test split were seen in training by runs of this ensemble"
    for name, split in (("uses", "test"), ("keeps", "val")):
        with pytest.raises(DatasetError, match=message if name == "uses" else "of the val split were seen"):
            seqmix.evaluate(tmp_path / name, split=split)


@pytest.mark.parametrize("name", ["regression", "multilabel", "pairs"])
def test_other_kinds_are_averaged(name, tmp_path):
    kind = KINDS[name]
    rows = kind.rows(kind.n)
    data = prepare(write_jsonl(tmp_path / "rows.jsonl", rows), tmp_path / "data", **kind.options)
    half = np.where(data.split == 0, (np.arange(len(data)) % 2) * -1, data.split)
    runs = [train_tiny(data, tmp_path / "all"), train_tiny(data.with_split(half, "half"), tmp_path / "half")]
    made = seqmix.ensemble(runs, tmp_path / "both")
    found = seqmix.evaluate(made, baselines=False, resamples=2)
    indices = data.indices("test")
    answers = [run.predictor("cpu").of_dataset(data, indices) for run in (*runs, made)]
    assert np.allclose(answers[2], (answers[0] + answers[1]) / 2)
    expected = data.label_objective.point_scores(answers[2], data.labels[indices])
    assert {key: score.value for key, score in found.scores.items()} == pytest.approx(expected, nan_ok=True)
