"""A run is calibrated when its training ends, and its answers are the same everywhere: `predict`, `eval`, estimators."""

import csv
import io
import json
import random
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.calibration.stored import CALIBRATION, SEEN
from seqmix.cli import app
from seqmix.errors import ConfigError, Interrupted, RunError, SeqmixError
from seqmix.models.prediction import Tally
from seqmix.training.events import Calibrated
from tests.support import random_dna, write_fasta

LETTERS = {"a, rich": (4, 2, 2, 4), "c|rich": (2, 3, 3, 2), "even": (3, 3, 3, 3)}


def records(n, seed):
    rng = random.Random(seed)
    names = list(LETTERS)
    return [(f"r{i}", random_dna(rng.randint(30, 60), rng, LETTERS[names[i % 3]]), names[i % 3]) for i in range(n)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return seqmix.prepare(
        records=records(600, 0), output=tmp_path_factory.mktemp("data") / "data", split="0.5,0.3,0.2", alphabet="dna"
    )


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return seqmix.train(data, tmp_path_factory.mktemp("run") / "run", mixer="none")


@pytest.fixture(scope="module")
def new():
    return [sequence for _, sequence, _ in records(120, 1)]


@pytest.fixture
def copied(run, tmp_path):
    return seqmix.Run.open(shutil.copytree(run.path, tmp_path / "run"))


def rewrite(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def with_temperature(run, temperature=2.0):
    """Give a run a calibration that is easily seen."""
    rewrite(run.path / CALIBRATION, method="temperature", scale=[1 / temperature], shift=[0.0])
    return run


def cli(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_training_writes_what_it_measured(run):
    stored = json.loads((run.path / CALIBRATION).read_text())
    assert (stored["method"], stored["records"]) == ("temperature", 180)
    assert stored["tried"].keys() == {"none", "one temperature"}
    assert {"log loss", "calibration error", "accuracy"} == stored["raw"].keys() == stored["calibrated"].keys()
    assert (run.path / SEEN).stat().st_size < 200_000
    assert run.seen.records == {"train": 300, "val": 180}
    assert len(run.seen.conformity) == 180


def test_predict_eval_and_predict_proba_agree(copied, data, new):
    run = with_temperature(copied)
    rows = run.predict_proba(new)
    raw = run.predict_proba(new, calibration=False)
    np.testing.assert_allclose(np.log(raw / raw[:, :1]) / 2.0, np.log(rows / rows[:, :1]), atol=1e-9)
    labels = [[one.label for one in run.predict(new, calibration=wanted)] for wanted in (True, False)]
    assert labels[0] == labels[1]
    test = [data[int(i)] for i in data.indices("test")]
    predicted = run.predict_proba([record.text for record in test])
    truth = np.array([data.classes.index(record.label) for record in test])
    for wanted in (True, False):
        found = seqmix.evaluate(run, baselines=False, resamples=10, calibration=wanted)
        expected = predicted if wanted else run.predict_proba([record.text for record in test], calibration=False)
        assert found.scores["log loss"].value == pytest.approx(-np.log(expected[np.arange(len(truth)), truth]).mean())
        assert bool(found.calibration) is wanted
        assert (found.calibration_error == found.calibration_error_raw) is not wanted
        assert (abs(found.log_loss_raw - found.scores["log loss"].value) < 1e-9) is not wanted
        assert 0 < found.calibration_error_chance < 0.2
    assert "log loss before calibration" in cli("eval", run.path, "--no-baselines").output
    assert "before calibration" not in cli("eval", run.path, "--no-baselines", "--no-calibration").output


def test_command_writes_the_same_columns_first_and_then_those_of_trust(copied, new, tmp_path):
    run = with_temperature(copied)
    fasta = write_fasta(tmp_path / "new.fa", [(f"n{i}", text) for i, text in enumerate(new)])
    with_all = cli("predict", fasta, "--run", run.path, "--sets", "0.9").stdout
    rows = list(csv.DictReader(io.StringIO(with_all), delimiter="\t"))
    assert list(rows[0]) == ["id", "length", "label", *(f"prob_{name}" for name in LETTERS), "novelty", "set"]
    plain = cli("predict", fasta, "--run", run.path, "--no-calibration").stdout
    raw = list(csv.DictReader(io.StringIO(plain), delimiter="\t"))
    assert [row["label"] for row in rows] == [row["label"] for row in raw]
    assert [row["prob_even"] for row in rows] != [row["prob_even"] for row in raw]
    assert [row["prob_even"] for row in rows] == [f"{p:.6g}" for p in run.predict_proba(new)[:, 2]]
    for row, found in zip(rows, run.predict(new, sets=0.9), strict=True):
        assert tuple(row["set"].split(";")) == found.answers  # names have commas
        assert row["label"] in found.answers
        assert float(row["novelty"]) == pytest.approx(found.novelty, abs=1e-5)
    lines = cli("predict", fasta, "--run", run.path, "--sets", "0.9", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["set"] for line in lines] == [list(found.answers) for found in run.predict(new, sets=0.9)]


def test_sets_hold_the_true_class_of_new_records(run):
    held = []
    for seed in range(2, 6):
        some = records(150, seed)
        found = run.predict([sequence for _, sequence, _ in some], sets=0.9)
        held += [label in one.answers for (_, _, label), one in zip(some, found, strict=True)]
    assert np.mean(held) > 0.9 - 3 * np.sqrt(0.09 * (1 / 180 + 1 / 600))  # with 180 validation records
    assert np.mean([len(one.answers) for one in found]) < 3


def test_labels_below_least_confidence_are_left_empty_and_counted(run, new, tmp_path):
    tally = Tally()
    found = run.predict(new, min_confidence=0.6, tally=tally)
    assert [one.label == "" for one in found] == [max(one.probabilities.values()) < 0.6 for one in found]
    assert 0 < tally.left_empty == sum(one.label == "" for one in found) < len(new)
    fasta = write_fasta(tmp_path / "new.fa", [(f"n{i}", text) for i, text in enumerate(new)])
    result = cli("predict", fasta, "--run", run.path, "--min-confidence", "0.6")
    assert f"{tally.left_empty} of 120 labels left empty" in result.stderr


def test_error_rate_of_answers_is_bounded(run):
    some = records(600, 9)
    found = run.predict([sequence for _, sequence, _ in some], max_error=0.4)
    given = [one.label == label for (_, _, label), one in zip(some, found, strict=True) if one.label]
    assert len(given) > 50
    assert 1 - np.mean(given) < 0.4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_error": 0.001}, "max_error=0.001 cannot be promised: 180 validation records"),
        ({"max_error": 0.001}, "the lowest that can be is max_error=0."),
        ({"sets": 0.999}, "sets=0.999 cannot be promised from 180 validation records: at most sets=0.994 can"),
        ({"sets": 0.9, "calibration": False}, "sets is for calibrated probabilities"),
        ({"max_error": 0.1, "min_confidence": 0.5}, "give one of them"),
        ({"sets": 1.0}, "sets must be"),
        ({"min_confidence": 2.0}, "min_confidence must be"),
    ],
)
def test_what_cannot_be_promised_is_refused(run, new, options, message):
    with pytest.raises(ConfigError) as caught:
        run.predict(new, **options)
    assert message in str(caught.value)


def test_reachable_error_rate_that_a_message_names_can_be_asked_for(run, new):
    with pytest.raises(ConfigError) as caught:
        run.predict(new, max_error=0.001)
    reached = float(str(caught.value).split("max_error=")[2].split(",")[0])
    assert any(one.label for one in run.predict(new, max_error=reached))


def test_strange_records_have_high_novelty_and_one_warning(run, tmp_path):
    strange = [("ten", "ACGTACGTAC"), *[(f"g{i}", "GC" * 20) for i in range(20)]]
    fasta = write_fasta(tmp_path / "strange.fa", strange)
    result = cli("predict", fasta, "--run", run.path)
    rows = list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t"))
    assert min(float(row["novelty"]) for row in rows) > 0.98
    assert result.stderr.count("more unusual than 95 % of the validation records") == 1
    assert "shorter than every training record" in result.stderr


def test_run_of_before_predicts_as_before(copied, new, tmp_path):
    expected = copied.predict_proba(new, calibration=False)
    for name in (CALIBRATION, SEEN):
        (copied.path / name).unlink()
    assert (copied.predict_proba(new) == expected).all()
    assert copied.predict(new)[0].novelty is None
    fasta = write_fasta(tmp_path / "new.fa", [("n", new[0])])
    result = cli("predict", fasta, "--run", copied.path)
    assert "novelty" not in result.stdout
    assert result.stderr.count("no novelty") == 1
    assert "seqmix train --resume --output" in result.stderr
    for options in ({"sets": 0.9}, {"max_error": 0.1}):
        with pytest.raises(ConfigError, match=r"stores none.*resume"):
            copied.predict(new, **options)


def test_finished_run_gets_what_is_missing_when_resumed(copied, run):
    for name in (CALIBRATION, SEEN):
        (copied.path / name).unlink()
    events = []
    again = seqmix.train(output=copied.path, resume=True, on_event=events.append)
    assert [type(event) for event in events].count(Calibrated) == 1
    for name in (CALIBRATION, SEEN):
        assert (again.path / name).read_bytes() == (run.path / name).read_bytes()
    events.clear()
    seqmix.train(output=copied.path, resume=True, on_event=events.append)
    assert not any(isinstance(event, Calibrated) for event in events)


@pytest.mark.parametrize("name", [CALIBRATION, SEEN])
@pytest.mark.parametrize(
    "change",
    [
        {"weights": "other"},
        {"scale": [0.0], "method": "temperature", "conformity": "x"},
        "no json",
        {"novelty": {}, "scale": "x"},
    ],
)
def test_damaged_file_is_named(name, change, copied, new):
    if change == "no json":
        (copied.path / name).write_text(change)
    else:
        rewrite(copied.path / name, **change)
    with pytest.raises(RunError) as caught:
        copied.predict(new[:1])
    assert f"{name}: the file is damaged" in str(caught.value)


def test_method_can_be_chosen_or_left_out(data, tmp_path):
    plain = seqmix.train(data, tmp_path / "none", mixer="none", settings={"training.calibration": "none"})
    assert (plain.calibration.method, plain.calibration.reason) == ("none", "training.calibration is none")
    with pytest.raises(ConfigError, match=r"training.calibration.*isotonic.*choose from: auto, none, temperature, vector"):
        seqmix.train(data, tmp_path / "x", mixer="none", settings={"training.calibration": "isotonic"})


def test_interrupted_training_ends_with_the_same_calibration(data, tmp_path):
    import signal

    options = {"mixer": "conv", "epochs": 2, "lexical": "none", "settings": {"model.d_model": 8, "training.save_every": 1}}
    whole = seqmix.train(data, tmp_path / "whole", **options)

    def stop(event):
        if getattr(event, "step", 0) == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        seqmix.train(data, tmp_path / "parts", on_event=stop, **options)
    assert not (tmp_path / "parts" / CALIBRATION).exists()
    seqmix.train(output=tmp_path / "parts", resume=True)
    for name in (CALIBRATION, SEEN, "model.safetensors"):
        assert (tmp_path / "parts" / name).read_bytes() == (whole.path / name).read_bytes()


def test_estimator_is_calibrated_as_its_run(tmp_path):
    some = records(240, 3)
    texts, labels = [text for _, text, _ in some], [label for _, _, label in some]
    model = seqmix.SeqmixClassifier(
        mixer="none", lexical="auto", folder=tmp_path / "kept", validation_fraction=0.4, random_state=0
    )
    found = model.fit(texts, labels).predict_proba(texts[:20])
    run = with_temperature(seqmix.Run.open(tmp_path / "kept" / "run"))
    assert not np.allclose(found, run.predict_proba(texts[:20]))
    model.calibration_ = run.calibration
    del model._predictor
    np.testing.assert_allclose(model.predict_proba(texts[:20]), run.predict_proba(texts[:20]), atol=1e-12)


def test_kinds_without_an_answer_to_leave_out_say_so(tmp_path):
    rng = random.Random(0)
    rows = [
        (f"r{i}", text := random_dna(rng.randint(20, 40), rng, (rng.choice([0.3, 1, 4]), 1, 1, 1)), text.count("A"))
        for i in range(200)
    ]
    data = seqmix.prepare(
        records=[(name, text, str(count)) for name, text, count in rows],
        output=tmp_path / "y",
        task="regression",
        alphabet="dna",
    )
    run = seqmix.train(data, tmp_path / "run", mixer="none")
    assert run.calibration.reason == "a regression has no probabilities"
    with pytest.raises(ConfigError, match="this model is a regression"):
        run.predict(["ACGT"], min_confidence=0.5)
    found = run.predict([text for _, text, _ in rows], sets=0.9)
    inside = [low <= count <= high for (_, _, count), (low, high) in zip(rows, (one.interval for one in found), strict=True)]
    assert 0.8 < np.mean(inside) <= 1
    fasta = write_fasta(tmp_path / "new.fa", [("n", "ACGTACGTAAACGT")])
    header, row = cli("predict", fasta, "--run", run.path, "--sets", "0.9").stdout.splitlines()
    assert header == "id\tlength\tvalue\tnovelty\tlower\tupper"
    value, _, low, high = map(float, row.split("\t")[2:])
    assert low < value < high


def test_labels_have_sets_that_hold_all_true_ones(tmp_path):
    rng = random.Random(0)
    rows = []
    for i in range(300):
        has = [rng.random() < 0.5, rng.random() < 0.5]
        text = random_dna(rng.randint(30, 60), rng, (4 if has[0] else 2, 3 if has[1] else 2, 2, 2))
        rows.append((f"r{i}", text, ";".join(name for name, one in zip(("a", "c"), has, strict=True) if one)))
    data = seqmix.prepare(
        records=rows, output=tmp_path / "data", task="multilabel", label_separator=";", alphabet="dna", split="0.4,0.4,0.2"
    )
    run = seqmix.train(data, tmp_path / "run", mixer="none")
    test = [data[int(i)] for i in data.indices("test")]
    found = run.predict([record.text for record in test], sets=0.9)
    held = [set(record.label) <= set(one.answers) for record, one in zip(test, found, strict=True)]
    assert np.mean(held) > 0.8
    with pytest.raises(SeqmixError, match="this model is a multilabel"):
        run.predict(["ACGT"], max_error=0.1)


def test_runs_without_validation_have_no_calibration_and_no_novelty(tmp_path):
    data = seqmix.prepare(records=records(60, 4), output=tmp_path / "data", split="1,0,0", alphabet="dna")
    run = seqmix.train(data, tmp_path / "run", mixer="none")
    assert run.calibration.reason == "there is no validation split"
    assert run.seen.novelty is None
    assert run.predict(["ACGTACGTACGT"])[0].novelty is None
    with pytest.raises(ConfigError, match="no validation split"):
        run.predict(["ACGT"], sets=0.9)
