"""HTML pages: valid, accessible, escaped, and alone in the world."""

import re

import pytest

from seqmix.reporting.figures import COLOURS, DASHES, drawing, look, new_figure, stroke, svg
from seqmix.reporting.html import Drawing, Section, html_page, html_table
from seqmix.reporting.palette import PALETTE
from seqmix.reporting.tables import Column, ReportTable
from tests.support import ROOT
from tests.support.pages import Page, check_accessible, shades

ODD = "<b>R&D</b> \"x\" 'y' {{ 7 * 7 }}"


@drawing
def plotted(*colours):
    figure, axes = new_figure()
    for order, colour in enumerate(colours):
        axes.plot([0, 1], [0, order], color=colour)
    return figure


@pytest.fixture(scope="module")
def page():
    table = ReportTable([Column(ODD), Column("score", "number"), Column("ended", "text")])
    table.add(ODD, "0.932", ODD, style="dim")
    table.add("second", "0.5", "", begins=True)
    drawings = []
    for order in range(2):
        drawings.append(Drawing(plotted(COLOURS[order]), f"{ODD} {order}", ODD))
    sections = [Section(heading=ODD, text=ODD, table=table, remark=ODD), Section(figures=drawings), Section(code=ODD)]
    return html_page(ODD, ODD, sections, [ODD])


def test_content_is_escaped(page):
    parsed = Page(page)
    assert "<b>R" not in page and "&lt;b&gt;R&amp;D" in page
    assert parsed.texts.count(ODD) >= 9  # nothing of it is taken for a template


def test_page_is_accessible(page):
    check_accessible(page)
    parsed = Page(page)
    assert any(meta.get("name") == "viewport" and "initial-scale=1" in meta["content"] for meta in parsed.all("meta"))
    assert len(parsed.all("title")) == 3 and len(parsed.all("svg")) == len(parsed.all("desc")) == 2


def test_page_is_dark_where_the_reader_wants_it_and_light_in_print(page):
    assert [shades(page)[n]["paper"] for n in (0, 1)] == list(PALETTE["paper"])
    assert page.count("@media screen and (prefers-color-scheme: dark)") == 1


def test_a_figure_has_the_colours_of_the_page_alone():
    figure = plotted(*COLOURS)
    page = html_page("title", "", [Section(figures=[Drawing(figure, "a", "b", "c")])])
    check_accessible(page)
    assert {"blue", "orange", "ink"} < set(re.findall(r"stroke: var\(--([\w-]+)\)", page))
    assert COLOURS[0] in svg(figure) and "var(" not in svg(figure)  # a file of its own


def test_lines_differ_by_more_than_their_colour():
    assert len({(one["color"], one["marker"]) for one in map(look, range(60))}) == 60
    assert len({(one["color"], one["linestyle"]) for one in map(stroke, range(12))}) == 12
    assert len({look(n)["marker"] for n in range(12)}) == 12 and len({stroke(n)["linestyle"] for n in range(4)}) == len(DASHES)


def test_a_table_has_its_title_as_caption_once():
    table = ReportTable([Column(""), Column("score", "number")], "scores of x")
    table.add("a", "1")
    assert html_table(table).count("Scores of x") == 1
    page = html_page("title", "", [Section(heading="Scores of x", table=table)])
    check_accessible(page)
    assert 'class="unseen"' in page  # for screen readers: others read the heading


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
    assert all(colour in page for shades in PALETTE.values() for colour in shades)
    files = [path for path in (ROOT / "seqmix").rglob("*") if path.suffix in (".py", ".j2")]
    stray = [path.name for path in files if re.search(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8"))]
    assert stray == ["palette.py"]


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
