"""`prepare()`: records to a data set on disk, whole, repeatable, without leaks, and `Dataset` that opens it."""

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

import seqmix
from seqmix.data.dataset import Dataset
from seqmix.data.dataset_json import ARRAYS, EXTRA_ARRAYS
from seqmix.errors import SeqmixError
from tests.support.preparing import (
    CONTENT,
    SEQUENCES,
    decoded,
    dna,
    label_of,
    labelled_fasta,
    message_of,
    prepare,
    reverse_complement,
    split_of,
    standard_input,
)


def two_files(folder, n=20):
    """Two FASTA files of two classes."""
    folder.mkdir(exist_ok=True)
    for name in ("a", "b"):
        text = "".join(f">{name}{i} gene:{name}{i // 2}\n{dna(30, f'{name}{i}')}\n" for i in range(n))
        (folder / f"{name}.fa").write_text(text)
    return [folder / "a.fa", folder / "b.fa"]


def test_class_may_have_one_file(tmp_path):
    first, second = two_files(tmp_path / "in")
    data = seqmix.prepare(output=tmp_path / "data", class_files={"x": str(first), "y": second})
    lists = seqmix.prepare(output=tmp_path / "lists", class_files={"x": [first], "y": [second]})
    assert data.classes == ["x", "y"] and data.fingerprint == lists.fingerprint
    message = message_of(seqmix.prepare, output=tmp_path / "none", class_files={"x": "one/path.fa"})
    assert "one/path.fa: no such file" in message


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_option_without_effect_is_noted(two_class_files, tmp_path):
    dataset = seqmix.prepare(two_class_files, tmp_path / "data", read=seqmix.ReadOptions(text_column="text"))
    assert any("--text-column had no effect" in note for note in dataset.info["notes"])


def test_folder_follows_documented_format(tmp_path):
    inputs = two_files(tmp_path / "in")
    dataset = prepare(inputs, tmp_path / "data")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {*ARRAYS, *EXTRA_ARRAYS, "dataset.json"}
    tokens = np.load(tmp_path / "data" / "tokens.npy")
    offsets = np.load(tmp_path / "data" / "offsets.npy")
    assert tokens.dtype == np.uint8
    assert offsets.tolist() == list(range(0, 40 * 30 + 1, 30))
    assert len(tokens) == offsets[-1]
    assert np.load(tmp_path / "data" / "labels.npy").tolist() == [0] * 20 + [1] * 20
    assert set(np.load(tmp_path / "data" / "split.npy").tolist()) == {0, 1, 2}
    assert (tmp_path / "data" / "ids.txt").read_text().splitlines() == [f"{c}{i}" for c in "ab" for i in range(20)]
    assert dataset.classes == ["a", "b"]
    assert len(dataset) == 40


def test_classes_are_sorted(tmp_path):
    dataset = prepare(two_files(tmp_path / "in")[::-1], tmp_path / "data")
    assert dataset.classes == ["a", "b"]
    assert label_of(dataset) == {name: name[0] for name in dataset.ids()}


def test_description_records_what_was_done(tmp_path):
    inputs = two_files(tmp_path / "in")
    info = json.loads((prepare(inputs, tmp_path / "data", seed=3).path / "dataset.json").read_text())
    assert info["classes"] == ["a", "b"]
    assert info["counts"] == {s: {"a": n, "b": n} for s, n in (("train", 12), ("val", 4), ("test", 4))}
    assert info["records"] == 40
    assert info["lengths"]["0%"] == info["lengths"]["50%"] == info["lengths"]["100%"] == 30
    assert info["options"]["seed"] == 3
    assert [entry["file"] for entry in info["inputs"]] == [str(path) for path in inputs]
    for entry, path in zip(info["inputs"], inputs, strict=True):
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    for name in ARRAYS:
        assert info["arrays"][name] == hashlib.sha256((tmp_path / "data" / name).read_bytes()).hexdigest()


def test_tokens_are_memory_mapped(tmp_path):
    dataset = prepare(two_files(tmp_path / "in"), tmp_path / "data")
    origin = dataset.tokens(3)
    while not isinstance(origin, np.memmap):
        origin = origin.base
    assert not dataset.tokens(3).flags.writeable


@pytest.mark.parametrize("kind", CONTENT)
def test_sequences_of_every_format_round_trip(kind, tmp_path):
    (tmp_path / "x").write_bytes(CONTENT[kind])
    dataset = prepare(tmp_path / "x", tmp_path / "data", alphabet="dna")
    assert decoded(dataset) == dict(SEQUENCES)
    assert dataset.classes == []
    assert set(dataset.labels.tolist()) == {-1}


@pytest.mark.parametrize(("alphabet", "dtype"), [("chars", np.uint8), ("bytes", np.uint16)])
def test_documents_round_trip(alphabet, dtype, tmp_path):
    texts = {f"d{i}": f"Straße {i},\n  тест\t🙂 {'x' * i}" for i in range(20)}
    (tmp_path / "x.jsonl").write_text("".join(json.dumps({"id": k, "text": v}) + "\n" for k, v in texts.items()))
    dataset = prepare(tmp_path / "x.jsonl", tmp_path / "data", alphabet=alphabet, split="1,0,0")
    assert decoded(dataset) == texts
    assert dataset.tokens(0).dtype == dtype


def test_standard_input_is_prepared(tmp_path, monkeypatch):
    standard_input(monkeypatch, gzip.compress(labelled_fasta(tmp_path / "x.fa").read_bytes()))
    piped = prepare("-", tmp_path / "piped")
    plain = prepare(tmp_path / "x.fa", tmp_path / "plain")
    assert decoded(piped) == decoded(plain)
    assert split_of(piped) == split_of(plain)


def test_single_record_genome_is_prepared_without_labels(tmp_path):
    (tmp_path / "genome.fasta").write_text(">chr1\n" + dna(1000, 0) + "\n")
    dataset = prepare(tmp_path / "genome.fasta", tmp_path / "data")
    assert dataset.info["counts"]["train"] == {"unlabelled": 1}
    assert dataset.vocabulary.alphabet == "dna"


def test_prepare_is_reproducible_across_processes(tmp_path):
    # Python uses new hash seeds in every process; nothing may depend on them.
    rng = random.Random(0)
    records = [dna(rng.randint(4, 6), rng.random()) for _ in range(300)]
    text = "".join(f">r{i % 250} label={'ab'[i % 2]} gene:g{rng.randrange(200)}\n{s}\n" for i, s in enumerate(records))
    (tmp_path / "x.fa").write_text(text)
    code = (
        "import seqmix; from seqmix import ReadOptions\n"
        "seqmix.prepare('x.fa', 'data', read=ReadOptions(group_from='header:gene'), overwrite=True)"
    )
    found = []
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, check=True, env={**os.environ, "PYTHONHASHSEED": seed}, timeout=60
        )
        found.append(contents(tmp_path / "data"))
    assert found[0] == found[1]


def test_seed_changes_split_but_not_records(tmp_path):
    inputs = two_files(tmp_path / "in")
    first, second = prepare(inputs, tmp_path / "1", seed=1), prepare(inputs, tmp_path / "2", seed=2)
    assert split_of(first) != split_of(second)
    assert decoded(first) == decoded(second)
    assert first.info["arrays"]["tokens.npy"] == second.info["arrays"]["tokens.npy"]


def test_fingerprints_are_equal_exactly_for_equal_data_sets(tmp_path):
    inputs = two_files(tmp_path / "in")
    made = [prepare(inputs, tmp_path / str(i), seed=seed).fingerprint for i, seed in enumerate((1, 1, 2))]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("text", "options", "alphabet"),
    [
        (">a\nACGTNacgtu\n", {}, "dna"),
        (">a\nACGTACGTRY\n", {"alphabet": "dna-iupac"}, "dna-iupac"),
        (">a\nMKVLAWFQE\n", {}, "protein"),
        ("Some words.\n", {}, "chars"),
        ("Some words.\n", {"alphabet": "bytes"}, "bytes"),
        ("id,sequence\na,ACGT\n", {}, "dna"),
    ],
)
def test_alphabet_is_guessed_or_chosen_and_stored(text, options, alphabet, tmp_path):
    (tmp_path / "x").write_text(text)
    prepare(tmp_path / "x", tmp_path / "data", **options)
    assert Dataset.open(tmp_path / "data").vocabulary.alphabet == alphabet


def test_replacements_are_counted_by_character(tmp_path):
    (tmp_path / "x.fa").write_text(">a\nACGTRRYn--\n>b\nACGr\n")
    mapped = prepare(tmp_path / "x.fa", tmp_path / "1", alphabet="dna", unknown="map")
    assert mapped.info["replaced"] == {"R": 2, "-": 2, "Y": 1, "r": 1}
    assert decoded(mapped) == {"a": "ACGTNNNNNN", "b": "ACGN"}
    dropped = prepare(tmp_path / "x.fa", tmp_path / "2", alphabet="dna", unknown="drop")
    assert dropped.info["replaced"] == {"R": 2, "-": 2, "Y": 1, "r": 1}
    assert decoded(dropped) == {"a": "ACGTNNNN", "b": "ACGN"}


@pytest.mark.parametrize(("keep", "expected"), [("start", "AACCGG"), ("end", "GGTTAC"), ("middle", "CCGGTT"), (None, "AACCGG")])
@pytest.mark.parametrize("alphabet", ["dna", "chars"])
def test_long_records_are_truncated_as_asked(alphabet, keep, expected, tmp_path):
    (tmp_path / "x.fa").write_text(">a\nAACCG\nGTTAC\n>b\nAACCGG\n>c\nAC\n")
    options = {"truncate": keep} if keep else {}
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data", alphabet=alphabet, max_length=6, split="1,0,0", **options)
    assert decoded(dataset) == {"a": expected, "b": "AACCGG", "c": "AC"}
    assert dataset.info["truncated"] == 1


def test_all_splits_are_truncated_alike(tmp_path):
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.fa").write_text("".join(f">{name}{c} label={c}\n{dna(50, name + c)}\n" for c in "ab"))
    files = [tmp_path / f"{name}.fa" for name in ("train", "val", "test")]
    dataset = prepare(files[0], tmp_path / "data", val=files[1:2], test=files[2:], max_length=10, truncate="end")
    assert decoded(dataset) == {f"{name}{c}": dna(50, name + c)[-10:] for name in ("train", "val", "test") for c in "ab"}


def test_short_records_are_dropped_before_truncation_and_counted(tmp_path):
    (tmp_path / "x.fa").write_text(">a\nACGTA\n>b\nACGT\n>c\n\n>d\nAC GT\nAC\n")
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data", min_length=5, max_length=5)
    assert decoded(dataset) == {"a": "ACGTA", "d": "ACGTA"}
    assert dataset.info["dropped"]["shorter than min_length"] == 2


def test_chars_vocabulary_comes_from_training_split_only(tmp_path):
    train = [("t1", "a", "cab"), ("t2", "b", "bad")]
    later = [("v1", "a", "cay"), ("v2", "b", "bzz")]
    for name, rows in (("train", train), ("val", later)):
        (tmp_path / f"{name}.csv").write_text("id,label,text\n" + "".join(",".join(row) + "\n" for row in rows))
    dataset = prepare(tmp_path / "train.csv", tmp_path / "data", val=[tmp_path / "val.csv"])
    assert dataset.vocabulary.symbols == ["UNK", "a", "b", "c", "d"]
    assert dataset.info["replaced"] == {"y": 1, "z": 2}
    unknown = dataset.vocabulary.unknown_id
    assert (dataset.tokens(3) == unknown).tolist() == [False, True, True]
    for i in dataset.indices("train"):
        assert unknown not in dataset.tokens(i)


def test_chars_vocabulary_of_drawn_split_comes_from_training_records(tmp_path):
    rng = random.Random(0)
    texts = ["".join(rng.choices("abcdefgh", k=5)) + chr(0x400 + i) for i in range(60)]
    (tmp_path / "x.csv").write_text("id,text\n" + "".join(f"{i},{text}\n" for i, text in enumerate(texts)))
    dataset = prepare(tmp_path / "x.csv", tmp_path / "data")
    trained = "".join(texts[i] for i in dataset.indices("train"))
    assert dataset.vocabulary.symbols == ["UNK", *sorted(set(trained))]
    assert sum(dataset.info["replaced"].values()) == len(dataset.indices("val")) + len(dataset.indices("test"))


def test_unknown_chars_can_be_dropped_or_refused(tmp_path):
    (tmp_path / "train.csv").write_text("id,text\n1,ab\n")
    (tmp_path / "test.csv").write_text("id,text\nodd,axb\nall,xx\n")
    files = {"test": [tmp_path / "test.csv"], "alphabet": "chars", "split": "1,0,0"}
    dataset = prepare(tmp_path / "train.csv", tmp_path / "data", unknown="drop", **files)
    assert decoded(dataset)["odd"] == "ab"
    assert "all" not in dataset.ids()
    assert dataset.info["dropped"]["nothing left after dropping unknown characters"] == 1
    message = message_of(prepare, tmp_path / "train.csv", tmp_path / "data2", unknown="error", **files)
    for part in ("'x'", "'odd'", "position 2", "unknown='map'"):
        assert part in message


def test_default_split_is_stratified(tmp_path):
    text = "".join(f">r{i} label={'a' if i % 5 else 'b'}\n{dna(30, i)}\n" for i in range(500))
    (tmp_path / "x.fa").write_text(text)
    assert prepare(tmp_path / "x.fa", tmp_path / "data").info["counts"] == {
        "train": {"a": 240, "b": 60},
        "val": {"a": 80, "b": 20},
        "test": {"a": 80, "b": 20},
    }


def test_split_fractions_can_be_chosen(tmp_path):
    dataset = prepare(two_files(tmp_path / "in"), tmp_path / "data", split="0.7,0.2,0.1")
    assert dataset.info["counts"] == {s: {"a": n, "b": n} for s, n in (("train", 14), ("val", 4), ("test", 2))}


def no_pair_is_parted(dataset, related):
    split = split_of(dataset)
    names = list(split)
    seen = 0
    for i, first in enumerate(names):
        for second in names[:i]:
            if related(first, second):
                seen += 1
                assert split[first] == split[second], (first, second)
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_duplicates_and_reverse_complements_stay_together(seed, tmp_path):
    rng = random.Random(seed)
    sequences = {f"r{i}": "".join(rng.choices("ACGT", k=rng.choice((5, 30)))) for i in range(120)}
    text = "".join(f">{name} label={rng.choice('ab')}\n{sequence}\n" for name, sequence in sequences.items())
    (tmp_path / "x.fa").write_text(text)
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data", seed=seed)
    assert len(dataset) == 120
    seen = no_pair_is_parted(dataset, lambda a, b: sequences[a] in (sequences[b], reverse_complement(sequences[b])))
    twins = {
        a for a in sequences for b in sequences if a != b and sequences[a] in (sequences[b], reverse_complement(sequences[b]))
    }
    assert seen
    assert dataset.info["duplicates"]["records"] == len(twins)
    assert set(dataset.split.tolist()) == {0, 1, 2}


def test_duplicates_are_compared_by_bases_not_letters(tmp_path):
    forms = ("ACGTTGCAAC", "acgttgcaac", "ACGUUGCAAC", "ACG TTG\nCAAC", reverse_complement("ACGTTGCAAC"))
    for seed in range(5):
        text = "".join(f">same{i}\n{form}\n" for i, form in enumerate(forms))
        text += "".join(f">other{i}\n{dna(30, i)}\n" for i in range(20))
        (tmp_path / "x.fa").write_text(text)
        dataset = prepare(tmp_path / "x.fa", tmp_path / f"data{seed}", seed=seed)
        assert len({s for name, s in split_of(dataset).items() if name.startswith("same")}) == 1
        assert dataset.info["duplicates"]["records"] == 5
        assert dataset.info["duplicates"]["distinct"] == 1


def test_reverse_complements_truncated_at_different_ends_stay_together(tmp_path):
    sequences = [dna(40, i) for i in range(12)]
    both = [(f"f{i}", s) for i, s in enumerate(sequences)] + [(f"r{i}", reverse_complement(s)) for i, s in enumerate(sequences)]
    (tmp_path / "x.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in both))
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data", max_length=30)
    assert no_pair_is_parted(dataset, lambda a, b: a[1:] == b[1:]) == 12


def test_sequences_equal_after_truncation_stay_together(tmp_path):
    text = "".join(f">{c}{i}\n{dna(20, i)}{dna(10, f'{c}{i}')}\n" for i in range(12) for c in "ab")
    (tmp_path / "x.fa").write_text(text)
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data", max_length=20)
    assert no_pair_is_parted(dataset, lambda a, b: a[1:] == b[1:]) == 12


def test_equal_documents_and_proteins_stay_together(tmp_path):
    for name, words in (("x.csv", "the cat sat on a mat"), ("y.fa", "MKVLAWFQEDC")):
        rng = random.Random(0)
        texts = {f"r{i}": "".join(rng.choices(words.upper().replace(" ", ""), k=2)) for i in range(60)}
        if name == "x.csv":
            (tmp_path / name).write_text("id,text\n" + "".join(f"{k},{v.lower()}!\n" for k, v in texts.items()))
        else:
            (tmp_path / name).write_text("".join(f">{k}\n{v}\n" for k, v in texts.items()))
        dataset = prepare(tmp_path / name, tmp_path / f"{name}.data")
        assert no_pair_is_parted(dataset, lambda a, b, texts=texts: texts[a] == texts[b])


def test_equal_sequences_of_two_classes_are_reported(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    path.write_text(path.read_text() + f">again label=b\n{dna(30, 'a0')}\n")
    dataset = prepare(path, tmp_path / "data")
    assert dataset.info["duplicates"] == {"records": 2, "distinct": 1, "with_different_labels": 1}
    assert any("more than one label" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("source", ["header:gene", r"header-regex:gene:(\S+)", "table", "column:gene"])
def test_groups_stay_in_one_split(source, tmp_path):
    rng = random.Random(0)
    genes = {f"r{i}": f"g{rng.randrange(30)}" for i in range(100)}
    path, table = tmp_path / "x.fa", tmp_path / "genes.tsv"
    path.write_text("".join(f">{name} gene:{gene}\n{dna(30, name)}\n" for name, gene in genes.items()))
    table.write_text("id\tgroup\n" + "".join(f"{name}\t{gene}\n" for name, gene in genes.items()))
    if source == "table":
        source = f"table:{table}"
    if source == "column:gene":
        path = tmp_path / "x.csv"
        path.write_text("id,text,gene\n" + "".join(f"{name},{dna(30, name)},{gene}\n" for name, gene in genes.items()))
    dataset = prepare(path, tmp_path / "data", group_from=source)
    assert no_pair_is_parted(dataset, lambda a, b: genes[a] == genes[b]) > 50
    assert set(dataset.split.tolist()) == {0, 1, 2}


def test_groups_linked_by_duplicates_stay_together(tmp_path):
    # r(2i) and r(2i+1) are one gene; r(2i+1) and r(2i+2) have equal sequences: the whole chain belongs together.
    text = ""
    for chain in range(8):
        for i in range(6):
            text += f">c{chain}_{i} gene:{chain}_{i // 2}\n{dna(30, f'{chain}_{(i + 1) // 2}')}\n"
    (tmp_path / "x.fa").write_text(text)
    dataset = prepare(tmp_path / "x.fa", tmp_path / "data", group_from="header:gene")
    assert no_pair_is_parted(dataset, lambda a, b: a.split("_")[0] == b.split("_")[0]) == 8 * 15
    assert set(dataset.split.tolist()) == {0, 1, 2}


def test_records_without_group_are_separate_and_reported(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    path.write_text(path.read_text().replace(">a0 ", ">a0 gene:g ").replace(">a1 ", ">a1 gene:g "))
    dataset = prepare(path, tmp_path / "data", group_from="header:gene")
    assert any("18" in note and "header:gene" in note for note in dataset.info["notes"])


def test_group_key_found_in_no_record_is_an_error(tmp_path):
    message = message_of(prepare, labelled_fasta(tmp_path / "x.fa"), tmp_path / "data", group_from="header:gen")
    assert "correct group_from" in message
    assert "header:gen" in message


def test_given_splits_are_kept(tmp_path):
    names = {"a0": "train", "b0": "train", "a1": "val", "b1": "validation", "a2": "test", "b2": "Test"}
    (tmp_path / "splits.tsv").write_text("id\tsplit\n" + "".join(f"{k}\t{v}\n" for k, v in names.items()))
    fasta = labelled_fasta(tmp_path / "x.fa", per_class=3)
    (tmp_path / "x.csv").write_text(
        "id,text,label,part\n" + "".join(f"{k},{dna(30, k)},{k[0]},{v}\n" for k, v in names.items())
    )
    expected = {name: int(name[1]) for name in names}
    assert split_of(prepare(fasta, tmp_path / "1", split_from=f"table:{tmp_path / 'splits.tsv'}")) == expected
    assert split_of(prepare(tmp_path / "x.csv", tmp_path / "2", split_from="column:part")) == expected


@pytest.mark.parametrize("missing", [["b2"], ["a0", "a1", "a2", "b0", "b1", "b2"]])
def test_record_without_given_split_is_an_error(missing, tmp_path):
    names = {f"{c}{i}": "train" for c in "ab" for i in range(3)}
    rows = "".join(f"{k}\t{v}\n" for k, v in names.items() if k not in missing)
    (tmp_path / "splits.tsv").write_text("id\tsplit\nother\ttrain\n" + rows)
    table = f"table:{tmp_path / 'splits.tsv'}"
    message = message_of(prepare, labelled_fasta(tmp_path / "x.fa", 3), tmp_path / "data", split_from=table)
    for part in ("x.fa", f"'{missing[0]}'", "split", "splits.tsv"):
        assert part in message


def test_separate_inputs_become_splits(tmp_path):
    for name in ("train", "val", "test"):
        two_files(tmp_path / name, n=3)
        for c in "ab":
            path = tmp_path / name / f"{c}.fa"
            path.write_text("".join(f">{name}_{c}{i}\n{dna(30, f'{name}{c}{i}')}\n" for i in range(3)))
    dataset = prepare(tmp_path / "train", tmp_path / "data", val=[tmp_path / "val"], test=[tmp_path / "test"])
    parts = ("train", "val", "test")
    assert split_of(dataset) == {f"{part}_{c}{i}": n for n, part in enumerate(parts) for c in "ab" for i in range(3)}
    assert label_of(dataset) == {name: name.split("_")[1][0] for name in dataset.ids()}


def test_with_test_input_the_rest_is_divided(tmp_path):
    train = labelled_fasta(tmp_path / "train.fa", per_class=40)
    (tmp_path / "test.fa").write_text("".join(f">t{c}{i} label={c}\n{dna(30, f't{c}{i}')}\n" for c in "ab" for i in range(5)))
    dataset = prepare(train, tmp_path / "data", test=[tmp_path / "test.fa"])
    assert dataset.info["counts"] == {s: {"a": n, "b": n} for s, n in (("train", 30), ("val", 10), ("test", 5))}
    assert {name for name, split in split_of(dataset).items() if split == 2} == {f"t{c}{i}" for c in "ab" for i in range(5)}


@pytest.mark.parametrize("with_val", [True, False])
def test_relatives_of_test_records_are_dropped_from_training_and_reported(with_val, tmp_path):
    train = labelled_fasta(tmp_path / "train.fa", per_class=20)
    leaks = f">leak1 label=a\n{dna(30, 't0')}\n>leak2 label=b gene:g\n{dna(30, 'x')}\n"
    leaks += f">leak3 label=b\n{reverse_complement(dna(30, 't1'))}\n"
    train.write_text(train.read_text() + leaks)
    (tmp_path / "val.fa").write_text(f">v0 label=a\n{dna(30, 'v0')}\n>v1 label=b\n{dna(30, 't1')}\n")
    (tmp_path / "test.fa").write_text(f">t0 label=a gene:g\n{dna(30, 't0')}\n>t1 label=b\n{dna(30, 't1')}\n")
    val = [tmp_path / "val.fa"] if with_val else []
    dataset = prepare(train, tmp_path / "data", val=val, test=[tmp_path / "test.fa"], group_from="header:gene")
    gone = {"leak1", "leak2", "leak3", *(["v1"] if with_val else [])}
    assert set(dataset.ids()).isdisjoint(gone)
    assert len(dataset) == 42 + with_val
    assert dataset.info["dropped"]["related to a later split"] == len(gone)
    assert any(f"{len(gone)} " in note and "left out" in note for note in dataset.info["notes"])
    sequences = {f"{c}{i}": dna(30, f"{c}{i}") for c in "ab" for i in range(20)}
    assert decoded(dataset) | sequences == decoded(dataset)  # the rest is in its place


def test_only_requested_classes_are_kept(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa", classes=("a", "b", "c"))
    dataset = prepare(path, tmp_path / "data", classes=("a", "c"))
    assert dataset.classes == ["a", "c"]
    assert len(dataset) == 20
    assert dataset.info["dropped"]["of other classes"] == 10


def test_requesting_missing_class_is_an_error(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa", classes=("a", "b", "c"))
    message = message_of(prepare, path, tmp_path / "data", classes=("a", "b", "d"))
    assert "'d'" in message
    assert "classes: there are no records" in message


def test_unlabelled_records_are_dropped_if_asked(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    path.write_text(path.read_text() + ">none\nACGT\n")
    dataset = prepare(path, tmp_path / "data", skip_unlabelled=True)
    assert len(dataset) == 20
    assert dataset.info["dropped"]["without label"] == 1


def test_any_id_round_trips(tmp_path):
    ids = ["é ü", "a,b", "tab\there", "x\ry", "\u2028", "two\nlines", "plain"]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps({"id": i, "text": dna(9, i)}) + "\n" for i in ids))
    assert prepare(tmp_path / "x.jsonl", tmp_path / "data").ids() == [i.replace("\n", " ") for i in ids]


def test_other_folders_and_newer_versions_are_refused(tmp_path):
    assert "seqmix.prepare" in message_of(Dataset.open, tmp_path / "nowhere")
    for content in ("{}", "[1]", "nonsense", "", '{"format_version": "x"}', '{"format_version": 1}'):
        (tmp_path / "dataset.json").write_text(content)
        assert "dataset.json" in message_of(Dataset.open, tmp_path)
    (tmp_path / "dataset.json").write_text('{"format_version": 99, "seqmix": "9.9"}')
    assert "9.9" in message_of(Dataset.open, tmp_path)


def test_overwrite_replaces_existing_data_set(tmp_path):
    inputs = two_files(tmp_path / "in")
    prepare(inputs, tmp_path / "data", seed=1)
    second = prepare(inputs, tmp_path / "data", seed=2, overwrite=True)
    assert second.info["options"]["seed"] == 2
    assert Dataset.open(tmp_path / "data").fingerprint == second.fingerprint
    assert {path.name for path in tmp_path.iterdir()} == {"in", "data"}


def test_parent_folders_of_output_are_created(tmp_path):
    prepare(two_files(tmp_path / "in"), tmp_path / "x" / "y" / "data")
    assert len(Dataset.open(tmp_path / "x" / "y" / "data")) == 40


def test_progress_is_reported(tmp_path):
    seen = []
    (tmp_path / "x.fa").write_text("".join(f">r{i}\nACGTA\n" for i in range(3000)))
    seqmix.prepare(tmp_path / "x.fa", tmp_path / "data", progress=lambda *now: seen.append(now))
    assert seen == sorted(seen)
    assert seen[-1] == (3000, 15000)
    assert len(seen) > 2


@pytest.mark.parametrize(
    "options",
    [
        {"truncate": "left"},
        {"min_length": -1},
        {"max_length": 0},
        {"min_length": 10, "max_length": 5},
        {"split": "0.5,0.5"},
        {"alphabet": "rna"},
        {"unknown": "ignore"},
    ],
)
def test_error_names_bad_option(options, tmp_path):
    (tmp_path / "x.fa").write_text(">a\nACGT\n")
    message = message_of(lambda: prepare(tmp_path / "x.fa", tmp_path / "data", **options))
    assert list(options)[-1] in message
    assert not (tmp_path / "data").exists()


def test_contradictory_or_missing_inputs_are_errors(tmp_path):
    path = labelled_fasta(tmp_path / "x.fa")
    assert "split_from and" in message_of(prepare, path, tmp_path / "data", val=[path], split_from="header:split")
    assert "nothing to prepare" in message_of(prepare, [], tmp_path / "data")


def test_memory_does_not_grow_with_input(tmp_path):
    code = (
        "import resource, sys\n"
        "from seqmix.data.prepare import prepare\n"
        "prepare(sys.argv[1], sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for name, copies in (("small", 100), ("large", 3000)):
        line = dna(80, 0)
        with (tmp_path / name).open("w") as out:
            for i in range(copies):
                out.write(f">r{i}\n" + f"{line}\n" * 125)
        run = subprocess.run(
            [sys.executable, "-c", code, tmp_path / name, tmp_path / f"{name}.data"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        peaks.append(int(run.stdout) / 1024)
    assert peaks[1] - peaks[0] < 15  # MB, of 29 MB more input


def test_data_set_can_be_opened_without_verification(tmp_path):
    prepare(two_files(tmp_path / "in"), tmp_path / "data")
    labels = tmp_path / "data" / "labels.npy"
    numbers = np.load(labels)
    np.save(labels, 1 - numbers)  # which could be true
    with pytest.raises(SeqmixError, match=r"labels\.npy"):
        Dataset.open(tmp_path / "data")
    assert len(Dataset.open(tmp_path / "data", verify=False)) == 40


def test_splits_are_selected_by_name(tmp_path):
    dataset = prepare(two_files(tmp_path / "in"), tmp_path / "data")
    parts = [dataset.indices(name).tolist() for name in ("train", "val", "test")]
    assert sorted(parts[0] + parts[1] + parts[2]) == list(range(40))
    assert "train, val, test" in message_of(dataset.indices, "holdout")


@pytest.mark.parametrize(
    ("labels", "advice"),
    [(["1.5", "2.5", "3.5"], "task='regression'"), (["a,b", "a", "b", "a,c"], "label_separator=','"), (["a", "b", "c"], None)],
)
def test_unlikely_classes_come_with_advice(labels, advice, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("text,label\n" + "".join(f'text{i},"{label}"\n' for i, label in enumerate(labels)))
    message = message_of(prepare, path, tmp_path / "data")
    assert "has 1 record; it needs 3" in message
    assert (advice in message) if advice else message.endswith("split_from)")


def test_classes_that_look_like_multilabel_are_noted(tmp_path):
    path = tmp_path / "x.csv"
    kinds = ["a", "b", "a,b", "c", "b,c"]
    path.write_text("text,label\n" + "".join(f'text{i},"{kinds[i % 5]}"\n' for i in range(30)))
    assert "--label-separator ," in prepare(path, tmp_path / "data").info["notes"][0]


@pytest.mark.parametrize("odd", ["X", "*", "7"])
@pytest.mark.parametrize("column", ["sequence", "text"])
@pytest.mark.parametrize("place", [0, 7, 119])
def test_an_odd_letter_in_a_column_of_dna_is_an_error_that_names_its_place(odd, column, place, tmp_path):
    rows = [f"{dna(60, number)},{'ab'[number % 2]}" for number in range(120)]
    rows[place] = rows[place][:30] + odd + rows[place][31:]
    (tmp_path / "x.csv").write_text(f"{column},label\n" + "\n".join(rows) + "\n")
    message = message_of(prepare, tmp_path / "x.csv", tmp_path / "out")
    assert f"line {place + 2}" in message and f"{odd!r} at position 31" in message


@pytest.mark.parametrize("name", ["silk.faa", "silk.FAA.gz", "silk.pep", "silk.aa"])
@pytest.mark.parametrize("unit", ["GAGAGS", "GGATGA", "AGTNGA"])
def test_the_ending_of_files_of_proteins_says_so(name, unit, tmp_path):
    records = "".join(f">s{n} label={'ab'[n % 2]}\n{unit * (10 + n)}\n" for n in range(20)).encode()
    (tmp_path / name).write_bytes(gzip.compress(records) if name.endswith("gz") else records)
    data = prepare(tmp_path / name, tmp_path / "out")
    assert data.info["vocabulary"]["alphabet"] == "protein" and not data.info["replaced"]
    assert any("--alphabet dna" in note for note in data.info["notes"])
    assert not any("--alphabet" in n for n in prepare(tmp_path / name, tmp_path / "asked", alphabet="dna-iupac").info["notes"])


def test_proteins_in_a_table_are_noted(tmp_path):
    proteins = ["".join(random.Random(n).choices("ACDEFGHIKLMNPQRSTVWY", k=60)) for n in range(24)]
    (tmp_path / "x.csv").write_text("sequence,label\n" + "".join(f"{p},{'ab'[n % 2]}\n" for n, p in enumerate(proteins)))
    info = prepare(tmp_path / "x.csv", tmp_path / "out").info
    assert info["vocabulary"]["alphabet"] == "chars" and any("--alphabet protein" in note for note in info["notes"])


@pytest.mark.parametrize("content", [">a label=x\n", ">a\n>b\n\n", "".join(f">{n} label=a\n\n" for n in range(20))])
def test_headers_without_any_sequence_are_explained(content, tmp_path):
    (tmp_path / "x.fa").write_text(content)
    for least in (0, 1):
        message = message_of(prepare, tmp_path / "x.fa", tmp_path / "out", min_length=least)
        assert "like all records" in message and "min_length" not in message
