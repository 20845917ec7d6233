"""The parts of a classifier around its mixers: the stem, the blocks, and the k-mer branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seqmix.functional.kmers import kmer_count
from seqmix.functional.kmers import kmers as find_kmers
from seqmix.mixers import Mixer, Table

_KMER_STD = 0.02  # of the initial projection of k-mer frequencies
_MIXED_SKIP = 0.05  # share of the input in channels that carry what the mixer brings
_FEEDFORWARD_FLOATS = 1 << 20  # most hidden activations of a feed-forward layer held at a time in training


class KmerBranch(nn.Module):
    """The k-mer branch: frequencies of all k-mers, projected and normalised.

    The projection starts small, so that the norm amplifies what is learned over what was there by chance. Cost: O(L k)
    operations and O(4^k) memory per sequence, for DNA.

    Args:
        k: characters in a k-mer.
        letters: number of letters, e.g. 4 for DNA.
        width: width of the output.
        dropout: probability of hiding a k-mer in training.
    """

    def __init__(self, k: int, letters: int, width: int, dropout: float) -> None:
        super().__init__()
        self.k, self.letters, self.dropout = k, letters, dropout
        self.weight = nn.Parameter(torch.empty(kmer_count(k, letters), width))
        nn.init.normal_(self.weight, std=_KMER_STD)
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor, mask: Tensor, *, cls: bool = False) -> Tensor:
        """Return the features of each sequence.

        Args:
            ids: `(B, L)`, character ids.
            mask: `(B, L)` bool, True = a real token.
            cls: whether each sequence begins with CLS, which is ignored.

        Returns:
            `(B, width)`.
        """
        if cls:
            ids, mask = ids[:, 1:], mask[:, 1:]
        found, kept = find_kmers(ids, mask, self.k, self.letters)
        weight = kept.to(self.weight.dtype)
        if self.training and self.dropout:
            weight = weight * (torch.rand(found.shape, device=found.device) >= self.dropout)
        counts = weight.new_zeros(len(found), len(self.weight)).scatter_add_(1, found.long(), weight)
        projected = (counts / kept.sum(1, keepdim=True)) @ self.weight
        return self.norm(projected)


class Stem(nn.Module):
    """A convolution along the length in front of the blocks, which shows short motifs to mixers that see single tokens.

    With a residual, ``x + gelu(conv(x))``. Without one, ``gelu(conv(x))``: each kernel is a detector of a motif, and nothing
    else passes, as in the first layer of DeepSEA (Zhou and Troyanskaya, 2015) and Basset (Kelley et al., 2016). There, as here
    with `model.stride`, a pooling follows: the maximum over a window keeps whether a motif occurs in it, the mean how often.
    The embedding of single letters would only be in the way, because its mean over a window says nothing about their order.

    Args:
        d_model: width D.
        kernel: odd width of the convolution.
        residual: whether x is added.
    """

    def __init__(self, d_model: int, kernel: int, *, residual: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(d_model, d_model, kernel, padding=kernel // 2)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Return the features `(B, L, D)` of x `(B, L, D)`, which is zero at padding."""
        found = F.gelu(self.convolution(x.transpose(1, 2))).transpose(1, 2)
        return x + found if self.residual else found


class PlainBlock(nn.Module):
    """The mixer, dropout, and optionally a residual and a norm; as published for Paramixer, without either.

    Args:
        mixer: the mixer.
        d_model: width D.
        norm: whether a LayerNorm comes last.
        residual: whether the input is added before the norm.
        dropout: probability of dropping an output of the mixer in training.
    """

    def __init__(self, mixer: Mixer, d_model: int, norm: bool, residual: bool, dropout: float) -> None:
        super().__init__()
        self.mixer, self.residual = mixer, residual
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(d_model) if norm else None

    def forward(self, x: Tensor | Table, mask: Tensor, source: Tensor | Table) -> Tensor:
        """Return `(B, L, D)`; arguments are those of `Mixer.forward`."""
        mixed: Tensor = self.dropout(self.mixer(x, mask, source))
        if self.residual:
            mixed = mixed + (x.expand() if isinstance(x, Table) else x)
        return self.norm(mixed) if self.norm is not None else mixed


class TransformerBlock(nn.Module):
    """``x + mixer(norm(x))``, then ``x + feedforward(norm(x))``: pre-norm, as in the Skyformer paper.

    Args:
        mixer: the mixer.
        d_model: width D.
        d_feedforward: hidden width of the feed-forward layer.
        dropout: dropout probability, for the output of the mixer and both feed-forward layers.
    """

    def __init__(self, mixer: Mixer, d_model: int, d_feedforward: int, dropout: float) -> None:
        super().__init__()
        self.norm_mixer = nn.LayerNorm(d_model)
        self.mixer = mixer
        self.norm_feedforward = nn.LayerNorm(d_model)
        self.feedforward = _feed_forward(d_model, d_feedforward, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        """Return `(B, L, D)`; arguments are those of `Mixer.forward`."""
        x = x + self.dropout(self.mixer(self.norm_mixer(x), mask, source))
        return x + _in_parts(self._fed_forward, x, self.feedforward)

    def _fed_forward(self, x: Tensor) -> Tensor:
        return self.feedforward(self.norm_feedforward(x))


class GatedBlock(nn.Module):
    """``x + gate * mixer(norm(x))``, then ``x + gate * feedforward(norm(x))``: nearly the identity at first, at any depth.

    Each gate is a learned vector, one number for each channel. In training, a sequence may skip either part (stochastic depth,
    Huang et al., ECCV 2016); the part is not computed for it, and what the others add is scaled up in return. The gates are
    LayerScale (Touvron et al., ICCV 2021). The model normalises the input of the first block and the source: next to an
    embedding of standard deviation 0.02, a gate of 0.1 would be wide open.

    With a share of mixed channels, these begin with an open gate and nearly without the input: they carry what the mixer
    brings, the others what stands at each position. Otherwise a mixer behind k-mers, which are quick to learn, stays idle.

    Args:
        mixer: the mixer.
        d_model: width D.
        d_feedforward: hidden width of the feed-forward layer; 0 for none.
        gate: initial value of the gates.
        dropout: dropout probability, for the output of the mixer and both feed-forward layers.
        drop_path: probability that a sequence skips a part in training.
        mixed: share of the channels that carry what the mixer brings.
    """

    def __init__(
        self,
        mixer: Mixer,
        d_model: int,
        d_feedforward: int,
        *,
        gate: float,
        dropout: float,
        drop_path: float,
        mixed: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm_mixer = nn.LayerNorm(d_model)
        self.mixer = mixer
        self.gate_mixer = nn.Parameter(torch.full((d_model,), gate))
        self.skip = nn.Parameter(torch.ones(d_model)) if mixed else None
        if self.skip is not None:
            with torch.no_grad():
                self.gate_mixer[: round(mixed * d_model)] = 1.0
                self.skip[: round(mixed * d_model)] = _MIXED_SKIP
        self.dropout = nn.Dropout(dropout)
        self.drop_path = drop_path
        self.feedforward = _feed_forward(d_model, d_feedforward, dropout) if d_feedforward else None
        if d_feedforward:
            self.norm_feedforward = nn.LayerNorm(d_model)
            self.gate_feedforward = nn.Parameter(torch.full((d_model,), gate))

    def forward(self, x: Tensor | Table, mask: Tensor, source: Tensor | Table) -> Tensor:
        """Return `(B, L, D)`; arguments are those of `Mixer.forward`."""
        whole = x.expand() if isinstance(x, Table) else x
        if self.skip is not None:
            whole = whole * self.skip
        rows = self._remaining(mask)
        if rows is None or len(rows):
            normed = self._normed(_take(x, rows))
            mixed = self.dropout(self.mixer(normed, _take(mask, rows), _take(source, rows)))
            whole = self._add(whole, self.gate_mixer * mixed, rows)
        if self.feedforward is None:
            return whole
        rows = self._remaining(mask)
        if rows is None or len(rows):
            fed = _in_parts(self._fed_forward, _take(whole, rows), self.feedforward)
            whole = self._add(whole, self.gate_feedforward * fed, rows)
        return whole

    def _remaining(self, mask: Tensor) -> Tensor | None:
        """Return the rows of a batch that do not skip the next part; None for all."""
        if not self.training or not self.drop_path:
            return None
        return (torch.rand(len(mask), device=mask.device) >= self.drop_path).nonzero()[:, 0]

    def _add(self, x: Tensor, part: Tensor, rows: Tensor | None) -> Tensor:
        """Return `x` `(B, L, D)` plus what a part of the block computed for some of its rows."""
        if rows is None:
            return x + part
        return x.index_add(0, rows, part.to(x.dtype), alpha=1 / (1 - self.drop_path))

    def _normed(self, x: Tensor | Table) -> Tensor | Table:
        return Table(self.norm_mixer(x.rows), x.index) if isinstance(x, Table) else self.norm_mixer(x)

    def _fed_forward(self, x: Tensor) -> Tensor:
        assert self.feedforward is not None
        return self.feedforward(self.norm_feedforward(x))


def _take(x: Any, rows: Tensor | None) -> Any:
    """Return some rows of a batch; all if None."""
    if rows is None:
        return x
    return Table(x.rows, x.index[rows], x.results) if isinstance(x, Table) else x[rows]


def _feed_forward(d_model: int, d_hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(d_model, d_hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(d_hidden, d_model), nn.Dropout(dropout)
    )


def _in_parts(function: Callable[[Tensor], Tensor], x: Tensor, layers: nn.Sequential) -> Tensor:
    """Return ``function(x)``, a feed-forward layer of x `(B, L, D)`, with little memory in training.

    The hidden activations are the widest tensors of a block: they are not kept, but recomputed one part at a time.
    """
    if not layers.training:
        return function(x)
    width = x.shape[0] * max(layer.out_features for layer in layers if isinstance(layer, nn.Linear))
    parts = x.chunk(-(-x.shape[1] * width // _FEEDFORWARD_FLOATS), dim=1)
    return torch.cat([checkpoint(function, part, use_reentrant=False) for part in parts], dim=1)
