"""Encodings of tables of labels: read as stated, with a note on what the file shows, or an error that helps."""

import codecs
import json

import pytest

from tests.support.preparing import dna, label_of, message_of, noted, prepare

NAMES = ("Müller", "Bär\u2019s")
IDS = [f"s{i}" for i in range(20)]


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text("".join(f">{name}\n{dna(60, name)}\n" for name in IDS))
    return path


def table(tmp_path, encoding, *, kind="csv", names=NAMES, mark=b""):
    rows = [(one, names[number % 2]) for number, one in enumerate(IDS)]
    sign = "\t" if kind == "tsv" else ","
    text = "".join(json.dumps({"id": one, "label": name}, ensure_ascii=False) + "\n" for one, name in rows)
    if kind != "jsonl":
        text = "".join(f"{one}{sign}{name}\n" for one, name in [("id", "label"), *rows])
    path = tmp_path / f"t.{kind}"
    path.write_bytes(mark + text.encode(encoding))
    return path


def prepared(fasta, location, tmp_path, **options):
    return prepare(fasta, tmp_path / "out", label_from=f"table:{location}", overwrite=True, **options)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1250", "mac_roman"])
def test_table_of_labels_is_read_in_the_stated_encoding(kind, encoding, fasta, tmp_path):
    names = ("Müller", "Bär")
    path = table(tmp_path, encoding, kind=kind, names=names)
    assert "is not valid utf-8" in message_of(prepared, fasta, path, tmp_path)
    found = prepared(fasta, path, tmp_path, encoding=encoding)
    assert set(label_of(found).values()) == {*names}
    assert not noted(found, "probably meant")


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251"])
def test_error_names_an_encoding_that_helps(encoding, fasta, tmp_path):
    names = NAMES if encoding == "cp1252" else ("Медведь", "Мельник")
    path = table(tmp_path, encoding, names=names)
    assert f"encoding='{encoding}'" in message_of(prepared, fasta, path, tmp_path)
    assert set(label_of(prepared(fasta, path, tmp_path, encoding=encoding)).values()) == {*names}


def test_text_of_windows_in_a_table_of_labels_read_as_latin_1_is_noted(fasta, tmp_path):
    found = prepared(fasta, table(tmp_path, "cp1252"), tmp_path, encoding="latin-1")
    assert noted(found, "t.csv", "cp1252 is probably meant (--encoding cp1252)")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1250", "koi8-r"])
def test_valid_utf_8_that_is_read_as_stated_is_noted(encoding, fasta, tmp_path):
    path = table(tmp_path, "utf-8", names=("Müller", "Bär"))
    assert noted(prepared(fasta, path, tmp_path, encoding=encoding), "t.csv", f"read as {encoding}", "valid UTF-8")
    (tmp_path / "x.csv").write_text("text,label\n" + "".join(f"größe {one},{'ab'[len(one) % 2]}\n" for one in IDS), "utf-8")
    found = prepare(tmp_path / "x.csv", tmp_path / "y", encoding=encoding)
    assert noted(found, "x.csv", f"read as {encoding}", "leave out --encoding")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1250", "ascii"])
def test_texts_in_ascii_are_read_without_a_note(encoding, fasta, tmp_path):
    path = table(tmp_path, "utf-8", names=("a", "b"))
    assert not noted(prepared(fasta, path, tmp_path, encoding=encoding), "utf-8")


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-16-le", codecs.BOM_UTF16_LE), ("utf-32-be", codecs.BOM_UTF32_BE), ("utf-8", codecs.BOM_UTF8)]
)
def test_byte_order_mark_decides_and_is_noted(kind, encoding, mark, fasta, tmp_path):
    path = table(tmp_path, encoding, kind=kind, mark=mark)
    found = prepared(fasta, path, tmp_path, encoding="latin-1")
    assert set(label_of(found).values()) == {*NAMES}
    assert noted(found, f"t.{kind}: read as utf-", "by its byte-order mark")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_encoding_of_a_table_without_a_mark_does_not_end_the_reading_of_plain_files(encoding, fasta, tmp_path):
    path = table(tmp_path, encoding)
    assert f"encoding='{encoding}'" in message_of(prepared, fasta, path, tmp_path)
    found = prepared(fasta, path, tmp_path, encoding=encoding)
    assert set(label_of(found).values()) == {*NAMES}
    assert noted(found, "x.fa: read as utf-8", f"none of the zero bytes of {encoding}")


def test_valid_utf_8_is_recommended_where_ascii_is_stated(fasta, tmp_path):
    path = table(tmp_path, "utf-8")
    assert "encoding='utf-8'" in message_of(prepared, fasta, path, tmp_path, encoding="ascii")
