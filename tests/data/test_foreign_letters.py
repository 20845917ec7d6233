"""Letters of sequences that only look like codes are named as what they are, not as bytes."""

import pytest

from tests.support.preparing import message_of, prepare

LETTERS = {
    "\u0410": "'\u0410' (CYRILLIC CAPITAL LETTER A)",
    "\u0421": "'\u0421' (CYRILLIC CAPITAL LETTER ES)",
    "\xa0": r"'\xa0' (NO-BREAK SPACE)",
    "\u200b": r"'\u200b' (ZERO WIDTH SPACE)",
    "\xad": r"'\xad' (SOFT HYPHEN)",
}


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize(("alphabet", "sequence"), [("dna", "ACGTNACGT"), ("protein", "MKVLAAGICW")])
@pytest.mark.parametrize("ending", ["fa", "csv"])
def test_foreign_letters_are_named(letter, alphabet, sequence, ending, tmp_path):
    text = f"{sequence}{letter}{sequence}"
    content = f">s1\n{text}\n" if ending == "fa" else f"id,sequence\ns1,{text}\n"
    (tmp_path / f"x.{ending}").write_text(content, encoding="utf-8")
    message = message_of(prepare, tmp_path / f"x.{ending}", tmp_path / "data", alphabet=alphabet)
    assert f"{LETTERS[letter]} at position {len(sequence) + 1} is not" in message
    data = prepare(tmp_path / f"x.{ending}", tmp_path / "data", alphabet=alphabet, unknown="map")
    assert "Ð" not in str(data.info) and "Â" not in str(data.info)


def test_bytes_that_are_not_utf_8_are_read_as_latin_1(tmp_path):
    (tmp_path / "x.fa").write_bytes(b">s1\nACGT\xc9ACGT\n")
    message = message_of(prepare, tmp_path / "x.fa", tmp_path / "data", alphabet="dna")
    assert "'É' (LATIN CAPITAL LETTER E WITH ACUTE) at position 5 is not" in message
