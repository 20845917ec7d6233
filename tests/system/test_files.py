import os
import stat
from pathlib import Path

import pytest

from seqmix.errors import ConfigError, DatasetError, RunError
from seqmix.system import renaming
from seqmix.system.files import text_output, whole_file, whole_folder, write_whole


def fail(*args, **kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_failed_write_keeps_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "file.json"
    write_whole(path, "old")
    with monkeypatch.context() as patch:
        if step == "fsync":
            patch.setattr(os, "fsync", fail)
        elif step == "write":
            patch.setattr(Path, "open", lambda *_: os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb"))
        else:
            patch.setattr(Path, step, fail)
        with pytest.raises(RunError, match=r"file\.json: cannot be written: No space left"):
            write_whole(path, "new" * 1000)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.json"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_unfinished_folder_keeps_old_one(tmp_path, overwrite):
    path = tmp_path / "folder"
    if overwrite:
        path.mkdir()
        (path / "file").write_text("old")
    for problem in (OSError(28, "No space left on device"), KeyboardInterrupt()):
        expected = DatasetError if isinstance(problem, OSError) else KeyboardInterrupt
        with pytest.raises(expected), whole_folder(path, overwrite=overwrite) as folder:
            (folder / "file").write_text("half")
            raise problem
        assert [(p.name, (p / "file").read_text()) for p in tmp_path.iterdir()] == [("folder", "old")] * overwrite


def test_full_disk_is_said_of_the_folder_and_not_of_a_hidden_file_in_it(tmp_path, monkeypatch):
    with (
        pytest.raises(RunError, match=r"run: cannot be written: No space left on device; nothing was kept") as caught,
        whole_folder(tmp_path / "run", error=RunError) as folder,
    ):
        monkeypatch.setattr(os, "fsync", fail)
        write_whole(folder / "config.toml", "")
    assert ".partial" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exchanging", [False, True])
def test_failed_rename_restores_old_folder(tmp_path, monkeypatch, exchanging):
    path = tmp_path / "folder"
    with whole_folder(path) as folder:
        (folder / "file").write_text("old")
    with monkeypatch.context() as patch:
        if exchanging:
            patch.setattr(renaming, "_renamed", fail)
        else:
            patch.setattr(renaming, "_renamed", lambda *_, **__: False)
            patch.setattr(
                renaming, "_fill_new", lambda old, new: fail() if (old / "file").read_text() == "new" else old.rename(new)
            )
        with pytest.raises(RunError, match="cannot be written"), whole_folder(path, overwrite=True, error=RunError) as folder:
            (folder / "file").write_text("new")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    assert (path / "file").read_text() == "old"


def test_temporary_names_are_unique_and_beside_the_destination(tmp_path):
    with whole_file(tmp_path / "file") as first, whole_file(tmp_path / "file") as second:
        first.write(b"first")
        second.write(b"second")
        assert len(list(tmp_path.iterdir())) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"first"  # closed last
    with whole_folder(tmp_path / ("long" * 60)) as folder:  # near the limit for a name
        assert folder.parent == tmp_path


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_modes_follow_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "file", "")
        with whole_folder(tmp_path / "folder"):
            pass
        with text_output(tmp_path / "out.tsv"):
            pass
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert modes == {"file": 0o666 & ~mask, "folder": 0o777 & ~mask, "out.tsv": 0o666 & ~mask}


def test_errors_have_requested_class(tmp_path):
    (tmp_path / "file").write_text("")
    below = tmp_path / "file" / "below"
    for kind in (ConfigError, DatasetError, RunError):
        with pytest.raises(kind, match="cannot be written"):
            write_whole(below, "", error=kind)
        with pytest.raises(kind, match="cannot be written"), whole_folder(below, error=kind):
            pass
