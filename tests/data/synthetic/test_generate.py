"""`seqmix generate`: synthetic tasks as data sets, generated on demand, reproducible, and usable for training."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data.synthetic.generate import first_samples, generate, generated_records
from seqmix.data.synthetic.tasks import TASKS, find_task
from tests.support import strict_json, train_tiny, values
from tests.support.preparing import message_of, write_jsonl

SMALL = {
    "adding": {"length": 20},
    "temporal-order": {"length": 20},
    "listops": {"length": 30, "min_length": 5, "max_depth": 3, "max_args": 4},
    "pathfinder": {"difficulty": "easy"},
    "motifs": {"variant": "order", "length": 200, "distance": 60, "spread": 9},
}
COUNTS = {"train": 60, "val": 15, "test": 15}
every_task = pytest.mark.parametrize("task", SMALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small data set of each task."""
    folder = tmp_path_factory.mktemp("generated")
    return {task: generate(task, folder / task, **COUNTS, **options) for task, options in SMALL.items()}


def test_every_task_is_tested():
    assert SMALL.keys() == TASKS.keys()


@every_task
def test_every_sample_becomes_a_record_of_its_split(task, made):
    data = made[task]
    ids = data.ids()
    assert len(set(ids)) == len(data) == 90 - data.info["dropped"]["related to a later split"]
    for split in COUNTS:
        assert {ids[i].split("-")[0] for i in data.indices(split)} == {split}
    samples = first_samples(task, 20, **SMALL[task])
    place = {name: i for i, name in enumerate(ids)}
    for number, sample in enumerate(samples, 1):
        i = place.get(f"train-{number}")
        if i is None:
            continue
        if find_task(task).kind == "regression":
            assert data.labels[i] == float(sample.label)
        else:
            assert data.classes[data.labels[i]] == sample.label
        tokens = data.tokens(i)
        if isinstance(sample.text, bytes):
            np.testing.assert_array_equal(tokens - 2, np.frombuffer(sample.text, np.uint8))
        elif isinstance(sample.text, str):
            assert data.vocabulary.decode(tokens) == sample.text
        else:
            np.testing.assert_array_equal(tokens, sample.text)


@every_task
def test_equal_seeds_and_options_generate_equal_data(task, made, tmp_path):
    again = generate(task, tmp_path / "again", **COUNTS, **SMALL[task])
    assert again.fingerprint == made[task].fingerprint
    assert (again.path / "dataset.json").read_bytes() == (made[task].path / "dataset.json").read_bytes()
    assert generate(task, tmp_path / "other", seed=1, **COUNTS, **SMALL[task]).fingerprint != again.fingerprint


def by_id(data):
    return {name: (data.tokens(i).tobytes(), data.labels[i]) for i, name in enumerate(data.ids())}


def test_split_does_not_depend_on_size_of_others(made, tmp_path):
    more = by_id(generate("adding", tmp_path / "more", train=90, val=3, test=40, length=20))
    before = by_id(made["adding"])
    shared = more.keys() & before.keys()
    assert len(shared) == 60 + 3 + 15
    assert all(more[name] == before[name] for name in shared)


@pytest.mark.parametrize("counts", [(40, 0, 5), (40, 5, 0), (40, 0, 0)], ids=str)
def test_split_with_zero_samples_is_empty(counts, tmp_path):
    asked = dict(zip(("train", "val", "test"), counts, strict=True))
    assert generate("adding", tmp_path / "data", length=20, **asked).sizes == asked


def test_samples_are_generated_on_demand():
    task = find_task("adding")
    records = generated_records(task, task.options({"length": 5}), {"train": 10**15, "val": 0, "test": 0}, 0)
    first = [next(records) for _ in range(3)]
    assert [record.id for record in first] == ["train-1", "train-2", "train-3"]
    assert [record.split for record in first] == ["train"] * 3


def test_description_records_task_options_and_seed(made):
    assert made["listops"].info["generated"] == {"task": "listops", **SMALL["listops"], **COUNTS, "seed": 0}
    info = made["adding"].info
    assert (info["task"], info["target"]["tolerance"], info["vocabulary"]["alphabet"]) == ("regression", 0.04, "real")
    assert info["inputs"] == [] and info["notes"] == []


def test_training_records_found_in_later_splits_are_dropped_and_reported(tmp_path):
    data = generate("temporal-order", tmp_path / "data", train=400, val=20, test=20, length=3)
    left = data.info["dropped"]["related to a later split"]
    assert left > 100 and any(f"{left:,} training or validation records were left out" in note for note in data.info["notes"])
    texts = [{data.tokens(i).tobytes() for i in data.indices(split)} for split in COUNTS]
    assert not texts[0] & (texts[1] | texts[2]) and not texts[1] & texts[2]


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        ("sorting", {}, "no task 'sorting'; available: adding"),
        ("adding", {"difficulty": "easy"}, "no option difficulty"),
        ("adding", {"length": 1}, "from 2 to 134,217,728"),
        ("adding", {"length": 2.5}, "a whole number"),
        ("adding", {"train": 0}, "train must be from 1 to 1,000,000,000: got 0"),
        ("adding", {"val": -1}, "val must be from 0 to 1,000,000,000: got -1"),
        ("adding", {"seed": -1}, "seed must be from 0 to"),
        ("listops", {"length": 10, "min_length": 10}, "min_length"),
        ("pathfinder", {"length": 1000}, "length"),
        ("pathfinder", {"difficulty": "harder"}, "difficulty"),
    ],
)
def test_invalid_requests_are_explained(task, options, words, tmp_path):
    assert words in message_of(generate, task, tmp_path / "data", **{"train": 5, "val": 1, "test": 1} | options)
    assert list(tmp_path.iterdir()) == []


def test_overwrite_replaces_only_data_sets(tmp_path):
    small = {"train": 10, "val": 2, "test": 2, "length": 10}
    first = generate("adding", tmp_path / "data", **small)
    assert "overwrite=True" in message_of(generate, "adding", tmp_path / "data", **small)
    second = generate("adding", tmp_path / "data", overwrite=True, seed=1, **small)
    assert second.fingerprint != first.fingerprint
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert "is not a data set" in message_of(generate, "adding", tmp_path / "mine", overwrite=True, **small)
    assert (tmp_path / "mine" / "thesis.txt").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"data", "mine"}


# The command.


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["generate", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return " ".join(result.stderr.split())


@every_task
def test_command_shows_samples_and_counts(task, made, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    options = [word for name, value in SMALL[task].items() for word in (f"--{name.replace('_', '-')}", value)]
    sizes = [word for name, count in COUNTS.items() for word in (f"--{name}", count)]
    shown = run(task, *sizes, *options, "-o", tmp_path / "data")
    assert seqmix.Dataset.open(tmp_path / "data").fingerprint == made[task].fingerprint
    assert f"{len(made[task])} records" in shown and "next: seqmix train" in shown
    sample = first_samples(task, 1, **SMALL[task])[0]
    assert " ".join(find_task(task).show(sample).split()) in shown
    assert run(task, *sizes, *options, "-o", tmp_path / "data", "--overwrite", "--quiet") == ""


def test_command_reports_errors(tmp_path):
    assert "no task 'sorting'" in run("sorting", "-o", tmp_path / "data", code=1)
    assert "no option --max-depth" in run("adding", "--max-depth", 3, "-o", tmp_path / "data", code=1)
    assert not (tmp_path / "data").exists()


# Learning.


@every_task
def test_every_task_can_be_trained_on_and_evaluated(task, made, tmp_path):
    steps = {"epochs": None, "max_steps": 2, "tokens_per_batch": 2048}
    trained = train_tiny(made[task], tmp_path / "run", **steps)
    result = seqmix.evaluate(trained, resamples=5)
    assert result.records == 15 and len(result.baselines) >= 3
    content = strict_json(trained.path / "evaluation.json")
    assert ("within tolerance" in content["scores"]) == (task == "adding")
    assert (trained.path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("task", ["adding", "temporal-order", "listops"])
def test_scores_of_file_equal_scores_of_split(task, made, tmp_path):
    trained = train_tiny(made[task], tmp_path / "run", epochs=1)
    data = made[task]
    rows = []
    for i in data.indices("test"):
        tokens, label = data.tokens(i), data.labels[i]
        given = {"values": tokens.tolist()} if task == "adding" else {"text": data.vocabulary.decode(tokens)}
        rows.append({"id": data.ids()[i], **given, "label": float(label) if task == "adding" else data.classes[label]})
    file = write_jsonl(tmp_path / "test.jsonl", rows)
    on_split = seqmix.evaluate(trained, output=tmp_path / "split", resamples=2, baselines=False)
    on_file = seqmix.evaluate(trained, data=[file], output=tmp_path / "file", resamples=2, baselines=False)
    assert values(on_file) == pytest.approx(values(on_split), abs=1e-5, nan_ok=True)
    found = list(seqmix.predict(file, trained))
    assert [p.id for p in found] == [row["id"] for row in rows]
    assert all((p.value is not None) == (task == "adding") for p in found)
    result = CliRunner().invoke(app, ["predict", str(file), "--run", str(trained.path), "--format", "jsonl"])
    assert ("value" in json.loads(result.stdout.splitlines()[0])) == (task == "adding")
