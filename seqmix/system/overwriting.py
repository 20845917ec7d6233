"""Outputs that are also read: writing them would destroy what they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from seqmix.errors import ConfigError, param


def refuse_input(output: Path, inputs: Iterable[str | Path | None]) -> None:
    """Refuse an output that exists and is one of the inputs under any name, or a folder that holds one.

    Args:
        output: the file or folder to be written.
        inputs: files and folders that are read; None and "-" are standard input.

    Raises:
        ConfigError: the output would take the place of an input.
    """
    try:
        if not output.exists() or not (output.is_file() or output.is_dir()):  # a device or a pipe replaces nothing
            return
        for given in inputs:
            path = Path("-" if given is None else given)
            if str(path) == "-" or not path.exists():
                continue
            if output.samefile(path):
                raise ConfigError(
                    f"{output}: this is an input, which the output would replace; choose another {param('output')}",
                    option="output",
                )
            folder = output.resolve()
            if output.is_dir() and (folder in path.resolve().parents or folder in path.absolute().parents):
                raise ConfigError(
                    f"{output}: the input {path} is in this folder, which the output would replace; choose another "
                    f"{param('output')}",
                    option="output",
                )
    except OSError:  # explained when the output is written
        return
