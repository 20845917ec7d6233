"""A text has one answer: whether it was prepared with the others and evaluated, or is predicted from a file of its own."""

import csv
import random

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.evaluation import evaluate as evaluation
from seqmix.models.prediction import Tally
from tests.support import write_fasta

WORDS = {"x": ["good", "fine", "great", "nice"], "y": ["bad", "poor", "sad", "grim"]}
SMALL = {"epochs": 1, "settings": ["model.d_model=8", "training.tokens_per_batch=4096"]}
BREAKS = {
    "line-breaks": "\n",
    "crlf": "\r\n",
    "tabs": "\t",
    "blank-lines": "\n\n",
    "odd-spaces": "\u00a0",
}


def text_of(rng, label, between=" "):
    return "".join(word + rng.choice([" ", between]) for word in rng.choices([*WORDS[label], "the", "a"], k=14)).strip()


def documents(folder, between):
    """Write texts in files of class folders; those of the test split alone have these breaks."""
    rng = random.Random(1)
    for split, count in (("train", 12), ("val", 4), ("test", 6)):
        for label in WORDS:
            (folder / split / label).mkdir(parents=True)
            for i in range(count):
                text = text_of(rng, label, between if split == "test" else " ")
                (folder / split / label / f"{i}.txt").write_text(text, encoding="utf-8", newline="")
    return folder, folder / "test"


def table(folder, between):
    rng = random.Random(2)
    for split, count in (("train", 24), ("val", 8), ("test", 12)):
        with (folder / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "text", "label"])
            for i in range(count):
                label = "xy"[i % 2]
                rows.writerow([f"{split}{i}", text_of(rng, label, between if split == "test" else " "), label])
    return folder, folder / "test.csv"


def sequences(folder, letters, odd):
    rng = random.Random(3)
    for split, count in (("train", 24), ("val", 8), ("test", 12)):
        records = []
        for i in range(count):
            label = "xy"[i % 2]
            text = "".join(rng.choices(letters, [3, *[1] * (len(letters) - 2), 3][:: 1 if label == "x" else -1], k=60))
            if split == "test":
                text = text[:20] + rng.choice(odd) + text[20:].lower()
            records.append((f"{split}{i} label={label}", text))
        write_fasta(folder / f"{split}.fa", records)
    return folder, folder / "test.fa"


CASES = {
    **{f"documents-{name}": (documents, (between,), {}) for name, between in BREAKS.items()},
    **{f"table-{name}": (table, (between,), {}) for name, between in list(BREAKS.items())[:3]},
    "table-words": (table, ("\n",), {"alphabet": "words"}),
    "table-bytes": (table, ("\r\n",), {"alphabet": "bytes"}),
    "dna": (sequences, ("ACGT", ["NNN", "n", "RY", "U"]), {}),
    "protein": (sequences, ("ACDEFGHIKLMNPQRSTVWY", ["X", "BZ", "J", "UO", "*", "x"]), {}),
}


@pytest.fixture(scope="module")
def predicted(tmp_path_factory):
    """Return for a case the run, its raw test files, the predictions for them, the tally, and those of the test split."""
    found = {}

    def predict(name):
        if name not in found:
            write, given, options = CASES[name]
            folder = tmp_path_factory.mktemp("case")
            raw, test = write(folder, *given)
            data = seqmix.prepare(raw, folder / "data", **options)
            run = seqmix.train(data, folder / "run", mixer="none", lexical="auto")
            tally = Tally()
            answers = list(seqmix.predict(test, run, tally=tally))
            sample = evaluation.own_split(run, "test", None)
            scored, _, _ = evaluation._predict(run, sample, "cpu", "fp32", None)
            ids = [data.ids()[i] for i in sample.indices]
            found[name] = run, test, answers, tally, dict(zip(ids, scored, strict=True))
        return found[name]

    return predict


@pytest.mark.parametrize("name", CASES)
def test_raw_test_files_have_the_predictions_of_the_test_split(name, predicted):
    _, _, answers, _, scored = predicted(name)
    assert len(answers) == len(scored) == 12
    by_id = {key.split("/")[-2] + "/" + key.split("/")[-1] if "/" in key else key: row for key, row in scored.items()}
    for answer in answers:
        np.testing.assert_allclose(list(answer.probabilities.values()), by_id[answer.id], atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("documents", "table"))])
def test_white_space_that_training_did_not_have_is_not_reported_as_lost(name, predicted):
    run, _, _, tally, _ = predicted(name)
    assert not tally.replaced
    assert [line for line in tally.lines(run.config.data) if "more unusual" not in line] == []  # as such texts may be


@pytest.mark.parametrize("between", ["\n", "\t", "\u00a0", "\u2028"])
def test_a_break_divides_words_as_a_space_does(between, predicted):
    run, *_ = predicted("table-tabs")
    spaced, broken = run.predict(["a good fine day", between.join(["a", "good", "fine", "day"])])
    assert spaced.probabilities == broken.probabilities


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("table-tabs", "2 characters are not in the model's alphabet: '€' 2"),
        ("table-words", "1 word is not in the model's alphabet: 'quark' 1"),
        ("dna", "1 character is not in the model's alphabet: 'R' 1"),
    ],
)
def test_what_is_lost_is_told_by_predict_and_eval(name, note, predicted, tmp_path):
    run, *_ = predicted(name)
    if name == "dna":
        file = write_fasta(tmp_path / "new.fa", [("a label=x", "ACGTRACGT"), ("b label=y", "CCGTACGT")])
    else:
        odd = "good €€" if name == "table-tabs" else "good quark"
        file = tmp_path / "new.csv"
        file.write_text(f"id,text,label\na,{odd},x\nb,bad,y\n", encoding="utf-8")
    for arguments in (["predict", file, "--run", run.path], ["eval", run.path, "--data", file, "-o", tmp_path / "out"]):
        result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "300"})
        assert result.exit_code == 0 and f"note: {note}" in result.stderr
