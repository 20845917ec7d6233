"""`tokens.npy`: tokens written one sequence after the other, before it is known how many there will be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary import Encoder

_HEADER = 128  # bytes; numpy leaves room in the header for an array that grows
BUFFER = 1 << 20


@contextmanager
def new_token_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write tokens to; its header is written by `write_header`."""
    with path.open("wb", BUFFER) as out:
        out.write(bytes(_HEADER))
        yield out


def write_header(out: BinaryIO, positions: int, encoder: Encoder) -> None:
    """Write the header that goes with what was written.

    Args:
        out: the file.
        positions: how many there are.
        encoder: what made them.
    """
    out.seek(0)
    np.lib.format.write_array_header_1_0(
        out,
        {
            "descr": np.dtype(encoder.dtype).newbyteorder("<").str,
            "fortran_order": False,
            "shape": (positions, *encoder.shape),
        },
    )
    assert out.tell() == _HEADER


def map_tokens(path: Path) -> NDArray[Any]:
    """Return the tokens of a file that is not empty, mapped into memory."""
    return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)  # slices of a memmap are ten times slower
