"""A small packed file that unpacks to gigabytes is refused before it fills the memory; what memory does not hold is told."""

import bz2
import gzip
import io
import lzma

import pytest

import seqmix
from seqmix.data.readers import opening
from tests.support.preparing import labelled_fasta, message_of, packed, prepare, standard_input

FASTA = b">a label=x\n" + b"A" * 4_000_000 + b"\n"
KINDS = {"gz": gzip.compress(FASTA), "bz2": bz2.compress(FASTA), "xz": lzma.compress(FASTA), "zst": packed("zst", FASTA)}


@pytest.fixture(autouse=True)
def lower_limit(monkeypatch):
    monkeypatch.setattr(opening, "_MUCH", 1_000_000)


@pytest.mark.parametrize("kind", KINDS)
def test_file_that_unpacks_to_far_more_is_refused(kind, tmp_path):
    (tmp_path / f"x.fa.{kind}").write_bytes(KINDS[kind])
    told = message_of(prepare, tmp_path / f"x.fa.{kind}", tmp_path / "data")
    assert f"unpacks to more than 0.001 GB from {len(KINDS[kind]):,} bytes, over 200 times as much" in told
    assert "if this is intended, unpack it first" in told and "\n" not in told


def test_standard_input_that_unpacks_to_far_more_is_refused(tmp_path, monkeypatch):
    standard_input(monkeypatch, KINDS["gz"])
    assert "unpacks to more than" in message_of(prepare, "-", tmp_path / "data")


def test_prediction_of_such_a_file_is_refused_with_any_on_error(tmp_path, trained):
    (tmp_path / "x.fa.gz").write_bytes(KINDS["gz"])
    for action in ("stop", "skip", "mark"):
        told = message_of(lambda action=action: list(seqmix.predict(tmp_path / "x.fa.gz", trained, on_error=action)))
        assert "unpacks to more than" in told


@pytest.mark.parametrize("kind", KINDS)
def test_packed_files_are_read_in_pieces_that_are_neither_small_nor_large(kind, monkeypatch):
    """Small pieces take most of the time of unpacking; what a large one holds of a file that breaks off is lost."""
    sizes, read = [], opening._Unpacking._readinto
    monkeypatch.setattr(opening._Unpacking, "_readinto", lambda *given: sizes.append(read(*given)) or sizes[-1])
    monkeypatch.setattr(opening, "_MUCH", 10**9)
    assert opening.open_stream(io.BytesIO(KINDS[kind]), "x.fa").read() == FASTA
    assert max(sizes) <= 4096
    assert len(sizes) < len(FASTA) / 3000


def test_usual_ratios_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "_MUCH", 10_000)
    file = labelled_fasta(tmp_path / "x.fa", per_class=3, length=4_000)
    (tmp_path / "x.fa.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert len(prepare(tmp_path / "x.fa.gz", tmp_path / "data")) == 6


@pytest.mark.parametrize("form", ["plain", "gz"])
def test_record_that_does_not_fit_in_memory_is_reported(form, tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def readinto(self, buffer):
            raise MemoryError

    monkeypatch.setattr(opening, "_MUCH", 10**12)
    if form == "gz":
        monkeypatch.setattr(opening._Unpacking, "readinto", Full.readinto)
        content = KINDS["gz"]
    else:
        monkeypatch.setattr(opening.Hashing, "finish", Full.readinto)
        monkeypatch.setattr(opening.Hashing, "readinto", _fails_later(opening.Hashing.readinto))
        content = FASTA
    (tmp_path / "x.fa").write_bytes(content)
    told = message_of(prepare, tmp_path / "x.fa", tmp_path / "data")
    assert "x.fa" in told and "memory ran out" in told and "\n" not in told


def _fails_later(real):
    calls = []

    def readinto(self, buffer):
        calls.append(1)
        if len(calls) > 2:
            raise MemoryError
        return real(self, buffer)

    return readinto
