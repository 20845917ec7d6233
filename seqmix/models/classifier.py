"""The classifier: ``head(pool(blocks(stem(embedding(words(ids)))), mask))``.

In: token indices `(B, L)`, or real numbers `(B, L, channels)`, and a mask `(B, L)`, True = a real position. Out: logits
`(B, C)`. Nothing of the output depends on what stands at padding or on the other records in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seqmix.config import ModelConfig
from seqmix.errors import ConfigError
from seqmix.functional.kmers import kmer_count
from seqmix.functional.kmers import kmers as find_kmers
from seqmix.mixers import Mixer, Table, build_mixer
from seqmix.models.blocks import ConvStem, KmerBranch, PlainBlock, TransformerBlock
from seqmix.models.token_tables import TokenTables, parameters_of

_MOST_WORDS = 1 << 20


class SequenceClassifier(nn.Module):
    """Classifies token sequences with a stack of mixer blocks.

    Args:
        vocab_size: number of character ids, special ones included.
        n_classes: number of classes C.
        max_length: longest sequence in tokens, a CLS token not counted. It sizes the positions, a flat head
            and the mixers; without positions and flat pooling, longer sequences are taken all the same.
        mixer: name of the mixer; mixer_options: its options.
        d_model: width D.
        blocks: number of mixer blocks.
        d_feedforward: hidden width of the feed-forward of transformer blocks.
        norm: LayerNorm after each plain block (transformer blocks bring their own).
        residual: a plain block adds its mixer's output to its input (transformer blocks do so in any case).
        pooling: "mean" over real tokens, "cls" (the first token, which the batch must put there) or "flat"
            (all positions, padding as zero, into one linear layer).
        positions: whether a learned positional embedding is added.
        position_start: what it begins as: "normal", drawn at random, or "sinusoidal" (Vaswani et al., 2017, section 3.5),
            with which what is learned at a position holds near it, too; position_std: its initial scale (root mean square).
        stem: "conv": a residual convolution of odd width `stem_kernel` after the embedding; "none".
        head_hidden: hidden width of a two-layer ReLU head; 0: one linear layer.
        dropout_embedding, dropout, dropout_head: probabilities after the embedding, after each block's mixing
            (and feed-forward), and before the head.
        checkpoint_blocks: keep only each block's input and compute the rest again in the backward.
        kmer: tokens are words of this many characters, one beginning at each character; 0: tokens are characters.
        letters: of how many of the characters (ids 2, 3, ...) words are made; a word with another is a special token.
        source: what Paramixer computes its links from: "stem", what the stem puts out, or "tokens", what goes into it:
            equal tokens then have equal links, which are computed once.
        words: beside the blocks, a branch in which the frequencies of all words of this many characters are projected to
            `d_words` and normalised, a LayerNorm in front of the head; 0: no such branch. It contains the linear model
            of k-mer frequencies.
        dropout_words: probability with which, in training, a word is not counted.
        dropout_branch: probability with which, in training, the head gets only one of the two branches for a record,
            so that each learns what it can on its own.
        channels: positions are vectors of this many real numbers, which a linear layer takes to D; 0: they are tokens.
        channel_mean, channel_scale: taken off the numbers, and what is left divided by; None: 0 and 1.
        paired: a record is two sequences, rows i and B + i of a batch of 2 B. Both go through the same layers up to the
            pooling; the head sees ``[a, b, a * b, a - b]``.
    """

    channel_mean: Tensor
    channel_scale: Tensor

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
        residual: bool = False,
        pooling: str = "mean",
        positions: bool = False,
        position_start: str = "normal",
        position_std: float = 0.02,
        stem: str = "conv",
        stem_kernel: int = 9,
        head_hidden: int = 0,
        dropout_embedding: float = 0.0,
        dropout: float = 0.0,
        dropout_head: float = 0.0,
        checkpoint_blocks: bool = False,
        kmer: int = 0,
        letters: int = 4,
        source: str = "stem",
        words: int = 0,
        d_words: int = 64,
        dropout_words: float = 0.0,
        dropout_branch: float = 0.0,
        channels: int = 0,
        channel_mean: Sequence[float] | None = None,
        channel_scale: Sequence[float] | None = None,
        paired: bool = False,
    ) -> None:
        super().__init__()
        ModelConfig(pooling=pooling, stem=stem, source=source, position_start=position_start)  # checks them
        if position_start != "normal" and not positions:
            raise ConfigError(f"model.position_start = {position_start} needs positions: set model.positions = true")
        for option, k in {"kmer": kmer, "words": words}.items():
            if letters**k > _MOST_WORDS:
                raise ConfigError(f"model.{option} = {k} makes {letters**k:,} words; at most {_MOST_WORDS:,} are possible")
        self.pooling, self.source = pooling, source
        self.kmer, self.letters, self.dropout_branch = kmer, letters, dropout_branch
        self.n_positions = max_length + (pooling == "cls")
        self.checkpoint_blocks = checkpoint_blocks
        self.channels, self.paired = channels, paired
        if channels:
            self.register_buffer("channel_mean", torch.tensor(channel_mean or [0.0] * channels, dtype=torch.float32))
            self.register_buffer("channel_scale", torch.tensor(channel_scale or [1.0] * channels, dtype=torch.float32))
        if channels and pooling == "cls":
            raise ConfigError(
                "model.pooling = cls puts a token in front, and these data have numbers, no tokens; use mean or flat"
            )
        self.embedding: nn.Embedding | nn.Linear = (
            nn.Linear(channels, d_model)
            if channels
            else nn.Embedding(kmer_count(kmer, letters) if kmer else vocab_size, d_model)
        )
        self.position = nn.Embedding(self.n_positions, d_model) if positions else None
        if self.position is not None:
            if position_start == "sinusoidal":
                with torch.no_grad():
                    self.position.weight.copy_(_sinusoids(self.n_positions, d_model) * position_std)
            else:
                nn.init.normal_(self.position.weight, std=position_std)
        self.dropout_embedding = nn.Dropout(dropout_embedding)
        self.stem = ConvStem(d_model, stem_kernel) if stem == "conv" else None
        self.blocks = nn.ModuleList()
        for _ in range(blocks):
            built = build_mixer(mixer, d_model, self.n_positions, mixer_options or {})
            if built.block == "transformer":
                self.blocks.append(TransformerBlock(built, d_model, d_feedforward, dropout))
            else:
                self.blocks.append(PlainBlock(built, d_model, norm, residual, dropout))
        transformer = blocks > 0 and isinstance(self.blocks[0], TransformerBlock)
        self.norm = nn.LayerNorm(d_model) if transformer else None
        width = (self.n_positions if pooling == "flat" else 1) * d_model
        self.words = KmerBranch(words, letters, d_words, dropout_words) if words else None
        width = (width + (d_words if words else 0)) * (4 if paired else 1)
        self.dropout_head = nn.Dropout(dropout_head)
        self.head: nn.Module = nn.Linear(width, n_classes)
        if head_hidden:
            self.head = nn.Sequential(nn.Linear(width, head_hidden), nn.ReLU(), nn.Linear(head_hidden, n_classes))

        mixers = [module for module in self.modules() if isinstance(module, Mixer)]
        tabulated = not channels and all(mixer.tabulated for mixer in mixers) and (stem == "none" or source == "tokens")
        self._tabulator = TokenTables(sum(mixer.row_floats for mixer in mixers)) if tabulated else None

    @property
    def length_limit(self) -> int | None:
        """Most tokens (CLS included) that a sequence may have; None: any number."""
        return self.n_positions if self.pooling == "flat" or self.position is not None else None

    def mixer_label(self) -> str:
        """What the mixer says of its options in the name of a run."""
        mixer = self.blocks[0].mixer
        assert isinstance(mixer, Mixer)
        return mixer.label()

    def after_step(self, step: int) -> None:
        """Tells the mixers that optimiser step number `step`, from 1, was made."""
        for module in self.modules():
            if isinstance(module, Mixer):
                module.after_step(step)

    def train(self, mode: bool = True) -> SequenceClassifier:
        """As in `nn.Module`; gives back the memory of token tables."""
        if self._tabulator is not None:
            self._tabulator.forget()
        super().train(mode)
        return self

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids `(B, L)` integers, or `(B, L, channels)` reals; mask `(B, L)` bool. Returns logits `(B, C)`.

        With `paired`, B records are 2 B rows: their first sequences, then their second ones.

        Raises:
            ConfigError: L is more than a model with positions or flat pooling was built for.
        """
        tokens, kept = self._tokens(ids, mask)
        pooled = self.pool(self._features(tokens, kept), kept)
        if self.words is not None:
            counted = self.words(ids, mask, cls=self.pooling == "cls")
            if self.training and self.dropout_branch:
                pooled, counted = _one_of_two(pooled, counted, self.dropout_branch, 2 if self.paired else 1)
            pooled = torch.cat((pooled, counted), dim=1)
        if self.paired:
            a, b = pooled.chunk(2)
            pooled = torch.cat((a, b, a * b, a - b), dim=1)
        return self.head(self.dropout_head(pooled))

    def features(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The last block's output `(B, L', D)`, zero at padding; L' is L, or with words of K characters L - K + 1."""
        return self._features(*self._tokens(ids, mask))

    def _tokens(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What is embedded, zero at padding: characters, or the words that begin at each."""
        if self.length_limit is not None and ids.shape[1] > self.length_limit:
            raise ConfigError(
                f"a sequence of {ids.shape[1]} tokens is longer than the {self.length_limit} that this model was "
                f"built for ({'flat pooling' if self.pooling == 'flat' else 'positional embedding'})"
            )
        if self.channels:
            scaled = (ids - self.channel_mean) / self.channel_scale
            return scaled.masked_fill(~mask[:, :, None], 0.0), mask
        ids = ids.to(torch.int32) if ids.dtype == torch.uint8 else ids
        if self.kmer:
            ids, mask = find_kmers(ids, mask, self.kmer, self.letters, cls=self.pooling == "cls")
        return ids.masked_fill(~mask, 0), mask

    def _features(self, ids: Tensor, mask: Tensor) -> Tensor:
        keep = mask[:, :, None]
        table = self._table(ids)
        x: Tensor = table.expand() if table is not None else self._embed(ids)
        embedded = x = self.dropout_embedding(x).masked_fill(~keep, 0.0)
        if self.stem is not None:
            x = self.stem(x).masked_fill(~keep, 0.0)
        source = table if table is not None else embedded if self.source == "tokens" else x
        for number, block in enumerate(self.blocks):
            start = table if table is not None and number == 0 and self.stem is None else x
            if self.checkpoint_blocks and self.training:
                x = checkpoint(block, start, mask, source, use_reentrant=False)
            else:
                x = block(start, mask, source)
        if self.norm is not None:
            x = self.norm(x)
        return x.masked_fill(~keep, 0.0)

    def _embed(self, ids: Tensor) -> Tensor:
        x: Tensor = self.embedding(ids)
        return x if self.position is None else x + self.position.weight[: ids.shape[1]]

    def _table(self, ids: Tensor) -> Table | None:
        if self._tabulator is None or (self.training and self.dropout_embedding.p > 0):
            return None
        assert isinstance(self.embedding, nn.Embedding)
        positions = None if self.position is None else self.position.weight
        return self._tabulator.table(ids, self.embedding.weight, positions, parameters_of(self))

    def pool(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features `(B, L, D)`, zero at padding, to `(B, D)`, or `(B, n_positions * D)` for flat pooling."""
        if self.pooling == "mean":
            return features.sum(1) / mask.sum(1, keepdim=True)
        if self.pooling == "cls":
            return features[:, 0]
        return F.pad(features, (0, 0, 0, self.n_positions - features.shape[1])).flatten(1)


def _one_of_two(first: Tensor, second: Tensor, probability: float, rows: int) -> tuple[Tensor, Tensor]:
    """Both `(rows * B, ?)`; with the probability, in equal shares, one of them is zero for a record, in all of its rows."""
    chance = torch.rand(len(first) // rows, 1, device=first.device).repeat(rows, 1)
    keep_first, keep_second = chance >= probability / 2, (chance < probability / 2) | (chance >= probability)
    return first * keep_first, second * keep_second


def _sinusoids(positions: int, width: int) -> Tensor:
    """Sines and cosines in turns, `(positions, width)`, of wavelengths from 2 pi to 20,000 pi; of root mean square 1.

    Vaswani et al., Attention Is All You Need, NeurIPS 2017, section 3.5 (there of amplitude 1).
    """
    channel = torch.arange(width, dtype=torch.float64)
    wave = 1e4 ** -((channel - channel % 2) / width)
    angle = torch.arange(positions, dtype=torch.float64)[:, None] * wave
    table = torch.where(channel % 2 == 0, angle.sin(), angle.cos())
    return (table / table.square().mean().sqrt()).float()


def build_model(
    config: ModelConfig,
    *,
    vocab_size: int,
    n_classes: int,
    letters: int = 4,
    channels: int = 0,
    channel_mean: Sequence[float] | None = None,
    channel_scale: Sequence[float] | None = None,
    paired: bool = False,
) -> SequenceClassifier:
    """A new classifier as `config` describes it, with random weights from torch's global generator.

    Args:
        config: the [model] and [mixer] tables of a run's configuration; its `max_length` must be set.
        vocab_size: number of token ids; n_classes: number of classes, or of other outputs.
        letters: number of characters that words are made of (model.kmer): 4 for DNA, 20 for proteins, else 0.
        channels: real numbers at each position, in the place of a token; 0: tokens. channel_mean, channel_scale: of each.
        paired: whether a record is two sequences.

    Raises:
        ConfigError: an option is unknown, or its value is not allowed.
    """
    if config.max_length < 1:
        raise ConfigError("model.max_length must be set to build a model: the characters of the longest sequence")
    if (config.kmer or config.words) and not letters:
        raise ConfigError("model.kmer and model.words need DNA or proteins, whose words are of a fixed set of letters")
    options = {f.name: getattr(config, f.name) for f in fields(config)}
    return SequenceClassifier(
        vocab_size=vocab_size,
        n_classes=n_classes,
        letters=letters,
        channels=channels,
        channel_mean=channel_mean,
        channel_scale=channel_scale,
        paired=paired,
        **options,
    )


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
