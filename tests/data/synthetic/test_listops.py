"""ListOps, compared with an evaluator that reads the text, and with naive rejection sampling."""

import random
import statistics
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from seqmix.data.synthetic import listops
from seqmix.data.synthetic.tasks import find_task
from tests.support.preparing import message_of

TASK = find_task("listops")
SMALL = {"length": 40, "min_length": 8, "max_depth": 5, "max_args": 5}


def draw(count, given, seed=0):
    return list(TASK.samples(count, np.random.default_rng(seed), TASK.options(given)))


def parse(words):
    """Remove the tree at the front of `words` and return it: a digit or (operator, arguments)."""
    word = words.pop(0)
    if word.isdigit():
        return int(word)
    arguments = []
    while words[0] != "]":
        arguments.append(parse(words))
    words.pop(0)
    return word, arguments


def evaluate(tree):
    if isinstance(tree, int):
        return tree
    values = [evaluate(argument) for argument in tree[1]]
    return {"[MIN": min, "[MAX": max, "[MED": lambda v: int(statistics.median(v)), "[SM": lambda v: sum(v) % 10}[tree[0]](
        values
    )


def nodes(tree, depth=1):
    """Yield every node with its depth."""
    yield tree, depth
    if not isinstance(tree, int):
        for argument in tree[1]:
            yield from nodes(argument, depth + 1)


def naive_tree(rng, max_depth, max_args, depth=1):
    if depth == max_depth or rng.random() >= 0.25:
        return rng.randrange(10)
    count = rng.randint(2, max_args)
    arguments = [naive_tree(rng, max_depth, max_args, depth + 1) for _ in range(count)]
    return rng.choice(["[MIN", "[MAX", "[MED", "[SM"]), arguments


def length_of(tree):
    return sum(1 if isinstance(node, int) else 2 for node, _ in nodes(tree))


def naive_trees(count, given):
    rng = random.Random(0)
    kept = []
    while len(kept) < count:
        tree = naive_tree(rng, given["max_depth"], given["max_args"])
        if given["min_length"] < length_of(tree) < given["length"]:
            kept.append(tree)
    return kept


def whole(sample):
    words = sample.text.split(" ")
    tree = parse(words)
    assert not words
    return tree


@pytest.mark.parametrize("given", [{}, SMALL, {"length": 9, "min_length": 0}, {**SMALL, "max_args": 2}])
def test_evaluator_agrees_with_every_label(given):
    for sample in draw(200, given) if given.get("min_length") != 0 else draw(50, given):
        assert str(evaluate(whole(sample))) == sample.label


def test_median_of_even_count_is_rounded_down():
    words = [sample for sample in draw(2000, {"length": 7, "min_length": 3}) if sample.text.startswith("[MED ")]
    halves = [sample for sample in words if len(sample.text.split()) == 4 and (ord(sample.text[5]) + ord(sample.text[7])) % 2]
    assert halves
    for sample in halves:
        assert int(sample.label) == (int(sample.text[5]) + int(sample.text[7])) // 2


@pytest.mark.parametrize("given", [{}, SMALL])
def test_trees_follow_grammar_and_bounds(given):
    options = TASK.options(given)
    words = set()
    for sample in draw(300, given):
        tree = whole(sample)
        assert options.min_length < len(sample.text.split(" ")) < options.length
        assert len(sample.text.split(" ")) == length_of(tree)
        for node, depth in nodes(tree):
            assert depth <= options.max_depth
            assert isinstance(node, int) or (2 <= len(node[1]) <= options.max_args and depth < options.max_depth)
        words.update(sample.text.split(" "))
    assert words == {*"0123456789", "[MIN", "[MAX", "[MED", "[SM", "]"}


def test_length_bounds_are_exclusive():
    given = {"length": 12, "min_length": 6}
    assert {len(sample.text.split(" ")) for sample in draw(500, given)} == {7, 8, 9, 10, 11}


def summaries(trees):
    """Return counts that describe a tree, by name."""
    found = {name: Counter() for name in ("length", "depth", "root", "arguments", "first", "last", "value", "operators")}
    for tree in trees:
        inner = [(node, depth) for node, depth in nodes(tree) if not isinstance(node, int)]
        found["length"][length_of(tree) // 4] += 1
        found["depth"][max(depth for _, depth in nodes(tree))] += 1
        found["root"][tree[0]] += 1
        found["arguments"][len(tree[1])] += 1
        found["first"][isinstance(tree[1][0], int)] += 1
        found["last"][isinstance(tree[1][-1], int)] += 1
        found["value"][evaluate(tree)] += 1
        found["operators"][len(inner[-1][0][1]), inner[-1][1]] += 1
    return found


def test_drawing_lengths_first_matches_naive_rejection():
    naive = summaries(naive_trees(4000, SMALL))
    ours = summaries([whole(sample) for sample in draw(4000, SMALL)])
    for name, counts in naive.items():
        values = [value for value in counts if counts[value] + ours[name][value] >= 20]
        table = [[counter[value] for value in values] for counter in (counts, ours[name])]
        assert stats.chi2_contingency(table).pvalue > 0.001, name


def test_default_lengths_match_naive_rejection():
    defaults = {"length": 2000, "min_length": 500, "max_depth": 10, "max_args": 10}
    naive = [length_of(tree) for tree in naive_trees(100, defaults)]
    ours = [len(sample.text.split(" ")) for sample in draw(1000, {})]
    assert stats.ks_2samp(naive, ours).pvalue > 0.001


def test_samples_are_distinct():
    texts = [sample.text for sample in draw(3000, {"length": 8, "min_length": 3})]
    assert len(set(texts)) == len(texts)


def test_exhausting_all_trees_is_an_error(monkeypatch):
    monkeypatch.setattr(listops, "_PATIENCE", 100_000)
    given = {"length": 5, "min_length": 0, "max_args": 2}
    stream = TASK.samples(411, np.random.default_rng(0), TASK.options(given))
    assert len({next(stream).text for _ in range(410)}) == 410  # ten digits, and four operators on a hundred pairs
    assert "after 410 of 411" in message_of(next, stream)
    never = TASK.samples(1, np.random.default_rng(0), TASK.options({"length": 4, "min_length": 1}))
    assert "no new tree of 2 to 3 words" in message_of(next, never)


def test_show_prints_both_ends_of_a_long_text():
    sample = draw(1, {})[0]
    shown = TASK.show(sample)
    first, last = sample.text.split(" ")[:20], sample.text.split(" ")[-8:]
    assert shown.startswith(" ".join(first) + " … ")
    assert shown.endswith(" ".join(last) + f" = {sample.label}")
