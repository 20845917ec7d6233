"""Opening inputs: packed or not, files and pipes, with a checksum of what is read and an explanation of what goes wrong."""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from seqmix.data.readers.signatures import refuse_archive
from seqmix.errors import InputError
from seqmix.reporting.text import counted
from seqmix.system.unchanged import FileState

BLOCK = 1 << 20
_HEAD = 1 << 16  # bytes that formats are recognised by
_PIECE = 1 << 12  # bytes unpacked at a time: larger ones save no time, and those of a piece in which a file breaks off are lost
_PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zst"}
_NAMES = {"gz": "gzip", "bz2": "bzip2", "xz": "xz", "zst": "zstd"}
_MUCH, _MOST_RATIO = 10**9, 200  # bytes up to which every file is unpacked, and the ratio allowed beyond that
_ENDINGS = (*_NAMES, "bgz", "bgzf", "gzip", "bzip2", "zstd")


class BrokenOffError(InputError):
    """A file ends too early, or is damaged from some point on, so that records may be missing.

    Attributes:
        records: number of records that were read.
    """

    records = 0


def unpacked_name(name: str) -> str:
    """Return the name of a file without the ending that says how it is packed: `mouse.fa` for `mouse.fa.gz`."""
    stem, _, ending = name.rpartition(".")
    return stem if stem and ending.lower() in _ENDINGS else name


def open_stream(raw: BinaryIO, name: str) -> io.BufferedReader:
    """Return `raw`, unpacked if its content is gzip, bzip2, xz or zstd, as a stream that can be peeked at.

    Args:
        raw: the file or pipe.
        name: its name, for messages.

    Raises:
        InputError: it is an archive of files, or packed twice.
    """
    buffered: Any = raw if hasattr(raw, "peek") else io.BufferedReader(raw, BLOCK)
    start = buffered.peek(_HEAD)
    refuse_archive(start, name)
    form = _packing(start)
    if form is None:
        return buffered
    unpacked: Any = io.BufferedReader(_Unpacking(buffered, form, name), BLOCK)
    start = unpacked.peek(_HEAD)
    refuse_archive(start, name, _NAMES[form])
    if twice := _packing(start):
        raise InputError(f"{name}: this is packed twice ({_NAMES[twice]} in {_NAMES[form]}); unpack it once")
    return unpacked


def _packing(start: bytes) -> str | None:
    """Return how a file is packed, by its first bytes; None if it is not."""
    return next((form for magic, form in _PACKED.items() if start.startswith(magic)), None)


class _Unpacking(io.RawIOBase):
    """The content of a packed stream.

    Args:
        packed: the stream.
        form: one of the values of `_PACKED`.
        name: of the file, for messages.
    """

    def __init__(self, packed: BinaryIO, form: str, name: str) -> None:
        from xopen import xopen

        self._stream: Any = xopen(packed, "rb", threads=0, format=form)
        self._packed, self._unpacked = packed, 0
        self._what = f"{name}: the {_NAMES[form]} file"
        self._begun = False
        self._error: InputError | None = None  # after what was read last

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next; the first time, from as many members as are needed to tell the format from."""
        if self._error is not None:
            raise self._error
        count = self._readinto(buffer)
        while not self._begun and 0 < count < min(_HEAD, len(buffer)):
            try:
                more = self._readinto(memoryview(buffer)[count:])
            except InputError as error:
                self._error, more = error, 0
            self._begun = not more
            count += more
        self._begun = True
        return count

    def _readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read1(min(_PIECE, len(buffer)))
        except MemoryError:
            raise
        except EOFError as error:
            raise BrokenOffError(f"{self._what} ends too early; it was cut off: copy or download it again") from error
        except Exception as error:  # each library has errors of its own
            if isinstance(error, OSError) and error.errno is not None:  # the disk failed; the content may be fine
                raise
            raise BrokenOffError(f"{self._what} is damaged ({error}); copy or download it again") from error
        buffer[: len(data)] = data
        self._unpacked += len(data)
        if self._unpacked > _MUCH and self._unpacked > _MOST_RATIO * (read := _bytes_read(self._packed)):
            raise InputError(
                f"{self._what} unpacks to more than {_MUCH / 1e9:g} GB from {counted(read, 'byte')}, over {_MOST_RATIO} times "
                "as much, which no file of sequences or texts does; if this is intended, unpack it first"
            )
        return len(data)


def _bytes_read(stream: Any) -> int:
    """Return how many bytes were read from a stream, or from the one that it buffers."""
    raw = getattr(stream, "raw", stream)
    return raw.taken if isinstance(raw, Hashing) else stream.tell()


class Hashing(io.RawIOBase):
    """A raw stream that computes the SHA-256 of what passes through it.

    Args:
        raw: the file or pipe.
        state: of the file; None for a pipe.

    Attributes:
        taken: bytes that have passed through it.
        state: of the file when it was opened; None for a pipe.
    """

    def __init__(self, raw: BinaryIO, state: FileState | None = None) -> None:
        self.taken, self.state = 0, state
        self._raw = raw
        self._hasher = hashlib.sha256()
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        # A pipe may hand over a few bytes: the first read gathers enough to tell the format from.
        while not self._begun and len(data) < min(4096, len(buffer)) and (more := self._raw.read(len(buffer) - len(data))):
            data += more
        self._begun = True
        self.taken += len(data)
        self._hasher.update(data)
        buffer[: len(data)] = data
        return len(data)

    def finish(self) -> str:
        """Read what is left and return the digest of the whole, in hexadecimal."""
        while data := self._raw.read(BLOCK):
            self._hasher.update(data)
        return self._hasher.hexdigest()


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Explain what goes wrong while the bytes of a file are read.

    Args:
        name: of the file, for messages.

    Raises:
        InputError: the disk is damaged, or the file may not be read.
    """
    try:
        yield
    except OSError as error:
        why = "it is closed" if error.errno == errno.EBADF else error.strerror or error
        raise InputError(f"{name}: cannot be read: {why}") from error
    except MemoryError as error:
        raise InputError(
            f"{name}: memory ran out; a record and a copy of it must fit into memory: cut the longest ones, or use a machine "
            "with more memory"
        ) from error
