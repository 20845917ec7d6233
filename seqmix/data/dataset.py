"""The dataset folder: `Dataset.open()` maps it into memory; `prepare()` writes it.

Files: `tokens.npy` (flat, unpadded, uint8 or uint16; of real numbers `(positions, channels)` float32), `offsets.npy`
`(n + 1,)`, or of pairs `(2 n + 1,)`, `labels.npy` (see `targets`), `split.npy` `(n,)` 0 train, 1 validation, 2 test,
`ids.txt` (a line each), `dataset.json` (all that describes them, with the SHA-256 of every input and every array). Optional:
`groups.npy` `(n,)` int64 and `nearness.npy` `(n,)` float32, see `Dataset`.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from seqmix.config import DataConfig
from seqmix.config.data import SPLITS
from seqmix.data.agreement import check_arrays, check_content, load_array
from seqmix.data.dataset_json import ARRAYS, extra_arrays, fingerprint, opened_vocabulary, read_info
from seqmix.data.resplit import OUT, checked_split, resplit_info
from seqmix.data.transforms import cut
from seqmix.data.vocabulary import Tokens
from seqmix.errors import ConfigError, DatasetError, command, param, shown
from seqmix.objectives.learned import Learned
from seqmix.system.unchanged import FileState, MappedFile

if TYPE_CHECKING:
    from seqmix.data.torch_dataset import TorchDataset

_MOST_PIXELS = 4096  # of an image
_SHOWN_CLASSES = 8  # in the repr
_TRIES = 5  # to open a folder that is replaced while it is opened


class RecordIndexError(DatasetError, IndexError):
    """A data set has no record of this number."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record of a data set, for people to read.

    Attributes:
        id: as in the input.
        text: the characters that were kept, or of numbers an array `(L, channels)`.
        label: name of its class; a tuple of names in multilabel, a number in a regression; None if it has no label.
        split: "train", "val" or "test"; "" if it is in none, see `Dataset.with_split`.
        pair: the second text of a pair; None if the record is not a pair.
    """

    id: str
    text: str | NDArray[np.float32]
    label: str | tuple[str, ...] | float | None
    split: str
    pair: str | NDArray[np.float32] | None = None


class Dataset(Learned):
    """A prepared data set, memory-mapped.

    `len(dataset)` is the number of records, `dataset[i]` a `StoredRecord`.

    Attributes:
        path: its folder.
        info: the content of `dataset.json`; of other splits (`with_split`), what it would be.
        stored: the content of `dataset.json`.
        vocabulary: how tokens are read.
        classes: names of the classes, in the order of their numbers.
        n_sequences: sequences of a record: 2 of pairs, else 1.
        offsets: where each sequence starts in the tokens, and where the last ends, `(n * n_sequences + 1,)`.
        labels: class numbers `(n,)`, of a multilabel data set a matrix `(n, C)` of 0 and 1, of a regression numbers `(n,)`.
        split: 0 train, 1 validation, 2 test, `(n,)`.
        groups: the group of each record, `(n,)` int64, 0-based; a record that is alone has a group of its own. Records of one
            group are in one split: equal ones (of DNA also reverse complements), and those of a stated group. None if unknown.
        nearness: of each validation and test record, the share of its sampled k-mers or shingles that its nearest training
            record has, `(n,)` float32, 0 to 1; NaN for training records, and where it is not defined. None if unknown.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path, self.info, self.stored = path, info, info
        self.vocabulary = opened_vocabulary(path / "dataset.json", info)
        self.classes: list[str] = info["classes"]
        self.n_sequences = 2 if info.get("paired") else 1
        self.offsets: NDArray[np.int64] = load_array(path / "offsets.npy")
        self.labels: NDArray[Any] = load_array(path / "labels.npy")
        self.split: NDArray[np.int8] = load_array(path / "split.npy")
        extra = {name: load_array(path / name) for name in extra_arrays(info)}
        self.groups: NDArray[np.int64] | None = extra.get("groups.npy")
        self.nearness: NDArray[np.float32] | None = extra.get("nearness.npy")
        mapped = load_array(path / "tokens.npy", mapped=True)
        self._watched, self._id_state = MappedFile(path / "tokens.npy", mapped), FileState.of(path / "ids.txt")
        self._tokens: Tokens = mapped.view(np.ndarray)  # still the map; slices of the subclass are ten times slower
        now = read_info(path / "dataset.json")  # also if this is opened again for another process
        if now["arrays"] != info["arrays"] or extra_arrays(now) != extra_arrays(info):
            raise self._replaced()

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = True) -> Dataset:
        """Open a dataset folder.

        Args:
            path: the folder that `prepare` wrote.
            verify: whether to compare every array with its checksum, and every token with the vocabulary (about a second for
                each gigabyte). That the arrays have the right shapes and agree with each other is checked anyway.

        Raises:
            DatasetError: there is no data set, it is damaged, its files do not agree, or a newer seqmix wrote it.
        """
        if not isinstance(path, str | Path):
            raise DatasetError(f"a data set is given by its folder: got {shown(path)}")
        path = Path(path)
        for _ in range(_TRIES):
            before = FileState.of(path / "dataset.json")
            try:
                return cls._opened(path, verify)
            except DatasetError:
                if FileState.of(path / "dataset.json") == before:
                    raise
        return cls._opened(path, verify)

    @classmethod
    def _opened(cls, path: Path, verify: bool) -> Dataset:
        """Open a folder that nothing else takes the place of meanwhile; otherwise raise a `DatasetError`."""
        info = read_info(path / "dataset.json")
        checksums = {name: info["arrays"][name] for name in ARRAYS} | extra_arrays(info)
        for name in checksums:
            if not (path / name).is_file():
                raise DatasetError(f"{path}: the data set is damaged: {name} is missing; run {command('prepare')} again")
        span = check_content(path, checksums) if verify else None
        dataset = cls(path, info)
        check_arrays(dataset, span)
        return dataset

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: SupportsIndex) -> StoredRecord:
        """Return a record; -1 is the last.

        Raises:
            RecordIndexError: there are fewer records; it is an IndexError as well.
        """
        if not hasattr(index, "__index__"):
            raise RecordIndexError(f"a record is asked for by its number: got {index!r}")
        place = index.__index__()
        if not -len(self) <= place < len(self):
            raise RecordIndexError(f"{self.path}: there is no record {place}: it has {len(self):,}")
        place %= len(self)
        text, *pair = [
            tokens if self.vocabulary.channels else self.vocabulary.decode(tokens) for tokens in self.sequences(place)
        ]
        label, number = self.label_objective.decode(self.labels[place]), int(self.split[place])
        split = "" if number == OUT else SPLITS[number]
        return StoredRecord(self._ids[place], text, label, split, pair[0] if pair else None)

    def __iter__(self) -> Iterator[StoredRecord]:
        """Yield the records in order."""
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        """Return the size of the data set in a line."""
        sizes = ", ".join(f"{count:,} {name}" for name, count in self.sizes.items())
        lengths = self.lengths
        span = f"lengths {lengths.min():,} to {lengths.max():,}" if len(lengths) else "empty"
        return (
            f"<Dataset {str(self.path)!r}: {len(self):,} {'pairs' if self.n_sequences == 2 else 'records'} ({sizes}), "
            f"{self._classes_text()}, alphabet {self.vocabulary.alphabet}, {span}>"
        )

    def _repr_html_(self) -> str:
        """Return the data set as tables, for notebooks."""
        from seqmix.data.tables import dataset_tables, groups_line, origins_line

        lines = "".join(f"<p>{html.escape(line)}</p>" for line in (origins_line(self.info), groups_line(self)) if line)
        return f"<code>{html.escape(str(self.path))}</code>" + "".join(table.html() for table in dataset_tables(self)) + lines

    def _classes_text(self) -> str:
        if not self.classes:
            return self.objective.kind if self.labelled else "no labels"
        if len(self.classes) > _SHOWN_CLASSES:
            return f"{len(self.classes)} classes"
        counts = self.info["counts"].values()
        return "classes " + ", ".join(f"{name} {sum(part[name] for part in counts):,}" for name in self.classes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made, also in another process: from the folder, not from the tokens."""
        if self.info is self.stored:
            return Dataset, (self.path, self.info)
        return _opened_again, (self.path, self.stored, self.info, self.split)

    def with_split(self, split: NDArray[Any], origin: str = "other splits") -> Dataset:
        """Return the same records in other splits, for training on a part of them; the files are shared, and stay as they are.

        A run that is trained on it keeps the splits in its folder, so that it can be resumed and evaluated.

        Args:
            split: 0 train, 1 validation, 2 test, or -1 for none of them, `(n,)`.
            origin: where the splits come from, in words.

        Raises:
            DatasetError: these are not splits of the records.
        """
        split = checked_split(split, len(self))
        info = resplit_info(self.stored, self.label_objective, self.labels, split, origin)
        return _opened_again(self.path, self.stored, info, split)

    @property
    def labelled(self) -> bool:
        """Whether the records have labels."""
        return self.learns_labels and self.label_objective.labelled

    @property
    def sizes(self) -> dict[str, int]:
        """Number of records of each split."""
        return {name: int((self.split == s).sum()) for s, name in enumerate(SPLITS)}

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each record, of a pair those of the longer text, `(n,)`."""
        return np.diff(self.offsets).reshape(-1, self.n_sequences).max(1)

    def cut_lengths(self, max_length: int) -> NDArray[np.int64]:
        """Return `lengths` with longer records cut to `max_length` tokens; 0 for no cut."""
        return np.minimum(self.lengths, max_length) if max_length else self.lengths

    @property
    def are_images(self) -> bool:
        """Whether the records are bytes of one length, as the intensities of images are."""
        lengths = np.diff(self.offsets)
        same = bool(len(lengths)) and lengths.min() == lengths.max() <= _MOST_PIXELS
        return self.vocabulary.alphabet == "bytes" and bool(same)

    @property
    def all_tokens(self) -> Tokens:
        """The tokens of all sequences, one after the other, a map of `tokens.npy`.

        Raises:
            DatasetError: the file has changed since it was opened.
        """
        self._watched.check()
        return self._tokens

    @property
    def token_count(self) -> int:
        """The tokens of all records."""
        return len(self._tokens) if self._tokens.ndim else 0

    @property
    def token_form(self) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """The type of the tokens, and the shape of a position: `()`, or `(channels,)` for real numbers."""
        return self._tokens.dtype, self._tokens.shape[1:]

    def sequences(self, index: int) -> list[Tokens]:
        """Return the tokens of record `index`: one array, or two of a pair, views into the memory map.

        Raises:
            DatasetError: the file has changed since it was opened.
        """
        self._watched.check()
        first = index * self.n_sequences
        return [self._tokens[self.offsets[i] : self.offsets[i + 1]] for i in range(first, first + self.n_sequences)]

    def tokens(self, index: int) -> Tokens:
        """Return `sequences(index)[0]`: all of a record that is not a pair."""
        return self.sequences(index)[0]

    def truncated(self, index: int, data: DataConfig) -> list[Tokens]:
        """Return `sequences(index)` as a model sees them, cut as `data` says."""
        return [cut(sequence, data.max_length or None, data.truncate) for sequence in self.sequences(index)]

    def indices(self, split: str) -> NDArray[np.int64]:
        """Return the numbers of a split's records.

        Args:
            split: "train", "val" or "test".

        Raises:
            ConfigError: there is no such split.
        """
        if not isinstance(split, str) or split not in SPLITS:
            raise ConfigError(f"{param('split')} must be one of {', '.join(SPLITS)}: got '{split}'", option="split")
        return np.flatnonzero(self.split == SPLITS.index(split))

    def ids(self) -> list[str]:
        """Return the id of every record.

        Raises:
            DatasetError: the file has changed since the data set was opened.
        """
        if FileState.of(self.path / "ids.txt") != self._id_state:
            raise self._replaced()
        return (self.path / "ids.txt").read_bytes().decode().split("\n")[:-1]

    def _replaced(self) -> DatasetError:
        return DatasetError(f"{self.path}: the data set was replaced or changed while it was read; open it again")

    @cached_property
    def _ids(self) -> list[str]:
        return self.ids()

    def to_torch(
        self, split: str = "train", *, max_length: int | None = None, truncate: str = "start", cls: bool = False
    ) -> TorchDataset:
        """Return a split as a `torch.utils.data.Dataset`, for a training loop of one's own.

        Args:
            split: "train", "val" or "test".
            max_length: cut longer sequences to this many tokens; None for never.
            truncate: which part of a sequence that is cut is kept: "start", "end" or "middle".
            cls: put a CLS token in front of each sequence, as models with that pooling take it.

        Raises:
            ConfigError: an option has a value that is not allowed.

        Examples:
            >>> data = dataset.to_torch("train", max_length=4096)
            >>> loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True, collate_fn=data.collate)
            >>> for ids, mask, targets in loader:
            ...     loss = F.cross_entropy(model(ids, mask), targets)
        """
        from seqmix.data.torch_dataset import TorchDataset

        return TorchDataset(self, split, max_length=max_length, truncate=truncate, cls=cls)

    @property
    def fingerprint(self) -> str:
        """One checksum of the whole: equal for data sets with equal content."""
        return fingerprint(self.info)


def _opened_again(path: Path, stored: dict[str, Any], info: dict[str, Any], split: NDArray[np.int8]) -> Dataset:
    """Return a data set in other splits than its folder has, given both descriptions."""
    view = Dataset(path, stored)
    if not np.array_equal(view.split, split):
        view.nearness = None  # which is to the training records of the folder's own splits
    view.info, view.split = info, split
    view.nearness = None  # to the training records that the folder says
    return view
