"""Lines of annotation below the sequences of FASTA are refused, and wrapped sequences are not."""

import random

import pytest

from seqmix.inference.predict import predict
from tests.support.preparing import message_of, read

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
FORMS = {  # letters of the sequence, those of the annotation, records, annotations of a record
    "SignalP": (AMINO_ACIDS, "SIO", 20, 1),
    "one protein": (AMINO_ACIDS, "IMO", 1, 1),
    "DeepTMHMM": (AMINO_ACIDS, "IMOSB", 3, 1),
    "secondary structure": (AMINO_ACIDS, "HEC", 4, 1),
    "eight states": (AMINO_ACIDS, "HBEGITSC", 5, 1),
    "with dashes": (AMINO_ACIDS, "HE---", 5, 1),
    "with dots": (AMINO_ACIDS, "S....", 5, 1),
    "disorder": (AMINO_ACIDS, "01", 5, 1),
    "dot-bracket": ("ACGU", "(.)", 5, 1),
    "exons": ("ACGT", "EI", 5, 1),
    "structure and disorder": (AMINO_ACIDS, "HEC", 5, 2),
}


def content(sequence, annotation, records, lines):
    random.seed(1)
    out = []
    for number in range(records):
        size = random.randrange(40, 70)
        out.append(f">P{number}|EUKARYA|SP|0\n" + "".join(random.choices(sequence, k=size)))
        out += ["".join(random.choices(annotation, k=size)) for _ in range(lines)]
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("form", FORMS)
def test_annotations_are_refused(form, tmp_path):
    (tmp_path / "a.fasta").write_text(content(*FORMS[form]))
    message = message_of(read, tmp_path / "a.fasta")
    assert "a.fasta: record 'P0|EUKARYA|SP|0' (line 1): line 3, '" in message
    assert "it is an annotation, not sequence" in message
    assert f"awk 'NR % {FORMS[form][3] + 2} == 1" in message


def test_annotations_are_refused_for_predictions(trained, tmp_path):
    (tmp_path / "a.3line").write_text(content("ACGT", "HEC", 6, 1))
    assert "it is an annotation" in message_of(lambda: list(predict(tmp_path / "a.3line", trained)))


WRAPPED = {
    "proteins": AMINO_ACIDS,
    "DNA": "ACGT",
    "masked DNA": "ACGTNacgtn",
    "low complexity": "GASTC",
    "gaps": AMINO_ACIDS + "-" * 20,
    "ambiguous": "ACGTRYSWKM",
}


@pytest.mark.parametrize("letters", WRAPPED)
@pytest.mark.parametrize("lines", [2, 3])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_wrapped_sequences_are_no_annotations(letters, lines, end, tmp_path):
    random.seed(2)
    rows = []
    for number in range(25):
        rows += [f">s{number}", *("".join(random.choices(WRAPPED[letters], k=60)) for _ in range(lines))]
    (tmp_path / "a.fasta").write_bytes(end.join([*rows, ""]).encode())
    assert [len(record.text.split()) for record in read(tmp_path / "a.fasta")] == [lines] * 25


@pytest.mark.parametrize("second", ["-" * 60, "N" * 60, "A" * 60, "X" * 60])
def test_second_lines_that_say_nothing_are_no_annotations(second, tmp_path):
    rows = [f">s{number}\n{''.join(random.choices('ACGT', k=60))}\n{second}\n" for number in range(5)]
    (tmp_path / "a.fasta").write_text("".join(rows))
    assert len(read(tmp_path / "a.fasta")) == 5
