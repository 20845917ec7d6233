"""Messages: each reader sees options and commands in their own spelling."""

import pytest

from seqmix.cli.console import in_flags
from seqmix.errors import ConfigError, RunError, SeqmixError, command, param, suggestion


@pytest.mark.parametrize(
    ("text", "python", "flags"),
    [
        (f"{param('max_length')} must be at least 1", "max_length must be at least 1", "--max-length must be at least 1"),
        (f"replace it with {param('overwrite', True)}", "replace it with overwrite=True", "replace it with --overwrite"),
        (f"use {param('alphabet', 'protein')}", "use alphabet='protein'", "use --alphabet protein"),
        (f"use {param('max_length', 40)}", "use max_length=40", "use --max-length 40"),
        (f"{param('settings')}: no", "settings: no", "--set: no"),
        (f"{param('training.epochs')} must be", "training.epochs must be", "--epochs (training.epochs) must be"),
        (f"{param('model.d_model')} must be", "model.d_model must be", "model.d_model must be"),
        (f"{param('model.max_length')} must be", "model.max_length must be", "model.max_length must be"),
        (f"run {command('prepare')} again", "run seqmix.prepare again", "run seqmix prepare again"),
        (f"then {command('eval')}", "then seqmix.evaluate", "then seqmix eval"),
        (f"run {command('prepare', 'a b')} first", "run seqmix.prepare('a b') first", "run seqmix prepare 'a b' first"),
    ],
)
def test_options_and_commands_are_spelled_for_the_reader(text, python, flags):
    error = SeqmixError(text)
    assert str(error) == python
    assert in_flags(error.text) == flags


def test_quoted_message_keeps_its_marks():
    inner = ConfigError(f"{param('max_length')} is too small", option="max_length")
    outer = RunError(f"runs/1: {inner.text}")
    assert str(outer) == "runs/1: max_length is too small"
    assert in_flags(outer.text) == "runs/1: --max-length is too small"


def test_suggestion_is_made_only_for_a_close_name():
    assert suggestion("paramxier", ["paramixer", "softmax"]) == "; did you mean 'paramixer'?"
    assert suggestion("zzz", ["paramixer", "softmax"]) == ""
