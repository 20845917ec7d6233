"""Error over length on synthetic tasks: what is trained, what is not done again, what is drawn."""

import json

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.errors import ConfigError, RunError
from seqmix.experiments import campaign
from seqmix.experiments.events import TrialFinished
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.scalability.report import scalability_figure, scalability_html, scalability_table, write_scalability
from seqmix.experiments.scalability.reproduce import TASKS, reproduce_scalability
from seqmix.experiments.scalability.result import Scalability
from seqmix.objectives.regression import WITHIN
from seqmix.recipes import read_recipe
from seqmix.run import Run
from tests.support import as_kept_by_0_1_0

TINY = ("training.max_steps=2", "training.batch_size=4", "model.d_model=8")


def reproduce(folder, **options):
    defaults = {"lengths": (8, 12), "mixers": ("paramixer", "softmax"), "budget": 0, "train": 12, "test": 6, "settings": TINY}
    return reproduce_scalability(folder, **(defaults | options))


def test_every_task_length_and_mixer_is_trained_once(launched, tmp_path):
    result = reproduce(tmp_path / "s")
    wanted = [(t, n, m) for t in ("adding", "temporal-order") for n in (8, 12) for m in ("paramixer", "softmax")]
    assert [(p.task, p.length, p.mixer) for p in result.points] == wanted
    assert all(0 <= p.error.mean <= 1 and p.samples == 8 and p.reasons == ["all steps done"] for p in result.points)
    assert len(launched) == 8
    as_kept_by_0_1_0(tmp_path / "s")
    again = reproduce(tmp_path / "s")
    assert len(launched) == 8 and again.points == result.points
    more = reproduce(tmp_path / "s", mixers=("paramixer", "softmax", "linear"), lengths=(8,), tasks=("adding",))
    assert launched[8:] == ["adding-8-linear-seed0"]
    assert [(p.task, p.length, p.mixer) for p in more.points] == [*wanted[:2], ("adding", 8, "linear"), *wanted[2:]]
    assert json.loads((tmp_path / "s" / "scalability.json").read_text())["points"][0]["task"] == "adding"


def test_mixers_keep_requested_order(launched, tmp_path):
    cell = {"tasks": ["adding"], "lengths": [16]}
    reproduce(tmp_path / "r", mixers=["softmax"], **cell)
    reproduce(tmp_path / "r", mixers=["linear"], **cell)
    result = reproduce(tmp_path / "r", mixers=["paramixer", "softmax"], **cell)
    assert [point.mixer for point in result.points] == ["paramixer", "softmax", "linear"]


def test_other_data_in_folder_is_an_error(launched, tmp_path):
    reproduce(tmp_path / "s", lengths=(8,), tasks=("adding",))
    with pytest.raises(RunError, match="train: 12 there, 13 now"):
        reproduce(tmp_path / "s", lengths=(8,), tasks=("adding",), train=13)


def test_other_folders_are_not_overwritten(launched, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="is not a figure of error over length"):
            reproduce(tmp_path / "s", overwrite=overwrite)
    once = {"lengths": (8,), "tasks": ("adding",), "mixers": ("paramixer",)}
    reproduce(tmp_path / "t", **once)
    with pytest.raises(RunError, match="other settings"):
        reproduce(tmp_path / "t", **once, budget=3)
    reproduce(tmp_path / "t", **once, train=13, overwrite=True)
    assert len(launched) == 2


def test_interruption_keeps_finished_work(launched, tmp_path):
    def stop(event):
        if isinstance(event, TrialFinished):
            raise KeyboardInterrupt

    result = reproduce(tmp_path / "s", mixers=("paramixer",), on_event=stop)
    assert result.interrupted and (result.points[0].task, result.points[0].length) == ("adding", 8)
    assert len(launched) < 4  # one started in the meantime may have finished
    assert "trainings are missing" in (tmp_path / "s" / "scalability.html").read_text()
    assert not reproduce(tmp_path / "s", mixers=("paramixer",)).interrupted
    assert sorted(launched) == sorted(f"{task}-{n}-paramixer-seed0" for task in TASKS for n in (8, 12))


def test_interruption_before_first_result_is_reported(monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "run_trials", interrupted)
    command = ["reproduce", "scalability", "--lengths", "16", "--train", "8", "--test", "4", "--output", str(tmp_path / "s")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 130 and "no training is finished yet" in result.output
    assert "Traceback" not in result.output and "scalability.html" not in result.output
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"data", "scalability.json"}


def test_unknown_mixer_is_an_error_before_writing(tmp_path):
    with pytest.raises(ConfigError, match="no mixer 'foo'"):
        reproduce(tmp_path / "s", mixers=("paramixer", "foo"))
    assert not (tmp_path / "s").exists()


def test_progress_agrees_with_table(launched, tmp_path):
    output = tmp_path / "s"
    command = [
        "reproduce",
        "scalability",
        "--lengths",
        "16",
        "--train",
        "8",
        "--test",
        "4",
        "--mixers",
        "linear",
        "--budget",
        "0",
    ]
    settings = [part for setting in TINY for part in ("--set", setting)]
    result = CliRunner().invoke(app, [*command, *settings, "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert "adding-16: generating" in result.stderr and "temporal-order-16: generating" in result.stderr
    for point in json.loads((output / "scalability.json").read_text())["points"]:
        shown = f"{100 * point['error']['mean']:.1f} %"
        assert f"{point['task']}, 16, linear, seed 0: {shown} wrong, " in result.stderr


def test_figure_with_failures_only_has_no_line(tmp_path):
    result = made_up({("adding", 128, "a"): None, ("adding", 256, "a"): None})
    write_scalability(result, tmp_path)
    assert not any(len(line.get_xdata()) for line in scalability_figure(result).axes[0].lines)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tasks": ("listops",)}, "tasks must be among adding, temporal-order: got 'listops'"),
        ({"lengths": ()}, "lengths must name at least one"),
        ({"test": 1}, "test must be from 2 to 1,000,000,000: got 1"),
        ({"train": -3}, "train must be from 1 to 1,000,000,000: got -3"),
        ({"lengths": (-5,)}, "lengths must be from 2 to 134,217,728: got -5"),
    ],
)
def test_invalid_requests_are_explained(options, words, tmp_path):
    with pytest.raises(ConfigError, match=words):
        reproduce(tmp_path / "s", **options)


@pytest.mark.parametrize("task", ["adding", "temporal-order"])
def test_quick_recipes_are_used(task, launched, tmp_path):
    reproduce(tmp_path / "s", lengths=(8,), tasks=(task,), mixers=("paramixer",), settings=("training.max_steps=1",))
    found = Run.open(tmp_path / "s" / "runs" / f"{task}-8-paramixer-seed0").config.to_tables()
    for table, options in read_recipe(f"quick/{task}").items():
        for name, value in options.items():
            if name != "max_steps":
                assert found[table][name] == value, name


def made_up(errors):
    """Trials with errors by (task, length, mixer); None if failed."""
    trials = [
        Trial(
            task=task,
            length=length,
            mixer=mixer,
            seed=0,
            folder=f"runs/{task}-{length}-{mixer}-seed0",
            error="failed: no memory" if error is None else "",
            scores={} if error is None else {WITHIN: 1.0 - error},
            seconds=10.0,
            steps=50,
            reached=error == 0,
            settings={"training": {"batch_size": 16}},
        )
        for (task, length, mixer), error in errors.items()
    ]
    return Scalability(settings={"budget": 60.0, "train": 100}, environment={}, test=1000, trials=trials)


def test_zero_error_is_drawn_at_bottom_and_failure_not_drawn(tmp_path):
    result = made_up(
        {("adding", 128, "a"): 0.0, ("adding", 256, "a"): 0.02, ("adding", 128, "b"): 0.8, ("adding", 256, "b"): None}
    )
    lines = scalability_figure(result).axes[0].lines
    assert list(lines[0].get_ydata()) == pytest.approx([0.0005, 0.02])
    assert list(lines[1].get_xdata()) == [128]
    assert result.failures == ["adding, 256, b, seed 0: failed: no memory"]
    assert len(scalability_table(result).rows) == 4
    page = scalability_html(result)
    assert page.count("<svg") == 2 and "adding, 256, b, seed 0: failed" in page
    write_scalability(result, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".html", ".svg", ".png"}
