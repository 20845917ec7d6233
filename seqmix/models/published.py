"""Models with the weights of the published Paramixer and Skyformer implementations.

The names of the published state dicts are mapped onto those of this package. The result is an ordinary `SequenceClassifier`,
to evaluate, fine-tune or save.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqmix.config import ModelConfig
from seqmix.errors import ConfigError
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.inputs import InputSpec


def from_published(state_dict: Mapping[str, Tensor], config: Mapping[str, Any]) -> SequenceClassifier:
    """Build a classifier with published weights.

    Args:
        state_dict: tensors (or arrays) by their published names: `embedding.weight`, `attention.0.fs.0.network.0.weight` ...
            for Paramixer; `model.embeddings.word_embeddings.weight`, `model.transformer_0.mha.W_q.weight` ... for the
            transformers of the Skyformer paper.
        config: the published configuration. Paramixer has `model` = "paramixer", `seq_len`, `vocab_size`, `embedding_size`,
            `hidden_size`, `num_classes`, `protocol`, `n_links`, `n_factors`, `blocks`, `pooling` and `pos_embedding`; with
            pooling "cls", `seq_len` includes the CLS token in front of every sequence. Transformers have `attn_type`,
            `embedding_dim`, `transformer_hidden_dim`, `num_head`, `num_layers`, `vocab_size`, `max_seq_len` and `num_classes`.

    Returns:
        A model in `eval()`: `model(ids, mask)` returns the logits `(B, C)`.

    Raises:
        ConfigError: a tensor is missing, left over, or has another shape than the configuration implies; or an entry of the
            configuration is missing.
    """
    tensors = {name: torch.as_tensor(value) for name, value in state_dict.items()}
    try:
        model, renamed = (_paramixer if config.get("model") == "paramixer" else _transformer)(tensors, config)
        model.load_state_dict(renamed)
    except KeyError as error:
        raise ConfigError(f"{error} is missing from the published weights or their configuration") from error
    except RuntimeError as error:
        raise ConfigError(f"published weights do not fit their configuration: {error}") from error
    if tensors:
        raise ConfigError(f"the configuration of the published weights has no place for: {', '.join(tensors)}")
    return model.eval()


# Both functions remove from `tensors` what they use: what is left over has no place in the model.
def _paramixer(tensors: dict[str, Tensor], config: Mapping[str, Any]) -> tuple[SequenceClassifier, dict[str, Tensor]]:
    cls = config["pooling"].lower() == "cls"
    wanted = ModelConfig(
        max_length=config["seq_len"] - cls,
        mixer="paramixer",
        mixer_options={
            "protocol": config["protocol"],
            "n_links": config["n_links"],
            "n_factors": config["n_factors"],
            "d_hidden": config["hidden_size"],
            "rescale_every": 0,
        },
        d_model=config["embedding_size"],
        blocks=config["blocks"],
        norm=False,
        pooling="cls" if cls else "flat",
        positions=config["pos_embedding"],
        stem="none",
    )
    model = SequenceClassifier(wanted, InputSpec(vocab_size=config["vocab_size"]), config["num_classes"])
    renamed = {"embedding.weight": tensors.pop("embedding.weight")}
    if config["pos_embedding"]:
        renamed["position.weight"] = tensors.pop("apc_embedding.weight")
    else:
        tensors.pop("apc_embedding.weight", None)  # the published code stores it even if it is not used
    for block in range(config["blocks"]):
        old, new = f"attention.{block}", f"blocks.{block}.mixer"
        for target, sources in (
            ("links", [f"{old}.fs.{factor}" for factor in range(config["n_factors"])]),
            ("values", [f"{old}.g"]),
        ):
            for layer, name in (("0", "in"), ("2", "out")):
                for kind in ("weight", "bias"):
                    stack = [tensors.pop(f"{source}.network.{layer}.{kind}") for source in sources]
                    renamed[f"{new}.{target}.{kind}_{name}"] = torch.stack(stack)
    renamed["head.weight"], renamed["head.bias"] = tensors.pop("final.weight"), tensors.pop("final.bias")
    return model, renamed


_ATTENTION = {"softmax": "softmax", "kernelized": "kernelized", "skyformer": "skyformer"}

_TRANSFORMER_NAMES = {
    "norm1": "norm_mixer",
    "norm2": "norm_feedforward",
    "mha.W_q": "mixer.query",
    "mha.W_k": "mixer.key",
    "mha.W_v": "mixer.value",
    "mha.ff": "mixer.project",
    "mlpblock.0": "feedforward.0",
    "mlpblock.3": "feedforward.3",
}


def _transformer(tensors: dict[str, Tensor], config: Mapping[str, Any]) -> tuple[SequenceClassifier, dict[str, Tensor]]:
    if config["attn_type"] not in _ATTENTION:
        raise ConfigError(f"attn_type must be one of {', '.join(_ATTENTION)}: got '{config['attn_type']}'")
    head_hidden = tensors["seq_classifer.mlpblock.0.weight"].shape[0]
    options: dict[str, Any] = {"n_heads": config["num_head"]}
    if config["attn_type"] == "skyformer" and "num_feats" in config:
        options["n_landmarks"] = config["num_feats"]
    wanted = ModelConfig(
        max_length=config["max_seq_len"],
        mixer=_ATTENTION[config["attn_type"]],
        mixer_options=options,
        d_model=config["embedding_dim"],
        blocks=config["num_layers"],
        d_feedforward=config["transformer_hidden_dim"],
        pooling="mean",
        positions=True,
        stem="none",
        head_hidden=head_hidden,
    )
    model = SequenceClassifier(wanted, InputSpec(vocab_size=config["vocab_size"]), config["num_classes"])
    renamed = {
        "embedding.weight": tensors.pop("model.embeddings.word_embeddings.weight"),
        "position.weight": tensors.pop("model.embeddings.position_embeddings.weight"),
    }
    for kind in ("weight", "bias"):
        for block in range(config["num_layers"]):
            for old, new in _TRANSFORMER_NAMES.items():
                renamed[f"blocks.{block}.{new}.{kind}"] = tensors.pop(f"model.transformer_{block}.{old}.{kind}")
        renamed[f"norm.{kind}"] = tensors.pop(f"model.norm.{kind}")
        for layer in ("0", "2"):
            renamed[f"head.{layer}.{kind}"] = tensors.pop(f"seq_classifer.mlpblock.{layer}.{kind}")
    return model, renamed
