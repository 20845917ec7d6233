"""The value of a key in a header line, such as `OS=Homo sapiens OX=9606`, `gene:X` or `[organism=Mus musculus]`."""

from __future__ import annotations

import re

from seqmix.errors import InputError, param
from seqmix.objectives.multilabel import split_labels

_NAME = r"[A-Za-z_][\w.-]*"
_LOWER = r"[a-z_][\w.-]*"  # before a colon, capitals may also be those of an accession: GO:0008150
_AT_END = r"\s*[;|,]\s*$"
_QUOTED = re.compile(r"""(["'])(.*?)\1(?=$|[\s;|,\]])""")
_REMEMBERED = 100_000  # distinct values of several words


class HeaderValues:
    """The values of one key in the headers of many records.

    A value is quoted, or it ends where the next key begins, where a separator stands that the header has before the key, or
    with the line. So a text that follows the value without being marked is part of it; `notes` tells.

    Args:
        key: the key, such as "OS".
        parameter: the parameter that names it, for messages.
        separator: the text between the labels of a record, which does not end a value; None if there is one label.
    """

    def __init__(self, key: str, parameter: str, separator: str | None) -> None:
        self._key, self._parameter, self._separator = key, parameter, separator
        self._start = re.compile(rf"(?:^|(?<=[\s|;,\[])){re.escape(key)}[:=](?=[^\s;|\]])")
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
        found: str | None = None
        for match in self._start.finditer(header):
            value = self._value(header, match.start(), match.end())
            if found is not None and value != found:
                raise InputError(
                    f"{where}: the header has '{self._key}' twice: '{found}' and '{value}'; correct it, or choose one with "
                    f"{param(self._parameter, 'header-regex:RE')}"
                )
            found = value
        return found or None

    def notes(self) -> list[str]:
        """Return a note on values of several words that nothing but the end of the line ends.

        Raises:
            InputError: they seem to be descriptions, each of another record, and labels are wanted.
        """
        if not self._open:
            return []
        example = min(self._values, key=len)
        short = f"header-regex:{re.escape(self._key)}[:=](\\S+)"
        labels = self._parameter == "label_from" and not self._separator
        if labels and len(self._values) > max(2, self._open // 2) and len(self._words) <= len(self._values) // 2:
            raise InputError(
                f"'{self._key}' in the headers runs to the end of the line, as in '{example}', and {self._open:,} records have "
                f"{len(self._values):,} such values; if only the first word is meant, use "
                f"{param(self._parameter, short)}, else quote the values"
            )
        what = self._parameter.removesuffix("_from")
        option = {"label_from": "--label-from", "group_from": "--group", "split_from": "--split-from"}[self._parameter]
        return [
            f"{self._open:,} {what}s from 'header:{self._key}' have several words, such as '{example}'; if only the first is "
            f"meant: {option} '{short}'"
        ]

    def _labels(self, value: str) -> list[str]:
        return split_labels(value, self._separator) if self._separator else [value]

    def _end(self, sign: str) -> str:
        """Return the regular expression of what ends a value behind `=` or `:`.

        That is a tab, a key behind white space, a key behind a comma, semicolon or bar, or one of these at the end.
        """
        keys = rf"{_NAME}=" if sign == "=" else rf"{_NAME}[:=]"
        before_colon = _NAME if sign == ":" and (self._separator or ",").strip() else _LOWER
        return rf"\t|\s+(?=\[?{_NAME}=|\[{_NAME}:|{before_colon}:\S)|\s*[;|,]\s*(?=\[?{keys})|{_AT_END}"

    def _value(self, header: str, start: int, begin: int) -> str:
        rest = header[begin:]
        if header[start - 1 : start] == "[":
            rest = _bracketed(rest)
            end = re.search(rf"\s*;\s*(?={_NAME}[:=])", rest)
            return rest[: end.start()].strip() if end else rest.strip()
        if quoted := _QUOTED.match(rest):
            return quoted[2].strip()
        ends = [match.start() for match in (self._ends[header[begin - 1]].search(rest),) if match]
        before = header[:start].rstrip()[-1:]
        if before in ("|", ";") and before not in (self._separator or ""):
            ends += [place for place in (rest.find(before),) if place >= 0]
        if header[:start].count("[") > header[:start].count("]"):
            ends += [place for place in (rest.find("]"),) if place >= 0]
        value = rest[: min(ends, default=len(rest))].strip()
        if not ends and any(" " in label for label in self._labels(value)):
            self._open += 1
            if len(self._values) < _REMEMBERED:
                self._values.add(value)
                self._words.add(value.split(None, 1)[0])
        return value


def _bracketed(text: str) -> str:
    """Return what stands before the closing bracket; brackets within it come in pairs."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if depth < 0:
            return text[:place]
    return text
