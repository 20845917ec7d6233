"""Read damaged inputs in every way that there is, and report what is neither records nor a `SeqmixError` of one line."""

import io
import random
import shutil
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from seqmix.data.inputs import find_sources
from seqmix.data.options import FORMATS, UNKNOWN_POLICIES, ReadOptions
from seqmix.data.prepare import prepare
from seqmix.data.reading import RecordReader
from seqmix.errors import SeqmixError
from tests.fuzz.mutations import NAMES, SEEDS, damaged

SLOW = 20  # seconds that a small file may take


def case(seed: int, folder: Path) -> None:
    """Read one damaged input that follows from its seed, in an empty folder that is made for it.

    Raises:
        Exception: anything but a `SeqmixError`: a finding.
    """
    rng = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        rng.choice((_read, _read, _read, _prepare, _table, _standard_input, _images))(rng, folder)
    except SeqmixError as error:
        if "\n" in str(error):
            raise AssertionError("a message of several lines") from error


def _options(rng: random.Random) -> dict[str, Any]:
    return rng.choice(
        (
            {},
            {},
            {"encoding": rng.choice(("latin-1", "utf-16", "utf-16-le", "utf-32", "utf-7", "cp500", "ascii", "idna"))},
            {"format": rng.choice(FORMATS)},
            {"label_from": rng.choice(("header:label", "column:label", "file", "folder", "header-regex:(.)=", "column:text"))},
            {"label_from": "column:label", "label_separator": ",", "skip_unlabelled": True},
            {"text_column": "label", "id_column": "text"},
            {"pair_column": "label"},
        )
    )


def _files(rng: random.Random, folder: Path) -> list[Path]:
    for number in range(rng.choice((1, 1, 1, 3))):
        path = folder / rng.choice(("", "a", "b", "train")) / f"{number or ''}{rng.choice(NAMES)}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(damaged(rng))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [folder] if rng.random() < 0.2 else files


def _read(rng: random.Random, folder: Path) -> None:
    list(RecordReader(find_sources(_files(rng, folder)), ReadOptions(**_options(rng))))


def _prepare(rng: random.Random, folder: Path) -> None:
    alphabet = rng.choice(("auto", "auto", "auto", "dna", "chars", "words", "bytes", "real"))
    (folder / "in").mkdir()
    files = _files(rng, folder / "in")
    prepare(files, folder / "out", alphabet=alphabet, unknown=rng.choice((None, *UNKNOWN_POLICIES)), **_options(rng))


def _table(rng: random.Random, folder: Path) -> None:
    """Read a table of labels that is damaged, for sequences that are not."""
    (folder / "x.fa").write_bytes(SEEDS["fasta"])
    table = folder / rng.choice(("t.csv", "t.tsv", "t.jsonl", "t", "t.csv.gz"))
    table.write_bytes(damaged(rng))
    column = rng.choice(("", ":label", ":text"))
    list(RecordReader(find_sources([folder / "x.fa"]), ReadOptions(label_from=f"table:{table}{column}", skip_unlabelled=True)))


def _standard_input(rng: random.Random, folder: Path) -> None:
    with patch("sys.stdin", SimpleNamespace(buffer=io.BytesIO(damaged(rng)))):
        list(RecordReader(find_sources(["-"]), ReadOptions(**_options(rng))))


def _images(rng: random.Random, folder: Path) -> None:
    """Read a small Pathfinder of which the list or an image is damaged."""
    from tests.support.releases import pathfinder

    pathfinder(folder / "p", lists=1, per_list=4, difficulties=("curv_baseline",))
    path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    data = bytearray(path.read_bytes())
    before = SEEDS["image"]
    SEEDS["image"] = bytes(data)
    try:
        path.write_bytes(damaged(rng))
    finally:
        SEEDS["image"] = before
    list(RecordReader(find_sources([folder / "p"]), ReadOptions()))


@contextmanager
def _strict() -> Iterator[None]:
    """Take warnings for errors, as the tests do."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def findings(first: int, seconds: float, folder: Path, *, most: int | None = None) -> Iterator[tuple[int, str]]:
    """Yield the seed and the traceback of each input that ends in anything but records or a `SeqmixError`.

    Args:
        first: the first seed; those that follow are counted up.
        seconds: how long inputs are tried.
        folder: a folder to write them into.
        most: number of inputs at most; None for no limit.
    """
    start = time.monotonic()
    seed = first
    while time.monotonic() - start < seconds and (most is None or seed < first + most):
        begun = time.monotonic()
        try:
            with _strict():
                case(seed, folder / "case")
        except Exception:  # whatever is not explained to the user is a finding
            yield seed, traceback.format_exc()
        if (taken := time.monotonic() - begun) > SLOW:
            yield seed, f"took {taken:.0f} s"
        seed += 1
