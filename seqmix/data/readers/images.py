"""Parsers of images as their sources distribute them: CIFAR-10 (Python and binary version) and Pathfinder.

An image is the sequence of its intensities, 0 (black) to 255, row by row. Colours are converted to grey like Pillow and
torchvision do, by the luma of ITU-R 601. Memory holds one file of CIFAR-10 (31 MB), or one image of Pathfinder.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqmix.data.readers.cifar_pickle import byte_array, read_values
from seqmix.data.readers.entry import Entry
from seqmix.errors import InputError
from seqmix.system.printable import printable, quoted
from seqmix.system.unchanged import read_unchanging

_PIXELS = 32 * 32
_FORMATS = ("PNG",)  # of the images of Pathfinder


def parse_cifar(stream: BinaryIO, batch: Path, companions: dict[str, str]) -> Iterator[Entry]:
    """Parse the images of a batch of the Python version: a pickle, which is read without executing it."""
    name = str(batch)
    classes = _class_names(batch.parent / "batches.meta", companions)
    found = _keyed(read_values(stream.read(), name), name)
    images = byte_array(found.get("data"), name)
    labels, files = found.get("labels"), found.get("filenames")
    if not (
        isinstance(labels, list)
        and isinstance(files, list)
        and len(labels) == len(files)
        and images.shape == (len(labels), 3 * _PIXELS)
    ):
        raise InputError(f"{name}: labels, filenames and images of {3 * _PIXELS:,} bytes were expected, as many of each")
    for label, file, image in zip(labels, files, images, strict=True):
        identifier = _word(file, name)
        yield Entry(identifier, _grey(image), 0, "", {"label": _class(classes, label, f"{name}: record '{identifier}'")})


def parse_cifar_binary(stream: BinaryIO, batch: Path, companions: dict[str, str]) -> Iterator[Entry]:
    """Parse the images of a batch of the binary version: one byte for the label, then 3,072 for red, green and blue."""
    classes = _class_names(batch.parent / "batches.meta.txt", companions)
    number = 0
    while record := stream.read(1 + 3 * _PIXELS):
        identifier = f"{batch.stem}/{number}"
        where = f"{batch}: record '{identifier}'"
        if len(record) != 1 + 3 * _PIXELS:
            raise InputError(f"{where}: {len(record):,} bytes of {1 + 3 * _PIXELS:,}; it was cut off: copy or unpack it again")
        image = np.frombuffer(record, dtype=np.uint8)[1:]
        yield Entry(identifier, _grey(image), 0, "", {"label": _class(classes, record[0], where)})
        number += 1


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert red, green and blue `(3 * P,)` to grey `(P,)`."""
    red, green, blue = image.reshape(3, -1).astype(np.uint32)
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)


def _class_names(path: Path, companions: dict[str, str]) -> list[str]:
    """Return the class names, by class number, from the file beside the batches."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; the names of the classes are in it: unpack the archive again")
    data = read_unchanging(path)
    companions[str(path)] = hashlib.sha256(data).hexdigest()
    if path.suffix == ".txt":
        return data.decode("latin-1").split()
    names = _keyed(read_values(data, str(path)), str(path)).get("label_names")
    if not isinstance(names, list):
        raise InputError(f"{path}: there is no list 'label_names' in it; unpack the archive again")
    return [_word(name, str(path)) for name in names]


def _class(classes: list[str], label: Any, where: str) -> str:
    if not isinstance(label, int) or not 0 <= label < len(classes):
        shown = label if isinstance(label, int) else f"of type {type(label).__name__}"
        raise InputError(f"{where}: the label is {shown}, a number from 0 to {len(classes) - 1} was expected")
    return classes[label]


def _keyed(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name}: a dictionary was expected, as CIFAR-10 has it; unpack the archive again")
    return {_word(key, name): item for key, item in value.items()}


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str | bytes):
        raise InputError(f"{name}: a string was expected among the names, got one of type {type(value).__name__}")
    return value.decode("latin-1") if isinstance(value, bytes) else value


def parse_pathfinder(stream: BinaryIO, listing: Path, companions: dict[str, str], left_out: list[str]) -> Iterator[Entry]:
    """Parse the images listed in a file of `metadata/`.

    Args:
        stream: content of the list.
        listing: path of the list.
        companions: receives, for each folder of images, the SHA-256 of the listed ones in order.
        left_out: receives the ids of empty files, of which the release has some.

    Yields:
        The entries of the list.
    """
    root = listing.absolute().parent.parent
    digests: dict[str, Any] = {}
    for line, cells in _listed(stream.read(), str(listing)):
        where = f"{listing}: line {line}"
        label = cells[3].removesuffix(".0") if len(cells) > 3 else ""
        if label not in ("0", "1"):
            raise InputError(f"{where}: folder, file, number and label 0 or 1 were expected, got '{' '.join(cells[:4])}'")
        if not _is_below(cells[0], cells[1]):
            raise InputError(
                f"{where}: an image of the release is in a folder below {printable(str(root))}, and "
                f"{quoted(f'{cells[0]}/{cells[1]}')} leads out of it; unpack the archive again"
            )
        path = root / cells[0] / cells[1]
        identifier = f"{root.name}/{cells[0]}/{cells[1]}"
        try:
            data = read_unchanging(path)
        except (FileNotFoundError, ValueError) as error:  # a path with a NUL is no file's
            raise InputError(f"{where}: there is no image {printable(str(path))}; unpack the archive again") from error
        digests.setdefault(str(path.parent), hashlib.sha256()).update(data)
        if data:
            text = _intensities(data, path)
            yield Entry(identifier, text, line, "", {"label": "connected" if label == "1" else "unconnected"})
        else:
            left_out.append(identifier)
    companions.update({folder: digest.hexdigest() for folder, digest in digests.items()})


def _is_below(*names: str) -> bool:
    """Return whether a path in a list stays below the folder of the release, on any system."""
    for kind in (PurePosixPath, PureWindowsPath):
        if any(kind(name).anchor or ".." in kind(name).parts for name in names):
            return False
    return True


def _listed(data: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a list with their line numbers. In the release it is plain text, despite its name."""
    if not data.startswith(b"\x93NUMPY"):
        for number, line in enumerate(data.decode("latin-1").split("\n"), 1):
            if line.strip():
                yield number, line.split()
        return
    try:
        rows = np.load(io.BytesIO(data), allow_pickle=False)
        if rows.ndim != 2:
            raise ValueError(f"{rows.ndim} dimensions in place of 2")
    except (ValueError, EOFError) as error:
        raise InputError(f"{name}: no list of images: text, or an array of strings, was expected ({error})") from error
    yield from enumerate((np.char.decode(rows) if rows.dtype.kind == "S" else rows.astype(str)).tolist(), 1)


def _intensities(data: bytes, path: Path) -> NDArray[np.uint8]:
    """Return the grey values of a PNG file, row by row.

    Pillow would choose among all its formats by the content, and start Ghostscript for PostScript.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return np.asarray(image.convert("L"), dtype=np.uint8).reshape(-1)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: no image that can be read ({error}); unpack the archive again") from error
