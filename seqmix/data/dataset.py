"""The dataset folder: `Dataset.open()` maps it into memory; `preparation.prepare()` writes it.

Files: `tokens.npy` (flat, unpadded, uint8 or uint16; of real numbers `(positions, channels)` float32), `offsets.npy`
`(n + 1,)`, or of pairs `(2 n + 1,)`, `labels.npy` (see `targets`), `split.npy` `(n,)` 0 train, 1 validation, 2 test,
`ids.txt` (a line each), `dataset.json` (all that describes them, with the SHA-256 of every input and every array).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config import DataConfig
from seqmix.data.splitting import SPLITS
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Tokens, Vocabulary
from seqmix.errors import ConfigError, DatasetError, param
from seqmix.objectives import objective_of
from seqmix.system.files import file_checksum
from seqmix.version import __version__

FORMAT_VERSION = 1
ARRAYS = ("tokens.npy", "offsets.npy", "labels.npy", "split.npy", "ids.txt")


class Dataset:
    """A prepared data set, memory-mapped.

    Attributes:
        path: its folder.
        info: what `dataset.json` says.
        vocabulary, classes: how its tokens and labels are to be read.
        rows: sequences of a record: 2 of pairs, else 1.
        offsets `(n * rows + 1,)`, labels (see `targets`), split `(n,)`.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path, self.info = path, info
        self.vocabulary = Vocabulary.from_dict(info["vocabulary"])
        self.classes: list[str] = info["classes"]
        self.n_sequences = 2 if info.get("paired") else 1
        self.offsets: NDArray[np.int64] = np.load(path / "offsets.npy", allow_pickle=False)
        self.labels: NDArray[Any] = np.load(path / "labels.npy", allow_pickle=False)
        self.split: NDArray[np.int8] = np.load(path / "split.npy", allow_pickle=False)
        mapped = np.load(path / "tokens.npy", mmap_mode="r" if self.offsets[-1] else None, allow_pickle=False)
        self._tokens: Tokens = mapped.view(np.ndarray)  # still the map; slices of the subclass are ten times slower

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = True) -> Dataset:
        """Opens a dataset folder.

        Args:
            path: the folder that `prepare` wrote.
            verify: compare every array with its checksum (about a second for each gigabyte).

        Raises:
            DatasetError: there is none, it is damaged, or a newer seqmix wrote it.
        """
        path = Path(path)
        info = read_info(path / "dataset.json")
        for name in ARRAYS:
            file = path / name
            if not file.is_file():
                raise DatasetError(f"{path}: the data set is damaged: {name} is missing; run seqmix prepare again")
            if verify and file_checksum(file) != info["arrays"][name]:
                raise DatasetError(
                    f"{path}: the data set is damaged: {name} is not what its checksum says; run seqmix prepare again"
                )
        return cls(path, info)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> bool:
        """Whether there is something to learn."""
        return objective_of(self.info).labelled

    @property
    def sizes(self) -> dict[str, int]:
        """Records of each split."""
        return {name: int((self.split == s).sum()) for s, name in enumerate(SPLITS)}

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Characters of each record, of a pair those of the longer text, `(n,)`."""
        return np.diff(self.offsets).reshape(-1, self.n_sequences).max(1)

    def cut_lengths(self, max_length: int) -> NDArray[np.int64]:
        """`lengths` where longer records are cut to `max_length` characters; 0: none is."""
        return np.minimum(self.lengths, max_length) if max_length else self.lengths

    def sequences(self, index: int) -> list[Tokens]:
        """The tokens of record `index`, one array or two, views into the memory map."""
        first = index * self.n_sequences
        return [self._tokens[self.offsets[i] : self.offsets[i + 1]] for i in range(first, first + self.n_sequences)]

    def tokens(self, index: int) -> Tokens:
        """`sequences(index)[0]`: all there is of a record that is no pair."""
        return self.sequences(index)[0]

    def truncated(self, index: int, data: DataConfig) -> list[Tokens]:
        """`sequences(index)` as a model sees them: each cut as `data` says."""
        return [cut(sequence, data.max_length or None, data.truncate) for sequence in self.sequences(index)]

    def indices(self, split: str) -> NDArray[np.int64]:
        """Record numbers of a split ("train", "val" or "test")."""
        if split not in SPLITS:
            raise ConfigError(f"{param('split')} must be one of {', '.join(SPLITS)}: got '{split}'", option="split")
        return np.flatnonzero(self.split == SPLITS.index(split))

    def ids(self) -> list[str]:
        """The id of every record."""
        return (self.path / "ids.txt").read_bytes().decode().split("\n")[:-1]

    @property
    def fingerprint(self) -> str:
        """One checksum for the whole: equal for data sets with equal content."""
        return fingerprint(self.info)


def sizes_of(info: dict[str, Any]) -> dict[str, int]:
    """Records of each split, from a `dataset.json`; of older ones, the classes' counts added up."""
    return info.get("sizes") or {name: sum(counts.values()) for name, counts in info["counts"].items()}


def fingerprint(info: dict[str, Any]) -> str:
    """SHA-256 over the checksums of a data set's arrays, its vocabulary and its classes."""
    content = json.dumps([info["arrays"], info["vocabulary"], info["classes"]], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def read_info(path: Path) -> dict[str, Any]:
    """The content of a `dataset.json`.

    Raises:
        DatasetError: the file is missing, damaged, or of a newer version.
    """
    if not path.is_file():
        raise DatasetError(f"{path.parent}: no data set here ({path.name} is missing); make one with seqmix prepare")
    try:
        info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = int(info["format_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: damaged: no dataset description in it; run seqmix prepare again") from error
    if version > FORMAT_VERSION:
        raise DatasetError(f"{path}: written by seqmix {info.get('seqmix')}, newer than this {__version__}; update seqmix")
    missing = [key for key in ("vocabulary", "classes", "arrays", "options", "read") if key not in info]
    if missing:
        raise DatasetError(f"{path}: damaged: it says nothing of {', '.join(missing)}; run seqmix prepare again")
    return info
