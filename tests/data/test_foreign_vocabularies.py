"""A vocabulary of another data set that does not fit the records: noted, as all of them would look alike."""

import random

import pytest

import seqmix
from tests.support import random_dna, write_fasta


def texts(folder, words, name="texts.csv"):
    rng = random.Random(1)
    rows = [f"{i},{' '.join(rng.choices(words, k=8))} {i},{'xy'[i % 2]}\n" for i in range(20)]
    (folder / name).write_text("id,text,label\n" + "".join(rows), encoding="utf-8")
    return folder / name


def sequences(folder, letters, name):
    rng = random.Random(2)
    records = [(f"r{i} label={'xy'[i % 2]}", "".join(rng.choices(letters, k=60))) for i in range(20)]
    return write_fasta(folder / name, records)


ENGLISH = ["good", "fine", "bad", "Sad", "The", "A", "CAT", "G"]
NEW = {
    "dna": (
        lambda folder: sequences(folder, "ACGT", "new.fa"),
        "is for texts, read as {}, and these files hold sequences that look like dna",
    ),
    "protein": (lambda folder: sequences(folder, "ACDEFGHIKLMNPQRSTVWY", "new.fa"), "sequences that look like protein"),
    "other script": (lambda folder: texts(folder, ["хорошо", "плохо"], "new.csv"), "characters: is it the right one?"),
    "other words": (lambda folder: texts(folder, ["bon", "mal"], "new.csv"), "words: is it the right one?"),
    "same": (lambda folder: texts(folder, ENGLISH, "new.csv"), None),
}


@pytest.mark.parametrize(
    ("alphabet", "new"),
    [
        ("chars", "dna"),
        ("chars", "protein"),
        ("bytes", "dna"),
        ("words", "dna"),
        ("chars", "other script"),
        ("words", "other words"),
        ("chars", "same"),
        ("words", "same"),
    ],
)
def test_a_vocabulary_that_hardly_fits_is_noted(alphabet, new, tmp_path):
    known = seqmix.prepare(texts(tmp_path, ENGLISH), tmp_path / "known", alphabet=alphabet)
    write, expected = NEW[new]
    data = seqmix.prepare(write(tmp_path), tmp_path / "data", vocabulary_from=known.path)
    notes = [note for note in data.info["notes"] if "--vocabulary-from" in note]
    assert len(notes) == (expected is not None)
    assert expected is None or expected.format(alphabet) in notes[0]


def test_sequences_that_are_read_as_characters_may_share_their_vocabulary(tmp_path):
    rng = random.Random(3)
    for name in ("a.fa", "b.fa"):
        write_fasta(tmp_path / name, [(f"r{i} label={'xy'[i % 2]}", random_dna(40, rng)) for i in range(20)])
    known = seqmix.prepare(tmp_path / "a.fa", tmp_path / "known", alphabet="chars")
    data = seqmix.prepare(tmp_path / "b.fa", tmp_path / "data", vocabulary_from=known.path)
    assert not [note for note in data.info["notes"] if "--vocabulary-from" in note]
