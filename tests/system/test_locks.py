"""Locks on folders: exclusive among processes and threads, recognised when left behind, safe where they come from elsewhere."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest

from seqmix.errors import DatasetError, RunError
from seqmix.system import locks
from seqmix.system.locks import Holder, locked

HOLD = """
import sys, time
from pathlib import Path
from seqmix.system.locks import locked
with locked(Path(sys.argv[1]), "training", "training"):
    print("held", flush=True)
    sys.stdin.read()
"""
NAME = ".training.lock"


@pytest.fixture(params=["flock", "no flock"])
def system(request, monkeypatch):
    """A file system with and without flock(); without, a lock is given up for lost after a third of a second of silence."""
    monkeypatch.setattr(locks, "_BEAT", 0.05)
    monkeypatch.setattr(locks, "_LOOK", 0.02)
    monkeypatch.setattr(locks, "_SILENCE", 0.3)
    if request.param == "no flock":
        monkeypatch.setattr(locks, "_flock", lambda _: None)
    return request.param


def hold(folder):
    """Start a process that holds the lock until its standard input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "held\n"
    return child


def end(child):
    child.stdin.close()
    child.stdout.close()
    return child.wait(60)


def plant(folder, **facts):
    """Write the lock of a process that does not run any more."""
    holder = Holder(os.getpid(), "elsewhere", "another machine", "training", "2026-01-01 00:00:00")
    (folder / NAME).write_text(json.dumps(asdict(holder) | facts))
    touch(folder, 3600)


def touch(folder, age):
    moment = time.time() - age
    os.utime(folder / NAME, (moment, moment))


def train(folder):
    return locked(folder, "training", "training")


def test_other_process_is_named_and_its_end_frees_the_folder(tmp_path, caplog):
    child = hold(tmp_path)
    try:
        with pytest.raises(RunError, match=rf"process {child.pid} on .* has been training there since 20"), train(tmp_path):
            pass
        with locked(tmp_path, "evaluation", "evaluating"):  # another kind of work
            pass
    finally:
        assert end(child) == 0
    with train(tmp_path):
        assert not caplog.records
    assert list(tmp_path.iterdir()) == []


def test_lock_of_a_killed_process_is_left_behind(tmp_path, caplog):
    child = hold(tmp_path)
    child.kill()
    end(child)
    assert [p.name for p in tmp_path.iterdir()] == [NAME]
    with train(tmp_path):
        assert f"process {child.pid} on" in caplog.text
        assert "removed a lock left behind by" in caplog.text and "which was training there" in caplog.text
        with (
            pytest.raises(DatasetError, match=f"process {os.getpid()} on"),
            locked(tmp_path, "training", "", error=DatasetError),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


def test_reused_process_number_does_not_hold_a_lock(tmp_path, caplog):
    plant(tmp_path, machine=locks._machine())  # with the number of this process, which is alive
    with train(tmp_path):
        assert "left behind" in caplog.text


def test_exclusive_without_waiting_for_silence(tmp_path, system):
    with train(tmp_path):
        for _ in range(3):
            with pytest.raises(RunError, match="has been training there"), train(tmp_path):
                pass


@pytest.mark.parametrize("age", [-3600, 0, 3600])
def test_lock_of_another_computer_is_left_behind_once_it_is_silent(tmp_path, system, monkeypatch, age, caplog):
    plant(tmp_path)
    touch(tmp_path, age)
    waited, sleep = [], time.sleep
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: waited.append(seconds) or sleep(seconds))
    with train(tmp_path):
        assert "on elsewhere" in caplog.text
    assert bool(waited) == (age <= 0)


def test_lock_of_another_computer_that_is_touched_is_held(tmp_path, system):
    plant(tmp_path)
    touch(tmp_path, 0)
    ended = threading.Event()

    def keep_touching():
        while not ended.wait(0.05):
            os.utime(tmp_path / NAME)

    thread = threading.Thread(target=keep_touching)
    thread.start()
    try:
        for _ in range(3):
            with pytest.raises(RunError, match="on elsewhere has been training there"), train(tmp_path):
                pass
    finally:
        ended.set()
        thread.join()


def test_many_processes_take_turns(tmp_path, system):
    plant(tmp_path)
    inside, most = [], []

    def work(number):
        with locked(tmp_path, "training", "training", wait=30):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.002)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert most == [1] * 24
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"process": "x"}', "\0\xff", '{"process": 1, "host": "\x1b[31m"}', "[" * 5000]
)
def test_damaged_lock_is_left_behind_by_somebody(tmp_path, system, content, caplog):
    (tmp_path / NAME).write_text(content)
    touch(tmp_path, 3600)
    with train(tmp_path):
        assert "removed a lock left behind by another process" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_names_in_a_lock_are_escaped(tmp_path, system, caplog):
    plant(tmp_path, host="\x1b[31m" + "x" * 5000, doing="\u202e\n")
    with train(tmp_path):
        [record] = caplog.records
        assert record.getMessage().isprintable()
        assert len(record.getMessage()) < 400 + len(str(tmp_path))


@pytest.mark.parametrize("kind", ["link", "link to nothing", "folder", "pipe"])
def test_what_is_not_a_lock_is_neither_followed_nor_removed(tmp_path, kind):
    path, victim = tmp_path / "run" / NAME, tmp_path / "victim"
    path.parent.mkdir()
    if kind.startswith("link"):
        path.symlink_to(victim)
        if kind == "link":
            victim.write_text("precious")
    else:
        path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(RunError, match=r"cannot be written: .*(delete it|directory)"), train(tmp_path / "run"):
        pass
    assert os.path.lexists(path)
    assert not victim.exists() or victim.read_text() == "precious"


def test_holder_notices_that_another_took_over(tmp_path):
    (tmp_path / "run").mkdir()
    with train(tmp_path / "run") as lock:
        lock.check()
        (tmp_path / "run" / NAME).unlink()  # by somebody who tidies up; nobody else is there
        lock.check()
        assert [p.name for p in (tmp_path / "run").iterdir()] == [NAME]
        (tmp_path / "run" / NAME).unlink()
        with train(tmp_path / "run"), pytest.raises(RunError, match="another process took over"):
            lock.check()
        (tmp_path / "run").rename(tmp_path / "old")
        for _ in range(2):
            with pytest.raises(RunError, match="replaced, or another process took over"):
                lock.check()
            (tmp_path / "run").mkdir(exist_ok=True)
        with train(tmp_path / "run"):
            lock.release()
            assert (tmp_path / "run" / NAME).exists()  # what is not its own stays


def test_suspended_holder_notices_that_it_was_given_up(tmp_path, system, monkeypatch, caplog):
    monkeypatch.setattr(locks.FolderLock, "_touch", lambda self: None)
    monkeypatch.setattr(locks, "_flock", lambda _: None)  # its computer's, seen from another
    with train(tmp_path) as sleeper, train(tmp_path) as other:
        assert "left behind" in caplog.text
        with pytest.raises(RunError, match="took over"):
            sleeper.check()
        other.check()


def test_folder_that_others_make_and_remove_is_made_again(tmp_path):
    def work(_):
        for _ in range(20):
            with locked(tmp_path / "made", "numbers", "choosing a number", make=True, wait=30):
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [p.name for p in tmp_path.rglob("*")] in ([], ["made"])


def test_missing_folder_is_an_error_or_made(tmp_path):
    with pytest.raises(RunError, match="no such folder"), train(tmp_path / "missing"):
        pass
    with locked(tmp_path / "a" / "made", "training", "training", make=True) as lock:
        assert lock.path.is_file()
    assert not (tmp_path / "a" / "made").exists()
    with locked(tmp_path / "made", "training", "training", make=True):
        (tmp_path / "made" / "result").write_text("")
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["result"]
    with pytest.raises(RunError, match="cannot be written"), locked(tmp_path / "made" / "result", "x", "y", make=True):
        pass


def test_waiting_for_another_process_is_noted_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(locks, "_LOOK", 0.1)
    child = hold(tmp_path)
    try:
        with (
            pytest.raises(RunError, match=r"has been training there since .*; wait for it or stop it, or choose another"),
            locked(tmp_path, "training", "training", wait=0.5),
        ):
            pass
    finally:
        end(child)
    (record,) = caplog.records
    waited = rf"waiting for process {child.pid} on .*, which has been training there since .*; for at most [01] s"
    assert re.search(waited, record.getMessage())


def test_waiting_for_a_sign_of_life_is_noted_once(tmp_path, system, monkeypatch, caplog):
    plant(tmp_path)
    touch(tmp_path, 0)
    with train(tmp_path):
        pass
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert re.search(r"waiting for process \d+ on elsewhere, which has been training there since 2026-01-01 00:00:00", said[0])
    assert "removed a lock left behind by" in said[1]
