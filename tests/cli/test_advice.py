"""A message recommends only what the command at hand offers."""

import ast
from functools import cache
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
READERS = ("prepare", "predict", "eval")
LABELS = ("prepare", "eval")  # what has to do with labels: predict does not look at them
TRAININGS = ("train", "pretrain")
REPRODUCTIONS = ("reproduce lra", "reproduce genome")
# The commands that a message in a file may come from; the first beginning of its path that fits counts.
COMMANDS = {
    "data/synthetic/": ("generate",),
    "data/prepare.py": ("prepare",),  # evaluation enters elsewhere
    "data/validation.py": ("prepare",),
    "data/divide.py": ("prepare",),
    "data/options.py": ("prepare",),
    "data/held_out.py": ("prepare",),
    "data/similar.py": ("prepare",),
    "data/splits/": ("prepare",),
    "data/choose_encoder.py": ("prepare",),
    "data/vocabulary/": ("prepare",),  # but for what `trained` vocabularies say, which names no option
    "data/label": LABELS,
    "data/labels/several.py": LABELS,
    "data/repeated.py": LABELS,
    "data/records.py": LABELS,
    "data/readers/table_texts.py": LABELS,
    "data/inputs.py": LABELS,
    "data/dataset.py": ("eval",),
    "data/in_memory.py": (),  # Python alone
    "data/resplit.py": (),
    "data/": READERS,
    "objectives/__init__.py": ("prepare",),
    "objectives/class_names.py": ("prepare",),
    "objectives/classification.py": ("prepare",),
    "objectives/labelled.py": ("eval",),
    "objectives/": LABELS,
    "calibration/": ("predict", "eval"),
    "config/training.py": ("train",),
    "ensembles/": ("ensemble",),
    "training/pretrain.py": ("pretrain",),
    "training/resolve.py": ("train",),
    "training/": TRAININGS,
    "config/": TRAININGS,
    "inference/": ("predict",),
    "models/answering.py": ("predict",),
    "models/predict_options.py": ("predict",),
    "models/predictor.py": ("predict",),
    "models/": TRAININGS,
    "evaluation/": ("eval",),
    "experiments/comparison/": ("compare",),
    "experiments/answers.py": ("crossval", "learning-curve"),
    "experiments/crossval/": ("crossval",),
    "experiments/learning_curve/": ("learning-curve",),
    "experiments/train_options.py": ("crossval", "learning-curve"),
    "experiments/reproduction/": REPRODUCTIONS,
    "experiments/scalability/": ("reproduce scalability",),
    "experiments/": ("compare", *REPRODUCTIONS, "reproduce scalability"),
    "bench/mixers.py": ("bench mixers",),
    "bench/app": ("bench approximation",),
    "bench/att": ("bench approximation",),
    "bench/": ("bench mixers", "bench approximation"),
    "run.py": TRAININGS,
    "system/files.py": ("prepare", "predict"),
    "system/": ("train", "predict", "eval"),
    "reporting/": TRAININGS,
    "estimators/": (),
}
# Parameters of Python that no command has, and messages that only some of the commands of their file lead to.
ELSEWHERE = {
    ("data/prepare.py", "records"),
    ("evaluation/evaluate.py", "resamples"),
    ("inference/predict.py", "sequences"),
    ("models/predictor.py", "tally"),
    ("experiments/reproduction/campaign.py", "train"),  # where data are generated: not of genomes
    ("experiments/reproduction/reproduce.py", "train"),
    ("experiments/reproduction/reproduce.py", "generated"),
    ("data/labels/source.py", "group_from"),  # where groups are looked for: by prepare alone
    ("data/labels/source.py", "label_separator"),  # is put into advice() by the function that it is given to
    ("run.py", "overwrite"),
    ("data/resplit.py", "split"),
    ("ensembles/ensemble.py", "runs"),
    ("objectives/labelled.py", "threshold"),  # of predictions
    ("objectives/multilabel.py", "threshold"),
}


def command_of(name):
    found = typer.main.get_command(cli.app)
    for part in name.split():
        found = found.commands[part]
    return found


@cache
def flags_of(name):
    return {flag for parameter in command_of(name).params for flag in parameter.opts}


def recommended(path):
    """Yield the parameters that messages in a file name outside `advice`, with the commands in the same message."""

    def called(node):
        """Yield the name and the first argument of the calls of `param` and `command` in a message."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("param", "command") and isinstance(node.args[0], ast.Constant):
                yield node.func.id, node.args[0].value
            if node.func.id == "advice":
                return
        for child in ast.iter_child_nodes(node):
            yield from called(child)

    def messages(node):
        """Yield the texts of a file, as whole as they are written, outside `advice`."""
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "param"):
            yield node
        elif not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "advice"):
            for child in ast.iter_child_nodes(node):
                yield from messages(child)

    for message in messages(ast.parse(path.read_text())):
        found = list(called(message))
        commands = [name for kind, name in found if kind == "command"]
        yield from ((name, commands) for kind, name in found if kind == "param")


def strange(path, commands, root=PACKAGE):
    """Return the parameters that messages in a file name though a command that they may come from does not have them."""
    here = path.relative_to(root).as_posix()
    lacking = []
    for name, named in recommended(path):
        flag = _flag(name)
        if "." in name or flag.isupper() or (here, name) in ELSEWHERE:  # settings can always be made
            continue
        offering = named[:1] or commands
        lacking += [(here, name, one) for one in offering if flag not in flags_of(one)]
    return lacking


MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(PACKAGE / "cli") and path.name != "errors.py"
)


def test_messages_name_only_parameters_that_the_commands_which_they_come_from_have():
    found, checked = [], 0
    for path in MODULES:
        if not any(recommended(path)):
            continue
        here = path.relative_to(PACKAGE).as_posix()
        commands = next((those for place, those in COMMANDS.items() if here.startswith(place)), None)
        assert commands is not None, f"{here} has messages: say in COMMANDS where they come from"
        found += strange(path, commands)
        checked += 1
    assert not found, "put these into advice(), name the command that has them, or name them above"
    assert checked > 50


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise ConfigError(f'use {param(\"label_from\")}')", True),
        ('note = f\'{a}; {param("unknown", "map")}\'', True),
        ("text = 'x' + param('no_such_option')", True),
        ("raise ConfigError('x' + advice(f'use {param(\"label_from\")}'))", False),
        ('raise ConfigError(f\'run {command("prepare")} with {param("label_from")}\')', False),
        ("raise ConfigError(f'{param(\"batch_size\")} must be above 0')", False),
    ],
)
def test_a_parameter_that_a_command_lacks_is_found(code, expected, tmp_path):
    (tmp_path / "new.py").write_text(code)
    assert bool(strange(tmp_path / "new.py", ("predict",), tmp_path)) is expected


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
