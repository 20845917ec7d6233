"""What the pages show is run: their commands, their Python, the mixer of another package.

Trainings are made short by options that are appended; the sample data stand in `sample_data/`, as in a clone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.mixers import available_mixers, build_mixer
from tests.docs.pages import PAGES, README, ROOT, blocks, page_name, words_of
from tests.support import SAMPLE

_SMALL = ["model.d_model=8", "mixer.d_hidden=8", "data.max_length=200"]
_SHORT = ["--epochs", "1", "--tokens-per-batch", "32768", *(part for text in _SMALL for part in ("--set", text))]
QUICK = {
    "train": _SHORT,
    "pretrain": _SHORT,
    "generate": ["--train", "40", "--val", "10", "--test", "10"],
}
_DEPENDS_ON_TRAINING = ("seqmix train", "seqmix pretrain", "seqmix eval", "seqmix predict", "seqmix generate", "zcat")


def pages_with(*languages: str) -> list[Path]:
    return [page for page in PAGES if any(block.is_run for block in blocks(page, *languages))]


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder with `sample_data` in it, where terminals are 80 columns wide."""
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.mark.parametrize("page", pages_with("console"), ids=page_name)
def test_the_commands_run_in_their_order(page, folder):
    for block in blocks(page, "console"):
        for command in block.commands if block.is_run else []:
            code, output = run(command)
            expected = 1 if block.fails and command == block.commands[-1] else 0
            assert code == expected, f"{command}: {output}"
            if not command.startswith(_DEPENDS_ON_TRAINING):
                assert re.fullmatch(pattern(block.shown(command)), stripped(output)), (
                    f"{page_name(page)} shows other output of '{command}': run python -m docs.update_output\n{output}"
                )


def stripped(output: str) -> str:
    """Return the lines of an output without white space at their ends, and without blank lines."""
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines() if line.strip())


def pattern(shown: str) -> str:
    """Return the regular expression for an output as a page shows it."""
    return re.escape(stripped(shown)).replace(re.escape("[…]\n"), r"(?:.*\n)*")


def run(command: str) -> tuple[int, str]:
    """Run a line of shell: a single `seqmix` command in this process, anything else by the shell."""
    if not command.startswith("seqmix ") or "|" in command:
        shell = command.replace("seqmix ", f"{sys.executable} -m seqmix ")
        done = subprocess.run(shell, shell=True, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    ((_, *words),) = words_of(command)
    result = CliRunner().invoke(app, [*words, *QUICK.get(words[0], [])], catch_exceptions=False)
    if redirected := re.search(r"> (\S+)", command):
        Path(redirected[1]).write_text(result.stdout)
    return result.exit_code, result.output


def test_readme_shows_the_four_commands():
    commands = [command.split()[1] for block in blocks(README, "console") for command in block.commands]
    assert commands[:4] == ["prepare", "train", "eval", "predict"]


@pytest.mark.parametrize("page", pages_with("python"), ids=page_name)
def test_python_runs(page, folder, monkeypatch):
    monkeypatch.setattr(seqmix, "train", partial(seqmix.train, settings=_SMALL, tokens_per_batch=32768), raising=False)
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page, "python"):
        if block.is_run:
            text = re.sub(r"epochs=\d+", "epochs=1", block.text)
            exec(compile(text, page_name(page), "exec"), names)


def test_mixer_of_another_package_is_found(folder, monkeypatch):
    page = ROOT / "docs" / "how-to" / "add-a-mixer.md"
    block = next(block for block in blocks(page, "python") if "AttentionMixer" in block.text)
    Path("my_package.py").write_text(block.text)
    points = next(block.text for block in blocks(page, "toml") if "entry-points" in block.text)
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
