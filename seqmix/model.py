"""The classifier: ``head(pool(blocks(stem(embedding(tokens))), mask))``.

In: token indices `(B, L)` and a mask `(B, L)`, True = a real token. Out: logits `(B, C)`. Nothing of the output
depends on what stands at padding or on the other sequences in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seqmix.errors import ConfigError
from seqmix.functional import feedforward
from seqmix.mixers import Mixer, build_mixer

if TYPE_CHECKING:
    from seqmix.config import ModelConfig

POOLINGS = ("mean", "cls", "flat")
STEMS = ("none", "conv")


class SequenceClassifier(nn.Module):
    """Classifies token sequences with a stack of mixer blocks.

    Args:
        vocab_size: number of token ids V, special tokens included.
        n_classes: number of classes C.
        max_length: longest sequence in tokens, a CLS token not counted. It sizes the positions, a flat head
            and the mixers; without positions and flat pooling, longer sequences are taken all the same.
        mixer: name of the mixer; mixer_options: its options.
        d_model: width D.
        blocks: number of mixer blocks.
        d_feedforward: hidden width of the feed-forward of transformer blocks.
        norm: LayerNorm after each plain block (transformer blocks bring their own).
        pooling: "mean" over real tokens, "cls" (the first token, which the batch must put there) or "flat"
            (all positions, padding as zero, into one linear layer).
        positions: whether a learned positional embedding is added; position_std: its initial scale.
        stem: "conv": a residual convolution of odd width `stem_kernel` after the embedding; "none".
        head_hidden: hidden width of a two-layer ReLU head; 0: one linear layer.
        dropout_embedding, dropout, dropout_head: probabilities after the embedding, after each block's mixing
            (and feed-forward), and before the head.
        checkpoint_blocks: keep only each block's input and compute the rest again in the backward.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        n_classes: int,
        max_length: int,
        mixer: str = "paramixer",
        mixer_options: Mapping[str, Any] | None = None,
        d_model: int = 32,
        blocks: int = 1,
        d_feedforward: int = 128,
        norm: bool = True,
        pooling: str = "mean",
        positions: bool = False,
        position_std: float = 0.02,
        stem: str = "conv",
        stem_kernel: int = 9,
        head_hidden: int = 0,
        dropout_embedding: float = 0.0,
        dropout: float = 0.0,
        dropout_head: float = 0.0,
        checkpoint_blocks: bool = False,
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ConfigError(f"model.pooling must be one of {', '.join(POOLINGS)}: got '{pooling}'")
        if stem not in STEMS:
            raise ConfigError(f"model.stem must be one of {', '.join(STEMS)}: got '{stem}'")
        self.pooling = pooling
        self.n_positions = max_length + (pooling == "cls")
        self.checkpoint_blocks = checkpoint_blocks
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(self.n_positions, d_model) if positions else None
        if self.position is not None:
            nn.init.normal_(self.position.weight, std=position_std)
        self.dropout_embedding = nn.Dropout(dropout_embedding)
        self.stem = ConvStem(d_model, stem_kernel) if stem == "conv" else None
        self.blocks = nn.ModuleList()
        for _ in range(blocks):
            built = build_mixer(mixer, d_model, self.n_positions, mixer_options or {})
            if built.block == "transformer":
                self.blocks.append(TransformerBlock(built, d_model, d_feedforward, dropout))
            else:
                self.blocks.append(PlainBlock(built, d_model, norm, dropout))
        transformer = blocks > 0 and isinstance(self.blocks[0], TransformerBlock)
        self.norm = nn.LayerNorm(d_model) if transformer else None
        width = self.n_positions * d_model if pooling == "flat" else d_model
        self.dropout_head = nn.Dropout(dropout_head)
        self.head: nn.Module = nn.Linear(width, n_classes)
        if head_hidden:
            self.head = nn.Sequential(nn.Linear(width, head_hidden), nn.ReLU(), nn.Linear(head_hidden, n_classes))

    @property
    def length_limit(self) -> int | None:
        """Most tokens (CLS included) that a sequence may have; None: any number."""
        return self.n_positions if self.pooling == "flat" or self.position is not None else None

    def mixer_label(self) -> str:
        """What the mixer says of its options in the name of a run."""
        mixer = self.blocks[0].mixer
        assert isinstance(mixer, Mixer)
        return mixer.label()

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids `(B, L)` integers, mask `(B, L)` bool. Returns logits `(B, C)`.

        Raises:
            ConfigError: L is more than a model with positions or flat pooling was built for.
        """
        features = self.features(ids, mask)
        logits: Tensor = self.head(self.dropout_head(self.pool(features, mask)))
        return logits

    def features(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The last block's output `(B, L, D)`, zero at padding."""
        if self.length_limit is not None and ids.shape[1] > self.length_limit:
            raise ConfigError(
                f"a sequence of {ids.shape[1]} tokens is longer than the {self.length_limit} that this model was "
                f"built for ({'flat pooling' if self.pooling == 'flat' else 'positional embedding'})"
            )
        keep = mask[:, :, None]
        x = self.embedding(ids.masked_fill(~mask, 0))
        if self.position is not None:
            x = x + self.position.weight[: ids.shape[1]]
        x = self.dropout_embedding(x).masked_fill(~keep, 0.0)
        if self.stem is not None:
            x = self.stem(x).masked_fill(~keep, 0.0)
        source = x
        for block in self.blocks:
            if self.checkpoint_blocks and self.training:
                x = checkpoint(block, x, mask, source, use_reentrant=False)
            else:
                x = block(x, mask, source)
        if self.norm is not None:
            x = self.norm(x)
        features: Tensor = x.masked_fill(~keep, 0.0)
        return features

    def pool(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features `(B, L, D)`, zero at padding, to `(B, D)`, or `(B, n_positions * D)` for flat pooling."""
        if self.pooling == "mean":
            return features.sum(1) / mask.sum(1, keepdim=True)
        if self.pooling == "cls":
            return features[:, 0]
        return F.pad(features, (0, 0, 0, self.n_positions - features.shape[1])).flatten(1)


class ConvStem(nn.Module):
    """``x + gelu(conv(x))`` along the length: short motifs become visible to mixers that see single tokens."""

    def __init__(self, d_model: int, kernel: int) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ConfigError(f"model.stem_kernel must be odd and at least 1: got {kernel}")
        self.convolution = nn.Conv1d(d_model, d_model, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.gelu(self.convolution(x.transpose(1, 2))).transpose(1, 2)


class PlainBlock(nn.Module):
    """The mixer as published for Paramixer: no residual around it; then dropout, and a norm if asked for."""

    def __init__(self, mixer: Mixer, d_model: int, norm: bool, dropout: float) -> None:
        super().__init__()
        self.mixer = mixer
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(d_model) if norm else None

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        x = self.dropout(self.mixer(x, mask, source))
        return self.norm(x) if self.norm is not None else x


class TransformerBlock(nn.Module):
    """Pre-norm, as in the Skyformer paper: ``x + mixer(norm(x))``, then ``x + feedforward(norm(x))``."""

    def __init__(self, mixer: Mixer, d_model: int, d_feedforward: int, dropout: float) -> None:
        super().__init__()
        self.norm_mixer = nn.LayerNorm(d_model)
        self.mixer = mixer
        self.norm_feedforward = nn.LayerNorm(d_model)
        self.feedforward = nn.Sequential(
            nn.Linear(d_model, d_feedforward),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(d_feedforward, d_model),
            nn.Dropout(dropout),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        x = x + self.dropout(self.mixer(self.norm_mixer(x), mask, source))
        return x + self._feed_forward(self.norm_feedforward(x))

    def _feed_forward(self, x: Tensor) -> Tensor:
        first, _, dropout, last, _ = self.feedforward
        if self.training and cast(nn.Dropout, dropout).p:  # what it drops must be remembered
            out: Tensor = self.feedforward(x)
            return out
        first, last = cast(nn.Linear, first), cast(nn.Linear, last)
        return feedforward(x, first.weight, first.bias, last.weight, last.bias)


def build_model(config: ModelConfig, *, vocab_size: int, n_classes: int) -> SequenceClassifier:
    """A new classifier as `config` describes it, with random weights from torch's global generator.

    Args:
        config: the [model] and [mixer] tables of a run's configuration; its `max_length` must be set.
        vocab_size: number of token ids; n_classes: number of classes.

    Raises:
        ConfigError: an option is unknown, or its value is not allowed.
    """
    if config.max_length < 1:
        raise ConfigError("model.max_length must be set to build a model: the characters of the longest sequence")
    options = {f.name: getattr(config, f.name) for f in fields(config)}
    return SequenceClassifier(vocab_size=vocab_size, n_classes=n_classes, **options)


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
