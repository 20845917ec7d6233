"""The study of pretraining: its arms, its few labels, and that it continues where it was stopped."""

import json

import numpy as np
import pytest

import seqmix
from tests.docs.pages import ROOT

TINY = ["model.d_model=8", "mixer.d_hidden=4"]


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import pretraining

    return pretraining


def test_study_trains_each_arm_once_and_prints_a_table(study, tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    (tmp_path / "set").mkdir()
    for name, weights in (("low", (0.35, 0.15, 0.15, 0.35)), ("high", (0.15, 0.35, 0.35, 0.15))):
        texts = ["".join(rng.choice(list("ACGT"), size=50, p=weights)) for _ in range(40)]
        (tmp_path / "set" / f"{name}.fa").write_text("".join(f">{name}{i}\n{text}\n" for i, text in enumerate(texts)))
    arguments = [str(tmp_path / "set"), "--seeds", "0", "--share", "0.2", "--pretrain", "1s", "--train", "0.3s"]
    arguments += ["--output", str(tmp_path / "out"), *(word for one in TINY for word in ("--set", one))]
    study.main(arguments)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {one["arm"] for one in results.values()} == set(study.ARMS)
    shown = capsys.readouterr().out
    assert "10 of 48 training records have labels" in shown
    assert all(f"| {arm} |" in shown for arm in study.ARMS)
    assert seqmix.Dataset.open(tmp_path / "out" / "unlabelled").sizes == {"train": 48, "val": 16, "test": 0}
    monkeypatch.setattr(seqmix, "train", None, raising=False)
    study.main(arguments)
