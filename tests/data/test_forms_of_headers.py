"""Keys in headers that are written in several ways in one file, quotes that are open, and expressions with several groups."""

import numpy as np
import pytest

from tests.support.preparing import dna, message_of, prepare, read

N = range(20)


def fasta(tmp_path, *headers, name="x.fa"):
    """Write a FASTA file with these headers in turn."""
    path = tmp_path / name
    path.write_text("".join(f">s{i} {headers[i % len(headers)]}\n{dna(50, f'{name}{i}')}\n" for i in N))
    return path


def labels(path, **options):
    return [record.label for record in read(path, **options)]


def notes(path, tmp_path, **options):
    return prepare(path, tmp_path / "data", overwrite=True, **options).info["notes"]


@pytest.mark.parametrize(
    "form",
    [
        "label: Homo sapiens",
        "LABEL=Homo sapiens",
        "Label: Homo sapiens len: 4",
        "label = Homo sapiens",
        "label = Homo sapiens len = 4",
        "label =Homo sapiens len=4",
        "label : Homo sapiens | len : 4",
        "[label: Homo sapiens]",
        "[label = Homo sapiens] [len = 4]",
        "(label=Homo sapiens) and more",
        "LABEL: 'Homo sapiens' is human",
        "Label=Homo sapiens age=3",
    ],
)
def test_other_forms_of_a_key_are_read_and_noted(form, tmp_path):
    path = fasta(tmp_path, "label=mouse", form)
    assert labels(path) == ["mouse", "Homo sapiens"] * 10
    found = [note for note in notes(path, tmp_path) if "another form" in note]
    assert len(found) == 1 and "10 headers" in found[0] and "'label'" in found[0]


@pytest.mark.parametrize(
    "form",
    [
        "[label=Homo sapiens]",
        '[label="Homo sapiens"]',
        'label="Homo sapiens"',
        "label=\u201cHomo sapiens\u201d len=4",
        "label=Homo sapiens len = 4",
        "label=Homo sapiens, len: 4",
    ],
)
def test_value_ends_where_it_is_written_to_end(form, tmp_path):
    assert labels(fasta(tmp_path, "label=mouse", form)) == ["mouse", "Homo sapiens"] * 10


@pytest.mark.parametrize("key", ["OS", "os", "OS=", "OS:"])
def test_key_may_be_given_in_any_case_and_with_its_sign(key, tmp_path):
    assert labels(fasta(tmp_path, "OS=Homo sapiens OX=9606"), label_from=f"header:{key}")[0] == "Homo sapiens"


def test_key_as_it_is_given_wins_over_another_case(tmp_path):
    assert labels(fasta(tmp_path, "Label=no label=yes LABEL=no"))[0] == "yes"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("GO=GO:0001, GO:0002 x=1", "GO:0001, GO:0002"),
        ("GO=GO:0001;GO:0002;x=1", "GO:0001;GO:0002"),
        ("GO:GO:0001, GO:0002 x:1", "GO:0001, GO:0002"),
        ("x=1 GO: GO:0001, GO:0002", "GO:0001, GO:0002"),
        ("[GO=GO:0001, GO:0002] [x=1]", "GO:0001, GO:0002"),
    ],
)
def test_key_within_its_value_is_part_of_the_value(header, expected, tmp_path):
    separator = ";" if ";" in expected else ","
    assert labels(fasta(tmp_path, header), label_from="header:GO", label_separator=separator)[0] == expected


@pytest.mark.parametrize("header", ['label="Homo sapiens len=4', "label='Homo sapiens len=4", "x=1 label=\u201cHomo sapiens"])
def test_quote_that_is_not_closed_is_an_error(header, tmp_path):
    message = message_of(labels, fasta(tmp_path, "label=a", header))
    for part in ("'s1'", "line 3", "not closed", "Homo sapiens", "header-regex"):
        assert part in message


@pytest.mark.parametrize(("quote", "between"), [('"', ","), ("'", "; "), ('"', " | ")])
def test_several_quoted_labels_are_all_read_or_refused(quote, between, tmp_path):
    path = fasta(tmp_path, f"label={quote}heart{quote}{between}{quote}big lung{quote} age=3", "label=heart age=3")
    message = message_of(labels, path)
    assert "several quoted labels" in message and "label_separator" in message
    separator = between.strip()
    assert labels(path, label_separator=separator)[0].split(separator) == ["heart", "big lung"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'Brassica napus' phytoplasma OX=3", "'Brassica napus' phytoplasma"),
        ("'Candidatus X' sp. (strain 'Y') OX=3", "'Candidatus X' sp. (strain 'Y')"),
        ("'Brassica napus' OX=3", "Brassica napus"),
    ],
)
def test_quoted_begin_of_a_name_is_part_of_it(value, expected, tmp_path):
    assert labels(fasta(tmp_path, f"OS={value}"), label_from="header:OS")[0] == expected


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("lable=a", "its keys are lable"),
        ("nothing here", "has none of label=…, label:… and [label=…]"),
        ("label= age=3", "nothing that is a value follows 'label'"),
        ("label", "none of label=…"),
        ('label=""', "nothing that is a value"),
    ],
)
def test_header_without_the_key_is_shown_with_the_forms_that_were_looked_for(header, told, tmp_path):
    path = fasta(tmp_path, "label=a", "label=b", "label=a", header)
    message = message_of(labels, path)
    for part in ("'s3'", "line 7", repr(f"s3 {header}"), told, "5 of 20 records have no label", "skip_unlabelled"):
        assert part in message
    assert len(labels(path, skip_unlabelled=True)) == 15


@pytest.mark.parametrize("source", ["header:organism", r"header-regex:organism=(\S+)", "column:label"])
def test_leaving_out_is_not_suggested_where_nothing_would_be_left(source, tmp_path):
    path = fasta(tmp_path, "OS=a OX=3")
    if source.startswith("column"):
        path = tmp_path / "x.csv"
        path.write_text("text,label\n" + "".join(f"{dna(50, i)},\n" for i in N))
    message = message_of(labels, path, label_from=source)
    assert "none of the 20 records has a label" in message and "skip_unlabelled" not in message
    message = message_of(prepare, path, tmp_path / "data", label_from=source, skip_unlabelled=True)
    assert "no record is left" in message and "the first is" in message
    assert source.startswith("column") or "s0 OS=a OX=3" in message


@pytest.mark.parametrize("form", ["label: {}", "label = {}", "LABEL={}", "[label = {}]", "Class : {}", "species = {}"])
def test_advice_on_headers_works_when_it_is_followed(form, tmp_path):
    path = fasta(tmp_path, form.format("cat"), form.format("dog"))
    hint = next(note for note in notes(path, tmp_path) if note.startswith("no labels were read"))
    source = hint.rpartition("--label-from ")[2]
    assert labels(path, label_from=source) == ["cat", "dog"] * 10


@pytest.mark.parametrize("form", ["label={}", "LABEL={}", "label: {}"])
def test_labels_that_only_later_headers_have_are_noted(form, tmp_path):
    path = fasta(tmp_path, "nothing", form.format("cat"), form.format("dog"), form.format("cat"))
    hint = next(note for note in notes(path, tmp_path) if "the first header has none" in note)
    assert "15 of 20" in hint and "'s1'" in hint and "--skip-unlabelled" in hint
    source = hint.partition("--label-from ")[2].split()[0]
    assert set(labels(path, label_from=source, skip_unlabelled=True)) == {"cat", "dog"}


@pytest.mark.parametrize("form", ["LABEL={}", "label: {}", "Label = {}"])
@pytest.mark.parametrize("layout", ["{}.fa", "{}/x.fa"])
def test_labels_in_headers_that_names_of_files_hide_are_noted(form, layout, tmp_path):
    for name in ("a", "b"):
        path = tmp_path / "in" / layout.format(name)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("".join(f">s{i} {form.format('xy'[i % 2])}\n{dna(50, name + str(i))}\n" for i in N))
    found = [note for note in notes(tmp_path / "in", tmp_path) if "in the headers was not used" in note]
    assert len(found) == 1 and "--label-from header:" in found[0]


@pytest.mark.parametrize(
    ("expression", "groups"),
    [
        (r"OS=(\w+) (\w+)", "'Homo', 'sapiens'"),
        (r"OS=((\w+) (\w+))", "'Homo sapiens', 'Homo'"),
        (r"(s\d+) OS=(\w+)", "'s0', 'Homo'"),
    ],
)
def test_several_groups_that_match_are_an_error(expression, groups, tmp_path):
    path = fasta(tmp_path, "OS=Homo sapiens OX=9606")
    message = message_of(labels, path, label_from=f"header-regex:{expression}")
    for part in (f"{len(groups.split(',')) + ('((' in expression)} groups", groups, "(?:…)", "(?P<label>…)"):
        assert part in message
    message = message_of(read, path, group_from=f"header-regex:{expression}")
    assert "(?P<group>…)" in message


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"OS=(\w+) (?P<label>\w+)", ["sapiens", None]),
        (r"OS=(\w+)|species=(\w+)", ["Homo", "Mus"]),
        (r"OS=((?:\w+) (?:\w+))", ["Homo sapiens", None]),
        (r"(?:OS|species)=(\w+)( strain)?", ["Homo", "Mus"]),
        (r"(?:OS|species)=((\w+))", ["Homo", "Mus"]),
    ],
)
def test_group_is_the_named_one_or_the_only_one_that_matches(expression, expected, tmp_path):
    path = fasta(tmp_path, "OS=Homo sapiens OX=9606", "species=Mus OX=10090")
    found = labels(path, label_from=f"header-regex:{expression}", skip_unlabelled=True)
    assert found == [label for label in expected if label] * 10


def test_expression_that_does_not_match_is_shown_with_the_header(tmp_path):
    message = message_of(labels, fasta(tmp_path, "OS=a", "OS=- x"), label_from=r"header-regex:OS=(\w+)")
    assert "does not match the header 's1 OS=- x'" in message and "10 of 20 records" in message


@pytest.mark.parametrize("form", ["LABEL={}", "label: {}", "label = {}"])
def test_key_of_a_later_file_may_have_another_form(form, tmp_path):
    train = fasta(tmp_path, "label=cat", "label=dog", name="train.fa")
    test = fasta(tmp_path, form.format("cat"), form.format("dog"), name="test.fa")
    assert labels(test, label_from="header:label") == ["cat", "dog"] * 10
    assert prepare([train, test], tmp_path / "data").classes == ["cat", "dog"]


@pytest.mark.parametrize("form", ["x_label={}", "sample.label={};3", "a-LABEL:{}|b"])
def test_label_within_a_word_is_pointed_out_and_the_advice_works(form, tmp_path):
    path = fasta(tmp_path, form.format("cat"), form.format("dog"))
    hint = next(note for note in notes(path, tmp_path) if note.startswith("no labels were read"))
    assert labels(path, label_from=hint.rpartition("--label-from ")[2].strip("'")) == ["cat", "dog"] * 10


@pytest.mark.parametrize("kind", [bytes, np.bytes_, bytearray])
def test_labels_in_memory_may_be_bytes(kind, tmp_path):
    records = [(f"s{i}", dna(50, i), kind(["caf\u00e9", "neg"][i % 2].encode())) for i in N]
    assert prepare((), tmp_path / "data", records=records).classes == ["caf\u00e9", "neg"]
