"""The papers' experiments again: `reproduce` prepares the data that are there, trains each method as its recipe says (or
for a budget of time), and writes what was measured beside what was published.

Every training is a trial in a process of its own and an ordinary run folder. What is prepared or finished is not
done again: the same call goes on where the last was stopped, and one with more tasks, methods or seeds runs what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from seqmix.errors import ConfigError, SeqmixError
from seqmix.experiments.reproduction.papers import SUITES, Suite
from seqmix.experiments.reproduction.report import write_reproduction
from seqmix.experiments.reproduction.result import Reproduction
from seqmix.experiments.reproduction.session import Listener, Request, Session
from seqmix.experiments.scheduler import ResultsFolder, check_request
from seqmix.reporting.text import parse_duration
from seqmix.system.devices import choose_device, thread_count
from seqmix.system.environment import environment

_OWN = ("model.mixer", "training.seed", "training.budget", "data.path", "data.max_length")


def reproduce(
    suite: str,
    data: str | Path = ".",
    output: str | Path = "reproduce",
    *,
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    budget: float | str = "10m",
    max_length: int | None = None,
    seeds: int = 1,
    generated: bool = False,
    train: int | None = None,
    settings: Sequence[str] = (),
    device: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    listener: Listener | None = None,
) -> Reproduction:
    """Runs the experiments of a paper on the data that are there, and writes `reproduce.json` and `reproduce.html`.

    A call with the `output` of an earlier one goes on with it: data are prepared once, finished trainings are not run
    again, interrupted ones go on, failed ones are tried again. Its table has all that was ever finished there.

    Args:
        suite: "lra" or "genome".
        data: folder in which, and in whose sub-folders, data sets are looked for in the form of their sources.
        output: folder for the two files, `data/<task>`, and `runs/<task>-<method>-seed<k>`, ordinary run folders.
        tasks, methods: their names; None: all tasks, the `methods` of the `experiments.Suite`; "all": those of its table.
        budget: of each training, as in `train`; 0: as long as the recipes say.
        max_length: sequences are cut to it; None: to the published length.
        seeds: how many; they are 0, 1, 2 ...
        generated: generate what can be and is not found, with `train` training samples (None: as many as published).
        settings: "table.option=value" each, for all trainings.
        device, threads, jobs: as in `compare`.
        overwrite: replace an earlier reproduction, its data too.
        listener: is told what is done.

    Returns:
        What was found. After an interruption (KeyboardInterrupt): what was found till then.

    Raises:
        ConfigError: see its message; InputError: no data are there; RunError: `output` is in the way, or has other settings.
        SeqmixError: no training ended well; the message says why.
    """
    check_request(seeds, jobs, settings, _OWN, "a reproduction sets it itself; use --methods, --seeds, --budget, --max-length")
    request = Request(
        suite=_suite(suite),
        tasks=tuple(tasks) if tasks is not None else None,
        methods=tuple(methods) if methods is not None else None,
        budget=parse_duration(budget) if isinstance(budget, str) else budget,
        max_length=max_length,
        seeds=seeds,
        generated=generated,
        train=train,
        settings=tuple(settings),
        device=device,
    )
    request.check()
    with thread_count(threads):
        count = threads or max(1, torch.get_num_threads() // jobs)
    shared = {
        "budget": request.budget,
        "max_length": max_length,
        "settings": list(settings),
        "device": str(choose_device(device or "auto")),
        "threads": count,
        "jobs": jobs,
    }
    results = ResultsFolder(folder=Path(output), kind="reproduction", name="reproduce", parts=("runs", "data"))
    found = Reproduction(suite=request.suite, settings=shared, environment=environment())
    session = Session(request, results, found, listener or Listener())
    sources = session.sources(Path(data), overwrite)
    session.open(overwrite)
    try:
        session.save()
        session.train(session.plan(session.prepared(sources)), count, jobs)
    except KeyboardInterrupt:
        found.interrupted = True
    whole = session.save()
    write_reproduction(whole, results.html)
    if not whole.interrupted and all(trial.error for trial in whole.trials):
        raise SeqmixError(f"no training ended well: {'; '.join([*whole.failures, *whole.remarks])}")
    return whole


def _suite(name: str) -> Suite:
    if name not in SUITES:
        raise ConfigError(f"there are no experiments '{name}'; there are: {', '.join(SUITES)}")
    return SUITES[name]
