"""Which column of a table holds what: one finder for tables of records and tables of labels alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from seqmix.errors import InputError, param
from seqmix.system.printable import printable

TEXT_COLUMNS = ("text", "sequence", "seq", "document", "content", "review", "values")
ID_COLUMNS = ("id", "name", "accession")
LABEL_COLUMNS = ("label", "class", "target", "y")

_WIDEST, _MOST = 30, 12  # characters of a name, and names, that a message shows
_DATA = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?|[ACGTUN]{8,}|.{61,}", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Repeated:
    """What a row has instead of a cell where several columns of a table have the same name.

    Attributes:
        name: the name.
        places: numbers of the columns, from 1.
    """

    name: str
    places: tuple[int, ...]

    def error(self, where: str) -> InputError:
        """Return the error that names both columns.

        Args:
            where: the table, for the message.
        """
        places = " and ".join(map(str, self.places))
        return InputError(
            f"{where}: the columns {places} are both named '{printable(self.name[:_WIDEST])}'; rename one of them"
        )


def plain(name: str) -> str:
    """Return the name of a column as it is compared: without case, outer spaces, or a `#` or byte-order mark before it."""
    return " ".join(name.lstrip("\ufeff#").split()).casefold()


def repeated_columns(columns: Sequence[str]) -> dict[str, Repeated]:
    """Return the names that several columns have, by name; those without a name are not counted."""
    if len(set(columns)) == len(columns):
        return {}
    places: dict[str, list[int]] = {}
    for place, name in enumerate(columns, 1):
        places.setdefault(name, []).append(place)
    return {name: Repeated(name, tuple(where)) for name, where in places.items() if name.strip() and len(where) > 1}


def notes_on_doubled(columns: Sequence[str], asked: Iterable[str | None] = ()) -> list[str]:
    """Return notes on columns such as `label.1`, as pandas renames a second column `label`, unless they are asked for."""
    known = {*TEXT_COLUMNS, *ID_COLUMNS, *LABEL_COLUMNS}
    found = [name for name in columns if name.endswith(".1") and name.removesuffix(".1") in columns and name not in asked]
    return [
        f"the column '{name}' seems to be a second column '{first}', as pandas names it; if it matters, rename it"
        for name in found
        if plain(first := name.removesuffix(".1")) in known or first in asked
    ]


def shown_columns(columns: Iterable[str]) -> str:
    """Return the names of columns as a message lists them: long ones cut, and only some of very many."""
    names = [printable(name if len(name) <= _WIDEST else f"{name[:_WIDEST]}…") for name in columns]
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST:,} more" if len(names) > _MOST else "")


def looks_like_data(columns: Iterable[str]) -> bool:
    """Return whether a name of a column is a number, a sequence or a long text, as if the table had no header."""
    return any(_DATA.fullmatch(name.strip()) for name in columns)


def no_advice() -> str:
    """Return nothing to add to the message that a column was not found."""
    return ""


def named_column(columns: Sequence[str], name: str, where: str, parameter: str, advice: Callable[[], str] = no_advice) -> str:
    """Return the column of a name; case and outer spaces count only where several differ in nothing else.

    Args:
        columns: the names of all columns.
        name: the name asked for.
        where: the table, for messages.
        parameter: the option that names the column, as messages show it.
        advice: what a message says besides if there is no such column.

    Raises:
        InputError: there is no such column, or there are several.
    """
    found = [column for column in columns if column == name] or [c for c in columns if plain(c) == plain(name)]
    if not found:
        listed = shown_columns(columns) or "none, this is not a table"
        raise InputError(f"{where}: there is no column '{name}' for {parameter}; the columns are: {listed}{advice()}")
    _check_one(columns, found, where)
    return found[0]


def usual_columns(columns: Sequence[str], usual: Sequence[str], where: str) -> list[str]:
    """Return the columns with a usual name, in the order of these names.

    Raises:
        InputError: several columns have the first of them, but for case and spaces.
    """
    by_name: dict[str, list[str]] = {}
    for column in columns:
        by_name.setdefault(plain(column), []).append(column)
    found = [by_name[name] for name in usual if name in by_name]
    if found:
        _check_one(columns, found[0], where)
    return [same[0] for same in found]


def _check_one(columns: Sequence[str], found: Sequence[str], where: str) -> None:
    """Raise an `InputError` if several columns were found where one was asked for."""
    if len(found) < 2:
        return
    if len(set(found)) == 1:
        raise repeated_columns(columns)[found[0]].error(where)
    raise InputError(
        f"{where}: the names of the columns {' and '.join(map(repr, found))} differ in case or spaces only; rename one of them"
    )


def find_column(
    columns: Sequence[str],
    chosen: str | None,
    usual: tuple[str, ...],
    name: str,
    what: str,
    required: bool = True,
    advice: Callable[[], str] = no_advice,
) -> str:
    """Return the column that holds `what`: the chosen one, or the first with a usual name; "" if there need be none.

    Args:
        columns: the names of all columns.
        chosen: the name that the user gives; None for a usual one.
        usual: the usual names, the first that occurs is taken.
        name: the table, for messages.
        what: "text", "id" or "pair".
        required: whether there must be such a column.
        advice: what a message says besides if there is no such column.

    Raises:
        InputError: there is no such column, or it cannot be told which.
    """
    if chosen is not None:
        return named_column(columns, chosen, name, param(f"{what}_column"), advice)
    found = usual_columns(columns, usual, name)
    if found or not required:
        return found[0] if found else ""
    raise InputError(
        f"{name}: no column is named {' or '.join(usual)}{advice()}; name the {what} column with {param(f'{what}_column')}; "
        f"the columns are: {shown_columns(columns)}"
    )
