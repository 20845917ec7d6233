"""A model without a mixer is fitted on the CPU: a note names the machine options that have no effect."""

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.errors import Interrupted
from seqmix.training import train_to_end


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (["--device", "cuda"], "--device cuda has no effect"),
        (["--precision", "bf16"], "--precision bf16 has no effect"),
        (["--device", "cuda:1", "--precision", "fp16"], "--device cuda:1 and --precision fp16 have no effect"),
        (["--device", "cpu"], None),
        (["--device", "auto", "--precision", "fp32"], None),
    ],
)
def test_device_and_precision_without_effect_are_noted(given, note, dataset, tmp_path, monkeypatch):
    def stop(*_):
        raise Interrupted("before anything is fitted")

    monkeypatch.setattr(train_to_end, "_lexical", stop)
    arguments = ["train", str(dataset.path), "--mixer", "none", "-o", str(tmp_path / "run"), *given]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exit_code == 130, result.output
    assert "fitting k-mers alone on cpu, 48 records" in result.stderr
    assert ("have no effect" in result.stderr or "has no effect" in result.stderr) is (note is not None)
    assert note is None or f"note: {note}: without a mixer" in result.stderr
