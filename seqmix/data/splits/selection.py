"""Records that a user names: `NAME,…`, `/REGEX/,…`, or either behind `KEY=`, a column of a table or a key in headers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seqmix.errors import ConfigError, param, shown

_ITEM = re.compile(r"\s*(/.*?/(?=\s*(?:,|$))|[^,]*?)\s*(?:,|$)")  # a regular expression may contain commas
_KINDS = ("column", "header", "table")


@dataclass(frozen=True, slots=True)
class Selection:
    """Some records, as a user writes them.

    Attributes:
        text: the whole, as it was given.
        key: what the values are those of: a column or a key, or a source such as "table:FILE"; "" for the records' names.
        names: names, or values of the key.
        patterns: regular expressions, by their text with the slashes.
    """

    text: str
    key: str
    names: tuple[str, ...]
    patterns: dict[str, re.Pattern[str]]

    @property
    def items(self) -> list[str]:
        """All that must occur."""
        return [*self.names, *self.patterns]


def parse_selection(text: str, parameter: str) -> Selection:
    """Return a selection from the text of a user.

    Args:
        text: the text.
        parameter: the parameter that it was given with.

    Raises:
        ConfigError: it selects nothing, or it is not clear what it selects.
    """
    head, sign, rest = text.partition("=")
    key = "" if not sign or "," in head or text.lstrip().startswith("/") else head.strip()
    items = dict.fromkeys(item for item in _ITEM.findall(rest if key else text) if item)
    if not items or (sign and not head.strip()):
        raise _refusal(parameter, text, "must name records: names such as chr8,chr9, COLUMN=VALUE,… or /REGEX/")
    patterns, names = {}, []
    for item in items:
        if len(item) > 2 and item[0] == item[-1] == "/":
            try:
                patterns[item] = re.compile(item[1:-1])
            except re.error as error:
                raise _refusal(parameter, text, f"'{item}' is not a regular expression ({error})") from error
        elif item.startswith("/"):
            raise _refusal(
                parameter, text, f"'{item}' begins like a regular expression, which also ends with /, as in /^chr[89]:/"
            )
        elif "=" in item:
            way = f"write the key once, as in {key}={','.join(one.removeprefix(f'{key}=') for one in items)}" if key else ""
            way = way or "give either names, or COLUMN=VALUE,…; a name with = is chosen by a regular expression, /^name=x/"
            raise _refusal(parameter, text, f"it is not clear what '{item}' is: {way}")
        else:
            names.append(item)
    if ":" in key and key.partition(":")[0].strip().casefold() not in _KINDS:
        raise _refusal(parameter, text, f"'{key}' must be the name of a column or of a key in headers, or table:FILE")
    return Selection(text, key, tuple(names), patterns)


def _refusal(parameter: str, text: str, problem: str) -> ConfigError:
    return ConfigError(f"{param(parameter)}: {problem}: got {shown(text)}", option=parameter)
