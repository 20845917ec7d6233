"""Results that `overwrite` replaces are kept until the new ones are complete, and nobody's work in the folder is disturbed."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

import seqmix
from seqmix.errors import RunError, SeqmixError
from seqmix.experiments import scheduler
from seqmix.experiments.comparison import compare as comparing
from seqmix.experiments.replaced import Replaced
from seqmix.run import EVALUATION
from seqmix.system.files import write_whole
from seqmix.system.locks import locked
from tests.support import launch_here

TINY = ("model.d_model=8", "model.words=0", "training.epochs=1")


def compare(data, output, **options):
    given = {"mixers": ["softmax"], "seeds": 1, "budget": 0, "settings": TINY, "baselines": False}
    return seqmix.compare(data, output, **given | options)


def contents(folder):
    """The files that decide on results, by their names in the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def comparison(dataset, tmp_path_factory):
    """A finished comparison."""
    folder = tmp_path_factory.mktemp("finished") / "c"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler.TrialProcess, "launch", launch_here)
        compare(dataset, folder)
    return folder


@pytest.fixture
def finished(launched, comparison, tmp_path):
    """A copy of the finished comparison, and what is in it."""
    folder = Path(shutil.copytree(comparison, tmp_path / "c"))
    return folder, contents(folder)


def test_replaced_results_are_kept_until_every_new_training_is_finished(finished, dataset, monkeypatch, caplog):
    folder, before = finished
    launch = scheduler.TrialProcess.launch

    def one(launcher, spec):
        assert contents(folder / "replaced" / "1") == before  # while the new trainings run
        if spec.mixer == "kernelized":
            raise KeyboardInterrupt
        return launch(launcher, spec)

    with monkeypatch.context() as patch:
        patch.setattr(scheduler.TrialProcess, "launch", one)
        found = compare(dataset, folder, mixers=["softmax", "kernelized"], overwrite=True)
    assert found.interrupted
    assert len(found.trials) == 1
    assert contents(folder / "replaced" / "1") == before
    assert "replaced: what was replaced stays here until every training" in caplog.text
    compare(dataset, folder, mixers=["softmax", "kernelized"])  # which resumes
    assert sorted(path.name for path in folder.iterdir()) == ["compare.html", "compare.json", "runs"]
    assert len(json.loads((folder / "compare.json").read_text())["runs"]) == 2


@pytest.mark.parametrize("failing", ["training", "simple methods", "writing"])
def test_results_are_put_back_if_no_new_training_is_finished(finished, dataset, monkeypatch, caplog, failing):
    folder, before = finished

    def fail(*_, **__):
        raise RunError("no way through")

    with monkeypatch.context() as patch:
        if failing == "training":
            patch.setattr(scheduler.TrialProcess, "launch", lambda *_: "no way through")
        elif failing == "simple methods":
            patch.setattr(comparing, "simple_methods", fail)
        else:
            patch.setattr("seqmix.experiments.campaign.write_whole", fail)
        with pytest.raises(SeqmixError, match="no way through"):
            compare(dataset, folder, mixers=["kernelized"], baselines=failing == "simple methods", overwrite=True)
    assert contents(folder) == before
    assert "what was there before is in its place again" in caplog.text


@pytest.mark.parametrize("step", range(6))
def test_results_that_a_killed_process_was_setting_aside_are_put_back(tmp_path, monkeypatch, step):
    for name in ("compare.json", "compare.html", "runs/softmax-seed0/trial.json", "mine.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    before, replaced, calls = contents(tmp_path), Replaced(tmp_path, "compare", ("runs", "data")), []

    def until(genuine):
        def call(*given, **options):
            if len(calls) == step:
                raise KeyboardInterrupt
            calls.append(genuine)
            return genuine(*given, **options)

        return call

    with monkeypatch.context() as patch:
        for owner, name in ((Path, "mkdir"), (Path, "rename")):
            patch.setattr(owner, name, until(getattr(owner, name)))
        patch.setattr("seqmix.experiments.replaced.write_whole", until(write_whole))
        with pytest.raises(KeyboardInterrupt) if step < 5 else nullcontext():
            replaced.set_aside()
    Replaced(tmp_path, "compare", ("runs", "data")).repair()
    assert contents(tmp_path) == before
    assert not (tmp_path / "replaced" / "1").exists()


def test_every_campaign_that_is_replaced_before_another_is_complete_is_kept(finished, dataset, monkeypatch):
    folder, before = finished

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scheduler.TrialProcess, "launch", interrupted)
        for _ in range(2):
            compare(dataset, folder, overwrite=True)
    assert contents(folder / "replaced" / "1") == before
    assert (folder / "replaced" / "2" / "compare.json").is_file()
    compare(dataset, folder)
    assert not (folder / "replaced").exists()


@pytest.mark.parametrize("place", [".", "eval-new"])
def test_comparison_with_a_run_that_is_evaluated_is_not_replaced(finished, dataset, place):
    folder, before = finished
    run = folder / "runs" / "softmax-seed0"
    with (
        locked(run / place, EVALUATION, "evaluating", make=True),
        pytest.raises(RunError, match=r"softmax-seed0.* has been evaluating there since"),
    ):
        compare(dataset, folder, overwrite=True)
    assert contents(folder) == before


def test_second_comparison_in_a_folder_is_refused_while_the_first_works(launched, dataset, tmp_path, monkeypatch):
    launch, began, go_on = scheduler.TrialProcess.launch, threading.Event(), threading.Event()

    def slow(launcher, spec):
        began.set()
        assert go_on.wait(60)
        return launch(launcher, spec)

    monkeypatch.setattr(scheduler.TrialProcess, "launch", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(compare, dataset, tmp_path / "c")
        assert began.wait(60)
        try:
            for overwrite in (False, True):
                with pytest.raises(RunError, match="has been at work on a comparison there since"):
                    compare(dataset, tmp_path / "c", overwrite=overwrite)
        finally:
            go_on.set()
        assert len(first.result(60).trials) == 1
    assert launched == ["softmax-seed0"]


def test_folder_that_takes_the_name_of_a_comparison_is_left_alone(launched, dataset, tmp_path, monkeypatch):
    folder, launch = tmp_path / "c", scheduler.TrialProcess.launch

    def moved(launcher, spec):
        found = launch(launcher, spec)
        folder.rename(tmp_path / "moved")
        (folder / "runs").mkdir(parents=True)
        (folder / "thesis.txt").write_text("precious")
        return found

    monkeypatch.setattr(scheduler.TrialProcess, "launch", moved)
    with pytest.raises(RunError, match="it was replaced, or another process took over"):
        compare(dataset, folder, mixers=["softmax", "kernelized"], overwrite=True)
    assert contents(folder) == {"thesis.txt": b"precious"}
    monkeypatch.setattr(scheduler.TrialProcess, "launch", launch)
    assert len(compare(dataset, tmp_path / "moved", mixers=["softmax", "kernelized"]).trials) == 2
    assert launched == ["softmax-seed0", "kernelized-seed0"]
