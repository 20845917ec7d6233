"""Records that are held out by name, by a column or by a regular expression."""

import numpy as np
import pytest

import seqmix
from seqmix.cli import app
from seqmix.data.splits.selection import parse_selection
from tests.support.preparing import dna, message_of, noted, reverse_complement, split_of

CHROMOSOMES = range(1, 11)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty windows of each of ten chromosomes, as FASTA and as a table."""
    folder = tmp_path_factory.mktemp("genome")
    rows = [(c, i, dna(40, f"{c} {i}"), "ab"[i % 2]) for c in CHROMOSOMES for i in range(20)]
    (folder / "g.fa").write_text("".join(f">chr{c}:{i}-{i + 40} label={y} chrom=chr{c} x\n{s}\n" for c, i, s, y in rows))
    table = "".join(f"r{c}_{i},chr{c},{s},{y}\n" for c, i, s, y in rows)
    (folder / "t.csv").write_text(f"id,Chrom,sequence,label\n{table}")
    return folder


def chromosome(identifier):
    return int(identifier.removeprefix("chr").removeprefix("r").split(":")[0].split("_")[0])


@pytest.mark.parametrize(
    ("file", "hold_out", "wanted"),
    [
        ("g.fa", "chr8,chr9", {8, 9}),
        ("g.fa", " chr1 , chr10 ", {1, 10}),
        ("g.fa", ["chr8", "/^chr9:/"], {8, 9}),
        ("g.fa", "/^chr[89]:/", {8, 9}),
        ("g.fa", "/^chr[89]{1,2}:.* x$/,chr7", {7, 8, 9}),
        ("g.fa", "chrom=chr8,chr9", {8, 9}),
        ("g.fa", "header:chrom=/8|9/", {8, 9}),
        ("t.csv", "chrom=chr8,chr9", {8, 9}),
        ("t.csv", "column:Chrom=chr1", {1}),
        ("t.csv", "Chrom=/^chr1/", {1, 10}),
        ("t.csv", "/^r[89]_/", {8, 9}),
    ],
)
def test_records_are_held_out_for_testing(folder, tmp_path, file, hold_out, wanted):
    data = seqmix.prepare(folder / file, tmp_path / "data", hold_out=hold_out)
    for identifier, split in split_of(data).items():
        assert (split == 2) == (chromosome(identifier) in wanted)
    n = 200 - 20 * len(wanted)
    assert data.sizes["test"] == 20 * len(wanted)
    assert abs(data.sizes["val"] - n / 4) <= 1
    assert noted(data, "held out for testing", f"{20 * len(wanted)} of 200 records")


def test_names_are_first_words_and_whole_headers(tmp_path):
    (tmp_path / "x.fa").write_text("".join(f">s{i} number {i}\n{dna(30, i)}\n" for i in range(20)))
    data = seqmix.prepare(tmp_path / "x.fa", tmp_path / "data", hold_out="s3,s4 number 4,s19")
    assert [name for name, split in split_of(data).items() if split == 2] == ["s3", "s4", "s19"]


def test_validation_is_chosen_in_the_same_way(folder, tmp_path):
    data = seqmix.prepare(folder / "g.fa", tmp_path / "both", hold_out="chr8,chr9", validate="chr7")
    assert all({7: 1, 8: 2, 9: 2}.get(chromosome(name), 0) == split for name, split in split_of(data).items())
    assert noted(data, "validated on: 20 of 200 records (chr7 20)")
    data = seqmix.prepare(folder / "t.csv", tmp_path / "val", validate="chrom=chr7", split="0.8,0,0.2")
    assert all((split == 1) == (chromosome(name) == 7) for name, split in split_of(data).items())
    assert data.sizes == {"train": 144, "val": 20, "test": 36}
    assert data.info["origins"]["splits"] == "--validate chrom=chr7; of the others 20 % test, drawn at random, seed 0"


def test_fractions_and_seed_divide_the_others(folder, tmp_path):
    data = [
        seqmix.prepare(folder / "g.fa", tmp_path / f"{seed} {i}", hold_out="chr8", split="0.9,0.1,0", seed=seed)
        for i, seed in enumerate((0, 0, 1))
    ]
    assert all(one.sizes == {"train": 162, "val": 18, "test": 20} for one in data)
    assert all(part["a"] == part["b"] for part in data[0].info["counts"].values())
    assert np.array_equal(data[0].split, data[1].split)
    assert not np.array_equal(data[0].split, data[2].split)


def test_records_in_memory_are_held_out(tmp_path):
    rows = [{"id": f"chr{i % 5}:{i}-{i + 9}", "text": dna(30, i), "label": "ab"[i % 2], "split": "train"} for i in range(50)]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", hold_out="chr3")
    assert all((split == 2) == name.startswith("chr3:") for name, split in split_of(data).items())
    assert noted(data, "column 'split' was not used", "--hold-out is given")


def test_equal_records_and_groups_are_not_trained_on(tmp_path):
    rows = [{"id": f"r{i}", "text": dna(30, i), "label": "ab"[i % 2], "group": f"g{i // 4}"} for i in range(60)]
    rows.append({**rows[0], "id": "copy", "text": reverse_complement(rows[0]["text"]), "group": "other"})
    data = seqmix.prepare(records=rows, output=tmp_path / "data", hold_out=["r0", "r10"])
    splits = split_of(data)
    assert splits["r0"] == splits["r10"] == 2
    assert not {"copy", "r1", "r2", "r3", "r8", "r9", "r11"} & splits.keys()
    assert list(splits.values()).count(2) == 2
    assert noted(data, "7 training or validation records were left out")


@pytest.mark.parametrize(
    ("file", "options", "parts"),
    [
        ("g.fa", {"hold_out": "chr88"}, ("no record is called 'chr88'", "chr1, chr2", "did you mean 'chr8'?")),
        ("g.fa", {"hold_out": "chr8,x,y"}, ("no record is called 'x' (nor 'y')",)),
        ("t.csv", {"hold_out": "chr8"}, ("it is a value of 'Chrom'", "hold_out='Chrom=chr8'")),
        ("t.csv", {"hold_out": "chrom=chr88"}, ("no record has 'chr88' as 'chrom'", "chr1, chr2", "did you mean 'chr8'?")),
        ("g.fa", {"hold_out": "chrom=/^8/"}, ("/^8/ is not found in 'chrom'", "chr1 x, chr2 x")),
        ("g.fa", {"validate": "/^chr88/"}, ("validate: /^chr88/ is not found in the name or header", "chr1:0-40 label=a")),
        ("g.fa", {"hold_out": "nope=chr8"}, ("no record has a 'nope'",)),
        ("t.csv", {"hold_out": "nope=chr8"}, ("there is no column 'nope' for hold_out", "Chrom")),
        ("g.fa", {"hold_out": "chr8", "validate": "/chr[78]:/"}, ("'chr8:0-40'", "both hold_out and validate")),
        ("g.fa", {"hold_out": "/chr/"}, ("all 200 records are held out", "none is left to train on")),
        ("g.fa", {"hold_out": "chr8", "test": ["t.csv"]}, ("hold_out and test cannot be combined",)),
        ("g.fa", {"validate": "chr8", "val": ["t.csv"]}, ("validate and val cannot be combined",)),
        ("t.csv", {"hold_out": "r1_1", "split_from": "column:Chrom"}, ("split_from", "excludes hold_out")),
        ("g.fa", {"hold_out": "chr8", "validate": "chr7", "split": "0.5,0.2,0.3"}, ("split would have no effect",)),
    ],
)
def test_what_cannot_be_held_out_is_refused(folder, tmp_path, monkeypatch, file, options, parts):
    monkeypatch.chdir(folder)
    message = message_of(seqmix.prepare, file, tmp_path / "data", **options)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "must name records"),
        (" , ", "must name records"),
        ("=x", "must name records"),
        ("chrom=", "must name records"),
        ("/chr", "begins like a regular expression"),
        ("chr8,/chr(/", "is not a regular expression"),
        ("chr8,chrom=chr9", "it is not clear what 'chrom=chr9' is"),
        ("chrom=chr8,chrom=chr9", "as in chrom=chr8,chr9"),
        ("regex:x=chr8", "'regex:x' must be the name of a column"),
        (["a,b"], "a name with a comma"),
    ],
)
def test_what_is_ambiguous_is_refused_with_advice(tmp_path, text, part):
    assert part in message_of(seqmix.prepare, records=["ACGT"] * 9, output=tmp_path / "data", hold_out=text)


def test_commas_and_equals_signs_in_regular_expressions_separate_nothing():
    selection = parse_selection("chr8, /a{1,2}=b/,/c/", "hold_out")
    assert selection.key == ""
    assert selection.names == ("chr8",)
    assert list(selection.patterns) == ["/a{1,2}=b/", "/c/"]
    assert parse_selection("table:x/y.tsv:chrom=a,b", "hold_out").key == "table:x/y.tsv:chrom"


def test_a_table_beside_the_records_names_those_that_are_held_out(tmp_path):
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{dna(30, i)}\n" for i in range(20)))
    (tmp_path / "m.tsv").write_text("id\tsite\n" + "".join(f"s{i}\t{'north' if i % 4 else 'south'}\n" for i in range(20)))
    data = seqmix.prepare(tmp_path / "x.fa", tmp_path / "data", hold_out=f"table:{tmp_path}/m.tsv:site=south")
    assert all((split == 2) == (int(name[1:]) % 4 == 0) for name, split in split_of(data).items())


def test_a_held_out_record_without_a_label_is_counted(tmp_path):
    (tmp_path / "x.csv").write_text("id,text,label\n" + "".join(f"s{i},w{i},{'ab'[i % 2] * (i > 0)}\n" for i in range(20)))
    message = message_of(seqmix.prepare, tmp_path / "x.csv", tmp_path / "data", hold_out="s0", skip_unlabelled=True)
    assert "no record is left in the test split (--hold-out s0): 1 were without a label" in message
    assert "name other records with hold_out" in message


def test_the_command_line_holds_records_out(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as done:
        app(["prepare", "g.fa", "-o", str(tmp_path / "data"), "--hold-out", "chr8", "--hold-out", "chr9", "--validate", "chr7"])
    assert done.value.code in (0, None)
    assert "held out for testing: 40 of 200 records (chr8 20, chr9 20)" in capsys.readouterr().err
    with pytest.raises(SystemExit) as done:
        app(["prepare", "g.fa", "-o", str(tmp_path / "other"), "--hold-out", "chrom=chr8", "--test", "t.csv"])
    assert done.value.code == 1
    assert "--hold-out and --test cannot be combined" in capsys.readouterr().err
