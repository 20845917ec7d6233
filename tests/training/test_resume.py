"""Interrupted training goes on to the very bytes of an uninterrupted one: processes are really killed here."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import seqmix
from seqmix.errors import DatasetError, Interrupted, RunError
from seqmix.run import Run
from seqmix.training.events import StepEnd
from tests.support import random_dna, write_fasta

# Starts `seqmix` commands, one at a time, as separate processes that have torch imported already.
LAUNCHER = """
import json, os, signal, sys
import seqmix.cli, seqmix.cli.training_display, seqmix.training.train
import safetensors.torch, seqmix.mixers.paramixer, seqmix.mixers.skyformer, torch._dynamo  # what training fetches late
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` lets processes ignore it
for line in sys.stdin:
    arguments, messages = json.loads(line)
    child = os.fork()
    if not child:
        os.dup2(os.open(messages, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["seqmix", *arguments]
        seqmix.cli.main()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
PATIENCE = 120  # seconds after which an idle process is considered hung


class TrialProcess:
    def __init__(self, folder):
        self.messages = folder / "messages"
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.child = 0

    def start(self, *arguments):
        self.process.stdin.write(json.dumps([[str(a) for a in arguments], str(self.messages)]) + "\n")
        self.child = int(self.process.stdout.readline())

    def wait(self):
        """The exit code of the command; negative: the signal that killed it."""
        code = int(self.process.stdout.readline())
        self.child = 0
        return code

    def kill(self, number=signal.SIGKILL):
        os.kill(self.child, number)
        return self.wait()

    def close(self):
        if self.child:
            os.kill(self.child, signal.SIGKILL)
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    made = TrialProcess(tmp_path_factory.mktemp("launcher"))
    yield made
    made.close()


PLAIN = Path(__file__).with_name("plain.toml")  # also for subprocesses: without a default recipe
OPTIONS = {
    "paramixer": ("model.dropout=0.2", "model.d_model=8", "mixer.d_hidden=8", "mixer.n_factors=3", "training.accumulate=2"),
    "skyformer": ("model.dropout=0.2", "model.d_model=8", "mixer.n_landmarks=4", "model.positions=true"),
    "conv": ("model.dropout=0.2", "model.d_model=8", "training.max_steps=30", "training.validate_every=8"),
}


def arguments(data, output, mixer="paramixer", *, save_every=3):
    settings = [word for setting in OPTIONS[mixer] for word in ("--set", setting)]
    sizes = ["--epochs", "5", "--tokens-per-batch", "512", "--save-every", save_every]
    return ["train", data, "-o", output, "--mixer", mixer, "--config", PLAIN, *sizes, *settings, "--quiet"]


def train(data, output, mixer="paramixer", **options):
    given = {"epochs": 5, "tokens_per_batch": 512, "save_every": 3, "config": PLAIN} | options
    return seqmix.train(data, output, mixer=mixer, settings=OPTIONS[mixer], **given)


@pytest.fixture(scope="module")
def references(dataset, tmp_path_factory):
    """An uninterrupted run of each mixer."""
    folder = tmp_path_factory.mktemp("references")
    return {mixer: train(dataset, folder / mixer, mixer) for mixer in OPTIONS}


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the process does not get on"


def saves_seen(run, number):
    """Return a condition: the state has been replaced that many times since now."""
    state, seen = run / "last" / "state.safetensors", []

    def condition():
        try:
            found = state.stat()
        except FileNotFoundError:
            return False
        if (found.st_ino, found.st_mtime_ns) not in seen:
            seen.append((found.st_ino, found.st_mtime_ns))
        return len(seen) > number

    condition()
    return condition


def log(run):
    return [{k: v for k, v in line.items() if k not in ("seconds", "tokens_per_second")} for line in run.history()]


def assert_same(path, reference):
    """Check that weights, last state (including optimiser and random numbers) and log are bit-identical."""
    for name in ("model.safetensors", "last/state.safetensors"):
        assert (path / name).read_bytes() == (reference.path / name).read_bytes(), name
    assert log(Run.open(path)) == log(reference)
    assert not list(path.rglob("*.partial"))


@pytest.mark.parametrize("mixer", OPTIONS)
def test_resume_after_kill_at_random_points_is_bit_identical(mixer, launcher, dataset, references, tmp_path):
    rng = random.Random(mixer)
    run = tmp_path / "run"
    launcher.start(*arguments(dataset.path, run, mixer))
    for saves in (1, 2, 3) if mixer == "paramixer" else (2,):
        wait_for(saves_seen(run, saves))
        time.sleep(rng.uniform(0, 0.04))  # anywhere in the steps between two saves, or in the validation
        assert launcher.kill() == -signal.SIGKILL
        launcher.start("train", "--resume", "-o", run, "--quiet")
    assert launcher.wait() == 0, launcher.messages.read_text()
    assert_same(run, references[mixer])


def test_resume_after_kill_during_save_is_bit_identical(launcher, dataset, references, tmp_path):
    run, caught = tmp_path / "run", 0

    def half_written():
        return list((run / "last").glob(".state.safetensors.*.partial"))

    launcher.start(*arguments(dataset.path, run))
    for attempt in range(1, 6):
        wait_for(saves_seen(run, attempt % 2))
        wait_for(half_written)
        assert launcher.kill() == -signal.SIGKILL
        caught += bool(half_written())
        launcher.start("train", "--resume", "-o", run, "--quiet")
        if caught == 2:
            break
        for path in half_written():
            path.unlink(missing_ok=True)  # left by the killed process: only the next process's file is waited for
    assert launcher.wait() == 0, launcher.messages.read_text()
    assert caught
    assert_same(run, references["paramixer"])


def test_signal_saves_run_and_exits_with_130(launcher, dataset, references, tmp_path):
    run = tmp_path / "run"
    launcher.start(*arguments(dataset.path, run))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        wait_for(saves_seen(run, 1))
        assert launcher.kill(number) == 130
        message = launcher.messages.read_text()
        assert "--resume" in message
        assert str(run) in message
        assert "Traceback" not in message
        _, facts = Run.open(run).load_state()
        assert f"at step {facts['state']['step']};" in message, "what was told is not what was saved"
        launcher.start("train", "--resume", "-o", run, "--quiet")
    assert launcher.wait() == 0
    assert_same(run, references["paramixer"])


def interrupted_at(dataset, output, step, **options):
    """Return a run that received SIGTERM at a step."""

    def send(event):
        if getattr(event, "step", None) == step:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(dataset, output, on_event=send, **options)
    return output


def test_state_is_saved_when_printing_is_impossible(dataset, tmp_path):
    """A terminal that is closed sends SIGHUP, and writing to it fails."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` lets processes ignore it

    def send_and_fail(event):
        if isinstance(event, StepEnd) and event.step == 4:
            os.kill(os.getpid(), signal.SIGHUP)
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        train(dataset, tmp_path / "run", on_event=send_and_fail, save_every=1000)
    signal.signal(signal.SIGHUP, before)
    assert Run.open(tmp_path / "run").load_state()[1]["state"]["step"] == 4


def test_interruption_between_saves_saves_current_step(dataset, references, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    run = interrupted_at(dataset, tmp_path / "run", 4, save_every=1000)
    assert signal.getsignal(signal.SIGTERM) is before
    _, facts = Run.open(run).load_state()
    told = facts["state"]["step"]
    assert told == 4
    events = []
    seqmix.train(output=run, resume=True, on_event=events.append)
    assert events[0].resumed
    assert events[1].step == 5
    resumed, whole = Run.open(run), references["paramixer"]
    assert all((a == b).all() for a, b in zip(resumed.load_model().parameters(), whole.load_model().parameters(), strict=True))
    assert log(resumed) == log(whole)


@pytest.mark.parametrize("step", [8, 9, "end of an epoch", 24, 30])
def test_resume_with_max_steps_is_bit_identical(step, dataset, references, tmp_path):
    reference = references["conv"]
    if step == "end of an epoch":
        steps = []
        train(dataset, tmp_path / "counted", "conv", on_event=steps.append)
        step = next(e.step for e in steps if isinstance(e, StepEnd) and e.batch == e.batches and e.step % 8)
    run = interrupted_at(dataset, tmp_path / "run", step, mixer="conv")
    assert Run.open(run).load_state()[1]["state"]["step"] == step
    seqmix.train(output=run, resume=True)
    assert_same(run, reference)
    assert [line["step"] for line in reference.history()] == [8, 16, 24, 30]


def test_run_killed_before_first_save_starts_again(dataset, references, tmp_path):
    reference = references["paramixer"]
    Run.create(tmp_path / "run", reference.config, reference.info)
    seqmix.train(output=tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", reference)


@pytest.mark.parametrize("mixer", ["paramixer", "conv"])
def test_validation_is_logged_once_despite_crash_after_its_line(mixer, dataset, references, tmp_path, monkeypatch):
    class Died(BaseException):
        pass

    save, log_line = Run.save_state, Run.log

    def die(*_):
        raise Died

    def log_and_die_at_the_next_save(run, line):
        log_line(run, line)
        if len(run.history()) == 2:
            monkeypatch.setattr(Run, "save_state", die)

    monkeypatch.setattr(Run, "log", log_and_die_at_the_next_save)
    with pytest.raises(Died):
        train(dataset, tmp_path / "run", mixer)
    monkeypatch.setattr(Run, "save_state", save)
    monkeypatch.setattr(Run, "log", log_line)
    seqmix.train(output=tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", references[mixer])


def test_resume_from_state_without_validation_count(dataset, references, tmp_path):
    run = Run.open(interrupted_at(dataset, tmp_path / "run", 10))
    tensors, facts = run.load_state()
    for name in ("validations", "validated", "best_step"):
        del facts["state"][name]
    run.save_state(tensors, facts)
    seqmix.train(output=run.path, resume=True)
    assert log(run) == log(references["paramixer"])


def test_finished_run_has_nothing_to_resume(references, tmp_path):
    reference = references["paramixer"]
    run = Path(shutil.copytree(reference.path, tmp_path / "run"))
    events = []
    seqmix.train(output=run, resume=True, on_event=events.append)
    assert [type(event).__name__ for event in events] == ["Finished"] and events[0].earlier
    assert_same(run, reference)


def test_resume_accepts_same_options_and_finds_newest_run(dataset, references, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    interrupted_at(dataset, Path("runs") / "001-paramixer", 4)
    train(dataset, None, resume=True, seed=0)
    assert_same(tmp_path / "runs" / "001-paramixer", references["paramixer"])


@pytest.fixture(scope="module")
def unfinished(dataset, tmp_path_factory):
    return interrupted_at(dataset, tmp_path_factory.mktemp("unfinished") / "run", 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.5}, r"training\.lr = 0\.5: the run started with 0\.002"),
        ({"epochs": 9}, r"training\.epochs = 9: the run started with 5"),
        ({"mixer": "softmax"}, r"model\.mixer = 'softmax': the run started with 'paramixer'"),
        ({"protocol": "cdil"}, r"mixer\.protocol = 'cdil'"),
        ({"max_length": 30}, r"data\.max_length = 30"),
        ({"settings": ("model.dropout=0.5",)}, r"model\.dropout = 0\.5"),
        ({"settings": ("mixer.n_links=3",)}, r"mixer\.n_links = 3"),
        ({"settings": ("mixer.nothing=3",)}, r"mixer\.nothing"),
    ],
    ids=str,
)
def test_resume_with_other_options_is_an_error(options, message, unfinished):
    before = (unfinished / "last" / "state.safetensors").read_bytes()
    with pytest.raises(RunError, match=message):
        seqmix.train(output=unfinished, resume=True, **options)
    assert (unfinished / "last" / "state.safetensors").read_bytes() == before


def test_resume_with_changed_data_is_an_error(unfinished, tmp_path):
    rng = random.Random(5)
    files = [
        write_fasta(tmp_path / f"{name}.fa", [(f"{i}", random_dna(50, rng)) for i in range(9)]) for name in ("atrich", "gcrich")
    ]
    other = seqmix.prepare(files, tmp_path / "other")
    with pytest.raises(RunError, match="has changed since the run started"):
        seqmix.train(other, unfinished, resume=True)
    with pytest.raises(DatasetError):
        seqmix.train(tmp_path / "nothing", unfinished, resume=True)


def test_resume_finds_moved_data(dataset, unfinished, references, tmp_path):
    run = Path(shutil.copytree(unfinished, tmp_path / "run"))
    moved = shutil.copytree(dataset.path, tmp_path / "moved")
    seqmix.train(moved, run, resume=True)
    assert_same(run, references["paramixer"])


def test_resume_from_damaged_state_is_an_error(unfinished, tmp_path):
    run = Path(shutil.copytree(unfinished, tmp_path / "run"))
    state = run / "last" / "state.safetensors"
    content = bytearray(state.read_bytes())
    content[-3] ^= 4
    state.write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        seqmix.train(output=run, resume=True)
    state.write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match="damaged"):
        seqmix.train(output=run, resume=True)


def test_resume_without_run_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no run under runs/"):
        seqmix.train(resume=True)
    with pytest.raises(RunError, match="no such run folder"):
        seqmix.train(output="elsewhere", resume=True)


def test_resume_and_overwrite_are_mutually_exclusive(unfinished):
    with pytest.raises(seqmix.SeqmixError, match="resume and overwrite"):
        seqmix.train(output=unfinished, resume=True, overwrite=True)
    assert Run.open(unfinished).load_state()
