"""Every number that a user can give has a range with two ends, declared once."""

import dataclasses
import importlib
import inspect
import math
import pkgutil
import random
import re
from types import NoneType, UnionType
from typing import Union, get_args, get_origin

import pytest
import typer

import seqmix
from seqmix import cli
from seqmix.config import Config, DataConfig, ModelConfig, TrainingConfig
from seqmix.config.options import options_of
from seqmix.config.tables import parse_setting
from seqmix.errors import ConfigError, SeqmixError
from seqmix.recipes import read_recipe, recipe_names
from seqmix.system.ranges import NUMBERS, Range, check_numbers
from seqmix.training.resolve import check_tables
from tests.support import random_dna
from tests.test_architecture import leaves

WRITTEN_AS_TEXT = {"budget", "features", "length", "lengths", "lr", "tokens_per_batch"}  # numbers of commands


def declaring():
    """Return every dataclass of the package that declares options."""
    found = {}
    for module in pkgutil.walk_packages(seqmix.__path__, "seqmix."):
        if module.name not in ("seqmix.__main__", "seqmix.bench.measure"):
            for one in vars(importlib.import_module(module.name)).values():
                if isinstance(one, type) and dataclasses.is_dataclass(one) and options_of(one):
                    found[one.__name__] = one
    return found


def parts(type_):
    return [part for part in get_args(type_) if part is not NoneType] if get_origin(type_) in (Union, UnionType) else [type_]


def test_every_declared_number_has_two_ends_and_its_default_between_them():
    kinds = declaring()
    assert {"ModelConfig", "TrainingConfig", "DataConfig", "PrepareOptions", "PredictOptions", "MotifsOptions"} <= kinds.keys()
    for kind in kinds.values():
        for one in options_of(kind).values():
            if not {int, float}.isdisjoint(parts(one.type)):
                assert one.ends, f"{kind.__name__}.{one.name} has no range with two ends"
                assert one.holds(one.default), f"{kind.__name__}.{one.name}"
                assert not one.holds(10**400) and not one.holds(-(10**400)), f"{kind.__name__}.{one.name}"


@pytest.mark.parametrize("value", [10**31, -(10**31)])
@pytest.mark.parametrize("table", ["model", "training", "data"])
def test_every_number_of_the_configuration_is_refused_outside_its_range(table, value):
    kind = {"model": ModelConfig, "training": TrainingConfig, "data": DataConfig}[table]
    for name, one in options_of(kind).items():
        if not {int, float}.isdisjoint(parts(one.type)):
            with pytest.raises(ConfigError, match=rf"{table}\.{name} must be .*: got -?1000") as caught:
                Config.from_tables({table: {name: value}})
            assert caught.value.option == f"{table}.{name}"


def test_every_number_of_a_command_has_two_ends():
    declared = {name for kind in declaring().values() for name in options_of(kind)}
    for command, found in leaves(typer.main.get_command(cli.app)):
        for one in [one for one in found.params if one.param_type_name == "option"]:
            if one.display_type(None) in ("<int>", "<float>") and one.name != "top":  # whose end is the number of classes
                assert one.name in declared | NUMBERS.keys(), f"{command}: {one.opts[0]} has no range"
    assert all(one.ends for one in NUMBERS.values())
    assert declared | NUMBERS.keys() >= WRITTEN_AS_TEXT


def functions():
    """Yield the functions of the Python interface, and the methods that users call with options, by name."""
    for name in seqmix.__all__:
        found = getattr(seqmix, name)
        if inspect.isfunction(found):
            yield name, found
    for owner in (seqmix.SeqmixClassifier, seqmix.SeqmixRegressor):
        yield owner.__name__, owner.__init__
    yield "Run.predict", seqmix.Run.predict
    yield "Dataset.to_torch", seqmix.Dataset.to_torch


def is_number(annotation):
    """Whether a parameter takes a number or whole numbers, other than data such as the mean of a channel."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return bool(re.fullmatch(r"(Sequence\[int\]|int|float)( \| (str|None))*", text))


OF_ESTIMATORS = {"validation_fraction"}  # which has a range of its own
OTHER_PART = {
    (function, name) for function in ("train", "crossval", "learning_curve") for name in ("mask", "mask_span")
}  # refused whatever their value, see `pretrain`


def test_every_number_of_the_python_interface_has_two_ends():
    declared = {name for kind in declaring().values() for name in options_of(kind)}
    seen = set()
    for function, call in functions():
        for one in inspect.signature(call).parameters.values():
            if is_number(one.annotation):
                seen.add(one.name)
                assert one.name in declared | NUMBERS.keys() | OF_ESTIMATORS, f"{function}: {one.name} has no range"
    assert seen >= {"resamples", "threads", "seeds", "lengths", "features", "d_model", "budget", "memory_limit", "n_classes"}


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_every_number_of_the_python_interface_is_refused_outside_its_range(dataset, tmp_path, value):
    sequences, targets = [random_dna(16, random.Random(i)) for i in range(20)], [0, 1] * 10
    needed = {
        "build_model": {"config": ModelConfig(max_length=8), "vocab_size": 9, "n_classes": 2},
        "compare": {"data": dataset, "output": tmp_path / "c", "mixers": ["softmax"]},
        "crossval": {"data": dataset, "output": tmp_path / "v"},
        "evaluate": {"run": tmp_path / "run"},
        "generate": {"task": "adding", "output": tmp_path / "g"},
        "learning_curve": {"data": dataset, "output": tmp_path / "l"},
        "predict": {"inputs": [tmp_path / "x.fa"], "run": tmp_path / "run"},
        "prepare": {"inputs": [tmp_path / "x.fa"], "output": tmp_path / "p", "task": "regression"},
        "pretrain": {"data": dataset, "output": tmp_path / "t"},
        "reproduce": {"suite": "lra", "output": tmp_path / "r", "generated": True},
        "reproduce_scalability": {"output": tmp_path / "s"},
        "train": {"data": dataset, "output": tmp_path / "t"},
        "Dataset.to_torch": {"self": dataset},
    }
    for function, call in functions():
        for name, one in inspect.signature(call).parameters.items():
            if not is_number(one.annotation) or function == "Run.predict" or (function, name) in OTHER_PART:
                continue
            outside = (value,) if "Sequence" in str(one.annotation) else value
            with pytest.raises(SeqmixError, match=rf"{name}\W.*must be|^\W*{name}.*must be"):
                if function.startswith("Seqmix"):
                    getattr(seqmix, function)(**{name: outside}).fit(sequences, targets)
                else:
                    call(**needed.get(function, {}) | {name: outside})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_outside_are_refused_and_ends_are_allowed(name):
    one = NUMBERS[name]
    low, high = one.at_least if one.above is None else one.above, one.at_most
    for value in (10**31, -(10**31), high + 1, low - 1, math.nan):
        with pytest.raises(ConfigError, match=rf"^{name} must be .*: got") as caught:
            check_numbers(**{name: value})
        assert caught.value.option == name
    check_numbers(**{name: high})
    check_numbers(**{name: None})


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        (Range(at_least=1), "at least 1"),
        (Range(at_least=0), "0 or more"),
        (Range(above=0), "above 0"),
        (Range(at_least=0, below=1), "from 0 to below 1"),
        (Range(above=0, below=1), "above 0 and below 1"),
        (Range(above=0, at_most=1000), "above 0 and at most 1,000"),
        (Range(at_least=1, at_most=1 << 20), "from 1 to 1,048,576"),
        (Range(at_least=1, at_most=9, parity="odd", or_zero=True), "0, or odd and from 1 to 9"),
        (Range(choices=("a", "b")), "one of a, b"),
        (Range(), ""),
    ],
)
def test_ranges_in_words(allowed, words):
    assert allowed.range == words


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("option", ["training.seed", "training.lr", "model.gate", "model.d_model", "data.max_length"])
def test_numbers_of_hundreds_of_digits_are_refused(option, digits):
    table, name, value = parse_setting(f"{option}={'9' * digits}")
    with pytest.raises(ConfigError, match=name):
        Config.from_tables({table: {name: value}})
    with pytest.raises(ConfigError, match=name):
        Config.from_tables({table: {name: 10**digits}})


def test_file_with_a_number_of_thousands_of_digits_is_refused(tmp_path):
    (tmp_path / "c.toml").write_text(f"[training]\nseed = {'9' * 5000}\n")
    with pytest.raises(ConfigError, match=r"c\.toml: not valid TOML"):
        seqmix.train(config=tmp_path / "c.toml")


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_are_in_the_ranges(name):
    tables = read_recipe(name)
    check_tables(tables)


def test_windows_and_spans_for_which_batches_would_fill_the_memory_are_refused():
    for kind, name in ((ModelConfig, "stride"), (TrainingConfig, "mask_span")):
        kind(**{name: 65_536})
        with pytest.raises(ConfigError, match=rf"{name} must be from \d to 65,536: got 1000000"):
            kind(**{name: 10**6})


def test_generous_values_are_allowed():
    ModelConfig(d_model=10**6, max_length=10**12, kmer=10)
    TrainingConfig(seed=2**63 - 1, max_steps=10**12, tokens_per_batch=10**9, budget=10**9)
