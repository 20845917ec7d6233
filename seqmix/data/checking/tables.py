"""The result of `check` as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqmix.config.data import SPLITS
from seqmix.data.relatives.nearness import NEAR
from seqmix.reporting.tables import SHOWN_CLASSES, Column, ReportTable
from seqmix.reporting.text import number

if TYPE_CHECKING:
    from seqmix.data.checking.result import DataCheck

_SHOWN_PARTS = 6  # of the composition: those in which classes differ most


def check_tables(found: DataCheck) -> list[ReportTable]:
    """Return classes, lengths and composition, near relatives, equal records, and what length or composition predict."""
    tables = [_of_classes(found), _of_lengths(found)]
    if found.parts:
        tables.append(_of_composition(found))
    if found.giveaways:
        tables.append(_of_giveaways(found))
    if found.leaks:
        tables += [_of_leaks(found.leaks), *([_of_pairs(found.leaks)] if found.leaks["pairs"] else [])]
    if found.groups:
        tables.append(_of_groups(found.groups))
    if found.twins["examples"]:
        tables.append(_of_twins(found.twins))
    return tables


def _named(found: DataCheck, columns: list[Column], title: str) -> ReportTable:
    return ReportTable([Column("class" if len(found.classes) > 1 else ""), *columns], title)


def _shown(found: DataCheck) -> list[dict[str, Any]]:
    return found.classes[:SHOWN_CLASSES]


def _of_classes(found: DataCheck) -> ReportTable:
    columns = [Column(name, "number") for name in (*SPLITS, "all", "share")]
    table = _named(found, columns, "records of each class")
    for row in _shown(found):
        table.add(row["class"], *(f"{row[split]:,}" for split in (*SPLITS, "records")), f"{100 * row['share']:.1f} %")
    if len(found.classes) > SHOWN_CLASSES:
        table.add(f"… {len(found.classes) - SHOWN_CLASSES:,} more", *[""] * 5)
    return table


def _of_lengths(found: DataCheck) -> ReportTable:
    names = list(next((row["length"] for row in found.classes if row["length"]), {}))
    gc = any(row["gc"] is not None for row in found.classes)
    table = _named(found, [Column(name, "number") for name in (*names, *(["GC"] if gc else []))], "length of the records")
    for row in _shown(found):
        cells = [f"{row['length'][name]:,}" if row["length"] else "-" for name in names]
        table.add(row["class"], *cells, *([_percent(row["gc"])] if gc else []))
    return table


def _of_composition(found: DataCheck) -> ReportTable:
    means = np.array([list(row["composition"].values()) for row in found.classes if row["composition"]])
    spread = means.max(0) - means.min(0) if len(means) > 1 else means.sum(0)
    chosen = sorted(np.argsort(-spread, kind="stable")[:_SHOWN_PARTS].tolist())
    parts = [found.parts[place] for place in chosen]
    more = "" if len(parts) == len(found.parts) else ", the characters that differ most"
    table = _named(found, [Column(_visible(part), "number") for part in parts], f"composition{more}")
    for row in _shown(found):
        values = [row["composition"].get(part) for part in parts]
        table.add(row["class"], *(_value(found, value) for value in values))
    return table


def _visible(part: str) -> str:
    return {" ": "blank", "\n": "line break", "\t": "tab"}.get(part, part)


def _value(found: DataCheck, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if found.parts[0].startswith("mean") else _percent(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _of_giveaways(found: DataCheck) -> ReportTable:
    first = found.giveaways[0]
    columns = [Column("from this alone"), Column(first["score"], "number"), Column("chance", "number")]
    if more := first["also"] != first["score"]:
        columns += [Column(first["also"], "number"), Column("of a constant guess", "number")]
    table = ReportTable(columns, "what a linear model predicts in cross-validation")
    for one in found.giveaways:
        cells = [number(one["value"]), f"{one['chance']:g}"]
        cells += [number(one["also_value"]), number(one["also_chance"])] if more else []
        table.add(one["trait"], *cells, style="bold" if one["striking"] else None)
    return table


def _of_leaks(leaks: dict[str, Any]) -> ReportTable:
    title = f"share of a record's {leaks['compared']} that its nearest training record has"
    if leaks["sampled"] < 1:
        title += f" (a sample of {_percent(leaks['sampled'])})"
    names = list(leaks["splits"])
    table = ReportTable([Column("share"), *(Column(name, "number") for name in names)], title)
    for bin_ in range(10):
        label = f"{bin_ / 10:g} to {(bin_ + 1) / 10:g}"
        table.add(label, *(f"{leaks['splits'][name]['histogram'][bin_]:,}" for name in names))
    short = [leaks["splits"][name]["too short to compare"] for name in names]
    if any(short):
        table.add("too short", *(f"{count:,}" for count in short))
    cells = [f"{leaks['splits'][name]['near']:,} ({_percent(leaks['splits'][name]['share'])})" for name in names]
    table.add(f"near: {NEAR:g} or more", *cells, begins=True)
    same = [leaks["splits"][name]["same label"] for name in names]
    if any(share is not None for share in same):
        table.add("with its label", *(_percent(share) for share in same))
    return table


def _of_pairs(leaks: dict[str, Any]) -> ReportTable:
    columns = [Column("record"), Column("split"), Column("class"), Column("nearest in training"), Column("its class")]
    table = ReportTable([*columns, Column("share", "number")], "the nearest pairs")
    for pair in leaks["pairs"]:
        texts = (pair["id"], pair["split"], pair["label"] or "-", pair["nearest"], pair["its label"] or "-")
        table.add(*texts, f"{pair['containment']:.2f}")
    return table


def _of_groups(groups: dict[str, Any]) -> ReportTable:
    columns = [Column(name, "number") for name in ("groups", *SPLITS, "records of the largest")]
    table = ReportTable([Column("kept together", "text"), *columns], "groups, which are in one split each")
    inside = (f"{groups['in splits'][name]:,}" for name in SPLITS)
    table.add(groups["by"], f"{groups['count']:,}", *inside, f"{groups['largest']:,}")
    return table


def _of_twins(twins: dict[str, Any]) -> ReportTable:
    table = ReportTable([Column("equal records", "text"), Column("labels", "text"), Column("splits", "text")], "equal records")
    for group in twins["examples"]:
        names = [", ".join(dict.fromkeys(one[key] or "-" for one in group)) for key in ("id", "label", "split")]
        table.add(*names)
    return table
