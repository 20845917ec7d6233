"""The parts of a classifier around its mixers: the stem, the blocks, and the k-mer branch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seqmix.errors import ConfigError
from seqmix.functional.kmers import kmer_count
from seqmix.functional.kmers import kmers as find_kmers
from seqmix.mixers import Mixer, Table

_KMER_STD = 0.02  # of the initial projection of k-mer frequencies
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


class ConvStem(nn.Module):
    """``x + gelu(conv(x))`` along the length, which shows short motifs to mixers that see single tokens.

    Args:
        d_model: width D.
        kernel: odd width of the convolution.

    Raises:
        ConfigError: `kernel` is even or less than 1.
    """

    def __init__(self, d_model: int, kernel: int) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ConfigError(f"model.stem_kernel must be odd and at least 1: got {kernel}")
        self.convolution = nn.Conv1d(d_model, d_model, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features `(B, L, D)` of x `(B, L, D)`."""
        return x + F.gelu(self.convolution(x.transpose(1, 2))).transpose(1, 2)


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
        self.feedforward = nn.Sequential(
            nn.Linear(d_model, d_feedforward),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(d_feedforward, d_model),
            nn.Dropout(dropout),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
        """Return `(B, L, D)`; arguments are those of `Mixer.forward`."""
        x = x + self.dropout(self.mixer(self.norm_mixer(x), mask, source))
        if not self.training:
            return x + self._feed_forward(x)
        # The hidden activations are the widest tensors of the block: they are not kept, but recomputed one part at a time.
        width = x.shape[0] * max(layer.out_features for layer in self.feedforward if isinstance(layer, nn.Linear))
        parts = x.chunk(-(-x.shape[1] * width // _FEEDFORWARD_FLOATS), dim=1)
        return x + torch.cat([checkpoint(self._feed_forward, part, use_reentrant=False) for part in parts], dim=1)

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.feedforward(self.norm_feedforward(x))
