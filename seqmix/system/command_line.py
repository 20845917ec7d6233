"""The command that started this process, as results record it: with paths as the user wrote them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

_given: list[str] = []


def remember_command(arguments: Sequence[str]) -> None:
    """Store the arguments of `seqmix`, if this process is that command."""
    _given[:] = ["seqmix", *arguments]


def given_command() -> str:
    """Return the command, quoted for a shell: "seqmix eval runs/001-mingru"; "" if Python code is at work."""
    return shlex.join(_given)
