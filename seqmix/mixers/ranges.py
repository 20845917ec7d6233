"""The ranges of mixers' options, which each mixer class declares, checked without torch.

`option_ranges` of a class uses the attributes of `seqmix.system.ranges.Range` for each option, and three that relate options::

    option_ranges = {
        "n_heads": {"at_least": 1, "at_most": 1024, "divides_width": True},
        "dt_min": {"above": 0, "at_most": 1, "not_above": "dt_max"},
        "n_links": {"at_least": 0, "at_most": 99, "where": {"protocol": {"cdil": {"at_least": 1, "parity": "odd"}}}},
    }

A class inherits the ranges of its base classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqmix.system.ranges import Range, refusal

_RELATIONS = ("divides_width", "not_above", "where")
Ranges = Mapping[str, Mapping[str, Any]]


def ranges_of(kind: type[Any]) -> dict[str, dict[str, Any]]:
    """Return the ranges of the options of a mixer's class, by option."""
    declared = [vars(base).get("option_ranges", {}) for base in reversed(kind.__mro__)]
    return {name: words for ranges in declared for name, words in ranges.items()}


def mixer_refusal(ranges: Ranges, values: Mapping[str, Any], d_model: int | None) -> tuple[str, str] | None:
    """Return the first option whose value is not allowed, such as "mixer.memory", and the error.

    Args:
        ranges: the ranges by option.
        values: the values by option.
        d_model: width of the model; None if unknown.
    """
    given = [option for option in ranges if option in values]
    for option in given:
        if found := _outside(option, values[option], _plain(ranges[option])):
            return found
    for option in given:
        name, value, words = f"mixer.{option}", values[option], ranges[option]
        for other, cases in words.get("where", {}).items():
            case = Range(**cases.get(values[other], {}))
            if found := _outside(option, value, case, f" with mixer.{other} = {values[other]}"):
                return found
        most = words.get("not_above")
        if most and value > values[most]:
            return name, refusal(name, f"at most mixer.{most} = {values[most]:g}", value)
        if words.get("divides_width") and d_model is not None and d_model % value:
            return name, f"{name} must divide model.d_model = {d_model}: got {value}"
    return None


def allowed_values(words: Mapping[str, Any]) -> str:
    """Return a declared range in words: "from 1 to 65,536 and a divisor of model.d_model"."""
    parts = [_plain(words).range]
    parts += [f"at most mixer.{words['not_above']}"] if "not_above" in words else []
    parts += ["a divisor of model.d_model"] if words.get("divides_width") else []
    cases = [
        f"with mixer.{other} = {value}, {Range(**case).range}"
        for other, found in words.get("where", {}).items()
        for value, case in found.items()
    ]
    return "; ".join([" and ".join(parts), *cases])


def _plain(words: Mapping[str, Any]) -> Range:
    """Return the range that does not depend on other options."""
    return Range(**{word: value for word, value in words.items() if word not in _RELATIONS})


def _outside(option: str, value: Any, allowed: Range, where: str = "") -> tuple[str, str] | None:
    """Return the result of `mixer_refusal` for an option with this range."""
    name = f"mixer.{option}"
    return None if allowed.holds(value) else (name, refusal(name, f"{allowed.range}{where}", value, allowed.choices))
