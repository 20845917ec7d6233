"""Where labels may be in files of which nobody says where they are: what is found by looking, and what only gets a note."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from seqmix.data.options import ReadOptions
from seqmix.data.readers.columns import ID_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS, plain, shown_columns
from seqmix.data.readers.entry import Entry

LABEL_IN_HEADER = re.compile(r"(?:^|[\s|;,\[])(label|class)=")
_OTHER_FORM = re.compile(r"(?:^|[\s|;,\[(])(label)\s?[:=]\s?[^\s;|\])]", re.IGNORECASE)
_LIKELY = re.compile(
    r"(?:^|[\s|;,\[(])(labels?|class|target|category|type|species|organism|tax\w*|OS|(?:gene_)?biotype)\s?[:=]", re.IGNORECASE
)
_JOINED = re.compile(r"label[:=](?=[^\s;|,])", re.IGNORECASE)  # within a word, as in s1_label=a
_JSON = re.compile(r'"((?:\w+_)?(?:label|class))"\s*:\s*"?(?=[^\s"])', re.IGNORECASE)  # {"label": "a"}
_LIKELY_COLUMN = re.compile("label|class|categor|target|species|organism|sentiment|genre|topic|tag|family|type")
_OTHER_LABEL = re.compile(_LIKELY_COLUMN.pattern + "|stance|emotion|intent|polarity|opinion|genus|order|phylum|kingdom")
_NO_LABEL = re.compile(r"fold|partition|split|^set$|subset|date|time|year|month|day|length|count|lang|source|version|^n_")
_NUMBER = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?|")
_LOOKED_AT, _MOST_CELLS, _LONGEST = 1000, 100_000, 200  # rows and cells of a table, and characters of a cell
_ENOUGH = 20  # different cells of a column
_UNIQUE = 5  # rank of a column whose cells are all different


def header_hint(first: Entry) -> str | None:
    """Return a note on what may be the label in the header or the qualifiers of the first record, without a usual key."""
    if likely := _LIKELY.search(first.header):
        return f"no labels were read: if '{likely[1]}' in the headers is the label: --label-from header:{likely[1]}"
    if joined := _JOINED.search(first.header):
        way = f"'header-regex:{joined[0]}([^\\s;|,]+)'"
        return f"no labels were read: if what follows '{joined[0]}' in the headers is the label: --label-from {way}"
    if json := _JSON.search(first.header):
        way = f'\'header-regex:"{json[1]}"\\s*:\\s*"?([^",}}]+)\''
        return f"no labels were read: if '{json[1]}' in the headers is the label: --label-from {way}"
    if "organism" in first.columns:
        return "no labels were read: if the organism is the label: --label-from column:organism"
    return None


def has_other_form(header: str) -> bool:
    """Return whether a header has a label in another form than `label=x`, such as `LABEL: x`."""
    return bool(_OTHER_FORM.search(header))


def unused_hints(first: Entry, instead: str) -> list[str]:
    """Return a note on what seems to be a label in the header of the first record, where names are classes.

    Args:
        first: the first record.
        instead: "files" or "folders", the names of which are classes.
    """
    found = None if LABEL_IN_HEADER.search(first.header) else _OTHER_FORM.search(first.header)
    if found is None:
        return []
    return [f"'{found[1]}' in the headers was not used, as names of {instead} are classes: --label-from header:{found[1]}"]


def varying_key(headers: Sequence[Sequence[str]], *, likely: bool) -> str | None:
    """Return the key of what may be labels in the headers of files whose names are classes; None if there is none.

    Args:
        headers: some of each file.
        likely: whether names of files are hardly classes, so that keys such as organism are looked for, too.
    """
    keys: dict[str, None] = {}
    for header in (header for own in headers for header in own[:1]):
        keys.update(dict.fromkeys(found[1] for found in _LIKELY.finditer(header)))
    for key in keys:
        if key.casefold() == "label" or not (likely or key.casefold() in ("labels", "class", "target", "category")):
            continue
        value = re.compile(rf"(?:^|[\s|;,\[(]){re.escape(key)}\s?[:=]\s?([^;|\])]*?)(?=$|[;|\])]|\s+\[?\w+[:=])")
        if any(len({found[1] for header in own if (found := value.search(header))}) > 1 for own in headers):
            return key
    return None


def column_hints(
    entries: Iterator[Entry], options: ReadOptions, hints: dict[str, None], *, chosen: str = "", by_file: bool = False
) -> Iterator[Entry]:
    """Yield the rows of a table of which nobody says where the labels are; notes on columns are added at the end.

    Args:
        entries: the rows.
        options: name columns that hold something else.
        hints: gets the notes.
        chosen: the column of the labels that was found by its name; "" if there is none, and no labels are read.
        by_file: whether the names of the files may be the labels.
    """
    cells: dict[str, Counter[str]] = {}
    pairs: dict[str, set[tuple[str, str]]] = {}
    for number, entry in enumerate(entries):
        if number == 0:
            cells = {column: Counter() for column in (_unused_columns(entry, options) if plain(chosen) != "label" else ())}
            pairs = {column: set() for column in cells if column != chosen}
        if number < _LOOKED_AT and number * len(cells) < _MOST_CELLS:
            for column, counts in cells.items():
                counts[cell := _start(entry, column)] += 1
                if chosen and column != chosen:
                    pairs[column].add((_start(entry, chosen), cell))
        yield entry
    if not chosen:
        hints.update(dict.fromkeys(_missing_labels(cells, by_file=by_file)))
    elif chosen in cells:
        known = len(cells[chosen])
        others = [
            column
            for column in pairs
            if _OTHER_LABEL.search(plain(column)) and _repeats(cells[column]) and len(pairs[column]) > known
        ]
        if others:
            hints[f"the labels are read from column '{chosen}', not {shown_columns(map(repr, others))} (--label-from)"] = None


def _start(entry: Entry, column: str) -> str:
    return str(entry.columns.get(column, ""))[:_LONGEST]


def _unused_columns(first: Entry, options: ReadOptions) -> list[str]:
    used = {*TEXT_COLUMNS, *ID_COLUMNS, "split", "group"}
    used |= {plain(column) for column in (options.text_column, options.id_column, options.pair_column) if column}
    return [column for column in first.columns if column.strip() and plain(column) not in used]


def _missing_labels(cells: dict[str, Counter[str]], *, by_file: bool) -> list[str]:
    """Return a note on the columns that may hold labels, where none has a usual name."""
    if not cells:
        return ["no labels were read: if the names of the files are the labels: --label-from file"] if by_file else []
    start = f"no labels were read: no column is named {', '.join(LABEL_COLUMNS)}; "
    files = "; if the names of the files are: --label-from file" if by_file else ""
    likely = min(cells, key=lambda column: _rank(column, cells[column]))
    if _rank(likely, cells[likely]) == _UNIQUE:
        return [f"{start}if one holds the labels: --label-from column:NAME (columns: {shown_columns(cells)}){files}"]
    more = f" (other columns: {shown_columns([c for c in cells if c != likely])})" if len(cells) > 1 else ""
    return [f"{start}if '{likely}' is the label: --label-from column:{likely}{more}{files}"]


def _rank(column: str, cells: Counter[str]) -> int:
    """Return how little a column looks like labels, from its name and its cells."""
    name, repeats = plain(column), _repeats(cells)
    numbers = all(map(_NUMBER.fullmatch, cells))
    if repeats and _LIKELY_COLUMN.search(name):
        return 0
    if repeats and not _NO_LABEL.search(name):
        return 2 if numbers else 1
    if _LIKELY_COLUMN.search(name):
        return 3
    unique = cells.total() >= _ENOUGH and len(cells) == cells.total() and not numbers
    return _UNIQUE if unique else 4


def _repeats(cells: Counter[str]) -> bool:
    """Return whether the cells of a column are few different ones."""
    return 1 < len(cells) <= cells.total() / 2 and len(cells) <= max(_ENOUGH, cells.total() // 10)


def later_labels(entries: Iterator[Entry], name: str, hints: dict[str, None]) -> Iterator[Entry]:
    """Yield the entries of a file of which the first has no label; if others have one, a note on that is added at the end.

    Args:
        entries: all of them.
        name: the file.
        hints: gets the note.
    """
    found, in_columns, total, key, example = 0, 0, 0, "", ""
    for entry in entries:
        total += 1
        if header := LABEL_IN_HEADER.search(entry.header) or _OTHER_FORM.search(entry.header):
            found += 1
            key, example = key or header[1], example or entry.id
        elif match := next((column for column in entry.columns if plain(column) in LABEL_COLUMNS), None):
            in_columns += 1
            key = key or match
        yield entry
    if in_columns:
        hints[
            f"{name}: no labels were read, as the first line has no '{key}', but {in_columns:,} of {total:,} have one: write "
            f'"{key}": null into the first line'
        ] = None
    if 0 < found < total:
        hints[
            f"{name}: no labels were read, as the first header has none, but {found:,} of {total:,} have '{key}', such as "
            f"'{example}': --label-from header:{key} with --skip-unlabelled takes these"
        ] = None
