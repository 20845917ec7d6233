"""The sections of a page on the data set of a campaign, and on how its results were made: command, versions, device, time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqmix.evaluation.data_section import VERSIONS, described_data
from seqmix.experiments.result import CampaignResult
from seqmix.objectives import objective_of
from seqmix.reporting.html import Section
from seqmix.reporting.tables import Column, ReportTable
from seqmix.reporting.text import counted, duration


def data_sections(data: Mapping[str, Any]) -> Iterator[Section]:
    """Yield what a data set is, and how its splits were made, given its `data_description`; nothing for an earlier one."""
    if info := data.get("info"):
        yield from described_data(
            info,
            objective_of(info),
            data["noun"],
            heading="Data",
            name=Path(data["path"]).name,
            checksum=data["fingerprint"],
            nearness=data["nearness"],
        )


def making_sections(result: CampaignResult, **more: Any) -> Iterator[Section]:
    """Yield how the results of a campaign were made, and its settings.

    Args:
        result: the results.
        more: further settings.
    """
    found, settings = result.environment, result.settings | more
    table = ReportTable([Column("what"), Column("how", "text")], "command, versions, device and time", headed=False)
    table.add("command", found.get("command", "called from Python"))
    for name, title in VERSIONS.items():
        table.add(title, str(found.get(name, "-")))
    table.add("device", str(settings.get("device") or "auto") + (f" ({found['gpu']})" if found.get("gpu") else ""))
    table.add("CPU threads of each training", str(settings.get("threads") or "-"))
    worked = [trial for trial in result.trials if not trial.error]
    total = duration(sum(trial.seconds for trial in worked))
    table.add("time", f"{total} in {counted(len(worked), 'training')}, {counted(settings.get('jobs') or 1, 'job')} at a time")
    yield Section(heading="How this was made", table=table)
    yield Section(heading="Settings", code=json.dumps(settings, indent=1, ensure_ascii=False))
