"""What all tasks have in common: options, seeds and streams of samples."""

from itertools import islice

import numpy as np
import pytest

from seqmix.data.synthetic.base import split_generators
from seqmix.data.synthetic.tasks import TASKS, find_task
from tests.support.preparing import message_of

SMALL = {"adding": 20, "temporal-order": 20, "listops": 600, "pathfinder": 1024, "motifs": 200}


def key(sample):
    text = sample.text
    return (text.tobytes() if isinstance(text, np.ndarray) else text), sample.label


def drawn(name, count, seed=0, split="train"):
    task = find_task(name)
    options = task.options({"length": SMALL[name]})
    return [key(sample) for sample in task.samples(count, split_generators(seed)[split], options)]


def test_tasks_are_found_by_name():
    assert list(TASKS) == ["adding", "temporal-order", "listops", "pathfinder", "motifs"]
    assert all(task.name == name for name, task in TASKS.items())


@pytest.mark.parametrize("name", TASKS)
def test_task_attributes_are_consistent(name):
    task = find_task(name)
    assert (task.kind == "regression") == (not task.classes) == (task.tolerance is not None)
    assert task.alphabet in ("real", "chars", "words", "bytes", "dna")


@pytest.mark.parametrize("name", TASKS)
def test_equal_seeds_give_equal_samples(name):
    assert drawn(name, 8) == drawn(name, 8)
    assert set(drawn(name, 8)).isdisjoint(drawn(name, 8, seed=1))


@pytest.mark.parametrize("name", TASKS)
def test_splits_are_independent(name):
    task = find_task(name)
    options = task.options({"length": SMALL[name]})
    later = []
    for train in (3, 40):
        generators = split_generators(5)
        first = [key(sample) for sample in task.samples(train, generators["train"], options)]
        later.append([[key(sample) for sample in task.samples(6, generators[split], options)] for split in ("val", "test")])
    assert later[0] == later[1]
    assert len({*first, *later[0][0], *later[0][1]}) == len(first) + 12


@pytest.mark.parametrize("name", TASKS)
def test_first_samples_do_not_depend_on_count(name):
    few, many = drawn(name, 5), drawn(name, 30)
    assert (len(few), len(many)) == (5, 30)
    assert many[:5] == few
    assert drawn(name, 0) == []


@pytest.mark.parametrize("name", TASKS)
def test_samples_are_generated_on_demand(name):
    task = find_task(name)
    endless = task.samples(10**12, np.random.default_rng(0), task.options({"length": SMALL[name]}))
    assert len(list(islice(endless, 3))) == 3


@pytest.mark.parametrize("name", TASKS)
def test_labels_are_classes_or_numbers(name):
    task = find_task(name)
    labels = {label for _, label in drawn(name, 60)}
    if task.kind == "classification":
        assert labels <= set(task.classes)
    else:
        assert all(repr(float(label)) == label for label in labels)


@pytest.mark.parametrize("name", TASKS)
def test_show_includes_label(name):
    task = find_task(name)
    for sample in task.samples(20, np.random.default_rng(0), task.options({})):
        shown = task.show(sample)
        if task.kind == "classification":
            assert shown.rstrip().endswith(sample.label)
        assert name == "pathfinder" or (len(shown) <= 130 and "\n" not in shown)


def test_unknown_task_error_lists_tasks():
    assert message_of(find_task, "sorting") == (
        "there is no task 'sorting'; available: adding, temporal-order, listops, pathfinder, motifs"
    )


def test_unknown_option_is_an_error_and_none_means_default():
    options = find_task("adding").options({"length": 50, "min_length": None})
    assert options.length == 50
    message = message_of(find_task("adding").options, {"min_length": 5})
    assert message == "the task 'adding' has no option min_length; it has: length"
    assert "difficulty" in message_of(find_task("listops").options, {"difficulty": "hard"})


@pytest.mark.parametrize(
    ("name", "given", "part"),
    [
        ("adding", {"length": 1}, "length must be from 2 to 134,217,728: got"),
        ("temporal-order", {"length": 0}, "length must be from 2 to 134,217,728: got"),
        ("adding", {"length": 10.5}, "length must be a whole number: got 10.5"),
        ("adding", {"length": True}, "length must be a whole number: got True"),
        ("listops", {"length": 501}, "length must be at least 502"),
        ("listops", {"min_length": -1}, "min_length must be from 0 to 134,217,728: got -1"),
        ("listops", {"max_depth": 0}, "max_depth must be from 1 to 1,000: got 0"),
        ("listops", {"max_args": 1}, "max_args must be from 2 to 10,000: got 1"),
        ("listops", {"max_depth": 3}, "allow at most 122 words"),
        ("pathfinder", {"length": 1000}, "1024 (32 x 32), 4096 (64 x 64), 16384 (128 x 128): got 1000"),
        ("pathfinder", {"difficulty": "harder"}, "difficulty must be one of easy, medium, hard: got 'harder'"),
    ],
)
def test_invalid_options_are_explained(name, given, part):
    assert part in message_of(find_task(name).options, given)


def test_negative_seed_is_an_error():
    assert message_of(split_generators, -1) == "seed must be from 0 to 9,223,372,036,854,775,807: got -1"
