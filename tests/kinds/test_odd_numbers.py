"""Numbers that no answer follows from, and weights that are not numbers: an error that names what is at fault, never NaN."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.training import fit as fitting
from tests.support import strict_json, train_tiny
from tests.support.preparing import message_of, prepare, write_jsonl

FILL = 9.96921e36
every_kind_of_numbers = pytest.mark.parametrize("name", ["numbers", "numbers, targets", "pairs of numbers", "numbers, labels"])


def with_fill(one, folder, number=1, value=FILL):
    """Write six records, one of them with a value that stands for a missing one."""
    rows = [row | {"values": [list(position) for position in row["values"]]} for row in one.rows[:6]]
    rows[number]["values"][2][1] = value
    return write_jsonl(folder / "odd.jsonl", rows)


def invoke(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "500"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(("name", "value"), [("numbers", FILL), ("numbers, targets", -3e38), ("pairs of numbers", 1e20)])
def test_record_without_an_answer_is_named(name, value, made, tmp_path):
    one = made(name)
    file = with_fill(one, tmp_path, value=value)
    result = invoke("predict", file, "--run", one.run.path)
    assert result.exit_code == 1 and "record 'r1' (line 2)" in result.stderr and f"{np.float32(value):.6g}" in result.stderr
    assert "nan" not in result.stdout and result.stderr.count("\n") == 1


@every_kind_of_numbers
def test_record_without_an_answer_is_marked_or_left_out(name, made, tmp_path):
    one = made(name)
    file = with_fill(one, tmp_path)
    found = list(seqmix.predict(file, one.run, on_error="mark"))
    assert len(found) == 6 and (found[1].label, found[1].value, dict(found[1].probabilities)) == ("", None, {})
    assert "9.96921e+36 in channel 2" in found[1].error
    others = list(seqmix.predict(file, one.run, on_error="skip"))
    assert [row.id for row in others] == [f"r{i}" for i in (0, 2, 3, 4, 5)]
    invoke("predict", file, "--run", one.run.path, "--on-error", "mark", "-o", tmp_path / "found.jsonl")
    lines = (tmp_path / "found.jsonl").read_text().splitlines()
    assert [bool(json.loads(line, parse_constant=pytest.fail).get("error")) for line in lines] == [i == 1 for i in range(6)]


@every_kind_of_numbers
def test_eval_names_the_record_without_an_answer(name, made, tmp_path):
    one = made(name)
    result = invoke("eval", one.run.path, "--data", with_fill(one, tmp_path), "-o", tmp_path / "out")
    assert result.exit_code == 1 and "record 'r1'" in result.stderr and "1 record of 6" in result.stderr
    assert not (tmp_path / "out").exists()


@every_kind_of_numbers
def test_training_names_the_validation_record_without_an_answer(name, made, tmp_path):
    one = made(name)
    rows = [row | {"part": ("train", "val", "test")[i % 3]} for i, row in enumerate(one.rows)]
    rows[7] = rows[7] | {"values": [[FILL, FILL] for _ in rows[7]["values"]]}
    file = write_jsonl(tmp_path / "x.jsonl", rows)
    data = prepare(file, tmp_path / "data", split_from="column:part", **one.kind.options)
    told = message_of(train_tiny, data, tmp_path / "run", epochs=1)
    assert "record 'r7' of the validation split" in told and "9.96921e+36" in told


@pytest.mark.parametrize(("name", "value"), [("numbers", FILL), ("numbers, targets", -3e38), ("numbers, targets", -999)])
def test_fill_value_in_training_ends_in_scores(name, value, made, tmp_path):
    one = made(name)
    rows = [row | {"values": [[value, *row["values"][0][1:]], *row["values"][1:]]} for row in one.rows]
    data = prepare(write_jsonl(tmp_path / "x.jsonl", rows), tmp_path / "data", **one.kind.options)
    assert any("all others" in note for note in data.info["notes"])
    run = train_tiny(data, tmp_path / "run", epochs=1)
    seqmix.evaluate(run, resamples=2, output=tmp_path)
    strict_json(tmp_path / "evaluation.json")


def test_number_far_from_training_is_noted(made, tmp_path):
    one = made("numbers")
    result = invoke("predict", with_fill(one, tmp_path, value=1e6), "--run", one.run.path)
    assert result.exit_code == 0 and "1 record with numbers far from those of training" in result.stderr


def test_weights_that_are_not_finite_are_an_error(made, tmp_path):
    one = made("classification")
    run = train_tiny(one.data, tmp_path / "run", epochs=1)
    model = run.load_model()
    for name in ("calibration.json", "seen.json"):  # which belong to the weights from before
        (run.path / name).unlink()
    for value in (float("nan"), float("inf")):
        with torch.no_grad():
            next(model.parameters()).view(-1)[0] = value
        run.save_model(model)
        for arguments in (["predict", one.file, "--run", run.path], ["eval", run.path, "--no-baselines"]):
            result = invoke(*arguments)
            assert result.exit_code == 1 and "not finite numbers" in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("validated", [0, 1], ids=["before", "after"])
def test_divergence_claims_to_keep_only_existing_weights(validated, made, tmp_path, monkeypatch):
    real = fitting.take_step

    def step(trainer, *args):
        if trainer.state.validations >= validated:
            with torch.no_grad():
                for parameter in trainer.model.parameters():
                    parameter.fill_(float("nan"))
        return real(trainer, *args)

    monkeypatch.setattr(fitting, "take_step", step)
    told = message_of(train_tiny, made("numbers").data, tmp_path / "run", epochs=3)
    assert ("the best weights so far are kept" if validated else "none are kept") in told
    assert (tmp_path / "run" / "model.safetensors").exists() == bool(validated)


def test_json_of_the_command_line_has_null_for_what_is_not_finite(capsys):
    from rich.console import Console

    from seqmix.cli.console import print_json

    print_json(Console(), {"a": [float("inf"), 1.0], "b": float("nan")})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.0], "b": None}
