"""Parsers: an open binary stream in, raw entries out, one after the other, in constant memory.

A sequence format (FASTA, FASTQ, GenBank, EMBL, Swiss-Prot) gives `bytes`, as they stand in the file, line breaks included:
whoever encodes them deletes white space in the same pass. A text format (CSV, TSV, JSONL, plain text) gives `str`.
FASTA is parsed here, by whole blocks, because it is what large inputs come in, and FASTQ in `fastq`; GenBank, EMBL and
Swiss-Prot go through Biopython.
"""

from __future__ import annotations

import codecs
import json
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from typing import Any, BinaryIO

from seqmix.data.readers.annotations import refuse_annotations
from seqmix.data.readers.encodings import unmarked
from seqmix.data.readers.entry import (
    Entry,
    TableOptions,
    as_text,
    header_title,
    once,
    with_bom,
    with_line_feeds,
)
from seqmix.data.readers.fastq import parse_fastq
from seqmix.data.readers.likely_encodings import how_to_decode, undecodable
from seqmix.data.readers.opening import BLOCK, BrokenOffError, reading, unpacked_name
from seqmix.data.readers.signatures import refuse_binary, refuse_ending, refuse_text
from seqmix.data.readers.table_texts import table_kind
from seqmix.data.readers.tables import parse_jsonl, parse_table
from seqmix.data.readers.text_cells import checked_texts
from seqmix.errors import InputError, param, shown

TABLE_ENDINGS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
_SEQUENCE_ENDINGS = {
    ".fastq": "fastq",
    ".fq": "fastq",
    ".embl": "embl",
    ".gb": "genbank",
    ".gbk": "genbank",
    ".gbff": "genbank",
    ".genbank": "genbank",
}
TEXT_ENDINGS = (".txt", ".text", ".md")
# fmt: off
FASTA_ENDINGS = (
    ".fa", ".fasta", ".fas", ".fsa", ".fna", ".ffn", ".frn", ".faa", ".fst", ".mfa", ".mpfa", ".afa", ".pep", ".aa", ".nt",
    ".seq", ".cds", ".cdna", ".rna", ".mrna", ".ncrna",
)
# fmt: on
ENDINGS = (*FASTA_ENDINGS, *_SEQUENCE_ENDINGS, *TABLE_ENDINGS, ".txt", ".text")
_LOOKED_AT = 1 << 16  # first bytes that a format is recognised by
_CONTROL = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})
_NUCLEOTIDES = b"ACGTUNRYSWKMBDHV"
_GENBANK = re.compile(rb"^LOCUS {3,}\S+ +\d+ (?:bp|aa|rc)\b", re.MULTILINE)  # a file of a release has a title before it
_SWISSPROT = re.compile(rb"ID {3}\S+\s[^\n;]*(?:; *PRT)?; +\d+ AA\.")
_BARE = re.compile(r"[ACGTUNRYSWKMBDHV]{10,}(?:[ \t\r]*[\n\r]\s*[ACGTUNRYSWKMBDHV]+)+", re.IGNORECASE)  # several lines
_JSON = re.compile(rb'\[\s*[\[{"\d-]|\{\s*"[^"\n]*"\s*:')
_JSON_IN_TEXT = re.compile(rb'\[\s*\{\s*"[^"\n]*"\s*:\s*["\d\[{]')
_COMMENTS = re.compile(rb"(?:#[^\r\n]*[\r\n]\s*)+(?=>[^\r\n]*[\r\n]+[A-Za-z*-]{8,}[\r\n])")  # above FASTA
_OF_SERVER = re.compile(rb'\s*\{\s*"(?:error|errors|message|msg|status|code|detail|fault|exception)"\s*:', re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\n|\r")


def detect_format(
    head: bytes, name: str, encoding: str, columns: Collection[str] = (), *, tables: str = "with a header"
) -> str:
    """Return the format of a file from its first bytes, or from its ending if the content does not decide.

    Args:
        head: the first bytes.
        name: of the file.
        encoding: of documents and tables.
        columns: names of columns that the user gives.
        tables: which texts are tables: "none" of them, those "with a header", or "all"; the last refuses tables without one.

    Raises:
        InputError: the file is empty, binary, or of a format that is not read.
    """
    if not head.strip():
        raise InputError(f"{name}: empty, there is no record in it; leave it out or make it again")
    _check_text(head, name, encoding)
    start = head[:_LOOKED_AT].removeprefix(codecs.BOM_UTF8).lstrip()
    ending = unpacked_name(name.lower())
    refuse_text(start, name, ending.endswith(TEXT_ENDINGS))
    _refuse_comments(start, name)
    if ending.endswith((*FASTA_ENDINGS, *_SEQUENCE_ENDINGS)) and _OF_SERVER.match(start):
        raise InputError(
            f"{name}: this is JSON that seems to be the message of a server instead of the file: {_show(start[:60])}; "
            "download it again"
        )
    if kind := _format_by_content(start, name, ending):
        return kind
    document = ending.endswith(TEXT_ENDINGS)
    if (_JSON_IN_TEXT if document else _JSON).match(start) and not (document and tables == "none"):
        return "jsonl"
    for known, kind in (TABLE_ENDINGS | _SEQUENCE_ENDINGS).items():
        if ending.endswith(known):
            return kind
    if ending.endswith(FASTA_ENDINGS):
        raise InputError(f"{name}: line 1: a FASTA file starts with '>', this one with {_show(start[:20])}")
    if tables != "none" or not document:
        kind = table_kind(start, name, encoding, columns, among_documents=tables != "all")
        if kind:
            return kind
    if not document:
        refuse_ending(ending, name)
    return "text"


def _refuse_comments(start: bytes, name: str) -> None:
    """Raise an `InputError` if lines with # are above what else is FASTA beyond doubt."""
    comments = _COMMENTS.match(start)
    if comments and _looks_like_fasta(start[comments.end() :], ".txt"):
        raise InputError(
            f"{name}: line 1: a FASTA file starts with '>', this one with the comment {_show(start[:60])}; take such lines "
            "out, for example with: grep -v '^#' FILE > new.fa"
        )


def is_table_by_name(name: str) -> bool:
    """Return whether the ending of a file is that of a table."""
    return unpacked_name(name.lower()).endswith(tuple(TABLE_ENDINGS))


def _format_by_content(start: bytes, name: str, ending: str) -> str | None:
    """Return the format that the content of a file shows beyond doubt; None if there is none."""
    if start.startswith(b">") and _looks_like_fasta(start, ending):
        return "fasta"
    if start.startswith(b";") and ending.endswith(FASTA_ENDINGS):
        return "fasta"
    if start.startswith(b"@") and _looks_like_fastq(start, ending):
        return "fastq"
    if start.startswith(b"LOCUS ") or _GENBANK.search(start):
        return "genbank"
    if start.startswith(b"ID   "):
        return "swissprot" if _SWISSPROT.match(start) else "embl"
    if start.startswith(b"{") and _looks_like_jsonl(start):
        return "jsonl"
    return None


def _check_text(head: bytes, name: str, encoding: str) -> None:
    """Refuse what is not text: a NUL, or many control characters, in an encoding that has none."""
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return
    refuse_binary(head, name)
    if b"\0" in head and (wide := unmarked(head)):
        raise InputError(
            f"{name}: this looks like {wide.upper()} text without a byte-order mark; use {param('encoding', wide)}"
        )
    if b"\0" in head or len(head.translate(None, _CONTROL)) < 0.95 * len(head):
        raise InputError(
            f"{name}: this is a binary file, not FASTA, FASTQ, GenBank, EMBL, Swiss-Prot, CSV, TSV, JSONL or text; "
            "leave it out, or convert it to one of these"
        )


def _looks_like_fasta(start: bytes, ending: str) -> bool:
    """Return whether a file that starts with '>' is FASTA.

    Mail quotes with '>' too. A file whose name is that of a document or a table is FASTA only beyond doubt: if
    sequences follow most of the headers, and make up nearly all of the other lines. A file with any other name is FASTA unless
    half of its lines are prose.
    """
    if ending.endswith(FASTA_ENDINGS):
        return True
    in_document = ending.endswith(TEXT_ENDINGS)
    headers = headed = sequences = prose = 0
    after_header = False
    for line in _LINE_END.split(start):
        if line.startswith(b">"):
            headers += 1
            after_header = True
        elif line.strip() and not line.startswith(b";"):
            headed += after_header
            after_header = False
            if _is_sequence_line(line, in_document):
                sequences += len(line)
            else:
                prose += len(line)
    if not ending.endswith((*TEXT_ENDINGS, *TABLE_ENDINGS)):
        return prose <= sequences
    return sequences >= 9 * prose and 2 * (headed + after_header) > headers and sequences + prose > 0


def _is_sequence_line(line: bytes, in_document: bool) -> bool:
    """Return whether a line holds nucleotide codes, or one word of letters, rather than prose."""
    words = line.translate(None, b"-*.").split()
    if not b"".join(words).upper().strip(_NUCLEOTIDES):
        return True
    if len(words) != 1 or not words[0].isalpha():
        return False
    return len(words[0]) > (20 if in_document else 40) or words[0].isupper() or (words[0].islower() and not in_document)


def _looks_like_fastq(start: bytes, ending: str) -> bool:
    """Return whether a file that starts with '@' is FASTQ: a line '+' follows lines of nucleotide codes, or many of them do."""
    lines = _LINE_END.split(start)
    if not ending.endswith(TEXT_ENDINGS) and len(lines) > 2 and lines[2].startswith(b"+"):
        return True
    letters = 0
    for line in lines[1:]:
        if line.startswith(b"+") and letters:
            return True
        if line.upper().strip(_NUCLEOTIDES + b".*- "):
            return False
        letters += len(line)
    return letters >= 200


def _looks_like_jsonl(start: bytes) -> bool:
    first, newline, _ = start.partition(b"\n")
    try:
        return isinstance(json.loads(first.rstrip().removesuffix(b",")), dict)
    except RecursionError:  # an object in objects in objects: which line it is on is told by its parser
        return True
    except ValueError:
        return not newline and re.match(rb'\{\s*"', first) is not None  # a first line longer than what is looked at


def _show(data: bytes) -> str:
    return repr(data.split(b"\n", 1)[0].decode("utf-8", "replace"))


def parse(stream: BinaryIO, kind: str, name: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the entries of a file.

    Args:
        stream: the file.
        kind: its format, one of `FORMATS`.
        name: its name, for messages.
        options: how tables are read, and the encoding.

    Raises:
        InputError: the content is damaged or is not what the format says; the message names file and line.
    """
    parsers: dict[str, Callable[[], Iterator[Entry]]] = {
        "fasta": lambda: refuse_annotations(parse_fasta(stream, name, options.encoding, once(options.note)), name),
        "fastq": lambda: parse_fastq(stream, name, options.encoding, once(options.note)),
        "genbank": lambda: _parse_biopython(stream, name, "genbank", options),
        "embl": lambda: _parse_biopython(stream, name, "embl", options),
        "swissprot": lambda: _parse_biopython(stream, name, "swiss", options),
        "csv": lambda: checked_texts(parse_table(stream, name, ",", options), name, options),
        "tsv": lambda: checked_texts(parse_table(stream, name, "\t", options), name, options),
        "jsonl": lambda: checked_texts(parse_jsonl(stream, name, options), name, options),
        "text": lambda: _parse_text(stream, name, options),
    }
    with reading(name):
        yield from parsers[kind]()


def parse_fasta(stream: BinaryIO, name: str, encoding: str = "utf-8", note: Callable[[str], object] = bool) -> Iterator[Entry]:
    """Yield FASTA records, whose text is all that stands between a header line and the next, without lines of comment (;).

    Works on blocks that end with a line, split at the headers: a record costs one slice, and a chromosome on one line is read
    in a single piece.
    """
    parts: list[bytes] = []  # of the record whose end has not been seen
    line = 1  # of the header of that record
    started = comments = False
    for block in _blocks(stream):
        if b"\xef" in block:  # one byte is looked for much faster than three
            block = block.replace(codecs.BOM_UTF8, b"")  # files that were joined have one each
        comments = comments or (b";" in block and (block.startswith(b";") or b"\n;" in block))
        split_off = 1  # line breaks that are not in the record any more
        if not started:
            skipped, block, begun = _skip_preamble(block, name, line)
            line += skipped
            if not begun:
                continue
            started = True
            pieces = block[1:].split(b"\n>")
        elif block.startswith(b">"):
            split_off = 0
            pieces = [b"", *block[1:].split(b"\n>")]
        else:
            pieces = block.split(b"\n>")
        for piece in pieces[:-1]:
            parts.append(piece)
            record = b"".join(parts)
            parts.clear()
            yield _fasta_entry(record, line, name, encoding, comments, note)
            line += record.count(b"\n") + split_off
            split_off = 1
        parts.append(pieces[-1])
    if started:
        yield _fasta_entry(b"".join(parts), line, name, encoding, comments, note)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a stream in blocks of whole lines; if it breaks off, yield what was read before the error."""
    reading = getattr(stream, "read1", stream.read)  # read() would lose what it has
    while True:
        parts: list[bytes] = []
        size = 0
        try:
            while size < BLOCK and (part := reading(BLOCK - size)):
                parts.append(part)
                size += len(part)
            if size and not parts[-1].endswith(b"\n"):
                parts.append(stream.readline())
        except InputError:
            whole, end, _ = b"".join(parts).rpartition(b"\n")
            yield whole + end
            raise
        if not size:
            return
        yield b"".join(parts)


def _skip_preamble(block: bytes, name: str, line: int) -> tuple[int, bytes, bool]:
    """Skip blank lines and ';' comments before the first header.

    Returns:
        How many lines were skipped, what follows, and whether a header was met.
    """
    skipped = 0
    while block:
        first, newline, rest = block.partition(b"\n")
        if first.startswith(b">"):
            return skipped, block, True
        if first.strip() and not first.startswith(b";"):
            raise InputError(f"{name}: line {line + skipped}: a FASTA header line '>…' was expected, got {_show(first)}")
        block = rest
        skipped += len(newline)
    return skipped, b"", False


def _fasta_entry(record: bytes, line: int, name: str, encoding: str, comments: bool, note: Callable[[str], object]) -> Entry:
    header, _, text = record.partition(b"\n")
    identifier, title = header_title(header, name, line, encoding, note)
    if comments:
        text = b"\n".join(part for part in text.split(b"\n") if not part.startswith(b";"))
    return Entry(identifier, text, line, title)


def _parse_biopython(stream: BinaryIO, name: str, kind: str, options: TableOptions) -> Iterator[Entry]:
    from Bio import SeqIO
    from Bio.Seq import UndefinedSequenceError

    with as_text(stream, options.encoding) as lines:
        records = SeqIO.parse(lines, kind)
        number = 0
        while (record := _next_record(records, name, kind, number)) is not None:
            number += 1
            source = next((f for f in record.features if f.type == "source"), None)
            columns = {key: value for key, value in record.annotations.items() if isinstance(value, str)}
            columns.update({key: values[0] for key, values in (source.qualifiers if source else {}).items()})
            try:
                text = bytes(record.seq)
            except UndefinedSequenceError:
                text = b""
            error = ""
            if not text and "contig" in record.annotations:
                error = (
                    f"{name}: record '{record.id}' has no sequence, only a line CONTIG that names its parts; download it with "
                    "its sequence: 'GenBank (full)' on the site of NCBI, or efetch -format gbwithparts"
                )
            made, title = not record.id, record.description
            yield Entry(record.id or f"record-{number}", text, 0, title, columns, made_id=made, error=error)


def _next_record(records: Iterator[Any], name: str, kind: str, number: int) -> Any:
    """Return the next record of Biopython, or None. Biopython only warns of a file that was cut off: this is an error here."""
    from Bio import BiopythonParserWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BiopythonParserWarning)
            warnings.filterwarnings("error", "Premature end", BiopythonParserWarning)
            return next(records, None)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: after record {number}: byte {error.object[error.start]:#04x} is not valid {error.encoding} text; "
            f"{how_to_decode(error.object)}"
        ) from error
    except BiopythonParserWarning as error:
        raise BrokenOffError(f"{name}: after record {number}: the {kind} file ends too early; it was cut off") from error
    except (ValueError, AttributeError, AssertionError, IndexError) as error:
        raise InputError(f"{name}: after record {number}: damaged {kind} file: {shown(str(error))}") from error


def _parse_text(stream: BinaryIO, name: str, options: TableOptions) -> Iterator[Entry]:
    try:
        text = stream.read().decode(with_bom(options.encoding))
    except UnicodeDecodeError as error:
        raise undecodable(error, name, 0) from error
    if _BARE.fullmatch(text.strip()):
        options.note(
            "its lines are nucleotide codes without a header, read as one sequence; put a line >name before each sequence"
        )
    # Editors end a file with a line end and programs often do not: it is not part of the text.
    yield Entry(name.rsplit("/", 1)[-1], with_line_feeds(text).rstrip("\n"), 1)
