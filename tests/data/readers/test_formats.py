"""Readers: every format, plain, compressed and from standard input, recognised by content."""

import gzip
import io
import lzma
import random
import sys
from types import SimpleNamespace

import pytest
from Bio.SeqIO.FastaIO import SimpleFastaParser

from seqmix.data.inputs import find_sources
from seqmix.data.options import ReadOptions
from seqmix.data.readers import formats
from seqmix.data.reading import RecordReader
from tests.support.preparing import (
    CONTENT,
    PACKED,
    SEQUENCES,
    dna,
    letters,
    message_of,
    packed,
    pairs,
    prepare,
    read,
    standard_input,
)

ENDINGS = {
    "fasta": ("fa", "fasta", "fna", "ffn", "cds", "cdna"),
    "fastq": ("fastq", "fq"),
    "genbank": ("gb", "gbk"),
    "embl": ("embl",),
    "csv": ("csv",),
    "tsv": ("tsv",),
    "jsonl": ("jsonl",),
}


def detected(path, **options):
    reader = RecordReader(find_sources([path]), ReadOptions(**options))
    records = list(reader)
    return reader.sources[0].format, records


@pytest.mark.parametrize(("kind", "ending"), [(kind, ending) for kind, all_ in ENDINGS.items() for ending in all_])
def test_every_format_is_read_plain_and_compressed(kind, ending, tmp_path):
    for name, content in ((f"x.{ending}", CONTENT[kind]), (f"x.{ending}.gz", PACKED[kind])):
        path = tmp_path / name
        path.write_bytes(content)
        found, records = detected(path)
        assert found == kind
        assert pairs(records) == SEQUENCES


@pytest.mark.parametrize("form", ["bz2", "xz", "zst"])
@pytest.mark.parametrize("name", ["x.fasta", "x.csv", "x"])
def test_other_ways_to_pack_are_read_by_their_content(form, name, monkeypatch, tmp_path):
    kind = {"x": "genbank"}.get(name, name.removeprefix("x."))
    content = packed(form, CONTENT[kind])
    for file in (f"{name}.{form}", f"{name}.gz", name):  # the ending does not matter
        (tmp_path / file).write_bytes(content)
        found, records = detected(tmp_path / file)
        assert found == kind and pairs(records) == SEQUENCES
    (tmp_path / f"{name}.{form}").write_bytes(content * 2 if kind == "fasta" else content)
    assert len(read(tmp_path / f"{name}.{form}")) == len(SEQUENCES) * (1 + (kind == "fasta"))
    standard_input(monkeypatch, content)
    assert detected("-")[0] == kind


def test_files_in_folders_are_found_however_they_are_packed(tmp_path):
    for form in ("gz", "bz2", "xz", "zst"):
        (tmp_path / f"{form}.fa.{form}").write_bytes(packed(form, f">{form}\nACGT\n".encode()))
    records = read(tmp_path)
    assert {(record.id, record.label) for record in records} == {(form, form) for form in ("gz", "bz2", "xz", "zst")}


@pytest.mark.parametrize("content", [CONTENT, PACKED], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", CONTENT)
def test_every_format_is_read_from_standard_input(kind, content, monkeypatch):
    standard_input(monkeypatch, content[kind])
    found, records = detected("-")
    assert found == kind
    assert pairs(records) == SEQUENCES
    assert records[0].source == "standard input"


def test_standard_input_arriving_byte_by_byte_is_read(monkeypatch):
    class Trickle(io.RawIOBase):
        rest = CONTENT["fastq"]

        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:1], self.rest = self.rest[:1] or b"\0", self.rest[1:]
            return min(1, len(self.rest) + 1) if self.rest or buffer[0] else 0

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Trickle()))
    assert pairs(read("-")) == SEQUENCES


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("fasta", "x.txt"),
        ("fasta", "x.csv"),
        ("fasta", "x.tsv"),
        ("fasta", "x.jsonl"),
        ("fasta", "x.gb"),
        ("fasta", "x.fastq"),
        ("fasta", "x"),
        ("fastq", "x.fa"),
        ("fastq", "x.txt"),
        ("genbank", "x.txt"),
        ("genbank", "x.fasta"),
        ("embl", "x.dat"),
        ("csv", "x.dat"),
        ("tsv", "x.dat"),
        ("jsonl", "x.txt"),
        ("jsonl", "x.json"),
    ],
)
def test_content_decides_if_suffix_is_wrong(kind, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(CONTENT[kind])
    found, records = detected(path)
    assert found == kind
    assert pairs(records) == SEQUENCES


def test_compression_is_recognised_by_content(tmp_path):
    (tmp_path / "x.fa").write_bytes(PACKED["fasta"])
    (tmp_path / "y.fa.gz").write_bytes(CONTENT["fasta"])
    assert pairs(read(tmp_path / "x.fa")) == pairs(read(tmp_path / "y.fa.gz")) == SEQUENCES


def test_explicit_format_overrides_content(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(CONTENT["fasta"])
    found, records = detected(path, format="text")
    assert found == "text"
    assert [record.text for record in records] == [CONTENT["fasta"].decode().rstrip("\n")]


def test_all_members_of_gzip_file_are_read(tmp_path):
    path = tmp_path / "x.fa.gz"
    path.write_bytes(gzip.compress(b">s1\nACGT") + gzip.compress(b"AC\n>s2\nGG") + gzip.compress(b"TT\n"))
    assert pairs(read(path)) == SEQUENCES


@pytest.mark.parametrize("first_line", ["ACGT ACGT", "ACGT\tACGT", "  ACGTACGT", "acgt acgt"])
def test_fasta_with_spaced_letters_is_not_a_document(first_line, tmp_path, monkeypatch):
    content = f">s1\n{first_line}\nAC GT\n".encode()
    (tmp_path / "x.txt").write_bytes(content)
    standard_input(monkeypatch, content)
    for given in (tmp_path / "x.txt", "-"):
        found, records = detected(given)
        assert found == "fasta"
        assert letters(records[0]).upper() == "ACGTACGTACGT"


PROTEIN = "MKVLAWFQDEERSTNPIGHYC"


@pytest.mark.parametrize(
    "content",
    [
        f"> s1 of a\n{dna(60, 1)}\n> s2\n{dna(60, 2)}\n",
        f">s1\n{PROTEIN}\n>s2\n{PROTEIN.lower()}\n",
        f"> s1\r\n{PROTEIN}*\r\n{PROTEIN}\r\n> s2\r\n{dna(60, 1)}",
        f">s1\n{PROTEIN * 3}aaww{PROTEIN}\n>s2\n;comment of words\n{PROTEIN}",
        f"> s1\n{dna(10, 1)} {dna(10, 2)}\n\n> s2\n{dna(500, 2)}?{dna(500, 3)}\n{dna(500, 4)}\n" + dna(60, 1) * 200,
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x.md", "x.csv", "x", "x.fa"])
def test_fasta_beyond_doubt_is_fasta_under_any_name(name, content, tmp_path):
    (tmp_path / name).write_bytes(content.encode())
    found, records = detected(tmp_path / name)
    assert found == "fasta"
    assert [record.id for record in records] == ["s1", "s2"]


@pytest.mark.parametrize(
    "content",
    [
        "> you wrote this,\n> and that.\nI disagree.\n",
        ">you wrote\nI disagree with you on this\n>and that\nand with this\n",
        ">> deeper\n> quoted\nYes, of course\n",
        "> a quotation without an answer\n> of two lines\n",
        ">>> print(1)\n1\n>>> print(2)\n2\n",
        ">\n> hello\n>\nSee you on Monday\n",
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x.md"])
def test_texts_that_begin_with_an_angle_bracket_are_texts(name, content, tmp_path, monkeypatch):
    (tmp_path / name).write_text(content)
    assert [record.text for record in read(tmp_path / name)] == [content.rstrip("\n")]
    if "Yes" in content or "Monday" in content:  # no name, and prose: not one sequence of its letters
        standard_input(monkeypatch, content.encode())
        assert [record.text for record in read("-")] == [content.rstrip("\n")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "lines",
    [
        [">s1", "ACGT", "; between", "AC", ";", ">s2", "; first", "GGTT"],
        ["; before", ";; and more", ">s1", ";x", "ACGTAC", ">s2", "GGTT", ";at the end"],
        [">s1", ";ACGT", ";>s0", "ACGTAC", "", "; blank", "", ">s2", "GG", ";", "TT", ""],
    ],
)
def test_comments_in_fasta_are_no_letters(lines, end, tmp_path):
    (tmp_path / "x.fa").write_bytes(end.join(lines).encode())
    records = read(tmp_path / "x.fa")
    assert pairs(records) == SEQUENCES
    assert [record.line for record in records] == [number for number, line in enumerate(lines, 1) if line.startswith(">")]


def fastq(records, width, end="\n"):
    lines = []
    for name, sequence, qualities in records:
        cut = [[text[i : i + width] for i in range(0, len(text), width)] for text in (sequence, qualities)]
        lines += [f"@{name}", *cut[0], f"+{name if width % 2 else ''}", *cut[1]]
    return (end.join(lines) + end).encode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("width", [10, 7, 40, 100])
@pytest.mark.parametrize("name", ["x", "x.fq", "x.txt", "-"])
def test_fastq_on_several_lines_is_read_under_any_name(name, width, end, tmp_path, monkeypatch):
    rng = random.Random(width)
    sequences = [(f"r{i}", dna(rng.randint(1, 90), i)) for i in range(20)]
    content = fastq([(r, s, "".join(rng.choices("@+I>;", k=len(s)))) for r, s in sequences], width, end)
    (tmp_path / name).write_bytes(content)
    standard_input(monkeypatch, content)
    found, records = detected("-" if name == "-" else tmp_path / name)
    assert found == "fastq"
    assert pairs(records) == sequences
    lines = content.decode().split(end)
    assert [lines[record.line - 1] for record in records] == [f"@{r}" for r, _ in sequences]


@pytest.mark.parametrize("width", [10_000_000, 60])
@pytest.mark.parametrize("name", ["x", "-", "x.txt"])
def test_formats_are_recognised_in_front_of_a_long_record(name, width, tmp_path, monkeypatch):
    long = dna(1000, 1) * 1300
    for kind, content in (
        ("fastq", fastq([("r0", long, "I" * len(long)), ("r1", "ACGT", "IIII")], width)),
        ("fasta", f">r0\n{long}\n>r1\nACGT\n".encode()),
    ):
        (tmp_path / name).write_bytes(content)
        standard_input(monkeypatch, content)
        found, records = detected("-" if name == "-" else tmp_path / name)
        assert found == kind
        assert pairs(records) == [("r0", long), ("r1", "ACGT")]


@pytest.mark.parametrize("content", [b"@user\nhello\n+1\n", b"@home at last\nno plus here\n", b"@ACGT\nACGT\n"])
def test_texts_that_begin_with_an_at_sign_are_no_fastq(content, tmp_path):
    (tmp_path / "x.txt").write_bytes(content)
    assert detected(tmp_path / "x.txt")[0] == "text"


RELEASE = b"""GBBCT1.SEQ          Genetic Sequence Data Bank
                        August 15 2020

                NCBI-GenBank Flat File Release 239.0

"""
SWISSPROT = b"""ID   PR00_ECOLI              Reviewed;          21 AA.
AC   P00000;
DE   RecName: Full=Made up;
OS   Escherichia coli.
OX   NCBI_TaxID=562;
SQ   SEQUENCE   21 AA;  6000 MW;  0000000000000000 CRC64;
     MKVLAWFQDE ERSTNPIGHY C
//
"""


@pytest.mark.parametrize("name", ["x.seq", "x", "x.txt", "x.dat", "x.gb"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_genbank_behind_the_title_of_a_release_is_read(name, end, tmp_path):
    (tmp_path / name).write_bytes((RELEASE + CONTENT["genbank"]).replace(b"\n", end))
    found, records = detected(tmp_path / name)
    assert found == "genbank"
    assert pairs(records) == SEQUENCES


@pytest.mark.parametrize("name", ["x.dat", "x", "x.txt", "x.gz"])
@pytest.mark.parametrize("status", [b"Reviewed;  ", b"Unreviewed;", b"STANDARD;      PRT;"])
def test_swissprot_is_read(name, status, tmp_path):
    content = SWISSPROT.replace(b"Reviewed;  ", status)
    (tmp_path / name).write_bytes(gzip.compress(content * 3) if name == "x.gz" else content * 3)
    found, records = detected(tmp_path / name, label_from="column:organism")
    assert found == "swissprot"
    assert pairs(records) == [("P00000", PROTEIN)] * 3
    assert {record.label for record in records} == {"Escherichia coli"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n\n", "\r\n\n"])
def test_line_ends_behind_a_text_are_not_part_of_it(end, tmp_path, monkeypatch):
    text = " indented,\n\nand more. "
    (tmp_path / "x.txt").write_bytes((text + end).encode())
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress(("\ufeff" + text + end).encode()))
    assert read(tmp_path / "x.txt")[0].text == read(tmp_path / "x.txt.gz")[0].text == text
    standard_input(monkeypatch, (text + end).encode("utf-16"))
    assert read("-")[0].text == text


def test_classes_do_not_differ_in_the_last_line_end_of_their_texts(tmp_path):
    for name, end in (("a", ""), ("b", "\n"), ("c", "\r\n")):
        for number in range(10):
            (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name / f"{number}.txt").write_bytes(f"the words {name} {number}{end}".encode())
    info = prepare(tmp_path / "in", tmp_path / "out").info
    assert "\n" not in info["vocabulary"]["symbols"] and info["lengths"]["0%"] == info["lengths"]["100%"]


@pytest.mark.parametrize("odd", [">he said\nthanks\n", ">cat\nACT\n", ">she said\n\nOK\n", ">a\n>>b\nno\n"])
@pytest.mark.parametrize("share", [1, 4, 10])
@pytest.mark.parametrize("above", ["", "train/"])
def test_some_texts_that_look_like_sequences_do_not_make_a_folder_of_texts_one_of_sequences(odd, share, above, tmp_path):
    for number in range(20):
        path = tmp_path / above / "ab"[number % 2] / f"{number:02}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(odd if number < share else f"good film {number}\n")
        if above:
            (tmp_path / "test" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
            (tmp_path / "test" / "ab"[number % 2] / path.name).write_text(f"bad film {number}\n")
    records = read(tmp_path)
    assert len(records) == (40 if above else 20) and {record.label for record in records} == {"a", "b"}
    assert sum(record.text == odd.rstrip() for record in records) == share


def test_a_text_that_looks_like_a_sequence_is_a_text_behind_many_others(tmp_path):
    for number in range(130):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        (tmp_path / "ab"[number % 2] / f"{number:03}.txt").write_text(">cat\nACT\n" if number == 129 else "a film\n")
    records = read(tmp_path)
    assert len(records) == 130 and records[-1].text == ">cat\nACT"


def test_fasta_in_texts_is_read_beside_a_few_words(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("".join(f">{name}{number}\n{dna(60, number)}\n" for number in range(5)))
    for name in "cdef":
        (tmp_path / f"{name}.txt").write_text("made in spring\n")
    assert len(read(tmp_path)) == 10


def test_document_quoting_with_angle_brackets_is_a_document(tmp_path):
    path = tmp_path / "mail.txt"
    path.write_text("> you wrote this,\n> and that.\nI disagree.\n")
    found, records = detected(path)
    assert found == "text"
    assert records[0].text == path.read_text().rstrip("\n")


def test_text_file_is_one_document(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear all,\n\nüber alles.\n", encoding="utf-8")
    (record,) = read(path)
    assert record.text == "Dear all,\n\nüber alles."
    assert record.id == "letter.txt"


def test_byte_order_mark_is_removed_from_document(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbfhello")
    assert read(path)[0].text == "hello"


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "caf\xe9"), ("utf-16", "caf\xe9"), ("cp1251", "привет")])
def test_documents_and_tables_use_given_encoding(encoding, text, tmp_path):
    (tmp_path / "x.txt").write_bytes(text.encode(encoding))
    (tmp_path / "x.csv").write_bytes(f"text,label\n{text},a\n".encode(encoding))
    (tmp_path / "x.jsonl").write_bytes(f'{{"text": "{text}"}}\n'.encode(encoding))
    for name in ("x.txt", "x.csv", "x.jsonl"):
        assert [record.text for record in read(tmp_path / name, encoding=encoding)] == [text]


def naive_fasta(data):
    """Parse slowly: (header, letters, line number of the header)."""
    records = []
    for number, line in enumerate(data.decode().split("\n"), 1):
        if line.startswith(">"):
            records.append([line[1:].strip(), "", number])
        elif records:
            records[-1][1] += "".join(line.split())
    return [tuple(record) for record in records]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [1, 2, 7, 64, 1 << 20])
def test_fasta_matches_naive_parser_for_any_block_size(block, newline, monkeypatch):
    monkeypatch.setattr(formats, "BLOCK", block)
    rng = random.Random(block)
    for _ in range(60):
        lines = ["", "; a comment"][: rng.randrange(3)]
        for i in range(rng.randint(1, 5)):
            lines.append(f">r{i} a header > with signs")
            lines += [rng.choice(["ACGT", "A C\tG", "", "NNNNNNNNNN", "T" * 40]) for _ in range(rng.randrange(4))]
        data = newline.join(lines).encode() + newline.encode() * rng.randrange(3)
        entries = list(formats.parse_fasta(io.BufferedReader(io.BytesIO(data)), "x.fa"))
        found = [(entry.header, letters(entry), entry.line) for entry in entries]
        assert found == naive_fasta(data)


def test_fasta_agrees_with_biopython():
    rng = random.Random(0)
    text = "".join(f">r{i} d{i}\n" + "\n".join("".join(rng.choices("ACGT", k=60)) for _ in range(9)) + "\n" for i in range(50))
    expected = list(SimpleFastaParser(io.StringIO(text)))
    entries = formats.parse_fasta(io.BufferedReader(io.BytesIO(text.encode())), "x.fa")
    assert [(entry.header, letters(entry)) for entry in entries] == expected


def test_fasta_may_start_with_blank_lines_comments_or_byte_order_mark(tmp_path):
    for start in (b"\n\n", b"; made by hand\n", b"\xef\xbb\xbf", b"\r\n"):
        (tmp_path / "x.fa").write_bytes(start + CONTENT["fasta"])
        assert pairs(read(tmp_path / "x.fa")) == SEQUENCES


def test_fasta_without_final_newline_is_complete(tmp_path):
    (tmp_path / "x.fa").write_bytes(CONTENT["fasta"].rstrip())
    assert pairs(read(tmp_path / "x.fa")) == SEQUENCES


def test_cells_keep_quotes_commas_and_line_breaks(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('id,text\n1,"a ""b"", c\nd"\n2,e\n')
    assert [(record.id, record.text) for record in read(path)] == [("1", 'a "b", c\nd'), ("2", "e")]


def test_long_cell_is_read(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,text\n1," + "ACGT" * 100_000 + "\n")
    assert len(read(path)[0].text) == 400_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b"key,Text,story\nk1,wrong,ACGT\n"),
        ("x.tsv", b"key\ttext\tstory\nk1\twrong\tACGT\n"),
        ("x.jsonl", b'{"key": "k1", "text": "wrong", "story": "ACGT"}\n'),
    ],
)
def test_columns_can_be_chosen(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert pairs(read(tmp_path / name, text_column="story", id_column="key")) == [("k1", "ACGT")]


def test_common_column_names_are_found_in_any_case(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfID,Sequence\nk1,ACGT\n")
    assert pairs(read(path)) == [("k1", "ACGT")]


def test_rows_without_id_are_numbered(tmp_path):
    (tmp_path / "x.csv").write_text("text\nA\nC\n")
    (tmp_path / "x.jsonl").write_text('{"text": "A"}\n\n{"text": "C"}\n')
    assert [record.id for record in read(tmp_path / "x.csv")] == ["row-1", "row-2"]
    assert len({record.id for record in read(tmp_path / "x.jsonl")}) == 2


def test_json_numbers_can_be_ids_and_labels(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"id": 0, "text": "A", "label": 0}\n{"id": 1, "text": "C", "label": 1}\n')
    assert [(record.id, record.label) for record in read(tmp_path / "x.jsonl")] == [("0", "0"), ("1", "1")]


def test_stray_quote_in_table_is_explained(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text('id\ttext\n1\tfine\n2\t"so" he said\n')
    message = message_of(read, path)
    assert "x.tsv" in message
    assert "line 3" in message
    assert "quote" in message


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("x.fa", b"ACGT\nACGT\n", ["line 1", "'>'", "'ACGT'"]),
        ("x.fa", b">s1\nACGT\n> \nACGT\n", ["line 3", "identifier"]),
        ("x.fq", b"@s1\nACGT\n+\nII\n", ["line 1", "FASTQ"]),
        ("x.fq", b"@s1\nACGT\n+\nIIII\n@s2\nAC", ["line 5", "FASTQ"]),
        ("x.fq", b"@s1\nACGT\n+\nIIII\n@s2\nACGT\n+\nIIIIII\n", ["line 5", "FASTQ", "4 letters and 6"]),
        ("x.fq", b"@s1\nACGT\n+\nII", ["line 1", "FASTQ", "cut off"]),
        ("x.fq", b"@s1\nACGT\n+\nIIII\nACGT\n", ["line 5", "FASTQ", "'@…'"]),
        ("x.fq", b"@\nACGT\n+\nIIII\n", ["line 1", "identifier"]),
        ("x.fq", b"hello\n", ["FASTQ"]),
        ("x.gb", b"hello\n", ["x.gb"]),
        ("x.gb", CONTENT["genbank"][: CONTENT["genbank"].index(b"ORIGIN") + 20], ["genbank"]),
        ("x.csv", b"id,text\n1,A\n2\n", ["line 3", "2 "]),
        ("x.csv", b"id,text\n1,A,B\n", ["line 2", "2 "]),
        ("x.csv", b"id,body\n1,A\n", ["text_column", "id, body"]),
        ("x.jsonl", b'{"text": "A"}\n{"text": \n', ["line 2", "JSON"]),
        ("x.jsonl", b'{"text": "A"}\n[1]\n', ["line 2", "JSON object"]),
        ("x.jsonl", b'{"text": "A"}\n{"text": 3}\n', ["line 2", "'text'", "a string", "got 3"]),
        ("x.jsonl", b'{"text": "A"}\n{"id": "3"}\n', ["line 2", "'text'"]),
        ("x.jsonl", b'{"text": "A"}\n{"text": "\\ud83d"}\n', ["line 2", "surrogate"]),
        ("x.fa.bz2", b"BZh91AY&SY", ["bzip2", "cut off"]),
        ("x.fa.xz", b"\xfd7zXZ\x00\x00", ["xz", "cut off"]),
        ("x.fa.xz", lzma.compress(CONTENT["fasta"])[:40] + b"\xff" * 40, ["xz", "damaged"]),
        ("x.fa.zst", packed("zst", CONTENT["fasta"])[:20], ["zstd", "cut off"]),
        ("x.fa.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 20, ["zstd", "damaged"]),
        ("x.zip", b"PK\x03\x04\x14\x00", ["zip archive", "unpack"]),
    ],
)
def test_damaged_content_is_named_with_its_position(name, content, wanted, tmp_path):
    (tmp_path / name).write_bytes(content)
    message = message_of(read, tmp_path / name)
    for part in (name, *wanted):
        assert part in message


def test_line_number_of_bad_record_counts_blank_lines(tmp_path):
    (tmp_path / "x.fa").write_bytes(b">s1\nACGT\n\n\n>s2\nACGT\n\n>s3\nAC!T\n")
    message = message_of(prepare, tmp_path / "x.fa", tmp_path / "data", alphabet="dna")
    assert "record 's3' (line 8)" in message


@pytest.mark.parametrize("lines", [[60] * 4, [10, 3], [60, 60, 12]])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_dna_without_headers_are_noted(lines, end, tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes((end.join(dna(length, n) for n, length in enumerate(lines)) + end).encode())
    reader = RecordReader(find_sources([path]), ReadOptions())
    assert len(list(reader)) == 1 and any("without a header" in note for note in reader.notes())
    path.write_text("TAG\nGAT and a cat\n")
    assert list(reader) and not reader.notes()[1:]


@pytest.mark.parametrize(
    ("text", "encoding", "advised"),
    [
        ("\u201cquoted\u201d", "cp1252", "cp1252"),
        ("caf\xe9 for 5 \u20ac", "cp1252", "cp1252"),
        ("caf\xe9", "latin-1", "latin-1"),
        ("\u65e5\u672c\u8a9e\u306e\u6587\u7ae0", "shift_jis", "shift_jis"),
    ],
)
def test_the_encoding_that_is_recommended_gives_the_text(text, encoding, advised, tmp_path):
    for name, content in (("x.txt", text), ("x.csv", f"text,label\n{text},a\n")):
        (tmp_path / name).write_bytes(content.encode(encoding))
        assert f"encoding='{advised}'" in message_of(read, tmp_path / name)
        assert read(tmp_path / name, encoding=advised)[0].text == text


@pytest.mark.parametrize("kind", ["fasta", "fastq"])
def test_headers_that_are_not_utf_8_are_noted_once(kind, tmp_path):
    records = [f">s{n} label=K\xf6ln\nACGT\n" if kind == "fasta" else f"@s{n} label=K\xf6ln\nAC\n+\nII\n" for n in range(5)]
    (tmp_path / "x").write_bytes("".join(records).encode("latin-1"))
    for encoding, count in (("utf-8", 1), ("latin-1", 0)):
        reader = RecordReader(find_sources([tmp_path / "x"]), ReadOptions(encoding=encoding))
        assert {record.label for record in reader} == {"K\xf6ln"}
        assert [("latin-1" in note) for note in reader.notes()].count(True) == count


def test_genbank_with_parts_only_is_explained(tmp_path):
    text = CONTENT["genbank"].decode()
    start = text.index("ORIGIN")
    end = text.index("//", start)
    (tmp_path / "x.gb").write_text(text[:start] + "CONTIG      join(AB1.1:1..60)\n" + text[end:])
    assert "CONTIG" in message_of(read, tmp_path / "x.gb") and "gbwithparts" in message_of(read, tmp_path / "x.gb")


@pytest.mark.parametrize("kind", ["genbank", "embl"])
def test_the_organism_is_named_where_records_have_no_label(kind, tmp_path):
    records = "".join(
        f"ID   X{n}; SV 1; linear; genomic DNA; STD; PRO; 8 BP.\nXX\nAC   X{n};\nXX\nOS   {'AB'[n % 2]} c\nOC   Bacteria.\nXX\n"
        f"SQ   Sequence 8 BP;\n     acgtacgt                                                                 8\n//\n"
        if kind == "embl"
        else f"LOCUS       X{n}                 8 bp    DNA     linear   BCT 01-JAN-2020\nDEFINITION  x.\nACCESSION   X{n}\n"
        f"SOURCE      x\n  ORGANISM  {'AB'[n % 2]} c\n            Bacteria.\nORIGIN\n        1 acgtacgt\n//\n"
        for n in range(4)
    )
    (tmp_path / "x").write_text(records)
    reader = RecordReader(find_sources([tmp_path / "x"]), ReadOptions())
    assert len(list(reader)) == 4 and any("--label-from column:organism" in note for note in reader.notes())
    assert {record.label for record in read(tmp_path / "x", label_from="column:organism")} == {"A c", "B c"}
