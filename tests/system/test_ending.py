"""How processes end: children with their parents, and all when they are asked to."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import seqmix
from seqmix.system.signals import ending_signals, handle_ending

PACKAGE = Path(seqmix.__file__).parent
PATIENCE = 60  # seconds
CHILD = """
import json, os, sys, threading, time
from pathlib import Path
from seqmix.system.processes import end_with_parent
end_with_parent()
folder, work = json.loads(sys.argv[1])
Path(folder, work + ".tmp").write_text(str(os.getpid()))
Path(folder, work + ".tmp").rename(Path(folder, work))
if work == "sleep":
    time.sleep(1000)
elif work == "sums":
    while True:
        sum(range(1000))
else:
    for thread in [threading.Thread(target=time.sleep, args=[1000]) for _ in range(3)]:
        thread.start()
"""
PARENT = """
import os, signal, sys, threading, time
from pathlib import Path
from seqmix.system.processes import running
folder, end = sys.argv[1:]
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` lets processes ignore it
works = ["sleep", "sums", "threads"]
def start(work):
    with running("child_of_the_test", [folder, work]) as child:
        child.communicate()
for work in works:
    threading.Thread(target=start, args=[work]).start()
while not all(Path(folder, work).exists() for work in works):
    time.sleep(0.01)
if end == "exit":
    os._exit(0)
print("ready", flush=True)
time.sleep(1000)
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("end", ["SIGKILL", "SIGHUP", "exit"])
def test_children_end_with_their_parent(tmp_path, end):
    (tmp_path / "child_of_the_test.py").write_text(CHILD)
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    command = [sys.executable, "-c", PARENT, tmp_path, end]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}) as parent:
        if parent.stdout.readline():
            assert all(alive(int((tmp_path / work).read_text())) for work in ("sleep", "sums", "threads"))
            parent.send_signal(getattr(signal, end))
    children = [int((tmp_path / work).read_text()) for work in ("sleep", "sums", "threads")]
    deadline = time.monotonic() + PATIENCE
    while any(map(alive, children)):
        assert time.monotonic() < deadline, "a child lives on"
        time.sleep(0.01)


def test_every_module_that_is_started_ends_with_its_parent():
    started = {name for path in PACKAGE.rglob("*.py") for name in re.findall(r'running\(\s*"([\w.]+)"', path.read_text())}
    assert started == {"seqmix.experiments.run_trial", "seqmix.bench.measure"}
    for module in started:
        main = (PACKAGE.parent / f"{module.replace('.', '/')}.py").read_text().partition('if __name__ == "__main__":\n')[2]
        assert main.startswith("    end_with_parent()\n"), module


@pytest.fixture
def handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
@pytest.mark.parametrize("ignored", ["SIGHUP", "SIGTERM", ""])
def test_ignored_signals_stay_ignored_and_the_first_of_the_others_counts(handlers, ignored):
    """`nohup` lets a process ignore SIGHUP."""
    received = []
    for name in ("SIGHUP", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN if name == ignored else signal.SIG_DFL)
    handle_ending(lambda number, _: received.append(signal.Signals(number).name))
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)
    assert received == ["SIGTERM" if ignored == "SIGHUP" else "SIGHUP"]
    assert not ending_signals()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_printing_to_a_closed_terminal_goes_nowhere():
    code = """
import os
from seqmix.system.signals import forsake_lost_terminal
terminal, ours = os.openpty()
os.dup2(ours, 1)
os.dup2(ours, 2)
forsake_lost_terminal()
assert os.isatty(1) and os.isatty(2)
os.close(terminal)
try:
    os.write(2, b"lost")
except OSError:
    forsake_lost_terminal()
    os.write(1, b"lost")
    os.write(2, b"lost")
    os._exit(7)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 7
