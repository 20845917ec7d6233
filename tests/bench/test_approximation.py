"""How closely attention is approximated, how stable training is, and what `seqmix bench approximation` writes."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import seqmix
from seqmix.bench import approximation, stability
from seqmix.bench.approximation import bench_approximation, relative_error, spectral_norm
from seqmix.bench.approximation_report import approximation_figure, approximation_tables
from seqmix.bench.attention_inputs import GaussianInputs, RunInputs
from seqmix.bench.request import parse_features
from seqmix.bench.stability import Instability, TrainingBatches, amplifications, training_taus
from seqmix.cli import app
from seqmix.errors import ConfigError, DatasetError, SeqmixError
from tests.support import installed

PLUGINS = """
import torch
from seqmix.functional import softmax_attention
from seqmix.mixers import AttentionMixer


class Twin(AttentionMixer):
    def __init__(self, d_model, max_length, *, n_heads=2, n_features=8):
        super().__init__(d_model, max_length, n_heads=n_heads)
        if n_features > 1000:
            raise ValueError(f"mixer.n_features must be at most 1000: got {n_features}")
        self.n_features = n_features

    def attend(self, q, k, v, mask):
        return softmax_attention(q, k, v, mask)

    @classmethod
    def feature_options(cls, n):
        return {"n_features": n}


class Fewer(Twin):
    def attend(self, q, k, v, mask):
        n = self.n_features
        return softmax_attention(q, k[:, :, :n], v[:, :, :n], mask[:, :n])


class Broken(Twin):
    def attend(self, q, k, v, mask):
        return q * torch.nan
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Approximations in another package: one without error, one that keeps the first keys, one that fails."""
    with installed(monkeypatch, tmp_path / "site", "approximations", PLUGINS, twin="Twin", fewer="Fewer", broken="Broken"):
        yield


@pytest.fixture(scope="session")
def attention_run(dataset, tmp_path_factory):
    """A small run with softmax attention, trained on `dataset`."""
    settings = ["model.d_model=16", "model.lexical=none", "mixer.n_heads=4", "model.kmer=3"]
    return seqmix.train(dataset, tmp_path_factory.mktemp("runs") / "run", mixer="softmax", epochs=1, settings=settings)


@pytest.fixture
def quick(monkeypatch):
    """Without training."""
    monkeypatch.setattr(approximation, "training_taus", lambda name, task, setting, steps: ([1.0] * steps, [2.0] * steps))


@pytest.fixture
def command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, ["bench", "approximation", *map(str, arguments)], catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        return " ".join(result.stderr.split())

    return call


def errors(result):
    return {(s.mixer, s.inputs, s.length): {p.features: p.error for p in s.points} for s in result.errors}


def test_error_of_skyformer_falls_with_number_of_features(quick):
    result = bench_approximation(["skyformer"], (16, 64, 256), (64, 256), repeats=2)
    for series in result.errors:
        found = [point.error for point in series.points]
        assert found == sorted(found, reverse=True) and series.fall < 0.5
        assert series.to_dict()["falls"] and series.to_dict()["exponent"] < -0.2
    at = errors(result)
    assert at["skyformer", "gaussian", 64][256] < 0.01 < 0.1 < at["skyformer", "gaussian", 256][256]


def test_exact_approximation_has_zero_error(quick, plugins):
    result = bench_approximation(["twin", "fewer"], (8, 16, 64), (64,), repeats=1)
    found = errors(result)
    assert max(found["twin", "gaussian", 64].values()) < 1e-5
    assert found["fewer", "gaussian", 64][64] < 1e-5 < 0.5 < found["fewer", "gaussian", 64][16]
    assert result.to_json() == bench_approximation(["twin", "fewer"], (8, 16, 64), (64,), repeats=1).to_json()


def test_errors_are_for_approximations_and_stability_for_all_attention(quick, plugins):
    result = bench_approximation(None, (8,), (16,), repeats=1, seeds=1, steps=2)
    names = {series.mixer for series in result.errors}
    assert {"skyformer", "twin", "fewer"} <= names and not names & {"softmax", "kernelized", "paramixer", "broken"}
    trained = {one.mixer for one in result.instabilities}
    assert names | {"softmax", "kernelized"} <= trained and "paramixer" not in trained


def test_failing_mixer_loses_only_its_own_points(quick, plugins):
    result = bench_approximation(["broken", "twin"], (8, 2000, 4000), (16,), repeats=1)
    assert set(errors(result)) == {("twin", "gaussian", 16)} and len(result.errors[0].points) == 1
    assert "broken: 16 with 8, 2000, 4000 features is left out (gaussian inputs): the output has numbers" in result.notes[0]
    assert "twin: 16 with 2000, 4000 features" in result.notes[1] and "at most 1000: got 2000" in result.notes[1]
    json.loads(result.to_json())


def test_spectral_norm_is_largest_singular_value():
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(2, 3, 50, 7, dtype=torch.float64, generator=generator)
    expected = [[np.linalg.svd(m.numpy(), compute_uv=False)[0] for m in row] for row in matrices]
    torch.testing.assert_close(spectral_norm(matrices), torch.tensor(expected), rtol=1e-12, atol=0)
    assert relative_error(1.25 * matrices, matrices) == pytest.approx(0.25)
    for wrong in (matrices * torch.inf, matrices * torch.nan):
        with pytest.raises(SeqmixError, match="not finite"):
            relative_error(wrong, matrices)


def test_gaussian_inputs_are_standard_normal_and_repeatable():
    q, k, v = GaussianInputs().draw(1000, 0)
    assert q.shape == (1, 2, 1000, 32) and q.dtype == torch.float32
    for drawn in (q, k, v):
        assert abs(float(drawn.mean())) < 0.02 and abs(float(drawn.std()) - 1) < 0.02
    assert all(torch.equal(a, b) for a, b in zip((q, k, v), GaussianInputs().draw(1000, 0), strict=True))
    assert not torch.equal(q, GaussianInputs().draw(1000, 1)[0]) and not torch.equal(q, k)


def test_inputs_of_run_come_from_its_first_block(attention_run, dataset):
    source = RunInputs(attention_run, dataset)
    assert (source.n_heads, source.head_width) == (4, 4)
    q, k, v = source.draw(32, 0)
    assert q.shape == k.shape == v.shape == (1, 4, 32, 4)
    taken = []
    attend = source.mixer.attend
    source.mixer.attend = lambda *given: (taken.append(given), attend(*given))[1]
    again = source.draw(32, 0)
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip((q, k, v), again, taken[0][:3], strict=True))
    long = [i for i in dataset.indices("test") if dataset.lengths[i] >= 34]
    assert source.lacking(32, len(long)) == ""
    assert f"{len(long)} records of the test split are that long" in source.lacking(32, len(long) + 1)


def test_shared_queries_and_keys_are_used_for_both(dataset, tmp_path):
    settings = ["model.d_model=16", "model.lexical=none", "mixer.bucket_size=16"]
    run = seqmix.train(dataset, tmp_path / "run", mixer="reformer", epochs=1, settings=settings)
    q, k, v = RunInputs(run, dataset).draw(32, 0)
    assert torch.equal(q, k) and not torch.equal(q, v)


def test_inputs_have_requested_length(dataset, tmp_path):
    settings = ["model.d_model=16", "model.lexical=none", "model.kmer=2", "model.pooling=cls", "model.positions=true"]
    settings += ["model.max_length=200", "data.max_length=48"]
    run = seqmix.train(dataset, tmp_path / "run", mixer="skyformer", epochs=1, settings=settings)
    source = RunInputs(run, dataset)
    assert [source.draw(length, 0)[0].shape[2] for length in (16, 33)] == [16, 33]
    assert "takes at most 201 tokens" in source.lacking(202, 1)
    quick = {"repeats": 1, "steps": 1, "seeds": 1}
    result = bench_approximation(["skyformer"], (4,), (64,), run=run, **quick)
    assert "records were cut to 48 characters in training" in result.notes[0]
    source.mixer.forward = lambda x, mask, source: x
    with pytest.raises(ConfigError, match="computes no query and no key and no value"):
        source.draw(16, 0)


def test_tau_of_linear_model_matches_hand_calculation():
    model = nn.Linear(2, 1, bias=False)
    x = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    moves = [torch.tensor([[0.5, 0.0]]), torch.tensor([[0.0, -0.1]]), torch.tensor([[1.0, 1.0]])]

    def step(number):
        with torch.no_grad():
            model.weight += moves[number]

    with torch.no_grad():
        found = amplifications(model, lambda: [model(x).detach(), 2 * model(x).detach()], step, 3)
    expected = [3.0, 4.0, 5.0 / 2**0.5]
    assert [first for first, _ in found] == pytest.approx(expected, rel=1e-5)
    assert [second for _, second in found] == pytest.approx([2 * tau for tau in expected], rel=1e-5)
    with pytest.raises(SeqmixError, match="failed at step 1"):
        amplifications(model, lambda: [model(x).detach()], lambda number: None, 1)


def test_scores_are_means_relative_to_softmax():
    softmax = Instability(mixer="softmax", setting="seqmix", options={}, logits=[[1.0, 3.0], [4.0, 4.0]])
    other = Instability(mixer="x", setting="seqmix", options={}, logits=[[1.0, 1.0]])
    assert softmax.score() == 3.0 and other.score() == 1.0
    assert softmax.relative(softmax) == (1.0, 0.0)
    assert other.relative(softmax) == (0.5, 0.0)  # of the seed that both share


def test_models_share_initial_weights_and_batches(dataset):
    task = TrainingBatches(dataset, 0, steps=2, length=32, batch_size=4)
    assert len(task.training) == 2 and task.fixed.ids.shape == (4, 32)
    assert task.objective.n_outputs == 2 and len(task.vocabulary) == len(dataset.vocabulary)
    models = {name: stability._new_model(name, task, "published") for name in ("softmax", "kernelized")}
    softmax, kernelized = (dict(model.named_parameters()) for model in models.values())
    assert softmax.keys() == kernelized.keys()
    assert all(torch.equal(parameter, kernelized[name]) for name, parameter in softmax.items())
    assert float(softmax["embedding.weight"].detach().std()) == pytest.approx(0.02, rel=0.2)
    assert training_taus("softmax", task, "seqmix", 2) == training_taus("softmax", task, "seqmix", 2)


def test_kernelized_attention_is_more_stable_than_softmax():
    tasks = [TrainingBatches(None, seed, steps=20, length=64, batch_size=4) for seed in range(2)]  # single seeds vary a lot
    mean = {name: [np.mean(training_taus(name, task, "published")[0]) for task in tasks] for name in ("softmax", "kernelized")}
    assert sum(mean["kernelized"]) < 0.9 * sum(mean["softmax"])
    skyformer = np.mean(training_taus("skyformer", tasks[0], "published")[0])
    assert skyformer == pytest.approx(mean["kernelized"][0], rel=0.05) and skyformer < mean["softmax"][0]


def test_command_writes_tables_json_and_figures(command, plugins, tmp_path):
    small = ("--features", "4,8", "--lengths", "32,16", "--repeats", 1, "--steps", 1, "--seeds", 1, "--threads", 1)
    shown = command("--mixers", "skyformer,fewer", *small, "-o", "there/found")
    folder = tmp_path / "there" / "found"
    assert sorted(path.name for path in folder.iterdir()) == [f"approximation.{end}" for end in ("json", "png", "svg")]
    assert (folder / "approximation.svg").read_text().startswith("<svg")
    for word in ("skyformer", "fewer", "softmax", "normal 16", "published", "random DNA", "approximation.json"):
        assert word in shown
    found = json.loads((folder / "approximation.json").read_text())
    assert found["settings"]["lengths"] == [16, 32] and found["settings"]["features"] == [4, 8]
    assert found["environment"]["threads"] == 1 and not found["interrupted"] and not found["notes"]
    assert [(s["mixer"], s["length"]) for s in found["errors"]] == [
        *(("skyformer", 16), ("fewer", 16), ("skyformer", 32), ("fewer", 32))
    ]
    assert [(one["mixer"], one["setting"]) for one in found["instability"]] == [
        (mixer, setting) for setting in ("seqmix", "published") for mixer in ("softmax", "skyformer", "fewer")
    ]
    assert found["instability"][0]["logits"]["relative"] == 1.0
    before = (folder / "approximation.json").read_bytes()
    assert "exists; replace it with --overwrite" in command(*small, "-o", "there/found", code=1)
    assert (folder / "approximation.json").read_bytes() == before
    assert command("--mixers", "fewer", *small, "-o", "there/found", "--overwrite", "--quiet") == ""
    assert (folder / "approximation.json").read_bytes() != before


def test_run_provides_queries_keys_values_and_data(command, quick, attention_run, dataset, tmp_path):
    shown = command("--mixers", "skyformer", "--features", "4,16", "--lengths", "32,1k", "--run", attention_run.path)
    assert "run inputs: 1k is left out: 0 records of the test split are that long, and 3 are needed" in shown
    found = json.loads((tmp_path / "bench" / "approximation.json").read_text())
    assert [(s["inputs"], s["length"]) for s in found["errors"]] == [("gaussian", 32), ("gaussian", 1024), ("run", 32)]
    described = found["settings"]["inputs"]["run"]
    assert described["block"] == 1 and described["mixer"] == "softmax" and described["head_width"] == 4
    assert found["settings"]["instability"]["data"] == str(dataset.path)
    assert all(p["error"] < 1.1 for s in found["errors"] for p in s["points"])


def test_stability_can_be_measured_on_a_data_set(dataset):
    result = bench_approximation(["kernelized"], (4,), (16,), data=dataset, steps=1, seeds=1)
    assert not result.errors and len(result.instabilities) == 4
    assert len(approximation_tables(result)) == 1
    approximation_figure(result)


def test_errors_are_one_line_before_measuring(command, monkeypatch, trained, tmp_path):
    monkeypatch.setattr(approximation, "_measure", None)
    for arguments, message in {
        ("--mixers", "lstm"): "there is no mixer 'lstm'; available: ",
        ("--mixers", "paramixer"): "the mixer 'paramixer' is not an attention mixer; available: ",
        ("--features", "8,x"): "'x' is not a number of features; use whole numbers from 1",
        ("--features", "0"): "'0' is not a number of features",
        ("--lengths", "8"): "'8' is not a whole number from 16",
        ("--repeats", "0"): "--repeats must be from 1 to 10,000: got 0",
        ("--steps", "0"): "--steps must be from 1 to 100,000: got 0",
        ("--seeds", "-1"): "--seeds must be from 1 to 1,000: got -1",
        ("--threads", "0"): "--threads must be from 1 to 1,024: got 0",
        ("--run", "nothing"): "nothing: no such run folder",
        ("--run", str(trained.path)): "its mixer is paramixer, which has no queries and keys; --run must be a run of one of",
        ("--data", "nothing"): "nothing: no data set here",
    }.items():
        said = command(*arguments, code=1)
        assert message in said, said
    assert not (tmp_path / "bench").exists()
    assert parse_features("16, 64") == [16, 64]
    for wrong in ({"features": ()}, {"lengths": (8,)}, {"features": (0,)}):
        with pytest.raises(ConfigError, match=r"must be .*: got"):
            bench_approximation(**wrong)


def test_unlabelled_data_is_an_error(tmp_path):
    (tmp_path / "x.fa").write_text("".join(f">r{i}\n{'ACGT' * 5}{'ACGT'[i % 4] * i}\n" for i in range(9)))
    table = "text,other,label\n" + "".join(f"a{i},b{i},{i % 2}\n" for i in range(12))
    (tmp_path / "pairs.csv").write_text(table)
    pairs = seqmix.prepare([tmp_path / "pairs.csv"], tmp_path / "pairs", read=seqmix.ReadOptions(pair_column="other"))
    with pytest.raises(DatasetError, match="not pairs"):
        bench_approximation(data=pairs)
    unlabelled = seqmix.prepare([tmp_path / "x.fa"], tmp_path / "data")
    with pytest.raises(DatasetError, match="no labelled training records"):
        bench_approximation(data=unlabelled)


def test_interruption_writes_what_was_measured(command, monkeypatch, tmp_path):
    called = []

    def interrupted(name, task, setting, steps):
        called.append(name)
        if len(called) > 1:
            raise KeyboardInterrupt
        return [1.0] * steps, [1.0] * steps

    monkeypatch.setattr(approximation, "training_taus", interrupted)
    arguments = ("--mixers", "skyformer", "--features", "4", "--lengths", "16")
    assert "interrupted; what was measured is in bench/approximation.json" in command(*arguments, code=130)
    found = json.loads((tmp_path / "bench" / "approximation.json").read_text())
    assert found["interrupted"] and len(found["errors"]) == 1
    assert [(one["mixer"], len(one["logits"]["steps"])) for one in found["instability"]] == [("softmax", 1)]
    monkeypatch.setattr(approximation, "relative_error", lambda *_: interrupted("", None, "", 0))
    assert "interrupted" in command(*arguments, "-o", "other", code=130)
    assert not (tmp_path / "other").exists()
