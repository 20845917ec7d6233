"""Which records belong together: as stored with the data set, or of an older one, as equal records tell."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.splits.assign import components
from seqmix.data.vocabulary import Tokens


def record_groups(dataset: Dataset) -> NDArray[np.int64]:
    """Return the group of each record, `(n,)`: records of one group must not be on both sides of a division.

    Without stored groups, those are equal records, of DNA also reverse complements; a pair is equal to the same two texts in
    the other order.
    """
    if dataset.groups is not None:
        return dataset.groups
    complement = dataset.vocabulary.complement
    keys = np.array([_key(dataset.sequences(i), complement) for i in range(len(dataset))], dtype=np.int64)
    return components([np.unique(keys, return_inverse=True)[1].reshape(-1)])


def _key(sequences: list[Tokens], complement: bytes | None) -> int:
    """Return a number that is equal for equal records."""
    digests = sorted(_digest(tokens, complement) for tokens in sequences)
    return int.from_bytes(hashlib.blake2b(b"".join(digests), digest_size=8).digest(), "little", signed=True)


def _digest(tokens: Tokens, complement: bytes | None) -> bytes:
    data = np.ascontiguousarray(tokens).tobytes()
    if complement is not None:
        data = min(data, data[::-1].translate(complement))
    return hashlib.blake2b(data, digest_size=16).digest()
