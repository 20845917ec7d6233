"""Data sets and runs that earlier versions of seqmix made still work: eval, predict and --resume.

`made-by-0.1.0.tar.gz` holds, for each kind of data, a data set, a finished run, the same run interrupted in its second
epoch, and the first predictions of the finished run, all written by version 0.1.0 before its modules moved into packages.
"""

import json
import tarfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import seqmix

MADE = Path(__file__).parent / "made-by-0.1.0.tar.gz"
KINDS = {"dna": "dna.fa", "regression": "texts.csv", "multilabel": "texts.csv", "pairs": "texts.csv"}


@pytest.fixture(params=KINDS)
def made(request, tmp_path, monkeypatch):
    """The name of a kind, with its files in the working directory."""
    with tarfile.open(MADE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return request.param


def test_data_set_opens_and_checksums_match(made):
    data = seqmix.Dataset.open(made)
    assert len(data) == sum(data.sizes.values()) > 0


def test_predictions_are_unchanged(made):
    expected = json.loads(Path(f"{made}-predictions.json").read_text())
    predictions = list(seqmix.predict(KINDS[made], run=f"{made}-run"))[: len(expected)]
    for (id_, length, label, value, probabilities), prediction in zip(expected, predictions, strict=True):
        assert (prediction.id, prediction.length, prediction.label) == (id_, length, label)
        assert prediction.value == pytest.approx(value, abs=1e-5)
        assert dict(prediction.probabilities) == pytest.approx(probabilities, abs=1e-5)


def test_scores_are_unchanged(made):
    stored = json.loads(Path(f"{made}-run/evaluation.json").read_text())["scores"]
    scores = seqmix.evaluate(f"{made}-run", resamples=10).scores
    assert {name: score.value for name, score in scores.items()} == pytest.approx(
        {name: score["value"] for name, score in stored.items()}, abs=1e-5, nan_ok=True
    )


def test_interrupted_run_resumes_to_same_weights(made):
    assert not seqmix.Run.open(f"{made}-begun").load_state()[1]["state"]["finished"]
    run = seqmix.train(output=f"{made}-begun", resume=True)
    assert run.load_state()[1]["state"]["finished"]
    expected = load_file(f"{made}-run/model.safetensors")
    for name, tensor in load_file(run.path / "model.safetensors").items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-5, rtol=1e-4)
