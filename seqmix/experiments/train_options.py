"""The options of `train` in a campaign that trains one model on several parts of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.config import Config, read_settings
from seqmix.config.model import NO_MIXER
from seqmix.config.tables import merge
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, param
from seqmix.experiments.request import shared_settings
from seqmix.run import Run
from seqmix.training.resolve import resolve_run
from seqmix.training.stated import plain_options, stated_layers


class TrainOptions:
    """What a user states of every training.

    Args:
        given: options of `train` by name; None for one that is not given.
        recipe: see `train`.
        config: see `train`.
        settings: see `train`.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        recipe: str | None,
        config: Config | Mapping[str, Any] | str | Path | None,
        settings: Sequence[str],
    ) -> None:
        self.given = plain_options(given)
        self.recipe, self.config, self.settings = recipe, config, settings

    def resolved(self, data: str | Path | Dataset | None, **own: Any) -> tuple[Dataset, Config]:
        """Return the data set and the full configuration of a training.

        Args:
            data: the data set, or a view of it in other splits.
            own: options that differ between the trainings.
        """
        found = resolve_run(data, {**self.given, **own}, self.recipe, self.config, self.settings)
        return found.dataset, found.config

    def shared(self, config: Config, threads: int | None, jobs: int, **others: Any) -> dict[str, Any]:
        """Return the settings that all trainings share, as the campaign's JSON stores them.

        Args:
            config: the configuration of one training.
            threads: threads of each training; if None, those available are divided among `jobs`.
            jobs: trainings run in parallel.
            others: settings of the campaign.
        """
        config_tables = read_settings(self.config) if self.config else None
        device, budget = config.training.device, config.training.budget
        stated = merge(*stated_layers(self.given, None, ()))
        options = {
            f"{table}.{name}": value
            for table, values in sorted(stated.items())
            for name, value in sorted(values.items())
            if name not in ("device", "budget")
        }
        return shared_settings(
            budget, self.settings, device, threads, jobs, **others, recipe=self.recipe, config=config_tables, options=options
        )


def check_init(config: Config, dataset: Dataset) -> None:
    """Refuse to start from a run that was trained on labels of the same data set: it has seen the records to be predicted.

    Raises:
        ConfigError: it is such a run.
    """
    if not config.training.init:
        return
    source = Run.open(config.training.init)
    if source.learns_labels and source.info["arrays"]["tokens.npy"] == dataset.info["arrays"]["tokens.npy"]:
        raise ConfigError(
            f"{param('init')}: {source.path} was trained on the labels of this data set, which it would know again in the "
            "records to predict; start from a pretrained run, or from one that was trained on other data",
            option="init",
        )


def method_name(config: Config) -> str:
    """Return what is trained, for the name of a training: the mixer, or the lexical model alone."""
    return config.model.mixer if config.model.mixer != NO_MIXER else config.model.lexical
