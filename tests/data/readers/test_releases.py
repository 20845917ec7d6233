"""Data sets in the form in which their sources distribute them, as small copies: what is read, and what is refused."""

import hashlib
import os
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seqmix
from seqmix.data.readers.cifar_pickle import read_values
from seqmix.data.vocabulary import CLS, PAD, make_vocabulary
from tests.support.preparing import label_of, labelled_fasta, message_of, prepare, read, split_of
from tests.support.releases import (
    DIFFICULTIES,
    NAMES,
    WRITERS,
    cifar,
    cifar_images,
    documents,
    imdb,
    pathfinder,
)


def test_imdb_is_read_with_splits_and_classes(tmp_path):
    dataset = prepare(imdb(tmp_path / "aclImdb"), tmp_path / "data")
    assert dataset.classes == ["neg", "pos"]
    assert dataset.info["counts"] == {s: {"neg": n, "pos": n} for s, n in (("train", 6), ("val", 2), ("test", 3))}
    assert all(name.split("/")[1] == label for name, label in label_of(dataset).items())
    assert {name for name, split in split_of(dataset).items() if split == 2} == {
        f"test/{c}/{i}_7.txt" for c in ("neg", "pos") for i in range(3)
    }
    notes = dataset.info["notes"]
    assert "read as: IMDb reviews (aclImdb)" in notes
    assert any(note.startswith("left out: 5 documents without a class") and "unsup/" in note for note in notes)
    assert any(note.endswith("2 files (imdbEr.txt, train/urls_pos.txt)") for note in notes)
    assert len(dataset.info["inputs"]) == 22


def test_training_records_of_release_are_divided_as_asked(tmp_path):
    dataset = prepare(imdb(tmp_path / "aclImdb"), tmp_path / "data", split="0.5,0.5,0")
    assert dataset.info["counts"] == {s: {"neg": n, "pos": n} for s, n in (("train", 4), ("val", 4), ("test", 3))}


def test_any_folder_of_splits_of_classes_is_recognised(tmp_path):
    root = documents(tmp_path / "x", {f"{s}/{c}": 3 for s in ("train", "valid", "test") for c in "abc"})
    dataset = prepare(root, tmp_path / "data")
    assert dataset.classes == ["a", "b", "c"]
    names = {"train": 0, "valid": 1, "test": 2}
    assert split_of(dataset) == {name: names[name.split("/")[0]] for name in dataset.ids()}
    assert any("read as: folders of splits (test, train, valid)" in note for note in dataset.info["notes"])
    assert "split would have no effect" in message_of(prepare, root, tmp_path / "other", split="0.8,0.1,0.1")


@pytest.mark.parametrize("counts", [{"train/a": 3, "plane/a": 3}, {"train": 3, "plane": 3}, {"test/a": 3, "vale/a": 3}])
def test_other_folders_are_classes(counts, tmp_path):
    records = read(documents(tmp_path / "x", counts))
    assert {record.label for record in records} == {name.split("/")[0] for name in counts}
    assert {record.split for record in records} == {None}


def test_explicit_options_override_folders(tmp_path):
    root = imdb(tmp_path / "aclImdb")
    lines = [f"{r.id}\t{'ab'[i % 2]}\t{('train', 'val', 'test')[i // 2 % 3]}\n" for i, r in enumerate(read(root))]
    table = tmp_path / "said.tsv"
    table.write_text("id\tlabel\tsplit\n" + "".join(lines))
    records = read(root, label_from=f"table:{table}", split_from=f"table:{table}:split")
    assert [r.label for r in records] == ["ab"[i % 2] for i in range(22)]
    assert {r.split for r in records} == {"train", "val", "test"}
    other = documents(tmp_path / "new", {"pos": 2, "neg": 2})
    dataset = prepare(root, tmp_path / "data", test=[other])
    assert dataset.info["counts"]["test"] == {"neg": 2, "pos": 2}
    assert sum(dataset.info["counts"]["train"].values()) + sum(dataset.info["counts"]["val"].values()) == 22


def test_class_folders_may_have_dots_in_names(tmp_path):
    classes = ["cs.AI", "cs.NE", "math.AC", "math.GR"]
    dataset = prepare(documents(tmp_path / "arxiv", dict.fromkeys(classes, 5)), tmp_path / "data")
    assert dataset.classes == classes
    assert all(name.split("/")[0] == label for name, label in label_of(dataset).items())


def pillow_grey(row):
    """Convert one row of a batch to grey with Pillow."""
    return np.asarray(Image.fromarray(row.reshape(3, 32, 32).transpose(1, 2, 0)).convert("L")).reshape(-1)


@pytest.mark.parametrize("writer", WRITERS)
def test_cifar_is_read_without_unpickling(writer, tmp_path):
    dataset = prepare(cifar(tmp_path / "cifar-10-batches-py", WRITERS[writer]), tmp_path / "data")
    assert dataset.classes == NAMES
    assert dataset.info["vocabulary"]["alphabet"] == "bytes"
    assert all(name.startswith(label) for name, label in label_of(dataset).items())
    assert {name: split == 2 for name, split in split_of(dataset).items()} == {n: "_s_6" in n for n in dataset.ids()}
    assert sum(dataset.info["counts"]["val"].values()) > 0
    for i, name in enumerate(dataset.ids()):
        seed, number = int(name.split("_s_")[1][0]), int(name.split("_s_")[1][1:-4])
        tokens = np.asarray(dataset.tokens(i))
        assert (tokens - 2 == pillow_grey(cifar_images(6, seed)[number])).all()
        assert set(range(256)) <= set((tokens - 2).tolist())
        assert tokens.min() > max(PAD, CLS)
    assert "read as: CIFAR-10" in dataset.info["notes"]
    inputs = {entry["file"]: entry["sha256"] for entry in dataset.info["inputs"]}
    assert len(inputs) == 7
    assert all(hashlib.sha256(Path(file).read_bytes()).hexdigest() == digest for file, digest in inputs.items())


def test_single_batch_is_divided_and_test_batch_can_be_named(tmp_path):
    root = cifar(tmp_path / "cifar-10-batches-py", n=15)
    alone = prepare(root / "data_batch_1", tmp_path / "alone")
    assert [sum(alone.info["counts"][split].values()) for split in ("train", "val", "test")] == [9, 3, 3]
    both = prepare(root / "data_batch_1", tmp_path / "both", test=[root / "test_batch"], split="0.8,0.2,0")
    assert [sum(both.info["counts"][split].values()) for split in ("train", "val", "test")] == [12, 3, 15]


def test_binary_version_of_cifar_is_read(tmp_path):
    root = tmp_path / "cifar-10-batches-bin"
    root.mkdir()
    images = {name: cifar_images(6, i) for i, name in enumerate(["data_batch_1", "data_batch_2", "test_batch"])}
    for name, rows in images.items():
        (root / f"{name}.bin").write_bytes(b"".join(bytes([i % 3]) + row.tobytes() for i, row in enumerate(rows)))
    (root / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    records = read(root)
    assert [r.id for r in records[:2]] == ["data_batch_1/0", "data_batch_1/1"]
    assert [r.label for r in records] == NAMES * 6
    assert [r.split for r in records] == ["train"] * 12 + ["test"] * 6
    for record in records:
        name, number = record.id.split("/")
        assert (record.text == pillow_grey(images[name][int(number)])).all()
    whole = (root / "test_batch.bin").read_bytes()
    (root / "test_batch.bin").write_bytes(whole[:-1])
    assert "'test_batch/5'" in message_of(read, root)
    (root / "test_batch.bin").write_bytes(b"\x0a" + whole[1:])
    assert "label is 10" in message_of(read, root)


class Harmful:
    """Runs a command when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_malicious_pickle_is_refused_and_not_executed(protocol, tmp_path):
    root = cifar(tmp_path / "cifar-10-batches-py")
    harm = pickle.dumps({b"labels": Harmful(tmp_path / "harm")}, protocol=protocol)
    for name in ("data_batch_3", "batches.meta"):
        before = (root / name).read_bytes()
        (root / name).write_bytes(harm)
        message = message_of(prepare, root, tmp_path / "data")
        assert name in message
        assert "nothing of it was executed" in message
        (root / name).write_bytes(before)
    assert not (tmp_path / "harm").exists()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x02}",
        b"\x80\x02\xff",
        b"R.",
        b"u.",
        b"K\x01K\x02s.",
        b"]K\x01K\x02s.",
        b"h\x07.",
        b"}K\x01b.",
        b"}}}s.",
        b"})" + b"\x85" * 100_000 + b"Ns.",  # a key nested so deeply that hashing it would overflow the stack
        b".",
        b"c_codecs\nencode\nX\x03\x00\x00\x00\xe2\x82\xacX\x06\x00\x00\x00latin1\x86R.",
        b"c_codecs\nencode\n)R.",
        b"cnumpy\nndarray\n)R.",
        b"K\x01)R.",
        b"T\xff\xff\xff\x7fabc.",
        b"c_codecs\nencode\n\x81.",
        b"Pid\n.",
        b"cnumpy\ndtype\n}X\x05\x00\x00\x00_makeNsb.",  # would change what the name stands for
        b"]r\xff\xff\xff\xff.",  # a memo of 4,294,967,296 places
        b"]p4294967296\n.",
        b"cbuiltins\neval\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"(ios\nsystem\n.",
        b"(cos\nsystem\no.",
        b"\x82\x01.",  # a name of the extension registry
        b"\x8f(" + b")" + b"\x85" * 100_000 + b"\x90.",  # a set of a deeply nested tuple
    ],
)
def test_damaged_pickle_is_an_error(data):
    assert message_of(read_values, data, "data_batch_1").startswith("data_batch_1: ")


def test_truncated_batch_is_an_error_that_names_it():
    whole = pickle.dumps({b"labels": [1, 2], b"data": np.zeros((2, 3), np.uint8), b"filenames": [b"a", b"b"]}, protocol=2)
    for end in range(len(whole)):
        assert message_of(read_values, whole[:end], "data_batch_1").startswith("data_batch_1: ")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({b"labels": [0, 1]}, ["as many of each"]),
        ({b"filenames": [b"a"] * 5}, ["as many of each"]),
        ({b"labels": [0, 1, 2, 0, 1, 12]}, ["bird_s_300005.png", "label is 12", "0 to 2"]),
        ({b"labels": [0, 1, 2, 0, 1, "x"]}, ["bird_s_300005.png", "label is of type str"]),
        ({b"data": np.zeros((6, 3072), np.float32)}, ["not an array of bytes"]),
        ({b"data": np.zeros((6, 3073), np.uint8)}, ["as many of each"]),
        ({b"data": [1, 2]}, ["not an array of bytes"]),
        ({b"filenames": [b"a", [b"b"], b"c", b"d", b"e", b"f"]}, ["a string was expected"]),
    ],
)
def test_invalid_batch_is_an_error(change, parts, tmp_path):
    root = cifar(tmp_path / "cifar-10-batches-py")
    files = [f"{NAMES[i % 3]}_s_3{i:05}.png".encode() for i in range(6)]
    batch = {b"labels": [0, 1, 2] * 2, b"data": cifar_images(6, 3), b"filenames": files} | change
    (root / "data_batch_3").write_bytes(pickle.dumps(batch, protocol=2))
    message = message_of(read, root)
    for part in ["data_batch_3", *parts]:
        assert part in message


def test_batch_without_class_names_is_an_error(tmp_path):
    root = cifar(tmp_path / "cifar-10-batches-py")
    (root / "batches.meta").write_bytes(pickle.dumps({b"x": 1}, protocol=2))
    assert "label_names" in message_of(read, root)
    (root / "batches.meta").write_bytes(pickle.dumps([1], protocol=2))
    assert "dictionary" in message_of(read, root)
    (root / "batches.meta").unlink()
    assert "batches.meta: no such file" in message_of(read, root)


def test_pathfinder_has_every_difficulty_in_every_split(tmp_path):
    root = pathfinder(tmp_path / "pathfinder32")
    dataset = prepare(root, tmp_path / "data")
    assert dataset.classes == ["connected", "unconnected"]
    assert dataset.info["options"]["split"] == "0.9,0.05,0.05"
    labels, splits = label_of(dataset), split_of(dataset)
    assert all(label == ("connected" if int(n[:-4].split("_")[-1]) % 2 else "unconnected") for n, label in labels.items())
    for difficulty in DIFFICULTIES:
        for label in dataset.classes:
            names = [n for n in dataset.ids() if n.startswith(f"{difficulty}/") and labels[n] == label]
            assert np.bincount([splits[n] for n in names], minlength=3).tolist() == [18, 1, 1]
    for i, name in enumerate(dataset.ids()):
        tokens = np.asarray(dataset.tokens(i))
        assert (tokens - 2 == np.asarray(Image.open(root / name)).reshape(-1)).all()
        assert tokens.min() == 2
    assert "read as: Pathfinder" in dataset.info["notes"]
    assert len(dataset.info["inputs"]) == 12  # each list, and each folder of images


def test_single_pathfinder_difficulty_and_array_lists_are_read(tmp_path):
    root = pathfinder(tmp_path / "pathfinder32", lists=11, per_list=4, difficulties=DIFFICULTIES[:1]) / DIFFICULTIES[0]
    for number, kind in ((0, np.str_), (1, np.bytes_)):
        path = root / "metadata" / f"{number}.npy"
        rows = np.array([line.split() for line in path.read_text().splitlines()], dtype=kind)
        with path.open("wb") as out:
            np.save(out, rows, allow_pickle=False)
    ids = [record.id for record in read(root)]
    assert ids == [f"curv_baseline/imgs/{n}/sample_{k}.png" for n in range(11) for k in range(4)]
    with (root / "metadata" / "1.npy").open("wb") as out:
        np.save(out, np.array([["a", 1]], dtype=object), allow_pickle=True)
    assert "1.npy: no list of images" in message_of(read, root)


def test_images_are_part_of_checksum(tmp_path):
    root = pathfinder(tmp_path / "pathfinder32", lists=1)
    before = prepare(root, tmp_path / "1").info["inputs"]
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(root / "curv_baseline" / "imgs" / "0" / "sample_3.png")
    after = prepare(root, tmp_path / "2").info["inputs"]
    changed = [a["file"] for a, b in zip(after, before, strict=True) if a != b]
    assert changed == [str(root / "curv_baseline" / "imgs" / "0")]


def test_empty_images_are_dropped_and_reported(tmp_path):
    root = pathfinder(tmp_path / "pathfinder32")
    (root / "curv_contour_length_9" / "imgs" / "1" / "sample_4.png").write_bytes(b"")
    dataset = prepare(root, tmp_path / "data")
    assert len(dataset) == 119
    assert "left out: 1 empty image (curv_contour_length_9/imgs/1/sample_4.png)" in dataset.info["notes"]


def test_colour_image_is_converted_to_grey(tmp_path):
    root = pathfinder(tmp_path / "pathfinder32", lists=1, difficulties=DIFFICULTIES[:1])
    row = cifar_images(1, 0)[0]
    Image.fromarray(row.reshape(3, 32, 32).transpose(1, 2, 0)).save(root / "curv_baseline" / "imgs" / "0" / "sample_0.png")
    assert (read(root)[0].text == pillow_grey(row)).all()


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (lambda root: (root / "imgs/0/sample_3.png").unlink(), ["0.npy: line 4", "imgs/0/sample_3.png"]),
        (lambda root: (root / "imgs/0/sample_3.png").write_bytes(b"no image"), ["imgs/0/sample_3.png", "no image"]),
        (
            lambda root: (root / "imgs/0/sample_3.png").write_bytes((root / "imgs/0/sample_2.png").read_bytes()[:50]),
            ["imgs/0/sample_3.png"],
        ),
        (lambda root: (root / "metadata/0.npy").write_text("imgs/0 sample_0.png 0\n"), ["0.npy: line 1", "label"]),
        (lambda root: (root / "metadata/0.npy").write_text("\nimgs/0 sample_0.png 0 2\n"), ["0.npy: line 2", "0 or 1"]),
        (lambda root: (root / "metadata/0.npy").write_text(""), ["0.npy"]),
        (lambda root: (root / "metadata/0.npy").write_text("imgs/0 a\0b.png 0 1\n"), ["0.npy: line 1", r"a\x00b.png"]),
    ],
)
def test_damaged_pathfinder_is_explained(damage, parts, tmp_path):
    root = pathfinder(tmp_path / "pathfinder32", lists=1, difficulties=DIFFICULTIES[:1]) / DIFFICULTIES[0]
    damage(root)
    message = message_of(read, root)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "place", ["imgs/0 ../0/../../../secret.png", "../.. secret.png", "/ {root}/secret.png", "imgs/0 C:\\secret.png"]
)
def test_image_lists_cannot_lead_out_of_their_folder(tmp_path, place):
    root = pathfinder(tmp_path / "pathfinder32", lists=1, difficulties=DIFFICULTIES[:1]) / DIFFICULTIES[0]
    (tmp_path / "secret.png").write_bytes((root / "imgs/0/sample_3.png").read_bytes())
    (root / "metadata/0.npy").write_text(f"imgs/0 sample_0.png 0 1\n{place.format(root=tmp_path)} 1 1\n")
    message = message_of(read, root)
    assert "0.npy: line 2" in message
    assert "leads out of it" in message


@pytest.mark.parametrize("kind", ["EPS", "BMP", "TIFF", "GIF", "PPM"])
def test_images_of_other_formats_are_not_opened(tmp_path, monkeypatch, kind):
    """What is called .png is read as PNG: of other formats, PostScript starts a program."""
    monkeypatch.setattr(subprocess, "Popen", None)
    root = pathfinder(tmp_path / "pathfinder32", lists=1, difficulties=DIFFICULTIES[:1]) / DIFFICULTIES[0]
    with (root / "imgs/0/sample_3.png").open("wb") as file:
        Image.fromarray(np.zeros((32, 32), np.uint8)).save(file, kind)
    message = message_of(read, root)
    assert "sample_3.png: no image that can be read" in message


def test_images_accept_no_other_alphabet(tmp_path):
    root = pathfinder(tmp_path / "pathfinder32", lists=1)
    assert "alphabet='bytes'" in message_of(prepare, root, tmp_path / "data", alphabet="chars")
    assert prepare(root, tmp_path / "data", alphabet="bytes").info["vocabulary"]["alphabet"] == "bytes"


@pytest.mark.parametrize("alphabet", ["dna", "protein", "chars"])
def test_vocabulary_of_letters_refuses_intensities(alphabet):
    for trained, advice in ((False, "alphabet='bytes'"), (True, "the model does not take")):
        vocabulary = make_vocabulary(alphabet, trained=trained)
        message = message_of(vocabulary.encode, np.zeros(4, np.uint8), {}, "x.png")
        assert "x.png: intensities" in message and advice in message


def test_inputs_of_different_types_cannot_be_mixed(tmp_path):
    root = pathfinder(tmp_path / "pathfinder32", lists=1)
    fasta = labelled_fasta(tmp_path / "x.fa")
    assert "Pathfinder" in message_of(prepare, [root, fasta], tmp_path / "data")
    assert "splits" in message_of(prepare, [imdb(tmp_path / "aclImdb"), fasta], tmp_path / "data")
    one, two = (root / difficulty for difficulty in DIFFICULTIES[:2])
    assert len(prepare([one, two], tmp_path / "data")) == 40


def test_image_model_predicts_and_evaluates_a_batch(tmp_path):
    root = cifar(tmp_path / "cifar-10-batches-py", n=12)
    data = prepare(root, tmp_path / "data")
    run = seqmix.train(data, tmp_path / "run", epochs=1, settings=["model.d_model=8", "mixer.d_hidden=8"])
    found = list(seqmix.predict(root / "test_batch", run=run))
    assert [p.id for p in found] == [r.id for r in read(root / "test_batch")]
    assert {p.length for p in found} == {1024}
    on_batch = seqmix.evaluate(run, data=[root / "test_batch"], output=tmp_path / "new", baselines=False)
    assert on_batch.scores["accuracy"].value == seqmix.evaluate(run, baselines=False).scores["accuracy"].value


def test_missing_validation_split_is_taken_from_training(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa", per_class=10)
    table = tmp_path / "splits.tsv"
    rows = [f"{c}{i}\t{'test' if i < 2 else 'train'}\n" for c in "ab" for i in range(10)]
    table.write_text("id\tsplit\n" + "".join(rows))
    dataset = prepare(path, tmp_path / "data", split_from=f"table:{table}")
    assert dataset.info["counts"] == {s: {"a": n, "b": n} for s, n in (("train", 6), ("val", 2), ("test", 2))}
    assert any("no validation split is given: 4 training records" in note for note in dataset.info["notes"])
