"""A split of a data set for `torch.utils.data.DataLoader`, for training loops other than `seqmix.train`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchBase

from seqmix.config import DataConfig
from seqmix.data.batching import collate, interleave
from seqmix.data.vocabulary import Tokens
from seqmix.system.ranges import check_numbers

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset


class TorchDataset(TorchBase[tuple[list[Tokens], Any]]):
    """The records of a split: item i is (its sequences, its target). Worker processes open the data set for themselves.

    Args:
        dataset: the data set.
        split: "train", "val" or "test".
        max_length: cut longer sequences to this many tokens; None for never.
        truncate: which part of a sequence that is cut is kept.
        cls: whether `collate` puts a CLS token in front of each sequence.

    Attributes:
        indices: the number of each record in the data set, `(n,)`.
    """

    def __init__(
        self, dataset: Dataset, split: str, *, max_length: int | None = None, truncate: str = "start", cls: bool = False
    ) -> None:
        check_numbers(max_length=max_length)
        self.dataset, self.cls = dataset, cls
        self.indices = dataset.indices(split)
        self._cut = DataConfig(max_length=0 if max_length is None else max_length, truncate=truncate)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[list[Tokens], Any]:
        """Return the token arrays of a record (two of a pair) and its target."""
        place = int(self.indices[index])
        return self.dataset.truncated(place, self._cut), self.dataset.labels[place]

    def collate(self, items: Sequence[tuple[list[Tokens], Any]]) -> tuple[Tensor, Tensor, Tensor]:
        """Return a batch of items: ids, mask and targets.

        Returns:
            ids `(B, L)`, or of numbers `(B, L, channels)`, and mask `(B, L)` as `SequenceClassifier` takes them (of pairs, the
            first sequences of all records and then their second ones: `2 B` rows), and targets: class numbers `(B,)`,
            in multilabel 0 and 1 `(B, C)`, in a regression numbers `(B,)`.
        """
        batch = collate(interleave([sequences for sequences, _ in items]), cls=self.cls)
        labels = torch.stack([torch.as_tensor(label) for _, label in items])
        return batch.ids, batch.mask, labels.long() if labels.ndim == 1 and not labels.is_floating_point() else labels.float()
