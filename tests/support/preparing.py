"""Shared by the tests of reading and preparing: short calls, and small files in every format."""

import csv
import gzip
import hashlib
import io
import json
import random
import sys

import numpy as np
import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord
from xopen import xopen

from seqmix.data.dataset_json import info_text
from seqmix.data.inputs import find_sources
from seqmix.data.options import ReadOptions
from seqmix.data.prepare import prepare as prepare
from seqmix.data.reading import RecordReader
from seqmix.errors import SeqmixError


def read(*inputs, **options):
    """Return the records of some inputs."""
    return list(RecordReader(find_sources(inputs), ReadOptions(**options)))


def letters(record):
    """Return the text of a record without white space, as a string."""
    text = record.text.decode("latin-1") if isinstance(record.text, bytes) else record.text
    return "".join(text.split())


def pairs(records):
    return [(record.id, letters(record)) for record in records]


def message_of(call, *args, **options):
    """Return the message of the `SeqmixError` that a call must raise: one line."""
    with pytest.raises(SeqmixError) as caught:
        call(*args, **options)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


def noted(dataset, *parts):
    """Return whether one of the notes of a data set has all of these parts."""
    return any(all(part in note for part in parts) for note in dataset.info["notes"])


def with_nearness(folder):
    """Store some nearness with a data set, and return its folder."""
    info = json.loads((folder / "dataset.json").read_text())
    split = np.load(folder / "split.npy")
    nearness = np.where(split == 0, np.nan, np.linspace(0, 1, len(split))).astype(np.float32)
    np.save(folder / "nearness.npy", nearness)
    info["extra_arrays"]["nearness.npy"] = hashlib.sha256((folder / "nearness.npy").read_bytes()).hexdigest()
    (folder / "dataset.json").write_text(info_text(info))
    return folder


def decoded(dataset):
    """Map the id of every record of a data set to its symbols."""
    return {name: dataset.vocabulary.decode(dataset.tokens(i)) for i, name in enumerate(dataset.ids())}


def split_of(dataset):
    """Map the id of every record of a data set to the number of its split."""
    return dict(zip(dataset.ids(), dataset.split.tolist(), strict=True))


def label_of(dataset):
    """Map the id of every record of a data set to its class name."""
    return {name: dataset.classes[label] for name, label in zip(dataset.ids(), dataset.labels, strict=True)}


def standard_input(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def dna(length, seed):
    return "".join(random.Random(seed).choices("ACGT", k=length))


def reverse_complement(sequence):
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def labelled_fasta(path, per_class=10, classes=("a", "b"), length=30):
    """Write a FASTA file with `label=` in its headers and distinct sequences."""
    records = [(f"{name}{i}", name, dna(length, f"{name}{i}")) for i in range(per_class) for name in classes]
    path.write_text("".join(f">{identifier} label={name}\n{sequence}\n" for identifier, name, sequence in records))
    return path


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_table(path, rows):
    """Write a CSV file of dicts with the same keys."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _annotated(kind):
    records = [
        SeqRecord(Seq(sequence), id=name, name=name, description="", annotations={"molecule_type": "DNA"})
        for name, sequence in SEQUENCES
    ]
    out = io.StringIO()
    SeqIO.write(records, out, kind)
    return out.getvalue().encode()


SEQUENCES = [("s1", "ACGTAC"), ("s2", "GGTT")]
CONTENT = {
    "fasta": b">s1 first\nACGT\nAC\n>s2\nGGTT\n",
    "fastq": b"@s1 first\nACGTAC\n+\nIIIIII\n@s2\nGGTT\n+s2\n@III\n",
    "genbank": _annotated("genbank"),
    "embl": _annotated("embl"),
    "csv": b"id,text\ns1,ACGTAC\ns2,GGTT\n",
    "tsv": b"id\ttext\ns1\tACGTAC\ns2\tGGTT\n",
    "jsonl": b'{"id": "s1", "text": "ACGTAC"}\n{"id": "s2", "text": "GGTT"}\n',
}
PACKED = {kind: gzip.compress(content) for kind, content in CONTENT.items()}


def packed(form, content):
    """Bytes, packed as "gz", "bz2", "xz" or "zst"."""
    out = io.BytesIO()
    with xopen(out, "wb", threads=0, format=form) as file:
        file.write(content)
    return out.getvalue()
