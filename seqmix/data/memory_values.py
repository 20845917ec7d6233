"""Values of records in memory, converted from Python, numpy and pandas to the forms that file readers give."""

from __future__ import annotations

import codecs
import math
import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.readers.entry import with_line_feeds
from seqmix.data.readers.text_cells import is_sequence
from seqmix.errors import InputError, advice, param, shown

_MARK = "\ufeff"
_WITHOUT_ID = "<unknown id>"  # of a record of Biopython


def text_of(value: Any, identifier: object, encoding: str, *, raw: bool = False) -> bytes | str | NDArray[Any]:
    """Return a sequence as readers give it: text, bytes, or an array of numbers `(n, channels)`.

    Bytes of a sequence stay bytes, in which white space has no meaning; others are a text.

    Args:
        value: what a record has.
        identifier: the id of the record, for messages.
        encoding: the encoding of bytes that are a text.
        raw: whether bytes that are not a sequence are taken as they are, for the alphabet of that name.

    Raises:
        InputError: it is none of these, or missing.
    """
    if isinstance(value, str):
        check_unicode(value, identifier)
        return with_line_feeds(str(value).removeprefix(_MARK))
    if isinstance(value, os.PathLike):
        raise InputError(
            f"record '{identifier}': a sequence must be a text, bytes or an array of numbers, and this is the path of a file, "
            f"{shown(str(value))}; give what the file holds, such as its read_text(), or name the file as an input"
        )
    if isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "__bytes__"):
        return _of_bytes(bytes(value), identifier, encoding, raw)
    if is_missing(value):
        raise InputError(
            f"record '{identifier}': a sequence must be a text, bytes or an array of numbers, but it is missing "
            f"({shown(value)}); leave the record out"
        )
    if not isinstance(value, list | tuple) and (not hasattr(value, "__array__") or is_scalar(value)):
        raise InputError(f"record '{identifier}': a sequence must be a text, bytes or an array of numbers: got {shown(value)}")
    if isinstance(value, list | tuple) and value and all(isinstance(part, str) for part in value):
        joined = shown(" ".join(value))
        raise InputError(
            f"record '{identifier}': the sequence is a list of texts, {shown(value)}; join them into one text, such as {joined}"
        )
    return _numbers(value, identifier)


def _of_bytes(data: bytes, identifier: object, encoding: str, raw: bool) -> bytes | str | NDArray[Any]:
    if data.isascii() and (len(data.split()) < 2 or is_sequence(data.decode())):
        return data
    if raw:
        return np.frombuffer(data, dtype=np.uint8)
    marked = codecs.lookup(encoding).name == "utf-8"
    bare = data.removeprefix(codecs.BOM_UTF8) if marked else data
    try:
        text = bare.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"record '{identifier}': byte {error.object[error.start]:#04x} at position {error.start + 1:,} is not valid "
            f"{encoding} text; decode bytes, or name their encoding with {param('encoding')}"
            + advice(f"read them as they are with {param('alphabet', 'bytes')}")
        ) from error
    return bare if text.isascii() and len(bare.split()) < 2 else with_line_feeds(text)


def _numbers(value: Any, identifier: object) -> NDArray[Any]:
    try:
        # What a mask hides is missing; NaN is refused later.
        array = np.ma.filled(value.astype(np.float64), np.nan) if np.ma.is_masked(value) else np.asarray(value)
    except Exception as error:  # ragged lists, tensors on another device, whatever else calls itself an array
        raise InputError(f"record '{identifier}': its numbers cannot be read as an array: {error}") from error
    if not array.size:
        return np.empty((0, 1), dtype=np.float32)
    if array.ndim not in (1, 2) or array.dtype.kind not in "iuf":
        raise InputError(
            f"record '{identifier}': numbers must have one dimension, or two (positions, channels): got an array of "
            f"shape {array.shape} and type {array.dtype}"
        )
    if array.dtype == np.uint8 and array.ndim == 1:
        return array  # bytes, for the alphabet of that name
    with np.errstate(over="ignore"):  # becomes infinite, which is refused with all that is not finite
        return array.astype(np.float32).reshape(len(array), -1)


def cell_of(value: Any, identifier: object) -> Any:
    """Return a cell as tables have them: None if it is missing, a list if it is a collection."""
    if isinstance(value, str):
        check_unicode(value, identifier)
        return value
    if is_missing(value):
        return None
    return sorted(value) if isinstance(value, AbstractSet) else list(value) if isinstance(value, tuple) else value


def label_of(value: Any, identifier: object) -> Any:
    """Return a label as tables have them: the number of an array without dimensions, the list of one with a dimension.

    Raises:
        InputError: it is an object without a text of its own.
    """
    if is_scalar(value) and not isinstance(value, np.generic):
        value = value[()] if isinstance(value, np.ndarray) else value.item()
    elif getattr(value, "ndim", 0) == 1 and hasattr(value, "tolist"):
        value = value.tolist()
    if _has_no_text(value):
        raise InputError(
            f"record '{identifier}': the label is an object without a text of its own, {shown(value)}; give a text or a number"
        )
    return value


def identifier_of(value: Any, otherwise: str) -> tuple[str, bool]:
    """Return the id of a record, and whether it is `otherwise` because the record has none.

    Raises:
        InputError: it is not a text or number.
    """
    if isinstance(value, bytes | bytearray):
        value = value.decode(errors="backslashreplace")
    if is_missing(value) or (isinstance(value, str) and (not value.strip() or value == _WITHOUT_ID)):
        return otherwise, True
    if isinstance(value, list | tuple | Mapping | AbstractSet) or _has_no_text(value):
        raise InputError(f"record '{otherwise}': an id must be a text or a number: got {shown(value)}")
    return str(value), False


def is_missing(value: Any) -> bool:
    """Return whether a value is None, or what Python, numpy or pandas use for a missing number."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating | Decimal) and math.isnan(value)


def is_scalar(item: Any) -> bool:
    """Return whether a number or array, of numpy or similar, has no dimensions."""
    return getattr(item, "ndim", None) == 0


def is_matrix(item: Any) -> bool:
    """Return whether a list is of rows of numbers."""
    return (
        isinstance(item, list) and all(isinstance(row, list | tuple) and row for row in item) and isinstance(item[0][0], Real)
    )


def check_unicode(text: str, identifier: object) -> None:
    """Raise an `InputError` if a text has half of a surrogate pair."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        odd = error.object[error.start]
        raise InputError(f"record {identifier!r}: {odd!r} is half of a surrogate pair, not a character") from error


def _has_no_text(value: Any) -> bool:
    kind: Any = type(value)
    return kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
