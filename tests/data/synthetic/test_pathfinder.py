"""Pathfinder, tested with a solver that sees only the image, and with classifiers of simple statistics."""

from collections import Counter

import numpy as np
import pytest
from scipy import ndimage, stats
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from sklearn.linear_model import LogisticRegression

from seqmix.data.synthetic.pathfinder import as_image
from seqmix.data.synthetic.tasks import find_task

TASK = find_task("pathfinder")
DIFFICULTIES = ("easy", "medium", "hard")


def draw(count, side=32, difficulty="hard", seed=0):
    options = TASK.options({"length": side * side, "difficulty": difficulty})
    return list(TASK.samples(count, np.random.default_rng(seed), options))


def unit(side):
    return (side / 32) ** 0.75


def find_dots(image):
    """Return the centres of the two brightest discs."""
    radius = 1.5 * unit(len(image))
    reach = int(np.ceil(radius))
    disc = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) <= radius
    brightness = ndimage.convolve(image.astype(float), disc / disc.sum(), mode="constant")
    dots = []
    for _ in range(2):
        dots.append(np.unravel_index(brightness.argmax(), brightness.shape))
        rows, columns = np.indices(image.shape)
        brightness[np.hypot(rows - dots[-1][0], columns - dots[-1][1]) < 2 * radius] = 0
    return dots


def components(image):
    """Return bright pixels and the component of each; a component spans the gap between two dashes, but no more."""
    pixels = np.argwhere(image >= 64)
    tree = cKDTree(pixels)
    pairs = tree.query_pairs(max(2.3, 1.9 * unit(len(image))), output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(pixels), len(pixels)))
    return tree, connected_components(links, directed=False)[1]


def solve(image):
    tree, labels = components(image)
    first, second = (labels[tree.query(dot)[1]] for dot in find_dots(image))
    return "connected" if first == second else "unconnected"


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize(("side", "count"), [(32, 200), (64, 40), (128, 20)])
def test_solver_that_follows_dashes_agrees(side, count, difficulty):
    samples = draw(count, side, difficulty)
    assert sum(solve(as_image(sample)) == sample.label for sample in samples) >= 0.99 * count


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_images_have_two_long_curves_and_shorter_ones(difficulty):
    for sample in draw(10, 128, difficulty):
        image = as_image(sample)
        _, labels = components(image)
        sizes = sorted(np.bincount(labels), reverse=True)
        assert len(sizes) > 3
        assert sizes[1] > 1.5 * sizes[2]


@pytest.mark.parametrize(("difficulty", "dashes"), [("easy", 6), ("medium", 9), ("hard", 14)])
def test_difficulty_sets_dashes_of_long_curves(difficulty, dashes):
    for sample in draw(5, 128, difficulty):
        image = as_image(sample)
        tree, labels = components(image)
        pieces, _ = ndimage.label(image >= 128)
        longest = [label for label, _ in Counter(labels.tolist()).most_common(2)]
        for label in longest:
            inside = tree.data[labels == label].astype(int)
            assert len(set(pieces[inside[:, 0], inside[:, 1]]) - {0}) == dashes


@pytest.mark.parametrize("side", [32, 64, 128])
def test_sample_is_the_bytes_of_a_square(side):
    sample = draw(1, side)[0]
    assert isinstance(sample.text, bytes)
    assert len(sample.text) == side * side
    assert as_image(sample).max() == 255
    assert np.frombuffer(sample.text, dtype=np.uint8)[:side].tolist() == as_image(sample)[0].tolist()


@pytest.fixture(scope="module")
def many():
    samples = draw(1200, 32, "medium", seed=7)
    images = np.stack([as_image(sample) for sample in samples]).astype(np.float64) / 255
    return images, np.array([sample.label == "connected" for sample in samples])


def accuracy(features, joined):
    """Return the accuracy of a logistic regression on the second half of the samples."""
    features = (features - features.mean(0)) / (features.std(0) + 1e-9)
    half = len(joined) // 2
    model = LogisticRegression(C=0.01, max_iter=2000).fit(features[:half], joined[:half])
    return model.score(features[half:], joined[half:])


def test_classes_are_equally_likely(many):
    assert abs(many[1].mean() - 0.5) < 0.06


def test_brightness_does_not_reveal_class(many):
    images, joined = many
    features = np.stack([images.sum((1, 2)), (images > 0.25).sum((1, 2)), images.var((1, 2))], axis=1)
    assert abs(accuracy(features, joined) - 0.5) < 0.07
    for column in features.T:
        assert stats.ks_2samp(column[joined], column[~joined]).pvalue > 0.001


def test_single_pixels_do_not_reveal_class(many):
    images, joined = many
    assert abs(accuracy(images.reshape(len(images), -1), joined) - 0.5) < 0.07


def test_dot_positions_do_not_reveal_class(many):
    images, joined = many
    dots = np.array([find_dots(image) for image in images], dtype=float)  # (S, 2, 2)
    apart = np.hypot(*(dots[:, 0] - dots[:, 1]).T)
    assert stats.ks_2samp(apart[joined], apart[~joined]).pvalue > 0.001
    from_middle = np.hypot(*(dots - 15.5).transpose(2, 0, 1))
    features = np.stack([apart, apart**2, from_middle.min(1), from_middle.max(1), from_middle.sum(1)], axis=1)
    assert abs(accuracy(features, joined) - 0.5) < 0.07


@pytest.mark.parametrize(("side", "lines", "width"), [(32, 16, 32), (64, 32, 64), (128, 32, 64)])
def test_show_draws_block_characters(side, lines, width):
    sample = draw(1, side)[0]
    *picture, label = TASK.show(sample).split("\n")
    assert label == sample.label
    assert len(picture) == lines
    assert {len(line) for line in picture} == {width}
    assert set("".join(picture)) == set(" ▀▄█")
