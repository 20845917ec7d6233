"""The result of `check`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from seqmix.reporting.text import counted
from seqmix.system.files import without_nan
from seqmix.version import __version__


@dataclass(frozen=True, kw_only=True, repr=False)
class DataCheck:
    """What is known of a data set before anything is trained.

    Attributes:
        path: its folder.
        task: kind of the objective.
        alphabet: its alphabet.
        records: number of records.
        sizes: number of records of each split.
        leaks: near relatives of validation and test records in training: "compared" (such as "21-mers"), "sampled" (the share
            of them that was compared), "stored" (whether the data set stores the nearness of its records), "splits" (for each:
            records, near ones and their share, the share of these with the label of their nearest relative, and a histogram
            of the containment in ten bins from 0 to 1) and "pairs" (the nearest, by id). None where it is not defined, as of
            numbers and images.
        twins: equal records, of DNA also reverse complements: "records", "sequences" (distinct ones among them), "in several
            splits", "with different labels", "examples".
        classes: for each class (or quarter of the targets) "records" and "share", quantiles of the length, GC content and
            mean composition; a single row of all records where there are no labels.
        parts: what "composition" in `classes` lists: letters, or means and spreads of numbers.
        looked_at: number of records whose composition was looked at.
        giveaways: what a linear model of length, GC content or composition alone predicts in cross-validation.
        groups: what was kept together: "by", "count", "largest" (its records), "in splits" (groups in each); empty if the data
            set does not store it.
        findings: what a user should know, in sentences.
        suggestions: what to do about it: "why" and "command", a command line to paste, or "".
    """

    path: str
    task: str
    alphabet: str
    records: int
    sizes: dict[str, int]
    leaks: dict[str, Any] | None
    twins: dict[str, Any]
    classes: list[dict[str, Any]]
    parts: list[str]
    looked_at: int
    giveaways: list[dict[str, Any]]
    groups: dict[str, Any]
    findings: list[str] = field(default_factory=list)
    suggestions: list[dict[str, str]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<DataCheck of {self.path!r}: {counted(self.records, 'record')}; {counted(len(self.findings), 'finding')}>"

    def __str__(self) -> str:
        """Return the findings, one a line."""
        return "\n".join([repr(self), *self.findings])

    def _repr_html_(self) -> str:
        """Return the tables and the findings, for notebooks."""
        from html import escape

        from seqmix.data.checking.tables import check_tables

        lines = "".join(f"<li>{escape(text)}</li>" for text in self.findings)
        commands = "".join(f"<p>{escape(one['why'])}</p><pre>{escape(one['command'])}</pre>" for one in self.suggestions)
        return "".join(table.html() for table in check_tables(self)) + f"<ul>{lines}</ul>{commands}"

    def to_json(self) -> str:
        """Return all of it as JSON; undefined values are null."""
        content = without_nan({"seqmix": __version__, **asdict(self)})
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
