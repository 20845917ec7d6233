"""In what the ids of a table differ from those of the records that they are meant for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from seqmix.data.readers.opening import unpacked_name

_MOST_ROWS = 200_000  # of a table, that are looked at
_LOOSE = 2  # forms, the last ones, that say less than those before
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_VERSION = re.compile(r"\.\d{1,3}$")
_MATE = re.compile(r"[/_.][12]$")
_NUMBER = re.compile(r"0*(\d+)(?:\.0+)?")
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,7}$")
_CHROMOSOME = re.compile(r"chr(?:omosome)?[_\s-]*(?=.)", re.IGNORECASE)
_ONLY_NUMBER = re.compile(r"\D*?0*(\d+)")


@dataclass(slots=True)
class Difference:
    """What ids of records and of a table differ in.

    Attributes:
        what: the difference, in words.
        found: the id in the table, by that of the record.
    """

    what: str
    found: dict[str, str] = field(default_factory=dict)


def find_difference(records: Sequence[str], rows: Iterable[str]) -> Difference | None:
    """Return what ids of records would match in a table but for one difference; None if none that is known explains enough.

    Args:
        records: ids that are not in the table, all of them or some.
        rows: ids of the table that no record has.
    """
    forms = [(Difference(what), form, _by_form(records, form)) for what, form in _FORMS.items()]
    for row in islice(rows, _MOST_ROWS):
        for difference, form, known in forms:
            for key in form(row):
                if key in known:
                    difference.found.setdefault(known[key], row)
    differences = [difference for difference, _, _ in forms]
    clear = max(differences[:-_LOOSE], key=lambda one: len(one.found))  # the first of equals
    loose = max(differences[-_LOOSE:], key=lambda one: len(one.found))
    best = clear if 2 * len(clear.found) >= len(loose.found) else loose
    least = max(2, len(records) / 2) if best is loose else max(1, len(records) / 20)  # fewer may be chance
    return best if len(best.found) >= least else None


def _by_form(identifiers: Sequence[str], form: Callable[[str], Sequence[str]]) -> dict[str, str]:
    known: dict[str, str] = {}
    for identifier in identifiers:
        for key in form(identifier):
            known.setdefault(key, identifier)
    known.pop("", None)
    return known


def _visible(identifier: str) -> str:
    shown = "".join(letter for letter in identifier if unicodedata.category(letter) not in ("Cf", "Cc"))
    return " ".join(unicodedata.normalize("NFKC", shown).split())


def _without_ending(identifier: str) -> str:
    name = unpacked_name(identifier.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1])
    return _ENDING.sub("", name)


def _first_word(identifier: str) -> str:
    return identifier.split(None, 1)[0] if identifier.strip() else ""


def _parts(identifier: str) -> list[str]:
    """Return an id and, of one such as `sp|P12345|NAME`, its parts."""
    return [identifier, *(part for part in identifier.split("|") if len(part) > 3 or part.isdigit())]


def _number(identifier: str) -> str:
    found = _NUMBER.fullmatch(identifier)
    return found[1] if found else identifier


def _only_number(identifier: str) -> list[str]:
    found = _ONLY_NUMBER.fullmatch(identifier)
    return [found[1]] if found else []


def _joined(identifier: str) -> str:
    return re.sub(r"[\s_.-]+", "_", identifier)


def _plain(identifier: str) -> list[str]:
    """Return an id without all that the other forms leave out, one after the other."""
    identifier = _visible(identifier).strip(_QUOTES).lstrip(">@").strip()
    forms = []
    for part in _parts(_first_word(identifier)):
        named = _without_ending(part)
        forms += [_joined(_number(_MATE.sub("", _VERSION.sub("", form)))).casefold() for form in (part, named)]
    return forms


_FORMS: dict[str, Callable[[str], Sequence[str]]] = {
    "quotes": lambda one: [one.strip(_QUOTES).strip()],
    "the mark before the id": lambda one: [one.lstrip(">@").strip()],
    "invisible characters or spaces": lambda one: [_visible(one)],
    "upper and lower case": lambda one: [one.casefold()],
    "zeros before or behind a number": lambda one: [_number(one)],
    "the version behind the dot": lambda one: [_VERSION.sub("", one)],
    "the description behind the id": lambda one: [_first_word(one)],
    "the folder or ending of a file": lambda one: [_without_ending(one)],
    "what stands beside the id between bars": _parts,
    "'chr' before the name": lambda one: [_CHROMOSOME.sub("", one, count=1)],
    "the number of the mate": lambda one: [_MATE.sub("", one)],
    "spaces, underscores, dots and dashes": lambda one: [_joined(one)],
    "the letters before the number": _only_number,
    "two or more of case, version, marks, folders and endings": _plain,
}
