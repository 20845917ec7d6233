"""What the class of a mixer declares, read in its source: importing the class would load torch, which takes seconds."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True, slots=True)
class Declared:
    """What the class of a mixer declares.

    Attributes:
        options: the keyword-only arguments of the constructor, with their defaults.
        attributes: the attributes of the class whose values are literals, such as `model_defaults`.
    """

    options: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


@cache
def declared(kind: str, homes: tuple[tuple[str, str], ...]) -> Declared:
    """Return what a class declares, or inherits from those that `homes` names.

    Args:
        kind: name of the class.
        homes: for each class, its name and that of its module in this package.
    """
    if kind not in dict(homes):
        return Declared()
    found = next(node for node in _parsed(dict(homes)[kind]).body if isinstance(node, ast.ClassDef) and node.name == kind)
    above = declared(found.bases[0].id, homes) if found.bases and isinstance(found.bases[0], ast.Name) else Declared()
    options, attributes = above.options, dict(above.attributes)
    for node in found.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            names = [argument.arg for argument in node.args.kwonlyargs]
            options = dict(zip(names, map(ast.literal_eval, filter(None, node.args.kw_defaults)), strict=True))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name):
                value = ast.literal_eval(node.value)
                attributes[target.id] = (
                    above.attributes.get("option_ranges", {}) | value if target.id == "option_ranges" else value
                )
    return Declared(options, attributes)


@cache
def _parsed(module: str) -> ast.Module:
    spec = find_spec(f"seqmix.mixers.{module}")
    loader: Any = spec and spec.loader
    return ast.parse(loader.get_source(f"seqmix.mixers.{module}"))
