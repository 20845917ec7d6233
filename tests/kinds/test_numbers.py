"""Sequences of real numbers, from `prepare` to `predict`: numbers go through as they are, whatever stands beside them."""

import random

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.bench.approximation import bench_approximation
from seqmix.cli import app
from seqmix.data.vocabulary import vocabulary_of
from seqmix.evaluation.baselines import baseline_scores
from tests.support import random_dna, train_tiny, values
from tests.support.kinds import number_rows as rows
from tests.support.preparing import message_of, prepare, write_jsonl, write_table

KIND = "numbers"


def stored(data):
    return {name: data.tokens(i) for i, name in enumerate(data.ids())}


# Preparing.


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_numbers_round_trip(channels, tmp_path):
    made = rows(20, channels=channels)
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data")
    assert data.info["vocabulary"]["alphabet"] == "real" and data.vocabulary.channels == channels
    assert vocabulary_of(data.info["vocabulary"]).channels == channels
    found = stored(data)
    for row in made:
        expected = np.array(row["values"], np.float32).reshape(-1, channels)
        assert found[row["id"]].dtype == np.float32
        np.testing.assert_array_equal(found[row["id"]], expected)
    assert data.info["characters"] == sum(len(row["values"]) for row in made) == data.offsets[-1]
    seqmix.Dataset.open(data.path)  # checksums and all


def test_whole_numbers_and_other_columns_are_read(tmp_path):
    made = [{"signal": [i, 2, -3], "label": "ab"[i % 2]} for i in range(20)]
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data", text_column="signal")
    assert stored(data)["row-8"].tolist() == [[7], [2], [-3]]


@pytest.mark.parametrize(("truncate", "kept"), [("start", slice(None, 10)), ("end", slice(-10, None))])
def test_numbers_are_truncated_and_short_records_dropped(truncate, kept, file, tmp_path):
    data = prepare(file, tmp_path / "data", max_length=10, min_length=10, truncate=truncate)
    made = {row["id"]: row for row in rows(60) if len(row["values"]) >= 10}
    found = stored(data)
    assert found.keys() == made.keys() and len(made) < 60
    for name, row in made.items():
        np.testing.assert_array_equal(found[name], np.array(row["values"][kept], np.float32))


def test_empty_records_are_errors_or_dropped(tmp_path):
    made = rows(20)
    for place in (0, 10):
        at = tmp_path / str(place)
        at.mkdir()
        path = write_jsonl(at / "x.jsonl", [*made[:place], {"id": "none", "values": [], "label": "up"}, *made[place:]])
        assert "'none' (line" in (told := message_of(prepare, path, at / "data")) and "it has no numbers" in told
        assert len(prepare(path, at / "data", min_length=1)) == 20


def test_equal_records_stay_together_and_leaks_are_dropped(tmp_path):
    made = rows(40)
    again = [row | {"id": f"again-{row['id']}"} for row in made]
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made + again), tmp_path / "data")
    split = dict(zip(data.ids(), data.split.tolist(), strict=True))
    assert all(split[row["id"]] == split[f"again-{row['id']}"] for row in made)
    parted = [row | {"part": "train"} for row in made[:30]] + [row | {"part": "test"} for row in made[20:]]
    kept = prepare(write_jsonl(tmp_path / "y.jsonl", parted), tmp_path / "kept", split_from="column:part")
    assert len(kept) == 40 and kept.info["dropped"]["related to a later split"] == 10
    found = stored(kept)  # the positions of what was left out are gone
    for row in made:
        np.testing.assert_array_equal(found[row["id"]], np.array(row["values"], np.float32))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1, 2], [3]], "rows of equally many numbers"),
        ([[[1]], [[2]]], "rows of equally many numbers"),
        ([[], []], "rows of equally many numbers"),
        ([1, "two"], "must be numbers"),
        (["1", "2"], "must be numbers"),
        ([True, False], "must be numbers"),
        ([[1, True], [0, False]], "must be numbers"),
        ([1, True], "must be numbers"),
        ([1, None], "must be numbers"),
        ([1, {"a": 2}], "must be numbers"),
        ([10**400], "must be numbers"),
        ([[1.0, float("nan")]], "'x'.*not all numbers are finite"),
        ([[1.0, float("inf")]], "'x'.*not all numbers are finite"),
        ([[1.0, 1e39]], "'x'.*not all numbers are finite"),
        ([[1.0, 2.0, 3.0]], "'x'.*3 numbers at each position, the others have 2"),
        ([1.0, 2.0], "'x'.*1 numbers at each position, the others have 2"),
        ("ACGT", "'x'.*sequences of numbers.*do not mix"),
        (7, "must be a string, or an array of numbers"),
        (None, "must be a string, or an array of numbers"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_invalid_sequence_of_numbers_is_explained(value, words, tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", [*rows(10), {"id": "x", "values": value, "label": "up"}])
    with pytest.raises(seqmix.SeqmixError, match=words) as caught:
        prepare(path, tmp_path / "data")
    assert "line 11" in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_numbers_among_texts_are_an_error(tmp_path):
    texts = [{"id": f"t{i}", "text": "a text", "label": "ab"[i % 2]} for i in range(10)]
    path = write_jsonl(tmp_path / "x.jsonl", [*texts, {"id": "x", "text": [1, 2], "label": "a"}])
    assert "do not mix" in message_of(prepare, path, tmp_path / "data", alphabet="chars")
    assert "do not mix" in message_of(prepare, path, tmp_path / "data", alphabet="dna", unknown="map")
    assert "do not mix" in message_of(prepare, path, tmp_path / "data")
    table = write_table(tmp_path / "x.csv", texts)
    assert "t0" in message_of(prepare, table, tmp_path / "data", alphabet="real")
    numbers = write_jsonl(tmp_path / "n.jsonl", rows(10))
    assert "numbers" in message_of(prepare, numbers, tmp_path / "data", alphabet="words")


def test_table_counts_positions(file, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    shown = CliRunner().invoke(app, ["prepare", str(file), "-o", str(tmp_path / "data"), "--max-length", "10"]).stderr
    shown = " ".join(shown.split())
    assert "positions, alphabet real" in shown and "lengths in positions" in shown
    assert "cut to 10 positions" in shown and "character" not in shown


# Training.


@pytest.mark.parametrize(
    "options",
    [
        {"pooling": "flat", "max_length": 12},
        {"settings": ["model.positions=true", "training.crop=0.3"], "mixer": "softmax"},
        {"settings": ["mixer.d_hidden=8"], "mixer": "paramixer"},
        {"settings": ["model.stem=none"], "mixer": "linear"},
    ],
    ids=["flat", "positions", "paramixer", "no stem"],
)
def test_numbers_work_with_every_kind_of_model(options, data, tmp_path):
    given = {"epochs": 1, "tokens_per_batch": 512, "mixer": "conv"} | options
    run = seqmix.train(data, tmp_path / "run", **given | {"settings": ["model.d_model=8", *options.get("settings", [])]})
    assert values(seqmix.evaluate(run, baselines=False, resamples=2))["log loss"] > 0


def test_options_that_need_tokens_are_errors(data, tmp_path):
    assert "use mean or flat" in message_of(train_tiny, data, tmp_path / "run", pooling="cls")
    assert "need DNA or proteins" in message_of(train_tiny, data, tmp_path / "run", kmer=3)
    assert "need DNA or proteins" in message_of(train_tiny, data, tmp_path / "run", "model.words=3")
    assert "only DNA" in message_of(train_tiny, data, tmp_path / "run", "training.reverse_complement=0.5")
    assert not (tmp_path / "run").exists()


# Evaluating and predicting.


def test_baselines_see_mean_spread_and_ends(tmp_path):
    rng = random.Random(0)
    made = []
    for i in range(60):  # of mean 0 all: only the spread tells
        half = [rng.gauss(0, 1 + i % 2) for _ in range(15)]
        made.append({"values": [*half, *(-value for value in half)], "label": "ab"[i % 2]})
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data", split="0.7,0,0.3")
    found = baseline_scores(data)
    assert list(found) == ["largest class", "length only", "means and spreads"]
    assert found["means and spreads"]["accuracy"] > 0.9


def test_model_of_numbers_refuses_other_input(run, tmp_path):
    texts = write_table(tmp_path / "x.csv", [{"text": "ACGT", "label": "up"}])
    assert "trained on numbers" in message_of(lambda: list(seqmix.predict(texts, run)))
    three = write_jsonl(tmp_path / "x.jsonl", [{"values": [[1, 2, 3]], "label": "up"}])
    assert "3 numbers at each position, the model takes 2" in message_of(lambda: list(seqmix.predict(three, run)))
    assert "the model takes 2" in message_of(seqmix.evaluate, run, data=[three], output=tmp_path / "none")
    empty = write_jsonl(tmp_path / "e.jsonl", [{"values": [], "label": "up"}])
    assert "there is no sequence in it" in message_of(lambda: list(seqmix.predict(empty, run)))


def test_model_of_texts_refuses_numbers(trained, file):
    assert "trained on texts and sequences, not on numbers" in message_of(lambda: list(seqmix.predict(file, trained)))


def test_predictions_in_memory_equal_those_of_a_file(run, file):
    expected = list(seqmix.predict(file, run))
    arrays = [np.array(row["values"]) for row in rows(60)]
    for given in (arrays, [array.tolist() for array in arrays]):
        assert [p.probabilities for p in run.predict(given)] == [p.probabilities for p in expected]
    assert "record '0': the model was trained on numbers" in message_of(run.predict, ["ACGT"])
    assert "record '0': 1 numbers at each position, the model takes 2" in message_of(run.predict, np.zeros((3, 5)))


@pytest.mark.parametrize("options", [{}, {"task": "regression", "label_from": "column:drift"}], ids=["classes", "targets"])
def test_stability_is_measured_with_numbers(options, file, tmp_path):
    data = prepare(file, tmp_path / "data", **options)
    found = bench_approximation(["softmax"], [4], [16], data=data, repeats=1, steps=2, seeds=1)
    assert found.notes == [] and [one.setting for one in found.instabilities] == ["seqmix", "published"]
    assert all(one.score() > 0 for one in found.instabilities)


def test_texts_are_not_standardised(tmp_path):
    rng = random.Random(0)
    made = [{"text": random_dna(20, rng), "label": "ab"[i % 2]} for i in range(20)]
    assert prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data").info["vocabulary"]["alphabet"] == "dna"


# The unit of the numbers.


def test_channels_are_standardised_by_training_split(data):
    train = np.concatenate([data.tokens(int(i)) for i in data.indices("train")]).astype(np.float64)
    np.testing.assert_allclose(data.vocabulary.mean, train.mean(0), rtol=1e-9)
    np.testing.assert_allclose(data.vocabulary.scale, train.std(0), rtol=1e-9)


def test_spread_is_accurate_with_large_offset(tmp_path):
    far = [row | {"values": [[a * 10 + 4096, b] for a, b in row["values"]]} for row in rows(30)]
    found = prepare(write_jsonl(tmp_path / "far.jsonl", far), tmp_path / "far").vocabulary
    near = prepare(write_jsonl(tmp_path / "near.jsonl", rows(30)), tmp_path / "near").vocabulary
    np.testing.assert_allclose(found.scale, np.array(near.scale) * [10, 1], rtol=1e-3)


def test_training_does_not_depend_on_unit(tmp_path):
    def outputs(factor, offset):
        there = [row | {"values": [[a * factor + offset, b] for a, b in row["values"]]} for row in rows(30)]
        folder = tmp_path / f"{factor}"
        folder.mkdir()
        dataset = prepare(write_jsonl(folder / "x.jsonl", there), folder / "data")
        return [
            p.probabilities["up"] for p in seqmix.predict(folder / "x.jsonl", train_tiny(dataset, folder / "run", epochs=2))
        ]

    np.testing.assert_allclose(outputs(1, 0), outputs(1024, 2048), rtol=0, atol=2e-3)


def test_constant_channel_works(tmp_path):
    flat = [row | {"values": [[a, 7.0] for a, _ in row["values"]]} for row in rows(30)]
    dataset = prepare(write_jsonl(tmp_path / "x.jsonl", flat), tmp_path / "data")
    assert dataset.vocabulary.scale[1] == 1.0
    assert seqmix.evaluate(train_tiny(dataset, tmp_path / "run", epochs=1), resamples=2).records
