"""Learning curves: nested shares of the training records, all else as it is, resumed, and what another doubling brings."""

import json
import math
import random

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, DatasetError, RunError
from seqmix.experiments import scheduler
from seqmix.experiments.learning_curve.report import learning_curve_html
from seqmix.experiments.learning_curve.shares import check_shares, parse_shares, split_of_share
from seqmix.experiments.learning_curve.slope import last_doubling, slope
from tests.support import random_dna
from tests.support.pages import check_accessible

TINY = {"mixer": "conv", "epochs": 1, "tokens_per_batch": 512, "settings": ["model.d_model=4", "model.lexical=none"]}


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """Records in groups of one to four, of two classes."""
    rng = random.Random(3)
    rows = []
    for group in range(60):
        for _ in range(rng.randint(1, 4)):
            text = random_dna(rng.randint(30, 60), rng, (3, 1, 1, 3) if group % 2 else (1, 3, 3, 1))
            rows.append({"text": text, "label": "ab"[group % 2], "group": f"g{group}"})
    return seqmix.prepare(records=rows, output=tmp_path_factory.mktemp("grouped") / "data", alphabet="dna")


def curve(data, output, **options):
    return seqmix.learning_curve(data, output, **{**TINY, "shares": (50, 100), "seeds": 2, "baselines": False} | options)


def test_shares_are_nested_stratified_and_keep_groups_whole(grouped):
    for seed in range(20):
        before, train = None, grouped.split == 0
        for share in (2, 10, 25, 50, 80, 100):
            split = split_of_share(grouped, share, seed)
            kept = split == 0
            assert (split[~train] == grouped.split[~train]).all() and set(split[train]) <= {0, -1}
            assert before is None or (kept[before]).all()
            assert not {*grouped.groups[kept]} & {*grouped.groups[train & ~kept]}
            for label in (0, 1):
                of_class = grouped.labels == label
                wanted = share / 100 * (train & of_class).sum()
                assert max(1, wanted) - 1e-9 <= (kept & of_class).sum() < wanted + 4
            before = kept
        assert (before == train).all()
    assert (split_of_share(grouped, 25, 0) != split_of_share(grouped, 25, 1)).any()


def test_curve_scores_every_share_and_is_resumed(launched, grouped, monkeypatch, tmp_path):
    genuine = scheduler.TrialProcess.launch

    def interrupted(launcher, spec):
        if not spec.folder.endswith("share50-seed0"):
            raise KeyboardInterrupt
        return genuine(launcher, spec)

    monkeypatch.setattr(scheduler.TrialProcess, "launch", interrupted)
    part = curve(grouped, tmp_path / "lc")
    assert part.interrupted and [point.share for point in part.points] == [50] and part.slope is None
    assert "interrupted" in learning_curve_html(part)
    monkeypatch.setattr(scheduler.TrialProcess, "launch", genuine)
    found = curve(grouped, tmp_path / "lc")
    assert launched == [f"share{share}-seed{seed}" for seed in (0, 1) for share in (50, 100)]
    assert [point.share for point in found.points] == [50, 100]
    for point in found.points[:1]:
        for place, seed in enumerate((0, 1)):
            run = seqmix.Run.open(tmp_path / "lc" / "runs" / f"share{point.share:g}-seed{seed}")
            score = seqmix.evaluate(run, baselines=False, resamples=2).scores["accuracy"].value
            assert point.scores["accuracy"][place] == score
            assert run.config.training.seed == seed
    assert found.slope.first == 50 and found.slope.draws == 2
    scores = [point.scores["accuracy"] for point in found.points]
    sizes = [[np.sum(split_of_share(grouped, share, seed) == 0) for share in (50, 100)] for seed in (0, 1)]
    gains = [(scores[1][k] - scores[0][k]) / math.log2(sizes[k][1] / sizes[k][0]) for k in (0, 1)]
    assert found.slope.gain == pytest.approx(np.mean(gains))
    assert found.slope.low < found.slope.gain < found.slope.high
    stored = json.loads((tmp_path / "lc" / "learning-curve.json").read_text())
    assert stored["slope"]["gain"] == found.slope.gain and len(stored["verdict"]) == 1
    assert {"learning-curve.html", "learning-curve.png", "learning-curve.svg"} < {p.name for p in (tmp_path / "lc").iterdir()}
    more = curve(grouped, tmp_path / "lc", shares=(50, 75, 100))
    assert launched[4:] == ["share75-seed0", "share75-seed1"] and len(more.points) == 3
    with pytest.raises(RunError, match="score_on: 'test' there, 'val' now"):
        curve(grouped, tmp_path / "lc", score_on="val")


def test_command_draws_the_curve(launched, grouped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    words = ["--mixer", "conv", "--epochs", "1", "--shares", "50,100", "--seeds", "1", "--threads", "1", "--score-on", "val"]
    words += ["--set", "model.d_model=4", "--set", "model.lexical=none"]
    result = CliRunner().invoke(app, ["learning-curve", str(grouped.path), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    shown = " ".join(result.stderr.split())
    for part in ("2 trainings to run", "training records", "simple: accuracy", "of the validation split", "a doubling brought"):
        assert part in shown
    page = (tmp_path / "learning-curve" / "learning-curve.html").read_text()
    assert page.count("<svg") == 1
    check_accessible(page)


def test_slope_covers_the_truth(dataset):
    """The interval of the slope covers the true slope in most of 100 simulations, with what the draws differ by."""
    rng, objective, covered = np.random.default_rng(0), dataset.label_objective, 0
    labels = np.arange(300) % 2
    for _ in range(100):
        hard = rng.uniform(size=300)  # the same records are hard for all models
        made = []
        for _ in range(3):
            shift = rng.normal(0, 0.02, 2)  # what draws differ by
            right = [hard < accuracy + s for accuracy, s in zip((0.6, 0.7), shift, strict=True)]
            made.append([np.eye(2)[np.where(one, labels, 1 - labels)] for one in right])
        found = slope(objective, made, [[50, 100]] * 3, labels, first=50, groups=None, resamples=200)
        covered += found.low <= 0.1 <= found.high
    assert 90 <= covered <= 100


def test_verdict_says_whether_more_data_help(dataset):
    labels = np.arange(400) % 2

    def answers(wrong):
        return np.eye(2)[np.where(np.arange(400) < wrong, 1 - labels, labels)]

    def found(*wrong):
        return slope(dataset.label_objective, [[answers(n) for n in wrong]], [[100, 200]], labels, first=50, groups=None)

    assert "more data help: from 50 % of the records on, a doubling brought +0.125 accuracy" in found(100, 50).in_words
    assert "cannot be told" in found(100, 99).in_words and "or nothing" in found(100, 99).in_words
    assert "falls with more data" in found(50, 100).in_words


def test_last_doubling_begins_at_half_or_less():
    assert last_doubling([10, 20, 40, 80, 100]) == [40, 80, 100]
    assert last_doubling([12.5, 25, 50, 100]) == [50, 100]
    assert last_doubling([60, 100]) == [60, 100]


@pytest.mark.parametrize("shares", ["", "10", "0,50", "50,101", "ten,20", "100,100"])
def test_shares_that_are_not_allowed_are_errors(shares):
    with pytest.raises(ConfigError, match="shares must be"):
        check_shares(parse_shares(shares))


def test_empty_test_split_is_an_error(tmp_path):
    rows = [{"text": random_dna(30, random.Random(i)), "label": "ab"[i % 2]} for i in range(20)]
    options = seqmix.PrepareOptions(split="0.8,0.2,0")
    data = seqmix.prepare(records=rows, output=tmp_path / "data", options=options, alphabet="dna")
    with pytest.raises(DatasetError, match=r"the test split is empty; give score_on='val', or run seqmix\.prepare"):
        seqmix.learning_curve(data, tmp_path / "lc")
