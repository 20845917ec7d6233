"""Training: `train()` trains a classifier and writes a run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.config import Config
from seqmix.config.options import taking_options
from seqmix.data.dataset import Dataset
from seqmix.run import Run
from seqmix.system.arguments import typed
from seqmix.training.events import Event
from seqmix.training.keywords import keywords
from seqmix.training.resolve import open_labelled
from seqmix.training.run_training import run_training


@typed()
@taking_options([one for _, one in keywords().values()], unset=True)
def train(
    data: str | Path | Dataset | None = None,
    output: str | Path | None = None,
    *,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    recipe: str | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    resume: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    progress: bool = False,
    **given: Any,
) -> Run:
    """Train a classifier on a prepared data set and write a run folder.

    Each of these overrides those before it: recipe, `config`, keyword options, `settings`. If neither a recipe nor a
    whole configuration (a file or a `Config`) is given, DNA is trained with the recipe "dna", proteins with "protein", texts
    with "text", texts without words with "characters", and texts of subwords with "subwords".

    Args:
        data: the data set or its folder; None for `data.path` of `config`, or else "seqmix-data".
        output: the run folder; None for runs/NNN-<mixer> or, with `resume`, the newest run under runs/.
        config: a `Config` (used exactly as it is), a TOML file, or a mapping with dotted keys ("model.dropout": 0.1) or
            nested tables ("model": {"dropout": 0.1}).
        recipe: name of a recipe that comes with seqmix.
        settings: a mapping as in `config`, or texts such as "model.dropout=0.1"; these override everything else.
        resume: continue an interrupted run from its last saved step, with what is left of its time budget.
        overwrite: replace `output` if it is a run folder.
        threads: threads on the CPU; None for OMP_NUM_THREADS, or one for each core.
        on_event: called with every `Event`.
        progress: whether to draw a progress bar.
        given

    Returns:
        The run, with its best weights saved.

    Raises:
        ConfigError: an option is unknown or not allowed, or the model cannot be built.
        DatasetError: there is no data set, or it cannot be trained on.
        RunError: `output` exists, or cannot be resumed.
        Interrupted: SIGINT, SIGTERM or SIGHUP arrived; the state was saved, and `resume` continues from there.
    """
    return run_training(
        open_labelled,
        data,
        output,
        given,
        config=config,
        recipe=recipe,
        settings=settings,
        resume=resume,
        overwrite=overwrite,
        threads=threads,
        on_event=on_event,
        progress=progress,
    )
