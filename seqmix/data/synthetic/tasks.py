"""Synthetic tasks, by name: generated sequences with exactly defined labels.

    task = find_task("listops")
    options = task.options({"length": 2000, "min_length": 500})
    for sample in task.samples(1000, split_generators(seed=0)["train"], options):
        sample.text, sample.label

One file each: `adding`, `temporal_order`, `listops`, `pathfinder` and `motifs`; `base.py` defines what a task is, and
`options.py` declares their options.
"""

from __future__ import annotations

from typing import Any

from seqmix.data.synthetic.adding import Adding
from seqmix.data.synthetic.base import Task
from seqmix.data.synthetic.listops import ListOps
from seqmix.data.synthetic.motifs import Motifs
from seqmix.data.synthetic.pathfinder import Pathfinder
from seqmix.data.synthetic.temporal_order import TemporalOrder
from seqmix.errors import ConfigError, suggestion

TASKS: dict[str, Task[Any]] = {task.name: task for task in (Adding(), TemporalOrder(), ListOps(), Pathfinder(), Motifs())}


def find_task(name: str) -> Task[Any]:
    """Return the task called `name`.

    Raises:
        ConfigError: there is no such task.
    """
    if name not in TASKS:
        raise ConfigError(f"there is no task '{name}'; available: {', '.join(TASKS)}{suggestion(name, TASKS)}", option="task")
    return TASKS[name]
