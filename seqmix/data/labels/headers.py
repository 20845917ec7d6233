"""The value of a key in a header line, such as `OS=Homo sapiens OX=9606`, `gene:X` or `[organism=Mus musculus]`."""

from __future__ import annotations

import re
from itertools import chain

from seqmix.errors import InputError, advice, param, shown
from seqmix.objectives.multilabel import split_labels

_NAME = r"[A-Za-z_][\w.-]*"
_LOWER = r"[a-z_][\w.-]*"  # before a colon, capitals may also be those of an accession: GO:0008150
_AT_END = r"\s*[;|,]\s*$"
_QUOTED = re.compile(r"""(?:(["'])(.*?)\1|\u201c(.*?)\u201d)(?=$|[\s;|,\])])""")
_NEXT_QUOTED = re.compile(r"""\s*[;|,]\s*(?=["'\u201c])""")
_SPACED = re.compile(rf"\s+(?={_NAME}\s?[:=]\s)")  # before a key, where spaces stand behind the signs
_KEYS = re.compile(rf"(?:^|(?<=[\s|;,\[(]))({_NAME})\s?[:=]")
_REMEMBERED = 100_000  # distinct values of several words
_MOST = 3  # ways of writing a key that are shown


class HeaderValues:
    """The values of one key in the headers of many records.

    A value is quoted, or it ends where the next key begins, where a separator stands that the header has before the key, or
    with the line. So a text that follows the value without being marked is part of it; `notes` tells. Where a header does not
    have the key as it is given, it may be in another case and have spaces around the sign: `LABEL: x`, `label = x`.

    Args:
        key: the key, such as "OS".
        parameter: the parameter that names it, for messages.
        separator: the text between the labels of a record, which does not end a value; None if there is one label.
    """

    def __init__(self, key: str, parameter: str, separator: str | None) -> None:
        self._key = key = key[:-1] if key[-1:] in ("=", ":") and key[1:] else key
        self._parameter, self._separator = parameter, separator
        self._start = re.compile(rf"(?:^|(?<=[\s|;,\[])){re.escape(key)}[:=](?=[^\s;|\]])")
        self._loose_start = re.compile(
            rf"(?:^|(?<=[\s|;,\[(]))(?i:{re.escape(key)})\s*[:=]\s*(?=[^\s;|\])])(?!{_NAME}\s?=|{_LOWER}:\S)"
        )
        self._forms: dict[str, str] = {}  # other ways in which the key is written, and a header for each
        self._in_other_form = 0  # headers
        self._open = 0  # values of several words that end with the line
        self._values: set[str] = set()
        self._words: set[str] = set()  # first words of these
        self._ends = {sign: re.compile(self._end(sign)) for sign in ":="}

    def find(self, header: str, where: str) -> str | None:
        """Return the value in a header; None if it has none.

        Args:
            header: the header.
            where: the record, for messages.

        Raises:
            InputError: the key occurs twice, with different values.
        """
        starts = self._start.finditer(header)
        first = next(starts, None)
        if first is None or header[: first.start()].rstrip()[-1:] in (":", "="):  # GO: GO:0001, GO:0002
            starts = self._loose_start.finditer(header)
            first = next(starts, None)
            if first is not None:
                self._in_other_form += 1
                if len(self._forms) <= _MOST:
                    self._forms.setdefault(" ".join(first[0].split()), header)
        found: str | None = None
        end = 0
        for match in chain((first,) if first else (), starts):
            if match.start() < end:
                continue  # within the value before: GO=GO:0001, GO:0002
            value, end = self._value(header, match, where)
            if found is not None and value != found:
                raise InputError(
                    f"{where}: the header has '{self._key}' twice: '{found}' and '{value}'; correct it, or choose one with "
                    f"{param(self._parameter, 'header-regex:RE')}"
                )
            found = value
        return found or None

    def absent(self, header: str) -> str:
        """Return that a header does not have the key, which forms were looked for, and which key may be meant.

        Args:
            header: the header.
        """
        key = self._key
        keys = list(dict.fromkeys(_KEYS.findall(header)))
        instead = f"; its keys are {', '.join(keys[:8])}" if keys else ""
        if any(other.casefold() == key.casefold() for other in keys):
            instead = f"; nothing that is a value follows '{key}'"
        return f"the header {shown(header)} has none of {key}=…, {key}:… and [{key}=…]{instead}"

    def notes(self) -> list[str]:
        """Return a note on values of several words that nothing but the end of the line ends.

        Raises:
            InputError: they seem to be descriptions, each of another record, and labels are wanted.
        """
        notes = []
        if self._forms:
            forms = list(self._forms)
            notes.append(
                f"{self._in_other_form:,} headers have '{self._key}' in another form, which was read alike: "
                + ", ".join(f"'{form}'" for form in forms[:_MOST])
                + f" ({shown(self._forms[forms[0]])})"
            )
        if not self._open or self._separator:  # which says where a label ends
            return notes
        example = min(self._values, key=lambda value: (len(value), value))
        short = f"header-regex:{re.escape(self._key)}[:=](\\S+)"
        if (
            self._parameter == "label_from"
            and len(self._values) > max(2, self._open // 2)
            and len(self._words) <= len(self._values) // 2
        ):
            raise InputError(
                f"'{self._key}' in the headers runs to the end of the line, as in '{example}', and {self._open:,} records have "
                f"{len(self._values):,} such values; if only the first word is meant, use "
                f"{param(self._parameter, short)}, else quote the values"
            )
        what = self._parameter.removesuffix("_from")
        option = {"label_from": "--label-from", "group_from": "--group", "split_from": "--split-from"}[self._parameter]
        return [
            *notes,
            f"{self._open:,} {what}s from 'header:{self._key}' have several words, such as '{example}'; if only the first is "
            f"meant: {option} '{short}'",
        ]

    def _labels(self, value: str) -> list[str]:
        return split_labels(value, self._separator) if self._separator else [value]

    def _end(self, sign: str) -> str:
        """Return the regular expression of what ends a value behind `=` or `:`.

        That is a tab, a key behind white space, a key behind a comma, semicolon or bar, or one of these at the end. Keys within
        a value that begins with the key itself are part of it: GO:GO:0001, GO:0002.
        """
        keys = rf"{_NAME}=" if sign == "=" else rf"{_NAME}[:=]"
        before_colon = _NAME if sign == ":" and (self._separator or ",").strip() else _LOWER
        behind_space = rf"\[?{_NAME}=|\[{_NAME}:|{before_colon}:\S|{_NAME}\s=\s"
        return rf"\t|\s+(?={behind_space})|\s*[;|,]\s*(?=\[?{keys}|{_NAME}\s?[:=]\s)|{_AT_END}"

    def _value(self, header: str, match: re.Match[str], where: str) -> tuple[str, int]:
        """Return the value that begins behind a key, and where it ends."""
        start, begin = match.span()
        rest = header[begin:]
        if header[start - 1 : start] in ("[", "("):
            rest = _bracketed(rest, header[start - 1])
            end = re.search(rf"\s*;\s*(?={_NAME}[:=])", rest)
            value = rest[: end.start()] if end else rest
            quoted = _QUOTED.fullmatch(value.strip())
            return ((quoted[2] or quoted[3] or "") if quoted else value).strip(), begin + len(value)
        sign = match[0].rstrip()[-1]
        prefix = header[begin : begin + len(self._key) + 1]
        if prefix == f"{self._key}:":
            return self._plain_value(header, start, begin, sign, prefix)
        if quoted := _QUOTED.match(rest):
            if quoted[1] == "'" and self._is_part_of_name(rest[quoted.end() :], sign):
                return self._plain_value(header, start, begin, sign)
            value, length = self._several_quoted(rest, quoted, where)
            return value, begin + length
        if rest[0] in "\"'\u201c":
            raise InputError(
                f"{where}: the quote that opens the {self._parameter.removesuffix('_from')} is not closed: {shown(rest)}; "
                f"close it, or choose what is meant with {param(self._parameter, 'header-regex:RE')}"
            )
        return self._plain_value(header, start, begin, sign, spaced=header[begin - 1].isspace())

    def _is_part_of_name(self, behind: str, sign: str) -> bool:
        """Return whether words and then a key follow a quoted text: OS='Brassica napus' phytoplasma OX=469009."""
        end = self._ends[sign].search(behind)
        return end is not None and bool(behind[: end.start()].strip(" ;|,")) and behind[:1] == " "

    def _several_quoted(self, rest: str, first: re.Match[str], where: str) -> tuple[str, int]:
        """Return the value of one quoted text or of several with separators between them, and its length.

        Raises:
            InputError: there are several, and one label is expected.
        """
        values, end = [first], first.end()
        while (gap := _NEXT_QUOTED.match(rest, end)) and (following := _QUOTED.match(rest, gap.end())):
            values.append(following)
            end = following.end()
        texts = [(value[2] or value[3] or "").strip() for value in values]
        if len(texts) > 1 and not self._separator:
            what = self._parameter.removesuffix("_from")
            several = advice(f"allow several labels with {param('label_separator', ',')}") if what == "label" else ""
            raise InputError(f"{where}: the header has several quoted {what}s: {shown(rest[:end])}{several}")
        return (self._separator or "").join(texts), end

    def _plain_value(
        self, header: str, start: int, begin: int, sign: str, prefix: str = "", *, spaced: bool = False
    ) -> tuple[str, int]:
        """Return the value without quotes that begins at `begin`, and where it ends.

        Args:
            header: the header.
            start: where the key begins.
            begin: where the value begins.
            sign: what stands between them.
            prefix: what each part of the value begins with, so that it is not a key; "" for nothing.
            spaced: whether a space stands before the value, so that it may also stand before those of other keys.
        """
        rest = header[begin:]
        ends = [
            match.start()
            for match in self._ends[sign].finditer(rest)
            if not prefix or not rest[match.end() :].startswith(prefix)
        ][:1]
        if spaced and (following := _SPACED.search(rest)):
            ends.append(following.start())
        before = header[:start].rstrip()[-1:]
        if before in ("|", ";") and before not in (self._separator or ""):
            ends += [place for place in (rest.find(before),) if place >= 0]
        if header[:start].count("[") > header[:start].count("]"):
            ends += [place for place in (rest.find("]"),) if place >= 0]
        end = min(ends, default=len(rest))
        value = rest[:end].strip()
        if not ends and any(" " in label for label in self._labels(value)):
            self._open += 1
            if len(self._values) < _REMEMBERED:
                self._values.add(value)
                self._words.add(value.split(None, 1)[0])
        return value, begin + end


def _bracketed(text: str, opening: str) -> str:
    """Return what stands before the closing bracket; brackets within it come in pairs."""
    closing = {"[": "]", "(": ")"}[opening]
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == opening) - (letter == closing)
        if depth < 0:
            return text[:place]
    return text
