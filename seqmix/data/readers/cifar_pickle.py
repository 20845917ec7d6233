"""The plain values in a Python pickle, found without loading it: nothing is imported, nothing is executed.

CIFAR-10 is distributed as pickles, and a pickle is a program that may do anything. Here its instructions are only read
(`pickletools.genops`), and the few that lists, dictionaries, strings, numbers and arrays of numpy are written with are
followed on a stack of our own. Whatever else a file asks for, it is refused.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import InputError

# What may be named, and what it stands for here. None of it is ever imported.
_NAMES = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "class",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(slots=True)
class Inert:
    """Stands for what loading would have made: what kind of thing, from which arguments, with which state."""

    kind: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


def read_values(data: bytes, name: str) -> Any:
    """The value of the pickle `data`: dictionaries, lists, tuples, numbers, `str`, `bytes`, and `Inert` for arrays.

    Raises:
        InputError: it is damaged, or holds anything else.
    """
    reader = _Reader(name)
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                return reader.stack.pop()
            reader.follow(opcode.name, argument)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name}: the file is damaged ({error}); copy or unpack it again") from error
    raise InputError(f"{name}: the file ends too early; it was cut off: copy or unpack it again")


class _Reader:
    """A stack, on which instructions are followed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def follow(self, instruction: str, argument: Any) -> None:
        """One instruction."""
        if instruction in _CONSTANTS:
            self.stack.append(_CONSTANTS[instruction])
        elif instruction in _LITERALS:
            self.stack.append(argument)
        elif instruction in ("BINSTRING", "SHORT_BINSTRING"):  # bytes of Python 2, shown as text
            self.stack.append(argument.encode("latin-1"))
        elif instruction in _TUPLES:
            self.stack.append(tuple(self._take(len(self.stack) - _TUPLES[instruction])))
        elif instruction == "GLOBAL":
            self._name(argument)
        elif instruction == "STACK_GLOBAL":
            self._name(" ".join(self._take(len(self.stack) - 2)))
        elif instruction in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self.stack[-1]
        elif instruction == "MEMOIZE":
            self._memo[len(self._memo)] = self.stack[-1]
        elif instruction in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self._memo[argument])
        elif instruction not in ("PROTO", "FRAME"):
            self._build(instruction)

    def _build(self, instruction: str) -> None:
        """An instruction that makes one thing of those on the stack."""
        if instruction == "MARK":
            self._marks.append(len(self.stack))
        elif instruction == "EMPTY_DICT":
            self.stack.append({})
        elif instruction == "EMPTY_LIST":
            self.stack.append([])
        elif instruction == "TUPLE":
            self.stack.append(tuple(self._take(self._marks.pop())))
        elif instruction in ("APPEND", "APPENDS"):
            items = self._take(len(self.stack) - 1 if instruction == "APPEND" else self._marks.pop())
            self.stack[-1].extend(items)
        elif instruction in ("SETITEM", "SETITEMS"):
            items = self._take(len(self.stack) - 2 if instruction == "SETITEM" else self._marks.pop())
            if not all(isinstance(key, str | bytes) for key in items[::2]):
                raise TypeError("a key that is no string")
            self.stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif instruction == "REDUCE":
            self._call(*self._take(len(self.stack) - 2))
        elif instruction == "BUILD":
            state = self.stack.pop()
            self.stack[-1].state = state
        else:
            raise self._refusal(f"the instruction {instruction}")

    def _take(self, start: int) -> list[Any]:
        """What stands on the stack from `start` on, which is taken away."""
        if start < 0:
            raise IndexError("an instruction without its values")
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def _name(self, name: str) -> None:
        if name not in _NAMES:
            raise self._refusal(f"'{name.replace(' ', '.')}'")
        self.stack.append(Inert(_NAMES[name]))

    def _call(self, called: Inert, arguments: tuple[Any, ...]) -> None:
        if called.kind == "encode":
            self.stack.append(arguments[0].encode("latin-1"))  # how Python 3 writes bytes for Python 2
        elif called.kind in ("array", "dtype"):
            self.stack.append(Inert(called.kind, arguments))
        else:
            raise self._refusal(f"a call of {called.kind}")

    def _refusal(self, what: str) -> InputError:
        return InputError(
            f"{self.name}: this pickle holds {what}, where only numbers, strings, lists, dictionaries and arrays of bytes "
            "are allowed; nothing of it was executed: do not trust the file, and download it from its source again"
        )


def byte_array(value: Any, name: str) -> NDArray[np.uint8]:
    """The array of `uint8` with two dimensions that an `Inert` stands for.

    Raises:
        InputError: it stands for something else.
    """
    try:
        _, shape, dtype, fortran, raw = value.state
        if value.kind == "array" and dtype.kind == "dtype" and dtype.arguments[0] in ("u1", b"u1") and len(shape) == 2:
            return np.frombuffer(raw, dtype=np.uint8).reshape(shape, order="F" if fortran else "C")
    except (AttributeError, IndexError, TypeError, ValueError):
        pass
    raise InputError(f"{name}: the images are no array of bytes with two dimensions; copy or unpack the file again")
