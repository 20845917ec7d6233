"""A data set as tables: records of each split and class, lengths, targets, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from seqmix.config.data import SPLITS
from seqmix.data.dataset_json import sizes_of
from seqmix.reporting.tables import SHOWN_CLASSES, Column, ReportTable
from seqmix.reporting.text import counted
from seqmix.system.printable import printable

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset
    from seqmix.objectives.base import Objective


_SHOWN_CHANNELS = 4


def dataset_tables(dataset: Dataset) -> list[ReportTable]:
    """Return what `prepare` made: records of each split, lengths, targets, and what was cut, left out or replaced."""
    return info_tables(dataset.info, dataset.vocabulary.noun, dataset.objective, most=SHOWN_CLASSES)


def info_tables(info: Mapping[str, Any], noun: str, objective: Objective, most: int | None = None) -> list[ReportTable]:
    """Return `dataset_tables` of a data set that is not at hand.

    Args:
        info: its `dataset.json`.
        noun: what a token is called.
        objective: what is learned from it.
        most: number of classes that are listed; None for all.
    """
    one_class = getattr(objective, "one_class", False)
    tables = [
        _count_table(info, noun, one_class, most),
        _quantile_table(f"lengths in {noun}s", info["lengths"], "{:,}", ("shortest", "longest")),
    ]
    if "target" in info:
        tables.append(_quantile_table("targets", info["target"]["quantiles"], "{:.4g}", ("lowest", "highest")))
    if changes := _changes(info, noun):
        table = ReportTable([Column("what was changed", "text"), Column("how many", "number")])
        for what, count in changes:
            table.add(what, f"{count:,}")
        tables.append(table)
    return tables


def origins_line(info: dict[str, Any]) -> str:
    """Return "labels: column 'label'; texts: column 'sequence'; splits: files train.csv, test.csv"; "" if nothing is known."""
    return printable("; ".join(f"{what}: {where}" for what, where in info.get("origins", {}).items()))


def groups_line(dataset: Dataset) -> str:
    """Return "groups (column gene): 120, of which 72 train, 24 val, 24 test; the largest has 33 records"; "" without groups.

    Equal records alone are no groups here: the table of what was changed counts them.
    """
    info, groups = dataset.info.get("groups"), dataset.groups
    if info is None or groups is None or info["by"] == "equal records":
        return ""
    parts = ", ".join(f"{len(np.unique(groups[dataset.split == s])):,} {name}" for s, name in enumerate(SPLITS))
    largest = counted(info["largest"], "record")
    return printable(f"groups ({info['by']}): {info['count']:,}, of which {parts}; the largest has {largest}")


def ranges_line(info: dict[str, Any]) -> str:
    """Return "numbers: from -0.1 to 0.9 (channel 1), from 0 to 1 (channel 2)"; "" for other data."""
    found = [f"from {ends[0]:.6g} to {ends[-1]:.6g}" for ends in info.get("ranges", ()) if ends]
    if len(found) > 1:
        found = [f"{text} (channel {number})" for number, text in enumerate(found, 1)]
    more = f" and {len(found) - _SHOWN_CHANNELS:,} more" * (len(found) > _SHOWN_CHANNELS)
    return f"numbers: {', '.join(found[:_SHOWN_CHANNELS])}{more}" if found else ""


def _count_table(info: Mapping[str, Any], noun: str, one_class: bool, most: int | None) -> ReportTable:
    sizes = sizes_of(info)
    records = counted(sum(sizes.values()), "pair" if info.get("paired") else "record")
    title = f"{records}, {counted(info['characters'], noun)}, alphabet {info['vocabulary']['alphabet']}"
    columns = [Column("class" if info["classes"] else ""), *(Column(name, "number") for name in (*SPLITS, "all"))]
    table = ReportTable(columns, title)
    names = list(info["counts"]["train"])
    for name in names[:most]:
        row = [info["counts"][split][name] for split in SPLITS]
        table.add(name, *(f"{n:,}" for n in (*row, sum(row))))
    if most is not None and len(names) > most:
        table.add(f"… {len(names) - most:,} more", *[""] * 4)
    if len(names) > 1:
        totals = list(sizes.values())
        what = "all" if one_class else "records"
        table.add(what, *(f"{n:,}" for n in (*totals, sum(totals))), begins=True)
    return table


def _quantile_table(what: str, values: dict[str, Any], form: str, ends: tuple[str, str]) -> ReportTable:
    names = {"0%": ends[0], "50%": "median", "100%": ends[1]}
    table = ReportTable([Column(names.get(quantile, quantile), "number") for quantile in values], f"{what}: quantiles", keys=0)
    table.add(*(form.format(value) for value in values.values()))
    return table


def _changes(info: Mapping[str, Any], noun: str) -> list[tuple[str, int]]:
    maximum, keep = info["options"]["max_length"], info["options"]["truncate"]
    rows = [(f"records cut to {counted(maximum, noun)} ({keep} kept)" if maximum else "", info["truncated"])]
    rows += [(f"records left out: {reason}", count) for reason, count in info["dropped"].items()]
    policy = "left out" if info["vocabulary"]["unknown"] == "drop" else "replaced"
    replaced = list(info["replaced"].items())
    rows += [(f"{noun} {symbol!r} {policy}", count) for symbol, count in replaced[:10]]
    if len(replaced) > 10:
        rows.append((f"{len(replaced) - 10} other {noun}s {policy}", sum(n for _, n in replaced[10:])))
    same = info["duplicates"]
    kind = "equal or reverse-complementary" if info["vocabulary"]["alphabet"].startswith("dna") else "equal"
    rows.append((f"records with an {kind} twin, kept in one split", same["records"]))
    return [(what, count) for what, count in rows if count]
