"""Tables are whole at any width: numbers are never cut, names lose their middle, columns that do not fit follow below."""

import io

import pytest
from rich.console import Console

from seqmix.reporting.tables import Column, ReportTable, middle_cut

NAMES = ("accuracy", "macro-F1", "ROC AUC", "params", "time", "tokens/s", "memory", "epochs")
NUMBERS = ("0.932 ± 0.010", "0.931 ± 0.011", "0.978 ± 0.002", "1,130,470", "20.3 s", "58,123", "1.2 GB", "12.3")
LONG = "Methanocaldococcus jannaschii [DSM 2661] ribosomal protein L30"


def shown(table, width):
    out = io.StringIO()
    Console(width=width, file=out).print(table)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    return [line.rstrip() for line in lines]


def comparison():
    table = ReportTable([Column("method"), *(Column(name, "number") for name in NAMES)], title="data [red]set")
    table.add(LONG, *NUMBERS)
    table.add("simple", *NUMBERS[:3], *["-"] * 5, style="dim")
    return table


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_number_and_no_column_is_lost_at_any_width(width):
    text = "\n".join(shown(comparison(), width))
    assert all(text.count(number) >= 1 for number in NUMBERS)
    assert all(name in text for name in ("method", "accuracy", "params", "epochs"))
    assert LONG in text if width == 200 else f"{LONG[:4]}" in text and LONG[-4:] in text


def test_columns_that_do_not_fit_follow_in_a_second_table_with_the_names_of_the_rows():
    lines = shown(comparison(), 80)
    assert [line.split()[0] for line in lines if "method" in line] == ["method"] * 2
    assert len([line for line in lines if line.startswith("Meth")]) == 2
    assert len([line for line in lines if line.startswith("simple")]) == 1  # its other cells would all be empty
    assert len([line for line in shown(comparison(), 200) if "method" in line]) == 1


def test_names_and_titles_are_not_read_as_markup():
    assert "data [red]set" in shown(comparison(), 80)[0]
    assert "[DSM 2661]" in "\n".join(shown(comparison(), 200))


def test_wide_matrix_is_printed_in_parts():
    classes = [f"{LONG} {i}" for i in range(12)]
    table = ReportTable([Column("true class"), *(Column(name, "number") for name in classes)])
    for i, name in enumerate(classes):
        table.add(name, *(f"{1000 * i + j:,}" for j in range(12)))
    text = "\n".join(shown(table, 80))
    assert all(f"{1000 * i + j:,}" in text for i in range(12) for j in range(12))


def test_texts_are_wrapped_and_headers_break_between_words():
    table = ReportTable([Column("run"), Column("peak memory", "number"), Column("ended", "text")])
    table.add("a", "1 kB", "the time budget of 20 s is used up, and nothing was better than before")
    lines = shown(table, 40)
    assert lines[0].split() == ["peak"] and lines[1].split() == ["run", "memory", "ended"]
    assert " ".join(" ".join(line[13:].split()) for line in lines[3:]).endswith("better than before")


def test_rows_must_have_a_cell_for_each_column():
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        ReportTable([Column("a"), Column("b")]).add("1")


@pytest.mark.parametrize(("width", "expected"), [(20, "abcdefghij"), (10, "abcdefghij"), (7, "abc…hij"), (6, "abc…ij")])
def test_long_name_is_shortened_in_the_middle(width, expected):
    assert middle_cut("abcdefghij", width) == expected


def test_wide_characters_are_counted_as_two_cells():
    assert middle_cut("配列配列配列", 7) == "配…列" or len(middle_cut("配列配列配列", 7)) <= 4


def test_headers_break_before_names_are_shortened():
    table = ReportTable([Column("method"), *(Column(name, "number") for name in (*NAMES[:3], "average precision"))])
    table.add("character 1-4-grams logistic regression", "1.000", "1.000", "1.000", "1.000")
    lines = shown(table, 80)
    assert "character 1-4-grams logistic regression" in lines[-1]
    assert [line.split() for line in lines[:2]] == [["average"], ["method", "accuracy", "macro-F1", "ROC", "AUC", "precision"]]
