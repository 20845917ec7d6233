"""The sections of a page on the data, and on how the model and its scores were made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.data.relatives.nearness import NEAR
from seqmix.data.tables import info_tables
from seqmix.evaluation.circumstances import Circumstances
from seqmix.reporting.html import Section
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import amount, counted, duration
from seqmix.run import Run

if TYPE_CHECKING:
    from seqmix.evaluation.result import Evaluation
    from seqmix.objectives.base import Objective

VERSIONS = {"seqmix": "seqmix", "python": "Python", "torch": "PyTorch", "numpy": "NumPy", "platform": "platform"}


def data_sections(evaluation: Evaluation, run: Run) -> Iterator[Section]:
    """Yield what the records are, how their splits were made, and the files that they were read from."""
    facts = evaluation.data
    new = bool(facts.get("new"))
    if new and facts["inputs"]:
        yield Section(heading="New data", table=_input_table(facts["inputs"], "the files that were scored"))
    yield from described_data(
        run.info,
        run.objective,
        run.vocabulary.noun,
        heading="Training data" if new else "Data",
        name=Path(run.config.data.path).name,
        checksum=run.dataset_fingerprint,
        nearness=facts.get("nearness"),
    )


def described_data(
    info: Mapping[str, Any],
    objective: Objective,
    noun: str,
    *,
    heading: str,
    name: str,
    checksum: str,
    nearness: Mapping[str, Any] | None,
) -> Iterator[Section]:
    """Yield the sections on a data set.

    Args:
        info: its `dataset.json`.
        objective: what is learned from it.
        noun: what a token is called.
        heading: the heading.
        name: name of its folder.
        checksum: its fingerprint.
        nearness: how near the scored records are to training, as `data_facts` returns it; None if unknown.
    """
    counts, *others = info_tables(info, noun, objective)
    yield Section(heading=heading, table=_origin_table(info, name, checksum, nearness))
    for table in (counts, *others):
        yield Section(table=table)
    if inputs := info.get("inputs"):
        yield Section(table=_input_table(inputs, "the files that the data set was made of"))


def _origin_table(info: Mapping[str, Any], name: str, checksum: str, near: Mapping[str, Any] | None) -> ReportTable:
    """Return in words where labels, texts and splits came from, and how near the records of the splits are to each other."""
    table = ReportTable([Column("what"), Column("how", "text")], "how the data set was made", headed=False)
    table.add("data set", name)
    for what, where in info.get("origins", {}).items():
        if where:
            table.add(what, where)
    if (groups := info.get("groups")) and groups["largest"] > 1:
        table.add(
            "groups, each in one split",
            f"{counted(groups['count'], 'group')} by {groups['by']}; the largest has {counted(groups['largest'], 'record')}",
        )
    if near:
        share, median = near["near"] / near["records"], near["quantiles"]["50%"]
        table.add(
            "near relatives in training",
            f"{near['near']:,} of {counted(near['records'], 'record')} that were scored ({100 * share:.0f} %) share at least "
            f"{100 * NEAR:.0f} % with their nearest training record; the median is {100 * median:.0f} %",
        )
    table.add("made with", f"seqmix {info['seqmix']}" if "seqmix" in info else "-")
    table.add("checksum", checksum)
    return table


def _input_table(inputs: Sequence[Mapping[str, Any]], title: str) -> ReportTable:
    """Return name, format, size and SHA-256 of files."""
    table = ReportTable([Column("file"), Column("format"), Column("size", "number"), Column("SHA-256", "text")], title)
    for one in inputs:
        size = amount(one["bytes"]) if "bytes" in one else "-"
        table.add(str(one.get("file", "-")), str(one.get("format", "-")), size, str(one.get("sha256", "-")))
    return table


def making_section(run: Run, made: Circumstances | None) -> Section:
    """Return versions, device, time and command of the training and of the evaluation.

    Args:
        run: the run.
        made: those of the evaluation; None if they are not known.
    """
    try:
        trained: dict[str, Any] = json.loads((run.path / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        trained = {}
    scored = made.environment if made else {}
    columns = [Column("what"), Column("training", "text"), *([Column("evaluation", "text")] if made else [])]
    table = ReportTable(columns, "versions, device, time and command")
    history = run.history()
    seconds = sum(line.get("seconds", 0.0) for line in history)
    rows: list[tuple[str, str, str]] = [
        ("command", trained.get("command", "-"), scored.get("command", "called from Python")),
        *((title, str(trained.get(name, "-")), str(scored.get(name, "-"))) for name, title in VERSIONS.items()),
        ("device", _training_device(run, trained), made.device if made else ""),
        ("precision", run.config.training.precision, made.precision if made else ""),
        ("CPU threads", str(trained.get("threads", "-")), str(scored.get("threads", "-"))),
        ("time", duration(seconds) if seconds else "-", duration(made.seconds) if made else ""),
        ("ended (UTC)", "-", made.when if made else ""),
    ]
    for name, training, evaluation in rows:
        table.add(name, training, *([evaluation] if made else []))
    return Section(heading="How this was made", table=table, remark=_steps(history))


def _training_device(run: Run, trained: Mapping[str, Any]) -> str:
    wanted, gpu = run.config.training.device, trained.get("gpu")
    if wanted == "auto":
        return str(gpu) if gpu else "cpu"
    return f"{wanted} ({gpu})" if gpu and wanted.startswith("cuda") else wanted


def _steps(history: Sequence[Mapping[str, Any]]) -> str:
    """Return how long the training was: "12 epochs, 1,200 steps"; "" if nothing was trained step by step."""
    if not history or not history[-1].get("step"):
        return ""
    return f"The training took {counted(history[-1]['epoch'], 'epoch')} with {counted(history[-1]['step'], 'step')}."
