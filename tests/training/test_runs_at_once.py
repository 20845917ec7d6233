"""Several processes at work on the same runs, and run folders with planted links: nothing is lost, nothing else is written."""

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import RunError
from seqmix.experiments.comparison.compare import compare
from seqmix.run import EVALUATION, Run
from seqmix.system.locks import locked
from seqmix.system.training_files import TRAINING
from seqmix.training.events import Started
from seqmix.training.new_run import new_run

HERE = f"process {os.getpid()} on "


@pytest.fixture
def copy(trained, tmp_path):
    return Path(shutil.copytree(trained.path, tmp_path / "run"))


@pytest.fixture
def unfinished(copy):
    """A run that was created and not trained."""
    kept = ("config.toml", "dataset.json", "environment.json")
    for path in [*(path for path in copy.iterdir() if path.is_file() and path.name not in kept), *(copy / "last").iterdir()]:
        path.unlink()
    return copy


def test_every_new_run_has_a_number_of_its_own(trained, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mixers = ("paramixer", "softmax") * 4
    tables = trained.config.to_tables()
    configs = [
        seqmix.Config.from_tables(tables | {"model": tables["model"] | {"mixer": mixer}, "mixer": {}}) for mixer in mixers
    ]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda config: new_run(dataset, config, None, False), configs))
    assert sorted(run.path.name[:4] for run in runs) == [f"{number:03}-" for number in range(1, 9)]
    assert len(list(Path("runs").iterdir())) == 8
    for run, mixer in zip(runs, mixers, strict=True):
        assert Run.open(run.path).config.model.mixer == mixer


@pytest.mark.parametrize("how", [{"resume": True}, {"overwrite": True}])
def test_run_that_is_trained_is_neither_resumed_nor_replaced(copy, dataset, how):
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    with locked(copy, TRAINING, "training"), pytest.raises(RunError, match=f"{HERE}.* has been training there since"):
        seqmix.train(dataset, copy, **how)
    assert {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before


def test_new_run_is_trained_although_another_process_wanted_to_replace_it(trained, dataset, tmp_path, monkeypatch):
    """Another process may lock a run that it wants to replace before the one that made it does, and then come too late."""
    folder, waiting = tmp_path / "run", threading.Event()
    create = Run.create.__func__

    def create_and_be_overtaken(cls, *args, **options):
        run = create(cls, *args, **options)
        thread.start()
        assert waiting.wait(60)
        return run

    def overtake():
        with locked(folder, TRAINING, "replacing the run"):
            waiting.set()
            time.sleep(0.2)

    thread = threading.Thread(target=overtake)
    monkeypatch.setattr(Run, "create", classmethod(create_and_be_overtaken))
    run = seqmix.train(dataset, folder, config=replace(trained.config, training=replace(trained.config.training, epochs=1)))
    thread.join()
    assert (run.path / "model.safetensors").is_file()


def test_run_that_is_evaluated_is_not_replaced(copy, dataset):
    (copy / "eval-new").mkdir()
    for folder in (copy, copy / "eval-new"):
        with (
            locked(folder, EVALUATION, "evaluating"),
            pytest.raises(RunError, match=f"{HERE}.* has been evaluating there since"),
        ):
            seqmix.train(dataset, copy, overwrite=True)


def test_run_that_is_trained_is_read_whole(copy, dataset, two_class_files):
    with locked(copy, TRAINING, "training"):
        assert len(seqmix.evaluate(copy, baselines=False, resamples=1).scores)
        assert len(list(seqmix.predict(two_class_files, copy))) == 80


def test_two_evaluations_for_one_folder_are_not_mixed(copy, tmp_path):
    with locked(copy, EVALUATION, "evaluating"):
        with pytest.raises(RunError, match=f"{HERE}.* has been evaluating there since"):
            seqmix.evaluate(copy, baselines=False, resamples=1)
        seqmix.evaluate(copy, baselines=False, resamples=1, output=tmp_path / "other")
    assert sorted(p.name for p in (tmp_path / "other").iterdir()) == ["evaluation.json", "predictions-test.tsv", "report.html"]


def test_training_stops_when_its_folder_was_replaced(unfinished, dataset, tmp_path):
    other = Path(shutil.copytree(unfinished, tmp_path / "other"))

    def replace(event):
        if isinstance(event, Started):
            unfinished.rename(tmp_path / "old")
            other.rename(unfinished)

    with pytest.raises(RunError, match="it was replaced, or another process took over"):
        seqmix.train(dataset, unfinished, resume=True, on_event=replace)
    assert sorted(p.name for p in unfinished.iterdir()) == ["config.toml", "dataset.json", "environment.json", "last"]
    assert list((unfinished / "last").iterdir()) == []


def test_lock_of_a_killed_training_is_removed_with_a_note(unfinished, dataset, caplog):
    (unfinished / ".training.lock").write_text("{}")
    os.utime(unfinished / ".training.lock", (1e9, 1e9))
    seqmix.train(dataset, unfinished, resume=True)
    assert "removed a lock left behind by" in caplog.text
    assert not (unfinished / ".training.lock").exists()


@pytest.mark.parametrize(
    "name",
    [
        "metrics.jsonl",
        "model.safetensors",
        "last/state.safetensors",
        ".metrics.jsonl.tmp",
        "last/.state.safetensors.tmp",
        "evaluation.json",
        "report.html",
        ".evaluation.json.tmp",
        ".report.html.tmp",
        ".predictions-test.tsv.tmp",
    ],
)
def test_planted_link_to_a_file_is_not_written_through(unfinished, dataset, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text('{"precious": 1}\n')
    if name not in ("model.safetensors", "last/state.safetensors"):  # which are read, too
        (unfinished / name).symlink_to(victim)
    else:
        (unfinished / name).symlink_to(tmp_path / "nowhere")
    refused = pytest.raises(RunError, match="is a link, which is not written through")
    with refused if name == "metrics.jsonl" else nullcontext():  # it would be appended to
        seqmix.train(dataset, unfinished, resume=True)
        seqmix.evaluate(unfinished, baselines=False, resamples=1)
    assert victim.read_text() == '{"precious": 1}\n'
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["last", "tensorboard", "eval-atrich"])
def test_planted_link_to_a_folder_is_refused(unfinished, dataset, two_class_files, trained, tmp_path, name):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / ".thesis.0123456789abcdef.partial").write_text("precious")
    shutil.rmtree(unfinished / name, ignore_errors=True)
    (unfinished / name).symlink_to(victim)
    if name == "eval-atrich":
        shutil.copy(trained.path / "model.safetensors", unfinished)
        shutil.copy(trained.path / "metrics.jsonl", unfinished)
    elif name == "tensorboard":
        config = unfinished / "config.toml"
        config.write_text(config.read_text().replace("tensorboard = false", "tensorboard = true"))
    with pytest.raises(RunError, match=f"{name} is a link, which is not written through"):
        if name == "eval-atrich":
            seqmix.evaluate(unfinished, class_files={"atrich": two_class_files[0]}, baselines=False, resamples=1)
        else:
            seqmix.train(dataset, unfinished, resume=True)
    assert [p.name for p in victim.iterdir()] == [".thesis.0123456789abcdef.partial"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_comparison_of_another_process_is_left_alone(dataset, tmp_path, overwrite):
    folder = tmp_path / "compare"
    folder.mkdir()
    with (
        locked(folder, "campaign", "at work on a comparison"),
        pytest.raises(RunError, match=f"{HERE}.* at work on a comparison"),
    ):
        compare(dataset, folder, mixers=["softmax"], seeds=1, overwrite=overwrite)
    assert list(folder.iterdir()) == []


def test_comparison_with_a_running_training_is_not_replaced(dataset, copy, tmp_path):
    folder = tmp_path / "compare"
    (folder / "runs").mkdir(parents=True)
    run = copy.rename(folder / "runs" / "softmax-seed0")
    (folder / "compare.json").write_text("{}")
    with locked(run, TRAINING, "training"), pytest.raises(RunError, match=f"softmax-seed0: {HERE}.* has been training"):
        compare(dataset, folder, mixers=["softmax"], seeds=1, overwrite=True)
    assert (run / "model.safetensors").is_file()


@pytest.mark.parametrize("command", ["mixers --mixers conv --lengths 16 --repeats 1", "approximation --lengths 16 --steps 1"])
def test_measurement_for_the_same_files_is_refused(tmp_path, command):
    kind, *options = command.split()
    folder = tmp_path / "bench"
    folder.mkdir()
    with locked(folder, "bench" if kind == "mixers" else kind, "measuring"):
        said = CliRunner().invoke(app, ["bench", kind, *options, "-o", str(folder)])
    assert said.exit_code == 1
    assert "has been measuring there since" in " ".join(said.output.split())
    assert list(folder.iterdir()) == []
