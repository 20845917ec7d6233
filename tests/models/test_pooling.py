"""Pooling: each way against plain loops, and the moving standardisation."""

import math

import pytest
import torch

from seqmix.config import ModelConfig
from seqmix.errors import ConfigError
from seqmix.models.pooling import Standardisation, pool, pooled_width
from tests.support import new_model


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("moments", [0, 3])
@pytest.mark.parametrize("how", ["mean", "mean-max"])
def test_pooling_is_that_of_plain_loops(how, moments, frames):
    config = ModelConfig(pooling=how, moments=moments, frames=frames, stride=3, d_model=4, max_length=9)
    sizes = [5, 7, 1] if frames == 1 else [5, 5, 4, 7, 6, 6, 1, 0, 0]
    features, mask = torch.randn(len(sizes), 7, 4, dtype=torch.float64), torch.arange(7) < torch.tensor(sizes)[:, None]
    found = pool(features.masked_fill(~mask[:, :, None], 0.0), mask, config, 7)
    assert found.shape == (3, pooled_width(config, 7))
    for record in range(3):
        rows = [features[r, : sizes[r]] for r in range(record * frames, (record + 1) * frames) if sizes[r]]
        of_frames = []
        for row in rows:
            places = [(i + 0.5) / len(row) for i in range(len(row))]
            parts = [row.mean(0)]
            for m in range(1, moments + 1):
                terms = [math.sqrt(2) * math.cos(math.pi * m * place) * x for place, x in zip(places, row, strict=True)]
                parts.append(torch.stack(terms).mean(0))
            of_frames.append(torch.cat(parts))
        expected = [torch.stack(of_frames).mean(0)]
        if frames > 1:
            expected.append(torch.stack(of_frames)[:, :4].amax(0))
        if how == "mean-max":
            expected.append(torch.cat(rows).amax(0))
        torch.testing.assert_close(found[record], torch.cat(expected))


def test_moments_tell_where_a_feature_is():
    config = ModelConfig(pooling="mean", moments=1, d_model=1, max_length=50)
    features, mask = torch.zeros(2, 50, 1), torch.ones(2, 50, dtype=torch.bool)
    features[0, 3], features[1, 46] = 1.0, 1.0
    found = pool(features, mask, config, 50)
    torch.testing.assert_close(found[0, 0], found[1, 0])
    torch.testing.assert_close(found[0, 1], -found[1, 1])
    assert found[0, 1] > 0.02


def test_moments_are_refused_without_a_mean():
    with pytest.raises(ConfigError, match=r"model\.moments = 2 belongs to mean and mean-max pooling: got model\.pooling = cls"):
        new_model(vocab_size=6, n_classes=2, max_length=9, pooling="cls", moments=2)


def test_standardisation_changes_nothing_before_training():
    x = torch.randn(3, 5)
    torch.testing.assert_close(Standardisation(5).eval()(x), x)


def test_standardisation_finds_means_and_deviations_whatever_the_batches():
    mean, deviation = torch.randn(5), (0.1 + torch.rand(5)) * 1e-3
    results = []
    for size in (1, 16, 50):
        layer, generator = Standardisation(5), torch.Generator().manual_seed(1)
        records = mean + deviation * torch.randn(2000, 5, generator=generator)
        for batch in records.split(size):
            layer(batch)
        results.append(layer.eval()(records[-400:]))
        torch.testing.assert_close(results[-1].mean(0), torch.zeros(5), atol=0.35, rtol=0)
        torch.testing.assert_close(results[-1].std(0), torch.ones(5), atol=0.3, rtol=0)
        rows = torch.stack([layer(record[None])[0] for record in records[-3:]])
        torch.testing.assert_close(rows, results[-1][-3:])


def test_standardisation_is_bounded_in_training():
    layer = Standardisation(2)
    for scale in (1.0, 1.0, 1e6, 1e-6):
        assert layer(torch.full((1, 2), scale)).abs().max() < 13


def test_head_learns_small_differences_of_means_that_are_standardised():
    target = torch.arange(64) % 2
    means = 1.0 + 0.01 * torch.randn(64, 8) + 0.02 * target[:, None]

    def loss(*layers):
        torch.manual_seed(1)
        head = torch.nn.Sequential(*layers, torch.nn.Linear(8, 2))
        optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
        for step in range(100):
            part = slice(16 * (step % 4), 16 * (step % 4) + 16)
            found = torch.nn.functional.cross_entropy(head(means[part]), target[part])
            optimizer.zero_grad()
            found.backward()
            optimizer.step()
        return found.item()

    assert loss(Standardisation(8)) < 0.2 < 0.5 < loss()
