"""`check` on data sets of every kind, and what it finds."""

import json
import random
import shlex
import tarfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data.checking.again import prepare_again
from tests.support import random_dna
from tests.support.kinds import COMBINATIONS, KINDS, Made
from tests.support.preparing import message_of, prepare

OLD = Path(__file__).parents[2] / "compatibility" / "made-by-0.1.0.tar.gz"


def found(check, *parts):
    """Return whether one of the findings has all of these parts."""
    return any(all(part in text for part in parts) for text in check.findings)


def state(folder):
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.iterdir()}


def near_copies(folder, copies=4, genes=60):
    """Write random letters with random labels, several near-copies of each gene; return the file."""
    generator = random.Random(1)
    path = folder / "noise.fa"
    with path.open("w") as out:
        for gene in range(genes):
            label, letters = generator.choice(("red", "blue")), random_dna(200, generator)
            for copy in range(copies):
                text = "".join(generator.choice("ACGT") if generator.random() < 0.01 else letter for letter in letters)
                out.write(f">g{gene}.{copy} label={label}\n{text}\n")
    return path


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.mark.parametrize("kind", KINDS | COMBINATIONS)
def test_every_kind_is_checked_and_left_as_it_is(kind, tmp_path):
    data = Made((KINDS | COMBINATIONS)[kind], tmp_path).data
    before = state(data.path)
    check = seqmix.check(data)
    assert check.findings
    assert json.loads(check.to_json())["records"] == check.records == len(data)
    assert "<pre" in check._repr_html_() and "<li>" in check._repr_html_()
    assert all(sum(row[split] for split in data.sizes) == row["records"] for row in check.classes)
    assert state(data.path) == before


@pytest.mark.parametrize("name", ["dna", "regression", "multilabel", "pairs"])
def test_data_sets_of_0_1_0_are_measured_without_being_changed(name, tmp_path):
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    before = state(tmp_path / name)
    check = seqmix.check(tmp_path / name)
    assert check.leaks is None or found(check, "does not store how near", "nothing was written")
    assert state(tmp_path / name) == before


def test_images_and_records_without_labels_are_checked(tmp_path):
    generator = np.random.default_rng(0)
    images = [(f"i{i}", generator.integers(0, 256, 64).astype(np.uint8), f"c{i % 2}") for i in range(40)]
    check = seqmix.check(prepare(records=[*images, ("twin", *images[0][1:])], output=tmp_path / "images"))
    assert check.leaks is None
    assert check.twins["records"] == 2
    assert check.parts == ["mean", "spread"]
    unlabelled = [(f"r{i}", random_dna(60, random.Random(i))) for i in range(20)]
    check = seqmix.check(prepare(records=unlabelled, output=tmp_path / "unlabelled", alphabet="dna"))
    assert [row["class"] for row in check.classes] == ["all"]
    assert check.giveaways == []


def test_near_copies_are_named_with_a_command_that_keeps_them_together(tmp_path):
    data = prepare(near_copies(tmp_path), tmp_path / "noise")
    check = seqmix.check(data)
    test = check.leaks["splits"]["test"]
    assert test["share"] > 0.6
    assert test["same label"] == 1.0
    assert sum(test["histogram"]) == test["records"] == check.sizes["test"]
    assert found(check, "of the test records", "have a near relative in training", "the same label for 100 %")
    pair = check.leaks["pairs"][0]
    assert pair["id"].split(".")[0] == pair["nearest"].split(".")[0]
    assert pair["containment"] >= 0.5
    words = shlex.split(check.suggestions[0]["command"])
    assert words[:3] == ["seqmix", "prepare", str(tmp_path / "noise.fa")]
    assert words[3:5] == ["--split-by", "similarity"]


def test_commands_repeat_inputs_and_options(tmp_path):
    (tmp_path / "b c.fa").write_text(near_copies(tmp_path).read_text().replace(">g", ">h").replace("AC", "AG"))
    options = {"label_from": "header:label", "min_length": 10, "max_length": 190, "seed": 3}
    data = prepare(tmp_path / "noise.fa", tmp_path / "data", test=tmp_path / "b c.fa", **options)
    suggested = next(one for one in seqmix.check(data).suggestions if "similarity" in one["why"])
    assert "leave out training records" in suggested["why"]
    words = shlex.split(suggested["command"])
    assert words[:5] == ["seqmix", "prepare", str(tmp_path / "noise.fa"), "--test", str(tmp_path / "b c.fa")]
    for flag, value in (("--label-from", "header:label"), ("--min-length", "10"), ("--max-length", "190"), ("--seed", "3")):
        assert words[words.index(flag) + 1] == value
    assert words[-1] == f"{tmp_path / 'data'}-by-similarity"


def test_files_of_an_earlier_version_are_named_where_they_say_the_classes():
    info = {"options": {"seed": 3}, "read": {}, "classes": ["cat", "dog"], "label_from": "file"}
    info["inputs"] = [{"file": "in/cat.fa.gz", "format": "fasta"}, {"file": "in/dog.fa", "format": "fasta"}]
    wanted = "seqmix prepare in/cat.fa.gz in/dog.fa --seed 3 --max-length 9 --output data-short"
    assert prepare_again(Path("data"), info, "short", max_length=9) == wanted
    assert prepare_again(Path("data"), info | {"classes": ["cat", "wolf"]}, "short") == ""
    assert prepare_again(Path("data"), info | {"label_from": "folder"}, "short") == ""
    assert prepare_again(Path("data"), info | {"given": {"inputs": ["-"]}}, "short") == ""


def labelled_by(tmp_path, make, n=200):
    generator = random.Random(2)
    records = [(f"r{i}", make(generator, i % 2), ("a", "b")[i % 2]) for i in range(n)]
    return seqmix.check(prepare(records=records, output=tmp_path / "data", alphabet="dna"))


def test_a_class_that_length_tells_is_named(tmp_path):
    check = labelled_by(tmp_path, lambda g, label: random_dna(g.randint(50, 150) + 60 * label, g))
    assert found(check, "length alone predicts the class", "ROC AUC", "accuracy", "of the largest class")
    assert not found(check, "composition alone")


def test_a_class_that_composition_tells_is_named(tmp_path):
    check = labelled_by(tmp_path, lambda g, label: random_dna(100, g, (1, 1 + label, 1 + label, 1)))
    assert found(check, "composition alone predicts the class")
    assert found(check, "GC content alone predicts the class")
    assert [one["trait"] for one in check.giveaways] == ["length", "GC content", "composition"][-len(check.giveaways) :]
    assert check.classes[0]["gc"] == pytest.approx(0.5, abs=0.03)
    assert check.classes[1]["gc"] == pytest.approx(0.67, abs=0.03)


def test_nothing_is_named_where_nothing_tells(tmp_path):
    check = labelled_by(tmp_path, lambda g, label: random_dna(g.randint(50, 150), g), n=1000)
    assert check.findings == ["nothing stands out"]
    assert check.suggestions == []


def test_twins_and_contradictions_are_named(tmp_path):
    generator = random.Random(3)
    records = [(f"r{i}", random_dna(50, generator), "ab"[i % 2]) for i in range(60)]
    records += [("again", records[0][1], "a"), ("other", records[1][1], "a")]
    check = seqmix.check(prepare(records=records, output=tmp_path / "data", alphabet="dna"))
    assert check.twins["records"] == 4
    assert check.twins["with different labels"] == 1
    assert check.twins["in several splits"] == 0
    assert [one["id"] for one in check.twins["examples"][0]] == ["r1", "other"]
    assert found(check, "1 sequence with different labels")


def test_uneven_classes_are_named(tmp_path):
    generator = random.Random(4)
    records = [(f"r{i}", random_dna(50, generator), "rare" if i % 20 == 0 else "common") for i in range(400)]
    check = seqmix.check(prepare(records=records, output=tmp_path / "my data", alphabet="dna"))
    assert found(check, "'common', has 380 records", "'rare', 20")
    command = next(one["command"] for one in check.suggestions if "--class-weights" in one["command"])
    assert shlex.split(command) == ["seqmix", "train", str(tmp_path / "my data"), "--class-weights", "balanced"]


def test_command_prints_to_standard_output(tmp_path):
    data = prepare(near_copies(tmp_path), tmp_path / "data")
    shown = run("check", data.path, "--pairs", 2)
    assert shown.exit_code == 0
    assert "near: 0.5 or more" in shown.stdout
    assert "--split-by similarity" in shown.stdout
    assert shown.stderr == ""
    content = json.loads(run("check", data.path, "--json", "--pairs", 1).stdout)
    assert content["leaks"]["compared"] == "21-mers"
    assert len(content["leaks"]["pairs"]) == 1


def test_a_folder_without_a_data_set_is_a_short_error(tmp_path):
    assert "no data set here" in message_of(seqmix.check, tmp_path / "nowhere")
    failed = run("check", tmp_path)
    assert failed.exit_code == 1
