"""The results that all campaigns share, and their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from seqmix.experiments.run_trial import Trial
from seqmix.reporting.text import duration
from seqmix.system.files import without_nan
from seqmix.version import __version__

_LATE = 1.5  # a training that takes this many times its budget gets a note


@dataclass(kw_only=True)
class CampaignResult:
    """The trainings of a campaign; its subclasses make a table of them.

    Attributes:
        settings: the settings that all trainings share.
        environment: versions, platform, threads.
        trials: one for each training that ended, failed ones too, in the order of the plan.
        interrupted: whether trainings are missing because the user interrupted.
    """

    settings: dict[str, Any]
    environment: dict[str, Any]
    trials: list[Trial] = field(default_factory=list)
    interrupted: bool = False

    @property
    def failures(self) -> list[str]:
        """Notes on trainings that failed, ran out of memory, or took much longer than their budget."""
        found = [f"{trial.title}: {trial.error}" for trial in self.trials if trial.error]
        worked = [trial for trial in self.trials if not trial.error]
        found += [
            f"{trial.title}: memory ran out; its batches were computed in {trial.pieces} parts"
            for trial in worked
            if trial.pieces > 1
        ]
        budget = self.settings["budget"]
        return found + [
            f"{trial.title}: took {duration(trial.seconds)}, the budget is {duration(budget)}: a step and a validation are "
            "not cut short"
            for trial in worked
            if 0 < _LATE * budget < trial.seconds
        ]

    def content(self) -> dict[str, Any]:
        """Return the content of the JSON file."""
        raise NotImplementedError

    def to_json(self) -> str:
        """Return the JSON file's text, with null for values that are not defined."""
        content = without_nan({"seqmix": __version__, **self.content()})
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
