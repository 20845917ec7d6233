"""Names, labels and paths on the terminal and on pages: shown as they are or escaped, never obeyed, never a traceback."""

import ast
import os
import random
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import seqmix
from seqmix import cli
from seqmix.cli.console import print_notes, say
from seqmix.reporting.figures import plain
from seqmix.reporting.html import Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from seqmix.system.printable import printable
from tests.support import random_dna, strict_json, train_tiny, write_fasta

# What a name consists of, and how it is shown.
ODD = {
    "[red]x[/red]": "[red]x[/red]",
    "[/b]": "[/b]",
    "[Candida] auris": "[Candida] auris",
    "a:dna:b": "a:dna:b",  # which rich knows as an emoji
    "\x1b[31mred": r"\x1b[31mred",
    "a\rb": r"a\rb",
    "bell\x07": r"bell\x07",
    "\x9b31m": r"\x9b31m",
    "gpj.\u202eexe": r"gpj.\u202eexe",
    "caf\udce9": r"caf\xe9",
    "two\nlines": r"two\nlines",
    "Ünïcode 人 🐭": "Ünïcode 人 🐭",
}
odd_names = pytest.mark.parametrize(("name", "shown"), ODD.items(), ids=map(ascii, ODD))
FORBIDDEN = {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, *range(0xD800, 0xE000))}


@pytest.fixture
def out(monkeypatch):
    return Console(force_terminal=False, width=200)


@odd_names
def test_printed_line_shows_name_as_it_is(name, shown, out):
    with out.capture() as printed:
        say(out, f"-> runs/{name}/report.html", "red")
    assert printed.get() == f"-> runs/{shown}/report.html\n"


@odd_names
def test_note_shows_name_as_it_is(name, shown, out):
    with out.capture() as printed:
        print_notes(out, [f"class '{name}' is small"])
    assert printed.get() == f"note: class '{shown}' is small\n"


@odd_names
def test_table_shows_name_as_it_is(name, shown, out):
    table = ReportTable([Column("class"), Column(name.replace("\n", "\\n"), "number")], f"of {name}")
    table.add(name, "1")
    with out.capture() as printed:
        out.print(table)
    title, header, _, row = (line.rstrip() for line in printed.get().splitlines())
    assert title == f"of {shown}"
    assert header.split("  ")[-1].strip() == shown
    assert row.startswith(f"{shown}  ")


@odd_names
def test_page_shows_name_as_it_is(name, shown):
    table = ReportTable([Column("class")])
    table.add(name)
    page = html_page(f"{name}<b>", name, [Section(heading=name, text=name, table=table, code=name)], [name])
    page.encode()
    assert not FORBIDDEN & set(page)
    assert "&lt;b&gt;" in page and "<b>" not in page
    assert printable(plain(name)) == plain(name)


def test_escaped_text_is_unchanged_by_escaping():
    for name, shown in ODD.items():
        assert printable(name) == shown == printable(shown)
    assert printable("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"


def test_only_the_console_prints():
    for path in Path(cli.__file__).parent.glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        printing = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in ("print", "print_json", "log")]
        printing = [call for call in printing if not (isinstance(call.value, ast.Attribute) and call.value.attr == "console")]
        assert not printing or path.name == "console.py", (path, [call.lineno for call in printing])


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.app, [*map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    assert not FORBIDDEN & set(result.output)
    return result


CLASSES = {"caf\udce9 \x1b[31m": r"caf\xe9 \x1b[31m", "[red]:dna: $x$": "[red]:dna: $x$"}
linux = pytest.mark.skipif(
    sys.platform != "linux", reason="macOS and Windows refuse to create a file whose name is not valid Unicode"
)


@linux
def test_odd_paths_and_classes_go_through_all_commands(tmp_path):
    inside = tmp_path / "[b]x[-]\udce9"
    inside.mkdir()
    rng = random.Random(1)
    files = [
        write_fasta(inside / f"{name}.fa", [(f"r{i}", random_dna(30, rng, weights)) for i in range(20)])
        for name, weights in zip(CLASSES, ((4, 1, 1, 4), (1, 4, 4, 1)), strict=True)
    ]
    data, folder = inside / "data", inside / "run"
    shown = run("prepare", *files, "-o", data, "-v").output
    assert all(name in shown for name in CLASSES.values())
    assert set(strict_json(data / "dataset.json")["classes"]) == set(CLASSES)
    trained = train_tiny(data, folder, epochs=1)
    assert seqmix.run.Run.open(folder).config.data.path == trained.config.data.path
    shown = run("eval", folder, "--no-baselines", "-v").output
    assert f"-> {printable(str(folder))}/report.html" in shown
    assert all(name in shown for name in CLASSES.values())
    assert not FORBIDDEN & set((folder / "report.html").read_text(encoding="utf-8"))
    strict_json(folder / "evaluation.json")
    for form in ("tsv", "jsonl"):
        file = inside / f"{files[0].stem}.{form}"
        run("predict", *files, "--run", folder, "-o", file, "-v")
        assert len(file.read_text(encoding="utf-8").split("\n")) == 41 + (form == "tsv")
    missing = run("predict", inside / "no.fa", "--run", folder, code=1).output
    assert missing.startswith("seqmix: ") and ": no such file" in missing


@linux
def test_document_whose_name_is_not_utf8_has_an_escaped_id(tmp_path):
    for label, words in (("a", "salt pan"), ("b", "mast wind")):
        (tmp_path / "docs" / label).mkdir(parents=True)
        for i in range(10):
            (tmp_path / "docs" / label / os.fsdecode(b"caf\xe9%d.txt" % i)).write_text(f"{words} {i}")
    run("prepare", tmp_path / "docs", "-o", tmp_path / "data")
    assert set(seqmix.data.dataset.Dataset.open(tmp_path / "data").ids()) == {
        f"{label}/caf\\udce9{i}.txt" for label in "ab" for i in range(10)
    }


@pytest.mark.parametrize("name", ["[/b]", "\x1b[31mred", "gpj.\u202eexe", "caf\udce9"], ids=ascii)
@pytest.mark.parametrize(
    "arguments", [["NAME"], ["train", "data", "--NAME"], ["train", "one", "NAME"], ["prepare", "x.fa", "--alphabet", "NAME"]]
)
def test_command_line_that_cannot_be_parsed_is_shown_as_it_is(arguments, name):
    given = [argument.replace("NAME", name) for argument in arguments]
    result = CliRunner().invoke(cli.app, given, env={"COLUMNS": "300"})
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit)
    assert not FORBIDDEN & set(result.stderr)
    assert ODD[name] in result.stderr.replace(r"\udce9", r"\xe9")
