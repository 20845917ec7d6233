"""The pages that are made from the code, and those that list its folders and commands, are as the code is now."""

from __future__ import annotations

import importlib.util
import re

import pytest

import seqmix
from tests.docs.pages import ROOT, command_tree, page_name

REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def made():
    """The text of each page that the script writes."""
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "docs" / "generate_reference.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.pages()


@pytest.mark.parametrize("page", ["commands.md", "configuration.md", "python.md"])
def test_reference_pages_are_up_to_date(page, made):
    path = REFERENCE / page
    message = f"{page_name(path)} is not what the code says now: run python docs/generate_reference.py, and commit"
    assert path.read_text() == made[path], message


def test_every_public_name_and_command_is_described():
    python, commands = (REFERENCE / "python.md").read_text(), (REFERENCE / "commands.md").read_text()
    assert {f"seqmix.{name}" for name in seqmix.__all__} - {"seqmix.__version__"} == set(re.findall("^## (.*)$", python, re.M))
    described = set(re.findall(r"^## seqmix ([\w-]+)", commands, re.M))
    assert described == set(command_tree().commands)


def test_design_page_names_every_folder():
    parts = {path.name for path in (ROOT / "seqmix").iterdir() if not path.name.startswith(("_", "."))} - {"py.typed"}
    rows = "\n".join(re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "explanation" / "design.md").read_text(), re.M))
    assert {name.rstrip("/") for name in re.findall(r"`([\w./]+)`", rows)} == parts
