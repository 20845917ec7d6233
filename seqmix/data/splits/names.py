"""Splits that names of files and folders tell: `train.csv` and `test.csv`, `train/` and `val/`, `genes_train.fa`, shards.

Names are those of splits only where at least two different splits are among them, training is one of them, and every name at
that level tells one: a single `train.fa` is a file like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seqmix.errors import InputError, param

Parts = tuple[str, ...]

_TRAIN, _VAL, _TEST, _EVAL = "train", "val", "test", "eval"
_WORDS = {
    **dict.fromkeys(("train", "training"), _TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev", "development"), _VAL),
    **dict.fromkeys(("test", "testing"), _TEST),
    **dict.fromkeys(("eval", "evaluation"), _EVAL),
}
_SHORT = {
    **dict.fromkeys(("trn", "tr"), _TRAIN),
    **dict.fromkeys(("vld", "va", "dv"), _VAL),
    **dict.fromkeys(("tst", "te", "ts"), _TEST),
}
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_FOLD = re.compile(r"(cv|k?fold|cv[._ -]?fold|split|rep|repeat)[._ -]?\d+", re.IGNORECASE)
_HELD_OUT = re.compile(r"(^|[._ -])(independent|hold[._ -]?out|held[._ -]?out|unseen|blind)($|[._ -])", re.IGNORECASE)
_SET = ("set", "data", "split", "part", "shard", "chunk", "of")  # what may follow the name of a split, before a number

_PARTS = re.compile(
    r"(x|parts?|chunks?|shards?|pieces?|batch(es)?|blocks?|slices?|files?|out(put)?|data(set)?|records?|reads?|seqs?|sequences?|"
    r"fasta|train|training|val|valid|test|eval)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(c|chr|chrom|chromosome|class|cls|cluster|clade|label|group|grade|genus|family|fam|category|cat|type|species|strain|stage|"
    r"star|stars|level|score|rating|rank|topic|digit|y|target|serotype|lineage|subtype|genotype)",
    re.IGNORECASE,
)  # what classes that have numbers may be called


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is.

    Attributes:
        folders: names of the folders between the input and the file.
        stem: name of the file, without endings.
    """

    folders: Parts
    stem: str


@dataclass(frozen=True, slots=True)
class NamedSplits:
    """Splits by names.

    Attributes:
        level: the place of the folder that names the split among `Place.folders`; None if the file itself names it.
        splits: of each place "train", "val" or "test"; None for a file outside the folders of splits.
        names: the names that tell the splits, of folders or stems, in order.
    """

    level: int | None
    splits: list[str | None]
    names: list[str]


def word_of(name: str) -> tuple[str, str] | None:
    """Return the split that a name tells and what else is in the name: ("train", "genes") for `genes_train-00001-of-2`.

    Returns:
        None if the name tells none, or several. The split is "eval" where it may be test or validation.
    """
    tokens = list(_TOKEN.finditer(name))
    found = [(i, word) for i, token in enumerate(tokens) if (word := _word(token.group()))]
    if len({word for _, word in found}) != 1:
        return None
    at, word = found[-1]
    after = at + 1
    while after < len(tokens) and (tokens[after].group().isdigit() or tokens[after].group().lower() in _SET):
        after += 1
    before, behind = name[: tokens[at].start()], name[tokens[after].start() :] if after < len(tokens) else ""
    before, behind = before.rstrip("._- "), behind.lstrip("._- ")
    return word, "_".join(part for part in (before, behind) if part)


def class_in(name: str) -> str:
    """Return what is in a name besides the split that it tells, which may be a class: "Pos" for `Train_Pos`, `Independent_Pos`.

    Returns:
        "" if the name tells no split, or nothing else.
    """
    told = _word_or_held_out(name)
    return told[1] if told else ""


def _word_or_held_out(name: str) -> tuple[str, str] | None:
    """Return the split and the rest of a name as `word_of` does, where `independent` and the like stand for a test, too."""
    if told := word_of(name):
        return told
    found = _HELD_OUT.search(name)
    rest = (name[: found.start()].rstrip("._- "), name[found.end() :].lstrip("._- ")) if found else ()
    return (_TEST, "_".join(part for part in rest if part)) if found else None


def _word(token: str) -> str | None:
    token = token.lower()
    return _WORDS.get(token) or _WORDS.get(token.removesuffix("set").removesuffix("data"))


def are_folds(names: Iterable[str | None]) -> bool:
    """Return whether names are those of the folds of a cross-validation, of two or more: fold0, fold1."""
    known = set(names)
    return len(known) > 1 and all(name is not None and _FOLD.fullmatch(name) for name in known)


def are_parts(names: Iterable[str]) -> bool:
    """Return whether names are those of the parts of one set: part-00, part-01; shard-00000-of-00002; x_1, x_2.

    They differ by a number only, and are called so, or are numbered from 0 or 1 without a gap.
    """
    known = set(names)
    words = {re.sub(r"[\W_]+", " ", re.sub(r"\d+", " ", name)).strip().casefold() for name in known}
    if len(known) < 2 or len(words) != 1 or not (word := words.pop()) or not all(re.search(r"\d", name) for name in known):
        return False
    last = word.removesuffix(" of").rpartition(" ")[2]
    if _PARTS.fullmatch(last):
        return True
    numbers = sorted({int(found[-1]) for name in known if (found := re.findall(r"\d+", name))})
    consecutive = numbers == list(range(numbers[0], numbers[0] + len(known))) and numbers[0] in (0, 1)
    return consecutive and not _NUMBERED.fullmatch(last)


def is_held_out(name: str) -> bool:
    """Return whether a name tells that what has it is for testing, though it is not the name of a split: holdout."""
    return bool(_HELD_OUT.search(name))


def find_named_splits(places: Sequence[Place], *, documents: bool, needed: bool = True) -> NamedSplits | None:
    """Return the splits that the names of folders, the outermost first, or of files tell; None if they tell none.

    Args:
        places: of all files of an input.
        documents: whether each file is a document, whose name tells nothing unless all do.
        needed: whether the splits are used; otherwise it does not matter whether there is one for training.

    Raises:
        InputError: some names are those of splits and others at the same level are not, or there is no training split.
    """
    for level in range(max((len(place.folders) for place in places), default=0)):
        names = [_name_at(place, level) for place in places]
        if found := _at_level(names, level, strict=level == 0 or not documents, needed=needed):
            return found
    return _at_level([place.stem for place in places], None, strict=not documents, needed=needed)


@dataclass(frozen=True, slots=True)
class LoneNames:
    """Names of splits among others, which are not used.

    Attributes:
        level: see `NamedSplits`.
        names: of each place at that level.
        told: the names of splits, and the splits.
        others: the other names; none if the others are files that are in no folder at that level.
    """

    level: int | None
    names: list[str | None]
    told: dict[str, str]
    others: list[str]


def lone_names(places: Sequence[Place], *, documents: bool) -> LoneNames | None:
    """Return names of splits among other names of folders, the outermost first, or of files; None if there are none.

    Args:
        places: of all files of an input.
        documents: whether each file is a document, whose name tells nothing.
    """
    levels = 1 if documents else max((len(place.folders) for place in places), default=0)
    for level in (*range(levels), *([] if documents else [None])):
        names = [_name_at(place, level) for place in places]
        words = {name: word_of(name) for name in names if name is not None}
        told = {name: word[0] for name, word in words.items() if word}
        if told and (len(told) < len(words) or (level is not None and None in names)):
            return LoneNames(level, names, told, [name for name in words if name not in told])
    return None


def short_names(places: Sequence[Place], *, documents: bool) -> LoneNames | None:
    """Return names that may be short for those of splits, such as trn and tst, of all folders of a level or all files.

    They are not used, as they may be anything; None if there are none. Arguments as those of `lone_names`.
    """
    levels = max((len(place.folders) for place in places), default=0)
    for level in (*range(levels), *([] if documents else [None])):
        names = [_name_at(place, level) for place in places]
        told = {name: word for name in names if name is not None and (word := _short_word(name))}
        if _TRAIN in told.values() and len({*told.values()}) > 1 and told.keys() == {*names}:
            return LoneNames(level, names, told, [])
    return None


def _short_word(name: str) -> str | None:
    words = {_SHORT.get(token.group().lower()) or _word(token.group()) for token in _TOKEN.finditer(name)} - {None}
    return words.pop() if len(words) == 1 else None


def _name_at(place: Place, level: int | None) -> str | None:
    if level is None:
        return place.stem
    return place.folders[level] if len(place.folders) > level else None


def _at_level(names: Sequence[str | None], level: int | None, *, strict: bool, needed: bool) -> NamedSplits | None:
    words = {name: word_of(name) for name in names if name is not None}
    told = {name: word for name, word in words.items() if word}
    told |= _held_out_classes(told, [name for name in words if name not in told])
    known = {word for word, _ in told.values()}
    if len(known) < 2 or (level and None in names and not strict):
        return None
    what = "file" if level is None else "folder"
    if others := [name for name in words if name not in told]:
        if not strict or _TRAIN not in known or not needed:
            return None
        pattern = f"{others[0]}.*" if level is None else others[0]
        rest = f"{_listed(others)} {'has' if len(others) == 1 else 'have'}"
        raise InputError(
            f"the {what}s {_listed([*told])} have names of splits, and {rest} not; leave such {what}s out with "
            f"{param('exclude', pattern)}, or name all {what}s for testing with {param('test')}"
        )
    if level and None in names:
        raise InputError(
            f"the folders {_listed([*told])} have names of splits, but some files are in no such folder; move them"
        )
    if _TRAIN not in known and needed:
        if not strict or any(rest for _, rest in told.values()):
            return None
        raise InputError(
            f"the {what}s {_listed([*told])} have names of splits, and none is for training; add it, or say how all records "
            f"are divided, such as with {param('split', '0.6,0.2,0.2')}"
        )
    of_eval = _VAL if _TEST in known else _TEST
    splits = {name: of_eval if word == _EVAL else word for name, (word, _) in told.items()}
    return NamedSplits(level, [splits[name] if name is not None else None for name in names], [*told])


def _held_out_classes(told: dict[str, tuple[str, str]], others: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the splits of names such as `Independent_Pos` beside `Train_Pos`: all others are such, of the same classes."""
    found = {name: word for name in others if is_held_out(name) and (word := _word_or_held_out(name))}
    classes = {rest for _, rest in told.values()}
    same = {rest for _, rest in found.values()} == classes and "" not in classes
    return found if found and len(found) == len(others) and same else {}


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(map(repr, names[:3]))}{', …' if len(names) > 3 else ''}"
