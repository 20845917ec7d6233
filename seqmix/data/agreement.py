"""Whether the files of a data set agree with each other: shapes, types, bounds and numbers of records.

Arrays in memory are compared as a whole, which takes milliseconds for a million records. Tokens, which may be many gigabytes,
are checked in the pass that computes their checksum.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.vocabulary.base import FIRST
from seqmix.errors import DatasetError, command
from seqmix.system.files import file_checksum

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

_CHUNK = 1 << 22  # bytes of tokens that are checked at a time

Span = tuple[float, float]


def load_array(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """Return the array of a file, or a map of it if it is not empty.

    Raises:
        DatasetError: it cannot be loaded.
    """
    try:
        size = _checked_size(path)
        return np.load(path, mmap_mode="r" if mapped and size else None, allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError) as error:
        raise _disagreement(path, f"it cannot be read as an array ({error})") from error


def _checked_size(path: Path) -> int:
    """Return the size of a file's array; raise a `ValueError`, before memory is allocated, if the file is not as long."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"unknown version {version} of the format")
        shape, _, dtype = read(file)
        if dtype.hasobject or min(shape, default=0) < 0:
            raise ValueError(f"{dtype} of the shape {shape}")
        size = math.prod(shape)
        announced, there = file.tell() + size * dtype.itemsize, path.stat().st_size
    if announced != there:
        raise ValueError(f"{there:,} bytes, where its header announces {announced:,}")
    return size


def _disagreement(path: Path, problem: str) -> DatasetError:
    line = " ".join(problem.split())
    return DatasetError(f"{path}: the data set is damaged: {line}; restore it, or run {command('prepare')} again")


def check_content(folder: Path, checksums: Mapping[str, str]) -> Span | None:
    """Compare every file of a data set with its checksum, in one pass over each.

    Returns:
        The smallest and the largest token; None if there are none.

    Raises:
        DatasetError: a checksum does not match.
    """
    span = None
    for name, wanted in checksums.items():
        path = folder / name
        if name == "tokens.npy":
            found, span = _read_tokens(path)
        else:
            found = file_checksum(path)
        if found != wanted:
            raise DatasetError(
                f"{folder}: the data set is damaged: {name} does not match its checksum; run {command('prepare')} again"
            )
    return span


def _read_tokens(path: Path) -> tuple[str, Span | None]:
    """Return the checksum of a token file, and its smallest and largest token."""
    try:
        _checked_size(path)
        tokens = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError):
        return file_checksum(path), None  # damaged, or empty, which cannot be mapped
    if tokens.dtype.kind not in "uif" or not tokens.flags.c_contiguous or not tokens.ndim:
        return file_checksum(path), None
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(tokens.offset))
        flat = tokens.reshape(-1).view(np.ndarray)
        size = max(1, _CHUNK // flat.itemsize)
        low, high = math.inf, -math.inf
        for start in range(0, len(flat), size):
            chunk = flat[start : start + size]
            digest.update(chunk.data)
            low, high = float(np.minimum(low, chunk.min())), float(np.maximum(high, chunk.max()))  # NaN stays
    return digest.hexdigest(), (low, high)


def check_arrays(dataset: Dataset, span: Span | None = None) -> None:
    """Refuse a data set whose arrays do not agree with each other or with `dataset.json`.

    Args:
        dataset: the data set.
        span: its smallest and largest token; None if they were not checked.

    Raises:
        DatasetError: they do not agree; the message names the file.
    """
    labels, split = dataset.labels, dataset.split
    n, path = len(labels) if labels.ndim else 0, dataset.path
    if problem := dataset.label_objective.problem_with(labels):
        raise _disagreement(path, f"labels.npy: {problem}")
    if split.shape != (n,) or split.dtype.kind not in "iu":
        raise _disagreement(path, f"split.npy has {_in_words(split)}, but labels.npy has {n:,} records")
    if n and not 0 <= split.min() <= split.max() < len(SPLITS):
        raise _disagreement(path, f"split.npy has values from {split.min()} to {split.max()}, but only 0, 1 and 2 are splits")
    _check_offsets(dataset, n)
    _check_tokens(dataset, span)
    _check_ids(path, n)
    stated = {name: dataset.info.get(name) for name in ("records", "sizes")}
    if stated["records"] not in (None, n) or stated["sizes"] not in (None, dataset.sizes):
        raise _disagreement(path, f"dataset.json has numbers of records that differ from labels.npy and split.npy ({n:,})")
    _check_groups(dataset, n)
    _check_nearness(dataset, n)


def _check_groups(dataset: Dataset, n: int) -> None:
    groups, path = dataset.groups, dataset.path
    if groups is None:
        return
    if groups.shape != (n,) or groups.dtype != np.int64:
        raise _disagreement(path, f"groups.npy has {_in_words(groups)}; {n:,} records in labels.npy need {n:,} (int64)")
    if n and not 0 <= groups.min() <= groups.max() < n:
        raise _disagreement(
            path, f"groups.npy has groups {groups.min()} to {groups.max()}; {n:,} records have 0 to {n - 1} at most"
        )
    split_of = np.zeros(n, dtype=np.int8)
    split_of[groups] = dataset.split
    if (split_of[groups] != dataset.split).any():
        raise _disagreement(path, "groups.npy has a group whose records are in several splits of split.npy")
    stated, sizes = dataset.info.get("groups"), np.bincount(groups)
    if stated and (stated["count"], stated["largest"]) != (np.count_nonzero(sizes), sizes.max(initial=0)):
        raise _disagreement(path, "dataset.json has numbers of groups that differ from groups.npy")


def _check_nearness(dataset: Dataset, n: int) -> None:
    nearness, path = dataset.nearness, dataset.path
    if nearness is None:
        return
    if nearness.shape != (n,) or nearness.dtype != np.float32:
        raise _disagreement(path, f"nearness.npy has {_in_words(nearness)}; {n:,} records in labels.npy need {n:,} (float32)")
    known = nearness[~np.isnan(nearness)]
    if len(known) and not 0 <= known.min() <= known.max() <= 1:
        raise _disagreement(path, f"nearness.npy has values from {known.min():g} to {known.max():g}; they must be from 0 to 1")
    if not np.isnan(nearness[dataset.split == 0]).all():
        raise _disagreement(path, "nearness.npy has values for training records")


def _check_offsets(dataset: Dataset, n: int) -> None:
    offsets, sequences = dataset.offsets, n * dataset.n_sequences
    if offsets.shape != (sequences + 1,) or offsets.dtype.kind not in "iu":
        raise _disagreement(
            dataset.path,
            f"offsets.npy has {_in_words(offsets)}; {n:,} {'pairs' if dataset.n_sequences == 2 else 'records'} in labels.npy "
            f"need {sequences + 1:,}",
        )
    if offsets[0] or not (offsets[1:] > offsets[:-1]).all():
        raise _disagreement(dataset.path, "offsets.npy: offsets must begin with 0 and increase")
    if offsets[-1] != dataset.token_count:
        raise _disagreement(dataset.path, f"offsets.npy ends at {offsets[-1]:,}, but tokens.npy has {dataset.token_count:,}")


def _check_tokens(dataset: Dataset, span: Span | None) -> None:
    vocabulary, path = dataset.vocabulary, dataset.path
    dtype, shape = dataset.token_form
    if dtype != np.dtype(vocabulary.dtype) or shape != vocabulary.shape:
        raise _disagreement(
            path,
            f"tokens.npy holds {dtype}{f' of shape {shape}' if shape else ''}, but the vocabulary of dataset.json needs "
            f"{np.dtype(vocabulary.dtype)}{f' of shape {vocabulary.shape}' if vocabulary.shape else ''}",
        )
    if span is None:
        return
    if vocabulary.channels:
        if not all(map(math.isfinite, span)):
            raise _disagreement(path, "tokens.npy has numbers that are not finite")
    elif not FIRST <= span[0] <= span[1] < len(vocabulary):
        raise _disagreement(
            path,
            f"tokens.npy has tokens {span[0]:.0f} to {span[1]:.0f}, but the vocabulary of dataset.json has {FIRST} to "
            f"{len(vocabulary) - 1}",
        )


def _check_ids(path: Path, n: int) -> None:
    content = (path / "ids.txt").read_bytes()
    lines = content.count(b"\n")
    if lines != n or (content and not content.endswith(b"\n")):
        raise _disagreement(path, f"ids.txt has {lines:,} complete lines, but labels.npy has {n:,} records")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise _disagreement(path, f"ids.txt: {error}") from error


def _in_words(array: NDArray[Any]) -> str:
    """Return "40 numbers (int64)", or the shape if it is not a list of numbers."""
    return f"{len(array):,} numbers ({array.dtype})" if array.ndim == 1 else f"the shape {array.shape}"
