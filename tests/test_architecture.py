"""What the command line promises, and what importing it costs."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import seqmix
from seqmix import cli

PACKAGE = Path(seqmix.__file__).parent
OPTIONS = {
    "prepare": "output alphabet unknown vocabulary-size vocabulary-from min-length max-length truncate task label-from class "
    "label-separator tolerance classes skip-unlabelled group split split-by hold-out validate "
    "split-from val test seed include exclude input-format text-column id-column pair-column encoding delimiter overwrite "
    "quiet verbose",
    "train": "output mixer lexical protocol pooling kmer max-length epochs budget max-steps batch-size tokens-per-batch lr "
    "seed init freeze device precision threads class-weights select compile save-every recipe config set resume overwrite "
    "quiet verbose",
    "pretrain": "output mixer protocol pooling kmer max-length epochs budget max-steps batch-size tokens-per-batch lr "
    "seed init device precision threads compile save-every recipe config set resume overwrite quiet verbose",
    "eval": "split data class output label-from skip-unlabelled include exclude input-format text-column id-column "
    "pair-column encoding delimiter baselines against no-calibration device precision threads quiet verbose",
    "predict": "run output format batch-size probabilities top threshold calibration min-confidence max-error "
    "sets on-error baseline spreadsheet include exclude "
    "input-format text-column id-column pair-column encoding delimiter device precision threads overwrite quiet verbose",
    "compare": "mixers seeds budget max-length recipe config set device precision threads jobs baselines output overwrite "
    "quiet",
    "crossval": "folds seeds keep-test baselines output mixer lexical protocol pooling kmer max-length epochs budget max-steps "
    "batch-size tokens-per-batch lr seed init freeze device precision threads class-weights select compile save-every recipe "
    "config set jobs overwrite quiet",
    "learning-curve": "shares seeds score-on baselines output mixer lexical protocol pooling kmer max-length epochs budget "
    "max-steps batch-size tokens-per-batch lr seed init freeze device precision threads class-weights select compile "
    "save-every recipe config set jobs overwrite quiet",
    "ensemble": "output copy overwrite quiet",
    "check": "pairs json",
    "recipes": "",
    "generate": "length train val test min-length max-depth max-args difficulty variant distance spread copies "
    "motif-length degenerate motif-seed decoys seed output overwrite quiet",
    "reproduce lra": "data tasks methods budget max-length seeds generate train device threads jobs set output overwrite quiet",
    "reproduce genome": "data tasks methods budget max-length seeds device threads jobs set output overwrite quiet",
    "reproduce scalability": "tasks lengths mixers budget seeds train test device threads jobs set output overwrite quiet",
    "bench mixers": "mixers lengths batch-size device precision repeats time-limit output overwrite quiet",
    "bench approximation": "mixers features lengths run data repeats steps seeds threads output overwrite quiet",
}


def leaves(group, above=""):
    """Return the commands of a group and of its subgroups by full name: "train", "bench mixers"."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def test_commands_have_documented_options():
    commands = dict(leaves(typer.main.get_command(cli.app)))
    assert set(commands) == set(OPTIONS)
    for name, command in commands.items():
        options = {p.name: p for p in command.params if p.param_type_name == "option"}
        spelled = {option.opts[0].removeprefix("--") for option in options.values()}
        assert spelled == set(OPTIONS[name].split()), name
        assert all(option.help for option in options.values()), name


@pytest.mark.parametrize(
    "function",
    [
        "prepare",
        "check",
        "train",
        "evaluate",
        "predict",
        "pretrain",
        "compare",
        "crossval",
        "ensemble",
        "learning_curve",
        "generate",
        "reproduce",
        "reproduce_scalability",
        "bench_mixers",
        "bench_approximation",
    ],
)
def test_every_command_has_a_documented_function(function):
    assert inspect.getdoc(getattr(seqmix, function))
    assert function in seqmix.__all__


def test_help_imports_nothing_heavy():
    code = (
        "import sys, json\nfrom seqmix.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\nprint(json.dumps(list(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not loaded & {"torch", "numpy", "sklearn", "matplotlib", "Bio", "scipy"}
    for command in OPTIONS:
        assert command.split()[0] in done.stdout


def test_no_source_file_uses_pickle():
    for path in PACKAGE.rglob("*.py"):
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        text = path.read_text()
        assert "torch.load" not in text and "torch.save" not in text and "allow_pickle=True" not in text, path
        if path.relative_to(PACKAGE).as_posix() == "data/readers/cifar_pickle.py":  # reads it by an allow-list
            names.discard("pickle")
        assert "pickle" not in names, path
