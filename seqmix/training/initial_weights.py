"""Weights to start from: those of another run's mixing branch, trained or pretrained (`training.init`).

Everything up to the pooling is taken over, and the head too where its outputs mean the same; otherwise the head is new. The
lexical branch of the other run is left where it is: a new one is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqmix.config import Config
from seqmix.config.tables import Table, merge
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, RunError, command, param
from seqmix.models.inputs import InputSpec
from seqmix.run import Run
from seqmix.system.files import file_checksum
from seqmix.training.events import WeightsTaken

if TYPE_CHECKING:
    from torch import nn

    from seqmix.models.members import MixingBranch

_OWN = {"unknown", "mean", "scale"}  # what the vocabularies of two data sets may differ in


def initial_run(layers: Sequence[Mapping[str, Table]]) -> tuple[Run | None, dict[str, Table]]:
    """Return the run whose weights are asked for, and the layer that stores its folder and checksum; None for no run.

    Args:
        layers: layers of the user's settings, lowest first.

    Raises:
        RunError: the run is missing, damaged, or has no trained mixer.
        ConfigError: its weights are not those that a configuration was written with.
    """
    # A checksum in a lower layer than the run is that of another run.
    last = max((i for i, one in enumerate(layers) if "init" in one.get("training", {})), default=len(layers))
    training = merge(*layers[last:]).get("training", {})
    if not training.get("init"):
        return None, {}
    run = Run.open(training["init"])
    if not run.has_mixer:
        raise RunError(f"{run.path}: its model is a lexical one alone: there are no weights of a mixer to start from")
    run.check_trained()
    path = run.path.absolute()
    checksum = file_checksum(path / "model.safetensors")
    if training.get("init_checksum", checksum) not in ("", checksum):
        raise ConfigError(
            f"{path}: its weights are not those of training.init_checksum: the run was trained again; to start from the new "
            f"ones, set training.init_checksum to ''",
            option="training.init_checksum",
        )
    return run, {"training": {"init": str(path), "init_checksum": checksum}}


def model_layer(run: Run, dataset: Dataset, given: Mapping[str, Table]) -> dict[str, Table]:
    """Return the settings of the model that come with the weights of a run: all but those of the lexical branch.

    Args:
        run: the run.
        dataset: the data set to train on.
        given: the user's settings.

    Raises:
        ConfigError: another mixer is given.
        DatasetError: the vocabularies differ.
    """
    _check_vocabulary(run, dataset)
    tables = run.config.to_tables()
    if (mixer := given.get("model", {}).get("mixer", run.config.model.mixer)) != run.config.model.mixer:
        raise ConfigError(
            f"{param('mixer')} = {mixer}: the weights of {run.path} are of {run.config.model.mixer}; leave the option out, or "
            f"start from another run than {param('init')} names",
            option="model.mixer",
        )
    return {"model": {name: value for name, value in tables["model"].items() if name != "lexical"}, "mixer": tables["mixer"]}


def _check_vocabulary(run: Run, dataset: Dataset) -> None:
    """Raise a `ConfigError` unless the tokens of the data set mean what they mean to the run."""
    known, found = (
        {name: value for name, value in vocabulary.to_dict().items() if name not in _OWN}
        for vocabulary in (run.vocabulary, dataset.vocabulary)
    )
    if known == found:
        return
    alphabets = known["alphabet"], found["alphabet"]
    sizes = len(run.vocabulary.symbols), len(dataset.vocabulary.symbols)
    both = " and ".join(
        f"{path} {'has' if number else 'reads'} the alphabet {alphabet} ({size:,} symbols)"
        for number, (path, alphabet, size) in enumerate(zip((run.path, dataset.path), alphabets, sizes, strict=True))
    )
    raise ConfigError(
        f"{both}{', with other symbols' if alphabets[0] == alphabets[1] else ''}: its weights cannot be used for these data; "
        f"prepare the data with the vocabulary of the run: {command('prepare')} with {param('vocabulary_from', str(run.path))}",
        option="training.init",
    )


def check_shapes(run: Run, dataset: Dataset, config: Config) -> None:
    """Refuse settings with which the weights of a run do not fit, apart from those of the head.

    Args:
        run: the run.
        dataset: the data set to train on.
        config: the configuration to train with.

    Raises:
        ConfigError: there are such settings; the message names them.
        RunError: the weights are damaged.
    """
    run.weights()  # are whole
    wanted = _shapes(run.config, dataset)
    if _shapes(config, dataset) == wanted:
        return
    stored, tables = run.config.to_tables(), config.to_tables()
    wrong = []
    for table in ("model", "mixer"):
        for name, value in tables[table].items():
            before = stored[table].get(name)
            if value != before and _changes(run.config, table, name, value, dataset, wanted):
                wrong.append((f"{table}.{name}", value, before))
    stated = ", ".join(f"{param(name)} = {value}" for name, value, _ in wrong) or "the settings of the model"
    own = ", ".join(f"{before}" for *_, before in wrong)
    raise ConfigError(
        f"{stated}: the weights of {run.path} do not fit{f' (it has {own})' if own else ''}; leave "
        f"{'these options' if len(wrong) != 1 else 'the option'} out, or start from another run",
        option=wrong[0][0] if len(wrong) == 1 else None,
    )


def _changes(config: Config, table: str, name: str, value: Any, dataset: Dataset, wanted: Any) -> bool:
    """Return whether this setting alone changes the shapes of the weights."""
    try:
        return _shapes(Config.from_tables(merge(config.to_tables(), {table: {name: value}})), dataset) != wanted
    except ConfigError:  # it only goes together with another one
        return True


def _shapes(config: Config, dataset: Dataset) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a model for a data set, without those of its head."""
    from seqmix.models.classifier import without_memory
    from seqmix.models.mixing import new_mixing_branch

    inputs = InputSpec.of(dataset.vocabulary, paired=dataset.n_sequences == 2)
    objective, unknown = dataset.objective, dataset.vocabulary.unknown_id
    model = without_memory(lambda: new_mixing_branch(config, inputs, objective, unknown))
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if not _of_head(name)}


def _of_head(name: str) -> bool:
    """Return whether the weights of this name belong to a head, or to the pooled features it reads; also those of a member."""
    return not {"head", "standardisation"}.isdisjoint(name.split(".")[:2])


def take_weights(model: MixingBranch, run: Run) -> WeightsTaken:
    """Give a new model the weights of the run that `training.init` of its own run names.

    Args:
        model: the model of the run.
        run: the run that is about to be trained.

    Raises:
        RunError: the other run is missing, or has other weights than when this run was created.
    """
    from seqmix.models.branches import mixing_weights

    training = run.config.training
    try:
        source = Run.open(training.init)
    except RunError as error:
        raise RunError(
            f"{run.path}: no step was trained yet, so the weights that training.init in config.toml names are needed: "
            f"{error.text}"
        ) from error
    tensors, _ = source.weights()
    if file_checksum(source.path / "model.safetensors") != training.init_checksum:
        raise RunError(
            f"{source.path}: it has other weights than when {run.path} was started from it; start a new run, or restore them"
        )
    found, own = mixing_weights(tensors), model.state_dict()
    head = {name: tensor for name, tensor in found.items() if _of_head(name)}
    fits = {name: tensor.shape for name, tensor in head.items()} == {
        name: tensor.shape for name, tensor in own.items() if _of_head(name)
    }
    keep = fits and run.objective.continues(source.objective)
    taken = {name: tensor for name, tensor in found.items() if keep or name not in head}
    model.load_state_dict({**own, **taken})
    return WeightsTaken(
        source=source.path,
        pretrained=not source.learns_labels,
        parameters=sum(parameter.numel() for name, parameter in model.named_parameters() if name in taken),
        new_head=not keep,
        frozen=training.freeze,
    )


def freeze(model: nn.Module) -> None:
    """Let only the head be trained: embedding, stem, blocks, norms and the k-mer branch keep their weights."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(_of_head(name))
