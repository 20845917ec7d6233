"""The page that `seqmix pretrain` writes."""

import re

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from tests.support.pages import check_accessible

SMALL = ("--mixer", "conv", "--epochs", "2", "--set", "model.d_model=8")


@pytest.fixture
def page_of(monkeypatch, tmp_path):
    def pretrain(data):
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(app, ["pretrain", str(data), "-o", "run", *SMALL], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert result.stderr.rstrip().endswith("-> run/report.html")
        return (tmp_path / "run" / "report.html").read_text()

    return pretrain


def test_page_shows_scores_curves_data_and_settings(page_of, dataset):
    page = page_of(dataset.path)
    check_accessible(page)
    sizes = dataset.sizes
    assert f"trained on {sizes['train']} records, with the best weights chosen on {sizes['val']} validation records" in page
    for word in (
        "run: pretraining",
        "explained",
        "frequencies of the tokens",
        "Learning curves",
        "longest",
        "mixer = &#34;conv&#34;",
    ):
        assert word in page
    [loss] = re.findall(r'<th scope="row">loss</th>\s*<td class="number">([\d.]+)</td>', page)
    best = next(line for line in reversed(seqmix.Run.open("run").history()) if line["best"])
    assert float(loss) == pytest.approx(best["val_loss"], abs=1e-3)
    assert not re.search(r'(src|href)="(?!#)', page)


def test_records_without_labels_are_all_counted(page_of, dataset, tmp_path):
    records = [dataset[i].text for i in range(20)]
    data = seqmix.prepare(records=records, output=tmp_path / "data", alphabet="dna", split="0.8,0,0.2")
    page = page_of(data.path)
    assert "trained on 20 records, with the last weights, as there is no validation split" in page
    assert "Scores on hidden tokens" not in page
