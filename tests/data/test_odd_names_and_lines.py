"""What is likely not meant is noted: lists as classes, dates of Excel, damaged letters, lines with labels, numbers as texts."""

import json
import time

import pytest

from seqmix.data.readers.text_lines import remark_on_lines
from tests.support.preparing import dna, message_of, noted, prepare, write_table


def table(tmp_path, labels, text=lambda i: f"some words of {dna(20, i)}", count=36):
    rows = [{"text": text(i), "label": labels[i % len(labels)]} for i in range(count)]
    return prepare(write_table(tmp_path / "x.csv", rows), tmp_path / "out", overwrite=True)


@pytest.mark.parametrize("sign", [";", "|", ",", ", ", "/", " & ", "+"])
def test_class_names_that_look_like_lists_are_noted_with_the_separator(sign, tmp_path):
    found = table(tmp_path, [f"heart{sign}lung", f"heart{sign}brain", f"brain{sign}lung"])
    assert noted(found, "--label-separator", sign.strip())


@pytest.mark.parametrize("sign", [";", "|"])
@pytest.mark.parametrize("labels", [("heart{}lung", "skin{}bone"), ("heart{}lung", "skin"), ("a{}b{}c", "d", "e")])
def test_signs_that_are_rare_in_names_are_noted(sign, labels, tmp_path):
    assert noted(table(tmp_path, [name.replace("{}", sign) for name in labels]), "--label-separator", sign)


@pytest.mark.parametrize("labels", [("a/b", "c/d"), ("R&D", "sales"), ("New York, NY", "Rome"), ("C++", "C"), ("a;", "b")])
def test_names_with_signs_are_not_lists(labels, tmp_path):
    assert not noted(table(tmp_path, labels), "--label-separator")


@pytest.mark.parametrize(
    "names", [("2-Sep", "BRCA1"), ("Sep-02", "Mar-01"), ("1-Mar", "MARCH1"), ("02-Sep-21", "x"), ("1-DEC", "y")]
)
def test_dates_that_excel_makes_from_names_are_noted(names, tmp_path):
    assert noted(table(tmp_path, names), "what Excel makes of gene names", repr(names[0]))
    rows = [{"id": (*names, f"g{i}")[i % 3 if i < 3 else 2], "text": dna(30, i), "label": "ab"[i % 2]} for i in range(20)]
    assert noted(prepare(write_table(tmp_path / "y.csv", rows), tmp_path / "ids"), "what Excel makes of", repr(names[0]))


@pytest.mark.parametrize(
    "names", [("SEPT2", "MARCH1"), ("2-Sept-a", "x"), ("may", "june"), ("Mars-1", "Venus"), ("12-3", "1-2")]
)
def test_other_names_are_not_excel_dates(names, tmp_path):
    assert not noted(table(tmp_path, names), "Excel")


@pytest.mark.parametrize("name", ["Müller", "Bär\u2019s", "Привет", "Αθήνα", "naïve café", "日本", "\U0001f600", "50 €"])
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_letters_in_another_encoding_are_noted(name, encoding, tmp_path):
    try:
        damaged = name.encode().decode(encoding)
    except UnicodeDecodeError:
        pytest.skip("cp1252 does not have all bytes")
    if name != "日本":
        assert noted(table(tmp_path, [damaged, "b"]), "UTF-8 that was once read as cp1252 or latin-1")
        text = table(tmp_path, ["a", "b"], lambda i: f"a word {damaged} of {dna(8, i)}")
        assert noted(text, "of the first 36 texts seem to contain UTF-8", "make the file again")
    assert not noted(table(tmp_path, [name, "b"]), "UTF-8")


@pytest.mark.parametrize("text", ["SÃO PAULO", "BEAUTÉ»", "Ã la carte", "«é»", "50 Å", "naïve", "Größe", "ÂNGELA"])
def test_letters_that_are_meant_are_not_noted(text, tmp_path):
    assert not noted(table(tmp_path, ["a", "b"], lambda i: f"{text} {dna(8, i)}"), "UTF-8")


@pytest.mark.parametrize("names", [("caf\ufffd", "b"), ("a", "b")])
def test_lost_letters_are_noted(names, tmp_path):
    assert noted(table(tmp_path, names, lambda i: f"na\ufffdve {dna(8, i)}"), "U+FFFD")
    assert noted(table(tmp_path, names), "could not be read") == ("\ufffd" in names[0])


LABELLED = {
    "TREC": lambda i: f"{('DESC', 'ENTY', 'NUM')[i % 3]} what is {dna(8, i)} ?",
    "TREC with kinds": lambda i: f"{('DESC:manner', 'NUM:date')[i % 2]} what is {dna(8, i)} ?",
    "numbers": lambda i: f"{i % 2} what is {dna(8, i)}",
    "signed": lambda i: f"{('-1', '+1')[i % 2]} what is {dna(8, i)}",
    "colon": lambda i: f"{('pos', 'neg')[i % 2]}: what is {dna(8, i)}",
    "###": lambda i: f"what is {dna(8, i)} ### {('good', 'bad')[i % 2]}",
    "@@@": lambda i: f"what is {dna(8, i)} @@@ {i % 2}",
    "||": lambda i: f"what is {dna(8, i)}||{('good', 'very bad')[i % 2]}",
    "=>": lambda i: f"what is {dna(8, i)} ==> {('good', 'bad')[i % 2]}",
}


@pytest.mark.parametrize("form", LABELLED)
def test_lines_with_a_label_each_are_noted(form, tmp_path):
    (tmp_path / "x.txt").write_text("".join(LABELLED[form](i) + "\n" for i in range(30)))
    found = prepare(tmp_path / "x.txt", tmp_path / "out")
    assert len(found) == 1 and noted(found, "x.txt: read as one document, though each line", "write a table with the header")
    as_text = prepare(tmp_path / "x.txt", tmp_path / "text", format="text")
    assert not noted(as_text, "though")


@pytest.mark.parametrize(
    "lines",
    [
        ["The first line of a poem", "And then another one", "The third that follows", "And the fourth", "Of all", "Of none"]
        * 3,
        ["To: a", "From: b", "Subject: c", "Date: d", "Some words", "and more"],
        ["A scene", "HAMLET To be", "HORATIO or not", "HAMLET to be", "that is", "the question"],
    ],
)
def test_lines_of_documents_are_not_noted(lines, tmp_path):
    (tmp_path / "x.txt").write_text("\n".join(lines))
    assert not noted(prepare(tmp_path / "x.txt", tmp_path / "out"), "though")


NUMBERS = {
    "one.txt": lambda i: f"{i / 7:.4f}",
    "counts.txt": lambda i: f"{i * i - 40}",
    "table.txt": lambda i: f"  {i / 3:.7e} {-i / 9:.7e}  {i % 2}.0",
    "table.data": lambda i: f"{i / 3:.3f},{i / 5:.3f},{i / 7:.3f},{i % 2}",
    "iris.data": lambda i: f"{i / 3:.1f},{i / 5:.1f},{i / 7:.1f},{('setosa', 'virginica')[i % 2]}",
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_that_are_read_as_a_text_are_noted(name, tmp_path):
    (tmp_path / name).write_text("".join(NUMBERS[name](i) + "\n" for i in range(30)))
    assert noted(prepare(tmp_path / name, tmp_path / "out"), f"{name}: read as one text, though it holds numbers", '"values"')
    for place in range(20):
        folder = tmp_path / "in" / "ab"[place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{place}.txt").write_text("".join(NUMBERS[name](i + place) + "\n" for i in range(30)))
    assert noted(prepare(tmp_path / "in", tmp_path / "classes"), "and 19 more: read as one text, though it holds numbers")
    rows = "".join(json.dumps({"values": [i / 7, i / 9], "label": "ab"[i % 2]}) + "\n" for i in range(30))
    (tmp_path / "x.jsonl").write_text(rows)
    assert prepare(tmp_path / "x.jsonl", tmp_path / "numbers").vocabulary.alphabet == "real"


def test_numbers_with_tabs_are_not_taken_for_pairs_of_documents(tmp_path):
    (tmp_path / "x.tsv").write_text("".join("\t".join([str(i % 2), *("0.5",) * 4]) + "\n" for i in range(9)))
    assert "no header" in message_of(prepare, tmp_path / "x.tsv", tmp_path / "out")


@pytest.mark.parametrize("names", [["1_0", *map(str, range(10))], ["1_0", "10", "2"], ["1_000", "1", "2", "3"]])
def test_a_number_with_an_underscore_beside_numbers_is_noted(names, tmp_path):
    assert noted(table(tmp_path, names, count=55), f"'{names[0]}' is a class beside those of numbers")


@pytest.mark.parametrize("names", [["1_0", "1_1", "2_0"], ["1_0", "a", "b"], ["1", "2", "3"]])
def test_names_with_an_underscore_alone_are_not_noted(names, tmp_path):
    assert not noted(table(tmp_path, names), "beside those of numbers")


@pytest.mark.parametrize("line", ["##gff-version 3", "##FASTA", "###", "# made by a tool", "##sequence-region ctg 1 100"])
@pytest.mark.parametrize("place", [5, 24])
def test_comments_and_annotations_in_fasta_are_refused_with_advice(line, place, tmp_path):
    records = [f">g{i} label={'ab'[i % 2]}\n{dna(50, i)}\n" for i in range(24)]
    below = "ctg1\tsrc\tgene\t1\t20\t.\t+\t.\tID=g\n" if line.startswith("##gff") else ""
    (tmp_path / "x.fa").write_text("".join([*records[:place], f"{line}\n{below}", *records[place:]]))
    message = message_of(prepare, tmp_path / "x.fa", tmp_path / "out")
    assert (
        f"line {2 * place + 1}, '{line}', is not sequence but a comment, or begins annotations" in message
        and "unknown" not in message
    )


@pytest.mark.parametrize("unit", ["7", "7.", " ", "# ", "a ## ", ",", "1e", "-"])
def test_long_lines_are_checked_quickly(unit):
    lines = [unit * (60_000 // len(unit)) + end for end in ("x", "y") * 4]
    begun = time.process_time()
    for of_class in (True, False):
        remark_on_lines(lines, of_class=of_class)
    assert time.process_time() - begun < 2
