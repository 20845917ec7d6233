import errno
import os
import subprocess
import sys
import tempfile
import time
from functools import cache

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.config import Config
from seqmix.errors import DatasetError, RunError, SeqmixError
from seqmix.run import Run
from seqmix.system import leftovers, owner, renaming, signs_of_life
from seqmix.system.files import text_output, whole_file, whole_folder, write_whole
from seqmix.system.leftovers import clear, clear_folder, put_back, scratch_folder, temporary_name
from seqmix.system.notes import notes_to
from seqmix.training.new_run import new_run
from seqmix.training.resolve import resolve_run
from tests.support import write_fasta


@pytest.fixture(autouse=True)
def none_told(monkeypatch):
    monkeypatch.setattr(leftovers, "_told", set())


@cache
def dead_owner():
    """A process that has ended, as its temporary names tell it."""
    code = "from seqmix.system.owner import owner; print(owner())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def name_of_dead(path, kind="partial"):
    """A temporary name that a process made which has ended."""
    name = temporary_name(path, kind)
    return name.with_name(name.name.replace(owner.owner(), dead_owner()))


def changed(path, number, text):
    """The name with one of the facts on its maker replaced: 0 its number, 1 its start, 2 its computer."""
    facts = path.name.split(".")[-2].split("-")
    facts[number] = text
    return path.with_name(f"{path.name.rpartition('.')[0].rpartition('.')[0]}.{'-'.join(facts)}.{path.name.rpartition('.')[2]}")


def make(path, text="half"):
    if path.suffix == ".file":
        path.write_text(text)
    else:
        path.mkdir()
        (path / "file").write_text(text)
    return path


@pytest.mark.parametrize("output", ["data", "data.tsv", "a name. of [data].x", "long" * 60, "d\udce4ta", "ж" * 60])
def test_leftovers_of_a_killed_process_are_removed_with_a_note(tmp_path, output):
    left = name_of_dead(tmp_path / output)
    left.mkdir()
    (left / "file").write_text("half")
    other = make(name_of_dead(tmp_path / f"{output[:9]}.other"))
    notes = []
    with notes_to(notes.append):  # not caplog: a report with such names cannot be sent between the processes of the tests
        clear(tmp_path / output)
    assert [p.name for p in tmp_path.iterdir()] == [other.name]
    assert notes == [f"{left}: removed; a killed process left it unfinished"]


@pytest.mark.parametrize("write", ["write_whole", "whole_folder", "text_output"])
def test_each_way_to_write_clears_first(tmp_path, caplog, write):
    path = tmp_path / "out.tsv"
    make(name_of_dead(path))
    name_of_dead(path).write_text("half")
    if write == "write_whole":
        write_whole(path, "new")
    elif write == "text_output":
        with text_output(path) as out:
            out.write("new")
    else:
        with whole_folder(path):
            pass
    assert [p.name for p in tmp_path.iterdir()] == ["out.tsv"]
    assert len(caplog.records) == 1 and "and 1 more: removed" in caplog.text


def test_what_belongs_to_a_living_process_is_not_touched(tmp_path, caplog):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        mine = temporary_name(tmp_path / "data")
        facts = f"{child.pid}-{owner._start(child.pid)}-{owner._host()}"
        living = [make(mine), make(tmp_path / f".data.{facts}-01234567.partial")]
        clear(tmp_path / "data")
        clear_folder(tmp_path)
        assert all(path.exists() for path in living) and not caplog.records
    finally:
        child.communicate()
    clear(tmp_path / "data")
    assert mine.exists() and not living[1].exists()


@pytest.mark.parametrize("number, text, kept", [(1, "01234567", False), (2, "01234567", True), (0, "999999999", False)])
def test_number_start_and_computer_tell_the_process(tmp_path, caplog, number, text, kept):
    """Another start: the number belongs to another process now. Another computer: whether it lives is unknown here."""
    path = changed(temporary_name(tmp_path / "data"), number, text)
    path = make(changed(path, 3, "01234567") if kept else path)
    clear(tmp_path / "data")
    clear(tmp_path / "data")
    assert path.exists() == kept
    assert len(caplog.records) == 1 and str(path) in caplog.text
    assert ("another computer" in caplog.text) == kept


def from_elsewhere(path, kernel, kind="partial"):
    """A temporary name of a process that has ended, in a container or on a computer of another name."""
    found = changed(name_of_dead(path, kind), 2, "01234567")
    return found if kernel == "this kernel" else changed(found, 3, "01234567")


def set_back(path, seconds):
    for inner in (*(path.iterdir() if path.is_dir() else ()), path):
        os.utime(inner, (time.time() - seconds,) * 2)


@pytest.mark.skipif(os.name == "nt", reason="there is no flock()")
@pytest.mark.parametrize("output", ["folder", "file"])
@pytest.mark.parametrize(
    ("kernel", "age", "kept"),
    [
        ("this kernel", 0, True),  # perhaps about to be locked
        ("this kernel", 10, False),
        ("another kernel", 10, True),
        ("another kernel", 80_000, True),
        ("another kernel", 90_000, False),
    ],
)
def test_leftover_of_a_container_with_another_name_is_removed_once_that_is_safe(tmp_path, caplog, output, kernel, age, kept):
    path = from_elsewhere(tmp_path / "data", kernel)
    make(path) if output == "folder" else path.write_text("half")
    set_back(path, age)
    clear(tmp_path / "data")
    assert path.exists() == kept
    assert ("removed when nothing has happened there for a day" if kept else "removed; a killed process") in caplog.text
    assert not [p for p in tmp_path.iterdir() if p != path]


@pytest.mark.skipif(os.name == "nt", reason="there is no flock()")
@pytest.mark.parametrize("write", [write_whole, whole_folder, text_output])
def test_what_a_process_in_another_container_is_writing_is_not_touched(tmp_path, monkeypatch, write):
    here = leftovers.owner()
    monkeypatch.setattr(leftovers, "owner", lambda: "-".join([*here.split("-")[:2], "01234567", here.split("-")[3]]))

    def look():
        (temporary,) = tmp_path.iterdir()
        set_back(temporary, 1e6)
        clear(tmp_path / "out.tsv")
        assert temporary.exists()

    if write is write_whole:
        with whole_file(tmp_path / "out.tsv"):
            look()
    else:
        with write(tmp_path / "out.tsv"):
            look()
    assert [path.name for path in tmp_path.iterdir()] == ["out.tsv"]


@pytest.mark.parametrize("write", [whole_folder, text_output])
def test_output_that_takes_long_is_touched(tmp_path, monkeypatch, write):
    monkeypatch.setattr(signs_of_life, "_BEAT", 0.01)
    with write(tmp_path / "out.tsv"):
        (temporary,) = tmp_path.iterdir()
        set_back(temporary, 1e6)
        end = time.monotonic() + 30
        while temporary.stat().st_mtime < time.time() - 1e5:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_zombie_counts_as_ended():
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    child.stdout.read()
    while owner._start(child.pid):
        pass
    child.communicate()


@pytest.mark.skipif(os.name == "nt", reason="there is no ps")
def test_start_is_known_without_proc():
    mine = owner._start_by_ps(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert len(mine) == 8 and mine == owner._start_by_ps(os.getpid())
    assert owner._start_by_ps(child.pid)
    child.communicate()
    assert owner._start_by_ps(child.pid) is None


def test_left_by_an_older_version_is_named_and_kept_except_where_nobody_else_writes(tmp_path, caplog):
    old = make(tmp_path / ".data.0123456789abcdef.partial")
    clear(tmp_path / "data")
    assert old.exists() and "of an older version" in caplog.text
    clear_folder(tmp_path)
    assert not old.exists()


@pytest.mark.parametrize("name", [".data.partial", ".data.123.partial", ".data.zip.partial", "data.0123456789abcdef.partial"])
def test_files_of_others_are_left_alone(tmp_path, name):
    (tmp_path / name).write_text("")
    clear(tmp_path / "data")
    clear_folder(tmp_path)
    assert (tmp_path / name).exists()


def test_links_are_removed_and_not_followed(tmp_path):
    make(tmp_path / "precious")
    name_of_dead(tmp_path / "data").symlink_to(tmp_path / "precious")
    clear(tmp_path / "data")
    assert [p.name for p in tmp_path.rglob("*")] == ["precious", "file"]


@pytest.mark.parametrize("empty", [False, True])
def test_without_an_exchange_an_old_folder_is_put_back(tmp_path, caplog, empty):
    if empty:  # where no rename refuses what is there, an empty folder reserves the name
        (tmp_path / "data").mkdir()
    moved = make(name_of_dead(tmp_path / "data", "replaced"), "old")
    put_back(tmp_path / "data")
    assert (tmp_path / "data" / "file").read_text() == "old" and not moved.exists()
    assert f"{tmp_path / 'data'}: put back" in caplog.text
    make(name_of_dead(tmp_path / "data", "replaced"), "older")  # its successor is there: only the removal was cut short
    clear(tmp_path / "data")
    assert [p.name for p in tmp_path.iterdir()] == ["data"] and (tmp_path / "data" / "file").read_text() == "old"


def test_a_lone_empty_folder_is_kept(tmp_path):
    (tmp_path / "data").mkdir()
    put_back(tmp_path / "data")
    assert (tmp_path / "data").is_dir()


def test_resumed_run_clears_what_is_beside_it(tmp_path, dataset):
    run = Run.create(tmp_path / "run", Config(), dataset.info)
    for left in (name_of_dead(run.path), name_of_dead(run.path, "replaced"), name_of_dead(run.path / "last" / "state")):
        make(left)
    run.remove_partial()
    assert not [p for p in tmp_path.rglob("*") if p.suffix in (".partial", ".replaced")]


def test_new_numbered_run_clears_its_folder_of_any_name(tmp_path, dataset, monkeypatch):
    monkeypatch.chdir(tmp_path)
    left, living = make(name_of_dead(tmp_path / "runs-x")), make(temporary_name(tmp_path / "001-conv"))
    for path in (left, living):
        (tmp_path / "runs").mkdir(exist_ok=True)
        path.rename(tmp_path / "runs" / path.name)
    made = new_run(dataset, resolve_run(dataset, {"mixer": "none"}).config, None, overwrite=False)
    assert {p.name for p in (tmp_path / "runs").glob("*") if not p.name.endswith(".lock")} == {made.path.name, living.name}


def test_scratch_folders_are_removed_by_the_next(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as first, scratch_folder() as second:
        assert first != second and first.is_dir()
        left = make(name_of_dead(tmp_path / first.name.split(".")[1]))
        with scratch_folder():
            assert not left.exists() and first.is_dir() and second.is_dir()
    assert not list(tmp_path.iterdir())
    assert f"{left}: removed" in caplog.text


def test_missing_temporary_folder_is_an_error_that_says_what_to_set(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "nowhere", tmp_path / "file"):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        with pytest.raises(SeqmixError, match=r"no temporary folder can be made: .*; set TMPDIR to a folder"), scratch_folder():
            pass


@pytest.mark.parametrize("inside", [True, False])
def test_full_temporary_folder_is_named_if_it_is_the_one_that_is_full(tmp_path, monkeypatch, inside):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    words = "temporary: there is no room for temporary files; make room, or set TMPDIR" if inside else "choose another output"
    with (
        pytest.raises(SeqmixError, match=words),
        scratch_folder() as scratch,
        whole_folder((scratch if inside else tmp_path) / "data"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list((tmp_path / "temporary").iterdir())


def test_what_a_living_process_is_replacing_is_not_put_back(tmp_path):
    make(temporary_name(tmp_path / "data", "replaced"))
    put_back(tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["open", "prepare", "open run", "new run"])
def test_each_command_puts_back_what_it_needs(tmp_path, dataset, two_class_files, command):
    path = tmp_path / "data"
    name_of_dead(path, "replaced").symlink_to(dataset.path)
    if command == "open":
        assert len(seqmix.Dataset.open(path)) == len(dataset)
    elif command == "prepare":
        with pytest.raises(DatasetError, match="data exists"):
            seqmix.prepare(two_class_files, path)
    elif command == "open run":
        with pytest.raises(RunError, match="is not a run folder"):
            Run.open(path)
    else:
        with pytest.raises(RunError, match="exists and is not a run folder"):
            Run.create(path, Config(), dataset.info)


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("is_link", [True, False])
def test_replacing_leaves_nothing_behind(tmp_path, monkeypatch, exchange, is_link):
    if not exchange:
        monkeypatch.setattr(renaming, "_renamed", lambda *_, **__: False)
    make(tmp_path / "elsewhere", "precious")
    if is_link:
        (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    else:
        make(tmp_path / "data", "old")
    with whole_folder(tmp_path / "data", overwrite=True) as folder:
        (folder / "file").write_text("new")
    assert (tmp_path / "data" / "file").read_text() == "new"
    assert (tmp_path / "elsewhere" / "file").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "elsewhere"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems may not be able to")
def test_folders_are_exchanged_at_once(tmp_path):
    make(tmp_path / "a", "a")
    make(tmp_path / "b", "b")
    assert renaming._renamed(tmp_path / "a", tmp_path / "b", exchange=True)
    assert (tmp_path / "a" / "file").read_text() == "b"
    with pytest.raises(FileNotFoundError):
        renaming._renamed(tmp_path / "a", tmp_path / "c", exchange=True)


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_command_line_prints_a_note(tmp_path, quiet):
    write_fasta(tmp_path / "a.fa", [(f"r{i}", "ACGT" * 5 + "ACGT"[i % 4]) for i in range(9)])
    left = make(name_of_dead(tmp_path / "data"))
    said = CliRunner().invoke(app, ["prepare", str(tmp_path / "a.fa"), "-o", str(tmp_path / "data"), *quiet])
    assert said.exit_code == 0 and not left.exists()
    note = f"note: {left}: removed; a killed process left it unfinished"
    assert ("".join(note.split()) in "".join(said.output.split())) == (not quiet)  # lines are broken where the width ends
