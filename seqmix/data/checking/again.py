"""The command that prepares the inputs of a data set again, with other options."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from seqmix.config.options import Option, options_of
from seqmix.data.options import PrepareOptions, ReadOptions

_MOST_FILES = 50  # of a command line
_DRAWN = "0.6,0.2,0.2"  # how records are divided unless another way is asked for


def prepare_again(path: Path, info: Mapping[str, Any], suffix: str, **changed: Any) -> str:
    """Return a command line that prepares the same inputs with other options; "" if they cannot be named.

    Args:
        path: folder of the data set; that of the new one is named after it.
        info: its `dataset.json`.
        suffix: end of the new folder's name.
        changed: options of `PrepareOptions` and `ReadOptions` that are to have other values.
    """
    given, options = info.get("given") or _as_read(info), {**info["options"], **info["read"]}
    if not given or "-" in given["inputs"]:
        return ""
    words = ["seqmix", "prepare", *given["inputs"]]
    for name, files in given["class_files"].items():
        words += ["--class", f"{name}={','.join(files)}"]
    for name in ("val", "test"):
        words += chain(*(("--" + name, file) for file in given[name]))
    declared = {**options_of(PrepareOptions), **options_of(ReadOptions)}
    for name, value in (options | changed).items():
        if name in changed or (name in declared and _differs(declared[name], value)):
            words += _flag(declared.get(name), name, value)
    return shlex.join([*words, "--output", f"{path}-{suffix}"])


def _as_read(info: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the files that a data set of an earlier version was made of, if they alone say the classes; else None."""
    files = [one["file"] for one in info.get("inputs", ()) if "file" in one]
    source = info["label_from"] or ""
    by_name = source == "file" and all(any(Path(file).name.startswith(name) for file in files) for name in info["classes"])
    if not 0 < len(files) <= _MOST_FILES or not (by_name or source.startswith(("header", "column", "table"))):
        return None
    return {"inputs": files, "class_files": {}, "val": [], "test": []}


def _differs(option: Option, value: Any) -> bool:
    """Return whether a value is not the default."""
    if option.name == "split" and value == _DRAWN:
        return False
    return value != option.default and (bool(value) or value != list(option.default or ()))


def _flag(option: Option | None, name: str, value: Any) -> list[str]:
    """Return an option as the command line spells it."""
    flag = option.flag if option and option.flag else "--" + name.replace("_", "-")
    if name in ("include", "exclude"):
        return list(chain(*((flag, pattern) for pattern in value)))
    if isinstance(value, bool):
        return [flag] * value
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [flag, ",".join(map(str, value))]
    return [flag, "\\t" if value == "\t" else str(value)]
