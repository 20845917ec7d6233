"""A name is taken from nothing, or from what had it before: with the kernel's renames, and as it is done without them."""

import errno
import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqmix.errors import ConfigError, DatasetError, RunError
from seqmix.system import renaming
from seqmix.system.files import text_output, whole_file, whole_folder
from seqmix.system.renaming import NameTakenError, rename_new, rename_over, standing


@pytest.fixture(params=["kernel", "links", "plain"], autouse=True)
def way(request, monkeypatch):
    """Each way of renaming: of the kernel, with link() and mkdir(), and without hard links."""

    def no_links(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param != "kernel":
        monkeypatch.setattr(renaming, "_renamed", lambda *_, **__: False)
    if request.param == "plain":
        monkeypatch.setattr(os, "link", no_links)
    return request.param


def occupy(path, kind):
    if kind == "file":
        path.write_text("precious")
    elif kind == "link":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
        if kind == "full folder":
            (path / "thesis.txt").write_text("precious")


def contents(folder):
    return {str(p.relative_to(folder)): p.is_file() and p.read_text() for p in folder.rglob("*")}


@pytest.mark.parametrize("kind", ["file", "link", "empty folder", "full folder"])
@pytest.mark.parametrize("writing", ["file", "folder"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_path_that_appears_while_an_output_is_written_is_left_as_it_is_and_the_output_kept_beside_it(
    tmp_path, kind, writing, overwrite
):
    path = tmp_path / "out.tsv"
    kept = tmp_path / ("out-3.tsv" if writing == "file" else "out.tsv-3")
    occupy(kept.with_name(kept.name.replace("3", "2")), kind)
    if overwrite:
        path.mkdir() if writing == "folder" else path.write_text("old")
    with (
        pytest.raises(RunError, match=rf"out\.tsv appeared.* while it was being written.* kept as {re.escape(str(kept))}$"),
        writing_to(path, writing, overwrite),
    ):
        if overwrite:
            path.rename(tmp_path / "moved")
        occupy(path, kind)
        before = contents(tmp_path), standing(path)
    finished = {"out-3.tsv": "finished"} if writing == "file" else {"out.tsv-3": False, "out.tsv-3/file": "finished"}
    assert contents(tmp_path) == {name: value for name, value in before[0].items() if not name.startswith(".out")} | finished
    assert standing(path) == before[1]


@contextmanager
def writing_to(path, writing, overwrite):
    """Write a file, or a folder with a file."""
    write = whole_file if writing == "file" else whole_folder
    with write(path, overwrite=overwrite, error=RunError) as out:
        yield
        out.write(b"finished") if writing == "file" else (out / "file").write_text("finished")


@pytest.mark.parametrize(
    ("name", "writing", "kept"),
    [
        ("rows.tsv.gz", "file", "rows-2.tsv.gz"),
        ("Rows.v1.TSV.GZ", "file", "Rows.v1-2.TSV.GZ"),
        ("rows", "file", "rows-2"),
        ("v1.2", "folder", "v1.2-2"),
        ("é" * 120 + ".tsv", "file", "é" * 60 + "-2.tsv"),
        ("x" * 255, "folder", "x" * 60 + "-2"),
    ],
)
def test_free_name_keeps_the_ending(tmp_path, name, writing, kept):
    with pytest.raises(RunError), writing_to(tmp_path / name, writing, False):
        occupy(tmp_path / name, "file")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, kept])


def test_new_run_that_finds_its_name_taken_is_not_kept(tmp_path):
    with pytest.raises(RunError, match="discarded"), whole_folder(tmp_path / "run", costly=False, error=RunError):
        occupy(tmp_path / "run", "file")
    assert contents(tmp_path) == {"run": "precious"}


@pytest.mark.parametrize("change", ["added", "changed", "removed"])
def test_folder_that_changes_while_it_is_replaced_is_left_as_it_is(tmp_path, change):
    path = tmp_path / "data"
    occupy(path, "full folder")
    with pytest.raises(DatasetError, match="appeared or changed"), whole_folder(path, overwrite=True):
        if change == "added":
            (path / "new.txt").write_text("new")
        elif change == "changed":
            (path / "thesis.txt").write_text("another text")
        else:
            (path / "thesis.txt").unlink()
        left = contents(path)
    assert contents(tmp_path) == {"data": False, "data-2": False} | {f"data/{name}": value for name, value in left.items()}


def test_path_that_appears_before_writing_starts_is_left_as_it_is(tmp_path):
    path = tmp_path / "data"
    for made in ("nothing", "old"):
        before = standing(path)
        occupy(path / "new" if made == "old" else path, "full folder")
        left = contents(tmp_path)
        with pytest.raises(DatasetError, match="appeared or changed"), whole_folder(path, overwrite=True, before=before):
            pass
        (tmp_path / "data-2").rmdir()
        assert contents(tmp_path) == left


def test_path_that_was_there_before_is_replaced(tmp_path):
    for number in range(3):
        with whole_folder(tmp_path / "data", overwrite=number > 0) as folder:
            (folder / "file").write_text(str(number))
        with text_output(tmp_path / "out.tsv", overwrite=number > 0) as file:
            file.write(str(number))
        assert contents(tmp_path) == {"data": False, "data/file": str(number), "out.tsv": str(number)}
    (tmp_path / "data" / "file").unlink()
    with whole_folder(tmp_path / "data", overwrite=True):  # it may also disappear meanwhile
        (tmp_path / "data").rmdir()
    assert contents(tmp_path) == {"data": False, "out.tsv": "2"}


def test_last_step_refuses_a_path_that_appeared_after_the_check(tmp_path, monkeypatch, way):
    """Between the look at what has a name and the rename, it is the rename that refuses."""
    if way != "kernel":
        pytest.skip("without an exchange, the look is the last thing before the rename")
    old, new = tmp_path / "old", tmp_path / "new"
    occupy(new, "full folder")
    old.mkdir()
    before, looks = standing(new), []

    def look(path):
        found = standing(path)
        if not looks:
            (new / "late.txt").write_text("late")
        looks.append(path)
        return found

    monkeypatch.setattr(renaming, "standing", look)
    with pytest.raises(NameTakenError):
        rename_over(old, new, before, tmp_path / "aside")
    assert contents(tmp_path) == {"old": False, "new": False, "new/thesis.txt": "precious", "new/late.txt": "late"}


@pytest.mark.parametrize("kind", ["file", "link", "empty folder", "full folder"])
@pytest.mark.parametrize("writing", ["file", "empty folder"])
def test_rename_to_a_taken_name_is_refused(tmp_path, kind, writing):
    occupy(tmp_path / "old", writing)
    occupy(tmp_path / "new", kind)
    before = contents(tmp_path)
    with pytest.raises(NameTakenError):
        rename_new(tmp_path / "old", tmp_path / "new")
    assert contents(tmp_path) == before


def test_link_as_output_is_replaced_or_refused(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link.tsv"
    for kind in ("file", "nothing"):
        target.write_text("precious") if kind == "file" else target.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(ConfigError, match="exists as a link, and seqmix does not write through links"), text_output(link):
            pass
        with text_output(link, overwrite=True) as file:
            file.write("rows")
        assert not link.is_symlink()
        assert link.read_text() == "rows"
        assert not target.exists() or target.read_text() == "precious"
        link.unlink()
    target.unlink(missing_ok=True)
    for kind in ("folder", "nothing"):
        target.mkdir() if kind == "folder" else target.rmdir()
        link.symlink_to(target)
        with pytest.raises(DatasetError, match="exists as a link, and seqmix does not write through links"), whole_folder(link):
            pass
        with whole_folder(link, overwrite=True) as folder:
            (folder / "file").write_text("new")
        assert not link.is_symlink()
        assert (link / "file").read_text() == "new"
        assert not target.exists() or list(target.iterdir()) == []
        (link / "file").unlink()
        link.rmdir()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no such names on this system")
def test_open_files_named_in_dev_are_written_to(tmp_path, capfdbinary):
    with text_output(Path("/dev/stderr")) as file:
        file.write("rows")
    assert capfdbinary.readouterr().err == b"rows"
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before ")
        log.flush()
        with text_output(Path(f"/dev/fd/{log.fileno()}"), overwrite=True) as file:
            file.write("rows")
    assert (tmp_path / "log").read_bytes() == b"before rows"
    with text_output(Path("/dev/null")) as file:
        file.write("rows")


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", ".nfs000000000a1b2c3d00000001"])
def test_folder_that_a_file_manager_showed_meanwhile_is_replaced(tmp_path, name):
    path = tmp_path / "data"
    (path / "inner").mkdir(parents=True)
    with whole_folder(path, overwrite=True) as fresh:
        (fresh / "new.txt").write_text("new")
        (path / name).write_text("")
        (path / "inner" / name).write_text("")
    assert contents(tmp_path) == {"data": False, "data/new.txt": "new"}


@pytest.mark.parametrize("name", ["DS_Store", "Thumbs.db.txt", ".notes", "nfs"])
def test_other_files_that_appear_in_a_folder_keep_it(tmp_path, name):
    path = tmp_path / "data"
    path.mkdir()
    with pytest.raises(DatasetError, match="appeared or changed"), whole_folder(path, overwrite=True):
        (path / name).write_text("precious")
    assert contents(tmp_path) == {"data": False, f"data/{name}": "precious", "data-2": False}
