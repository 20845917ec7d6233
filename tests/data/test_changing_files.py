"""Files that change while they are read: an error that names them, and nothing is kept."""

import gzip
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import seqmix
from seqmix.data.records import Record
from seqmix.data.synthetic.generate import generate
from seqmix.errors import DatasetError, InputError
from tests.support import random_dna, write_fasta


def records(count, length=200):
    rng = random.Random(count)
    return [(f"r{i} label={'ab'[i % 2]}", random_dna(length, rng)) for i in range(count)]


def grow(path):
    with path.open("ab") as file:
        file.write(b"ACGT\n")


def shrink(path):
    os.truncate(path, path.stat().st_size // 2)


def rewrite(path):
    """Write to the file, which is as long as before."""
    with path.open("r+b") as file:
        file.seek(-5, 2)
        file.write(b"ACGT\n")
    os.utime(path, ns=(0, 0))


@pytest.fixture
def after(monkeypatch):
    """Call a function once, when some records were read."""

    def arrange(count, change):
        made = []
        genuine = Record.__init__

        def noticing(record, *args, **kwargs):
            made.append(1)
            if len(made) == count:
                change()
            genuine(record, *args, **kwargs)

        monkeypatch.setattr(Record, "__init__", noticing)

    return arrange


@pytest.mark.parametrize(
    ("change", "where"),
    [(grow, "first"), (shrink, "first"), (rewrite, "first"), (grow, "last"), (shrink, "last"), (shrink, "packed")],
)
def test_file_that_changes_while_it_is_read_is_named(tmp_path, after, change, where):
    files = [write_fasta(tmp_path / name, records(300)) for name in ("one.fa", "two.fa")]
    victim = files[0] if where == "first" else files[1]
    if where == "packed":
        victim = tmp_path / "three.fa.gz"
        content = "".join(f">{h}\n{s}\n" for h, s in records(9000, 300)).encode()  # more than is read at once
        victim.write_bytes(gzip.compress(content, 1))
        files = [victim]
    after(150 if where == "first" else 450, lambda: change(victim))
    with pytest.raises(InputError, match=f"{victim.name}: the file changed while it was read .*bytes.*being written"):
        seqmix.prepare(files, tmp_path / "data")
    assert not (tmp_path / "data").exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("change", [grow, shrink])
def test_file_that_was_read_already_may_not_change_before_the_end(tmp_path, after, change):
    """A data set says which content its files had, and that must be true when it is written."""
    first, second = (write_fasta(tmp_path / name, records(300)) for name in ("one.fa", "two.fa"))
    after(450, lambda: change(first))
    with pytest.raises(InputError, match=r"one\.fa: the file changed while it was read"):
        seqmix.prepare([first, second], tmp_path / "data")


@pytest.mark.parametrize("change", ["removed", "replaced", "touched before"])
def test_change_after_a_complete_read_is_allowed(tmp_path, after, change):
    path = write_fasta(tmp_path / "one.fa", records(300))

    def act():
        path.unlink()
        if change == "replaced":
            write_fasta(path, records(100))

    if change == "touched before":
        os.utime(path)
    else:
        after(150, act)
    assert len(seqmix.prepare(path, tmp_path / "data", label_from="header:label")) == 300


def test_predict_names_it_and_leaves_no_output(tmp_path, trained, after):
    path = write_fasta(tmp_path / "new.fa", records(60))
    after(30, lambda: grow(path))
    with pytest.raises(InputError, match=r"new\.fa: the file changed while it was read \(from 12,\d+ to 12,\d+ bytes\)"):
        list(seqmix.predict(path, trained))


def test_table_of_labels_that_changes_is_named(tmp_path, monkeypatch):
    path, table = write_fasta(tmp_path / "one.fa", records(20)), tmp_path / "labels.csv"
    table.write_text("id,label\n" + "".join(f"r{i},{'ab'[i % 2]}\n" for i in range(20)))
    from seqmix.data.labels import tables

    genuine = tables.detect_format
    monkeypatch.setattr(tables, "detect_format", lambda *args, **options: grow(table) or genuine(*args, **options))
    with pytest.raises(InputError, match=r"labels\.csv: the file changed while it was read"):
        seqmix.prepare(path, tmp_path / "data", label_from=f"table:{table}")


def test_image_that_changes_is_named(tmp_path, monkeypatch):
    from seqmix.system import unchanged

    image = tmp_path / "image.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(image)
    assert unchanged.read_unchanging(image) == image.read_bytes()
    genuine = unchanged.unchanging

    def changing(file, name):
        entered = genuine(file, name)
        state = entered.__enter__()
        grow(image)
        return type("Entered", (), {"__enter__": lambda _: state, "__exit__": lambda _, *error: entered.__exit__(*error)})()

    monkeypatch.setattr(unchanged, "unchanging", changing)
    with pytest.raises(InputError, match=r"image\.png: the file changed while it was read"):
        unchanged.read_unchanging(image)


WRITER = """
import sys, time
with open(sys.argv[1], "a", buffering=1) as file:
    print("ready", flush=True)
    for i in range(1_000_000):
        file.write(f">x{i} label={'ab'[i % 2]}\\n{'ACGT' * 10}\\n")
        time.sleep(0.0005)
"""


def test_file_that_another_process_is_writing_is_refused(tmp_path):
    path = write_fasta(tmp_path / "download.fa", records(2000))
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
        try:
            writer.stdout.readline()
            with pytest.raises(
                InputError, match=r"download\.fa: the file changed .* it is still being written, copied or down"
            ):
                seqmix.prepare(path, tmp_path / "data")
        finally:
            writer.kill()
    assert not (tmp_path / "data").exists()


@pytest.fixture
def adding(tmp_path):
    return generate("adding", tmp_path / "adding", train=60, val=20, test=20, length=64)


@pytest.mark.parametrize("change", [grow, shrink, rewrite])
def test_mapped_tokens_that_change_are_an_error_not_a_crash(adding, change):
    tokens = adding.path / "tokens.npy"
    first = adding.tokens(0).copy()
    change(tokens)
    time.sleep(0.06)
    with pytest.raises(DatasetError, match=r"tokens\.npy: the file changed while it was read .*run seqmix\.prepare again"):
        adding.tokens(0)
    assert len(first) == 64


def test_tokens_cut_off_during_training_end_it_with_an_error(adding, tmp_path):
    from seqmix.training.events import StepEnd

    def cut(event):
        if isinstance(event, StepEnd) and event.step == 2:
            os.truncate(adding.path / "tokens.npy", 4096)

    with pytest.raises(DatasetError, match=r"tokens\.npy: the file changed"):
        seqmix.train(
            adding,
            tmp_path / "run",
            mixer="conv",
            epochs=5,
            tokens_per_batch=512,
            lr=0.01,
            settings=["model.d_model=8"],
            on_event=cut,
        )


def test_data_set_that_is_replaced_stays_as_it_was_opened(adding):
    before = [adding.tokens(i).copy() for i in range(len(adding))]
    generate("adding", adding.path, train=10, val=5, test=5, length=32, seed=1, overwrite=True)
    time.sleep(0.06)
    assert all(np.array_equal(adding.tokens(i), before[i]) for i in range(100))
    with pytest.raises(DatasetError, match="was replaced or changed while it was read"):
        adding.ids()
