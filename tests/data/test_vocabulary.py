"""Characters to indices and back: alphabets, unknown characters, counts."""

import random
from collections import Counter

import numpy as np
import pytest

from seqmix.data.options import ALPHABETS
from seqmix.data.vocabulary import CLS, PAD, guess_alphabet, make_vocabulary, vocabulary_of
from seqmix.errors import ConfigError
from tests.support.preparing import dna, message_of, reverse_complement


def encode(vocabulary, text):
    """Return the decoded tokens, and the counts of replaced characters."""
    replaced = Counter()
    tokens = vocabulary.encode(text, replaced, "x.fa: record 's1' (line 3)")
    assert tokens.dtype == vocabulary.dtype
    assert not np.isin(tokens, (PAD, CLS)).any()
    return vocabulary.decode(tokens), dict(replaced)


def test_dna_folds_case_reads_u_as_t_and_counts_ambiguity_codes():
    text, replaced = encode(make_vocabulary("dna"), b"ACGTNacgtnUuRyR")
    assert text == "ACGTNACGTNTTNNN"
    assert replaced == {"R": 2, "y": 1}


def test_dna_maps_all_iupac_codes():
    text, replaced = encode(make_vocabulary("dna"), b"RYSWKMBDHV")
    assert text == "N" * 10
    assert replaced == dict.fromkeys("RYSWKMBDHV", 1)


def test_dna_iupac_keeps_ambiguity_codes():
    text, replaced = encode(make_vocabulary("dna-iupac"), b"ACGTUNRYSWKMBDHVryswkmbdhv")
    assert text == "ACGTTNRYSWKMBDHVRYSWKMBDHV"
    assert not replaced


def test_protein_keeps_amino_acids_and_maps_rare_codes():
    text, replaced = encode(make_vocabulary("protein"), b"ACDEFGHIKLMNPQRSTVWYx*acdBZUO")
    assert text == "ACDEFGHIKLMNPQRSTVWYX*ACDXXXX"
    assert replaced == {"B": 1, "Z": 1, "U": 1, "O": 1}


def test_all_white_space_is_ignored():
    for alphabet in ("dna", "dna-iupac", "protein"):
        assert encode(make_vocabulary(alphabet), b" A\tC\r\nG\n\n\vT\f") == ("ACGT", {})


@pytest.mark.parametrize("kind", [str, bytes])
def test_map_replaces_unknown_characters_and_counts_each(kind):
    for alphabet, symbol in (("dna", "N"), ("dna-iupac", "N"), ("protein", "X")):
        text = "AC1-1C" if kind is str else b"AC1-1C"
        assert encode(make_vocabulary(alphabet, "map"), text) == (f"AC{symbol * 3}C", {"1": 2, "-": 1})


@pytest.mark.parametrize("letter", ["-", ".", "7", "<", "\x1a", "?"])
@pytest.mark.parametrize("alphabet", ["dna", "dna-iupac"])
def test_an_alphabet_that_lacks_the_letter_too_is_not_recommended(letter, alphabet):
    vocabulary = make_vocabulary(alphabet)
    in_sequence = message_of(encode, vocabulary, f"ACGT{letter}".encode())
    assert "alphabet=" not in in_sequence and "unknown='map'" in in_sequence and "unknown='drop'" in in_sequence
    assert "alphabet='chars'" in message_of(encode, vocabulary, f"ACGT{letter}")
    assert "alphabet='protein'" in message_of(encode, make_vocabulary("dna"), b"ACGTe")


def test_drop_removes_unknown_characters_and_counts_each():
    assert encode(make_vocabulary("dna", "drop"), b"AC1-1NCR") == ("ACNCN", {"1": 2, "-": 1, "R": 1})


def test_multibyte_characters_are_counted_by_name():
    # А is the Cyrillic letter; the question mark is one of its own.
    for policy, expected in (("map", "ANNNNC"), ("drop", "AC")):
        assert encode(make_vocabulary("dna", policy), "A\u0410\u0410?🙂C") == (expected, {"\u0410": 2, "?": 1, "🙂": 1})


@pytest.mark.parametrize(
    ("alphabet", "text", "wanted"),
    [
        ("dna", b"ACGT\nACGTE", ["'E'", "position 9", "nucleotide", "alphabet='protein'", "unknown='map'"]),
        ("dna", "ACGT\u0410", ["'\u0410'", "position 5"]),
        ("dna-iupac", b"ACE", ["'E'", "position 3", "nucleotide"]),
        ("protein", b"MK1", ["'1'", "position 3", "amino-acid", "unknown="]),
    ],
)
def test_unknown_character_is_an_error_with_position_and_advice(alphabet, text, wanted):
    message = message_of(make_vocabulary(alphabet).encode, text, Counter(), "x.fa: record 's1' (line 3)")
    for part in ("x.fa: record 's1' (line 3)", *wanted):
        assert part in message


def test_chars_are_sorted_and_others_map_to_unk():
    vocabulary = make_vocabulary("chars", symbols="banana")
    assert vocabulary.symbols == ["UNK", "a", "b", "n"]
    replaced = Counter()
    tokens = vocabulary.encode("bazéé🙂", replaced, "x")
    assert [vocabulary.symbols[t - 2] for t in tokens] == ["b", "a", "UNK", "UNK", "UNK", "UNK"]
    assert replaced == {"z": 1, "é": 2, "🙂": 1}


def test_chars_can_drop_or_refuse_others():
    assert encode(make_vocabulary("chars", "drop", symbols="ab"), "axb") == ("ab", {"x": 1})
    assert "'x' at position 2" in message_of(make_vocabulary("chars", "error", symbols="ab").encode, "axb", Counter(), "here")


def test_many_chars_use_two_bytes():
    assert make_vocabulary("chars", symbols=map(chr, range(100))).dtype is np.uint8
    vocabulary = make_vocabulary("chars", symbols=map(chr, range(0x4E00, 0x4E00 + 300)))
    assert vocabulary.dtype is np.uint16
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    assert encode(vocabulary, text) == (text, {})


def test_too_many_characters_is_an_error_with_advice():
    with pytest.raises(ConfigError, match="alphabet='bytes'"):
        make_vocabulary("chars", symbols=map(chr, range(0x20000, 0x20000 + (1 << 16))))


def test_bytes_encode_any_text_without_loss():
    vocabulary = make_vocabulary("bytes")
    text = "naïve 🙂\n\0"
    replaced = Counter()
    tokens = vocabulary.encode(text, replaced, "x")
    assert (tokens - 2).astype(np.uint8).tobytes() == text.encode()
    assert not replaced
    assert vocabulary.encode(bytes([0, 255]), replaced, "x").tolist() == [2, 257]


@pytest.mark.parametrize("alphabet", [alphabet for alphabet in ALPHABETS if alphabet != "real"])
def test_encoding_and_decoding_round_trip(alphabet):
    gathered = {"chars": "né🙂 \n", "words": ["né🙂", "[MAX", "]", "7"]}
    vocabulary = make_vocabulary(alphabet, symbols=gathered.get(alphabet))
    symbols = vocabulary.symbols if alphabet not in gathered else vocabulary.symbols[1:]
    if alphabet == "bytes":
        symbols = list("né🙂 \n\0")
    text = (" " if alphabet == "words" else "").join(random.Random(0).choices(symbols, k=500))
    assert encode(vocabulary, text) == (text, {})


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_ids_are_dense_distinct_and_above_special_tokens(alphabet):
    vocabulary = make_vocabulary(alphabet, symbols="xyz" if alphabet == "chars" else None)
    assert (PAD, CLS) == (0, 1)
    assert len(vocabulary) == len(vocabulary.symbols) + 2
    assert len(set(vocabulary.symbols)) == len(vocabulary.symbols)


def test_dna_has_five_symbols():
    assert "".join(make_vocabulary("dna").symbols) == "ACGTN"
    assert make_vocabulary("dna").dtype is np.uint8


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("unknown", ["map", "drop", "error"])
def test_vocabulary_round_trips(alphabet, unknown):
    vocabulary = make_vocabulary(alphabet, unknown, symbols="héa" if alphabet == "chars" else None)
    again = vocabulary_of(vocabulary.to_dict())
    assert (again.alphabet, again.unknown, again.symbols) == (alphabet, unknown, vocabulary.symbols)
    assert vocabulary.to_dict()["special"] == {"PAD": 0, "CLS": 1}


@pytest.mark.parametrize("alphabet", ["dna", "dna-iupac"])
def test_complement_of_tokens_matches_bases(alphabet):
    vocabulary = make_vocabulary(alphabet)
    sequence = dna(200, 1)
    tokens = vocabulary.encode(sequence, Counter(), "x")
    turned = np.frombuffer(tokens.tobytes()[::-1].translate(vocabulary.complement), dtype=np.uint8)
    assert vocabulary.decode(turned) == reverse_complement(sequence)


def test_complement_of_ambiguity_codes_matches_biology():
    from Bio.Seq import complement

    vocabulary = make_vocabulary("dna-iupac")
    codes = "ACGTNRYSWKMBDHV"
    tokens = vocabulary.encode(codes, Counter(), "x")
    turned = np.frombuffer(tokens.tobytes().translate(vocabulary.complement), dtype=np.uint8)
    assert vocabulary.decode(turned) == complement(codes)


@pytest.mark.parametrize("alphabet", ["protein", "bytes", "chars"])
def test_other_alphabets_have_no_complement(alphabet):
    assert make_vocabulary(alphabet, symbols="ab" if alphabet == "chars" else None).complement is None


@pytest.mark.parametrize(
    ("samples", "is_sequence", "expected"),
    [
        ([b"ACGTACGT", b"acgtnnnn"], True, "dna"),
        ([b"ACGU\nACGU\n"], True, "dna"),
        ([b"ACGTACGTACGTACGTACGTR"], True, "dna"),
        ([b"N" * 100], True, "dna"),
        ([b"MKVLAWFQ*"], True, "protein"),
        ([b"ACGTACGTACGTACGTACGTE"], True, "protein"),
        ([b"ACGT" * 30 + b"1"], True, "dna"),
        ([b"hello, world"], True, "protein"),  # a sequence format: the comma is an error
        ([b"MKVLAWFQ?"], True, "protein"),
        ([b"ACGT" * 100 + b"E"], True, "dna"),
        ([b"ACGTXXXX" * 50], True, "dna"),  # vector sequence masked with X
        ([b"ACGT------" * 50], True, "dna"),
        ([b"ACRYACGT" * 50], True, "dna"),
        ([b"ACGTACGT", b"MKVLAWFQDEE"], True, "protein"),
        (["ACGTACGT"], False, "dna"),
        (["ACGT" * 15, "ACGTX" + "ACGT" * 14], False, "dna"),  # the X is an error when it is met
        (["acgt" * 15 + "*\n", "ACGT" * 14], False, "dna"),
        (["ACGT" * 15, "ACG-T7" + "ACGT" * 14], False, "dna"),
        (["ACGT" * 15, "ACGT " * 14 + "X"], False, "chars"),
        (["Tag!", "Gnat", "Act", "Cat"] * 50, False, "chars"),
        (["ACGTX"], False, "chars"),
        (["MKVLAWFQ"], False, "chars"),
        (["A cat. Ant."], False, "chars"),
        ([], True, "chars"),
        ([""], False, "chars"),
    ],
)
def test_alphabet_is_guessed_from_first_records(samples, is_sequence, expected):
    assert guess_alphabet(samples, is_sequence) == expected


def test_unknown_names_are_refused_with_allowed_ones():
    assert "dna-iupac" in message_of(make_vocabulary, "rna")
    assert "map, drop, error" in message_of(make_vocabulary, "dna", "skip")
