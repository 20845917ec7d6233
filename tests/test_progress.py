"""`progress=True` draws a bar on standard error, and nothing is drawn unasked."""

import pytest

import seqmix
from tests.support import compare_tiny, train_tiny

RECORDS = [(str(i), "ACGT" * (3 + i % 5) + "AC"[i % 2] * 5, "ab"[i % 2]) for i in range(2000)]


def calls(run, dataset, tmp_path, monkeypatch):
    """Each public function that has a bar, with the word that is on it."""
    return {
        "reading": lambda **shown: seqmix.prepare(records=RECORDS, output=tmp_path / "data", overwrite=True, **shown),
        "generating": lambda **shown: seqmix.generate("adding", tmp_path / "made", train=9, overwrite=True, length=8, **shown),
        "epoch": lambda **shown: train_tiny(dataset, tmp_path / "run", overwrite=True, **shown),
        "evaluating": lambda **shown: seqmix.evaluate(run, output=tmp_path, baselines=False, resamples=2, **shown),
        "predicting": lambda **shown: list(seqmix.predict(sequences=["ACGT"] * 9, run=run, **shown)),
        "predicting: run": lambda **shown: run.predict(["ACGT"] * 9, **shown),
        "seed": lambda **shown: compare_tiny(dataset, tmp_path / "compare", monkeypatch, overwrite=True, **shown),
    }


@pytest.mark.parametrize("name", ["reading", "generating", "epoch", "evaluating", "predicting", "predicting: run", "seed"])
def test_progress_is_drawn_when_asked_for_and_only_then(name, trained, dataset, tmp_path, monkeypatch, capfd):
    call = calls(trained, dataset, tmp_path, monkeypatch)[name]
    call()
    assert capfd.readouterr() == ("", "")
    call(progress=True)
    out, err = capfd.readouterr()
    assert out == "" and name.split(":")[0] in err


def test_progress_of_prepare_may_be_a_function(tmp_path):
    told = []
    seqmix.prepare(records=RECORDS, output=tmp_path / "data", progress=lambda records, characters: told.append(records))
    assert told == [1024, 2000]


def test_bar_is_taken_away_when_a_call_fails(trained, capfd):
    with pytest.raises(seqmix.SeqmixError):
        trained.predict(["ACGT", None], progress=True)
    assert "predicting" in capfd.readouterr().err
