"""Agreement with outputs and gradients of the papers' published implementations."""

import pytest
import torch

from seqmix.functional import (
    kernelized_attention,
    linformer_attention,
    nystrom_attention,
    skyformer_attention,
    softmax_attention,
)
from seqmix.interop import from_published
from tests.support.golden import load


def relative_error(got, expected):
    got = got.detach()
    return float((got.double() - expected.double()).abs().max() / expected.double().abs().max())


def published_model(name):
    data, config = load(name)
    prefix = "param:"
    state = {key[len(prefix) :]: value for key, value in data.items() if key.startswith(prefix)}
    return data, config, from_published(state, config)


PARAMIXERS = ["chord_flat_pos", "chord_flat_nonpow2", "chord_cls_2blocks", "cdil_flat_pos"]


@pytest.mark.parametrize("name", PARAMIXERS)
def test_paramixer_agrees_with_published_outputs_and_gradients(name):
    data, config, model = published_model(f"paramixer_{name}")
    mask = torch.ones(data["ids"].shape, dtype=torch.bool)
    logits = model(data["ids"], mask)
    assert relative_error(logits, data["logits"]) < 1e-5
    loss = torch.nn.functional.cross_entropy(logits, data["label"])
    assert relative_error(loss, data["loss"]) < 1e-5
    loss.backward()
    published = {name: tensor for name, tensor in data.items() if name.startswith("grad:")}
    gradients = {"grad:embedding.weight": model.embedding.weight.grad}
    gradients["grad:final.weight"] = model.head.weight.grad
    gradients["grad:final.bias"] = model.head.bias.grad
    if config["pos_embedding"]:
        gradients["grad:apc_embedding.weight"] = model.position.weight.grad
    for block in range(config["blocks"]):
        mixer = model.blocks[block].mixer
        for layer, kind in (("0", "in"), ("2", "out")):
            for parameter in ("weight", "bias"):
                values = getattr(mixer.values, f"{parameter}_{kind}").grad[0]
                gradients[f"grad:attention.{block}.g.network.{layer}.{parameter}"] = values
                for factor in range(config["n_factors"]):
                    links = getattr(mixer.links, f"{parameter}_{kind}").grad[factor]
                    gradients[f"grad:attention.{block}.fs.{factor}.network.{layer}.{parameter}"] = links
    assert gradients.keys() == published.keys()
    for key, expected in published.items():
        assert relative_error(gradients[key], expected) < 1e-4, key


@pytest.mark.parametrize("name", ["softmax", "kernelized"])
def test_transformer_agrees_with_published_outputs(name):
    data, _, model = published_model(f"transformer_{name}_mean")
    mask = torch.ones(data["ids"].shape, dtype=torch.bool)
    with torch.inference_mode():
        assert relative_error(model.features(data["ids"], mask), data["hidden"]) < 1e-5
        assert relative_error(model(data["ids"], mask), data["logits"]) < 1e-5


@pytest.mark.parametrize(("name", "function"), [("softmax", softmax_attention), ("kernelized", kernelized_attention)])
def test_exact_attention_agrees_with_published_outputs(name, function):
    data, _ = load(f"{name}_attention")
    mask = data["mask"].bool()
    real = mask[:, None, :, None]
    out = function(data["q"], data["k"], data["v"], mask)
    assert relative_error(out * real, data["out"] * real) < 1e-5


def test_skyformer_attention_agrees_with_published_outputs():
    data, _ = load("skyformer_attention")
    out = skyformer_attention(data["q"], data["k"], data["v"], data["mask"].bool(), data["landmarks"])
    assert relative_error(out, data["out"]) < 1e-5


def test_skyformer_exact_inverse_agrees_with_published_outputs():
    data, _ = load("skyformer_exact_inverse")
    q, k, v = (data[name].double() for name in "qkv")
    mask = torch.ones(1, q.shape[2], dtype=torch.bool)
    out = skyformer_attention(q, k, v, mask, data["landmarks"], gamma=float(data["gamma"]), iterations=None)
    assert relative_error(out[0, 0], data["out"]) < 1e-9


def test_nystrom_attention_agrees_with_published_outputs():
    data, _ = load("nystrom_attention")
    out = nystrom_attention(data["q"], data["k"], data["v"], data["mask"].bool(), n_landmarks=16, iterations=6)
    assert relative_error(out, data["out"]) < 1e-5


def test_linformer_attention_agrees_with_published_outputs():
    data, _ = load("linformer_attention")
    out = linformer_attention(data["q"], data["k"], data["v"], data["mask"].bool(), data["E"])
    assert relative_error(out, data["out"]) < 1e-5
