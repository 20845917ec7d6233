"""Keys such as `gene:` that records share, and that are not used for groups, are pointed out with the option that uses them."""

import shlex

import pytest

import seqmix
from tests.support.preparing import dna

FORMS = {
    "Ensembl": ("cdna chromosome:GRCh38:8:{i}:200:1 gene:ENSG{g} gene_symbol:S{g} description:some words", "header:gene"),
    "UniProt": ("a protein OS=Homo sapiens OX=9606 GN=G{g} PE=1 SV=1", "header:GN"),
    "NCBI": ("[gene=g{g}] [organism=Mus musculus] [protein=x{i}]", "header:gene"),
    "taxon": ("OX={g} x", "header:OX"),
    "organism": ("[organism=Mus number{g}] x", "header:organism"),
    "chromosome": ("chromosome=chr{g} start={i}", "header:chromosome"),
    "bars": ("parent:t{g} | more", "header:parent"),
}


def fasta(path, form, genes=30, isoforms=3, label="label={c} "):
    with path.open("w") as out:
        for g in range(genes):
            for i in range(isoforms):
                head = (label + form).format(g=g, i=g * 100 + i, c="ab"[g % 2])
                out.write(f">s{g}_{i} {head}\n{dna(40, f'{g} {i}')}\n")
    return path


def pointed_out(data):
    return [note for note in data.info["notes"] if "--group" in note and "keeps such records in one split" in note]


@pytest.mark.parametrize("name", FORMS)
def test_a_key_that_records_share_is_pointed_out_and_the_advice_works(name, tmp_path):
    form, place = FORMS[name]
    file = fasta(tmp_path / "x.fa", form)
    notes = pointed_out(seqmix.prepare(file, tmp_path / "data"))
    key = place.partition(":")[2]
    assert notes == [
        f"90 of the 90 records share their '{key}' (in the headers; 30 different) with others: --group {place} keeps such "
        "records in one split"
    ]
    words = shlex.split(notes[0].partition("--group ")[2])
    grouped = seqmix.prepare(file, tmp_path / "grouped", group_from=words[0])
    assert grouped.info["groups"]["count"] == 30
    assert not pointed_out(grouped)


def test_columns_are_pointed_out_as_well(tmp_path):
    rows = [{"text": dna(40, i), "label": "ab"[i % 2], "Patient ID": f"p{i // 4}"} for i in range(80)]
    data = seqmix.prepare(records=rows, output=tmp_path / "data")
    assert len(pointed_out(data)) == 1
    way = shlex.split(pointed_out(data)[0].partition("--group ")[2])[0]
    assert way == "column:Patient ID"
    assert seqmix.prepare(records=rows, output=tmp_path / "grouped", group_from=way).info["groups"]["count"] == 20
    numbers = [{**row, "label": i / 7} for i, row in enumerate(rows)]
    assert pointed_out(seqmix.prepare(records=numbers, output=tmp_path / "numbers", task="regression"))
    many = [{**row, "label": ["x"] * (i % 3) + ["y"]} for i, row in enumerate(rows)]
    assert pointed_out(seqmix.prepare(records=many, output=tmp_path / "many", task="multilabel"))


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("gene=g{i}", {}),  # each its own
        ("gene=g", {}),  # one for all
        ("gene={c}", {}),  # the label in other words
        ("length={g} score:{g}", {}),  # does not say what belongs together
        ("gene=g{g} gene=h{g}", {}),  # --group cannot read it either
        ("gene=g{g}", {"group_from": "header-regex:s(\\d+)_"}),
        ("gene=g{g}", {"split_from": "header:part"}),
        ("gene=g{g}", {"hold_out": "/^s3_/"}),
    ],
)
def test_what_tells_no_groups_or_is_not_needed_is_not_pointed_out(form, options, tmp_path):
    file = fasta(tmp_path / "x.fa", form)
    if "split_from" in options:
        lines = file.read_text().split("\n")
        parts = ["train", "train", "val", "test"]
        file.write_text("\n".join(f"{line} part={parts[i % 4]}" if line[:1] == ">" else line for i, line in enumerate(lines)))
        file.write_text(file.read_text().replace("part=val", "part=train", 3))
    assert not pointed_out(seqmix.prepare(file, tmp_path / "data", **options))


def test_the_label_is_not_pointed_out(tmp_path):
    file = fasta(tmp_path / "x.fa", "species=sp{c}", label="")
    assert not pointed_out(seqmix.prepare(file, tmp_path / "data", label_from="header:species"))
    file = fasta(tmp_path / "y.fa", "OX=9{g}", label="", isoforms=20)
    assert not pointed_out(seqmix.prepare(file, tmp_path / "many", label_from="header:OX"))
