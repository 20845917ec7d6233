"""The pages of the documentation - README.md and docs/ - and what they show: code blocks, commands, links.

A comment directly above a block says how a test treats it:

``<!-- not run: takes 20 minutes -->``  its commands are parsed only.
``<!-- exits with 1 -->``               its last command is expected to fail.

Output may be abridged: a line ``[…]`` stands for any lines.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seqmix.cli import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def page_name(page: Path) -> str:
    """Return the path of a page from the root of the repository."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced code block, with the comment above it."""

    language: str
    text: str
    mark: str

    @property
    def is_run(self) -> bool:
        return not self.mark.startswith("not run")

    @property
    def fails(self) -> bool:
        return self.mark.startswith("exits with 1")

    @property
    def commands(self) -> list[str]:
        """The command lines of a block: all lines of `sh`, those after a `$` of `console`."""
        if self.language == "sh":
            return [line for line in self.text.splitlines() if line.strip()]
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]

    def shown(self, command: str) -> str:
        """Return the output that a `console` block shows after a command."""
        return re.split(r"^\$ .*\n", self.text.partition(f"$ {command}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the code blocks of a page in the given languages."""
    found = (Block(m["language"], m["text"], m["mark"] or "") for m in _BLOCK.finditer(page.read_text()))
    return [block for block in found if block.language in languages]


def prose(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return _BLOCK.sub("", page.read_text())


def code_spans(page: Path) -> list[str]:
    """Return what stands between backticks in the prose of a page."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def words_of(command: str) -> Iterator[list[str]]:
    """Yield the words of each `seqmix` command in a line of shell, without pipes and redirections."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, "|"]:
        if set(word) <= set("|&;"):
            if words and words[0] == "seqmix":
                yield words[: next((i for i, part in enumerate(words) if set(part) <= set("<>")), len(words))]
            words = []
        else:
            words.append(word)


@cache
def command_tree() -> Any:
    """Return the root of the command line."""
    from typer.main import get_command

    return get_command(app)


def parse(words: list[str]) -> None:
    """Parse a `seqmix` command without running it; raise where it, or one of its options, does not exist."""
    command, rest = command_tree(), words[1:]
    if rest and rest[0].startswith("-"):
        assert rest in (["--help"], ["--version"], ["--install-completion"]), rest
        return
    while hasattr(command, "commands") and rest:
        command, rest = command.commands[rest[0]], rest[1:]
    if rest and "--help" not in rest:
        command.make_context(" ".join(words), rest)


def all_options() -> set[str]:
    """Return every option of every command."""
    found, waiting = {"--version", "--help", "--install-completion"}, [command_tree()]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        for parameter in command.params:
            found.update([*parameter.opts, *parameter.secondary_opts])
    return found
