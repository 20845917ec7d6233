"""One small data set for each kind of data, and a model of it: what the contract of kinds and the tests of each share."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import seqmix
from tests.support import random_dna, train_tiny
from tests.support.preparing import prepare, write_jsonl

# Records `n`, a function of the seed: each with an id, and a text or values.


def dna_rows(n, seed=0):
    """AT-rich and GC-rich sequences."""
    rng = random.Random(seed)
    names = {"atrich": (6, 1, 1, 6), "gcrich": (1, 6, 6, 1)}
    kinds = [list(names)[i % 2] for i in range(n)]
    return [
        {"id": f"r{i}", "text": random_dna(rng.randint(15, 40), rng, names[name]), "label": name}
        for i, name in enumerate(kinds)
    ]


RICH = {"A-rich": (5, 1, 1, 1), "C-rich": (1, 5, 1, 1), "none": (1, 1, 3, 3), "both": (5, 5, 1, 1)}
LABELS = {"A-rich": ["adenine"], "C-rich": ["cytosine"], "none": [], "both": ["cytosine", "adenine"]}


def multilabel_rows(n, seed=0, separator=", "):
    """Sequences in which some letters are frequent, and the names of these."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        kind = list(RICH)[i % 4]
        text = random_dna(rng.randint(20, 40), rng, RICH[kind])
        made.append({"id": f"r{i}", "text": text, "label": separator.join(LABELS[kind])})
    return made


def regression_rows(n, seed=0):
    """Sequences, and a target that follows from their composition."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        text = random_dna(rng.randint(15, 40), rng, (rng.choice([0.3, 1, 4]), 1, 1, 1))
        made.append({"id": f"r{i}", "text": text, "y": round(10 + 3 * (text.count("A") - text.count("C")) / len(text), 4)})
    return made


def pair_rows(n, seed=0):
    """Pairs of sequences, AT-rich or GC-rich: are both alike? One alone does not tell."""
    rng = random.Random(seed)
    kinds = [(6, 1, 1, 6), (1, 6, 6, 1)]
    made = []
    for i in range(n):
        first, same = rng.randrange(2), i % 2
        texts = [random_dna(rng.randint(15, 30), rng, kinds[kind]) for kind in (first, first if same else 1 - first)]
        made.append({"id": f"r{i}", "text": texts[0], "text2": texts[1], "label": "same" if same else "other"})
    return made


def _shares(row):
    return [(row[name].count("G") + row[name].count("C")) / len(row[name]) for name in ("text", "text2")]


def pair_target_rows(n, seed=0):
    """Pairs, and the difference of their GC contents."""
    return [row | {"label": np.subtract(*_shares(row))} for row in pair_rows(n, seed)]


def pair_label_rows(n, seed=0):
    """Pairs, and which of the two are GC-rich."""

    def labels(row):
        return ",".join(name for name, share in zip(("first", "second"), _shares(row), strict=True) if share > 0.5)

    return [row | {"label": labels(row)} for row in pair_rows(n, seed)]


def number_rows(n, seed=0, channels=2):
    """Series whose class is the sign of their drift, and whose target is its size."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        length, drift = int(rng.integers(8, 30)), float(rng.uniform(0.5, 1.5)) * (1 if i % 2 else -1)
        series = rng.normal(size=(length, channels)) * 0.3
        series[:, 0] += drift
        values = np.round(series, 4).tolist()
        given = values if channels > 1 else [value for (value,) in values]
        made.append({"id": f"r{i}", "values": given, "label": "up" if drift > 0 else "down", "drift": round(drift, 4)})
    return made


def number_pair_rows(n, seed=0):
    """Pairs of series, and the class of the first."""
    others = [*number_rows(n, seed=seed + 1)[1:], *number_rows(1, seed=seed)]
    return [row | {"other": other["values"]} for row, other in zip(number_rows(n, seed), others, strict=True)]


def number_label_rows(n, seed=0):
    """Series, and whether their drift is up, is strong."""
    made = number_rows(n, seed)
    return [row | {"label": ["up"] * (row["drift"] > 0) + ["strong"] * (abs(row["drift"]) > 1)} for row in made]


COMMON = ["the", "of", "Ünïcode", "x2"]
OWN = {"cooking": ["salt", "pepper", "pan", "simmer", "onion"], "sailing": ["mast", "wind", "rope", "anchor", "harbour"]}


def word_rows(n, seed=0):
    """Texts on two subjects, each with words of its own."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        name = list(OWN)[i % 2]
        words = rng.choices([*OWN[name], *COMMON], k=rng.randint(6, 25))
        made.append({"id": f"r{i}", "text": rng.choice([" ", "  ", "\n", "\t"]).join(words), "label": name})
    return made


def word_pair_rows(n, seed=0):
    """Pairs of texts, and a target that is in the first."""
    pairs = zip(word_rows(n, seed), word_rows(n, seed + 1), strict=True)
    return [row | {"second": other["text"], "y": i % 2 + 0.5} for i, (row, other) in enumerate(pairs)]


@dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        rows: gives n records.
        options: what `prepare` is told.
        n: how many records there are.
        epochs: of the model.
        learned: the least scores after these epochs, of the split `learned_of`.
        baseline: the best simple method, and the least of its first score on the test split.
        settings: of a training in which chance has a part.
    """

    rows: Callable
    options: dict
    n: int
    epochs: int
    learned: dict
    baseline: tuple
    learned_of: str = "test"
    settings: tuple = ("model.dropout=0.2", "training.crop=0.5")

    @property
    def task(self):
        return self.options.get("task", "multilabel" if "label_separator" in self.options else "classification")

    @property
    def inputs(self):
        """The names of a record's texts or values."""
        return [name for name in ("text", "values", "text2", "other", "second") if name in self.rows(1)[0]]


_TARGET, _DRIFT = {"task": "regression"}, {"task": "regression", "label_from": "column:drift", "tolerance": 0.2}
_COMPOSITION = {"task": "regression", "label_from": "column:y", "tolerance": 0.3}
_WORD_PAIRS = {"alphabet": "words", "pair_column": "second", "task": "regression", "label_from": "column:y"}
_ALL, _MOST = {"exact match": 1, "micro-F1": 1, "macro-F1": 1}, {"R2": 0.9, "within tolerance": 0.9}
_STRANDS = ("model.dropout=0.2", "training.reverse_complement=0.5")
KINDS = {
    "classification": Kind(dna_rows, {}, 60, 6, {"accuracy": 1}, ("4-mers", 0.7)),
    "multilabel": Kind(multilabel_rows, {"label_separator": ","}, 80, 25, _ALL, ("4-mers", 0.3), "train"),
    "regression": Kind(regression_rows, _COMPOSITION, 60, 40, _MOST, ("4-mers", 0.5), "train"),
    "pairs": Kind(pair_rows, {"pair_column": "text2"}, 120, 25, {"accuracy": 1}, ("4-mers", 0.7), settings=_STRANDS),
    "numbers": Kind(number_rows, {}, 60, 6, {"accuracy": 1}, ("means and spreads", 1)),
    "words": Kind(word_rows, {"alphabet": "words"}, 60, 15, {"accuracy": 0.9}, ("word 1-2-grams", 1)),
    "subwords": Kind(word_rows, {"alphabet": "subwords"}, 60, 15, {"accuracy": 0.9}, ("word 1-2-grams", 1)),
}
COMBINATIONS = {
    "pairs, targets": Kind(pair_target_rows, _TARGET | {"pair_column": "text2"}, 60, 20, {"R2": 0.7}, ("4-mers", -1)),
    "pairs, labels": Kind(
        pair_label_rows, {"pair_column": "text2", "label_separator": ","}, 60, 20, {"exact match": 0.7}, ("4-mers", 0)
    ),
    "numbers, targets": Kind(number_rows, _DRIFT, 60, 12, {"R2": 0.9}, ("means and spreads", 0.5)),
    "numbers, labels": Kind(number_label_rows, {"label_separator": ";"}, 40, 2, {"ROC AUC": 0}, ("means and spreads", 0)),
    "pairs of numbers": Kind(number_pair_rows, {"pair_column": "other"}, 40, 2, {"ROC AUC": 0}, ("means and spreads", 0)),
    "pairs of words, targets": Kind(word_pair_rows, _WORD_PAIRS, 40, 15, {"R2": 0.5}, ("word 1-2-grams", -1)),
}


class Made:
    """A kind of data with its file, data set, model and evaluation, each made when it is first asked for."""

    def __init__(self, kind: Kind, folder: Path):
        self.kind, self.folder, self.rows = kind, folder, kind.rows(kind.n)

    @cached_property
    def file(self):
        return write_jsonl(self.folder / "x.jsonl", self.rows)

    @cached_property
    def data(self):
        return prepare(self.file, self.folder / "data", **self.kind.options)

    @cached_property
    def run(self):
        return train_tiny(self.data, self.folder / "run", epochs=self.kind.epochs)

    @cached_property
    def evaluation(self):
        """The scores on the test split; its files are in `folder / "test"`."""
        return seqmix.evaluate(self.run, output=self.folder / "test", resamples=50)

    @property
    def test_rows(self):
        by_id, names = {row["id"]: row for row in self.rows}, self.data.ids()
        return [by_id[names[i]] for i in self.data.indices("test")]
