"""Formats that are not read are refused by their name: by content, packed or not, under any name, and by their ending."""

import gzip
import io
import pickle
import tarfile
import zipfile

import pytest

from seqmix.data.readers import signatures
from seqmix.data.readers.formats import ENDINGS
from tests.support.preparing import CONTENT, dna, message_of, pairs, read, standard_input

SAM = b"@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:1000\nr1\t0\tchr1\t1\t60\t10M\t*\t0\t0\tACGTACGTAC\tIIIIIIIIII\n"
PDB = (
    b"HEADER    OXYGEN TRANSPORT                        07-MAR-84   4HHB\nTITLE     THE CRYSTAL STRUCTURE\n"
    b"ATOM      1  N   VAL A   1      19.323  29.369  55.000  1.00 49.05           N\n"
)
BED = b"chr1\t100\t200\tgene1\nchr1\t300\t400\tgene2\n"

# what the message calls it: variations of it
TEXTS = {
    "PIR": [b">P1;CRAB\nALPHA CRYSTALLIN\nMKVLAW*\n", b">F1;X\n\nMKV*\n", b">DL;seq\ntitle\nACGT*\n"],
    "Stockholm": [b"# STOCKHOLM 1.0\n#=GF ID x\ns1 ACGT\n//\n", b"#STOCKHOLM 1.0\ns1 AC\n//\n"],
    "SAM": [SAM, SAM[11:], SAM[SAM.index(b"\nr1") :], b"@PG\tID:bwa\n"],
    "GFF": [
        b"##gff-version 3\nchr1\tx\tgene\t1\t20\t.\t+\t.\tID=g\n##FASTA\n>chr1\nACGT\n",
        b'#!genome-build GRCh38\n1\thavana\tgene\t1\t2\t.\t+\t.\tgene_id "a"\n',
        b"##sequence-region c 1 2\n",
    ],
    "VCF": [b"##fileformat=VCFv4.2\n#CHROM\tPOS\n"],
    "wiggle": [b"track type=wiggle_0\nfixedStep chrom=1 start=1 step=1\n1\n", b"variableStep chrom=1\n1 2\n"],
    "Clustal": [
        b"CLUSTAL W (1.83) multiple sequence alignment\n\n\na  ACGT\nb  ACGT\n",
        b"CLUSTAL O(1.2.4) multiple sequence alignment\n\na  ACGT\n",
        b"MUSCLE (3.8) multiple sequence alignment\n\na  ACGT\n",
        b"CLUSTAL\n\nseq1  ACGTACGT\n",
    ],
    "Phylip": [
        b" 2 20\nTurkey    AAGCTNGGGC ATTTCAGGGT\nHuman     AAGCTNGGGC ATTTCAGGGT\n",
        b"2 12\nseq_one ACGTACGTACGT\nseq_two ACGTACGTACGT\n",
    ],
    "NEXUS": [b"#NEXUS\nbegin data;\n", b"#nexus\n"],
    "GCG": [
        b"!!NA_MULTIPLE_ALIGNMENT 1.0\n\n",
        b"PileUp\n\n   MSF:  20  Type: N\n",
        b"x.msf  MSF: 20  Type: P  Check: 100  ..\n\n Name: a\n",
    ],
    "PDB": [PDB, PDB[PDB.index(b"ATOM") :], b"REMARK   1 made up\n" + PDB[PDB.index(b"ATOM") :]],
    "mmCIF": [b"data_4HHB\n#\n_entry.id 4HHB\n"],
    "BLAST": [b"BLASTN 2.9.0+\n\nReference:\n"],
    "HMMER": [b"HMMER3/f [3.1b2]\nNAME x\n"],
    "ASN.1": [b"Seq-entry ::= set {\n class nuc-prot\n"],
    "Git LFS": [b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"],
    "RTF": [b"{\\rtf1\\ansi hello}"],
    "PAF": [
        b"q1\t100\t0\t100\t+\tt1\t1000\t0\t100\t90\t100\t60\n",
        b"read 1\t9\t0\t9\t-\tt\t9\t0\t9\t9\t9\t0\ttp:A:P\n".replace(b" ", b"_"),
    ],
    "BLAST hits": [
        b"q1\ts1\t99.0\t50\t0\t0\t1\t50\t1\t50\t1e-20\t100\n",
        b"q1\tgi|1|ref\t100\t9\t0\t0\t1\t9\t9\t1\t0.0\t 85.5\n",
    ],
    "MAF": [b"##maf version=1\na score=1\ns hg38.chr1 0 4 + 100 ACGT\n", b"##maf version=1 scoring=tba.v8\n"],
    "PSL": [b"psLayout version 3\n\nmatch\n"],
    "chain": [b"chain 4900 chrY 58368225 + 25985403 25985638 chr5 151006098 - 43257292 43257528 1\n9 1 0\n"],
    "MOL2": [b"@<TRIPOS>MOLECULE\nx\n 1 0 0\n", b"# made by x\n@<TRIPOS>MOLECULE\nx\n"],
    "SD file": [
        b"mol\n  prog\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0 0.0 0.0 C\nM  END\n$$$$\n",
        b"241\n  -OEChem-0101\n\n 12 12  0     0  0  0  0  0  0999 V2000\n",
    ],
    "MEME": [b"MEME version 4\n\nALPHABET= ACGT\n", b"MEME version 5.1.1 (Release date: x)\n"],
    "JASPAR": [
        b">MA0001.1 AGL3\nA [ 0 3 79 ]\nC [ 94 75 4 ]\nG [ 1 0 3 ]\nT [ 2 19 11 ]\n",
        b">MA0001.1\nA  [13 13  3 ]\nC  [ 5  1  2 ]\n",
        b">x\nA | 1 2\nC | 3 4\n",
    ],
    "IntelliGenetics": [
        b";comment\nseq1\nACGTACGTACGT\nACGTACGTACGT1\n;c2\nseq2\nACGTACGTACGT1\n",
        b"; a\n; b\nA_U455\nMKVLAWFQDD1\n",
    ],
    "ARFF": [
        b"@relation x\n@attribute a string\n@data\n",
        b"% Iris\n%\n@RELATION iris\n\n@ATTRIBUTE a NUMERIC\n",
        b"@relation x\n\n% c\n  @attribute a string\n",
    ],
    "Matrix Market": [b"%%MatrixMarket matrix coordinate real general\n2 2 1\n"],
}
# the same, where the ending is not that of a document
UNNAMED_TEXTS = {
    "BED": [BED, BED[:19], BED.replace(b"\n", b"\r\n")],
    "HTML": [b"<!DOCTYPE html>\n<html></html>", b"<html lang='en'>", b"\n <!doctype HTML>"],
    "XML": [b'<?xml version="1.0"?>\n<uniprot/>'],
    "libsvm": [b"1 1:0.5 2:0.3\n-1 1:0.2 3:0.1\n", b"+1 4:1 9:1 12:1e-3\n", b"0.5 1:-0.2 7:3 \r\n"],
    "base qualities": [b">s0 label=a\n40 40 40 30 20\n>s1\n40 40 40 30 20\n", b">s\n 9 9 9 9\n"],
    "Newick": [b"(a:0.1,(b:0.2,c:0.3):0.1);\n"],
}
BINARIES = {
    "BAM": b"BAM\x01\x10\0\0\0",
    "CRAM": b"CRAM\x03\0",
    "2bit": b"\x43\x27\x41\x1a\0\0\0\0",
    "SRA": b"NCBI.sra\x05",
    "ABI": b"ABIF\0e",
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "Parquet": b"PAR1\x15\x04",
    "Arrow": b"ARROW1\0\0\xff\xff",
    "pickle": pickle.dumps([1]),
    "NumPy": b"\x93NUMPY\x01\0v\0",
    "SQLite": b"SQLite format 3\0",
    "data of R": b"X\n\0\0\0\x03",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\n",
    "image": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "lz4": b"\x04\x22\x4d\x18d@",
}


def refused(path, content):
    path.write_bytes(content)
    return message_of(read, path)


@pytest.mark.parametrize(("what", "content"), [(what, one) for what, all_ in TEXTS.items() for one in all_])
def test_texts_of_other_formats_are_refused_by_their_name(what, content, tmp_path, monkeypatch):
    for name in ("x", "x.txt", "x.fa", "x.dat", "x.aln"):
        message = refused(tmp_path / name, content)
        assert what in message and f"{tmp_path / name}: this is" in message
    assert what in refused(tmp_path / "x.gz", gzip.compress(content))
    assert what in refused(tmp_path / "windows", b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    standard_input(monkeypatch, content)
    assert what in message_of(read, "-")


@pytest.mark.parametrize(("what", "content"), [(what, one) for what, all_ in UNNAMED_TEXTS.items() for one in all_])
def test_what_may_be_a_document_is_refused_unless_it_is_named_as_one(what, content, tmp_path):
    for name in ("x", "x.dat", "x.gz"):
        assert what in refused(tmp_path / name, gzip.compress(content) if name == "x.gz" else content)
    (tmp_path / "x.txt").write_bytes(content)
    assert [record.text for record in read(tmp_path / "x.txt")] == [content.decode().replace("\r\n", "\n").rstrip("\n")]


@pytest.mark.parametrize("what", BINARIES)
def test_binary_files_are_refused_by_their_name(what, tmp_path):
    for name in ("x", "x.txt", "x.fa", "x.csv"):
        message = refused(tmp_path / name, BINARIES[what])
        assert "binary" in message and what in message
    assert what in refused(tmp_path / "x.gz", gzip.compress(BINARIES[what] + bytes(1000)))


@pytest.mark.parametrize("ending", sorted(signatures._BY_ENDING))
def test_endings_of_other_formats_are_no_documents(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    message = refused(path, b"some words that tell nothing\nand more of them\n")
    assert "by its ending" in message and "format" in message
    path.write_bytes(CONTENT["fasta"])  # the content counts
    assert len(read(path)) == 2
    assert ending not in ENDINGS


@pytest.mark.parametrize("ending", ["sam", "bed", "html", "json"])
def test_a_stated_format_is_not_doubted(ending, tmp_path):
    (tmp_path / f"x.{ending}").write_bytes(BED)
    assert [record.text for record in read(tmp_path / f"x.{ending}", format="text")] == [BED.decode().rstrip("\n")]


def zipped(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel"),
        (zipped("xl/worksheets/sheet1.xml"), "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Excel"),
        (zipped("[Content_Types].xml", "word/document.xml"), "Word"),
        (zipped("arr.npy"), "NumPy"),
        (zipped("a.fa", "b.fa"), "zip archive"),
        (zipped(), "zip archive"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "7-Zip"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"\x1f\x9d\x90\x3e", "uncompress"),
        (gzip.compress(gzip.compress(CONTENT["fasta"], mtime=0), mtime=0), "packed twice (gzip in gzip)"),
    ],
)
def test_archives_say_what_they_are(content, wanted, tmp_path, monkeypatch):
    for name in ("x.xlsx", "x.fa", "x", "x.csv", "x.txt"):
        assert wanted in refused(tmp_path / name, content)
    standard_input(monkeypatch, content)
    assert wanted in message_of(read, "-")


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, "v7"])
@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_tar_archives_are_recognised_however_they_are_packed(layout, packing, tmp_path):
    path = tmp_path / "x.fa"
    (tmp_path / "inner.fa").write_bytes(CONTENT["fasta"])
    with tarfile.open(path, f"w:{packing}", format=tarfile.USTAR_FORMAT if layout == "v7" else layout) as archive:
        archive.add(tmp_path / "inner.fa", "inner.fa")
    if layout == "v7" and not packing:  # older than the word ustar: told by the sum of the header
        content = path.read_bytes()
        header = bytearray(content[:512])
        header[257:265] = bytes(8)
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        path.write_bytes(bytes(header) + content[512:])
    message = message_of(read, path)
    assert "tar archive" in message and "tar xf" in message


def test_sequences_and_documents_are_not_taken_for_other_formats(tmp_path):
    for number, text in enumerate(
        [
            "HEADER is a word that a document may start with\nATOM is another\n",
            "CLUSTAL is a program.\n\nIt aligns sequences.\n",
            "2 30\nchapter thirty begins\n",
            "Pickles are sold here.\n",
            "BLAST it, he said\n",
            "data_set one\n",
            "track type of music\n",
            "PK and CRAM are words; so is Rar!\n",
            "@relation of mine, hello\n@attribute it to me\n".replace("@attribute", "attribute"),
            "; a comment\nAnd so on 1\n; another\n",
            "> A 1 is not a B\nA 2 neither\n",
            "MEME of the day\n",
            "chain of events\n",
        ]
    ):
        (tmp_path / f"{number}.txt").write_text(text)
        assert [record.text for record in read(tmp_path / f"{number}.txt")] == [text.rstrip("\n")]
    (tmp_path / "x").write_text(f">P1\n{dna(60, 1)}\n")
    assert pairs(read(tmp_path / "x")) == [("P1", dna(60, 1))]


@pytest.mark.parametrize("start", [SAM, b"##maf version=1\n", b"#NEXUS\n", b"BAM\x01\0"])
def test_standard_input_is_not_the_name_of_a_file_in_advice(start, monkeypatch):
    standard_input(monkeypatch, start)
    message = message_of(read, "-")
    assert message.startswith("standard input: ") and message.count("standard input") == 1


@pytest.mark.parametrize("name", ["a.txt", "a", "a.out", "a.md", "a.fa"])
@pytest.mark.parametrize("comment", ["# Generated\n", "#prog 1.2\n# by hand\n\n", "# made by X\r\n"])
def test_comments_above_fasta_are_refused_under_every_name(name, comment, tmp_path):
    path = tmp_path / name
    path.write_text(comment + "".join(f">s{n}\n{dna(60, n)}\n" for n in range(4)))
    message = message_of(read, path)
    assert "line 1: a FASTA file starts with '>', this one with the comment '#" in message
    assert "grep -v '^#'" in message


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n> he said so\nand then he left\n",
        "# A\n> b\nGO\n",
        "# Notes\n\n> quoted words\n\nTEXT OF MANY WORDS, in a line\n",
    ],
)
def test_documents_with_a_heading_and_a_quotation_are_documents(text, tmp_path):
    path = tmp_path / "a.md"
    path.write_text(text)
    assert [record.text for record in read(path)] == [text.rstrip("\n")]


@pytest.mark.parametrize(
    ("name", "comment"), [("a.csfasta", "# Title: x\n"), ("a.csfasta", ""), ("a.fa", "# Title: x\n# y\n"), ("a", "#x\n")]
)
def test_colour_space_is_refused_by_its_name(name, comment, tmp_path):
    path = tmp_path / name
    path.write_text(comment + ">1_0_F3\nT0200021212212103222133002121\n>1_1_F3\nT0302320200233023.331330001133\n")
    assert "colour space" in message_of(read, path)
