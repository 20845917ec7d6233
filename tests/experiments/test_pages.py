"""The pages of campaigns: everybody can read them, they say first what they show, and how their results were made."""

import pytest

from seqmix.experiments.comparison.distinguish import Distinction
from seqmix.experiments.comparison.report import comparison_html
from seqmix.experiments.comparison.result import Comparison
from seqmix.experiments.data_set import data_description
from seqmix.experiments.reproduction.papers import LRA
from seqmix.experiments.reproduction.report import reproduction_html
from seqmix.experiments.reproduction.result import Reproduction
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.scalability.report import scalability_html
from seqmix.experiments.scalability.result import Scalability
from tests.support.pages import Page, check_accessible

ENVIRONMENT = {"seqmix": "9.9", "python": "3.14", "command": "seqmix compare data --budget '1 h'"}
SETTINGS = {"budget": 60.0, "settings": [], "jobs": 2, "threads": 1, "train": 10}


def trials(mixers, task="", **more):
    history = [
        {"epoch": n, "step": n, "train_loss": 1 / n, "seconds": 1.0, "val_accuracy": 0.5, "val_log loss": 0.5} for n in (1, 2)
    ]
    scores = {"accuracy": 0.75, "macro-F1": 0.7, "ROC AUC": 0.8}
    return [
        Trial(
            **{"task": task, "method": mixer, "mixer": mixer, "seed": seed, "folder": f"runs/{mixer}-seed{seed}"} | more,
            scores={name: value + seed / 100 for name, value in scores.items()},
            peak_bytes=1_000_000 * (seed + 1),
            history=history,
            seconds=2.0,
        )
        for mixer in mixers
        for seed in range(2)
    ]


@pytest.fixture
def comparison(dataset):
    difference = {"score": "accuracy", "first": 0.7, "second": 0.8, "difference": -0.1, "low": -0.2, "high": -0.01}
    difference |= {"p_value": 0.02, "test": "t", "share": True}
    found = Comparison(
        settings=SETTINGS, environment=ENVIRONMENT, data=data_description(dataset), trials=trials(["conv", "softmax"])
    )
    found.baselines = {"largest class": {"accuracy": 0.5, "macro-F1": 0.3, "ROC AUC": 0.5}}
    found.distinctions = [
        Distinction(mixer="conv", reference="mixer", other="softmax", difference=difference, corrected=0.04, verdict="worse")
    ]
    return found


def test_comparison_says_first_who_is_distinguishable_then_what_the_data_were(comparison, dataset):
    page = comparison_html(comparison)
    check_accessible(page)
    headings = [words for tag in ("h1", "h2") for _, words in Page(page).contents(tag)]
    assert headings[1:] == [
        "Who is distinguishable",
        "Scores and costs",
        "Figures",
        "Runs",
        "Data",
        "How this was made",
        "Settings",
    ]
    [sentence] = comparison.verdict
    assert page.index(sentence) < page.index("Every mixer was trained")
    for words in (dataset.fingerprint, dataset.info["inputs"][0]["sha256"], "seqmix compare data --budget", "4 trainings"):
        assert words in page
    assert str(dataset.path.absolute()) not in page


def test_page_of_a_comparison_of_an_earlier_version_has_no_section_on_the_data(comparison):
    for name in ("info", "noun", "nearness"):
        del comparison.data[name]
    comparison.environment = {}
    page = comparison_html(comparison)
    check_accessible(page)
    assert "called from Python" in page and "<h2>Data</h2>" not in page


def test_every_campaign_has_an_accessible_page():
    found = Reproduction(suite=LRA, settings=SETTINGS, environment=ENVIRONMENT, trials=trials(["skyformer"], "text"))
    found.data = {"text": {"from": "aclImdb", "fingerprint": "abc", "counts": {"train": 1, "val": 2, "test": 3}}}
    check_accessible(reproduction_html(found))
    measured = Scalability(settings=SETTINGS, environment=ENVIRONMENT, test=100, mixers=["conv"])
    measured.trials = trials(["conv"], "temporal-order", length=64, settings={"training": {"batch_size": 16}})
    check_accessible(scalability_html(measured))
