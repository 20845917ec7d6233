"""Comparing mixers: equal conditions, one process a training, nothing run twice, and what `seqmix compare` writes."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, DatasetError, Interrupted, RunError, SeqmixError
from seqmix.experiments import scheduler
from seqmix.experiments.comparison.report import (
    comparison_html,
    comparison_table,
    memory_figure,
    with_spread,
)
from seqmix.experiments.comparison.result import Comparison, ComparisonRow
from seqmix.experiments.events import Planned
from seqmix.experiments.run_trial import Trial, TrialSpec, finished_trial, run_trial
from seqmix.experiments.spread import Spread, spread
from seqmix.experiments.trial_table import trial_headline
from seqmix.training import fit as fitting
from seqmix.training import resolve as settling
from tests.support import BROKEN_MIXERS, as_kept_by_0_1_0, installed

TINY = ("model.d_model=8", "model.words=0", "training.epochs=1")
MIXERS = ["softmax", "kernelized"]
REAL_LAUNCH = scheduler.TrialProcess.launch


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, ["compare", *map(str, arguments)], catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        return result.stderr

    return call


def compare(data, output, *settings, **options):
    given = {"mixers": MIXERS, "seeds": 1, "budget": 0, "settings": [*TINY, *settings]} | options
    return seqmix.compare(data, output, **given)


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """An installed package with two mixers: one raises an error, one ends its process."""
    source = BROKEN_MIXERS.format(error='ValueError("no way through")')
    with installed(monkeypatch, tmp_path / "packages", "broken", source, failing="Failing", dying="Dying"):
        yield


@pytest.mark.slow
def test_command_compares_mixers_and_survives_a_crashing_one(run, dataset, failing, tmp_path):
    settings = [word for setting in TINY for word in ("--set", setting)]
    shown = run(dataset.path, "--mixers", "dying,softmax,skyformer", "--seeds", 1, "--budget", "1h", *settings, "-o", "there/c")
    folder = tmp_path / "there" / "c"
    assert sorted(p.name for p in folder.iterdir()) == ["baseline.safetensors", "compare.html", "compare.json", "runs"]
    assert "dying, seed 0: failed: the process ended with code 3: no message" in shown
    for words in ("softmax, seed 0: accuracy", "4-mers logistic", "largest class", "compare.html", "tokens/s"):
        assert words in shown
    found = json.loads((folder / "compare.json").read_text())
    assert found["settings"]["budget"] == 3600 and found["interrupted"] is False
    assert found["environment"]["threads"] == found["settings"]["threads"]
    assert [r["mixer"] for r in found["runs"]] == ["dying", "softmax", "skyformer"]
    for one in found["runs"][1:]:
        assert one["error"] == "" and one["settings"]["training"]["budget"] == 3600
        assert one["environment"]["torch"] and one["parameters"] > 100 and one["seconds"] > 0
        assert one["epochs"] == 1 == len(one["history"]) and one["reason"] == "all epochs done"
        if Path("/proc/self/status").exists():
            assert 0 < one["peak_bytes"] < 1 << 30
        again = seqmix.evaluate(folder / one["folder"], baselines=False, resamples=2, output=tmp_path / "again")
        assert again.scores["accuracy"].value == one["scores"]["accuracy"]
    accuracies = [row["figures"]["accuracy"]["mean"] for row in found["table"] if row["figures"]["accuracy"]]
    assert accuracies == sorted(accuracies, reverse=True) and found["table"][-1]["method"] == "dying"
    assert {row["method"] for row in found["table"] if row["baseline"]} > {"largest class", "4-mers logistic regression"}
    page = (folder / "compare.html").read_text()
    assert page.count("<svg") == 3 and "dying, seed 0: failed" in page and "softmax-seed0" in page
    assert not re.findall(r'(?:src|href)="(?!#)|url\((?!#)|@import', page)


def test_setting_can_apply_to_one_mixer(launched, dataset, tmp_path):
    settings = [*TINY, "skyformer:mixer.n_landmarks=3", "softmax:training.lr=0.5"]
    found = seqmix.compare(
        dataset, tmp_path / "c", mixers=["skyformer", "softmax"], seeds=1, budget=0, settings=settings, baselines=False
    )
    by_mixer = {trial.mixer: trial.settings for trial in found.trials}
    assert by_mixer["skyformer"]["mixer"]["n_landmarks"] == 3
    assert [by_mixer[name]["training"]["lr"] for name in ("skyformer", "softmax")] == [0.002, 0.5]
    assert not found.baselines and len(found.rows) == 2
    with pytest.raises(ConfigError, match=r"there is no mixer 'nobody'; available: .*softmax"):
        seqmix.compare(dataset, tmp_path / "d", mixers=["softmax"], settings=["nobody:training.lr=1"])
    with pytest.raises(ConfigError, match="a comparison sets it itself"):
        seqmix.compare(dataset, tmp_path / "d", mixers=["softmax"], settings=["softmax:training.seed=1"])


def test_finished_trainings_are_not_repeated(launched, dataset, tmp_path):
    first = compare(dataset, tmp_path / "c")
    assert launched == ["softmax-seed0", "kernelized-seed0"]
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "c" / "runs").rglob("*") if path.is_file()}
    heard = []
    second = compare(dataset, tmp_path / "c", on_event=heard.append)
    assert heard[0] == Planned(count=2, left=0, jobs=1, budget=0)
    assert [(e.trial.title, e.run_now, e.done, e.count) for e in heard[1:]] == [
        ("softmax, seed 0", False, 1, 2),
        ("kernelized, seed 0", False, 2, 2),
    ]
    assert len(launched) == 2
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "c" / "runs").rglob("*") if path.is_file()} == files
    assert second.rows == first.rows and second.trials == first.trials


def test_added_seeds_and_mixers_run_only_what_is_missing(launched, dataset, tmp_path):
    compare(dataset, tmp_path / "c", mixers=["softmax"])
    as_kept_by_0_1_0(tmp_path / "c")
    result = compare(dataset, tmp_path / "c", mixers=["softmax"], seeds=2)
    assert launched == ["softmax-seed0", "softmax-seed1"]
    row = next(row for row in result.rows if not row.baseline)
    scores = [t.scores["accuracy"] for t in result.trials]
    assert row.runs == 2 and row.figures["accuracy"] == spread(scores)
    result = compare(dataset, tmp_path / "c", mixers=["kernelized"])
    assert launched[2:] == ["kernelized-seed0"]
    assert sorted((t.mixer, t.seed) for t in result.trials) == [("kernelized", 0), ("softmax", 0), ("softmax", 1)]
    assert len(json.loads((tmp_path / "c" / "compare.json").read_text())["runs"]) == 3
    assert "different numbers of trainings" in result.notes[0] and {"softmax 2", "kernelized 1"} == set(
        result.notes[0].partition(": ")[2].split(", ")
    )


def test_changed_settings_or_data_are_errors(launched, dataset, two_class_files, tmp_path):
    compare(dataset, tmp_path / "c", mixers=["softmax"])
    for options, message in (
        ({"budget": "1h"}, r"budget: 0.* there, 3600.0 now"),
        ({"max_length": 50}, "max_length: None there, 50 now"),
        ({"settings": TINY[:2]}, "settings: "),
        ({"precision": "bf16"}, "precision: None there, 'bf16' now"),
        ({"threads": 2}, "threads: 1 there, 2 now"),
        ({"recipe": "dna"}, "recipe: None there, 'dna' now"),
    ):
        with pytest.raises(RunError, match=f"with other settings .*{message}.*overwrite"):
            compare(dataset, tmp_path / "c", **{"mixers": ["softmax"]} | options)
    other = seqmix.prepare(two_class_files, tmp_path / "other", options=seqmix.PrepareOptions(seed=1))
    with pytest.raises(RunError, match=r"data: .* with other content there, .*other now"):
        compare(other, tmp_path / "c", mixers=["softmax"])
    assert launched == ["softmax-seed0"]
    compare(other, tmp_path / "c", mixers=["kernelized"], overwrite=True)
    assert [p.name for p in (tmp_path / "c" / "runs").iterdir()] == ["kernelized-seed0"]


def test_run_with_other_defaults_is_an_error(launched, dataset, tmp_path):
    compare(dataset, tmp_path / "c", mixers=["softmax"])
    config = tmp_path / "c" / "runs" / "softmax-seed0" / "config.toml"
    config.write_text(config.read_text().replace("n_heads = 2", "n_heads = 4"))
    with pytest.raises(RunError, match=r"softmax-seed0: mixer.n_heads: 4 there, 2 now"):
        compare(dataset, tmp_path / "c", mixers=["softmax"])


def test_other_folders_are_not_overwritten(launched, dataset, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine").write_text("kept")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="is not a comparison: it is not overwritten"):
            compare(dataset, tmp_path / "c", overwrite=overwrite)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file exists and is not a comparison"):
        compare(dataset, tmp_path / "file")
    assert not launched


def test_failed_trainings_are_reported_and_retried(launched, dataset, failing, monkeypatch, tmp_path):
    result = compare(dataset, tmp_path / "c", mixers=["failing", "softmax"])
    assert result.notes == ["failing, seed 0: failed: ValueError: no way through"]
    nothing = dict.fromkeys(result.rows[0].figures)
    assert result.rows[-1] == ComparisonRow(method="failing", short="failing", baseline=False, runs=0, figures=nothing)
    mixer = sys.modules["broken"].Failing
    monkeypatch.setattr(mixer, "forward", lambda self, x, mask, source: x)
    result = compare(dataset, tmp_path / "c", mixers=["failing", "softmax"])
    assert launched == ["failing-seed0", "softmax-seed0", "failing-seed0"]
    assert not result.notes


def test_reasons_are_reported_if_all_trainings_fail(launched, dataset, failing, tmp_path):
    with pytest.raises(SeqmixError, match="every training failed: failing, seed 0: failed: ValueError: no way through"):
        compare(dataset, tmp_path / "c", mixers=["failing"])
    assert "no way through" in (tmp_path / "c" / "compare.html").read_text()


def test_mixer_that_cannot_be_imported_is_a_failed_row(launched, dataset, failing, tmp_path):
    (tmp_path / "packages" / "broken.py").write_text("import nowhere_to_be_found\n")
    result = compare(dataset, tmp_path / "c", mixers=["failing", "softmax"], baselines=False)
    error = "failed: cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    assert result.notes == [f"failing, seed 0: {error}"] and launched == ["softmax-seed0"]
    assert [(row.method, row.runs) for row in result.rows] == [("softmax", 1), ("failing", 0)]
    with pytest.raises(ConfigError, match="the mixer 'failing' cannot be imported: ModuleNotFoundError"):
        compare(dataset, tmp_path / "d", mixers=["failing"])
    assert not (tmp_path / "d").exists()


def test_mean_skips_failed_seeds(launched, dataset, monkeypatch, tmp_path):
    genuine = scheduler.TrialProcess.launch
    monkeypatch.setattr(
        scheduler.TrialProcess,
        "launch",
        lambda launcher, s: "the process was killed" if s.folder.endswith("seed1") else genuine(launcher, s),
    )
    result = compare(dataset, tmp_path / "c", mixers=["softmax"], seeds=3)
    row = next(row for row in result.rows if not row.baseline)
    assert row.runs == 2
    assert row.figures["accuracy"] == spread([t.scores["accuracy"] for t in result.trials if not t.error])
    assert result.notes == ["softmax, seed 1: failed: the process was killed"]


def test_empty_list_of_mixers_is_an_error(run, dataset, tmp_path):
    assert "there is no mixer ''" in " ".join(run(dataset.path, "--mixers", "", code=1).split())
    assert not (tmp_path / "compare").exists()


def test_parallel_jobs_share_threads(dataset, monkeypatch, tmp_path):
    together, threads = threading.Barrier(2), []

    def launch(launcher, spec):
        together.wait(timeout=60)
        threads.append(spec.threads)
        return "it met another"

    monkeypatch.setattr(scheduler.TrialProcess, "launch", launch)
    with pytest.raises(SeqmixError, match=r"seed 0: failed: it met another.*seed 1: failed: it met another"):
        compare(dataset, tmp_path / "c", mixers=["softmax"], seeds=2, jobs=2, threads=None)
    assert threads == [max(1, torch.get_num_threads() // 2)] * 2


def test_interrupted_comparison_is_written_and_resumes(run, launched, dataset, monkeypatch, tmp_path):
    genuine = scheduler.TrialProcess.launch

    def interrupted(launcher, spec):
        if "kernelized" in spec.folder:
            raise KeyboardInterrupt
        return genuine(launcher, spec)

    monkeypatch.setattr(scheduler.TrialProcess, "launch", interrupted)
    settings = [word for setting in TINY for word in ("--set", setting)]
    command = [dataset.path, "--mixers", "softmax,kernelized", "--seeds", 1, "--budget", 0, *settings]
    assert (
        "interrupted; finished trainings are in compare/compare.html; run the same command again, without --overwrite"
        in run(*command, code=130)
    )
    found = json.loads((tmp_path / "compare" / "compare.json").read_text())
    assert found["interrupted"] and [r["mixer"] for r in found["runs"]] == ["softmax"]
    assert "interrupted: trainings are missing" in (tmp_path / "compare" / "compare.html").read_text()
    monkeypatch.setattr(scheduler.TrialProcess, "launch", genuine)
    assert "softmax, seed 0" in run(*command) and launched == ["softmax-seed0", "kernelized-seed0"]
    assert not json.loads((tmp_path / "compare" / "compare.json").read_text())["interrupted"]
    assert run(*command, "--quiet", "--overwrite") == ""


def spec_for(dataset, folder, **training):
    options = {"mixer": "softmax", "tokens_per_batch": 1024, "seed": 0} | training
    config = settling.resolve_run(dataset, options, settings=TINY[:2]).config
    return TrialSpec(mixer="softmax", seed=0, folder=str(folder), data=str(dataset.path), config=config.to_tables())


def test_interrupted_training_resumes_to_same_weights(dataset, monkeypatch, tmp_path):
    whole = run_trial(spec_for(dataset, tmp_path / "runs" / "whole", epochs=3))
    genuine, spec = fitting._validate, spec_for(dataset, tmp_path / "runs" / "parts", epochs=3)

    def stop(*args):
        os.kill(os.getpid(), signal.SIGTERM)
        return genuine(*args)

    monkeypatch.setattr(fitting, "_validate", stop)
    with pytest.raises(Interrupted):
        run_trial(spec)
    monkeypatch.setattr(fitting, "_validate", genuine)
    assert finished_trial(Path(spec.folder)) is None
    steps = []
    step = fitting.take_step
    monkeypatch.setattr(fitting, "take_step", lambda *args: steps.append(1) or step(*args))
    parts = run_trial(spec)
    assert parts.scores == whole.scores and parts.steps == whole.steps and parts.epochs == 3
    assert len(steps) == whole.steps * 2 // 3
    weights = [(tmp_path / "runs" / name / "model.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]


def test_trial_counts_its_budget(clock, dataset, tmp_path):
    found = run_trial(spec_for(dataset, tmp_path / "runs" / "x", budget=7.0))
    assert found.seconds >= 7.0 and found.reason == "the time budget of 7 s is used up"
    assert found.seed == 0 and found.folder == "runs/x"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the process in /proc")
def test_signal_saves_training_and_leaves_no_process(dataset, tmp_path):
    command = [sys.executable, "-m", "seqmix", "compare", str(dataset.path), "--mixers", "softmax", "--seeds", "1"]
    command += ["--budget", "1h", "--set", "training.patience=0", "--set", "model.d_model=8", "--set", "training.save_every=1"]
    paths = str(Path(seqmix.__file__).parent.parent)
    parent = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.PIPE)
    folder = tmp_path / "compare" / "runs" / "softmax-seed0"
    deadline = time.monotonic() + 120
    while not (folder / "last" / "state.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    tasks = Path(f"/proc/{parent.pid}/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text().split()]
    parent.send_signal(signal.SIGTERM)
    said = parent.communicate(timeout=120)[1].decode()
    assert children and parent.returncode == 130 and "run the same command again, without --overwrite, to resume" in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert json.loads((tmp_path / "compare" / "compare.json").read_text())["interrupted"]
    assert (tmp_path / "compare" / "compare.html").exists()
    state = seqmix.Run.open(folder).load_state()[1]["state"]
    assert state["step"] > 0 and state["elapsed"] > 0 and not state["finished"]
    assert "peak_bytes" in json.loads((folder / "trial.json").read_text())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs must be from 1 to 1,024: got 0"),
        ({"seeds": 0}, "seeds must be from 1 to 1,000: got 0"),
        ({"mixers": ["nothing"]}, "no mixer 'nothing'"),
        ({"budget": "5 min"}, "'5 min' is not a duration"),
        ({"budget": -1}, "training.budget must be a number of seconds"),
        ({"settings": ["training.seed=3"]}, "settings training.seed: a comparison sets it itself"),
        ({"settings": ["mixer.n_links=3"]}, "mixers softmax, kernelized have no option 'n_links'"),
        ({"device": "cuda:99"}, "is not available"),
        ({"threads": 0}, "threads must be from 1 to 1,024"),
    ],
)
def test_invalid_options_are_errors_before_writing(options, message, launched, dataset, tmp_path):
    with pytest.raises(ConfigError, match=message):
        compare(dataset, tmp_path / "c", **options)
    assert not launched and not (tmp_path / "c").exists()


def test_data_set_without_test_split_is_an_error(launched, two_class_files, tmp_path):
    data = seqmix.prepare(two_class_files, tmp_path / "data", options=seqmix.PrepareOptions(split="0.8,0.2,0"))
    with pytest.raises(DatasetError, match="the test split is empty"):
        compare(data, tmp_path / "c")


def test_killed_process_is_reported(dataset, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    assert "was killed, most likely because memory ran out" in REAL_LAUNCH(
        scheduler.TrialProcess(), spec_for(dataset, tmp_path / "x")
    )


def made_up(scores):
    counts, names = {"train": 3, "val": 1, "test": 2}, ["accuracy", "macro-F1", "ROC AUC"]
    data = {"path": "d", "counts": counts, "classes": ["a", "b"], "task": "classification", "scores": names}
    trials = [
        Trial(
            mixer=mixer,
            seed=seed,
            folder=f"runs/{mixer}-seed{seed}",
            scores=dict.fromkeys(names, s),
        )
        for mixer, values in scores.items()
        for seed, s in enumerate(values)
    ]
    return Comparison(settings={"budget": 0.0}, data=data, environment={}, trials=trials)


@pytest.mark.parametrize(("peaks", "drawn"), [((0, 0), None), ((0, 2_000_000), ["y"])])
def test_memory_too_small_to_measure_is_not_drawn(peaks, drawn):
    comparison = made_up({"x": [0.5], "y": [0.7]})
    comparison.trials = [replace(trial, peak_bytes=peak) for trial, peak in zip(comparison.trials, peaks, strict=True)]
    figure = memory_figure(comparison)
    assert (figure and figure.axes[0].get_legend_handles_labels()[1]) == drawn


def test_one_seed_has_value_and_several_have_mean_and_deviation():
    assert spread([0.5, None, float("nan")]) == Spread(mean=0.5, sd=None)
    assert spread([0.25, 0.75]) == Spread(mean=0.5, sd=pytest.approx(0.35355339))
    assert spread([None]) is None
    assert [with_spread(s) for s in (None, Spread(mean=0.5, sd=None), Spread(mean=0.5, sd=0.25))] == [
        "-",
        "0.500",
        "0.500 ± 0.250",
    ]
    rows = made_up({"x": [0.5, 0.7], "y": [0.9], "z": [None]}).rows
    assert [row.method for row in rows] == ["y", "x", "z"]
    assert json.loads(made_up({"z": [None]}).to_json())["table"][0]["figures"]["accuracy"] is None


def test_training_much_longer_than_its_budget_has_a_note():
    late = Trial(mixer="x", seed=1, task="text", folder="runs/x", scores={"accuracy": 0.5}, seconds=45.0)
    comparison = made_up({})
    comparison.settings["budget"], comparison.trials = 10.0, [late]
    assert comparison.failures == ["text, x, seed 1: took 45 s, the budget is 10 s: a step and a validation are not cut short"]
    comparison.settings["budget"] = 40.0
    assert not comparison.failures


def test_page_is_written_for_many_mixers_and_without_memory():
    many = made_up({f"mixer{i}<$>": [0.5 + i / 100, 0.6] for i in range(20)})
    assert comparison_html(many).count("<svg") == 2  # memory was not measured
    assert "<$>" not in comparison_html(many).split("<svg")[0]
    assert len(comparison_table(many).rows) == 20
    assert trial_headline(many.trials[0]) == "accuracy 0.500, 0 ms"


def test_settings_can_come_as_a_mapping(dataset, tmp_path, launched):
    settings = {"model.d_model": 4, "model.words": 0, "training": {"epochs": 1}}
    seqmix.compare(dataset, tmp_path / "out", mixers=["conv"], seeds=1, budget=0, config=settings)
    run = seqmix.Run.open(tmp_path / "out" / "runs" / "conv-seed0")
    assert (run.config.model.d_model, run.config.training.epochs) == (4, 1)
