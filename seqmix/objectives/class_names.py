"""Names of classes: which may be one class written in two ways, which stand for no label, and which cannot be seen."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from seqmix.errors import advice, param
from seqmix.system.damaged_text import LOST, repaired
from seqmix.system.printable import printable, quoted

_MISSING = (
    *("na", "n/a", "n.a.", "nan", "null", "none", "nil", "#n/a", "<na>", "?", "--", "unknown", "undefined", "missing"),
    *("not available", "unassigned", "unlabelled", "unlabeled", "no label"),
)
_LOOKS = str.maketrans(  # letters (Cyrillic, Greek) and signs that look like those of ASCII
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422"
    "\u0425\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u2010\u2011\u2012\u2013\u2014\u2212\u2018\u2019\u2032\u201c\u201d",
    "aeopcyxiABEKMHOPCTXABEZHIKMNOPTYX------'''\"\"",
    "".join(map(chr, range(0xFE00, 0xFE10))),  # variation selectors
)
_QUOTED = re.compile(r"b?([\"'`]).*\1", re.DOTALL)
_SKIP = "--skip-unlabelled leaves out records without a label"
_BETWEEN = re.compile(r"_|(?<=\w)-(?=\w)")
_JOINED = re.compile(r"[+-]?\d+(?:_\d+)+")  # what Python takes for a number
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
DATE_OF_EXCEL = re.compile(rf"\d{{1,2}}-{_MONTH}(?:-\d\d(?:\d\d)?)?|{_MONTH}-\d{{1,2}}", re.IGNORECASE)
OF_EXCEL = "gene names such as SEPT2 or MARCH1 (2-Sep, 1-Mar): write the names, and import such columns as text"
_MOST_NOTES = 3
_MOST_NAMES = 3  # in a note
_LONGEST_LIST = 60  # characters of a list of classes
_MANY_NUMBERS = 10  # as classes: they may be values


def check_names(classes: Sequence[str]) -> list[str]:
    """Return notes on classes that may be one, that may stand for a missing label, or that have characters nobody sees.

    Args:
        classes: the names of all classes.
    """
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(_in_one_form(name), []).append(name)
    several = [names for names in alike.values() if len(names) > 1]
    notes = [
        f"{' and '.join(map(repr, names))} are different classes, which differ only in {_difference(names)}; if they are one, "
        "write it in one way"
        for names in several
    ]
    if len(notes) > _MOST_NOTES:
        more = len(notes) - _MOST_NOTES
        notes[_MOST_NOTES:] = [f"{more:,} more classes differ from others in case, spaces, form or invisible characters only"]
    hidden = [name for name in classes if _is_hidden(name) and not any(name in names for names in several)]
    if hidden:
        verb = "has a character that is" if len(hidden) == 1 else "have characters that are"
        notes.append(
            f"class{'es' * (len(hidden) > 1)} {_listed(hidden)} {verb} not shown, such as a line break; is that meant?"
        )
    if len(classes) > 1 and all(_QUOTED.fullmatch(name) for name in classes):
        notes.append(
            f"the names of all classes are in quotes, such as {printable(classes[0])}; if that is not meant, take them out"
        )
    notes += _changed_names(classes)
    signs = () if "+" in classes else ("-",)
    if missing := [name for name in classes if name.casefold() in (*_MISSING, *signs)]:
        one = len(missing) == 1
        what = "is a class; if it stands for a missing label, empty it" if one else "are classes"
        what += "" if one else "; if they stand for missing labels, empty them"
        notes.append(f"{_listed(missing)} {what} ({_SKIP})")
    return notes


def _changed_names(classes: Sequence[str]) -> list[str]:
    """Return notes on names that programs changed: Excel dates, letters in another encoding, numbers with underscores."""
    notes = []
    if dates := [name for name in classes if DATE_OF_EXCEL.fullmatch(name)]:
        notes.append(f"{_listed(dates)} {'looks' if len(dates) == 1 else 'look'} like what Excel makes of {OF_EXCEL}")
    if damaged := [name for name in classes if repaired(name)]:
        notes.append(
            f"{_listed(damaged)} {'seems' if len(damaged) == 1 else 'seem'} to be UTF-8 that was once read as cp1252 or "
            f"latin-1 ({quoted(repaired(damaged[0]) or '')}): make the labels again from their source"
        )
    if lost := [name for name in classes if LOST in name]:
        notes.append(
            f"{_listed(lost)} {'contains' if len(lost) == 1 else 'contain'} U+FFFD, the sign for a character that could not "
            "be read"
        )
    numbers = [name for name in classes if is_number(name)]
    if (joined := [name for name in classes if _JOINED.fullmatch(name)]) and len(numbers) > len(joined):
        notes.append(
            f"{_listed(joined)} {'is a class' if len(joined) == 1 else 'are classes'} beside those of numbers: if a number is "
            "meant, write it in one way"
        )
    return notes


def alike_to(name: str, others: Collection[str]) -> str:
    """Return which of the others is like a name, as an addition to a message; "" if none is."""
    same = next((other for other in sorted(others) if other != name and _in_one_form(other) == _in_one_form(name)), None)
    if same is None:
        return ""
    return f"; {quoted(same)} and {quoted(name)} differ only in {_difference([same, name])}"


def why_not_learned(name: str, classes: Sequence[str], trained: Sequence[str]) -> str:
    """Return what may be wrong with a class without training records, as an addition to a message.

    Args:
        name: the class.
        classes: all of them.
        trained: those with training records.
    """
    if same := alike_to(name, trained):
        return f"{same}: if they are one class, write it in one way"
    if len(classes) > _MANY_NUMBERS and all(map(is_number, classes)):
        return f"; all {len(classes):,} classes are numbers: if they are values to predict, {param('task', 'regression')}"
    known = set(trained)
    without = [other for other in classes if other not in known]
    wanted = ",".join(trained)
    plain = len(trained) > 1 and len(wanted) <= _LONGEST_LIST and wanted.count(",") == len(trained) - 1
    only = advice(f"keep only the records of the others with {param('classes', wanted)}") if plain else ""
    if len(without) > 1:
        return (
            f"; the classes of the training split are {_listed(trained)}, those without training records {_listed(without)}: "
            f"if they are the same, name them alike{only}"
        )
    return only


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(quoted, names[:_MOST_NAMES]))
    return shown + (f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else "")


def _is_hidden(name: str) -> bool:
    return any(unicodedata.category(letter) == "Cf" for letter in name) or printable(name) != name


def _seen(name: str) -> str:
    """Return a name without zero-width spaces, byte-order marks and the like."""
    return "".join(letter for letter in name if unicodedata.category(letter) != "Cf")


def _spaced(name: str) -> str:
    return " ".join(_BETWEEN.sub(" ", name).split())


def _looks(name: str) -> str:
    return html.unescape(_seen(name)).translate(_LOOKS)


def _bare(name: str) -> str:
    """Return a name without quotes around it or a full stop behind it."""
    return name.strip("\"'` ").rstrip(".,;: ") or name


def _whole_form(name: str) -> str:
    return _spaced(_bare(unicodedata.normalize("NFKC", _looks(name)))).casefold()


def _in_one_form(name: str) -> str:
    """Return what names that may be one have in common; see `_FORMS`, to which the forms of numbers come."""
    number = _bare(unicodedata.normalize("NFKC", _looks(name))).casefold()
    if is_number(number):  # compared in all digits: a float has 16
        exact = Context(prec=len(number) + 1, Emin=MIN_EMIN, Emax=MAX_EMAX)
        return str(exact.normalize(Decimal(number)))
    folded = _whole_form(name)
    return str(int(folded == "true")) if folded in ("true", "false") else folded


_FORMS: dict[str, Callable[[str], str]] = {
    "case": str.casefold,
    "spaces, underscores or dashes": _spaced,
    "invisible characters": _seen,
    "the form of a letter": lambda name: unicodedata.normalize("NFKC", name),
    "signs that look alike": _looks,
    "quotes or punctuation around them": _bare,
    "case and spaces": lambda name: _spaced(name).casefold(),
    "case, spaces, form or invisible characters": _whole_form,
}


def _difference(names: Sequence[str]) -> str:
    """Return what names that have one form differ in."""
    found = next((what for what, form in _FORMS.items() if len(set(map(form, names))) == 1), None)
    return found or "the form of a number"


def is_number(text: str) -> bool:
    """Return whether a text is a finite number, as tables write it: Python would also take 1_0 for 10."""
    try:
        return "_" not in text and math.isfinite(float(text))
    except ValueError:
        return False
