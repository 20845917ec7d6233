"""Tables that are complete at any width: in a terminal, in a notebook, and (through `seqmix.reporting.html`) on a page.

rich lays them out, but would cut cells in a narrow terminal. Here numbers are never shortened, long names lose their middle,
and columns that do not fit follow in a second table below the first.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.jupyter import JupyterMixin
from rich.table import Table
from rich.text import Text

from seqmix.system.printable import printable

SHOWN_CLASSES = 30  # in a terminal; a page shows all
_GAP = 2  # spaces between columns
_LEAST = {"name": 14, "text": 24}  # characters to which the cells of a column may be narrowed
_LEAST_HEAD = 20  # the same for a word in the column's header


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: the header; line breaks in it are kept.
        kind: what happens where there is no room: a "name" loses its middle, a "text" is wrapped, and a "number", which is
            aligned right, is kept whole.
        width: least width in characters.
    """

    name: str
    kind: Literal["name", "number", "text"] = "name"
    width: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        cells: plain text, one for each column.
        style: style of the row in a terminal, such as "dim" or "bold".
        begins: whether a gap separates it from the rows above.
    """

    cells: tuple[str, ...]
    style: str | None = None
    begins: bool = False


@dataclass
class ReportTable(JupyterMixin):
    """Columns and rows of plain text, printed by rich.

    Attributes:
        columns: the columns, from left to right.
        title: the title above the table; "" for none.
        keys: number of leading columns that name the rows; they are repeated if the table is printed in parts.
        rows: the rows, from top to bottom; see `add`.
        headed: whether the header is shown.
    """

    columns: Sequence[Column]
    title: str = ""
    keys: int = 1
    rows: list[Row] = field(default_factory=list)
    headed: bool = True

    def __post_init__(self) -> None:
        self.title = printable(self.title)
        self.columns = [replace(column, name=printable(column.name, lines=True)) for column in self.columns]

    def add(self, *cells: str, style: str | None = None, begins: bool = False) -> None:
        """Append a row; see `Row`."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(Row(tuple(map(printable, cells)), style, begins))

    def html(self) -> str:
        """Return the table as a notebook shows it."""
        found: str = self._repr_mimebundle_([], [])["text/html"]
        return found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.title:
            yield Text(self.title, style="bold")
        for place, (numbers, widths) in enumerate(self._parts(options.max_width)):
            if place:
                yield Text("")
            yield self._part(numbers, widths, first=not place)

    def _parts(self, room: int) -> list[tuple[list[int], list[int]]]:
        """Return the columns of each table that is printed, by number, and their widths."""
        parts = self._packed(room)
        for narrower in range(room - 1, 0, -1) if len(parts) > 1 else ():
            if len(even := self._packed(narrower)) > len(parts):
                break
            parts = even  # the same number of tables, of more equal width
        fitted = [self._fitted(part, room) for part in parts]
        names = [min(widths[key] for widths in fitted) for key in range(self.keys)]
        return [(part, [*names, *widths[self.keys :]]) for part, widths in zip(parts, fitted, strict=True)]

    def _packed(self, room: int) -> list[list[int]]:
        """Return the columns of each table, as many as there is room for; every table has the keys."""
        keys = list(range(self.keys))
        parts = [[*keys]]
        for number in range(self.keys, len(self.columns)):
            if len(parts[-1]) > self.keys and _total(self._fitted([*parts[-1], number], room)) > room:
                parts.append([*keys])
            parts[-1].append(number)
        return parts

    def _fitted(self, numbers: Sequence[int], room: int) -> list[int]:
        """Return widths of columns that fit into the room if possible; the widest columns are narrowed first.

        Headers break between words, each as far as it needs to, before the cells of any column are narrowed.
        """
        widths = [max(self._body(number), *map(cell_len, self.columns[number].name.split("\n"))) for number in numbers]
        least = [self._least(number) for number in numbers]
        spare = [max(0, width - max(low, self._body(n))) for width, low, n in zip(widths, least, numbers, strict=True)]
        for place in sorted(range(len(widths)), key=lambda place: -spare[place]):
            widths[place] -= max(0, min(spare[place], _total(widths) - room))
        while (excess := _total(widths) - room) > 0:
            spare = [width - low for width, low in zip(widths, least, strict=True)]
            most, second = sorted((*spare, 0), reverse=True)[:2]
            if most <= 0:
                break
            widths[spare.index(most)] -= min(excess, max(1, most - second))
        return widths

    def _body(self, number: int) -> int:
        """Return the width of a column's longest cell."""
        return max(self.columns[number].width, *(cell_len(row.cells[number]) for row in self.rows), 0)

    def _least(self, number: int) -> int:
        """Return the width to which a column may be narrowed."""
        column, body = self.columns[number], self._body(number)
        head = max(map(cell_len, column.name.split()), default=0)
        return max(min(head, _LEAST_HEAD), column.width, min(body, _LEAST.get(column.kind, body)))

    def _part(self, numbers: Sequence[int], widths: Sequence[int], first: bool) -> Table:
        """Return one of the tables that are printed; tables after the first leave out rows without content."""
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_header=self.headed)
        for number, width in zip(numbers, widths, strict=True):
            column = self.columns[number]
            table.add_column(
                Text("\n".join(_header(column.name, width))),
                justify="right" if column.kind == "number" else "left",
                vertical="top",
                width=width,
                no_wrap=column.kind != "text",
            )
        for row in self.rows:
            if not first and all(row.cells[number] in ("", "-") for number in numbers[self.keys :]):
                continue
            if row.begins:
                table.add_section()
            cells = (
                Text(middle_cut(row.cells[number], width) if self.columns[number].kind == "name" else row.cells[number])
                for number, width in zip(numbers, widths, strict=True)
            )
            table.add_row(*cells, style=row.style)
        return table


def _header(name: str, width: int) -> list[str]:
    """Return the lines of a header, broken between words."""
    lines = [part for line in name.split("\n") for part in textwrap.wrap(line, width, break_long_words=False)]
    return [middle_cut(line, width) for line in lines]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def middle_cut(text: str, width: int) -> str:
    """Return `text` with … in place of its middle if it is wider than `width` cells: names often differ at their ends."""
    if cell_len(text) <= width:
        return text
    head, tail = text, text
    while cell_len(head) > (width - 1) - (width - 1) // 2:
        head = head[:-1]
    while cell_len(tail) > (width - 1) // 2:
        tail = tail[1:]
    return f"{head}…{tail}"
