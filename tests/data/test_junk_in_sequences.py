"""Lines of sequence files that are something else are named, without the advice to read them as sequence."""

import pytest

from seqmix.inference.predict import predict
from tests.support.preparing import message_of, prepare

DNA = "ACGTTGCAAC" * 6
PROTEIN = "MKVLAAGICWHHEDRNQPST" * 3
JUNK = {
    "efetch": ("Error: CEFetchPApplication::proxy_stream(): Failed to retrieve sequence: NC_1", "looks like a message"),
    "json": ('{"error":"API rate limit exceeded","count":"4"}', "looks like a message"),
    "html": ("<p>502 Bad Gateway</p>", "looks like a message"),
    "log": ("[E::bgzf_read] Read block operation failed (0)", "looks like a message"),
    "grep": ("--", "'--', which grep writes between matches"),
    "terminal": ("ACGT\x1b[K", "codes for the colours of a terminal"),
    "GenBank": ("        1 acgtacgtac acgtacgtac", "is numbered; take the numbers out"),
    "GCG": ("acgtacgtac acgtacgtac    20", "is numbered; take the numbers out"),
}


@pytest.mark.parametrize("form", JUNK)
@pytest.mark.parametrize("alphabet", ["dna", "protein"])
@pytest.mark.parametrize("last", [True, False])
def test_junk_is_named_with_its_line(form, alphabet, last, tmp_path):
    line, words = JUNK[form]
    sequence = DNA if alphabet == "dna" else PROTEIN
    after = "" if last else f"{sequence}\n>s3\n{sequence}\n"
    (tmp_path / "x.fa").write_text(f">s1\n{sequence}\n>s2\n{sequence}\n{line}\n{after}")
    message = message_of(prepare, tmp_path / "x.fa", tmp_path / "data", alphabet=alphabet)
    assert "x.fa: record 's2' (line 3): " in message
    assert "line 5" in message
    assert words in message
    assert "unknown" not in message
    assert "alphabet" not in message


def test_words_among_nucleotides_are_named(tmp_path):
    (tmp_path / "x.fa").write_text(f">s1\n{DNA}\nfile not found\n{DNA}\n")
    assert "line 3, 'file not found', looks like" in message_of(prepare, tmp_path / "x.fa", tmp_path / "data", alphabet="dna")


@pytest.mark.parametrize("form", ["efetch", "json", "GenBank"])
def test_junk_is_named_in_predictions(form, trained, tmp_path):
    (tmp_path / "x.fa").write_text(f">s1\n{DNA}\n{JUNK[form][0]}\n")
    assert "line 3, " in message_of(lambda: list(predict(tmp_path / "x.fa", trained)))


@pytest.mark.parametrize("sequence", ["ACGT?ACGT", "ACGTEACGT", "ACGT\nACEF\nEFIL", "ACGTJOACGT", "AC-GT\nACGT", "EFILPQ"])
def test_odd_letters_of_sequences_are_not_junk(sequence, tmp_path):
    (tmp_path / "x.fa").write_text(f">s1\n{sequence}\n")
    assert "unknown='map'" in message_of(prepare, tmp_path / "x.fa", tmp_path / "data", alphabet="dna").replace('"', "'")


@pytest.mark.parametrize("letter", ["\xa0", "\u200b", "\xad", "\u2009"])
def test_letters_that_cannot_be_seen_are_to_be_taken_out(letter, tmp_path):
    (tmp_path / "x.fa").write_text(f">s1\n{DNA}{letter}\n", encoding="utf-8")
    message = message_of(prepare, tmp_path / "x.fa", tmp_path / "data", alphabet="dna")
    assert "it cannot be seen; take it out of the file" in message
    assert "map" not in message
    data = prepare(tmp_path / "x.fa", tmp_path / "data", alphabet="dna", unknown="drop")
    assert data.info["characters"] == len(DNA)
