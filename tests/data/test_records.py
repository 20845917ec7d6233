"""Inputs to records: labels, groups and splits from wherever they are, files, folders and standard input."""

import gzip

import pytest

from seqmix.data.inputs import find_sources
from seqmix.data.labels.source import file_stem
from seqmix.data.options import ReadOptions
from seqmix.data.reading import RecordReader
from tests.support.preparing import CONTENT, message_of, pairs, read, standard_input

ENSEMBL = (
    ">ENSMUST00000177564.1 cdna chromosome:GRCm38:14:54122226:54122241:1 gene:ENSMUSG00000096176.1 "
    "gene_biotype:TR_D_gene transcript_biotype:TR_D gene_symbol:Trdd2 description:T cell receptor delta diversity 2 "
    "[Source:MGI Symbol;Acc:MGI:4439546]\nATCGGAGGGATACGAG\n"
    ">ENSMUST00000196221.1 cdna chromosome:GRCm38:14:54113468:54113476:1 gene:ENSMUSG00000096749.2 "
    "gene_biotype:protein_coding transcript_biotype:nonsense gene_symbol:Trdd1\nATGGCATAT\n"
)


def labels(*inputs, **options):
    return [record.label for record in read(*inputs, **options)]


@pytest.fixture
def folder(tmp_path):
    """`write(name, text)` writes a file in a new folder and returns its path."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("gene_biotype", ["TR_D_gene", "protein_coding"]),
        ("gene", ["ENSMUSG00000096176.1", "ENSMUSG00000096749.2"]),
        ("transcript_biotype", ["TR_D", "nonsense"]),
        ("chromosome", ["GRCm38:14:54122226:54122241:1", "GRCm38:14:54113468:54113476:1"]),
    ],
)
def test_ensembl_header_keys_are_labels(key, expected, folder):
    assert labels(folder("x.fa", ENSEMBL), label_from=f"header:{key}") == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("s1 class:x", "x"),
        ("s1 class=x", "x"),
        ("s1 subclass=y class=x", "x"),
        ("s1|class=x|more", "x"),
        ("s1 a=1;class=x;b=2", "x"),
        ("s1 [class=x] [b=2]", "x"),
        ("s1 [class=two words] [b=2]", "two words"),
        ('s1 class="two words" b=2', "two words"),
        ("class=x", "x"),
    ],
)
def test_header_keys_are_found_in_any_spelling(header, expected, folder):
    assert labels(folder("x.fa", f">{header}\nACGT\n"), label_from="header:class") == [expected]


def test_regular_expression_finds_labels(folder):
    path = folder("x.fa", ">HUMAN_1\nACGT\n>MOUSE_1\nACGT\n")
    assert labels(path, label_from="header-regex:^([A-Z]+)_") == ["HUMAN", "MOUSE"]


def test_first_matching_group_of_regular_expression_counts(folder):
    path = folder("x.fa", ">h1\nACGT\n>2m\nACGT\n")
    assert labels(path, label_from=r"header-regex:^(?:([a-z])\d|\d([a-z]))") == ["h", "m"]


@pytest.mark.parametrize(
    ("name", "content", "suffix"),
    [
        ("labels.tsv", "id\tlabel\ns1\tx\ns2\ty\n", ""),
        ("labels.csv", "id,label\ns1,x\ns2,y\n", ""),
        ("labels.csv", "name,kind\ns1,x\ns2,y\n", ""),
        ("labels.csv", "other,label,id\n1,x,s1\n2,y,s2\n", ""),
        ("labels.txt", "id\tlabel\ns1\tx\ns2\ty\n", ""),
        ("labels.tsv", "id\tage\tkind\ns1\t3\tx\ns2\t4\ty\n", ":kind"),
        ("labels.jsonl", '{"id": "s1", "label": "x"}\n{"id": "s2", "label": "y"}\n', ""),
        ("labels.csv.gz", gzip.compress(b"id,label\ns1,x\ns2,y\n", mtime=0), ""),
    ],
)
def test_table_provides_labels_by_id(name, content, suffix, folder):
    path = folder("x.fa", CONTENT["fasta"])
    assert labels(path, label_from=f"table:{folder(name, content)}{suffix}") == ["x", "y"]


@pytest.mark.parametrize("name", ["label", "class", "target", "y", "Label"])
def test_common_columns_are_labels_by_default(name, folder):
    reader = RecordReader(find_sources([folder("x.csv", f"text,{name}\nA,1\nB,2\n")]), ReadOptions())
    assert [record.label for record in reader] == ["1", "2"]
    assert reader.labels.source == f"column:{name}"


def test_label_column_can_be_chosen(folder):
    path = folder("x.jsonl", '{"text": "A", "label": "no", "kind": "x"}\n{"text": "B", "label": "no", "kind": "y"}\n')
    assert labels(path, label_from="column:kind") == ["x", "y"]


def test_genbank_qualifiers_and_annotations_are_labels(folder):
    source = b"FEATURES             Location/Qualifiers\n     source          1..6\n"
    source += b'                     /organism="Mus musculus"\n'
    content = CONTENT["genbank"].replace(b"FEATURES             Location/Qualifiers\n", source, 1)
    path = folder("x.gb", content)
    assert labels(path, label_from="header:organism", skip_unlabelled=True)[0] == "Mus musculus"


def test_several_fasta_files_are_classes_by_stem(folder):
    first, second = folder("mouse.fa", ">m label=no\nA\n"), folder("turtle.v2.fasta.gz", gzip.compress(b">t\nC\n"))
    reader = RecordReader(find_sources([first, second]), ReadOptions())
    assert [(record.id, record.label) for record in reader] == [("m", "mouse"), ("t", "turtle.v2")]
    assert reader.labels.source == "file"


def test_folder_of_fasta_files_is_read_as_several_files(folder):
    folder("set/mouse.fa", ">m\nA\n")
    assert labels(folder("set/turtle.fa", ">t\nC\n").parent) == ["mouse", "turtle"]


def test_single_fasta_file_is_not_a_class(folder):
    assert labels(folder("mouse.fa", ">m\nA\n")) == [None]


def test_single_fasta_file_is_a_class_if_asked(folder):
    assert labels(folder("mouse.fa", ">m\nA\n"), label_from="file") == ["mouse"]


@pytest.mark.parametrize("key", ["label", "class"])
def test_single_fasta_file_has_labels_in_headers(key, folder):
    assert labels(folder("x.fa", f">m {key}=x\nA\n>t {key}=y\nC\n")) == ["x", "y"]


def test_one_file_per_split_has_labels_in_headers(folder):
    sources = find_sources([folder("train.fa", ">a label=x\nA\n")], "train")
    sources += find_sources([folder("val.fa", ">b label=x\nA\n")], "val")
    sources += find_sources([folder("test.fa", ">c label=y\nA\n")], "test")
    found = [(record.label, record.split) for record in RecordReader(sources, ReadOptions())]
    assert found == [("x", "train"), ("x", "val"), ("y", "test")]


def test_folders_of_documents_are_classes(folder):
    folder("set/good/1.txt", "fine")
    folder("set/bad/2.txt", "awful")
    folder("set/bad/.hidden.txt", "unseen")
    found = [(record.text, record.label) for record in read(folder("set/bad/deeper/3.txt", "worse").parents[2])]
    assert found == [("awful", "bad"), ("worse", "bad"), ("fine", "good")]


def test_folder_names_override_headers_that_only_some_files_have(folder):
    folder("set/x/1.fa", ">a label=no\nA\n")
    assert labels(folder("set/y/1.fa", ">b\nA\n").parents[1]) == ["x", "y"]


def test_label_option_overrides_folder_names(folder):
    assert labels(folder("set/x/1.fa", ">a label=yes\nA\n").parents[1], label_from="header:label") == ["yes"]


def test_document_is_unlabelled_unless_folder_labels_are_requested(folder):
    path = folder("good/1.txt", "fine")
    assert labels(path) == [None]
    assert labels(path, label_from="folder") == ["good"]


def test_standard_input_has_labels_in_headers(monkeypatch):
    standard_input(monkeypatch, b">a label=x\nA\n")
    assert labels("-") == ["x"]


@pytest.mark.parametrize("option", ["group_from", "split_from"])
def test_groups_and_splits_use_the_same_sources_as_labels(option, folder):
    table = folder("t.tsv", f"id\t{option.removesuffix('_from')}\ns1\tone\ns2\ttwo\n")
    fasta = folder("x.fa", ">s1 gene:one\nA\n>s2 gene:two\nC\n")
    csv = folder("x.csv", "id,text,gene\ns1,A,one\ns2,C,two\n")
    for path, source in (
        (fasta, "header:gene"),
        (fasta, "header-regex:gene:(.*)"),
        (fasta, f"table:{table}"),
        (csv, "column:gene"),
    ):
        found = [getattr(record, option.removesuffix("_from")) for record in read(path, **{option: source})]
        assert found == ["one", "two"]


def test_error_names_record_without_label(folder):
    path = folder("x.fa", ">s1 label=x\nA\n>s2\nC\n")
    message = message_of(read, path)
    for part in ("x.fa", "'s2'", "line 3", "skip_unlabelled=True"):
        assert part in message


def test_records_without_label_are_dropped_if_asked(folder):
    for path in (
        folder("x.fa", ">s1 label=x\nA\n>s2\nC\n>s3 label=y\nG\n"),
        folder("x.csv", "id,text,label\ns1,A,x\ns2,C,\ns3,G,y\n"),
        folder("x.jsonl", '{"text": "A", "label": "x"}\n{"text": "C"}\n{"text": "G", "label": "y"}\n'),
    ):
        reader = RecordReader(find_sources([path]), ReadOptions(skip_unlabelled=True))
        assert [record.label for record in reader] == ["x", "y"]
        assert reader.labels.unlabelled == 1


def test_only_requested_classes_are_kept(folder):
    path = folder("x.fa", ">s1 label=x\nA\n>s2 label=y\nC\n>s3 label=z\nG\n")
    reader = RecordReader(find_sources([path]), ReadOptions(classes=("x", "z")))
    assert [record.label for record in reader] == ["x", "z"]
    assert reader.labels.other_class == 1


def test_inputs_keep_their_order(folder):
    second, first = folder("b.fa", CONTENT["fasta"]), folder("a.fa", b">s0\nACGT\n")
    assert [name for name, _ in pairs(read(second, first))] == ["s1", "s2", "s0"]


@pytest.mark.parametrize(
    ("name", "stem"),
    [("mouse.fa.gz", "mouse"), ("a.b.fasta", "a.b"), ("plain", "plain"), ("x.cdna", "x"), ("x.fa", "x")],
)
def test_stem_is_name_without_suffixes(name, stem, tmp_path):
    assert file_stem(tmp_path / name) == stem


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"label_from": "head:x"}, ["label_from", "header:KEY", "head:x"]),
        ({"label_from": "header:"}, ["label_from", "header:KEY"]),
        ({"group_from": "genes"}, ["group_from ", "header:KEY"]),
        ({"split_from": "column"}, ["split_from", "column:NAME"]),
        ({"label_from": "header-regex:("}, ["label_from", "regular expression"]),
        ({"group_from": "header-regex:abc"}, ["group_from:", "(…)"]),
        ({"label_from": "table:nowhere.tsv"}, ["label_from", "nowhere.tsv"]),
        ({"format": "fast"}, ["format must be", "fasta", "'fast'"]),
        ({"encoding": "utf-9"}, ["encoding", "'utf-9'"]),
    ],
)
def test_bad_options_are_explained(options, wanted, folder):
    path = folder("x.fa", CONTENT["fasta"])
    message = message_of(lambda: read(path, **options))
    for part in wanted:
        assert part in message


def test_table_without_column_is_explained(folder):
    table = folder("t.tsv", "id\tkind\ns1\tx\n")
    path = folder("x.fa", CONTENT["fasta"])
    message = message_of(read, path, label_from=f"table:{table}:colour")
    for part in ("t.tsv", "'colour'", "id, kind"):
        assert part in message


@pytest.mark.parametrize("option", ["label_from", "group_from"])
def test_missing_column_error_names_file(option, folder):
    path = folder("x.csv", "id,text\n1,A\n")
    message = message_of(read, path, **{option: "column:kind"})
    for part in ("x.csv", "'kind'", f"{option};", "id, text"):
        assert part in message


def test_source_checksum_is_that_of_the_file(folder):
    import hashlib

    for content in (CONTENT["fasta"] * 1000, gzip.compress(CONTENT["fasta"]), CONTENT["csv"], CONTENT["genbank"]):
        reader = RecordReader(find_sources([folder("x", content)]), ReadOptions())
        list(reader)
        assert reader.sources[0].sha256 == hashlib.sha256(content).hexdigest()


def test_missing_input_and_unreadable_folder_are_named(tmp_path):
    assert "nowhere.fa" in message_of(find_sources, [tmp_path / "nowhere.fa"])
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "x.png").write_bytes(b"\x89PNG")
    assert "set" in message_of(find_sources, [tmp_path / "set"])
