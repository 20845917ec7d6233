"""The parts of a classifier, made from its configuration."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.config import ModelConfig
from seqmix.mixers import Table, build_mixer
from seqmix.models.blocks import GatedBlock, PlainBlock, Stem, TransformerBlock


def positions_of(config: ModelConfig, n_positions: int) -> nn.Embedding:
    """Return the positional embedding."""
    position = nn.Embedding(n_positions, config.d_model)
    if config.position_start == "sinusoidal":
        with torch.no_grad():
            position.weight.copy_(_sinusoids(n_positions, config.d_model) * config.position_std)
    else:
        nn.init.normal_(position.weight, std=config.position_std)
    return position


def _sinusoids(positions: int, width: int) -> Tensor:
    """Return alternating sines and cosines `(positions, width)` of wavelengths from 2 pi to 20,000 pi, with RMS 1.

    Vaswani et al., Attention Is All You Need, NeurIPS 2017, section 3.5 (where the amplitude is 1).
    """
    channel = torch.arange(width, dtype=torch.float64)
    wave = 1e4 ** -((channel - channel % 2) / width)
    angle = torch.arange(positions, dtype=torch.float64)[:, None] * wave
    table = torch.where(channel % 2 == 0, angle.sin(), angle.cos())
    return (table / table.square().mean().sqrt()).float()


def stem_of(config: ModelConfig) -> Stem | None:
    """Return the layer between the embedding and the first block; None for none."""
    if config.stem == "none":
        return None
    return Stem(config.d_model, config.stem_kernel, residual=config.stem == "conv")


def block_of(config: ModelConfig, n_positions: int) -> PlainBlock | TransformerBlock | GatedBlock:
    """Return a new block.

    Raises:
        ConfigError: the mixer cannot be built.
    """
    mixer = build_mixer(config.mixer, config.d_model, n_positions, config.mixer_options)
    if config.block == "gated":
        parts = {"gate": config.gate, "dropout": config.dropout, "drop_path": config.drop_path, "mixed": config.mixed}
        return GatedBlock(mixer, config.d_model, config.d_feedforward, **parts)
    if mixer.block == "plain":
        return PlainBlock(mixer, config.d_model, config.norm, config.residual, config.dropout)
    return TransformerBlock(mixer, config.d_model, config.d_feedforward, config.dropout)


def head_of(width: int, hidden: int, n_outputs: int) -> nn.Module:
    """Return the layers that make outputs of the pooled features."""
    single = nn.Linear(width, n_outputs)  # made even if unused, so that later random numbers are those of 0.1.0
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, n_outputs)) if hidden else single


def normalised(x: Tensor | Table) -> Tensor | Table:
    """Return x `(B, L, D)`, or a table of it, with the features of each position at mean 0 and variance 1.

    A layer norm without parameters: what reads its output, the MLPs of the links or another norm, begins with them already.
    """
    if isinstance(x, Table):
        return replace(x, rows=F.layer_norm(x.rows, x.rows.shape[-1:]))
    return F.layer_norm(x, x.shape[-1:])
