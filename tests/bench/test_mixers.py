"""Measuring mixers: exponents, limits, failures, and what `seqmix bench mixers` writes."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import seqmix
from seqmix.bench import mixers as benchmark
from seqmix.bench.measure import Cost, CostPoint, MeasureSpec, main
from seqmix.bench.mixers import bench_mixers
from seqmix.bench.mixers_report import bench_figure, bench_tables, write_bench
from seqmix.bench.mixers_result import BenchResult, CostSeries
from seqmix.bench.power_law import fit_exponent, predict
from seqmix.cli import app
from seqmix.errors import ConfigError, SeqmixError
from seqmix.reporting.text import parse_lengths
from tests.support import BROKEN_MIXERS, installed

WEIGHTS = 10_000
REAL_MEASURE = benchmark._measure


def measured(seconds, memory, length):
    return Cost(
        seconds=seconds,
        runs=[seconds],
        tokens_per_second=length / seconds,
        peak_bytes=None if memory is None else round(memory) + WEIGHTS,
        constant_bytes=WEIGHTS,
    )


def point(length, seconds=0.5, memory=1e6):
    return CostPoint(
        length=length,
        tokens=length,
        parameters=WEIGHTS // 16,
        forward=measured(seconds / 4, memory, length),
        training=measured(seconds, memory, length),
    )


def series(mixer, exponent, lengths=(1024, 4096, 16384, 65536), **options):
    points = [point(n, 1e-3 * (n / 1024) ** exponent, 100.0 * n**exponent) for n in lengths]
    return CostSeries(mixer=mixer, quadratic=exponent > 1.5, model={}, points=points, **options)


def made_up(*all_series):
    settings = {"batch_size": 1, "precision": "fp32", "device": "cpu"}
    return BenchResult(settings=settings, environment={"threads": 1}, series=list(all_series))


@pytest.fixture
def measures(monkeypatch):
    """Replace the measuring processes: what each mixer yields at each length; lists the requested specifications."""
    asked = []

    def answer(spec, limit):
        asked.append(spec)
        return point(spec.length, 1e-3 * spec.length / 64, 1e6 * spec.length / 64)

    monkeypatch.setattr(benchmark, "_measure", answer)
    return asked


@pytest.fixture
def in_process(monkeypatch):
    """Measure in this process, without the seconds that a new one takes to start."""

    def answer(spec, limit):
        said = json.loads(main(json.dumps(asdict(spec))))
        return f"failed: {said['error']}" if "error" in said else CostPoint.from_dict(said)

    monkeypatch.setattr(benchmark, "_measure", answer)


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, ["bench", "mixers", *arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        return result.stderr

    return call


def test_command_measures_mixers_and_writes_tables_json_and_figures(run, in_process, tmp_path):
    shown = run("--mixers", "paramixer,softmax", "--lengths", "256,64,128", "--repeats", "2", "-o", "there/found")
    folder = tmp_path / "there" / "found"
    assert sorted(path.name for path in folder.iterdir()) == ["bench.json", "bench.png", "bench.svg"]
    assert (folder / "bench.svg").read_text().startswith("<svg")
    assert (folder / "bench.png").read_bytes().startswith(b"\x89PNG")
    for word in ("paramixer", "softmax", "64", "128", "tokens/s", "bench.json"):
        assert word in shown
    found = json.loads((folder / "bench.json").read_text())
    assert found["settings"]["lengths"] == [64, 128, 256] and found["environment"]["torch"] == torch.__version__
    assert found["interrupted"] is False
    assert [s["mixer"] for s in found["series"]] == ["paramixer", "softmax"]
    for one in found["series"]:
        assert one["stopped"] is None and one["model"]["stem"] == "conv"
        assert [p["length"] for p in one["points"]] == [64, 128, 256]
        for exponents in (one["exponents"], one["last_exponents"]):
            assert exponents["training_time"] is not None
        for entry in one["points"]:
            for kind in ("forward", "training"):
                figures = entry[kind]
                assert figures["seconds"] > 0 and len(figures["runs"]) == 2
                assert figures["tokens_per_second"] == pytest.approx(entry["tokens"] / figures["seconds"])
            assert entry["training"]["seconds"] > entry["forward"]["seconds"]
            assert entry["training"]["constant_bytes"] == 16 * entry["parameters"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much memory is resident")
def test_measured_memory_is_at_least_that_of_tensors():
    length = 16384
    answer = benchmark._measure(MeasureSpec(mixer="paramixer", length=length, repeats=1), None)
    links = 4 * 14 * 15 * length  # of 14 factors, float32
    assert links < answer.forward.peak_bytes < answer.training.peak_bytes < 100 * links


def test_exponents_of_synthetic_series_are_recovered():
    for exponent in (1.0, 1.37, 2.0):
        found = series("x", exponent)
        for value in (*found.exponents().values(), *found.last_exponents().values()):
            assert value == pytest.approx(exponent, abs=1e-3)
    assert fit_exponent([(2, 3.0), (4, 12.0), (8, 48.0)]) == pytest.approx(2.0)


def test_exponent_needs_three_points_and_memory_beyond_weights():
    assert set(series("x", 1.0, (64, 128)).exponents().values()) == {None}
    assert set(series("x", 1.0, (64,)).last_exponents().values()) == {None}
    mostly_weights = CostSeries(
        mixer="x", quadratic=False, model={}, points=[point(n, 1.0, WEIGHTS / 2) for n in (64, 128, 256)]
    )
    assert mostly_weights.exponents()["training_memory"] is None
    unknown = CostSeries(mixer="x", quadratic=False, model={}, points=[point(n, 1.0, None) for n in (64, 128, 256)])
    assert unknown.exponents()["training_memory"] is None
    bench_figure(made_up(unknown))


def test_growth_of_time_per_token_is_compared_with_squared_logarithm():
    growth = series("x", 1.5).growth()
    assert growth["training"] == pytest.approx(8.0) == growth["forward"]
    assert growth["log_squared"] == pytest.approx(1.6**2)
    assert series("x", 1.0, (64,)).growth() is None
    points = series("x", 1.5).to_dict()["points"]
    assert [p["training"]["relative_time_per_token"] for p in points] == pytest.approx([1, 2, 4, 8])


def test_extrapolation_is_between_linear_and_quadratic():
    assert predict([], 256, False) is None
    assert predict([(64, 1.0)], 256, False) == 4.0
    assert predict([(64, 1.0)], 256, True) == 16.0
    assert predict([(64, 1.0), (128, 2.5)], 256, False) == pytest.approx(6.25)
    assert predict([(64, 1.0), (128, 1.1)], 256, False) == pytest.approx(2.2)
    assert predict([(64, 1.0), (128, 9.0)], 256, False) == pytest.approx(36.0)
    assert predict([(64, 1.0), (128, 3.0), (256, 6.0)], 512, True) == pytest.approx(18.0)


def test_series_stops_before_memory_limit(measures):
    result = bench_mixers(["paramixer", "softmax"], (64, 128, 256), memory_limit=3_000_000)
    assert [len(s.points) for s in result.series] == [2, 1]  # 4 MB at 256 after 2 at 128; a quadratic one: 4 after 1
    assert "stopped at 256: it would need about 4 MB of memory, and at most 3 MB may be used" in result.series[0].stopped
    assert len(measures) == 3


def test_default_memory_limit_is_free_memory(measures, monkeypatch):
    monkeypatch.setattr(benchmark, "free_memory", lambda device: 2_000_000)
    stopped = bench_mixers(["paramixer"], (64, 128)).series[0].stopped
    assert (
        stopped
        == "stopped at 128: it would need about 2 MB of memory, and at most 1.4 MB of the 2 MB that are free may be used"
    )


def test_series_stops_before_time_limit(measures):
    called = []
    result = bench_mixers(
        ["paramixer"], (64, 128, 256), time_limit=0.003, on_start=called.append, on_point=lambda *a: called.append(a)
    )
    assert result.series[0].stopped == "stopped at 256: a training step would take about 4 ms, and the limit is 3 ms"
    assert called[0] == 3 and [(n, p is None) for _, n, p in called[1:]] == [(64, False), (128, False), (256, True)]
    assert measures[0].longest == 10.0  # seconds allowed in real time
    assert "stopped at 256" in json.loads(result.to_json())["series"][0]["stopped"]


def test_running_measurement_is_stopped_at_memory_or_time_limit(monkeypatch):
    spec = MeasureSpec(mixer="paramixer", length=1 << 20, longest=0.05)
    assert "one run takes more than 50 ms" in benchmark._measure(spec, None)
    monkeypatch.setattr(benchmark, "_PROGRAM", 0)
    assert "more than the 1 kB of memory" in benchmark._measure(spec, 1000)


def test_failing_mixer_ends_only_its_series(in_process, tmp_path, monkeypatch):
    here = benchmark._measure
    monkeypatch.setattr(
        benchmark, "_measure", lambda spec, limit: (REAL_MEASURE if spec.mixer == "dying" else here)(spec, limit)
    )
    source = BROKEN_MIXERS.format(error='RuntimeError("can\'t allocate memory: 1 TB")')
    with installed(monkeypatch, tmp_path / "packages", "failing", source, failing="Failing", dying="Dying"):
        result = bench_mixers(["failing", "dying", "softmax"], (64, 128), repeats=1)
    assert result.notes == [
        "failing: stopped at 64: failed: there is not enough memory",
        "dying: stopped at 64: the process ended with code 3: no message",
    ]
    assert [len(s.points) for s in result.series] == [0, 0, 2]
    assert len(bench_tables(result)) == 2
    write_bench(result, tmp_path / "bench")


def test_reasons_are_reported_if_nothing_can_be_measured(monkeypatch):
    monkeypatch.setattr(benchmark, "_measure", lambda spec, limit: "failed: no reason")
    with pytest.raises(SeqmixError, match="nothing could be measured: softmax: stopped at 64: failed: no reason"):
        bench_mixers(["softmax"], (64,))


def test_measurement_process_returns_error_messages():
    assert "no mixer 'nothing'" in json.loads(main('{"mixer": "nothing", "length": 64}'))["error"]
    assert "n_heads must divide" in json.loads(main('{"mixer": "softmax", "length": 64, "d_model": 7}'))["error"]
    assert json.loads(main("{}"))["error"].startswith("TypeError: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lengths": ()}, r"lengths must be numbers from 16 to 134,217,728: got \(\)"),
        ({"lengths": (8, 64)}, "lengths must be from 16 to 134,217,728: got 8"),
        ({"mixers": ["nothing"]}, "no mixer 'nothing'"),
        ({"batch_size": 0}, "batch_size must be from 1 to 1,000,000: got 0"),
        ({"repeats": 0}, "repeats must be from 1 to 10,000: got 0"),
        ({"time_limit": 0.0}, "time_limit must be above 0 and at most 1,000,000,000: got 0"),
        ({"time_limit": math.nan}, "time_limit"),
        ({"time_limit": math.inf}, "time_limit"),
        ({"d_model": 0}, r"d_model must be from 1 to 1,000,000: got 0"),
        ({"precision": "fp64"}, "precision must be one of fp32, bf16, fp16"),
        ({"precision": "fp16", "device": "cpu"}, "needs a CUDA GPU"),
        ({"device": "cuda:99"}, "is not available"),
    ],
)
def test_invalid_options_are_errors_before_measuring(measures, options, message):
    with pytest.raises(ConfigError, match=message):
        bench_mixers(**options)
    assert not measures


def test_lengths_are_parsed_with_units():
    assert parse_lengths("64, 1k,4K,1M,1000") == [64, 1024, 4096, 1 << 20, 1000]
    for wrong in ("", "1x", "k", "-5", "1k,,4k", "1.5k", "0", "8"):
        with pytest.raises(ConfigError, match=r"is not a whole number from 16 to 134,217,728, such as .*k is 1,024"):
            parse_lengths(wrong)


def test_command_line_errors_are_one_line(run, measures, tmp_path):
    assert "'1x' is not a whole number from 16" in run("--lengths", "1k,1x", code=1)
    assert "there is no mixer ''" in " ".join(run("--mixers", "", code=1).split())
    assert "there is no mixer 'lstm'; available: bigbird" in " ".join(run("--mixers", "lstm", code=1).split())
    (tmp_path / "file").write_text("")
    assert "file is not a writable folder" in " ".join(run("-o", "file/bench", code=1).split())
    assert not measures and not (tmp_path / "bench").exists()


def test_existing_output_is_kept_without_overwrite(run, measures, tmp_path):
    run("--mixers", "softmax", "--lengths", "64")
    first = (tmp_path / "bench" / "bench.json").read_bytes()
    (tmp_path / "bench" / "mine").write_text("kept")
    assert "exists; replace it with --overwrite" in " ".join(run("--lengths", "128", code=1).split())
    assert (tmp_path / "bench" / "bench.json").read_bytes() == first
    assert run("--mixers", "softmax", "--lengths", "128", "--overwrite", "--quiet") == ""
    assert (tmp_path / "bench" / "bench.json").read_bytes() != first
    assert (tmp_path / "bench" / "mine").read_text() == "kept"


def test_interruption_writes_what_was_measured(run, monkeypatch, tmp_path):
    def interrupted(spec, limit):
        if spec.length > 64:
            raise KeyboardInterrupt
        return point(spec.length)

    monkeypatch.setattr(benchmark, "_measure", interrupted)
    assert "interrupted; what was measured is in bench/bench.json" in run(
        "--mixers", "softmax", "--lengths", "64,128", code=130
    )
    found = json.loads((tmp_path / "bench" / "bench.json").read_text())
    assert found["interrupted"] and [p["length"] for p in found["series"][0]["points"]] == [64]
    assert "interrupted" in run("--mixers", "softmax", "--lengths", "128", "-o", "other", code=130)
    assert not (tmp_path / "other").exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the process in /proc")
def test_interruption_leaves_no_process(tmp_path):
    command = [sys.executable, "-m", "seqmix", "bench", "mixers", "--mixers", "paramixer", "--lengths", "1M"]
    paths = str(Path(seqmix.__file__).parent.parent)
    parent = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.PIPE)

    def children():
        return Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()

    deadline = time.monotonic() + 60
    while not (found := children()) and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.send_signal(signal.SIGTERM)
    said = parent.communicate(timeout=60)[1].decode()
    assert found and parent.returncode == 130 and "interrupted" in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in found)


def test_figure_has_a_line_for_each_mixer(tmp_path):
    many = [series(f"mixer{i}", 1 + i / 12) for i in range(14)]
    figure = bench_figure(made_up(*many))
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(legend) == 15 and legend[0] == "mixer0\ntime $L^{1.00}$, memory $L^{1.00}$"
    for axes in figure.axes:
        assert [t.get_text() for t in axes.get_xticklabels()] == ["1k", "4k", "16k", "64k"]
        looks = {(line.get_color(), line.get_marker()) for line in axes.get_lines()}
        assert len(looks) == 15  # one per mixer, and the guide
    write_bench(made_up(series("a$b$c", 1.0, (64,))), tmp_path / "one")


def test_measurement_whose_name_was_taken_meanwhile_is_kept_under_a_free_one(run, in_process, monkeypatch, tmp_path):
    measure = benchmark._measure

    def taken(spec, limit):
        (tmp_path / "bench" / "bench.json").write_text("precious")
        (tmp_path / "bench" / "bench-2.svg").write_text("precious")
        return measure(spec, limit)

    monkeypatch.setattr(benchmark, "_measure", taken)
    said = " ".join(run("--mixers", "softmax", "--lengths", "16", code=1).split())
    assert "bench.json appeared or changed while it was being measured here; it is left as it is" in said
    assert "what was measured here is kept as bench/bench-3.json" in said
    found = {path.name: path.read_bytes() for path in (tmp_path / "bench").iterdir()}
    assert found.pop("bench.json") == found.pop("bench-2.svg") == b"precious"
    assert sorted(found) == ["bench-3.json", "bench-3.png", "bench-3.svg"]
