"""Formats that are not read: recognised by their first bytes or by the ending of their name, and refused by their name.

Each says what to do instead. A file whose content is that of a format that is read never gets as far as its ending.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from seqmix.errors import InputError, param


@dataclass(frozen=True, slots=True)
class Foreign:
    """A format that is not read.

    Attributes:
        name: the format, with its article.
        advice: what to do with such a file.
        endings: of the names of such files.
        starts: bytes that such a file starts with.
        pattern: of the start of a file that is such a text beyond doubt.
        inside: pattern of what its first lines hold and no other text does.
        in_documents: whether such a text is refused even if the ending of the name is that of a document.
    """

    name: str
    advice: str
    endings: tuple[str, ...] = ()
    starts: tuple[bytes, ...] = ()
    pattern: bytes | None = None
    inside: bytes | None = None
    in_documents: bool = True


def _with_biopython(kind: str) -> str:
    return f"convert it to FASTA, for example in Python with Bio.SeqIO.convert('FILE', '{kind}', 'new.fa', 'fasta')"


_UNPACKERS = {  # of files with an ending
    **dict.fromkeys(("gz", "bgz", "bgzf", "gzip"), "gzip"),
    **dict.fromkeys(("bz2", "bzip2"), "bzip2"),
    **dict.fromkeys(("xz",), "xz"),
    **dict.fromkeys(("zst", "zstd"), "zstd"),
}
_TABLE = "save it as CSV, and give that file"
_UNPACK = "unpack it first, and give what was in it"
_READS = "write its reads as FASTA, for example with: samtools fasta FILE > reads.fa"
_NO_SEQUENCES = "it holds positions, not sequences: give the FASTA file of the sequences"
_NO_LETTERS = "it holds atoms, not sequences: leave it out"
_LEAVE_OUT = "leave it out, or convert it to FASTA, CSV or text"

_CONTAINERS = (
    Foreign("a 7-Zip archive", _UNPACK, (".7z",), (b"7z\xbc\xaf\x27\x1c",)),
    Foreign("a RAR archive", _UNPACK, (".rar",), (b"Rar!\x1a\x07",)),
    Foreign("a file packed with compress", "unpack it first: uncompress FILE", (".z",), (b"\x1f\x9d",)),
    Foreign("a file packed with lzip", "unpack it first: lzip -d FILE", (".lz",), (b"LZIP\x01",)),
    Foreign("a file packed with lzma", "unpack it first: unlzma FILE", (".lzma",), (b"\x5d\x00\x00",)),
    Foreign("an archive of ar", _UNPACK, (".deb",), (b"!<arch>\n",)),
    Foreign(
        "a file of Microsoft Office 97 (such as Excel .xls or Word .doc)",
        "save its table as CSV, or its text as text, and give that file",
        (),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    ),
)

# What is in a zip archive, by the name of one of its first members.
_ZIPPED = (
    (rb"xl/|mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet", "an Excel or OpenDocument workbook", _TABLE),
    (rb"word/|mimetypeapplication/vnd\.oasis\.opendocument\.text", "a Word or OpenDocument text", "save it as text"),
    (rb"ppt/", "a PowerPoint presentation", "save it as text"),
    (rb"mimetypeapplication/epub", "an e-book", "convert it to text"),
    (rb"[^/]\.npy", "a NumPy archive", _LEAVE_OUT),
    (rb"/data\.pkl", "a file of PyTorch", _LEAVE_OUT),
)
_TAR = Foreign("a tar archive", "unpack it (tar xf FILE) and give the folder", (".tar", ".tgz", ".tbz", ".tbz2", ".txz"))

_BINARIES = (
    Foreign("BAM (alignments of reads)", _READS, (".bam",), (b"BAM\x01",)),
    Foreign("CRAM (alignments of reads)", _READS, (".cram",), (b"CRAM",)),
    Foreign(
        "an index", "give the file of the sequences", (".bai", ".csi", ".tbi", ".crai"), (b"BAI\x01", b"CSI\x01", b"TBI\x01")
    ),
    Foreign("BCF (variants)", _NO_SEQUENCES, (".bcf",), (b"BCF\x02",)),
    Foreign(
        "2bit (a genome of UCSC)",
        "convert it: twoBitToFa FILE genome.fa",
        (".2bit",),
        (b"\x43\x27\x41\x1a", b"\x1a\x41\x27\x43"),
    ),
    Foreign("SRA (reads of NCBI)", "convert it: fasterq-dump FILE", (".sra",), (b"NCBI.sra",)),
    Foreign("an ABI trace", _with_biopython("abi"), (".ab1", ".abi"), (b"ABIF",)),
    Foreign("SFF (reads of 454)", _with_biopython("sff"), (".sff",), (b".sff",)),
    Foreign("bigWig or bigBed", _NO_SEQUENCES, (".bw", ".bigwig", ".bigbed"), (b"\x26\xfc\x8f\x88", b"\xeb\xf2\x89\x87")),
    Foreign("HDF5", _LEAVE_OUT, (".h5", ".hdf5", ".h5ad", ".loom", ".fast5"), (b"\x89HDF\r\n\x1a\n",)),
    Foreign("Parquet", f"{_TABLE} (pandas.read_parquet('FILE').to_csv('new.csv', index=False))", (".parquet",), (b"PAR1",)),
    Foreign(
        "Arrow or Feather",
        f"{_TABLE} (pandas.read_feather('FILE').to_csv('new.csv', index=False))",
        (".arrow", ".feather"),
        (b"ARROW1\0\0", b"FEA1"),
    ),
    Foreign(
        "a pickle of Python",
        "a pickle can run any program and is never opened; write its data as CSV or JSONL",
        (".pkl", ".pickle", ".joblib"),
        tuple(bytes((0x80, version)) for version in range(2, 6)),
    ),
    Foreign("NumPy", _LEAVE_OUT, (".npy",), (b"\x93NUMPY",)),
    Foreign("a SQLite database", _TABLE, (".sqlite", ".db"), (b"SQLite format 3\0",)),
    Foreign("data of R", f"{_TABLE} (write.csv in R)", (".rds", ".rdata", ".rda"), (b"X\n\0\0\0", b"RDX2\n", b"RDX3\n")),
    Foreign("PDF", "convert it to text, for example with: pdftotext FILE", (".pdf",), (b"%PDF-",)),
    Foreign(
        "an image",
        _LEAVE_OUT,
        (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff"),
        (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
    ),
    Foreign("a file packed with lz4", "unpack it first: lz4 -d FILE", (".lz4",), (b"\x04\x22\x4d\x18",)),
    Foreign("a program", _LEAVE_OUT, (), (b"\x7fELF",)),
)

_TEXTS = (
    Foreign(
        "PIR (NBRF)",
        f"the line after each of its headers is a title; {_with_biopython('pir')}",
        (".pir", ".nbrf"),
        pattern=rb">(?:P1|F1|DL|DC|RL|RC|N3|XX);",
    ),
    Foreign("a Stockholm alignment", _with_biopython("stockholm"), (".sto", ".stk", ".stockholm"), pattern=rb"# ?STOCKHOLM"),
    Foreign(
        "SAM (alignments of reads)",
        _READS,
        (".sam",),
        pattern=rb"@(?:HD|SQ|RG|PG|CO)\t|[^\t\n]+\t\d+\t\S+\t\d+\t\d+\t(?:\*|(?:\d+[MIDNSHPX=])+)\t",
    ),
    Foreign(
        "GFF (annotations)",
        "it holds positions; if sequences follow its line ##FASTA, take them: sed '1,/^##FASTA/d' FILE > new.fa",
        (".gff", ".gff2", ".gff3", ".gtf"),
        pattern=rb"##\s?gff-version|#!genome-build|##sequence-region",
    ),
    Foreign("VCF (variants)", _NO_SEQUENCES, (".vcf",), pattern=rb"##fileformat=VCF"),
    Foreign(
        "PAF (alignments of reads)",
        "give the FASTA or FASTQ file of the reads",
        (".paf",),
        pattern=rb"[^\s>]+\t\d+\t\d+\t\d+\t[+-]\t\S+(?:\t\d+){6}(?:[\t\r\n]|\Z)",
    ),
    Foreign(
        "a table of BLAST hits",
        "give the sequences themselves",
        (".b6", ".blast6"),
        pattern=rb"[^\s>]+\t\S+\t\d+(?:\.\d+)?(?:\t\d+){7}\t[\d.]+(?:[eE]-?\d+)?\t *[\d.]+\r?(?:\n|\Z)",
    ),
    Foreign(
        "BED (positions)",
        "take the sequences at these positions, for example with: bedtools getfasta",
        (".bed", ".bedgraph", ".narrowpeak", ".broadpeak"),
        pattern=rb"[^\s>]+\t\d+\t\d+(?:\t[^\n]*)?\r?\n(?:[^\s>]+\t\d+\t\d+[\t\r\n]|\Z)",
        in_documents=False,
    ),
    Foreign("wiggle (values at positions)", _NO_SEQUENCES, (".wig",), pattern=rb"track type=|(?:fixed|variable)Step chrom="),
    Foreign(
        "a Clustal alignment",
        _with_biopython("clustal"),
        (".aln", ".clw", ".clustal", ".clustalw"),
        pattern=rb"(?:CLUSTAL|MUSCLE|PROBCONS|MSAPROBS|T-COFFEE|Kalign)\b[^\n]*(?:alignment|\n[ \t\r]*\n\S+ +[A-Z-]{5})",
    ),
    Foreign(
        "a Phylip alignment",
        _with_biopython("phylip-relaxed"),
        (".phy", ".phylip"),
        pattern=rb"[1-9]\d*[ \t]+[1-9]\d*[ \t]*\r?\n[ \t]*\S{1,60}?[ \t]*(?:[A-Z?*.-]{10,}|[acgtun?.-]{10,})",
    ),
    Foreign("NEXUS", _with_biopython("nexus"), (".nex", ".nexus", ".nxs"), pattern=rb"(?i:#NEXUS)\b"),
    Foreign(
        "a file of GCG (MSF or RSF)",
        "convert it to FASTA, for example in Python with Bio.AlignIO.convert('FILE', 'msf', 'new.fa', 'fasta')",
        (".msf", ".rsf", ".gcg"),
        pattern=rb"!!(?:NA|AA|RICH)_|PileUp\b",
        inside=rb"MSF: *\d+ +Type: *[NP]\b",
    ),
    Foreign(
        "PDB (a structure)",
        _with_biopython("pdb-seqres"),
        (".pdb", ".ent"),
        pattern=rb"HEADER {4}.{40}\d\d-[A-Z]{3}-\d\d|ATOM   *\d+ +\S+ +[A-Z]{3} ",
        inside=rb"\nATOM   *\d+ +\S+ +[A-Z]{3} +[A-Z] *\d+ ",
    ),
    Foreign("mmCIF (a structure)", _with_biopython("cif-seqres"), (".cif", ".mmcif"), pattern=rb"data_\w+\s*\n(?:#|_|loop_)"),
    Foreign(
        "MAF (alignments of genomes, or mutations)",
        "give the sequences themselves as FASTA, for example in Python with Bio.AlignIO.parse('FILE', 'maf')",
        (".maf",),
        pattern=rb"##maf version",
    ),
    Foreign("PSL (alignments)", _NO_SEQUENCES, (".psl",), pattern=rb"psLayout version"),
    Foreign("a chain (alignments)", _NO_SEQUENCES, (".chain",), pattern=rb"chain \d+ \S+ \d+ [+-] \d+ \d+ "),
    Foreign("MOL2 (a molecule)", _NO_LETTERS, (".mol2",), pattern=rb"(?:#[^\n]*\n|\s)*@<TRIPOS>"),
    Foreign("an SD file (molecules)", _NO_LETTERS, (".sdf", ".mol"), inside=rb"\n[ \d]{3}[ \d]{3} [^\n]*\bV[23]000\r?\n"),
    Foreign("motifs of MEME", "give the sequences themselves", (".meme",), pattern=rb"MEME version \d"),
    Foreign(
        "motifs of JASPAR",
        "give the sequences themselves",
        (".jaspar", ".pfm"),
        pattern=rb">[^\n]*\n\s*A[ \t]*[\[|]?[ \t]*\d[\d. \t]*\]?\r?\n\s*C[ \t]*[\[|]?[ \t]*\d",
    ),
    Foreign(
        "IntelliGenetics (IG)",
        _with_biopython("ig"),
        (".ig",),
        pattern=rb"(?:;[^\n]*\n)+[^>;\s]\S*[ \t]*\r?\n(?:[A-Za-z*-]+\r?\n)*[A-Za-z*-]{8,}[12]\r?(?:\n|\Z)",
    ),
    Foreign(
        "ARFF (a table of Weka)",
        _TABLE,
        (".arff",),
        pattern=rb"(?i:(?:[ \t\r]*(?:%[^\n]*)?\n)*[ \t]*@relation\s[^\n]*\n(?:[ \t\r]*(?:%[^\n]*)?\n)*[ \t]*@attribute\s)",
    ),
    Foreign(
        "libsvm (features)",
        "it holds features and no texts: give the texts or sequences themselves",
        (".svm", ".libsvm", ".svmlight"),
        pattern=rb"[+-]?\d+(?:\.\d+)?(?:[ \t]+\d+:[+-]?[\d.]+(?:[eE][+-]?\d+)?){2,}[ \t]*\r?(?:\n|\Z)",
        in_documents=False,
    ),
    Foreign(
        "lines of fastText, each with its label",
        "make it a table: printf 'label\\ttext\\n' > new.tsv; sed 's/^__label__\\([^ ]*\\) /\\1\\t/' FILE >> new.tsv",
        (".ft", ".fasttext"),
        pattern=rb"__label__[^\s,]+(?:[ ,]+__label__[^\s,]+)*[ \t]+\S",
    ),
    Foreign(
        "a table of R with blanks between its cells",
        "write it in R with write.csv(x, 'new.csv', row.names = FALSE)",
        pattern=rb'"[\w.]+"(?: "[\w.]+")+\r?\n"1"(?: (?:"(?:[^"\\\n]|\\.)*"|[-+\w.]+)){2,}\r?(?:\n"2" |\Z)',
    ),
    Foreign("a matrix (Matrix Market)", _TABLE, (".mtx",), pattern=rb"%%MatrixMarket"),
    Foreign(
        "a file of SOLiD reads in colour space",
        "give the reads as letters, for example those that a program for colour space has aligned",
        (".csfasta", ".csfa", ".csfastq"),
        pattern=rb"(?:#[^\n]*\n\s*)+>[^\n]*\n[ACGT][0-3.]{8,}\r?(?:\n|\Z)",
    ),
    Foreign(
        "base qualities",
        "give the FASTA or FASTQ file of the reads",
        (".qual",),
        pattern=rb">[^\n]*\n[ \t]*\d+(?:[ \t]+\d+){3,}[ \t]*\r?(?:\n|\Z)",
        in_documents=False,
    ),
    Foreign("a report of BLAST", "give the sequences themselves", (), pattern=rb"T?BLAST[NPX] \d+\.\d+"),
    Foreign("a profile of HMMER", "give the sequences themselves", (".hmm",), pattern=rb"HMMER\d/"),
    Foreign(
        "GFA (an assembly graph)",
        "take its segments: awk '/^S/{print \">\" $2; print $3}' FILE > new.fa",
        (".gfa",),
        pattern=rb"H\tVN:Z:",
    ),
    Foreign("ASN.1 of NCBI", "convert it to FASTA: asn2fasta", (".asn", ".asn1"), pattern=rb"(?:Seq-entry|Bioseq-set) ::="),
    Foreign(
        "a tree (Newick)",
        "give the sequences themselves",
        (".nwk", ".newick", ".tree"),
        pattern=rb"\((?:[^\s()]|\()+:\d[^\n]*\);\s*\Z",
        in_documents=False,
    ),
    Foreign(
        "a pointer of Git LFS, not the file itself",
        "fetch the file: git lfs pull",
        pattern=rb"version https://git-lfs\.github\.com/spec/",
    ),
    Foreign("RTF", "save it as plain text", (".rtf",), pattern=rb"\{\\rtf"),
    Foreign("PostScript", _LEAVE_OUT, (".ps", ".eps"), pattern=rb"%!PS"),
    Foreign(
        "HTML (a web page)",
        "it may be the message of a server instead of the file: download it again, or save the page as text",
        (".html", ".htm", ".xhtml"),
        pattern=rb"(?i:<!doctype html|<html[\s>])",
        in_documents=False,
    ),
    Foreign("XML", "download or convert it as FASTA, CSV or text", (".xml",), pattern=rb"<\?xml\b", in_documents=False),
    Foreign("an Excel or OpenDocument workbook", _TABLE, (".xls", ".xlsx", ".xlsm", ".ods")),
    Foreign("a Word or OpenDocument text", "save it as text, and give that file", (".doc", ".docx", ".odt")),
)
_PATTERNS = [(re.compile(rb"(?:" + text.pattern + rb")"), text) for text in _TEXTS if text.pattern]
_INSIDE = [(re.compile(text.inside), text) for text in _TEXTS if text.inside]
_INSIDE_OF = 4096  # first bytes that these are looked for in
_BY_ENDING = {ending: foreign for foreign in (*_CONTAINERS, _TAR, *_BINARIES, *_TEXTS) for ending in foreign.endings}


def refuse_archive(head: bytes, name: str, packed: str = "") -> None:
    """Raise an `InputError` if a file is an archive, or an Office document, which is one.

    Args:
        head: the first bytes, after unpacking.
        name: of the file, for messages.
        packed: what it was packed with, such as "gzip"; "" for nothing.
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        for pattern, what, advice in _ZIPPED:
            if re.search(pattern, head):
                raise InputError(f"{name}: this is {what}, which is not read; {advice}")
        raise InputError(f"{name}: this is a zip archive, which is not read; {_UNPACK}")
    for foreign in _CONTAINERS:
        if head.startswith(foreign.starts):
            raise _refusal(foreign, name)
    if _is_tar(head):
        how = f", packed with {packed}" if packed else ""
        raise InputError(f"{name}: this is a tar archive{how}, which is not read; {_advice(_TAR, name)}")


def _is_tar(head: bytes) -> bool:
    """Return whether the first block is the header of a tar archive: it holds the sum of its own bytes."""
    field = head[148:156].strip(b" \0")
    if len(head) < 512 or not re.fullmatch(rb"[0-7]{1,7}", field):
        return False
    return int(field, 8) == sum(head[:148]) + 8 * ord(" ") + sum(head[156:512])


def refuse_binary(head: bytes, name: str) -> None:
    """Raise an `InputError` if a file starts as one of a binary format that has a name."""
    for foreign in _BINARIES:
        if head.startswith(foreign.starts):
            raise InputError(f"{name}: this is a binary file, {foreign.name}, which is not read; {_advice(foreign, name)}")


def refuse_text(start: bytes, name: str, document: bool) -> None:
    """Raise an `InputError` if a text is of a format with a name that is not read.

    Args:
        start: the first bytes, without what is blank at their beginning.
        name: of the file, for messages.
        document: whether its ending is that of a document.
    """
    for pattern, foreign in _PATTERNS:
        if (foreign.in_documents or not document) and pattern.match(start):
            raise _refusal(foreign, name)
    for pattern, foreign in _INSIDE:
        if pattern.search(start, 0, _INSIDE_OF):
            raise _refusal(foreign, name)


def refuse_ending(ending: str, name: str) -> None:
    """Raise an `InputError` if the name of a file ends as that of a format that is not read.

    Args:
        ending: the name in lower case, without the ending that says how it is packed.
        name: of the file, for messages.
    """
    if foreign := _BY_ENDING.get(f".{ending.rpartition('.')[2]}"):
        raise InputError(
            f"{name}: by its ending this is {foreign.name}, which is not read; {_advice(foreign, name)}; "
            f"or say what it is with {param('format')}"
        )


def _refusal(foreign: Foreign, name: str) -> InputError:
    return InputError(f"{name}: this is {foreign.name}, which is not read; {_advice(foreign, name)}")


def _advice(foreign: Foreign, name: str) -> str:
    if name == "standard input" or not name.isascii() or "'" in name:
        return foreign.advice
    stem, _, ending = name.rpartition(".")
    tool = _UNPACKERS.get(ending.lower()) if stem and foreign is not _TAR else None
    path = stem if tool else name
    advice = foreign.advice.replace("'FILE'", f"'{path}'").replace("FILE", shlex.quote(path))
    if not tool or advice == foreign.advice:
        return advice
    return f"{advice} (unpack it before: {tool} -dc {shlex.quote(name)} > {shlex.quote(path)})"
