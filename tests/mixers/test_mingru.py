"""What is particular to minGRU: directions, initial memory, and a state in single precision."""

import pytest
import torch

from seqmix.errors import ConfigError
from seqmix.mixers import build_mixer
from tests.support import new_model


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def run(built, x):
    return built(x, torch.ones(x.shape[:2], dtype=torch.bool), x)


@pytest.mark.parametrize(
    ("width", "options", "forwards"), [(6, {}, 3), (5, {}, 3), (1, {}, 1), (6, {"bidirectional": False}, 6)]
)
def test_first_channels_see_the_past_and_last_ones_the_future(width, options, forwards):
    built, x = build_mixer("mingru", width, 9, options), torch.randn(1, 9, width)
    changed = x.clone()
    changed[0, 4] += 1
    differs = (run(built, x) != run(built, changed))[0]
    assert not differs[:4, :forwards].any() and differs[4:, :forwards].all()
    assert not differs[5:, forwards:].any() and differs[:5, forwards:].all()


def test_memories_begin_between_two_positions_and_the_option():
    built = build_mixer("mingru", 6, 9, {"memory": 32.0})
    scales = 1 / built.gate.bias.sigmoid()
    torch.testing.assert_close(scales, torch.tensor([2.0, 8.0, 32.0] * 2))


@pytest.mark.parametrize("memory", [1.9, float("inf"), float("nan")])
def test_memory_below_two_positions_or_without_end_is_refused(memory):
    with pytest.raises(ConfigError, match=r"mixer\.memory must be from 2 to 1,000,000,000,000"):
        build_mixer("mingru", 6, 9, {"memory": memory})


def test_state_is_in_single_precision_under_autocast():
    built, x = build_mixer("mingru", 8, 9, {"memory": 4096.0}), torch.randn(2, 3000, 8)
    expected = run(built, x)
    with torch.autocast("cpu", torch.bfloat16):
        found = run(built, x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.01)
    assert run(built.to(torch.bfloat16), x.to(torch.bfloat16)).dtype == torch.bfloat16


def test_cls_token_in_front_is_refused_where_all_channels_run_forwards():
    options = {"vocab_size": 9, "n_classes": 2, "max_length": 8, "d_model": 6, "mixer": "mingru", "pooling": "cls"}
    with pytest.raises(ConfigError, match=r"mixer\.bidirectional = false: use another model\.pooling"):
        new_model(**options, mixer_options={"bidirectional": False})
    new_model(**options)
