"""Flags come from the declared options: `--help` shows their choices, and a wrong choice is a usage error."""

import re

import pytest
import typer.main
from typer.testing import CliRunner

from seqmix import cli
from seqmix.cli.options import TRAIN_FLAGS, complete_mixers, complete_recipes
from seqmix.config.options import options_of
from seqmix.data.options import PrepareOptions, ReadOptions

DECLARED = {"train": TRAIN_FLAGS, "prepare": {**options_of(PrepareOptions), **options_of(ReadOptions)}}
CHOICES = [(command, one) for command, options in DECLARED.items() for one in options.values() if one.choices]
every_choice = pytest.mark.parametrize(("command", "one"), CHOICES, ids=lambda value: getattr(value, "flag", value))


@pytest.fixture
def call(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(cli.app, arguments)


@every_choice
def test_help_shows_every_choice(command, one, call):
    shown = " ".join(call(command, "--help").output.replace("│", " ").split())
    assert one.flag in shown
    assert all(choice in shown for choice in one.choices)


@every_choice
def test_invalid_choice_is_a_usage_error_that_lists_choices(command, one, call):
    done = call(command, one.flag, "neither")
    assert done.exit_code == 2
    assert one.flag in done.output and all(choice in done.output for choice in one.choices)


def test_help_shows_whole_names_of_flags_in_80_columns(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name, command in typer.main.get_command(cli.app).commands.items():
        for words in [[name, inner] for inner in getattr(command, "commands", ())] or [[name]]:
            shown = call(*words, "--help").output
            assert "--help" in shown and not re.search(r"--[a-z-]*…", shown), words


@pytest.mark.parametrize("command", DECLARED)
def test_help_states_default_of_every_declared_flag(command):
    group = typer.main.get_command(cli.app)
    shown = {p.opts[0]: p.help for p in group.commands[command].params if p.param_type_name == "option"}
    for one in DECLARED[command].values():
        if one.flag:
            assert "(default: " in shown[one.flag], one.flag


def test_mixers_and_recipes_are_completed():
    assert complete_mixers("para") == ["paramixer"]
    assert "paramixer/genome" in complete_recipes("paramixer/")
