"""The accuracy study: what it measures, that it continues where it was stopped, and its table."""

import json

import numpy as np
import pytest
import torch

import seqmix
from seqmix.config import Config
from seqmix.models.classifier import build_model
from tests.docs.pages import ROOT

TINY = ["model.lexical=kmers", "model.d_model=8", "mixer.d_hidden=4", "training.epochs=1"]


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import accuracy

    return accuracy


def write_set(folder):
    """Two classes that differ in composition, and in nothing else."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, weights in (("low", (0.3, 0.2, 0.2, 0.3)), ("high", (0.2, 0.3, 0.3, 0.2))):
        texts = ("".join(rng.choice(list("ACGT"), size=int(rng.integers(60, 90)), p=weights)) for _ in range(50))
        (folder / f"{name}.fa").write_text("".join(f">{name}{i}\n{text}\n" for i, text in enumerate(texts)))


def test_study_measures_each_thing_once_and_prints_a_table(study, tmp_path, capsys, monkeypatch):
    write_set(tmp_path / "sets" / "content")
    arguments = [str(tmp_path / "sets"), "--sets", "content", "--seeds", "0,1", "--output", str(tmp_path / "out")]
    arguments += [word for one in TINY for word in ("--set", one)]
    assert study.main(arguments) == 0
    table = capsys.readouterr().out
    results = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "out" / "results").iterdir()}
    assert sorted(results) == [
        "content-default-0",
        "content-default-1",
        "content-simple",
        "content-unmixed-0",
        "content-unmixed-1",
    ]
    default = results["content-default-0"]
    assert list(default["answers"]) == ["lexical", "mixing", "both", "mixing off", "both off"]
    assert list(results["content-unmixed-0"]["answers"]) == ["lexical", "mixing off", "both off"]
    [row] = (line for line in table.splitlines() if line.startswith("| content"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["20", "0.500"] and "-" not in cells
    run = seqmix.Run.open(tmp_path / "out" / "runs" / "content-default-0")
    right = seqmix.evaluate(run, baselines=False, resamples=2).scores["accuracy"].value
    both = np.array(default["answers"]["both"]["test"])
    assert right == pytest.approx(np.mean(both.argmax(1) == default["labels"]))

    monkeypatch.setattr(study.seqmix, "train", None)
    assert study.main(arguments) == 0 and capsys.readouterr().out == table
    (tmp_path / "out" / "results" / "content-unmixed-1.json").unlink()
    with pytest.raises(TypeError):
        study.main(arguments)


def test_mixers_see_single_positions_while_mixing_is_off(study):
    for mixer in ("paramixer", "softmax", "conv"):
        config = Config.from_tables({"model": {"mixer": mixer, "max_length": 20, "stem": "none", "d_model": 8, "words": 0}})
        model = build_model(config.model, vocab_size=7, n_classes=2).eval()
        ids, mask = torch.randint(2, 6, (2, 20)), torch.ones(2, 20, dtype=torch.bool)
        changed = ids.clone()
        changed[:, 7] = 6
        with torch.no_grad():
            mixed = [model.features(one, mask) for one in (ids, changed)]
            with study.mixing_off():
                alone = [model.features(one, mask) for one in (ids, changed)]
            again = model.features(ids, mask)
        torch.testing.assert_close(again, mixed[0])
        others = [i for i in range(20) if i != 7]
        torch.testing.assert_close(alone[0][:, others], alone[1][:, others])
        assert (alone[0][:, 7] - alone[1][:, 7]).abs().max() > 1e-4
        assert (mixed[0][:, others] - mixed[1][:, others]).abs().max() > 1e-5


def test_differences_are_paired(study):
    from accuracy_table import Answers, difference

    labels = np.array([0, 1] * 50)
    sure = np.eye(2)[labels]
    wrong = sure.copy()
    wrong[:10] = wrong[:10, ::-1]
    better, worse = Answers(labels, [sure, sure], ["a", "b"]), Answers(labels, [wrong, sure], ["a", "b"])
    assert difference(better, better) == "+0.0 (0.0 to 0.0)"
    assert difference(better, worse).startswith("+5.0 (2.")
    assert worse.shown().startswith("0.950 ± 0.071 / ")


@pytest.mark.parametrize("alphabet", ["dna", "chars"])
def test_strongest_simple_model_is_chosen_on_validation(alphabet, study, tmp_path):
    from simple_models import strongest

    write_set(tmp_path / "sets")
    data = seqmix.prepare([tmp_path / "sets"], tmp_path / "data", alphabet=alphabet)
    best = strongest(data)
    assert best.test.shape == (20, 2) and best.tried > 10
    assert best.accuracy >= 0.7
    np.testing.assert_allclose(best.test.sum(1), 1)
