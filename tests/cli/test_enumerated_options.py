"""Every wrong value of an option that has a list of values is refused before anything else, by every command and in Python."""

from typing import Literal, get_args, get_origin

import pytest
import typer
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.config.model import ModelConfig
from seqmix.config.options import options_of
from seqmix.config.training import TrainingConfig
from seqmix.data.options import PrepareOptions, ReadOptions
from seqmix.errors import ConfigError
from seqmix.models.predict_options import PredictOptions

WRONG = ["fp64", "", "None", "FP 32", "ä", "-"]


def enumerated():
    """Yield the words of each command, a flag that has a list of values, and these."""
    waiting = [((), typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        waiting += [((*words, name), one) for name, one in getattr(command, "commands", {}).items()]
        for one in command.params:
            kind = one.type_descriptor.annotation
            if get_origin(kind) is Literal:
                yield pytest.param(words, one.opts[0], get_args(kind), id=" ".join((*words, one.opts[0])))


ENUMERATED = list(enumerated())


def test_there_are_such_options():
    flags = {param.id for param in ENUMERATED}
    assert {"predict --precision", "train --precision", "eval --split", "prepare --task"} <= flags and len(flags) > 15


@pytest.mark.parametrize(("words", "flag", "choices"), ENUMERATED)
def test_wrong_value_of_a_flag_is_refused(words, flag, choices):
    for wrong in WRONG[:2]:
        result = CliRunner().invoke(app, [*words, f"{flag}={wrong}"], env={"COLUMNS": "1000"})
        assert result.exit_code == 2 and isinstance(result.exception, SystemExit), (wrong, result.exception)
        assert "is not one of" in result.stderr and all(choice in result.stderr for choice in choices)


GROUPS = [PredictOptions, PrepareOptions, ReadOptions, TrainingConfig, ModelConfig]
DECLARED = [
    pytest.param(group, name, id=f"{group.__name__}.{name}")
    for group in GROUPS
    for name, one in options_of(group).items()
    if one.choices
]


@pytest.mark.parametrize(("group", "name"), DECLARED)
def test_wrong_value_in_python_is_refused(group, name):
    for wrong in (*WRONG, 64, b"fp32", ["fp32"], True):
        with pytest.raises(ConfigError, match=name):
            group(**{name: wrong})


@pytest.mark.parametrize("wrong", [*WRONG, 64])
def test_unknown_precision_is_refused_before_a_run_is_opened(wrong):
    for call in (seqmix.evaluate, lambda run, **options: seqmix.predict(sequences=["ACGT"], run=run, **options)):
        with pytest.raises(ConfigError, match="precision"):
            call("no such run", precision=wrong)
