"""What the pages name exists: links, anchors, options, settings, Python names; and their form."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from seqmix.config import DataConfig, ModelConfig, TrainingConfig
from seqmix.config.options import options_of
from seqmix.mixers import available_mixers, mixer_options
from tests.docs.pages import PAGES, README, ROOT, all_options, blocks, code_spans, page_name, parse, prose, words_of

each_page = pytest.mark.parametrize("page", PAGES, ids=page_name)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@cache
def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_are_valid(page):
    for link in _LINK.findall(prose(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_every_page_is_reachable_from_index():
    index = ROOT / "docs" / "index.md"
    reached, waiting = set(), [index]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(prose(page)))
        waiting += [(page.parent / link).resolve() for link in links if link.endswith(".md") and "://" not in link]
    assert set(PAGES) - {README} <= reached


@each_page
def test_every_page_has_one_title(page):
    assert len(re.findall(r"^# ", prose(page), re.MULTILINE)) == 1
    assert page.read_text().startswith("# ")


def test_readme_is_short():
    assert len(README.read_text().splitlines()) <= 150


@each_page
def test_commands_can_be_parsed(page):
    shown = [command for block in blocks(page, "console", "sh") for command in block.commands]
    shown += [span for span in code_spans(page) if span.startswith("seqmix ") and "…" not in span]
    for command in shown:
        for words in words_of(command):
            if "COMMAND" not in words:
                parse(words)


@each_page
def test_options_exist(page):
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", " ".join(code_spans(page))))
    of_other_programs = {"--nproc-per-node", "--require-hashes", "--points"}
    assert shown <= all_options() | of_other_programs


@each_page
def test_settings_exist(page):
    tables = {"model": ModelConfig, "training": TrainingConfig, "data": DataConfig}
    known = {f"{table}.{name}" for table, kind in tables.items() for name in options_of(kind)}
    known |= {f"mixer.{name}" for mixer in available_mixers() for name in mixer_options(mixer)}
    shown = set()
    for span in code_spans(page):
        shown |= set(re.findall(r"(?<![\w./])(?:model|training|data|mixer)\.[a-z]\w*", span))
    assert shown <= known | {"model.safetensors"}


@each_page
def test_python_names_are_importable(page):
    text = " ".join([*code_spans(page), *(block.text for block in blocks(page, "python"))])
    for name in set(re.findall(r"(?<![\w./-])seqmix(?:\.\w+)+", text)):
        assert resolve(name) is not None, name


def resolve(name: str) -> object:
    parts = name.split(".")
    found = import_module(parts[0])
    for i, part in enumerate(parts[1:], 2):
        found = getattr(found, part) if hasattr(found, part) else import_module(".".join(parts[:i]))
    return found
