"""Links in folders: to files they are read, all others are named, and none makes a class or a split vanish."""

import sys

import pytest

from seqmix.errors import InputError
from tests.support.preparing import dna, message_of, noted, prepare

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


def texts(folder, count=8):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{i}.txt").write_text(f"some words of {folder.name} {dna(20, f'{folder}{i}')}")


@pytest.fixture
def root(tmp_path):
    """Two folders of classes, and a third one elsewhere."""
    for name in ("in/a", "in/b", "real/c"):
        texts(tmp_path / name)
    return tmp_path / "in"


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("target", ["../real/c", ".", ".."])
def test_a_link_in_place_of_a_class_is_an_error_and_the_advice_works(target, root, tmp_path):
    link(root / "c", target)
    message = message_of(prepare, root, tmp_path / "out")
    assert "nothing in 'c' is read: it is a link" in message and "exclude='c'" in message and "class_files" in message
    assert prepare(root, tmp_path / "out", exclude="c").classes == ["a", "b"]
    given = {name: [root / name] for name in "ab"} | {"c": [tmp_path / "real" / "c"]}
    assert prepare(class_files=given, output=tmp_path / "named").classes == ["a", "b", "c"]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_link_in_place_of_a_class_in_one_split_is_an_error(split, tmp_path):
    for name in ("train", "val", "test"):
        texts(tmp_path / "in" / name / "a")
        if name == split:
            link(tmp_path / "in" / name / "b", "../../elsewhere")
            texts(tmp_path / "elsewhere")
        else:
            texts(tmp_path / "in" / name / "b")
    message = message_of(prepare, tmp_path / "in", tmp_path / "out")
    assert "'b' is read: it is a link" in message and f"exclude='{split}/b'" in message


@pytest.mark.parametrize("name", ["val", "test"])
def test_a_link_in_place_of_a_split_is_an_error(name, tmp_path):
    texts(tmp_path / "in" / "train" / "a")
    texts(tmp_path / "in" / "train" / "b")
    link(tmp_path / "in" / name, "train")
    assert "it is a link" in message_of(prepare, tmp_path / "in", tmp_path / "out")
    assert prepare(tmp_path / "in", tmp_path / "out", exclude=name).classes == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "target", "told"),
    [
        ("a/more", "../../real/c", "a/more leads to a folder"),
        ("a/loop", "..", "a/loop leads to a folder"),
        ("a/x.txt", "nowhere.txt", "a/x.txt leads nowhere"),
        ("c", "../nowhere", "c leads nowhere"),
        ("c", "c", "c leads nowhere"),
        ("a/x.txt", "x.txt", "a/x.txt leads nowhere"),
        ("b/x.txt", "../a/0.txt", "b/x.txt leads to a file that is read"),
    ],
)
def test_a_link_that_is_not_followed_is_named(path, target, told, root, tmp_path):
    link(root / path, target)
    found = prepare(root, tmp_path / "out")
    assert len(found) == 16 and noted(found, f"1 link ({told})")


def test_links_to_files_are_read(root, tmp_path):
    for i in range(8):
        link(root / "c" / f"{i}.txt", f"../../real/c/{i}.txt")
    found = prepare(root, tmp_path / "out")
    assert found.classes == ["a", "b", "c"] and not noted(found, "link")


def test_a_folder_of_links_alone_says_what_to_give(tmp_path):
    for name in "abc":
        texts(tmp_path / "real" / name)
        link(tmp_path / "in" / name, f"../real/{name}")
    message = message_of(prepare, tmp_path / "in", tmp_path / "out")
    assert "give what links to folders lead to" in message and "class_files" in message
    link(tmp_path / "all", "real")
    assert prepare(tmp_path / "all", tmp_path / "out").classes == ["a", "b", "c"]


@pytest.mark.parametrize("target", ["x.fa", "nowhere.fa", "folder/x.fa"])
def test_a_link_to_nowhere_that_is_given_is_named(target, tmp_path):
    link(tmp_path / "x.fa", target)
    with pytest.raises(InputError, match=f"x.fa: this is a link to {target}, which leads nowhere"):
        prepare(tmp_path / "x.fa", tmp_path / "out")
