"""What a user can get wrong: one family of exceptions, one message each.

A message says what was got, what is allowed and what to do, and where (file, record, line) if there is a place. The
command line prints it as one red line and exits with 1; library callers catch `SeqmixError`. Anything else that escapes
is a bug.

A message that names an option marks it with `param`, and a command with `command`, so that each reader sees their own
spelling: `str(error)` says ``max_length`` and ``seqmix.prepare``, the command line ``--max-length`` and
``seqmix prepare``::

    raise ConfigError(f"{param('max_length')} must be at least 1: got {max_length}")
    raise RunError(f"{path} exists; replace it with {param('overwrite', True)}")
    raise DatasetError(f"{path}: the data set is damaged; run {command('prepare')} again")

What is to be done about it stands in `advice`, so that each command recommends only what it offers::

    raise InputError(f"{path}: not UTF-8" + advice(f"try {param('encoding', 'latin-1')}", "convert the file"))

A message that quotes another error's takes its `text`, in which the marks are kept, not `str(error)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

# Code points that are not characters, so that no text has them.
_PARAMETER, _COMMAND, _VALUE, _END, _ADVICE, _OR, _ADVICE_END = map(chr, range(0xFDD0, 0xFDD7))
_MARK = re.compile(f"([{_PARAMETER}{_COMMAND}])([^{_VALUE}{_END}]*)(?:{_VALUE}([^{_END}]*))?{_END}")
_FUNCTIONS = {"eval": "evaluate"}  # commands whose Python function has another name

_ADVICE_MARK = re.compile(f"{_ADVICE}([^{_ADVICE_END}]*){_ADVICE_END}")
Speller = Callable[[str, str | None], str]


def param(name: str, value: object = None) -> str:
    """Mark the name of a Python parameter in a message.

    Args:
        name: the parameter, such as ``max_length``.
        value: the value to recommend; with True, the command line shows the bare flag. None if there is none.
    """
    return f"{_PARAMETER}{name}{_END}" if value is None else f"{_PARAMETER}{name}{_VALUE}{value!r}{_END}"


def command(name: str, argument: object = None) -> str:
    """Mark a command in a message.

    Args:
        name: the command, such as ``train`` or ``eval``.
        argument: what to give it first, such as a file; None for nothing.
    """
    return f"{_COMMAND}{name}{_END}" if argument is None else f"{_COMMAND}{name}{_VALUE}{str(argument)!r}{_END}"


def advice(*alternatives: str) -> str:
    """Mark what can be done, as the end of a message: "; use A, or B".

    Args:
        alternatives: what to do, each with all parameters that it needs. A command line leaves out those whose parameters the
            command at hand does not have; if an alternative names a command, its parameters are those of that command.
    """
    return f"{_ADVICE}{_OR.join(alternatives)}{_ADVICE_END}"


def named_in(text: str) -> tuple[list[str], list[str]]:
    """Return the parameters and the commands that a marked text names."""
    marks = list(_MARK.finditer(text))
    return [mark[2] for mark in marks if mark[1] == _PARAMETER], [mark[2] for mark in marks if mark[1] == _COMMAND]


def spell(text: str, parameter: Speller, function: Speller, offered: Callable[[str], bool] = bool) -> str:
    """Write out the marks of a message.

    Args:
        text: the message, with marks.
        parameter: spells a parameter, given its name and the `repr` of a value or None.
        function: spells a command, given its name and the `repr` of an argument or None.
        offered: returns whether an alternative of an `advice` can be taken.
    """

    def choose(found: re.Match[str]) -> str:
        kept = [one for one in found[1].split(_OR) if offered(one)]
        return f"; {', or '.join(kept)}" if kept else ""

    def write(mark: re.Match[str]) -> str:
        return (parameter if mark[1] == _PARAMETER else function)(mark[2], mark[3])

    return _MARK.sub(write, _ADVICE_MARK.sub(choose, text))


def unmarked(text: str) -> str:
    """Write out the marks of a message as Python spells them: ``max_length=100``, ``seqmix.train``."""
    return spell(
        text,
        lambda name, value: name if value is None else f"{name}={value}",
        lambda name, argument: f"seqmix.{_FUNCTIONS.get(name, name)}{f'({argument})' if argument else ''}",
    )


def suggestion(got: str, allowed: Any) -> str:
    """Return "; did you mean 'paramixer'?" for the closest of the allowed names, "" where none is close."""
    close = get_close_matches(str(got), list(allowed), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def shown(value: object) -> str:
    """Return a value as a message quotes it: its `repr`, on one line, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python refuses to print whole numbers with thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


class SeqmixError(Exception):
    """A mistake in the input, the options or the environment, explained for the person who made it.

    Attributes:
        text: the message with its marks (see `param`), to be quoted in another message.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return unmarked(self.text)


class InputError(SeqmixError):
    """A sequence file, document or table cannot be read as asked."""


class DatasetError(SeqmixError):
    """A dataset folder is missing, damaged, or does not fit what is asked of it."""


class ConfigError(SeqmixError):
    """An option is unknown, has a value that is not allowed, or contradicts another.

    Attributes:
        option: the option at fault, such as "training.lr" or "max_length"; None if several are, or none in particular.
    """

    def __init__(self, text: str, *, option: str | None = None) -> None:
        super().__init__(text)
        self.option = option


class RunError(SeqmixError):
    """A run folder is missing, damaged, foreign, or in the way."""


class DivergedError(SeqmixError):
    """The loss or a weight of a training is not a finite number."""


class Interrupted(SeqmixError):  # noqa: N818 - an event, not a mistake
    """Training was stopped by a signal, after its state was saved."""
