"""What a user should know of a data set, in sentences, and the commands that help."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from seqmix.data.checking.again import prepare_again
from seqmix.data.relatives.nearness import FEWEST, LOUD, NEAR, QUIET
from seqmix.reporting.text import counted
from seqmix.system.printable import quoted

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

_UNBALANCED = 10  # times as many records in the largest class as in the smallest
_FEW_TESTED = 100  # records, with which an interval is wide
_FEW_OF_CLASS = 10  # test records of a class
_LARGE_GROUP = 0.2  # of all records
_NAMES = {"train": "training", "val": "validation", "test": "test"}

Findings = tuple[list[str], list[dict[str, str]]]


def findings_on(dataset: Dataset, found: dict[str, Any]) -> Findings:
    """Return findings and suggestions on what `check` has found."""
    findings: list[str] = []
    suggestions: list[dict[str, str]] = []
    for part in (_on_leaks, _on_twins, _on_balance, _on_giveaways, _on_sizes, _on_groups):
        sentences, commands = part(dataset, found)
        findings += sentences
        suggestions += [{"why": why, "command": line} for why, line in commands]
    return findings or ["nothing stands out"], suggestions


def _on_leaks(dataset: Dataset, found: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    leaks = found["leaks"]
    if leaks is None:
        enough = dataset.sizes["train"] and len(dataset) > dataset.sizes["train"]
        return ["near relatives are not looked for among numbers and images: equal records are found alone"] * bool(enough), []
    findings, suggestions = [], []
    for name, of_split in leaks["splits"].items():
        if of_split["near"] < FEWEST or of_split["share"] < QUIET:
            continue
        text = (
            f"{100 * of_split['share']:.0f} % of the {_NAMES[name]} records ({of_split['near']:,} of {of_split['records']:,}) "
            f"have a near relative in training: a record with at least {100 * NEAR:.0f} % of their {leaks['compared']}"
        )
        if of_split["same label"] is not None:
            text += f"; it has the same label for {100 * of_split['same label']:.0f} % of them"
        findings.append(text)
    worst = max((one["share"] for one in leaks["splits"].values() if one["near"] >= FEWEST), default=0.0)
    if worst >= LOUD:
        stated = dataset.info.get("nearness", {}).get("splits stated")
        what = (
            "leave out training records with a near relative in a later split" if stated else "keep near relatives in one split"
        )
        why = f"{what}, so that a test record is new to the model (prepare with --split-by similarity)"
        suggestions.append((why, prepare_again(dataset.path, dataset.info, "by-similarity", split_by="similarity")))
    if not leaks["stored"]:
        findings.append(
            "this data set does not store how near its records are to training: it was measured now, and nothing was written; "
            "prepare it again to store it"
        )
    return findings, suggestions


def _on_twins(dataset: Dataset, found: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    twins, findings = found["twins"], []
    if twins["records"]:
        findings.append(f"{twins['records']:,} records have an equal one: they are {counted(twins['sequences'], 'sequence')}")
    if twins["with different labels"]:
        findings.append(
            f"{counted(twins['with different labels'], 'sequence')} with different labels: no model can be right about all"
        )
    if twins["in several splits"]:
        findings.append(f"{counted(twins['in several splits'], 'sequence')} in more than one split")
    return findings, []


def _on_balance(dataset: Dataset, found: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    rows = found["classes"] if dataset.classes else []
    if len(rows) < 2:
        return [], []
    findings, suggestions = [], []
    large, small = max(rows, key=lambda row: row["records"]), min(rows, key=lambda row: row["records"])
    if large["records"] >= _UNBALANCED * small["records"]:
        findings.append(
            f"the largest class, {quoted(large['class'])}, has {large['records']:,} records and the smallest, "
            f"{quoted(small['class'])}, {small['records']:,}: accuracy says little, look at macro-F1"
        )
        line = shlex.join(["seqmix", "train", str(dataset.path), "--class-weights", "balanced"])
        suggestions.append(("small classes count as much as large ones in the loss", line))
    few = [row for row in rows if row["test"] < _FEW_OF_CLASS and dataset.sizes["test"]]
    if few:
        named = ", ".join(f"{quoted(row['class'])} {row['test']}" for row in few[:3]) + (", …" if len(few) > 3 else "")
        findings.append(
            f"{counted(len(few), 'class') if len(few) == 1 else f'{len(few):,} classes'} with fewer than {_FEW_OF_CLASS} test "
            f"records ({named}): their scores are rough"
        )
    return findings, suggestions


def _on_giveaways(dataset: Dataset, found: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    findings: list[str] = []
    suggestions = []
    for one in found["giveaways"]:
        if not one["striking"]:
            continue
        what = "the class" if dataset.classes else "the target"
        also = f", {one['also']} {one['also_value']:.2f} beside {one['also_chance']:.2f} of {_constant(dataset)}"
        findings.append(
            f"{one['trait']} alone predicts {what}: {one['score']} {one['value']:.2f} in cross-validation, where "
            f"{one['chance']:g} is chance" + (also if one["also"] != one["score"] else "")
        )
        if one["trait"] == "length":
            short = dataset.info["lengths"]["5%"]
            line = prepare_again(dataset.path, dataset.info, f"cut-{short}", max_length=short)
            suggestions.append((f"records cut to {short:,}, so that few differ in length: do the scores stay?", line))
    return findings, suggestions


def _constant(dataset: Dataset) -> str:
    return f"the {dataset.label_objective.constant}"


def _on_sizes(dataset: Dataset, found: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    tested = dataset.sizes["test"]
    if not dataset.labelled or not 0 < tested < _FEW_TESTED:
        return [], []
    line = shlex.join(["seqmix", "crossval", str(dataset.path), "--folds", "5", "-o", f"{dataset.path}-crossval"])
    why = "every record is predicted once, so that the interval is narrower"
    return [f"there are only {counted(tested, 'test record')}: intervals will be wide"], [(why, line)]


def _on_groups(dataset: Dataset, found: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    groups = found["groups"]
    if not groups or groups["largest"] < max(2, _LARGE_GROUP * len(dataset)):
        return [], []
    share = 100 * groups["largest"] / len(dataset)
    return [f"one group ({groups['by']}) has {share:.0f} % of the records: splits cannot be balanced"], []
