"""Likely fill values among numbers are noted, and errors name numbers that cannot be used."""

import re

import numpy as np
import pytest

import seqmix
from seqmix.data.likely_fills import likely_fills
from seqmix.data.tables import ranges_line
from tests.support.kinds import number_rows
from tests.support.preparing import message_of, prepare, write_jsonl

NORMAL = np.random.default_rng(0).normal(size=1000)


def found(*values):
    return [(fill.value, fill.count) for fill in likely_fills(np.array(values, np.float32).reshape(-1, 1))]


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ([-999], [(-999, 1)]),
        ([-9999, -9999], [(-9999, 2)]),
        ([9.96921e36] * 3, [(np.float32(9.96921e36), 3)]),
        ([-999, 999, 999], [(-999, 1), (999, 2)]),
        ([1e20], [(np.float32(1e20), 1)]),
        ([-3.4e38, 3.4e38], [(np.float32(-3.4e38), 1), (np.float32(3.4e38), 1)]),
        ([32767], [(32767, 1)]),
        ([1e6], [(1e6, 1)]),
    ],
    ids=str,
)
def test_value_far_from_all_others_is_found(odd, told):
    assert found(*NORMAL, *odd) == told


@pytest.mark.parametrize(
    "values",
    [
        NORMAL,
        NORMAL * 1e33,
        [*NORMAL * 1e3, -999],
        [0, 1, 0, 1, 1],
        [1e20, 1e20],
        np.arange(65536),
        [0, 0, 0, 1, 2, 3, 50, 50],
        [*[0] * 500, 255],
        np.random.default_rng(0).standard_cauchy(5000),
        np.exp(NORMAL * 4),
        [],
    ],
    ids=["normal", "large", "within", "two values", "one value", "16 bits", "counts", "spike", "cauchy", "log-normal", "none"],
)
def test_usual_values_are_not_noted(values):
    assert found(*values) == []


@pytest.mark.parametrize("channel", [0, 1])
def test_prepare_names_channel_value_count_and_record(channel, tmp_path):
    made = number_rows(40)
    for row in (made[5], made[11]):
        row["values"][3][channel] = -999.0
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data")
    (note,) = (note for note in data.info["notes"] if "-999" in note)
    assert note.startswith(f"channel {channel + 1}: 2 values are -999, and all others from -") and "record 'r5'" in note


def test_right_record_is_named_after_others_were_left_out(tmp_path):
    made = number_rows(40)
    made[0]["values"], made[2]["values"] = [[1.0, 2.0]], [[2.0, 3.0]]
    made[20]["values"][4][1] = 9.96921e36
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data", min_length=2)
    assert any("9.96921e+36" in note and "record 'r20'" in note for note in data.info["notes"]) and len(data) == 38


def test_target_that_stands_for_a_missing_one_is_noted(tmp_path):
    made = number_rows(40)
    made[9]["drift"] = -9999
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data", task="regression", label_from="column:drift")
    assert any(note.startswith("targets: 1 value is -9999") and "record 'r9'" in note for note in data.info["notes"])


@pytest.mark.parametrize(
    ("target", "words"), [("1e200", "record 'r7': the target 1e200 is too large"), ("inf", "'inf' is not a"), ("nan", "")]
)
def test_target_that_cannot_be_scored_is_an_error(target, words, tmp_path):
    made = [row | {"drift": str(row["drift"])} for row in number_rows(40)]
    made[7]["drift"] = target
    told = message_of(
        prepare, write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data", task="regression", label_from="column:drift"
    )
    assert words in told and "\n" not in told


def test_targets_that_hardly_differ_are_an_error(tmp_path):
    made = [row | {"drift": 1e-200 * i} for i, row in enumerate(number_rows(40))]
    file = write_jsonl(tmp_path / "x.jsonl", made)
    assert "differ by" in message_of(prepare, file, tmp_path / "data", task="regression", label_from="column:drift")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "nan at position 4, channel 2 and 1 more"),
        (float("-inf"), "-inf or too large (beyond 3.4e+38) at position 4, channel 2"),
        (1e39, "inf or too large (beyond 3.4e+38) at position 4, channel 2"),
    ],
)
def test_number_that_is_not_finite_is_named(value, words, tmp_path):
    made = number_rows(20)
    made[5]["values"][3][1] = made[5]["values"][6][0] = value
    told = message_of(prepare, write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data")
    assert "record 'r5' (line 6)" in told and words in told


def test_hidden_values_of_a_masked_array_are_missing():
    rows = [(f"r{i}", np.ma.masked_greater(np.array([0.5, 9e36, i]), 1e30), "ab"[i % 2]) for i in range(20)]
    assert "nan at position 2" in message_of(seqmix.prepare, records=rows)


def test_subnormal_numbers_are_used(tmp_path):
    made = [row | {"values": [[a * 1e-40, b] for a, b in row["values"]]} for row in number_rows(20)]
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data")
    assert np.isfinite(data.vocabulary.scale).all() and min(data.vocabulary.scale) > 0


def test_ranges_of_the_numbers_are_printed(tmp_path):
    made = number_rows(20)
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data")
    values = np.concatenate([np.array(row["values"], np.float32) for row in made])
    assert data.info["ranges"] == np.stack((values.min(0), values.max(0)), 1).tolist()
    assert re.fullmatch(r"numbers: from -\S+ to \S+ \(channel 1\), from -\S+ to \S+ \(channel 2\)", ranges_line(data.info))
    assert ranges_line({}) == "" and ranges_line({"ranges": [[0, 1]] * 9}).endswith("(channel 4) and 5 more")


def test_numbers_that_become_zero_are_noted(tmp_path):
    made = [row | {"values": [[a * 1e-60, b] for a, b in row["values"]]} for row in number_rows(20)]
    notes = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data").info["notes"]
    assert [note for note in notes if "too small for 32 bits" in note and "x.jsonl" in note]
