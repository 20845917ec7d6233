"""DNA and proteins together, or records of the one for a model of the other, are noted in one line."""

import random

import pytest

import seqmix
from seqmix.data.vocabulary.guess import looks_like
from seqmix.inference.predict import predict
from seqmix.models.prediction import Tally
from tests.support import train_tiny, write_fasta

PROTEIN, DNA = "ACDEFGHIKLMNPQRSTVWY", "ACGT"


def records(letters, n=24, prefix="r", label="", seed=0):
    rng = random.Random(seed)
    return [(f"{prefix}{i}", "".join(rng.choices(letters, k=60 + i)), label or "pq"[i % 2]) for i in range(n)]


def fasta(path, rows):
    return write_fasta(path, [(f"{name} label={label}", text) for name, text, label in rows])


def table(path, rows):
    path.write_text("id,sequence,label\n" + "".join(f"{name},{text},{label}\n" for name, text, label in rows))
    return path


BOTH = [*records(PROTEIN, prefix="h", label="p"), *records(DNA, prefix="m", label="d")]
APART = "they can be told apart by their letters alone"


def as_one(write, ending):
    return lambda folder: [write(folder / f"x{ending}", BOTH)]


def as_two(write, ending):
    return lambda folder: [write(folder / f"x{ending}", BOTH[:24]), write(folder / f"y{ending}", BOTH[24:])]


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        (as_one(fasta, ".fa"), "in 24 records, such as {0}/x.fa: record 'm0' (line 49), and proteins in 24 records"),
        (as_one(table, ".csv"), "in 24 records, such as {0}/x.csv: record 'm0' (line 26), and proteins in 24 records"),
        (as_two(fasta, ".fa"), "in 1 file, such as {0}/y.fa, and proteins in 1 file, such as {0}/x.fa"),
        (as_two(table, ".csv"), "in 1 file, such as {0}/y.csv, and proteins in 1 file, such as {0}/x.csv"),
    ],
)
def test_dna_and_proteins_in_one_data_set_are_noted(inputs, where, tmp_path):
    data = seqmix.prepare(inputs(tmp_path), tmp_path / "data")
    [note] = [note for note in data.info["notes"] if APART in note]
    assert where.format(tmp_path) in note


@pytest.mark.parametrize("letters", [PROTEIN, DNA, "ACGTRYSWKMBDHVN"])
@pytest.mark.parametrize("write", [fasta, table])
def test_one_kind_of_sequences_has_no_note(write, letters, tmp_path):
    data = seqmix.prepare(
        [write(tmp_path / "x.fa" if write is fasta else tmp_path / "x.csv", records(letters))], tmp_path / "data"
    )
    assert not [note for note in data.info["notes"] if APART in note]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"ACGTNNACGT\n" * 6, "dna"),
        ("acgu" * 20, "dna"),
        ("MKVLAAGIVGLPNVGKSTLFNALTKAGIEAANYPFCTIEPNTG*", "protein"),
        (b"mkvlaagivglpnvgkstlfnaltkagieaanypfctiepntg", "protein"),
        ("MKVLAAG", ""),
        ("the quick brown fox jumps over the lazy dog again", ""),
        ("Donaudampfschifffahrtselektrizitaetenhauptbetriebswerk", ""),
    ],
)
def test_only_sequences_beyond_doubt_are_dna_or_proteins(text, expected):
    assert looks_like(text) == expected


@pytest.fixture(scope="module")
def protein_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proteins")
    data = seqmix.prepare([fasta(folder / "x.fa", records(PROTEIN))], folder / "data")
    return train_tiny(data.path, folder / "run", epochs=1)


@pytest.fixture(scope="module")
def dna_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dna")
    data = seqmix.prepare([fasta(folder / "x.fa", records(DNA))], folder / "data", unknown="map")
    return train_tiny(data.path, folder / "run", epochs=1)


@pytest.mark.parametrize("write", [fasta, table])
@pytest.mark.parametrize(
    ("model", "letters", "expected"),
    [
        ("protein_model", DNA, "the model was trained on proteins, and 24 records look like DNA: the first is "),
        ("dna_model", PROTEIN, "the model was trained on DNA, and 24 records look like proteins: the first is "),
        ("protein_model", PROTEIN, ""),
        ("dna_model", DNA, ""),
    ],
)
def test_new_data_that_the_model_is_not_for_are_noted(model, letters, expected, write, tmp_path, request):
    run = request.getfixturevalue(model)
    file = write(tmp_path / ("x.fa" if write is fasta else "x.csv"), records(letters, seed=1))
    tally = Tally()
    assert len(list(predict(file, run, tally=tally))) == 24
    notes = (tally.notes, seqmix.evaluate(run, data=file, baselines=False, resamples=2).notes)
    for found in notes:
        assert [note.partition(str(tmp_path))[0] for note in found if "was trained on" in note] == [expected] * bool(expected)
