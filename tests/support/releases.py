"""Small copies of published data sets, in the form in which they are distributed."""

import pickle
import random

import numpy as np
from PIL import Image

NAMES = ["airplane", "automobile", "bird"]


DIFFICULTIES = ("curv_baseline", "curv_contour_length_9", "curv_contour_length_14")


def as_python_2(data):
    """A pickle of Python 3 in protocol 2 as Python 2 wrote it: names of its time, `str` in the place of bytes."""
    return data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def binstring(value):
    """Instructions of Python 2 for what CIFAR-10 holds."""
    if isinstance(value, dict):
        return b"}(" + b"".join(binstring(k) + binstring(v) for k, v in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(binstring, value)) + b"e"
    if isinstance(value, np.ndarray):
        shape = b"".join(b"M" + n.to_bytes(2, "little") for n in value.shape) + b"\x86"
        dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        return made + b"(K\x01" + shape + dtype + b"\x89" + binstring(value.tobytes()) + b"tb"
    if isinstance(value, int):
        return b"K" + bytes([value])
    return b"T" + len(value).to_bytes(4, "little") + value if len(value) > 255 else b"U" + bytes([len(value)]) + value


WRITERS = {
    "protocol 2 of Python 2": lambda value: b"\x80\x02" + binstring(value) + b".",
    "protocol 2 of Python 3": lambda value: pickle.dumps(value, protocol=2),
    "protocol 2 and old numpy": lambda value: as_python_2(pickle.dumps(value, protocol=2)),
    "protocol 3": lambda value: pickle.dumps(value, protocol=3),
    "protocol 4": lambda value: pickle.dumps(value, protocol=4),
}


def imdb(root):
    counts = {"train/pos": 8, "train/neg": 8, "train/unsup": 5, "test/pos": 3, "test/neg": 3}
    documents(root, counts)
    for stray in ("README", "imdb.vocab", "imdbEr.txt", "train/urls_pos.txt", "train/labeledBow.feat"):
        (root / stray).write_text("something else\n")
    return root


def cifar(root, dumps=WRITERS["protocol 2 of Python 3"], n=6):
    root.mkdir()
    batches = {f"data_batch_{i}": i for i in range(1, 6)} | {"test_batch": 6}
    for name, seed in batches.items():
        labels = [i % 3 for i in range(n)]
        files = [f"{NAMES[label]}_s_{seed}{i:05}.png".encode() for i, label in enumerate(labels)]
        batch = {b"batch_label": b"batch", b"labels": labels, b"data": cifar_images(n, seed), b"filenames": files}
        (root / name).write_bytes(dumps(batch))
    meta = {b"num_cases_per_batch": n, b"label_names": [name.encode() for name in NAMES], b"num_vis": 200}
    (root / "batches.meta").write_bytes(dumps(meta))
    (root / "readme.html").write_text("<html>")
    return root


def pathfinder(root, lists=2, per_list=20, difficulties=DIFFICULTIES):
    """Images of 8 x 8, half of each list connected."""
    generator = np.random.default_rng(0)
    for difficulty in difficulties:
        (root / difficulty / "metadata").mkdir(parents=True)
        for n in range(lists):
            folder = root / difficulty / "imgs" / str(n)
            folder.mkdir(parents=True)
            rows = [f"imgs/{n} sample_{k}.png {k} {k % 2} 3.2 1.8 6" for k in range(per_list)]
            (root / difficulty / "metadata" / f"{n}.npy").write_text("\n".join(rows) + "\n")
            for k in range(per_list):
                image = generator.integers(0, 256, (8, 8), dtype=np.uint8)
                image[0] = [0, 9, 10, 13, 32, 0, 255, 7]  # white space and nothing are intensities like others
                Image.fromarray(image).save(folder / f"sample_{k}.png")
    return root


def pairs_of_documents(folder, n=6, splits=("train", "eval", "test")):
    folder.mkdir()
    for split in splits:
        rows = [f'{i % 2}.0\tA{i}\tB{i}\tA "first in {split} {i}\tIts {i}th, "other' for i in range(n)]
        (folder / f"new_aan_pairs.{split}.tsv").write_text("\n".join(rows) + "\n")
    return folder


def listops(folder, n=20):
    folder.mkdir()
    generator = random.Random(0)
    for split in ("train", "val", "test"):
        rows = ["Source\tTarget"]
        for i in range(n):
            digits = [str(generator.randrange(10)) for _ in range(6)]
            expression = " ".join(digits)
            rows.append(f"( ( ( ( [MED {expression} ) ( [MAX 1 ) ) ] ) ] )\t{i % 10}")
        (folder / f"basic_{split}.tsv").write_text("\n".join(rows) + "\n")
    return folder


def documents(root, counts):
    """Write `split/class/n_7.txt` and so on, each with a text of its own."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True)
        for i in range(count):
            (root / folder / f"{i}_7.txt").write_text(f"A review in {folder}, number {i}.")
    return root


def cifar_images(n, seed):
    """Return `n` images in which every intensity occurs, stored like CIFAR batches: red, green, blue."""
    images = np.random.default_rng(seed).integers(0, 256, (n, 3, 1024), dtype=np.uint8)
    images[:, :, :256] = np.arange(256)
    return images.reshape(n, 3072)
