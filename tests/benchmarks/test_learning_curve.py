"""The learning curve: fewer training records, the same others, and no training twice."""

import numpy as np
import pytest

import seqmix
from tests.docs.pages import ROOT


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import learning_curve

    return learning_curve


def test_curve_has_every_share_and_continues_where_it_stopped(study, tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [
        (f"{name}{i}", "".join(rng.choice(list("ACGT"), size=60, p=weights)), name)
        for name, weights in (("low", (0.3, 0.2, 0.2, 0.3)), ("high", (0.2, 0.3, 0.3, 0.2)))
        for i in range(40)
    ]
    data = seqmix.prepare(records=rows, output=tmp_path / "content", alphabet="dna")
    arguments = [str(data.path), "--shares", "0.25", "--seeds", "0,1", "--output", str(tmp_path / "out")]
    study.main(arguments)
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()[2:4]]
    assert [row[:3] for row in rows] == [["content", "0.25", "12"], ["content", "1", "48"]]
    assert [len(row[3].split()) for row in rows] == [2, 1]

    some = seqmix.Dataset.open(tmp_path / "out" / "content" / "0.25-1" / "data")
    assert [[some[i].id for i in some.indices(split)] for split in ("val", "test")] == [
        [data[i].id for i in data.indices(split)] for split in ("val", "test")
    ]
    run = seqmix.Run.open(tmp_path / "out" / "content" / "0.25-1" / "run")
    right = seqmix.evaluate(run, baselines=False, resamples=1).scores["accuracy"].value
    assert f"{right:.3f}" == rows[0][3].split()[1]

    monkeypatch.setattr(study.seqmix, "train", None)
    study.main(arguments)
    assert capsys.readouterr().out == printed
