"""Data sets whose files do not agree are refused on opening, with one line that names the file."""

import hashlib
import json
import shutil
import time

import numpy as np
import pytest

import seqmix
from seqmix.data.dataset_json import info_text
from tests.support.kinds import KINDS
from tests.support.preparing import message_of, prepare, with_nearness, write_jsonl

NAMES = ("classification", "multilabel", "regression", "pairs", "numbers", "words", "subwords")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set of each kind."""
    folder = tmp_path_factory.mktemp("agreement")
    found = {}
    for name in NAMES:
        kind = KINDS[name]
        file = write_jsonl(folder / f"{name}.jsonl", kind.rows(kind.n))
        found[name] = with_nearness(prepare(file, folder / name, **kind.options).path)
    return found


def consistent(folder):
    """Write the checksums again, so that nothing but the content of the files can tell."""
    path = folder / "dataset.json"
    info = json.loads(path.read_text())
    for checksums in (info["arrays"], info["extra_arrays"]):
        for name in checksums:
            if (folder / name).is_file():
                checksums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(info_text(info))


def changed(folder, name, change, to):
    """Copy a data set, change an array or `dataset.json`, and write the checksums again."""
    copy = shutil.copytree(folder, to)
    path = copy / name
    if name == "dataset.json":
        info = json.loads(path.read_text())
        change(info)
        path.write_text(info_text(info))
    elif name == "ids.txt":
        path.write_bytes(change(path.read_bytes()))
    else:
        np.save(path, change(np.load(path).copy()))
    consistent(copy)
    return copy


def put(array, place, value):
    array[place] = value
    return array


WRONG_ARRAYS = {
    "offsets past the tokens": ("offsets.npy", lambda a: put(a, -1, a[-1] + 5)),
    "offsets short of the tokens": ("offsets.npy", lambda a: put(a, -1, a[-1] - 1)),
    "a negative offset": ("offsets.npy", lambda a: put(a, 3, -7)),
    "offsets that do not begin with 0": ("offsets.npy", lambda a: put(a, 0, 1)),
    "offsets that do not increase": ("offsets.npy", lambda a: put(a, 3, a[4] + 1)),
    "an empty record": ("offsets.npy", lambda a: put(a, 3, a[2])),
    "fewer offsets": ("offsets.npy", lambda a: a[:-1]),
    "offsets in a table": ("offsets.npy", lambda a: a[:, None]),
    "offsets that are not whole": ("offsets.npy", lambda a: a.astype(np.float64)),
    "a short split": ("split.npy", lambda a: a[:-3]),
    "a long split": ("split.npy", lambda a: np.concatenate((a, a))),
    "a split that does not exist": ("split.npy", lambda a: put(a, 0, 3)),
    "a negative split": ("split.npy", lambda a: put(a, 0, -1)),
    "another split than stated": ("split.npy", lambda a: np.zeros_like(a)),
    "fewer labels": ("labels.npy", lambda a: a[1:]),
    "labels of one more dimension": ("labels.npy", lambda a: a[..., None]),
    "labels of another type": ("labels.npy", lambda a: a.astype(np.float16)),
    "no labels": ("labels.npy", lambda a: a[:0]),
    "one label": ("labels.npy", lambda a: np.asarray(0)),
    "fewer tokens": ("tokens.npy", lambda a: a[:-1]),
    "more tokens": ("tokens.npy", lambda a: np.concatenate((a, a))),
    "tokens of another type": ("tokens.npy", lambda a: a.astype(np.int64)),
    "no tokens": ("tokens.npy", lambda a: a[:0]),
    "an id too few": ("ids.txt", lambda b: b.partition(b"\n")[2]),
    "an id too many": ("ids.txt", lambda b: b + b"more\n"),
    "an id that is cut off": ("ids.txt", lambda b: b[:-1]),
    "ids that are not UTF-8": ("ids.txt", lambda b: b"\xff" + b[1:]),
    "fewer groups": ("groups.npy", lambda a: a[:-1]),
    "groups of another type": ("groups.npy", lambda a: a.astype(np.int32)),
    "a negative group": ("groups.npy", lambda a: put(a, 0, -1)),
    "more groups than records": ("groups.npy", lambda a: put(a, 0, len(a))),
    "a group in all splits": ("groups.npy", lambda a: np.zeros_like(a)),
    "nearness of too few": ("nearness.npy", lambda a: a[:-1]),
    "nearness of another type": ("nearness.npy", lambda a: a.astype(np.float64)),
    "nearness above 1": ("nearness.npy", lambda a: np.nan_to_num(a, nan=np.nan) * 100),
    "a negative nearness": ("nearness.npy", lambda a: -a - 1),
    "an endless nearness": ("nearness.npy", lambda a: np.where(np.isnan(a), a, np.float32(np.inf))),
    "nearness of training records": ("nearness.npy", lambda a: np.nan_to_num(a)),
}


@pytest.mark.parametrize("name", ["classification", "multilabel", "pairs", "numbers"])
@pytest.mark.parametrize("wrong", WRONG_ARRAYS)
def test_arrays_that_do_not_agree_are_refused(made, name, wrong, tmp_path):
    file, change = WRONG_ARRAYS[wrong]
    copy = changed(made[name], file, change, tmp_path / "copy")
    message = message_of(seqmix.Dataset.open, copy)
    assert str(copy) in message
    assert file in message
    assert "seqmix.prepare" in message


@pytest.mark.parametrize(
    ("name", "file", "change"),
    [
        ("classification", "labels.npy", lambda a: put(a, 0, 2)),
        ("classification", "labels.npy", lambda a: put(a, 0, -1)),
        ("multilabel", "labels.npy", lambda a: put(a, (0, 0), 2)),
        ("multilabel", "labels.npy", lambda a: a[:, :1]),
        ("regression", "labels.npy", lambda a: put(a, 0, np.nan)),
        ("regression", "labels.npy", lambda a: put(a, 0, np.inf)),
        ("numbers", "tokens.npy", lambda a: put(a, (5, 0), np.nan)),
        ("numbers", "tokens.npy", lambda a: put(a, (5, 1), -np.inf)),
        ("numbers", "tokens.npy", lambda a: a[:, :1]),
        ("classification", "tokens.npy", lambda a: put(a, 7, 200)),
        ("classification", "tokens.npy", lambda a: put(a, 7, 0)),
        ("words", "tokens.npy", lambda a: put(a, 7, 1)),
        ("words", "tokens.npy", lambda a: put(a, 7, 100)),
        ("subwords", "tokens.npy", lambda a: put(a, 7, 60_000)),
    ],
)
def test_values_that_have_no_meaning_are_refused(made, name, file, change, tmp_path):
    assert file in message_of(seqmix.Dataset.open, changed(made[name], file, change, tmp_path / "copy"))


def without(info, *names):
    for name in names:
        del info[name]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("words", lambda info: info["vocabulary"]["symbols"].pop()),  # lacks a token that is used
        ("words", lambda info: without(info["vocabulary"], "symbols")),
        ("words", lambda info: info["vocabulary"].update(symbols=["a", "a"])),
        ("words", lambda info: info["vocabulary"].update(symbols="abc")),
        ("words", lambda info: info["vocabulary"].update(alphabet="klingon")),
        ("words", lambda info: info["vocabulary"].update(special={"PAD": 1, "CLS": 0})),
        ("subwords", lambda info: info["vocabulary"].update(merges=["a"])),
        ("subwords", lambda info: info["vocabulary"].update(merges=[["a", "b"]])),
        ("numbers", lambda info: info["vocabulary"].update(channels=3)),
        ("numbers", lambda info: info["vocabulary"].update(channels=0)),
        ("numbers", lambda info: info["vocabulary"].update(mean=[0.5])),
        ("numbers", lambda info: info["vocabulary"].update(scale=[1.0, 0.0])),
        ("classification", lambda info: info["classes"].pop()),
        ("classification", lambda info: info.update(classes=["a", "a"])),
        ("classification", lambda info: info.update(classes=[])),
        ("classification", lambda info: info.update(classes={"a": 1})),
        ("classification", lambda info: info.update(paired=True)),
        ("classification", lambda info: info.update(task="regression")),
        ("classification", lambda info: info.update(task="astrology")),
        ("classification", lambda info: info.update(records=1)),
        ("classification", lambda info: info["sizes"].update(train=1)),
        ("classification", lambda info: info.update(counts=[1, 2])),
        ("classification", lambda info: info["counts"].update(more=None)),
        ("classification", lambda info: info["counts"]["test"].popitem()),
        ("multilabel", lambda info: info["classes"].__setitem__(0, "other")),
        ("classification", lambda info: info.update(notes=None)),
        ("classification", lambda info: info.update(format_version=True)),
        ("classification", lambda info: info["arrays"].pop("split.npy")),
        ("regression", lambda info: without(info, "target")),
        ("regression", lambda info: info["target"].update(scale=0)),
        ("regression", lambda info: info["target"].update(mean="high")),
        ("regression", lambda info: info.update(task="classification")),
        ("multilabel", lambda info: info["classes"].append("more")),
        ("pairs", lambda info: info.update(paired=False)),
    ],
)
def test_descriptions_that_do_not_agree_are_refused(made, name, change, tmp_path):
    assert str(tmp_path / "copy") in message_of(
        seqmix.Dataset.open, changed(made[name], "dataset.json", change, tmp_path / "copy")
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [('"atrich"', '"other"'), ('"unknown": "error"', '"unknown": "drop"'), ('"notes": []', '"notes": [""]')],
)
def test_a_description_that_was_edited_is_refused(made, before, after, tmp_path):
    copy = shutil.copytree(made["classification"], tmp_path / "copy")
    text = (copy / "dataset.json").read_text()
    assert before in text
    (copy / "dataset.json").write_text(text.replace(before, after))
    assert "changed after it was written" in message_of(seqmix.Dataset.open, copy)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"format_version": 1e999}', b'{"format_version": ' + b"9" * 5000 + b"}", b"\xff\xfe{}", b"null"],
)
def test_unreadable_descriptions_are_refused(made, content, tmp_path):
    copy = shutil.copytree(made["classification"], tmp_path / "copy")
    (copy / "dataset.json").write_bytes(content)
    assert "dataset.json" in message_of(seqmix.Dataset.open, copy)


@pytest.mark.parametrize("name", ["tokens.npy", "offsets.npy", "labels.npy", "split.npy"])
@pytest.mark.parametrize("content", ["empty", "cut off", "objects", "archive", "text", "huge"])
def test_files_that_are_not_arrays_are_refused(made, name, content, tmp_path):
    copy = shutil.copytree(made["classification"], tmp_path / "copy")
    path = copy / name
    match content:
        case "empty":
            path.write_bytes(b"")
        case "cut off":
            path.write_bytes(path.read_bytes()[:-1])
        case "objects":
            np.save(path, np.array([{}], dtype=object), allow_pickle=True)
        case "archive":
            with path.open("wb") as out:
                np.savez(out, a=np.zeros(3))
        case "text":
            path.write_text("<html>404</html>")
        case "huge":
            with path.open("wb") as out:
                np.lib.format.write_array_header_1_0(out, {"descr": "<i8", "fortran_order": False, "shape": (1 << 60,)})
    consistent(copy)
    assert name in message_of(seqmix.Dataset.open, copy)


@pytest.mark.parametrize("name", NAMES)
def test_newly_written_data_sets_agree(made, name):
    data = seqmix.Dataset.open(made[name])
    assert len(list(data)) == len(data)


def test_a_file_name_that_is_not_utf_8_does_not_spoil_the_checksum(tmp_path):
    info = {"inputs": [{"file": "\udcff\ud83d\ude00", "format": "fasta"}], "numbers": {1: 0.1, 10: 1e-300}}
    text = info_text(info).encode("utf-8", "backslashreplace")
    assert info_text(json.loads(text)).encode("utf-8", "backslashreplace") == text


def test_a_large_data_set_is_opened_quickly(made, tmp_path):
    """A million records: what is added to the checksums stays well below a second."""
    folder = shutil.copytree(made["classification"], tmp_path / "large")
    n = 1_000_000
    np.save(folder / "tokens.npy", np.full(10 * n, 3, dtype=np.uint8))
    np.save(folder / "offsets.npy", np.arange(n + 1) * 10)
    np.save(folder / "labels.npy", np.arange(n) % 2)
    np.save(folder / "split.npy", (np.arange(n) % 3).astype(np.int8))
    np.save(folder / "groups.npy", np.arange(n))
    np.save(folder / "nearness.npy", np.where(np.arange(n) % 3, 0.5, np.nan).astype(np.float32))
    (folder / "ids.txt").write_text("r\n" * n)
    info = json.loads((folder / "dataset.json").read_text())
    info |= {
        "records": n,
        "groups": {"by": "equal records", "count": n, "largest": 1},
        "sizes": {"train": n // 3 + 1, "val": n // 3, "test": n // 3},
    }
    (folder / "dataset.json").write_text(info_text(info))
    consistent(folder)
    began = time.process_time()
    assert len(seqmix.Dataset.open(folder)) == n
    assert time.process_time() - began < 1.5
