"""Loading published weights, and errors if they do not match their configuration."""

import pytest
import torch

from seqmix.errors import ConfigError
from seqmix.interop import from_published
from tests.support.golden import load

PARAMIXER, TRANSFORMER = "paramixer_chord_flat_pos", "transformer_kernelized_mean"


def published(name):
    data, config = load(name)
    return {key.removeprefix("param:"): value for key, value in data.items() if key.startswith("param:")}, config


@pytest.mark.parametrize("name", [PARAMIXER, TRANSFORMER])
def test_every_missing_tensor_is_named(name):
    state, config = published(name)
    for missing in state:
        with pytest.raises(ConfigError, match=missing.replace(".", r"\.")):
            from_published({key: value for key, value in state.items() if key != missing}, config)


@pytest.mark.parametrize("name", [PARAMIXER, TRANSFORMER])
def test_every_wrong_shape_is_an_error(name):
    state, config = published(name)
    for changed, value in state.items():
        with pytest.raises(ConfigError, match="do not fit"):
            from_published({**state, changed: torch.cat((value, value))}, config)


@pytest.mark.parametrize("name", [PARAMIXER, TRANSFORMER])
def test_leftover_tensor_is_named(name):
    state, config = published(name)
    with pytest.raises(ConfigError, match="extra"):
        from_published({**state, "extra.weight": torch.zeros(2)}, config)


@pytest.mark.parametrize("name", [PARAMIXER, TRANSFORMER])
def test_incomplete_configuration_is_an_error(name):
    state, config = published(name)
    needed = {
        PARAMIXER: ("seq_len", "vocab_size", "embedding_size", "protocol", "n_links", "n_factors", "blocks", "pooling"),
        TRANSFORMER: ("attn_type", "embedding_dim", "num_head", "num_layers", "vocab_size", "max_seq_len", "num_classes"),
    }
    for missing in needed[name]:
        with pytest.raises(ConfigError, match=missing):
            from_published(state, {key: value for key, value in config.items() if key != missing})


def test_more_blocks_than_weights_is_an_error():
    state, config = published(PARAMIXER)
    with pytest.raises(ConfigError, match=r"attention\.1"):
        from_published(state, config | {"blocks": 2})


def test_unsupported_attention_is_named():
    state, config = published(TRANSFORMER)
    with pytest.raises(ConfigError, match="performer"):
        from_published(state, config | {"attn_type": "performer"})


@pytest.mark.parametrize("name", [PARAMIXER, TRANSFORMER])
def test_arrays_are_accepted_and_model_is_in_eval_mode(name):
    state, config = published(name)
    model = from_published({key: value.numpy() for key, value in state.items()}, config)
    other = from_published(state, config)
    ids, mask = torch.ones(2, 5, dtype=torch.long), torch.ones(2, 5, dtype=torch.bool)
    assert not model.training
    assert torch.equal(model(ids, mask), other(ids, mask))


def test_published_weights_are_copied_not_shared():
    state, config = published(TRANSFORMER)
    model = from_published(state, config)
    with torch.no_grad():
        model.embedding.weight.zero_()
    assert state["model.embeddings.word_embeddings.weight"].abs().sum() > 0


def test_skyformer_weights_map_to_same_transformer():
    state, config = published(TRANSFORMER)
    model = from_published(state, config | {"attn_type": "skyformer", "num_feats": 32})
    assert model.blocks[0].mixer.n_landmarks == 32
    exact = from_published(state, config)
    ids, mask = torch.randint(2, 10, (2, 13), generator=torch.Generator().manual_seed(0)), torch.ones(2, 13, dtype=torch.bool)
    assert (model(ids, mask) - exact(ids, mask)).abs().max() < 0.5
