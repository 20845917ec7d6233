"""The plain values in the pickles of CIFAR-10, read by an allow-list: nothing is imported, nothing of theirs is executed.

A pickle is a program that may do anything. Only the instructions are allowed that lists, dictionaries, strings, numbers
and arrays of numpy are written with, and the few names that they contain stand for classes of this module. Whatever else
a file asks for is refused. This is the only module that may use `pickle`.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import InputError

_INSTRUCTIONS = (
    *("PROTO", "FRAME", "STOP", "MARK", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "BINSTRING"),
    *("SHORT_BINSTRING", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
)
_MOST_TUPLES = 1000  # CIFAR-10 has five; the hash of a deeply nested one would break the stack


class _Array:
    """What an array, or the type of its elements, would be made of."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments, self.state = arguments, None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Maker:
    """Stands for a function that a pickle calls."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise TypeError("a state of something that has none")


_NAMES: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Maker(_Array),
    ("numpy._core.multiarray", "_reconstruct"): _Maker(_Array),
    ("numpy", "dtype"): _Maker(_Array),
    ("numpy", "ndarray"): "numpy.ndarray",  # only ever an argument
    ("_codecs", "encode"): _Maker(lambda text, encoding: text.encode("latin-1")),  # bytes, as Python 3 writes them for Python 2
}


class _Refused(Exception):  # noqa: N818 - becomes an InputError
    """A pickle contains something that is not allowed."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return what a name stands for; nothing is imported."""
        if (module, name) not in _NAMES:
            raise _Refused(f"'{module}.{name}'")
        return _NAMES[module, name]


def _check_instructions(data: bytes) -> None:
    """Refuse a pickle with other instructions than those of plain values, or with some that would exhaust the machine."""
    tuples = 0
    for instruction, argument, _ in pickletools.genops(data):
        if instruction.name not in _INSTRUCTIONS:
            raise _Refused(f"the instruction {instruction.name}")
        tuples += "TUPLE" in instruction.name
        if tuples > _MOST_TUPLES or ("PUT" in instruction.name and int(argument or 0) > len(data)):
            raise ValueError(f"{instruction.name} where no writer has it")


def read_values(data: bytes, name: str) -> Any:
    """Return the value of a pickle: dictionaries, lists, tuples, numbers, `str`, `bytes`, and arrays for `byte_array`.

    Args:
        data: the pickle.
        name: of the file, for messages.

    Raises:
        InputError: it is damaged, or contains anything else.
    """
    try:
        _check_instructions(data)
        return _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except _Refused as error:
        raise InputError(
            f"{name}: this pickle contains {error}, where only numbers, strings, lists, dictionaries and arrays of bytes are "
            "allowed; nothing of it was executed: do not trust the file, and download it from its source again"
        ) from error
    except Exception as error:  # the bytes may be anything
        raise InputError(f"{name}: the file is damaged or was cut off ({error}); copy or unpack it again") from error


def byte_array(value: Any, name: str) -> NDArray[np.uint8]:
    """Return the array of `uint8` with two dimensions that a value of `read_values` stands for.

    Args:
        value: the value.
        name: of the file, for messages.

    Raises:
        InputError: it stands for something else.
    """
    try:
        _, shape, dtype, fortran, raw = value.state
        if dtype.arguments[0] in ("u1", b"u1") and len(shape) == 2:
            return np.frombuffer(raw, dtype=np.uint8).reshape(shape, order="F" if fortran else "C")
    except (AttributeError, IndexError, OverflowError, TypeError, ValueError):
        pass
    raise InputError(f"{name}: the images are not an array of bytes with two dimensions; copy or unpack the file again")
