"""Records in memory follow the rules of files: line ends, marks, missing values, odd ids and labels, rows of data frames."""

import math

import numpy as np
import pandas
import pytest
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

import seqmix
from tests.support.preparing import decoded, dna, label_of, message_of, noted, split_of

N = 24
TEXTS = [f"größe und {dna(12, i)} words" for i in range(N)]


def rows(**columns):
    """Return records with columns that are given as functions of the place."""
    given = {"id": lambda i: f"s{i}", "text": lambda i: dna(30, i), "label": lambda i: "ab"[i % 2], **columns}
    return [{name: value(i) for name, value in given.items() if value} for i in range(N)]


def prepared(tmp_path, records, **options):
    return seqmix.prepare(records=records, output=tmp_path / "out", overwrite=True, **options)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\f", "\x85", "\u2028"])
@pytest.mark.parametrize("form", [str, np.str_, str.encode])
def test_line_ends_of_texts_are_line_feeds(end, form, tmp_path):
    found = decoded(prepared(tmp_path, rows(text=lambda i: form(f"hello there{(end, chr(10))[i % 2]}{TEXTS[i]}"))))
    assert {text[:12] for text in found.values()} == {"hello there\n"}


@pytest.mark.parametrize("alphabet", ["chars", "words", "subwords"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_bytes_of_a_text_are_read_as_the_text(alphabet, mark, tmp_path):
    of_text = prepared(tmp_path, rows(text=lambda i: TEXTS[i]), alphabet=alphabet)
    found = prepared(tmp_path / "x", rows(text=lambda i: (mark + TEXTS[i]).encode()), alphabet=alphabet)
    assert decoded(found) == decoded(of_text)


def test_bytes_of_a_text_are_in_the_stated_encoding_or_an_error(tmp_path):
    given = rows(text=lambda i: TEXTS[i].encode("cp1252"))
    assert "is not valid utf-8 text" in message_of(prepared, tmp_path, given)
    assert decoded(prepared(tmp_path, given, encoding="cp1252"))["s0"] == TEXTS[0]


@pytest.mark.parametrize("content", [b"\x00\xff\r\n \x80", b"a b\r\nc", b"\xef\xbb\xbfx y"])
def test_bytes_are_taken_as_they_are_for_their_alphabet(content, tmp_path):
    found = prepared(tmp_path, rows(text=lambda i: content + bytes([i])), alphabet="bytes")
    assert (found.tokens(3) - 2).astype("u1").tobytes() == content + b"\x03"


@pytest.mark.parametrize("wrap", ["\n", "\r\n", " "])
def test_bytes_of_a_sequence_have_no_white_space(wrap, tmp_path):
    found = prepared(tmp_path, rows(text=lambda i: f"{dna(10, i)}{wrap}{dna(10, -i)}".encode()))
    assert found.vocabulary.alphabet == "dna" and set(found.lengths) == {20}


@pytest.mark.parametrize("missing", [None, math.nan, pandas.NA, np.float32("nan")])
def test_missing_texts_are_errors_and_do_not_end_a_prediction(missing, trained, tmp_path):
    given = rows(text=lambda i: missing if i == 5 else dna(30, i))
    assert "record 's5': a sequence must be" in message_of(prepared, tmp_path, given)
    marked = trained.predict(given, on_error="mark")
    assert [place for place, one in enumerate(marked) if one.error] == [5]
    assert "it is missing" in marked[5].error
    assert len(trained.predict(given, on_error="skip")) == N - 1


@pytest.mark.parametrize("missing", ["NA", " nan ", "None", "#N/A"])
def test_placeholder_for_a_missing_sequence_is_missing(missing, trained, tmp_path):
    given = rows(text=lambda i: missing if i == 5 else dna(30, i))
    assert f"but '{missing.strip()}'" in message_of(prepared, tmp_path, given)
    assert len(prepared(tmp_path, given, min_length=1)) == N - 1
    assert f"but '{missing.strip()}'" in trained.predict(given, on_error="mark")[5].error


def test_placeholder_for_a_missing_text_is_noted(tmp_path):
    assert noted(prepared(tmp_path, rows(text=lambda i: "NA" if i == 5 else TEXTS[i])), "records: 1 text is 'NA'")


@pytest.mark.parametrize("bad", [5, {"a": 1}, ["ACGT", "GG"], object(), "AC\ud800"])
def test_a_text_of_an_odd_type_does_not_end_a_prediction(bad, trained):
    given = [("x", "ACGT"), ("y", bad), ("z", "ACGT")]
    assert [one.id for one in trained.predict(given, on_error="skip")] == ["x", "z"]
    assert "'y'" in message_of(trained.predict, given)


@pytest.mark.parametrize("missing", [None, math.nan, pandas.NA, "", "  "])
def test_a_record_without_an_id_is_named_by_its_position(missing, trained, tmp_path):
    found = prepared(tmp_path, rows(id=lambda i: missing if i == 5 else f"s{i}"))
    assert list(found.ids())[4:7] == ["s4", "5", "s6"]
    assert trained.predict([{"id": missing, "text": "ACGT"}])[0].id == "0"


@pytest.mark.parametrize("form", [lambda i: f"s{i}".encode(), lambda i: np.str_(f"s{i}")])
def test_ids_of_other_types_are_their_text(form, tmp_path):
    assert list(prepared(tmp_path, rows(id=form)).ids())[:2] == ["s0", "s1"]
    assert list(prepared(tmp_path, [(form(i), dna(30, i), "ab"[i % 2]) for i in range(N)]).ids())[:2] == ["s0", "s1"]


@pytest.mark.parametrize("odd", [[1], {"a": 1}, object()])
def test_ids_that_are_not_text_are_refused(odd, tmp_path):
    assert "an id must be a text or a number" in message_of(prepared, tmp_path, rows(id=lambda i: odd))


def test_equal_ids_are_noted(tmp_path):
    assert noted(prepared(tmp_path, rows(id=lambda i: f"s{max(i, 1)}")), "have the id of an earlier record")


@pytest.mark.parametrize("form", [int, np.int64, np.array, lambda n: pytest.importorskip("torch").tensor(n), str])
def test_labels_of_other_types_are_their_text(form, tmp_path):
    assert prepared(tmp_path, rows(label=lambda i: form(i % 2))).classes == ["0", "1"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (lambda n: np.array([n]), "several labels"),
        (lambda n: object(), "an object without a text of its own"),
        (lambda n: {"a": n}, "the label is an object"),
        (lambda n: {n}, "several labels"),
    ],
)
def test_labels_that_are_not_text_are_refused(form, message, tmp_path):
    assert message in message_of(prepared, tmp_path, rows(label=lambda i: form(i % 2)))


@pytest.mark.parametrize("missing", [None, math.nan, pandas.NA, pandas.NaT, np.float32("nan"), ""])
def test_missing_labels_are_errors_or_left_out(missing, tmp_path):
    given = rows(label=lambda i: missing if i == 5 else "ab"[i % 2])
    assert "1 of 24 records has no label" in message_of(prepared, tmp_path, given)
    assert len(prepared(tmp_path, given, skip_unlabelled=True)) == N - 1


@pytest.mark.parametrize("order", [("id", "text", "label"), ("label", "text", "id"), ("text", "id", "label")])
@pytest.mark.parametrize(
    "form",
    [
        lambda frame: [row for _, row in frame.iterrows()],
        lambda frame: list(frame.itertuples()),
        lambda frame: list(frame.itertuples(index=False)),
    ],
    ids=["iterrows", "itertuples", "without index"],
)
def test_rows_of_a_data_frame_are_read_by_the_names_of_columns(form, order, trained, tmp_path):
    frame = pandas.DataFrame(rows())
    found = prepared(tmp_path, form(frame[[*order]]))
    assert decoded(found) == {row["id"]: row["text"] for row in rows()}
    assert label_of(found) == {row["id"]: row["label"] for row in rows()}
    assert trained.predict(form(frame[[*order]])) == trained.predict(frame)


@pytest.mark.parametrize("twice", ["label", "text", "id"])
def test_two_columns_with_one_name_are_refused(twice, tmp_path):
    frame = pandas.DataFrame(
        [[f"s{i}", dna(30, i), "ab"[i % 2], "x"] for i in range(N)], columns=["id", "text", "label", twice]
    )
    assert f"both named '{twice}'" in message_of(prepared, tmp_path, frame)


@pytest.mark.parametrize("name", ["Split", "SPLIT", "partition", "set"])
def test_a_column_of_splits_is_found_by_its_name(name, tmp_path):
    found = prepared(tmp_path, rows(**{name: lambda i: ("train", "val", "test")[i // 2 % 3]}))
    assert [split_of(found)[f"s{i}"] for i in range(6)] == [0, 0, 1, 1, 2, 2]


def test_a_column_that_may_hold_labels_is_noted(tmp_path):
    found = prepared(tmp_path, rows(label=None, category=lambda i: "ab"[i % 2]))
    assert not found.labelled and noted(found, "if 'category' is the label")


@pytest.mark.parametrize("key", ["label", "class"])
def test_labels_in_headers_of_records_of_biopython_are_read(key, tmp_path):
    given = [SeqRecord(Seq(dna(30, i)), id=f"s{i}", description=f"s{i} {key}={'ab'[i % 2]}") for i in range(N)]
    assert label_of(prepared(tmp_path, given)) == {f"s{i}": "ab"[i % 2] for i in range(N)}


def test_biopython_records_without_an_id_are_named_by_their_position(trained):
    assert [one.id for one in trained.predict([SeqRecord(Seq("ACGT")), SeqRecord(Seq("ACGT"))])] == ["0", "1"]
