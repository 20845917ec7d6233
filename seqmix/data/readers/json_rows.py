"""The rows of JSON: an object on each line (JSONL), or one document that holds them.

JSONL is read line by line, and an array of objects object by object. Consecutive objects that span several lines, an
object of columns as pandas writes it, and an object with the array in it (`{"data": […]}`, `{"train": […], "test": […]}`) are
read as a whole, and a note says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from seqmix.config.data import SPLIT_NAMES
from seqmix.data.readers.columns import ID_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS, plain, shown_columns
from seqmix.data.readers.entry import TableOptions, decoded_lines, once
from seqmix.data.readers.json_array import LARGEST, PIECE, Window, behind_comma
from seqmix.data.readers.opening import BrokenOffError
from seqmix.errors import InputError, shown

Row = dict[str, Any]

_RECORDS = ("data", "rows", "records", "examples", "items", "instances", "samples", "documents", "results")
_HOW = 'write an object for each record on a line of its own, such as {"text": "…", "label": "…"}'
_BLANK = " \t\r\n\f\v\ufeff"
_COMMAS = "its lines end with commas, which are left out"


class JsonRow(NamedTuple):
    """A row of a JSON file.

    Attributes:
        line: where it begins; 0 if unknown.
        cells: its cells by the names of their columns.
        name: what it is called if it has no id.
    """

    line: int
    cells: Row
    name: str


def json_rows(stream: BinaryIO, name: str, options: TableOptions) -> Iterator[JsonRow]:
    """Yield the objects of a JSON file, one on each line or all in one document; blank lines are skipped.

    Texts are without byte-order marks at their start.

    Raises:
        InputError: a line is not an object, or it is not clear what the records of a document are; the message names file and
            line.
    """
    for line, row, usual in _all_rows(stream, name, options):
        yield JsonRow(line, {key: _without_mark(value) for key, value in row.items()}, usual)


def _without_mark(value: Any) -> Any:
    if isinstance(value, str):
        return value.lstrip("\ufeff")
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [_without_mark(item) for item in value]
    return value


def _all_rows(stream: BinaryIO, name: str, options: TableOptions) -> Iterator[JsonRow]:
    note = once(options.note)
    pieces = decoded_lines(stream, name, options.encoding, longest=PIECE)
    start: list[str] = []  # blank lines, and what follows them
    for piece in pieces:
        start.append(piece)
        if piece.strip(_BLANK):
            break
    if start and start[-1].lstrip(_BLANK)[:1] == "[":
        yield from _array(chain(start, pieces), name, options)
        return
    lines = ((number, line) for number, line in enumerate(_whole_lines(chain(start, pieces)), 1) if line.strip(_BLANK))
    first = next(lines, None)
    if first is None:
        return
    row = _whole_object(first[1])
    if row is None and first[1].lstrip("\ufeff \t")[:1] == "{":
        yield from _document("\n" * (first[0] - 1) + first[1], lines, name, options)
        return
    second = next(lines, None) if row is not None and _is_container(row, options) else None
    if row is not None and second is None and _is_container(row, options):
        yield from _of_container(row, name, options)
        return
    for number, line in chain((first,), (second,) if second else (), lines):
        line = line.removeprefix("\ufeff")  # files that were joined have one each
        yield JsonRow(number, _json_object(line, f"{name}: line {number}", note), f"row-{number}")


def _whole_lines(pieces: Iterator[str]) -> Iterator[str]:
    """Join pieces of lines, and yield the lines."""
    parts: list[str] = []
    for piece in pieces:
        parts.append(piece)
        if piece.endswith("\n"):
            yield "".join(parts)
            parts.clear()
    if parts:
        yield "".join(parts)


def _whole_object(line: str) -> Row | None:
    """Return the object that a line holds; None if it holds something else, or a part of one."""
    try:
        row = json.loads(line.strip().removesuffix(","))
    except RecursionError:  # explained when the line is read
        return {}
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _json_object(line: str, where: str, note: Callable[[str], object]) -> Row:
    try:
        try:
            row = json.loads(line, object_pairs_hook=_unique)
        except ValueError:
            if not line.rstrip().endswith(","):
                raise
            row = json.loads(line.rstrip()[:-1], object_pairs_hook=_unique)
            note(_COMMAS)
    except _RepeatedKeyError as error:
        raise _repeated(where, error) from error
    except RecursionError as error:
        raise _too_deep(where) from error
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError) and not line.endswith("\n") and line.lstrip().startswith("{"):
            raise BrokenOffError(f"{where}: the JSON object that begins here does not end; the file was cut off") from error
        raise _invalid(where, error, line) from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: a JSON object {{…}} was expected, one on each line, got {line.strip()[:30]}")
    if "\\u" in line:
        _check_characters(row, where)
    return row


def _check_characters(row: Row, where: str) -> None:
    """Raise an `InputError` if a text of a row was cut within a character."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}: {error.object[error.start]!r} is half of a surrogate pair, no character; "
            "the text was cut within a character: remove that half"
        ) from error


def _array(pieces: Iterator[str], name: str, options: TableOptions) -> Iterator[JsonRow]:
    """Yield the objects of an array, one after the other."""
    options.note("one JSON array of objects")
    window, decoder = Window(pieces, name), json.JSONDecoder(object_pairs_hook=_unique)
    window.skip()
    window.place += 1  # the bracket
    window.skip()
    number = 0
    while window.next not in ("", "]"):
        line = window.line()
        where = f"{name}: line {line}"
        try:
            row, text = window.value(decoder, _invalid)
        except _RepeatedKeyError as error:
            raise _repeated(where, error) from error
        except RecursionError as error:
            raise _too_deep(where) from error
        _check_object(row, where)
        if "\\u" in text:
            _check_characters(row, where)
        number += 1
        yield JsonRow(line, row, f"row-{number}")
        if not behind_comma(window) and window.next not in ("", "]"):
            raise InputError(
                f"{name}: line {window.line()}: not valid JSON: expected a comma here, between the objects of an array"
            )
    if not window.next:
        raise BrokenOffError(f"{name}: line {window.line()}: the JSON array does not end; the file was cut off")


def _check_object(row: Any, where: str) -> None:
    if not isinstance(row, dict):
        what = "of arrays" if isinstance(row, list) else "of texts or numbers"
        raise InputError(f"{where}: this is JSON, an array {what}, {shown(row)}, not of objects with named values; {_HOW}")


def _document(start: str, lines: Iterator[tuple[int, str]], name: str, options: TableOptions) -> Iterator[JsonRow]:
    """Yield the rows of a document that does not have a whole object on its first line.

    Raises:
        InputError: it is too large to be read as a whole.
    """
    text, before, size = [start], start.count("\n"), len(start)
    for number, content in lines:
        text += ["\n" * (number - before - 1), content]  # blank lines, so that places in the text are those in the file
        before = number
        size += len(content)
        if size > LARGEST:
            raise InputError(f"{name}: one JSON document of more than {LARGEST:,} characters; {_HOW}, as jq -c does")
    whole = "".join(text).lstrip("\ufeff")
    values = [*_values(whole, name)]
    if len(values) == 1:
        line, row = values[0]
        if _is_container(row, options):
            yield from _of_container(row, name, options)
            return
    else:
        options.note("JSON objects one after the other, read as a whole")
    escaped = "\\u" in whole
    for number, (line, row) in enumerate(values, 1):
        if escaped:
            _check_characters(row, f"{name}: line {line}")
        yield JsonRow(line, row, f"row-{number}")


def _values(text: str, name: str) -> Iterator[tuple[int, Row]]:
    """Yield consecutive objects, and the line where each begins."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    place = _skip(text, 0)
    line, counted = 1, 0
    while place < len(text):
        line, counted = line + text.count("\n", counted, place), place
        where = f"{name}: line {line}"
        try:
            row, place = decoder.raw_decode(text, place)
        except _RepeatedKeyError as error:
            raise _repeated(where, error) from error
        except RecursionError as error:
            raise _too_deep(where) from error
        except json.JSONDecodeError as error:
            if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
                raise BrokenOffError(f"{where}: the JSON that begins here does not end; the file was cut off") from error
            raise _invalid(f"{name}: line {error.lineno}", error, text[counted : counted + 100]) from error
        except ValueError as error:  # a number of thousands of digits
            raise _invalid(where, error, text[counted : counted + 100]) from error
        _check_object(row, where)
        yield line, row
        place = _skip(text, place)


def _skip(text: str, place: int) -> int:
    while place < len(text) and (text[place].isspace() or text[place] == ","):
        place += 1
    return place


def _is_container(row: Row, options: TableOptions) -> bool:
    """Return whether an object holds records, rather than being one."""
    text = next((name for name in row if name in _asked(options) or plain(name) in TEXT_COLUMNS), None)
    if text is None:
        known = any(plain(name) in (*ID_COLUMNS, *LABEL_COLUMNS) and isinstance(row[name], str | int) for name in row)
        return any(
            isinstance(value, dict) or (isinstance(value, list) and not (known and _is_flat(value))) for value in row.values()
        )
    return isinstance(row[text], dict) or (
        isinstance(row[text], list) and all(isinstance(value, str) for value in row[text]) and bool(row[text])
    )


def _is_flat(values: list[Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in values)


def _asked(options: TableOptions) -> set[str]:
    return {name for name in (options.text_column, options.id_column, options.pair_column) if name}


def _of_container(container: Row, name: str, options: TableOptions) -> Iterator[JsonRow]:
    """Yield the rows that an object holds.

    Raises:
        InputError: it is not clear which they are.
    """
    rows = _rows_of(container, options)
    if rows is None:
        raise InputError(
            f"{name}: this is one JSON object ({shown_columns(container)}), and it is not clear what its records are; {_HOW}"
        )
    for number, row in enumerate(rows, 1):
        yield JsonRow(0, row, f"row-{number}")


def _rows_of(container: Row, options: TableOptions) -> Sequence[Row] | None:
    """Return the rows that an object holds, and note how they were found; None if that is not clear."""
    values = container.values()
    if set(container) >= {"columns", "data"} and _are_rows(container["columns"], container["data"]):
        options.note("an object with columns and data, as pandas writes it")
        return [dict(zip(map(str, container["columns"]), row, strict=True)) for row in container["data"]]
    if all(key.strip().lower() in SPLIT_NAMES for key in container):
        parts = {key: _list_of(value, options) for key, value in container.items()}
        if all(parts.values()):
            options.note(f"the records are read from {shown_columns(map(repr, container))}, which are their splits")
            return [{"split": key, **row} for key, part in parts.items() for row in part or ()]
    known = {*TEXT_COLUMNS, *LABEL_COLUMNS, *ID_COLUMNS, *_asked(options)}
    if _any_known(container, known) and (columns := _columns(container)) is not None:
        options.note("an object of columns, each with all its values")
        return columns
    if values and all(isinstance(value, dict) for value in values) and all(_any_known(value, known) for value in values):
        options.note("an object of objects; their names are the ids of records that have no other")
        return [{**({} if _any_known(row, set(ID_COLUMNS)) else {"id": key}), **row} for key, row in container.items()]
    lists = [key for key, value in container.items() if _list_of(value, options)]
    usual = [key for key in lists if key.lower() in _RECORDS]
    found = lists if len(lists) == 1 else usual
    if len(found) != 1:
        return None
    others = [repr(key) for key in container if key != found[0]]
    options.note(f"the records are read from '{found[0]}'" + (f"; not read: {shown_columns(others)}" if others else ""))
    return _list_of(container[found[0]], options)


def _list_of(value: Any, options: TableOptions) -> list[Row] | None:
    """Return a list of rows; None if a value is not one."""
    if (
        isinstance(value, dict)
        and (columns := _columns(value)) is not None
        and _any_known(value, {*TEXT_COLUMNS, *_asked(options)})
    ):
        return columns
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        return None
    if all(set(row) >= {"row", "row_idx"} and isinstance(row["row"], dict) for row in value):  # the site of Hugging Face
        return [row["row"] for row in value]
    return value


def _columns(container: Row) -> list[Row] | None:
    """Return the rows of an object of columns, lists of equal lengths or objects with the same keys; None if it is not one."""
    columns = list(container.values())
    if columns and all(isinstance(column, dict) and column for column in columns):
        index = list(columns[0])
        if all(list(column) == index for column in columns):
            return [{name: container[name][key] for name in container} for key in index]
    lists = all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns)
    if columns and lists and not all(isinstance(cell, dict) for column in columns for cell in column):
        return [dict(zip(container, row, strict=True)) for row in zip(*columns, strict=True)]
    return None


def _are_rows(columns: Any, data: Any) -> bool:
    lists = isinstance(columns, list) and isinstance(data, list)
    return lists and all(isinstance(row, list) and len(row) == len(columns) for row in data)


def _any_known(names: Collection[str], known: Collection[str]) -> bool:
    return any(name in known or plain(name) in known for name in names)


class _RepeatedKeyError(Exception):
    """The name that an object has twice."""


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        for name, value in pairs:
            if row[name] != value:
                raise _RepeatedKeyError(name)
    return row


def _repeated(where: str, error: _RepeatedKeyError) -> InputError:
    return InputError(f"{where}: an object has '{error}' twice, with different values; take one of them out")


def _too_deep(where: str) -> InputError:
    return InputError(f"{where}: JSON nested too deeply; one object {{…}} of texts and numbers is expected")


def _invalid(where: str, error: ValueError, text: str) -> InputError:
    if text.lstrip()[:2] in ("{'", "['") or text.lstrip().startswith(("[{'", "{ '")):
        return InputError(f"{where}: this is a value of Python with single quotes, not JSON; write it with json.dumps")
    return InputError(f"{where}: not valid JSON, one object {{…}} on each line: {error}")
