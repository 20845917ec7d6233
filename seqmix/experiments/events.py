"""The events of a campaign, which `compare`, `reproduce` and `reproduce_scalability` pass to their caller (`on_event`).

They come in this order: `Stage` and `Remark` while the trainings are planned, `Planned` once, then `TrialStarted` and
`TrialFinished` for each training. With several jobs, `TrialStarted` comes from other threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seqmix.experiments.run_trial import Trial
from seqmix.experiments.scheduler import PlannedTrial


@dataclass(frozen=True, slots=True)
class Stage:
    """A step before the trainings, such as preparing data.

    Attributes:
        text: description: "text: preparing".
    """

    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something is missing, or differs from what was published.

    Attributes:
        text: the remark.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Planned:
    """All trainings are known.

    Attributes:
        count: number of trainings.
        left: number of trainings still to run.
        jobs: trainings run in parallel.
        budget: seconds for each training; 0 if not limited by time.
    """

    count: int
    left: int
    jobs: int
    budget: float


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A training is about to be run.

    Attributes:
        trial: the training; `trial.title` describes it in words.
    """

    trial: PlannedTrial


@dataclass(frozen=True, slots=True)
class TrialFinished:
    """A training has succeeded or failed, or was finished by an earlier call.

    Attributes:
        trial: its outcome.
        run_now: whether it was run now; False where an earlier call finished it.
        done: trainings that have ended, this one included.
        count: trainings in all.
    """

    trial: Trial
    run_now: bool
    done: int
    count: int


CampaignEvent = Stage | Remark | Planned | TrialStarted | TrialFinished
OnEvent = Callable[[CampaignEvent], object]
