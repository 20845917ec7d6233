"""Sequences without headers in documents and cells, wrapped into lines: line breaks are not symbols without a word."""

import random

import pytest

from tests.support.preparing import dna, prepare


def wrapped(letters, width):
    return "\n".join(letters[i : i + width] for i in range(0, len(letters), width)) + "\n"


def folder(root, make):
    for name in "ab":
        (root / name).mkdir(parents=True)
        for i in range(5):
            (root / name / f"{i}.txt").write_text(make(f"{name}{i}"))
    return root


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_wrapped_dna_in_documents_is_read_as_dna_and_told(end, case, tmp_path):
    root = folder(tmp_path / "in", lambda seed: case(wrapped(dna(300, seed), 60)))
    for path in root.rglob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", end.encode()))
    dataset = prepare(root, tmp_path / "data")
    assert dataset.vocabulary.alphabet == "dna" and dataset.info["characters"] == 10 * 300
    assert any("nucleotide codes without a header, read as one sequence" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("letters", ["N", "RY", "n"])
def test_codes_for_several_nucleotides_are_letters_of_dna_too(letters, tmp_path):
    root = folder(tmp_path / "in", lambda seed: wrapped(dna(100, seed) + letters + dna(100, seed), 50))
    dataset = prepare(root, tmp_path / "data", unknown="map")
    assert dataset.vocabulary.alphabet == "dna"
    assert any("nucleotide codes" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("width", [60, 80, 1000])
def test_wrapped_proteins_in_documents_are_told(width, tmp_path):
    def protein(seed):
        return "".join(random.Random(seed).choices("ACDEFGHIKLMNPQRSTVWY", k=300))

    dataset = prepare(folder(tmp_path / "in", lambda seed: wrapped(protein(seed), width)), tmp_path / "data")
    (note,) = [note for note in dataset.info["notes"] if "look like proteins" in note]
    assert ("line breaks included" in note) == (width < 300) and "--alphabet protein" in note


def test_wrapped_dna_in_cells_is_read_as_dna(tmp_path):
    rows = "".join(f'{i % 2},"{wrapped(dna(120, i), 60).strip()}"\n' for i in range(20))
    (tmp_path / "x.csv").write_text(f"label,sequence\n{rows}")
    dataset = prepare(tmp_path / "x.csv", tmp_path / "data")
    assert dataset.vocabulary.alphabet == "dna" and dataset.info["characters"] == 20 * 120


@pytest.mark.parametrize("text", ["cat\ntag\nact\n", "a gac cat\nacts at a tag\n", "the words of\nthis text\n"])
def test_short_words_on_lines_are_still_text(text, tmp_path):
    dataset = prepare(folder(tmp_path / "in", lambda seed: text * 9 + seed), tmp_path / "data")
    assert dataset.vocabulary.alphabet == "chars"
