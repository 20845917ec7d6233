"""What a page must have so that all can read it: with a screen reader, a keyboard, little colour vision or a dark screen."""

import re
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "br", "hr", "img", "input", "link"}
DECORATION = {"line", "grid", "pale", "paper", "amber", "heat"}  # colours that mark nothing by themselves
TEXT, LINES = 4.5, 3.0  # the contrasts that WCAG 2.1 asks for


class Page(HTMLParser):
    """What is in a page: its elements, whose tags must be closed in order, its texts, and its identifiers."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts, self.inside = [], [], [], {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, len(self.elements) - 1))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.texts.append(data)
        for _, number in self.open:
            self.inside[number] = self.inside.get(number, "") + data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def contents(self, tag):
        """The attributes and the text of every element of a kind."""
        return [(found[1], self.inside.get(n, "").strip()) for n, found in enumerate(self.elements) if found[0] == tag]


def contrast(one, other):
    """The contrast of two colours, as WCAG 2.1 defines it."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def shades(page):
    """The colours of a page by name: when it is light, and when it is dark."""
    found = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{([^}]*)\}", page)]
    assert len(found) == 2 and found[0].keys() == found[1].keys()
    return found


def check_accessible(text):
    """Fail if a page lacks what some readers need."""
    page = Page(text)
    assert page.all("html")[0]["lang"] == "en" and page.contents("title")[0][1]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and all(after <= before + 1 for before, after in pairwise(levels))
    texts = {
        attributes["id"]: words for tag in ("title", "desc") for attributes, words in page.contents(tag) if "id" in attributes
    }
    for figure in page.all("svg"):
        assert figure["role"] == "img" and all(texts[name] for name in figure["aria-labelledby"].split())
    assert all(image["alt"] for image in page.all("img"))
    assert all(header["scope"] in ("col", "row") and words for header, words in page.contents("th"))
    assert len(page.all("caption")) == len(page.all("table")) and all(words for _, words in page.contents("caption"))
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    for box in (attributes for attributes in page.all("div") if attributes.get("class") == "scroll"):
        assert box["tabindex"] == "0" and box["role"] and box["aria-label"]
    _check_colours(text)


def _check_colours(text):
    """Fail if a text or a line cannot be told from what is behind it, on a light page or on a dark one."""
    style, body = text[text.index("<style>") : text.index("</style>")], text[text.index("<body>") :]
    written = {name for rule in re.findall(r"\{[^{}]*\}", style) for name in re.findall(r"[{ ;]color: var\(--([\w-]+)\)", rule)}
    behind = set(re.findall(r"background: var\(--([\w-]+)\)", style))
    drawn = set(re.findall(r"(?:fill|stroke): var\(--([\w-]+)\)", body)) - DECORATION - {"on-pale", "on-heat"}
    assert written >= {"ink", "soft"} and behind == {"paper", "shade"}
    assert not re.findall(r"(?:fill|stroke): (?:#|rgb|black|white)", re.sub(r"<image.*?/>", "", body))
    for colours in shades(text):
        assert [(x, y) for x in written for y in behind if contrast(colours[x], colours[y]) < TEXT] == []
        assert [x for x in drawn if contrast(colours[x], colours["paper"]) < LINES] == []
        _check_cells(colours)


def _check_cells(colours):
    """Fail if the numbers on the cells of a confusion matrix cannot be read, whatever the share."""
    from seqmix.reporting.palette import HEAT_TURNS

    def mixed(share):
        ends = [[int(colours[name][i : i + 2], 16) for i in (1, 3, 5)] for name in ("paper", "heat")]
        return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))

    for level in range(1, 101):
        name = "on-heat" if level / 100 > HEAT_TURNS else "on-pale"
        assert contrast(colours[name], mixed(level / 100)) > TEXT, level
