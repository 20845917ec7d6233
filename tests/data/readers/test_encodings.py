"""Files in UTF-16 and UTF-32, with and without a byte-order mark; line ends; marks within files."""

import codecs
import gzip
import json

import pytest

from seqmix.data.readers import encodings, opening
from tests.support.preparing import CONTENT, SEQUENCES, decoded, dna, message_of, pairs, prepare, read, standard_input

WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
MARKS = {
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
TEXT = "Grüße, Привет 🙂\nand more\n"


def marked(text, encoding):
    return MARKS.get(encoding, b"") + text.encode(encoding)


@pytest.mark.parametrize("encoding", WIDE)
def test_documents_with_a_mark_are_read_whatever_is_stated(encoding, tmp_path, monkeypatch):
    content = marked(TEXT, encoding)
    (tmp_path / "x.txt").write_bytes(content)
    (tmp_path / "y.txt.gz").write_bytes(gzip.compress(content))
    for stated in ("utf-8", encoding):
        assert [record.text for record in read(tmp_path / "x.txt", encoding=stated)] == [TEXT.rstrip("\n")]
    assert read(tmp_path / "y.txt.gz")[0].text == TEXT.rstrip("\n")
    standard_input(monkeypatch, content)
    assert read("-")[0].text == TEXT.rstrip("\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_missing_mark_is_explained_and_the_advice_helps(encoding, tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("plain words\nand more\n", encoding=encoding)
    message = message_of(read, path)
    assert f"encoding='{encoding}'" in message
    assert f"encoding='{encoding}'" in message_of(read, path, encoding=encoding[:6])
    assert read(path, encoding=encoding)[0].text == "plain words\nand more"


@pytest.mark.parametrize("kind", ["fasta", "fastq", "genbank", "embl", "csv", "tsv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_every_format_is_read_in_wide_encodings(kind, encoding, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(CONTENT[kind].decode().encode(encoding))
    assert pairs(read(path, encoding=encoding)) == SEQUENCES
    path.write_bytes(marked(CONTENT[kind].decode(), encoding))
    assert pairs(read(path)) == SEQUENCES


def test_stating_a_wide_encoding_for_a_plain_file_is_an_error(tmp_path):
    for name, content in (("x.fa", CONTENT["fasta"]), ("x.txt", b"even"), ("x.csv", CONTENT["csv"])):
        (tmp_path / name).write_bytes(content)
        assert "byte-order mark" in message_of(read, tmp_path / name, encoding="utf-16")


@pytest.mark.parametrize("content", [b"\xff\xfea", b"\xff\xfe\x00\xd8a\0", b"\xff\xfea\0\n\0\x00\xdc"])
def test_damaged_wide_text_is_an_error(content, tmp_path):
    (tmp_path / "x.txt").write_bytes(content)
    assert "not valid utf-16" in message_of(read, tmp_path / "x.txt")


def test_wide_text_is_converted_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "BLOCK", 7)
    monkeypatch.setattr(opening, "BLOCK", 5)
    (tmp_path / "x.txt").write_bytes(marked(TEXT * 50, "utf-16-le"))
    assert read(tmp_path / "x.txt")[0].text == (TEXT * 50).rstrip("\n")


def test_headers_of_sequences_are_in_the_stated_encoding(tmp_path):
    (tmp_path / "x.fa").write_bytes(">żółw label=ł\nACGT\n".encode("cp1250"))
    (tmp_path / "x.fq").write_bytes("@żółw\nACGT\n+\nIIII\n".encode("cp1250"))
    for name in ("x.fa", "x.fq"):
        assert [record.id for record in read(tmp_path / name, encoding="cp1250")] == ["żółw"]


@pytest.mark.parametrize("name", ["x.txt", "x.md", "x"])
@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_line_ends_of_documents_are_line_feeds(name, end, tmp_path):
    lines = ["one two", "", "three\u00a0four", "six"]
    (tmp_path / name).write_bytes(end.join(lines).encode())
    assert read(tmp_path / name)[0].text == "\n".join(lines)
    (tmp_path / name).write_bytes(end.join(lines).encode("utf-16"))
    assert read(tmp_path / name)[0].text == "\n".join(lines)


@pytest.mark.parametrize("alphabet", ["auto", "bytes", "words", "subwords"])
def test_classes_that_differ_in_line_ends_alone_are_equal(alphabet, tmp_path):
    ends = ("\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029")
    for name, end in zip("abcdefgh", ends, strict=True):
        (tmp_path / "in" / name).mkdir(parents=True)
        for i in range(6):
            text = end.join(dna(10, i) + f" words of {i}" for _ in range(4))
            (tmp_path / "in" / name / f"{i}.txt").write_bytes(text.encode())
    found = decoded(prepare(tmp_path / "in", tmp_path / "out", alphabet=alphabet))
    assert len(found) == 6 * len(ends)
    for i in range(6):
        assert len({found[f"{name}/{i}.txt"] for name in "abcdefgh"}) == 1


@pytest.mark.parametrize("end", ["\r\n", "\f", "\x85", "\u2028"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_line_ends_in_cells_are_line_feeds(end, kind, tmp_path):
    path, cell = tmp_path / f"x.{kind}", f"one{end}two"
    row = json.dumps({"text": cell}) + "\n"
    path.write_bytes((f'text\n"{cell}"\n' if kind == "csv" else row).encode())
    assert read(path)[0].text == "one\ntwo"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", "it\u2019s \u201cquoted\u201d"),
        ("x.csv", "text,label\nit\u2019s,a\nit\u2013was,b\n"),
        ("x.fa", ">r\u2019 d\nACGTACGT\n>q\nACGT\n"),
    ],
)
def test_latin_1_with_quotes_of_windows_is_told_once(name, content, tmp_path):
    (tmp_path / name).write_bytes(content.encode("cp1252"))
    for encoding, count in (("latin-1", 1), ("cp1252", 0)):
        notes = prepare(tmp_path / name, tmp_path / encoding, encoding=encoding, split="1,0,0").info["notes"]
        told = [note for note in notes if "control characters" in note]
        assert len(told) == count and all("cp1252 is probably meant (--encoding cp1252)" in note for note in told)


def test_latin_1_without_control_characters_is_read_without_a_note(tmp_path):
    (tmp_path / "x.txt").write_bytes("caf\xe9 \xa0 na\xefve".encode("latin-1"))
    notes = prepare(tmp_path / "x.txt", tmp_path / "data", encoding="latin-1", split="1,0,0").info["notes"]
    assert not any("control characters" in note for note in notes)


@pytest.mark.parametrize("kind", ["fasta", "fastq"])
def test_byte_order_marks_of_joined_files_are_no_letters(kind, tmp_path):
    mark = codecs.BOM_UTF8
    for content in (mark + CONTENT[kind] + mark + CONTENT[kind], CONTENT[kind] + mark + CONTENT[kind].replace(b"\n", b"\r\n")):
        (tmp_path / "x").write_bytes(content)
        assert pairs(read(tmp_path / "x")) == SEQUENCES * 2
