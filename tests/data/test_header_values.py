"""Values of keys in header lines: what is written is what is learned."""

import pytest

from tests.support.preparing import dna, label_of, message_of, prepare, read

UNIPROT = "sp|P1|X_ECOLI Some protein OS={} OX=562 GN=abc PE=1 SV=1"


def labels(tmp_path, *headers, **options):
    """Return the labels of FASTA records with these headers."""
    path = tmp_path / "x.fa"
    path.write_text("".join(f">{header}\nACGT\n" for header in headers))
    return [record.label for record in read(path, **options)]


@pytest.mark.parametrize(
    ("header", "key", "expected"),
    [
        (UNIPROT.format("Homo sapiens"), "OS", "Homo sapiens"),
        (UNIPROT.format("Escherichia coli (strain K12)"), "OS", "Escherichia coli (strain K12)"),
        (UNIPROT.format("Influenza A virus (strain A/Puerto Rico/8/1934 H1N1)"), "GN", "abc"),
        ("UniRef50_Q6 Protein 001R n=4 Tax=Frog virus 3 TaxID=10493 RepID=001R_FRG3G", "Tax", "Frog virus 3"),
        ("s1 label=Homo sapiens", "label", "Homo sapiens"),
        ("s1 label=Homo sapiens age=3", "label", "Homo sapiens"),
        ("s1 label=Homo sapiens biotype:x", "label", "Homo sapiens"),
        ("s1 label=mouse\tand a description", "label", "mouse"),
        ('s1 label="Homo sapiens" is human', "label", "Homo sapiens"),
        ('s1 label=" Homo sapiens "', "label", "Homo sapiens"),
        ("s1 label='Homo sapiens' a=b", "label", "Homo sapiens"),
        ("s1 label=5'-UTR a=b", "label", "5'-UTR"),
        ("s1 species:Mus musculus gene:x", "species", "Mus musculus"),
        ("x1 Organism:Mus musculus Gene:BRCA1 Length:100", "Organism", "Mus musculus"),
        ("101M_A mol:protein length:154  MYOGLOBIN", "mol", "protein"),
        ("lcl|c1 [organism=Mus musculus] [strain=x]", "organism", "Mus musculus"),
        ("lcl|c1 [protein=enoyl-[acyl-carrier-protein] reductase FabI] [gbkey=CDS]", "protein", None),
        ("lcl|c1 [location=join(1..3,7..9)] [gbkey=CDS]", "location", "join(1..3,7..9)"),
        ("t1 gene_symbol:Trdd2 description:T cell receptor [Source:MGI Symbol;Acc:MGI:4]", "description", "T cell receptor"),
        ("t1 gene_symbol:Trdd2 description:T cell receptor [Source:MGI Symbol;Acc:MGI:4]", "Source", "MGI Symbol"),
        (
            "PF3D7_1 | organism=Plasmodium_falciparum | product=hypothetical protein | length=10",
            "product",
            "hypothetical protein",
        ),
        ("FBpp1 type=CDS; loc=2L:complement(1..2); name=two words; species=Dmel;", "name", "two words"),
        ("FBpp1 type=CDS; loc=2L:complement(1..2); name=two words; species=Dmel;", "species", "Dmel"),
        ("s1;size=12;tax=d:Bacteria,p:Firmicutes;", "tax", "d:Bacteria,p:Firmicutes"),
        ("s1 taxonomy=Bacteria;Firmicutes;Bacilli size=3", "taxonomy", "Bacteria;Firmicutes;Bacilli"),
        ("s1|label=lung|heart", "label", "lung"),
        ("s1 label=lung|heart age=3", "label", "lung|heart"),
        ("s1 label=lung, age=3", "label", "lung"),
        ("s1 label=GO:0008150 age=3", "label", "GO:0008150"),
        ("s1 [label=x age=3] [b=4]", "age", "3"),
    ],
)
def test_whole_value_is_read(header, key, expected, tmp_path):
    expected = expected or "enoyl-[acyl-carrier-protein] reductase FabI"
    assert labels(tmp_path, header, label_from=f"header:{key}") == [expected]


@pytest.mark.parametrize(("separator", "space"), [("|", ""), (";", " "), (",", " "), ("+", ""), (" | ", ""), (" and ", " ")])
def test_several_labels_may_have_any_separator(separator, space, tmp_path):
    def written(*names):
        return f"{space}{separator}{space}".join(names)

    path = tmp_path / "x.fa"
    rows = [("heart", "lung"), ("heart",), ("lung",), ("liver", "big lung")] * 5
    path.write_text("".join(f">s{i} label={written(*row)} age={i}\n{dna(60, i)}\n" for i, row in enumerate(rows)))
    data = prepare(path, tmp_path / "data", label_separator=separator)
    assert data.classes == ["big lung", "heart", "liver", "lung"]
    assert [tuple(data.label_objective.decode(row)) for row in data.labels[:4]] == [tuple(sorted(row)) for row in rows[:4]]


def test_separator_of_header_keys_may_be_that_of_labels(tmp_path):
    headers = ["s1|label=heart|lung|age=3", "s2|label=heart|age=4", "s3|age=1|label=lung|heart"]
    assert labels(tmp_path, *headers, label_separator="|") == ["heart|lung", "heart", "lung|heart"]


@pytest.mark.parametrize("header", ["s1 label=a label=b", "s1 [label=a] [label=b]", "s1|label=a|x=1|label=b"])
def test_two_values_of_a_key_are_an_error(header, tmp_path):
    message = message_of(labels, tmp_path, header)
    for part in ("x.fa", "'s1", "line 1", "'a'", "'b'"):
        assert part in message


def test_same_value_twice_is_one_value(tmp_path):
    assert labels(tmp_path, "s1 label=a [label=a]") == ["a"]


def test_labels_and_classes_in_headers_compete(tmp_path):
    message = message_of(labels, tmp_path, "s1 label=a class=b")
    assert "label=… and class=…" in message and "header:label" in message


@pytest.mark.parametrize("header", ["s1 label= age=3", "s1 label=", "s1 [label=]", 's1 label=""', "s1 label=;age=3"])
def test_empty_value_is_none(header, tmp_path):
    assert "no label" in message_of(labels, tmp_path, header, label_from="header:label")


@pytest.mark.parametrize("expression", [r"=([^=]*) OX", r"OS=(.*?)OX", r"OS(=?.*)OX"])
def test_values_of_regular_expressions_are_stripped(expression, tmp_path):
    header = "s1 OS= Homo sapiens  OX=3"
    assert labels(tmp_path, header, label_from=f"header-regex:{expression}")[0].strip("= ") == "Homo sapiens"
    assert labels(tmp_path, header, label_from="header-regex:OS=(.*)OX") == ["Homo sapiens"]


def described(tmp_path, text, **options):
    path = tmp_path / "x.fa"
    path.write_text("".join(f">s{i} label={'ab'[i % 2]} {text(i)}\n{dna(60, i)}\n" for i in range(40)))
    return prepare(path, tmp_path / "data", **options)


def test_descriptions_behind_a_label_are_refused(tmp_path):
    message = message_of(described, tmp_path, lambda i: f"made from sample {i}")
    for part in ("'label'", "made from sample", "40", r"header-regex:label[:=](\\S+)"):
        assert part in message
    data = described(tmp_path, lambda i: f"made from sample {i}", label_from=r"header-regex:label[:=](\S+)")
    assert data.classes == ["a", "b"]


@pytest.mark.parametrize("text", ["sapiens", "complete cds", "virus 3"])
def test_labels_of_several_words_are_noted(text, tmp_path):
    data = described(tmp_path, lambda _: text)
    assert data.classes == [f"a {text}", f"b {text}"]
    assert any("several words" in note and "--label-from 'header-regex:" in note for note in data.info["notes"])
    assert label_of(data)["s1"] == f"b {text}"


def test_groups_of_several_words_are_noted(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text("".join(f">s{i} label={'ab'[i % 2]} gene=G{i % 7} isoform {i}\n{dna(60, i)}\n" for i in range(40)))
    notes = prepare(path, tmp_path / "data", group_from="header:gene").info["notes"]
    assert any("groups from 'header:gene' have several words" in note and "--group '" in note for note in notes)


@pytest.mark.parametrize("header", ["species:Mus", "gene_biotype:x", "OS=Homo sapiens OX=3", "Label=x"])
def test_likely_labels_in_headers_are_pointed_out(header, tmp_path):
    path = tmp_path / "x.fa"
    path.write_text("".join(f">s{i} {header}\n{dna(60, i)}\n" for i in range(6)))
    notes = prepare(path, tmp_path / "data").info["notes"]
    key = header.replace("=", ":").split(":")[0]
    assert any(note.startswith("no labels were read") and f"--label-from header:{key}" in note for note in notes)
