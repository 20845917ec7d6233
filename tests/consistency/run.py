"""Change a data set or a run, use it, and report what is neither the same answer nor a `SeqmixError` of one line."""

import hashlib
import random
import shutil
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import seqmix
from seqmix.errors import SeqmixError
from seqmix.training.events import StepEnd
from tests.consistency.changes import apply
from tests.support import train_tiny
from tests.support.kinds import KINDS
from tests.support.preparing import prepare, with_nearness, write_jsonl

DATA = ("classification", "multilabel", "regression", "pairs", "numbers", "words", "subwords")
ARRAYS = ("tokens.npy", "offsets.npy", "labels.npy", "split.npy", "ids.txt", "groups.npy", "nearness.npy")
RUN = ("config.toml", "dataset.json", "metrics.jsonl", "environment.json", "model.safetensors")
LAST = (
    "last/state.safetensors",
    "last/lexical.safetensors",
    "config.toml",
    "dataset.json",
    "metrics.jsonl",
    "model.safetensors",
)
NEW = {"classification": ["ACGTACGTTTGA", "GGCC"], "words": ["the salt of the pan", "wind, and rope"]}


@dataclass(frozen=True)
class Subject:
    """Something that is changed and used.

    Attributes:
        name: what it is.
        folder: where it is.
        files: those that are changed.
        answer: uses a copy of the folder, and returns a checksum of what it answers.
        wanted: what the folder answers as it is.
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    answer: Callable[[Path], str]
    wanted: str


def _checksum(*values: Any) -> str:
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).hexdigest()


def _plain(text: Any) -> Any:
    return text.tolist() if isinstance(text, np.ndarray) else text


def data_answer(folder: Path) -> str:
    """Return a checksum of all that a training reads of a data set, and of all that people are shown of its records."""
    data = seqmix.Dataset.open(folder)
    records = [(r.id, _plain(r.text), _plain(r.pair), r.label, r.split) for r in data]
    tokens = [[part.tolist() for part in data.sequences(i)] for i in range(len(data))]
    vocabulary = data.vocabulary.to_dict()
    repr(data), data._repr_html_(), data.sizes
    extra = [None if array is None else array.tolist() for array in (data.groups, data.nearness)]
    numbers = [data.labels.tolist(), data.split.tolist(), *extra]
    return _checksum(records, tokens, vocabulary, data.objective, data.classes, numbers)


def predictions(new: list[str]) -> Callable[[Path], str]:
    """Return what makes a checksum of a run's answers for new records."""

    def answer(folder: Path) -> str:
        run = seqmix.Run.open(folder)
        found = [(p.label, p.value, dict(p.probabilities)) for p in run.predict(new, threads=1)]
        repr(run), run.history(), run.n_parameters, run.learned_nothing
        return _checksum(found)

    return answer


def resumed(folder: Path) -> str:
    """Return a checksum of the weights of a training that is brought to its end, and of the steps in its log."""
    run = seqmix.train(output=folder, resume=True)
    weights = {name: tensor.tolist() for name, tensor in run.weights()[0].items()}
    return _checksum(weights, [(line["epoch"], line["step"]) for line in run.history()])


def subjects(folder: Path) -> list[Subject]:
    """Make small data sets and runs in a folder."""
    made, data = [], {}
    for name in DATA:
        kind = KINDS[name]
        file = write_jsonl(folder / f"{name}.jsonl", kind.rows(min(kind.n, 40)))
        data[name] = prepare(file, folder / name, **kind.options)
        with_nearness(data[name].path)
        made.append(_subject(f"data set of {name}", data[name].path, (*ARRAYS, "dataset.json"), data_answer))
    for name, new in NEW.items():
        run = train_tiny(data[name], folder / f"{name}-run", "model.lexical=auto", epochs=1)
        made.append(_subject(f"run of {name}", run.path, RUN, predictions(new)))
    made.append(_subject("interrupted run", _interrupted(data["classification"], folder / "begun"), LAST, resumed))
    return made


def _subject(name: str, folder: Path, files: tuple[str, ...], answer: Callable[[Path], str]) -> Subject:
    copy = shutil.copytree(folder, folder.with_name(f"{folder.name}-as-it-is"))
    wanted = answer(copy)
    shutil.rmtree(copy)
    return Subject(name, folder, files, answer, wanted)


def _interrupted(data: seqmix.Dataset, folder: Path) -> Path:
    """Return a run of two epochs that was stopped in the second."""

    class Stop(Exception):  # noqa: N818 - an interruption, not a mistake
        pass

    def stop(event: Any) -> None:
        if isinstance(event, StepEnd) and event.epoch == 2:
            raise Stop

    options = {"epochs": 2, "on_event": stop, "batch_size": 8, "tokens_per_batch": None}
    try:
        train_tiny(data, folder, "model.lexical=auto", "training.save_every=1", **options)
    except Stop:
        return folder
    raise AssertionError("it was not interrupted")


def changes(seed: int, made: list[Subject], scratch: Path, counts: Counter[str]) -> Iterator[tuple[int, str]]:
    """Yield the findings among changes that follow from a seed and the next ones: the seed, and what happened.

    Args:
        seed: of the first change.
        made: what is changed.
        scratch: an empty folder.
        counts: gets the number of changes with each outcome.
    """
    while True:
        counts["changes"] += 1
        found = one(seed, made, scratch, counts)
        yield seed, found
        seed += 1


def one(seed: int, made: list[Subject], scratch: Path, counts: Counter[str]) -> str:
    """Make one change and use what was changed; return what went wrong, "" for nothing."""
    rng = random.Random(seed)
    subject = made[seed % len(made)]
    mended = rng.random() < 0.5
    copy = scratch / "changed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(subject.folder, copy)
    done = "nothing"
    try:
        done = apply(copy, rng.choice(subject.files), rng, mended=mended)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = subject.answer(copy)
    except SeqmixError as error:
        counts["refused"] += 1
        text = str(error)
        return f"{subject.name}, {done}: several lines: {text!r}" if "\n" in text else ""
    except Exception:  # whatever is not one line for the user is a finding
        counts["wrong"] += 1
        return f"{subject.name}, {done}, {'mended' if mended else 'as it is'}:\n{traceback.format_exc()}"
    if answer == subject.wanted:
        counts["the same answer"] += 1
        return ""
    if mended:  # a consistent change is another data set, or another run
        counts["another, whose checksums were computed again"] += 1
        return ""
    counts["wrong"] += 1
    return f"{subject.name}, {done}: another answer"
