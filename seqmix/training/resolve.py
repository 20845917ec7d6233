"""The full configuration of a new run: user settings, over a recipe, over values that suit the data, over the defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqmix.config import Config, ModelConfig
from seqmix.config.model import NO_MIXER
from seqmix.config.options import check_name, options_of
from seqmix.config.tables import Table, merge
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, DatasetError, command, param
from seqmix.mixers import available_mixers, check_mixer_options, mixer_declares
from seqmix.models.lexical_spec import suiting_lexical
from seqmix.recipes import read_recipe
from seqmix.system.devices import check_device
from seqmix.training.default_recipe import default_recipe
from seqmix.training.initial_weights import check_shapes, initial_run, model_layer
from seqmix.training.origin import Origin
from seqmix.training.stated import KINDS, stated_layers
from seqmix.training.without_effect import check_effect, check_for_labels, check_without_mixer

_OF_WORDS = ("words", "subwords")  # alphabets whose symbols stand for several characters


class Resolved(NamedTuple):
    """The data set and the configuration of a new run.

    Attributes:
        dataset: the data set.
        config: the full configuration.
        origin: where the settings come from that the user did not state.
        adapted: settings of the recipe that the user's own rule out, by option: their values in the recipe, and here.
    """

    dataset: Dataset
    config: Config
    origin: Origin
    adapted: dict[str, tuple[Any, Any]]


def mixer_with_options(given: Mapping[str, Mapping[str, Any]]) -> tuple[str, Table]:
    """Return the name of the mixer that the tables set, and the defaults of its options.

    Raises:
        ConfigError: there is no such mixer, or the tables set an option that it does not have.
    """
    name = given.get("model", {}).get("mixer", ModelConfig().mixer)
    if name == NO_MIXER:
        return name, {}
    check_name(name, [*available_mixers(), NO_MIXER], f"there is no mixer '{name}'", "available")
    return name, check_mixer_options(name, given.get("mixer", {}))


def resolve(dataset: Dataset, *layers: Mapping[str, Mapping[str, Any]]) -> Config:
    """Return the full configuration for a data set.

    Args:
        dataset: the data set.
        layers: tables of settings, each overriding those before it, the mixer's defaults and the general defaults.

    Raises:
        ConfigError: an option is unknown or its value is not allowed.
    """
    given = merge(*layers)
    name, defaults = mixer_with_options(given)
    prepared = dataset.info["options"]
    below = {
        "training": {"select": next(iter(dataset.objective.selections))},
        "model": mixer_declares(name, "model_defaults") if name != NO_MIXER else {"lexical": "auto"},
        "mixer": defaults,
        "data": {"max_length": prepared["max_length"] or 0, "truncate": prepared["truncate"]},
    }
    config = Config.from_tables(merge(below, given))
    _check_mixer(config.model)
    lexical = _lexical(dataset, config.model)
    config = replace(config, model=replace(config.model, lexical=lexical))
    if not config.data.max_length:
        config = replace(config, data=replace(config.data, max_length=prepared["max_length"] or 0))
    if not config.model.max_length:
        config = replace(config, model=replace(config.model, max_length=_model_length(dataset, config)))
    if not (dataset.learns_labels or config.training.mask_span):
        config = replace(config, training=replace(config.training, mask_span=_mask_span(dataset, config.model)))
    return config


def check_tables(*layers: Mapping[str, Mapping[str, Any]]) -> None:
    """Check settings before there is a data set; layers as in `resolve`.

    Raises:
        ConfigError: an option is unknown or its value is not allowed.
    """
    given = merge(*layers)
    name, _ = mixer_with_options(given)
    below = {"model": mixer_declares(name, "model_defaults")} if name != NO_MIXER else {}
    _check_mixer(Config.from_tables(merge(below, given)).model)


def _check_mixer(model: ModelConfig) -> None:
    """Raise a `ConfigError` if the mixer's options do not suit the width of the model, or of its second member."""
    if model.mixer != NO_MIXER:
        for member in [model, model.of_second()] if model.second else [model]:
            check_mixer_options(member.mixer, member.mixer_options, member.d_model)


def _mask_span(dataset: Dataset, model: ModelConfig) -> int:
    """Return the length of the spans that pretraining hides: no token or window of a model is longer."""
    return max(
        3 if dataset.vocabulary.alphabet in _OF_WORDS or model.hashed_words else 8, max(1, model.kmer) + model.stride - 1
    )


def _lexical(dataset: Dataset, model: ModelConfig) -> str:
    """Return the lexical branch of a model for a data set: "kmers", "ngrams" or "none".

    Raises:
        ConfigError: the branch does not suit the data, or there is neither a branch nor a mixer.
    """
    if not dataset.learns_labels and model.lexical not in ("none", "auto"):
        raise ConfigError(
            f"{command('pretrain')} trains the mixing branch alone: leave model.lexical out", option="model.lexical"
        )
    suits = suiting_lexical(dataset)
    found = suits if model.lexical == "auto" else model.lexical
    if found not in ("none", suits):
        counted = {"kmers": "DNA or proteins", "ngrams": "texts"}[found]
        raise ConfigError(
            f"{param('model.lexical')} = {found} needs {counted}; use {param('lexical', 'auto')}", option="model.lexical"
        )
    if found == "none" and model.mixer == NO_MIXER:
        why = "" if suits != "none" else ", and these data have no letters or words to count"
        raise ConfigError(
            f"there is nothing to train: {param('mixer')} and {param('lexical')} are both none{why}; choose a mixer"
            + (f", or {param('lexical', 'auto')}" if suits != "none" else ""),
            option="model.mixer",
        )
    return found


def _model_length(dataset: Dataset, config: Config) -> int:
    """Return the length that a model is built for: that of the longest record, or of a typical one if that is enough."""
    longest = config.longest_view(config.data.max_length or int(dataset.lengths.max()))
    if (
        config.model.mixer == NO_MIXER
        or config.model.pooling == "flat"
        or config.model.positions
        or mixer_declares(config.model.mixer, "for_longest")
    ):
        return longest
    return min(longest, int(np.quantile(dataset.lengths[dataset.indices("train")], 0.75, method="nearest")))


def resolve_run(
    data: str | Path | Dataset | None,
    options: Mapping[str, Any],
    recipe: str | Mapping[str, Table] | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    opened: Callable[[str | Path | Dataset], Dataset] | None = None,
) -> Resolved:
    """Return the data set and the full configuration of a new run.

    Args:
        data: see `train`.
        options: the options of `train`; None for an option that is not given.
        recipe: name of a recipe, or its settings; None for the default, {} for none.
        config: see `train`.
        settings: see `train`.
        opened: opens the data set; `open_labelled` if None.

    Raises:
        ConfigError: an option is unknown, not allowed, or does not suit the data set.
        DatasetError: there is no data set, or it cannot be trained on.
        RunError: the run that `training.init` names cannot be used.
    """
    layers = stated_layers(options, config, settings)
    stated = merge(*layers)
    dataset = (opened or open_labelled)(data or stated.get("data", {}).get("path") or "seqmix-data")
    complete = config and not isinstance(config, Mapping)  # a mapping states some settings, like `settings`
    named = recipe is not None
    if recipe is None and not complete:
        recipe = default_recipe(dataset)
    tables = read_recipe(recipe) if isinstance(recipe, str) else recipe or {}
    own = merge(*stated_layers(options, None, settings))  # a file may be a complete configuration
    _check_stated(own, merge(tables, stated), dataset)
    source, init_layer = initial_run(layers)
    of_source = model_layer(source, dataset, merge(tables if named else {}, stated)) if source else {}
    windows = _suitable_windows(tables, stated)
    # The settings of the initial run's model are above those of a recipe that nobody named.
    beneath = [of_source, tables, windows] if named else [tables, windows, of_source]
    limits = _without_limits(stated.get("training", {}))
    origin = Origin(
        stated=stated,
        recipe=recipe if isinstance(recipe, str) else "",
        of_recipe=tables,
        named=named,
        run=source.path if source else None,
        of_run=of_source,
    )
    with origin.named_in_errors():
        resolved = _settled(dataset, *beneath, _suiting(dataset), limits, *layers, init_layer)
        check_effect(resolved.model, own.get("model", {}))
        if source:
            check_shapes(source, dataset, resolved)
    return Resolved(dataset, resolved, origin, _changes(windows, tables, resolved))


def _changes(windows: Mapping[str, Table], recipe: Mapping[str, Table], config: Config) -> dict[str, tuple[Any, Any]]:
    """Return what a recipe's windows were changed from and to, by option."""
    return {
        f"model.{name}": (recipe["model"][name], value)
        for name, value in windows.get("model", {}).items()
        if getattr(config.model, name) == value
    }


def _check_stated(own: Mapping[str, Table], given: Mapping[str, Table], dataset: Dataset) -> None:
    """Refuse stated options that this training has no use for.

    Args:
        own: the options that the user states.
        given: these over the recipe and the configuration.
        dataset: the data set.

    Raises:
        ConfigError: there is such an option.
    """
    model = given.get("model", {})
    if dataset.learns_labels:
        check_for_labels(own.get("training", {}))
        if model.get("mixer") == NO_MIXER:
            check_without_mixer(own)
    elif model.get("mixer") == NO_MIXER:
        raise ConfigError(f"{command('pretrain')} trains the mixing branch alone: choose a mixer", option="model.mixer")


def _settled(dataset: Dataset, *layers: Mapping[str, Table]) -> Config:
    """Return the configuration, checked against the data set and the device before a folder is made."""
    resolved = resolve(dataset, *layers)
    resolved = replace(resolved, data=replace(resolved.data, path=str(dataset.path.absolute())))
    dataset.objective.check(resolved.training)
    _check_windows(resolved)
    if not dataset.learns_labels:
        _check_pretraining(resolved)
    check_device(resolved.training.device, resolved.training.precision)
    if resolved.training.reverse_complement and dataset.vocabulary.complement is None:
        share = resolved.training.reverse_complement
        raise ConfigError(
            f"training.reverse_complement = {share:g}: only DNA has a reverse strand; set it to 0",
            option="training.reverse_complement",
        )
    return resolved


def _check_windows(config: Config) -> None:
    """Raise a `ConfigError` if the model sees parts of records that are shorter than one of its windows."""
    stride = config.model.stride if config.model.mixer != NO_MIXER else 1
    for option, length in {"training.crop_length": config.training.crop_length, "data.window": config.data.window}.items():
        if 0 < length < stride:
            raise ConfigError(
                f"{option} = {length} is shorter than model.stride = {stride}, the window that is pooled to one position: use "
                "a longer one, or a smaller model.stride",
                option=option,
            )


def _without_limits(stated: Table) -> dict[str, Table]:
    """Return the layer that removes the limits of a recipe and of the defaults that the user's own limits replace.

    The learning rate then falls until the user's limit: a recipe's limits are meant for training without other limits.
    """
    limits = ["epochs", "budget", "max_steps"]
    if stated.get("budget") or stated.get("max_steps"):
        limits.append("patience")
    if not any(stated.get(name) for name in limits):
        return {}
    return {"training": {name: 0 for name in limits if name not in stated}}


def _suiting(dataset: Dataset) -> dict[str, Table]:
    """Return the layer that replaces a recipe's settings for classes where there are none: in a regression, and in pretraining.

    Pretraining sees both strands of DNA, and its scores are not those that a recipe means.
    """
    if dataset.objective.has_classes:
        return {}
    if dataset.learns_labels:
        return {"training": {"label_smoothing": 0.0}}
    both = 0.5 if dataset.vocabulary.complement else 0.0
    own = {"training": {"select": "loss", "goal": 0.0, "reverse_complement": both}}
    return merge(_without_labels(), own)


def _without_labels() -> dict[str, Table]:
    """Return the options that are for labels, by table, with the values that leave them without effect."""
    return {
        table: {name: one.default for name, one in options_of(kind).items() if one.for_labels} for table, kind in KINDS.items()
    }


def _check_pretraining(config: Config) -> None:
    """Raise a `ConfigError` if an option of training is for labels, which pretraining does not look at."""
    for name, value in _without_labels()["training"].items():
        if getattr(config.training, name) != value:
            raise ConfigError(
                f"{command('pretrain')} does not look at labels: leave out {param(f'training.{name}')}",
                option=f"training.{name}",
            )


def _suitable_windows(recipe: Mapping[str, Table], stated: Mapping[str, Table]) -> dict[str, Table]:
    """Return the layer that changes a recipe's windows where the user's own settings of the model rule them out."""
    own = stated.get("model", {})
    model = recipe.get("model", {}) | own
    changed: Table = {}
    if own.get("pooling") == "cls" and "stride" not in own and model.get("stride", 1) > 1:
        changed["stride"] = 1  # CLS must not be pooled with the tokens after it
    stride, frames = changed.get("stride", model.get("stride", 1)), model.get("frames", 1)
    if "frames" not in own and stride % frames:
        changed["frames"] = 1
    if model.get("second") and "kmer" in own and "second" not in own:
        changed["second"] = {}  # whose k-mers are another choice of the recipe
    if "moments" not in own and model.get("moments") and model.get("pooling") in ("cls", "flat"):
        changed["moments"] = 0
    return {"model": changed} if changed else {}


def layers_beneath(recipe: str | None, dataset: Dataset, given: Sequence[Mapping[str, Table]]) -> list[Mapping[str, Table]]:
    """Return the layers of a recipe that is given again with `resume`: its settings, without those that are replaced."""
    if not recipe:
        return []
    tables, own = read_recipe(recipe), merge(*given)
    stated = own.get("training", {})
    replaced = _without_limits(stated).get("training", {})
    limits = {"training": {name: 0 for name in replaced if name in tables.get("training", {})}}
    return [tables, limits, _suitable_windows(tables, own), _suiting(dataset)]


def open_labelled(data: str | Path | Dataset) -> Dataset:
    """Return a data set that can be trained on.

    Raises:
        DatasetError: the data set is missing or damaged, has no labels, or has no training records.
    """
    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    if not dataset.labelled:
        raise DatasetError(
            f"{dataset.path}: the data set has no labels to learn; run {command('prepare')} again "
            f"with labels: a file for each class, or {param('label_from')} header:KEY, table:FILE or column:NAME"
            + ("" if dataset.vocabulary.channels else f"; {command('pretrain')} learns from sequences without labels")
        )
    if not len(dataset.indices("train")):
        raise DatasetError(
            f"{dataset.path}: the training split is empty; run {command('prepare')} again with another {param('split')}"
        )
    return dataset
