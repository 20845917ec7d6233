"""Notes on proteins that are read as DNA or as characters, and on sequences cut into letters or k-mers."""

import random

import pytest

from tests.support.preparing import prepare

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"


def some(letters, n=30, size=40):
    random.seed(4)
    return ["".join(random.choices(letters, k=size)) for _ in range(n)]


def notes_on(texts, path):
    rows = [f"{text},{'ab'[number % 2]}" for number, text in enumerate(texts)]
    (path / "x.csv").write_text("\n".join(["sequence,label", *rows]) + "\n")
    return " ".join(prepare(path / "x.csv", path / "data").info["notes"])


def notes_on_fasta(texts, path, ending="fa"):
    records = [f">s{number} label={'ab'[number % 2]}\n{text}\n" for number, text in enumerate(texts)]
    (path / f"x.{ending}").write_text("".join(records))
    data = prepare(path / f"x.{ending}", path / "data")
    return data.info["vocabulary"]["alphabet"], " ".join(data.info["notes"])


@pytest.mark.parametrize(
    ("letters", "codes"), [("GASTCNK", "S, K"), ("GASTC", "S"), ("SGASGTGSKA", "S, K"), ("ACGTMRW", "R, W, M")]
)
def test_many_codes_for_several_nucleotides_are_noted(letters, codes, tmp_path):
    alphabet, notes = notes_on_fasta(some(letters), tmp_path)
    assert alphabet == "dna"
    assert f"% of the letters are codes for several nucleotides ({codes}) and are read as N" in notes
    assert "--alphabet protein" in notes


def test_such_letters_are_proteins_in_a_file_of_proteins(tmp_path):
    alphabet, notes = notes_on_fasta(some("GASTCNK"), tmp_path, "faa")
    assert alphabet == "protein"
    assert "read as N" not in notes


@pytest.mark.parametrize("letters", ["ACGT", "ACGT" * 10 + "R", "ACGTNNNN", "acgtn"])
def test_few_such_codes_are_not_noted(letters, tmp_path):
    assert "read as N" not in notes_on_fasta(some(letters), tmp_path)[1]


@pytest.mark.parametrize("form", ["mixed", "lower", "one"])
def test_proteins_in_lower_case_are_noted(form, tmp_path):
    texts = some(AMINO_ACIDS)
    lower = {"mixed": range(0, 30, 2), "lower": range(30), "one": [3]}[form]
    for number in lower:
        texts[number] = texts[number].lower()
    notes = notes_on(texts, tmp_path)
    cases = "lower case and are read as characters" if form == "lower" else "upper and lower case, which are read as different"
    assert f"the texts look like proteins in {cases}" in notes
    assert "--alphabet protein" in notes


@pytest.mark.parametrize(("letters", "alphabet"), [(AMINO_ACIDS, "protein"), ("ACGT", "dna"), (AMINO_ACIDS.lower(), "protein")])
def test_letters_with_blanks_between_them_are_noted(letters, alphabet, tmp_path):
    notes = notes_on([" ".join(text) for text in some(letters)], tmp_path)
    assert (
        f"the texts are single letters with blanks between them, and the blanks are read, too: --alphabet {alphabet}" in notes
    )
    data = prepare(tmp_path / "x.csv", tmp_path / "again", alphabet=alphabet)
    assert data.info["characters"] == 30 * 40


@pytest.mark.parametrize("k", [3, 4, 6])
@pytest.mark.parametrize("step", [1, "k"])
def test_kmers_are_noted(k, step, tmp_path):
    step = k if step == "k" else step
    texts = [" ".join(text[i : i + k] for i in range(0, 42 - k + 1, step)) for text in some("ACGT", size=42)]
    notes = notes_on(texts, tmp_path)
    assert f"the texts are {'overlapping ' * (step == 1)}{k}-mers, read letter by letter" in notes
    assert "--alphabet words" in notes


@pytest.mark.parametrize(
    "text", ["to be or not to be a man", "a b c d e f g", "the cat sat and ate the rat", "gag tag cat act"]
)
def test_prose_is_not_taken_for_kmers(text, tmp_path):
    assert "mers" not in notes_on([f"{text} {number}" for number in range(20)], tmp_path)
