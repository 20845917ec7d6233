"""Where labels may be in files of which nobody says where they are: what is found by looking, and what only gets a note."""

from __future__ import annotations

import re
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


def column_hints(first: Entry, options: ReadOptions) -> list[str]:
    """Return a note on the columns of a table that may hold labels, where none has a usual name.

    Args:
        first: the first row.
        options: name columns that hold something else.
    """
    used = {*TEXT_COLUMNS, *ID_COLUMNS, "split", "group"}
    used |= {plain(column) for column in (options.text_column, options.id_column, options.pair_column) if column}
    others = [column for column in first.columns if column.strip() and plain(column) not in used]
    if not others:
        return []
    likely = next((column for column in others if _LIKELY_COLUMN.search(plain(column))), others[0])
    more = f" (other columns: {shown_columns([c for c in others if c != likely])})" if len(others) > 1 else ""
    return [
        f"no labels were read: no column is named {', '.join(LABEL_COLUMNS)}; if '{likely}' is the label: "
        f"--label-from column:{likely}{more}"
    ]


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
