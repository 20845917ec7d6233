"""A message recommends only what the command at hand offers."""

import ast
from pathlib import Path

import pytest
import typer.main

import seqmix
from seqmix import cli
from seqmix.cli.console import _flag, _running, in_flags
from seqmix.cli.evaluate import evaluate
from seqmix.cli.predict import predict
from seqmix.cli.prepare import prepare
from seqmix.errors import SeqmixError, advice, command, param

PACKAGE = Path(seqmix.__file__).parent
READ_BY_ALL = ["data/readers/*.py", "data/vocabulary/*.py", "data/records.py", "data/label_source.py", "data/reading.py"]
READ_BY_ALL += ["data/writer.py", "data/inputs.py", "models/predictor.py"]
# Messages in these files that only `prepare` meets, with what they recommend; and what only evaluation meets.
ELSEWHERE = {
    ("data/vocabulary/fixed.py", "alphabet"),  # of a vocabulary that is not trained
    ("data/vocabulary/fixed.py", "unknown"),
    ("data/vocabulary/base.py", "alphabet"),
    ("data/vocabulary/gathered.py", "alphabet"),
    ("data/vocabulary/numeric.py", "alphabet"),
    ("data/vocabulary/subword_learning.py", "alphabet"),
    ("data/records.py", "label_from"),  # asked for labels, which predict does not read
    ("data/label_source.py", "label_from"),
    ("models/predictor.py", "max_length"),  # of the command train, which the message names
}


def flags_of(name):
    (found,) = (one for other, one in typer.main.get_command(cli.app).commands.items() if other == name)
    return {flag for parameter in found.params for flag in parameter.opts}


def recommended(path):
    """Yield the names of parameters that messages in a file recommend with a value, outside `advice`."""

    def walk(node, inside):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if name == "param" and len(node.args) > 1 and not inside and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside or name == "advice")

    yield from walk(ast.parse(path.read_text()), False)


def test_what_readers_recommend_is_offered_by_every_command_that_reads():
    offered = flags_of("prepare") & flags_of("predict") & flags_of("eval")
    strange = []
    for path in (path for pattern in READ_BY_ALL for path in PACKAGE.glob(pattern)):
        here = path.relative_to(PACKAGE).as_posix()
        strange += [(here, name) for name in recommended(path) if _flag(name) not in offered and (here, name) not in ELSEWHERE]
    assert not strange, "put these into advice(), or name them above"


@pytest.fixture
def spelled():
    """Spell a message while a command runs."""

    def spell(function, text):
        token = _running.set(getattr(function, "__wrapped__", function))
        try:
            return in_flags(text)
        finally:
            _running.reset(token)

    return spell


def original(function):
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


TEXT = "x" + advice(f"use {param('unknown', 'map')}", f"set {param('encoding', 'latin-1')}", "leave it out")


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (prepare, TEXT, "x; use --unknown map, or set --encoding latin-1, or leave it out"),
        (predict, TEXT, "x; set --encoding latin-1, or leave it out"),
        (predict, "x" + advice(f"use {param('unknown', 'map')}"), "x"),
        (evaluate, "x" + advice(f"use {param('skip_unlabelled', True)}"), "x; use --skip-unlabelled"),
        (predict, "x" + advice(f"use {param('skip_unlabelled', True)}"), "x"),
        (
            predict,
            "x" + advice(f"run {command('prepare')} with {param('unknown', 'map')}"),
            "x; run seqmix prepare with --unknown map",
        ),
        (predict, "x" + advice(f"run {command('prepare')} with {param('top', 3)}"), "x"),
        (evaluate, "x" + advice(f"name it with {param('class_files')}"), "x; name it with --class"),
        (None, TEXT, "x; use --unknown map, or set --encoding latin-1, or leave it out"),
    ],
)
def test_alternatives_that_a_command_lacks_are_left_out(function, text, expected, spelled):
    assert spelled(function and original(function), text) == expected


def test_python_reads_all_alternatives_and_quoted_messages_keep_theirs(spelled):
    inner = SeqmixError(TEXT)
    assert str(inner) == "x; use unknown='map', or set encoding='latin-1', or leave it out"
    assert spelled(original(predict), SeqmixError(f"y: {inner.text}").text) == "y: x; set --encoding latin-1, or leave it out"
