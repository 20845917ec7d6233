"""HTML pages: valid, accessible, escaped, and alone in the world."""

import re
from html.parser import HTMLParser

import pytest

from seqmix.reporting.figures import PALETTE, new_figure, svg
from seqmix.reporting.html import Drawing, Section, html_page
from seqmix.reporting.tables import Column, ReportTable
from tests.support import ROOT

ODD = "<b>R&D</b> \"x\" 'y' {{ 7 * 7 }}"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """What is in a page: its elements, whose tags must be closed in order, its text, and its identifiers."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page():
    table = ReportTable([Column(ODD), Column("score", "number"), Column("ended", "text")])
    table.add(ODD, "0.932", ODD, style="dim")
    table.add("second", "0.5", "", begins=True)
    drawings = []
    for order in range(2):
        figure, axes = new_figure()
        axes.plot([0, 1], [0, order])
        drawings.append(Drawing(figure, f"{ODD} {order}", ODD))
    sections = [Section(heading=ODD, text=ODD, table=table, remark=ODD), Section(figures=drawings), Section(code=ODD)]
    return html_page(ODD, ODD, sections, [ODD])


def test_content_is_escaped(page):
    parsed = Page(page)
    assert "<b>R" not in page and "&lt;b&gt;R&amp;D" in page
    assert parsed.texts.count(ODD) >= 9  # nothing of it is taken for a template


def test_page_is_accessible(page):
    parsed = Page(page)
    assert parsed.all("html")[0]["lang"] == "en"
    assert any(meta.get("name") == "viewport" and "initial-scale=1" in meta["content"] for meta in parsed.all("meta"))
    assert {header.get("scope") for header in parsed.all("th")} == {"col", "row"}
    assert all(box["tabindex"] == "0" for box in parsed.all("div") if box["class"] == "scroll")
    assert len(parsed.all("title")) == 3 and [svg["role"] for svg in parsed.all("svg")] == ["img"] * 2


def test_identifiers_of_figures_do_not_meet(page):
    parsed = Page(page)
    names = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(names) == len(set(names))
    links = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
    assert links and set(links) <= set(names)


def test_page_fetches_nothing(page):
    parsed = Page(page)
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in parsed.elements}
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", page)


def test_colours_are_named_in_one_place(page):
    assert all(colour in page for colour in PALETTE.values())
    files = [path for path in (ROOT / "seqmix").rglob("*") if path.suffix in (".py", ".j2")]
    stray = [path.name for path in files if re.search(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8"))]
    assert stray == ["figures.py"]


def test_numbers_of_a_table_without_names_of_rows_are_all_aligned_alike():
    table = ReportTable([Column("shortest", "number"), Column("longest", "number")], keys=0)
    table.add("1", "20")
    page = html_page("title", "", [Section(table=table)])
    assert '<td class="number">1</td>' in page and '<td class="number">20</td>' in page and '<th scope="row">' not in page


def test_letters_that_the_font_lacks_are_text_in_figures():
    drawn = {}
    for name in ("mouse", "\u9f20"):
        figure, axes = new_figure(3, 2)
        axes.set_title(name)
        drawn[name] = svg(figure)
    assert "<text" not in drawn["mouse"]
    assert "\u9f20</text>" in drawn["\u9f20"]
