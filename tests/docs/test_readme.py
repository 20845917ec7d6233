"""What the README shows is run: its commands, its Python, its mixer."""

import re
import shlex
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.mixers import available_mixers, build_mixer
from tests.support import SAMPLE

README = (SAMPLE.parent / "README.md").read_text()
QUICK = ["--epochs", "1", "--set", "model.d_model=8", "--set", "mixer.d_hidden=8", "--tokens-per-batch", "32768"]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder with `sample_data` in it."""
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_run_in_their_order(folder):
    lines = [line for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    commands = [shlex.split(line[2:], comments=True) for line in lines]
    assert [command[1] for command in commands][:4] == ["prepare", "train", "eval", "predict"]
    for command in commands:
        assert command[0] == "seqmix"
        extra = QUICK if command[1] == "train" else []
        result = CliRunner().invoke(app, [*command[1:], *extra], catch_exceptions=False)
        assert result.exit_code == 0, f"{command}: {result.output}"


def test_options_that_are_named_exist():
    shown = " ".join(README.split())
    for option in set(re.findall(r"`(--[a-z-]+)", shown)):
        pages = [
            CliRunner().invoke(app, [*c.split(), "--help"], env={"COLUMNS": "300"}).stdout
            for c in ("prepare", "train", "eval", "predict", "compare", "reproduce lra", "bench mixers", "bench approximation")
        ]
        assert any(option in page for page in pages), option


def test_the_python_runs(folder, capsys):
    block = next(block for block in blocks("python") if "seqmix.prepare" in block)
    exec(compile(block.replace("epochs=2", "epochs=1"), "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1 + 10 and printed[1].startswith("seq01 ")


def test_the_mixer_of_another_package_is_found(folder, monkeypatch):
    block = next(block for block in blocks("python") if "AttentionMixer" in block)
    Path("my_package.py").write_text(block)
    points = next(block for block in blocks("toml") if "entry-points" in block)
    name, home = re.search(r'^(\w+) = "(.+)"', points, re.MULTILINE).groups()
    info = folder / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(textwrap.dedent(f"[seqmix.mixers]\n{name} = {home}\n"))
    monkeypatch.syspath_prepend(str(folder))
    assert name in available_mixers()
    mixer = build_mixer(name, 8, 10, {"n_heads": 2})
    mask = torch.ones(1, 5, dtype=torch.bool)
    x = torch.randn(1, 7, 8)
    padded = mixer(x, torch.nn.functional.pad(mask, (0, 2)), x)
    assert torch.allclose(padded[:, :5], mixer(x[:, :5], mask, x[:, :5]), atol=1e-6)
    sys.modules.pop("my_package")
