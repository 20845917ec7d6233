"""Evaluation: each record counted once, scores beside simple baselines, self-contained reports, clear errors."""

import json
import math
import random
import re
import shutil
import tempfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as oracle

import seqmix
from seqmix.errors import ConfigError, DatasetError, InputError, RunError
from seqmix.evaluation.report import report_html
from seqmix.evaluation.tables import score_table
from seqmix.objectives.metrics import Score
from tests.support import oracles, random_dna, values, write_fasta
from tests.support.pages import check_accessible


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    """The evaluation of the trained run on its test split, and the folder of its files."""
    folder = tmp_path_factory.mktemp("evaluation")
    return seqmix.evaluate(trained, output=folder, resamples=100), folder


@pytest.fixture
def copy(trained, tmp_path):
    return Path(shutil.copytree(trained.path, tmp_path / "run"))


def sequences_of(dataset, indices):
    ids = dataset.ids()
    return [
        (f"{ids[i]} label={dataset.classes[dataset.labels[i]]}", dataset.vocabulary.decode(dataset.tokens(i).tolist()))
        for i in indices
    ]


def test_each_record_is_counted_once(evaluated, dataset, trained):
    result, _ = evaluated
    test = dataset.indices("test")
    assert result.records == len(test)
    np.testing.assert_array_equal(np.sum(result.confusion, axis=1), np.bincount(dataset.labels[test]))
    assert [row["records"] for row in result.per_class] == np.bincount(dataset.labels[test]).tolist()
    assert result.source == "test split"
    counted, announced = [], []
    seqmix.evaluate(trained, output=evaluated[1], resamples=100, on_start=announced.append, on_batch=counted.append)
    assert announced == [len(test)]
    assert sum(counted) == len(test)


def test_scores_match_scikit_learn(evaluated, dataset, trained, tmp_path):
    result, _ = evaluated
    test = dataset.indices("test")
    file = write_fasta(tmp_path / "test.fa", sequences_of(dataset, test))
    found = np.array([list(p.probabilities.values()) for p in seqmix.predict(file, trained)])
    labels, predicted = dataset.labels[test], found.argmax(1)
    assert values(result) == pytest.approx(oracles.classification(found, labels), abs=1e-5)
    assert result.confusion == oracle.confusion_matrix(labels, predicted).tolist()


def test_every_split_can_be_evaluated_and_training_data_is_flagged(trained, dataset, tmp_path):
    for split in ("train", "val"):
        result = seqmix.evaluate(trained, split=split, output=tmp_path, baselines=False, resamples=2)
        assert result.records == len(dataset.indices(split))
        assert result.source == f"{split} split"
        assert any("nothing about new data" in note for note in result.notes) == (split == "train")
    with pytest.raises(ConfigError, match="train, val, test"):
        seqmix.evaluate(trained, split="testing", output=tmp_path)


def test_evaluation_is_reproducible(evaluated, trained, tmp_path):
    seqmix.evaluate(trained, output=tmp_path, resamples=100)
    for name in ("evaluation.json", "predictions-test.tsv", "report.html"):
        one, other = ((folder / name).read_text(encoding="utf-8") for folder in (tmp_path, evaluated[1]))
        times = re.compile(r'(<th scope="row">(?:time|ended \(UTC\))</th>).*?</tr>', re.DOTALL)
        assert times.sub(r"\1", one) == times.sub(r"\1", other)


def test_evaluation_json_is_valid_and_complete(evaluated, trained):
    result, folder = evaluated

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    content = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert content["seqmix"] == seqmix.__version__
    assert content["records"] == result.records
    assert content["classes"] == ["atrich", "gcrich"]
    for score in content["scores"].values():
        assert score["low"] <= score["value"] <= score["high"]
    assert 0 <= content["calibration_error"] <= 1
    assert content["confusion"] == result.confusion
    assert set(content["baselines"]) == {"largest class", "length only", "composition", "4-mers", "6-mers", "best k-mers"}
    assert len(content["history"]) == len(trained.history())


class Resources(HTMLParser):
    """Collects everything in a page that a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.found, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        fetched = ("src", "href", "xlink:href", "data", "action", "srcset", "poster")
        self.found += [value for name, value in attrs if name in fetched and not value.startswith(("#", "data:"))]


def test_report_is_self_contained(evaluated):
    page = (evaluated[1] / "report.html").read_text(encoding="utf-8")
    parser = Resources()
    parser.feed(page)
    assert parser.found == []
    assert not {"script", "link", "iframe", "img"} & set(parser.tags)
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import", page)
    names_only = r"www\.w3\.org|purl\.org|creativecommons\.org"  # XML namespaces, which are not fetched
    assert not re.findall(rf"https?://(?!{names_only})", page)
    assert parser.tags.count("svg") == 5  # confusion, ROC, precision and recall, reliability, learning curves
    check_accessible(page)
    for text in ("atrich", "ROC AUC", "95 % interval", "4-mers", "Confusion", "Reliability", "Learning curves"):
        assert text in page


def test_class_names_are_escaped_in_report(tmp_path):
    rng = random.Random(0)
    names = ("<script>alert(1)</script>", 'R&D "x"')
    with (tmp_path / "odd.tsv").open("w") as out:
        out.write("id\tsequence\tlabel\n")
        for i in range(30):
            out.write(f"r{i}\t{random_dna(30, rng)}\t{names[i % 2].replace(chr(34), chr(39))}\n")
    data = seqmix.prepare(tmp_path / "odd.tsv", tmp_path / "data", options=seqmix.PrepareOptions(alphabet="dna"))
    run = seqmix.train(data, tmp_path / "run", epochs=1, settings=["model.d_model=4", "mixer.d_hidden=4"])
    seqmix.evaluate(run, baselines=False, resamples=2)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    parser = Resources()
    parser.feed(page)
    assert "script" not in parser.tags
    assert "&lt;script&gt;" in page


def test_scores_of_new_files_equal_those_of_their_split(evaluated, trained, dataset, tmp_path):
    file = write_fasta(tmp_path / "new.fa", sequences_of(dataset, dataset.indices("test")))
    result = seqmix.evaluate(trained, data=[file], label_from="header:label", output=tmp_path / "out", resamples=100)
    old = evaluated[0]
    assert result.source == str(file)
    assert values(result) == pytest.approx(values(old), abs=1e-6)
    assert result.confusion == old.confusion
    assert result.baselines.keys() == old.baselines.keys()
    assert not (trained.path / "evaluation.json").exists()


def test_labels_of_new_files_use_label_source_of_training_data(trained, dataset, two_class_files, tmp_path):
    result = seqmix.evaluate(trained, data=two_class_files, output=tmp_path, baselines=False, resamples=2)
    assert result.records == len(dataset)


def test_new_files_are_truncated_like_training_data(dataset, two_class_files, tmp_path):
    settings = ["model.d_model=4", "mixer.d_hidden=4", "data.truncate=end"]
    run = seqmix.train(dataset, tmp_path / "run", pooling="flat", max_length=45, epochs=1, settings=settings)
    on_split = seqmix.evaluate(run, output=tmp_path / "split", baselines=False, resamples=2)
    file = write_fasta(tmp_path / "new.fa", sequences_of(dataset, dataset.indices("test")))
    on_file = seqmix.evaluate(
        run, data=[file], label_from="header:label", output=tmp_path / "file", baselines=False, resamples=2
    )
    assert on_file.scores["log loss"].value == pytest.approx(on_split.scores["log loss"].value, abs=1e-6)


def test_class_missing_from_new_files_is_noted(trained, two_class_files, tmp_path):
    result = seqmix.evaluate(trained, data=two_class_files[:1], label_from="file", output=tmp_path, resamples=5)
    assert any("gcrich" in note for note in result.notes)
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert content["scores"]["ROC AUC"]["value"] is None
    assert content["confusion"][1] == [0, 0]


def refused(trained, tmp_path, error, message, **options):
    with pytest.raises(error, match=message):
        seqmix.evaluate(trained, output=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_class_unknown_to_model_is_an_error(trained, tmp_path):
    rng = random.Random(1)
    records = [(f"r{i} label={name}", random_dna(50, rng)) for i, name in enumerate(["atrich", "virus", "gcrich"])]
    file = write_fasta(tmp_path / "new.fa", records)
    refused(trained, tmp_path, InputError, "'virus'.*atrich, gcrich", data=[file], label_from="header:label")


def test_unusable_files_are_explained(trained, tmp_path):
    rng = random.Random(2)
    unlabelled = write_fasta(tmp_path / "plain.fa", [(f"r{i}", random_dna(40, rng)) for i in range(3)])
    refused(trained, tmp_path, InputError, "plain", data=[unlabelled], label_from="header:label")
    protein = write_fasta(tmp_path / "protein.fa", [("p1 label=atrich", "MKLVEEFWPQ")])
    refused(trained, tmp_path, InputError, "not a nucleotide code", data=[protein], label_from="header:label")
    refused(trained, tmp_path, InputError, "no such file", data=[tmp_path / "missing.fa"])


def test_sequence_too_long_for_model_is_an_error(dataset, tmp_path):
    longest = int(dataset.lengths.max())
    settings = ["model.d_model=4", "mixer.d_hidden=4"]
    run = seqmix.train(dataset, tmp_path / "run", pooling="flat", epochs=1, settings=settings)
    file = write_fasta(tmp_path / "long.fa", [("long label=atrich", "A" * (longest + 1)), ("b label=gcrich", "GCGC")])
    message = f"{longest + 1} characters, the model takes at most {longest}"
    refused(run, tmp_path, ConfigError, message, data=[file], label_from="header:label", baselines=False)


def test_changed_data_set_is_an_error(dataset, two_class_files, tmp_path):
    data = seqmix.prepare(two_class_files, tmp_path / "data")
    run = seqmix.train(data, tmp_path / "run", epochs=1, settings=["model.d_model=4", "mixer.d_hidden=4"])
    other = seqmix.PrepareOptions(seed=1)
    seqmix.prepare(two_class_files, tmp_path / "data", options=other, overwrite=True)
    refused(run, tmp_path, DatasetError, "have changed since")
    result = seqmix.evaluate(run, data=two_class_files, output=tmp_path / "files", resamples=2)
    assert result.baselines == {}
    assert any("no baselines" in note for note in result.notes)
    with (tmp_path / "data" / "labels.npy").open("r+b") as file:
        file.seek(130)
        file.write(b"\x01")
    refused(run, tmp_path, DatasetError, "checksum")
    shutil.rmtree(tmp_path / "data")
    refused(run, tmp_path, DatasetError, "is missing.*with data")


def test_moved_data_set_can_be_given(evaluated, copy, dataset, tmp_path):
    moved = shutil.copytree(dataset.path, tmp_path / "moved")
    config = (copy / "config.toml").read_text()
    (copy / "config.toml").write_text(config.replace(str(dataset.path), str(tmp_path / "gone")))
    result = seqmix.evaluate(copy, data=[moved], resamples=100)
    assert result.scores == evaluated[0].scores
    assert (copy / "report.html").exists()


def test_run_without_weights_is_an_error(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(RunError, match="resume=True"):
        seqmix.evaluate(copy)
    assert not (copy / "evaluation.json").exists()


def test_newest_run_is_evaluated_into_its_own_folder(copy, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    run = copy.rename(tmp_path / "runs" / "001-paramixer-chord")
    monkeypatch.chdir(tmp_path)
    seqmix.evaluate(baselines=False, resamples=2)
    assert (run / "evaluation.json").exists()
    assert (run / "report.html").exists()


def test_empty_split_is_an_error(two_class_files, tmp_path):
    data = seqmix.prepare(two_class_files, tmp_path / "data", options=seqmix.PrepareOptions(split="0.8,0.2,0"))
    run = seqmix.train(data, tmp_path / "run", epochs=1, settings=["model.d_model=4", "mixer.d_hidden=4"])
    refused(run, tmp_path, DatasetError, "test split is empty")


def test_unwritable_output_is_explained(trained, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        seqmix.evaluate(trained, output=tmp_path / "file" / "folder", baselines=False, resamples=2)


def test_no_temporary_files_remain(trained, two_class_files, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    seqmix.evaluate(trained, data=two_class_files, output=tmp_path / "out", baselines=False, resamples=2)
    assert list(scratch.iterdir()) == []


def test_report_accepts_any_class_name(evaluated, trained):
    odd = ["cost $5 \\alpha $", "\u7a2e" * 60]
    roc = {odd[1]: next(iter(evaluated[0].roc.values()))}
    recall = {odd[1]: next(iter(evaluated[0].precision_recall.values()))}
    page = report_html(replace(evaluated[0], classes=odd, roc=roc, precision_recall=recall), trained)
    assert page.count("<svg") == 5


def test_square_images_are_shown_in_report(tmp_path):
    dataset = seqmix.generate("pathfinder", tmp_path / "data", difficulty="easy", train=8, val=2, test=5)
    run = seqmix.train(
        dataset, tmp_path / "run", max_steps=1, settings=["model.d_model=4", "mixer.d_hidden=4", "model.stem=none"]
    )
    result = seqmix.evaluate(run, resamples=2)
    assert len(result.pictures) == 5
    first = dataset.indices("test")[0]
    picture = result.pictures[0]
    assert picture["side"] == 32 and picture["true"] == dataset.classes[dataset.labels[first]]
    assert [value + 2 for value in picture["intensities"]] == dataset.tokens(first).tolist()
    assert "The first records as images" in (run.path / "report.html").read_text()
    assert result.columns[0] == "accuracy" and "values at each position" in result.baselines


def test_evaluating_new_files_keeps_evaluation_of_test_split(copy, dataset, tmp_path):
    file = write_fasta(
        tmp_path / "new.fa", sequences_of(dataset, [*dataset.indices("train")[:3], *dataset.indices("test")[:4]])
    )
    seqmix.evaluate(copy, resamples=2)
    before = (copy / "evaluation.json").read_text()
    result = seqmix.evaluate(copy, data=[file], label_from="header:label", resamples=2)
    assert (copy / "evaluation.json").read_text() == before
    assert (copy / "eval-new" / "report.html").is_file()
    note = "3 of 7 records were trained on: these scores say little about new data"
    assert note in result.notes
    alone = seqmix.evaluate(copy, data=[file], label_from="header:label", resamples=2, baselines=False)
    assert note in alone.notes and not alone.baselines


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        ((5 / 6, 0.75, 14 / 15), "0.833 (0.750 to 0.933)"),
        ((5 / 6, math.nan, math.nan), "0.833"),
        ((math.nan, math.nan, math.nan), "undefined"),
        ((0.0, -1e-17, 1.0), "0.000 (0.000 to 1.000)"),
        ((1234.5, 1.2e-5, 2345.6), "1234.500 (1.2e-05 to 2345.600)"),
    ],
)
def test_score_is_printed_with_interval(score, shown):
    assert str(Score(*score)) == shown


def test_results_show_their_headline_and_scores_are_numbers(evaluated):
    result, _ = evaluated
    accuracy = result.scores["accuracy"]
    assert f"{accuracy:.3f}" == f"{accuracy.value:.3f}" and float(accuracy) == accuracy.value
    assert str(accuracy) == f"{accuracy}" == f"{accuracy:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})"
    assert repr(accuracy).startswith("Score(value=")
    shown = repr(result)
    assert shown.startswith("<Evaluation: classification, test split, 16 records; ") and len(shown) < 250
    assert f"accuracy {accuracy:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})" in shown
    assert all(name in shown for name in ("macro-F1", "ROC AUC")) and "MCC" not in shown


def test_notebook_shows_table_of_all_scores(evaluated):
    result = replace(evaluated[0], source="<b>new</b>.fa")
    shown = result._repr_html_()
    assert all(name in shown for name in result.scores) and f"{result.scores['MCC']:.3f}" in shown
    assert "&lt;b&gt;new" in shown and "<b>new" not in shown


@pytest.mark.parametrize("split", ["dev", ""])
def test_unknown_split_error_names_parameter(split, trained, tmp_path):
    refused(trained, tmp_path, ConfigError, f"split must be one of train, val, test: got '{split}'", split=split)


@pytest.mark.parametrize("bounds", [(math.nan, math.nan), (0.4, 0.4)])
def test_interval_that_says_nothing_is_not_shown(bounds, evaluated):
    result = replace(evaluated[0], scores=evaluated[0].scores | {"accuracy": Score(0.4, *bounds)}, far={})
    [row] = [row.cells for row in score_table(result).rows if row.cells[0] == "accuracy"]
    assert row == ("accuracy", "0.400", "-")
    assert "accuracy 0.400, macro-F1" in repr(result)
