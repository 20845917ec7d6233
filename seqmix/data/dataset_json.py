"""`dataset.json`: written with its own checksum, and read only if it is complete and in the expected form."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

from seqmix.config.data import SPLITS
from seqmix.data.options import ALPHABETS, UNKNOWN_POLICIES
from seqmix.data.vocabulary import CLS, PAD, Vocabulary, vocabulary_of
from seqmix.errors import DatasetError, SeqmixError, command, shown
from seqmix.objectives import KINDS, objective_of
from seqmix.objectives.pretraining import Pretraining
from seqmix.objectives.regression import Regression
from seqmix.system.leftovers import put_back
from seqmix.version import __version__

FORMAT_VERSION = 1
ARRAYS = ("tokens.npy", "offsets.npy", "labels.npy", "split.npy", "ids.txt")
EXTRA_ARRAYS = ("groups.npy", "nearness.npy")  # may be missing, and are not part of the fingerprint
_CHECKSUM = "checksum"  # of all the rest; data sets of version 0.1.0 have none
_REQUIRED = (
    *("vocabulary", "classes", "arrays", "options", "read", "counts", "notes", "characters", "lengths"),
    *("truncated", "dropped", "replaced", "duplicates"),
)
_NUMBER = int | float
# The form of what is read back. `{str: int}` is a table of whole numbers, `[str]` a list of texts; other keys of a table are
# names that it must have.
_FORMS: Mapping[str, Any] = {
    "seqmix": str,
    "task": str,
    "paired": bool,
    "vocabulary": {"alphabet": str, "unknown": str},
    "classes": [str],
    "records": int,
    "characters": int,
    "lengths": {str: int},
    "sizes": dict.fromkeys(SPLITS, int),
    "counts": {name: {str: int} for name in SPLITS},
    "target": {"mean": _NUMBER, "scale": _NUMBER, "tolerance": _NUMBER | None, "quantiles": {str: _NUMBER}},
    "ranges": [[_NUMBER]],
    "tokens": {"entropy": _NUMBER, "largest": _NUMBER},
    "truncated": int,
    "dropped": {"without label": int, str: int},
    "replaced": {str: int},
    "duplicates": {"records": int, str: int},
    "notes": [str],
    "label_from": str | None,
    "origins": {str: str},
    "options": {"max_length": int | None, "truncate": str},
    "read": dict,
    "inputs": [{"format": str}],
    "arrays": dict.fromkeys(ARRAYS, str),
    "extra_arrays": {str: str},
    "nearness": {"unit": str, "sampled": _NUMBER},
    "given": {"inputs": [str], "class_files": dict, "val": [str], "test": [str]},
    "groups": {"by": str, "count": int, "largest": int},
}
_SYMBOLS = {"symbols": [str], "merges": [str], "channels": int, "mean": [_NUMBER], "scale": [_NUMBER]}


def info_text(info: Mapping[str, Any]) -> str:
    """Return the text of a `dataset.json`, with its checksum."""
    text = _dumps({name: value for name, value in info.items() if name != _CHECKSUM})
    # The checksum covers what is read back: a byte of a file name that is not UTF-8 is written as an escape.
    read = json.loads(text.encode("utf-8", "backslashreplace"))
    return _dumps(read | {_CHECKSUM: _checksum(read)}) + "\n"


def _dumps(info: Mapping[str, Any]) -> str:
    return json.dumps(info, indent=1, ensure_ascii=False)


def _checksum(info: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(info, sort_keys=True).encode()).hexdigest()


def sizes_of(info: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of records of each split from a `dataset.json`; of an older one, the counts of its classes added up."""
    return info.get("sizes") or {name: sum(counts.values()) for name, counts in info["counts"].items()}


def extra_arrays(info: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums of the arrays that a data set has beside the five of `ARRAYS`, by the name of the file."""
    there = info.get("extra_arrays", {})
    return {name: there[name] for name in EXTRA_ARRAYS if name in there}


def fingerprint(info: Mapping[str, Any]) -> str:
    """Return the SHA-256 over the checksums of a data set's arrays, its vocabulary and its classes."""
    content = json.dumps([info["arrays"], info["vocabulary"], info["classes"]], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def read_info(path: Path, *, remade_by: str = "prepare") -> dict[str, Any]:
    """Return the content of a `dataset.json`.

    Args:
        path: the file.
        remade_by: the command that makes such a file, for errors.

    Raises:
        DatasetError: the file is missing, damaged, changed, or of a newer version.
    """
    try:
        put_back(path.parent)
        there, outer = path.is_file(), path.parent.exists()
    except OSError:  # too long for a name
        there = outer = False
    if not there:
        if outer:
            raise DatasetError(
                f"{path.parent}: this is not a data set ({path.name} is missing); if it has your data, run "
                f"{command('prepare', path.parent)} first"
            )
        raise DatasetError(f"{path.parent}: no data set here ({path.name} is missing); make one with {command('prepare')}")
    try:
        info = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it does not describe a data set", remade_by) from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not isinstance(info, dict) or not _has_form(info.get("format_version"), int):
        raise _damaged(path, "it does not describe a data set", remade_by)
    if info["format_version"] > FORMAT_VERSION:
        raise DatasetError(
            f"{path}: written by seqmix {shown(info.get('seqmix'))}, which is newer than this one, {__version__}; update seqmix"
        )
    if missing := [key for key in _REQUIRED if key not in info]:
        raise _damaged(path, f"it lacks {', '.join(missing)}", remade_by)
    checksum = info.pop(_CHECKSUM, None)
    if checksum is not None and checksum != _checksum(info):
        raise _damaged(path, "it was changed after it was written (its checksum does not match)", remade_by)
    if problem := _problem(info):
        raise _damaged(path, problem, remade_by)
    return info


def _damaged(path: Path, problem: str, remade_by: str = "prepare") -> DatasetError:
    return DatasetError(f"{path}: damaged: {problem}; restore it, or run {command(remade_by)} again")


def _problem(info: Mapping[str, Any]) -> str:
    """Return what is wrong with the content of a `dataset.json`; "" if nothing is."""
    for name, form in _FORMS.items():
        if name in info and not _has_form(info[name], form):
            return f"'{name}' is not {_in_words(form)}: {shown(info[name])}"
    task = info.get("task", "classification")
    if task not in (*KINDS, Pretraining.kind):
        return f"'task' is {shown(task)}, not one of {', '.join(KINDS)}"
    needed = {Regression.kind: "target", Pretraining.kind: "tokens"}.get(task)
    if needed and needed not in info:
        return f"'{needed}' is missing"
    if len(set(info["classes"])) < len(info["classes"]):
        return "'classes' contains a name twice"
    if task in KINDS and bool(info["classes"]) != KINDS[task].has_classes and (info["classes"] or task != "classification"):
        return f"'classes' and 'task' ({task}) do not go together"
    if "target" in info and not (info["target"]["scale"] > 0 and (info["target"]["tolerance"] or 1) > 0):
        return "'target' has a scale or a tolerance that is not positive"
    counts = info["counts"]
    if set(counts) != set(SPLITS) or any(list(part) != list(counts["train"]) for part in counts.values()):
        return "'counts' has unknown splits, or different classes in different splits"
    if info["classes"] and list(counts["train"]) != info["classes"]:
        return "'counts' and 'classes' have different names"
    return _vocabulary_problem(info["vocabulary"])


def _vocabulary_problem(saved: Mapping[str, Any]) -> str:
    """Return what is wrong with a saved vocabulary; "" if nothing is."""
    if saved["alphabet"] not in ALPHABETS or saved["unknown"] not in UNKNOWN_POLICIES:
        return f"'vocabulary' has an unknown alphabet or policy: {shown(saved['alphabet'])}, {shown(saved['unknown'])}"
    if saved.get("special", {"PAD": PAD, "CLS": CLS}) != {"PAD": PAD, "CLS": CLS}:
        return f"'vocabulary' has unknown special tokens: {shown(saved['special'])}"
    for name, form in _SYMBOLS.items():
        if saved.get(name) is not None and not _has_form(saved[name], form):
            return f"'vocabulary' has '{name}' that is not {_in_words(form)}: {shown(saved[name])}"
    needed = {"chars": "symbols", "words": "symbols", "subwords": "merges", "real": "channels"}.get(saved["alphabet"])
    if needed and saved.get(needed) is None:
        return f"'vocabulary' lacks '{needed}'"
    symbols, channels = saved.get("symbols") or [], saved.get("channels")
    if len(set(symbols)) < len(symbols) or (saved["alphabet"] == "chars" and any(len(symbol) != 1 for symbol in symbols)):
        return "'vocabulary' has symbols that are not single characters, or that occur twice"
    if channels is not None:
        moments = [saved[name] for name in ("mean", "scale") if saved.get(name) is not None]
        if (
            channels < 1
            or any(len(values) != channels for values in moments)
            or not all(v > 0 for v in saved.get("scale") or ())
        ):
            return f"'vocabulary' has {channels} channels, but its mean or scale does not fit them"
    return ""


def opened_vocabulary(path: Path, info: Mapping[str, Any], *, trained: bool = False) -> Vocabulary:
    """Return the vocabulary of a `dataset.json`, and make sure that its objective can be built.

    Args:
        path: the file, for errors.
        info: its content.
        trained: see `Vocabulary`.

    Raises:
        DatasetError: it cannot be built.
    """
    try:
        objective_of(info)
        return vocabulary_of(info["vocabulary"], trained=trained)
    except SeqmixError as error:
        raise _damaged(path, error.text) from error
    except (ValueError, KeyError, TypeError) as error:  # invalid subword pieces
        raise _damaged(path, f"'vocabulary' cannot be read ({shown(error)})") from error


def _has_form(value: Any, form: Any) -> bool:
    """Return whether a JSON value has a form, as in `_FORMS`; numbers must be finite, and whole numbers not negative."""
    if isinstance(form, UnionType):
        return any(_has_form(value, part) for part in form.__args__)
    if form is NoneType:
        return value is None
    if form is int:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63
    if form is float:
        return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if isinstance(form, list):
        return isinstance(value, list) and all(_has_form(one, form[0]) for one in value)
    if isinstance(form, dict):
        named = {name: part for name, part in form.items() if name is not str}
        return (
            isinstance(value, dict)
            and all(name in value and _has_form(value[name], part) for name, part in named.items())
            and (str not in form or all(_has_form(one, form[str]) for name, one in value.items() if name not in named))
        )
    return isinstance(value, form)


def _in_words(form: Any) -> str:
    if isinstance(form, UnionType):
        return " or ".join(dict.fromkeys(map(_in_words, form.__args__)))
    if isinstance(form, list):
        return "a list of the expected form"
    if isinstance(form, dict):
        named = [repr(name) for name in form if name is not str]
        names = f" with {', '.join(named)}" if named else ""
        return f"a table{names} of the expected form"
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "a table", NoneType: "null"}
    return words[form]
