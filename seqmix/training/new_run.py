"""`new_run()` creates the folder of a run that is about to be trained, after checking that its model can be built."""

from __future__ import annotations

from pathlib import Path

import torch

from seqmix.config import Config
from seqmix.config.model import NO_MIXER
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, param
from seqmix.models.classifier import InputSpec, count_parameters, without_memory
from seqmix.models.members import MixingBranch
from seqmix.models.mixing import new_mixing_branch
from seqmix.reporting.text import amount
from seqmix.run import Run, next_run_folder
from seqmix.system.memory import free_memory


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
    model = _outline(dataset, config) if config.model.mixer != NO_MIXER else None
    longest = config.longest_view(int(dataset.cut_lengths(config.data.max_length).max()))
    if model and model.length_limit is not None and longest > config.model.max_length:
        raise ConfigError(
            f"the data set has sequences of {longest:,} {dataset.vocabulary.noun}s, but model.max_length is "
            f"{config.model.max_length:,}; "
            f"cut them with {param('max_length', config.model.max_length)}",
            option="model.max_length",
        )
    if output is None:
        name, label = (config.model.mixer, model.mixer_label()) if model else (config.model.lexical, "")
        parts = ("" if dataset.learns_labels else dataset.objective.kind, name, label)
        output = next_run_folder("-".join(part for part in parts if part))
    return Run.create(output, config, dataset.info, overwrite=overwrite)


def _outline(dataset: Dataset, config: Config) -> MixingBranch:
    """Build the model without its weights, so that errors show before a folder is made."""
    inputs = InputSpec.of(dataset.vocabulary, paired=dataset.n_sequences == 2)
    try:
        model = without_memory(lambda: new_mixing_branch(config, inputs, dataset.objective, dataset.vocabulary.unknown_id))
    except (RuntimeError, MemoryError) as error:
        raise ConfigError(f"the model cannot be built: it is too large for this computer's memory ({error})") from error
    needed, free = 4 * count_parameters(model), free_memory(torch.device("cpu"))
    if free is not None and needed > free:
        raise ConfigError(
            f"the model cannot be built: it is too large for this computer's memory: its weights need {amount(needed)}, and "
            f"{amount(free)} are free"
        )
    return model
