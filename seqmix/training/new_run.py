"""`new_run()` creates the folder of a run that is about to be trained, after checking that its model can be built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seqmix.config import Config
from seqmix.config.model import NO_MIXER
from seqmix.data.dataset import Dataset
from seqmix.data.resplit import split_origin
from seqmix.errors import ConfigError, param
from seqmix.models.inputs import InputSpec, check_model
from seqmix.reporting.text import counted
from seqmix.run import RUNS, Run
from seqmix.system.leftovers import clear_folder
from seqmix.system.locks import locked
from seqmix.system.overwriting import refuse_input
from seqmix.system.renaming import standing
from seqmix.system.run_folders import next_run_folder

if TYPE_CHECKING:
    from seqmix.models.members import MixingBranch
_PATIENCE = 60.0  # seconds to wait while other processes take their number under runs/, a moment for each


def new_run(dataset: Dataset, config: Config, output: Path | None, overwrite: bool) -> Run:
    """Create the folder of a run that is about to be trained, after checking that its model can be built.

    Args:
        dataset: the data set.
        config: the full configuration.
        output: the folder; None for the next one under runs/.
        overwrite: whether to replace another run in this folder.

    Raises:
        ConfigError: the model cannot be built, or does not suit the data set.
        RunError: the folder exists.
    """
    if output is not None:
        Run.check_free(output, overwrite=overwrite)
        before = standing(output)
        refuse_input(output, [dataset.path, *filter(None, [config.training.init])])
    has_mixer = config.model.mixer != NO_MIXER
    if has_mixer:
        _check(dataset, config)
    model = _outline(dataset, config) if has_mixer else None
    split = dataset.split if split_origin(dataset.info) else None
    if output is not None:
        return Run.create(output, config, dataset.info, split=split, overwrite=overwrite, before=before)
    name, label = (config.model.mixer, model.mixer_label()) if model else (config.model.lexical, "")
    parts = ("" if dataset.learns_labels else dataset.objective.kind, name, label)
    label = "-".join(part for part in parts if part)
    with locked(RUNS, "numbers", "choosing a number", make=True, wait=_PATIENCE):
        clear_folder(RUNS, alone=False)  # those of other names: the number of a run that was not made is free
        return Run.create(next_run_folder(label, RUNS), config, dataset.info, split=split)


def _check(dataset: Dataset, config: Config) -> None:
    """Raise a `ConfigError` for options that do not suit the data or each other, as far as that is known without torch."""
    inputs = InputSpec.of(dataset.vocabulary, paired=dataset.n_sequences == 2)
    members = [config.model, config.model.of_second()] if config.model.second else [config.model]
    for member in members:
        check_model(member, inputs)
    longest = config.longest_view(int(dataset.cut_lengths(config.data.max_length).max()))
    limited = any(member.positions or member.pooling == "flat" for member in members)
    if limited and longest > config.model.max_length:
        raise ConfigError(
            f"the data set has sequences of {counted(longest, dataset.vocabulary.noun)}, but model.max_length is "
            f"{config.model.max_length:,}; "
            f"cut them with {param('max_length', config.model.max_length)}",
            option="model.max_length",
        )


def _outline(dataset: Dataset, config: Config) -> MixingBranch:
    """Build the model without its weights, so that errors show before a folder is made."""
    from seqmix.models.classifier import without_memory
    from seqmix.models.mixing import new_mixing_branch
    from seqmix.system.devices import autocast, choose_device
    from seqmix.training.model_size import check_memory

    device = choose_device(config.training.device)
    autocast(device, config.training.precision)
    inputs = InputSpec.of(dataset.vocabulary, paired=dataset.n_sequences == 2)
    try:
        model = without_memory(lambda: new_mixing_branch(config, inputs, dataset.objective, dataset.vocabulary.unknown_id))
    except (RuntimeError, MemoryError) as error:
        raise ConfigError(
            f"the model cannot be built: it is too large for this computer's memory ({error}); choose smaller numbers for the "
            "options of the model and the mixer"
        ) from error
    check_memory(model, config.training, device)
    return model
