"""The classifier: ``head(pool(blocks(windows(stem(embedding(kmers(ids))))), mask))``.

In: token indices `(B, L)`, or real numbers `(B, L, channels)`, and a mask `(B, L)`, True = a real position. Out: logits
`(B, C)`. The output depends neither on the values at padded positions nor on the other records in the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seqmix.config import ModelConfig
from seqmix.errors import ConfigError
from seqmix.functional.kmers import kmer_count
from seqmix.functional.kmers import kmers as find_kmers
from seqmix.functional.ngrams import SPECIAL_WORDS
from seqmix.mixers import Mixer, Table
from seqmix.models.blocks import KmerBranch, PlainBlock
from seqmix.models.inputs import InputSpec, check_model
from seqmix.models.parts import block_of, head_of, normalised, positions_of, stem_of
from seqmix.models.pooling import Standardisation, pool, pooled_width, quietened
from seqmix.models.spelling import HashedWords
from seqmix.models.token_tables import TokenTables, parameters_of
from seqmix.models.windows import embed_windows, pool_windows, window_count, window_mask
from seqmix.system.memory import is_overflow
from seqmix.system.ranges import check_numbers

M = TypeVar("M", bound=nn.Module)


class SequenceClassifier(nn.Module):
    """Classifies token sequences with a stack of mixer blocks.

    Pairs of sequences, rows i and B + i of a batch of 2 B, go through the same layers up to the pooling; the head sees
    ``[a, b, a * b, a - b]``. The k-mer branch contains the linear model of k-mer frequencies.

    Weights are drawn from torch's global generator; under ``torch.device("meta")`` nothing is drawn and no memory is used.

    Args:
        config: the [model] and [mixer] tables of a run's configuration. `max_length` must be set and does not count a CLS
            token. It sizes the positional embedding, flat pooling and the mixers; a model without the first two also accepts
            longer sequences.
        inputs: the model's input.
        n_outputs: number of classes C, or of other outputs.

    Raises:
        ConfigError: options cannot be combined, or do not apply to these inputs.
    """

    channel_mean: Tensor
    channel_scale: Tensor

    def __init__(self, config: ModelConfig, inputs: InputSpec, n_outputs: int) -> None:
        super().__init__()
        check_model(config, inputs)
        self.config, self.pooling, self.source = config, config.pooling, config.source
        self.kmer, self.letters, self.dropout_branch = config.kmer, inputs.letters, config.dropout_branch
        self.stride, self.stride_pooling, self.frames = config.stride, config.stride_pooling, config.frames
        self.hashed_words = None
        if config.hashed_words:
            self.hashed_words = HashedWords(inputs.spellings, inputs.first, config.hashed_words)
        self.max_tokens = config.max_length + (config.pooling == "cls")
        self.n_positions = window_count(self.max_tokens, config.stride)
        self.checkpoint_blocks = config.checkpoint_blocks
        self.channels, self.paired = inputs.channels, inputs.paired
        if inputs.channels:
            given = (inputs.channel_mean, inputs.channel_scale) if config.scale_inputs else (None, None)
            mean, scale = given[0] or [0.0] * inputs.channels, given[1] or [1.0] * inputs.channels
            self.register_buffer("channel_mean", torch.tensor(mean, dtype=torch.float32))
            self.register_buffer("channel_scale", torch.tensor(scale, dtype=torch.float32))
        # The order of construction decides which random numbers each part gets, so it must not change.
        self.embedding = _embedding(config, inputs)
        self.position = positions_of(config, self.n_positions) if config.positions else None
        self.dropout_tokens = config.dropout_tokens
        self.dropout_embedding = nn.Dropout(config.dropout_embedding)
        self.stem = stem_of(config)
        self.blocks = nn.ModuleList(block_of(config, self.n_positions) for _ in range(config.blocks))
        self.gated = config.block == "gated"
        self.norm = None if isinstance(self.blocks[0], PlainBlock) else nn.LayerNorm(config.d_model)
        branch = (config.words, inputs.letters, config.d_words, config.dropout_words)
        self.words = KmerBranch(*branch) if config.words else None
        self.dropout_head = nn.Dropout(config.dropout_head)
        width = pooled_width(config, self.n_positions)
        self.standardisation = Standardisation(width) if config.standardise else None
        width = (width + (config.d_words if config.words else 0)) * (4 if inputs.paired else 1)
        self.head = head_of(width, config.head_hidden, n_outputs)

        mixers = [module for module in self.modules() if isinstance(module, Mixer)]
        if config.pooling == "cls" and any(mixer.forwards_only for mixer in mixers):
            raise ConfigError(
                "model.pooling = cls puts a token in front, which sees nothing with mixer.bidirectional = false: use another "
                "model.pooling, or mixer.bidirectional = true",
                option="model.pooling",
            )
        by_token = not inputs.channels and (config.stem == "none" or config.source == "tokens") and config.stride == 1
        tabulated = by_token and all(mixer.tabulated for mixer in mixers)
        self._tabulator = TokenTables(sum(mixer.row_floats for mixer in mixers)) if tabulated else None

    @property
    def length_limit(self) -> int | None:
        """The most tokens (CLS included) that a sequence may have; None for no limit."""
        return self.max_tokens if self.pooling == "flat" or self.position is not None else None

    def mixer_label(self) -> str:
        """Return the part of a run's name that describes the mixer's options."""
        mixer = self.blocks[0].mixer
        assert isinstance(mixer, Mixer)
        return mixer.label()

    def after_step(self, step: int) -> None:
        """Tell the mixers that optimiser step number `step`, counted from 1, has been taken."""
        for module in self.modules():
            if isinstance(module, Mixer):
                module.after_step(step)

    def train(self, mode: bool = True) -> SequenceClassifier:
        """Set the mode as in `nn.Module`, and free the memory of token tables."""
        if self._tabulator is not None:
            self._tabulator.forget()
        super().train(mode)
        return self

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Classify sequences.

        Args:
            ids: `(B, L)` integers, or `(B, L, channels)` reals; with `paired`, B records are 2 B rows: all first sequences,
                then all second ones.
            mask: `(B, L)` bool, True = a real position.

        Returns:
            Logits `(B, C)`.

        Raises:
            ConfigError: L exceeds `length_limit`.
        """
        tokens, kept = self._tokens(ids, mask)
        pooled = self.pool(self._features(tokens, kept), window_mask(kept, self.stride, self.frames))
        if self.words is not None:
            counted = self.words(ids, mask, cls=self.pooling == "cls")
            if self.training and self.dropout_branch:
                pooled, counted = _one_of_two(pooled, counted, self.dropout_branch, 2 if self.paired else 1)
            pooled = torch.cat((pooled, counted), dim=1)
        if self.paired:
            a, b = pooled.chunk(2)
            pooled = torch.cat((a, b, a * b, a - b), dim=1)
        return self.head(self.dropout_head(pooled))

    def unstandardised(self, ids: Tensor, mask: Tensor, *, hidden: float = 0.0) -> Tensor:
        """Return the pooled features of each sequence before they are standardised, `(B, pooled_width)`.

        Args:
            ids: as in `forward`.
            mask: as in `forward`.
            hidden: probability that a token is hidden, whether or not the model is in training.
        """
        tokens, kept = self._tokens(ids, mask)
        seen = self._drawn(kept, hidden) if hidden else None
        return pool(
            self._features(tokens, kept, seen), window_mask(kept, self.stride, self.frames), self.config, self.n_positions
        )

    def features(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last block's output `(B F, L', D)`, zero at padding; the F frames of a sequence are consecutive rows.

        L' is the number T of tokens (L, or L - K + 1 with k-mers of K characters) or, with a stride s, ceil(T / s): a position
        is a window of s tokens, real if one of them is (`windows.window_mask`).
        """
        return self._features(*self._tokens(ids, mask))

    def _tokens(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the token indices to embed, zero at padding (characters, or the k-mers that begin at each), and their mask."""
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
        if self.hashed_words is not None:
            ids, mask = self.hashed_words(ids, mask, cls=self.pooling == "cls")
        return ids.masked_fill(~mask, 0), mask

    def _features(self, ids: Tensor, mask: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return `features` of tokens; those outside `seen`, `(B, L)` bool, are hidden (None to hide none)."""
        shown = self._shown(mask)
        if seen is not None:
            shown = seen if shown is None else shown & seen
        start, source = self._embedded(ids, mask, shown) if self.stride == 1 else self._windows(ids, mask, shown)
        real = window_mask(mask, self.stride, self.frames)
        mask = _begun(real) if self.frames > 1 else real
        if self.gated:  # otherwise the scale of the embedding, not the gates, would decide what is mixed in
            together = source is start
            start = normalised(start)
            source = start if together else normalised(source)
        x: Any = start
        for block in self.blocks:
            if self.checkpoint_blocks and self.training:
                x = checkpoint(block, x, mask, source, use_reentrant=False)
            else:
                x = block(x, mask, source)
        features: Tensor = x if self.norm is None else self.norm(x)
        return features.masked_fill(~real[:, :, None], 0.0)

    def _embedded(self, ids: Tensor, mask: Tensor, shown: Tensor | None) -> tuple[Tensor | Table, Tensor | Table]:
        """Return the input of the first block and the source of the links, each `(B, L, D)` or a table."""
        table = self._table(ids, shown)
        if table is not None and self.stem is None:
            return table, table
        embedded = table.expand() if table is not None else self._embed(ids, shown, self.position)
        embedded = self.dropout_embedding(embedded).masked_fill(~mask[:, :, None], 0.0)
        x = embedded if self.stem is None else self.stem(embedded).masked_fill(~mask[:, :, None], 0.0)
        return x, table if table is not None else embedded if self.source == "tokens" else x

    def _windows(self, ids: Tensor, mask: Tensor, shown: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return what `_embedded` does, `(B F, ceil(L / stride), D)`: tokens are pooled before positions are added."""
        how = mask, self.stride, self.stride_pooling, self.frames
        by_element = self.training and self.dropout_embedding.p > 0
        if self.stem is None and self.stride_pooling == "mean" and not self.channels and not by_element:
            shown = mask if shown is None else shown
            x = source = embed_windows(ids, shown, mask, self.embedding.weight, self.stride, self.frames)
        else:
            embedded = self.dropout_embedding(self._embed(ids, shown, None)).masked_fill(~mask[:, :, None], 0.0)
            stemmed = embedded if self.stem is None else self.stem(embedded).masked_fill(~mask[:, :, None], 0.0)
            x = source = pool_windows(stemmed, *how)
            if self.source == "tokens" and self.stem is not None:
                source = pool_windows(embedded, *how)
        if self.position is None:
            return x, source
        added = self.position.weight[: x.shape[1]] * window_mask(mask, self.stride, self.frames)[:, :, None]
        return (x + added, source + added) if source is not x else (x + added,) * 2

    def _shown(self, mask: Tensor) -> Tensor | None:
        """Return `(B, L)` bool, the tokens that training does not hide; None for all."""
        return self._drawn(mask, self.dropout_tokens) if self.training and self.dropout_tokens else None

    def _drawn(self, mask: Tensor, hidden: float) -> Tensor:
        """Draw which tokens are shown, `(B, L)` bool: not those that are hidden with this probability; CLS always."""
        shown = torch.rand(mask.shape, device=mask.device) >= hidden
        if self.pooling == "cls":
            shown[:, 0] = True
        return shown

    def _embed(self, ids: Tensor, shown: Tensor | None, position: nn.Embedding | None) -> Tensor:
        x: Tensor = self.embedding(ids)
        x = x if shown is None else x.masked_fill(~shown[:, :, None], 0.0)
        return x if position is None else x + position.weight[: ids.shape[1]]

    def _table(self, ids: Tensor, shown: Tensor | None) -> Table | None:
        if self._tabulator is None or (self.training and self.dropout_embedding.p > 0):
            return None
        assert isinstance(self.embedding, nn.Embedding)
        tokens, positions = self.embedding.weight, None if self.position is None else self.position.weight
        if shown is not None:  # a hidden token looks up an extra row, of zeros
            ids, tokens = ids.masked_fill(~shown, len(tokens)), F.pad(tokens, (0, 0, 0, 1))
        return self._tabulator.table(ids, tokens, positions, parameters_of(self))

    def pool(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return the pooled features `(B, pooled_width)` of `features`; see `pooling.pool`."""
        pooled = pool(features, mask, self.config, self.n_positions)
        return quietened(pooled if self.standardisation is None else self.standardisation(pooled), self.config)


def _begun(mask: Tensor) -> Tensor:
    """Return a mask in which every row has a position, of which short sequences have none in some frames."""
    return torch.cat((torch.ones_like(mask[:, :1]), mask[:, 1:]), dim=1)


def _one_of_two(first: Tensor, second: Tensor, probability: float, rows: int) -> tuple[Tensor, Tensor]:
    """Return both `(rows * B, ?)`; with this probability, one of the two, each equally often, is zeroed for a record."""
    chance = torch.rand(len(first) // rows, 1, device=first.device).repeat(rows, 1)
    keep_first, keep_second = chance >= probability / 2, (chance < probability / 2) | (chance >= probability)
    return first * keep_first, second * keep_second


def token_count(config: ModelConfig, inputs: InputSpec) -> int:
    """Return the number of different tokens that a model embeds, special ones included."""
    if config.kmer:
        return kmer_count(config.kmer, inputs.letters)
    return SPECIAL_WORDS + config.hashed_words if config.hashed_words else inputs.vocab_size


def _embedding(config: ModelConfig, inputs: InputSpec) -> nn.Embedding | nn.Linear:
    if inputs.channels:
        return nn.Linear(inputs.channels, config.d_model)
    embedding = nn.Embedding(token_count(config, inputs), config.d_model)
    if config.embedding_start == "uniform":
        most = math.sqrt(3.0) * config.embedding_std
        nn.init.uniform_(embedding.weight, -most, most)
    elif config.embedding_std != 1:
        with torch.no_grad():
            embedding.weight.mul_(config.embedding_std)
    return embedding


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
    spellings: Sequence[str] = (),
) -> SequenceClassifier:
    """Build a classifier with random weights: `SequenceClassifier` with the fields of `InputSpec` as keywords.

    Args:
        config: the [model] and [mixer] tables of a run's configuration; its `max_length` must be set.
        vocab_size: number of token ids, special ones included.
        n_classes: number of classes, or of other outputs.
        letters: number of characters that k-mers are made of: 4 for DNA, 20 for proteins, else 0.
        channels: number of real values at each position, instead of a token; 0 for tokens.
        channel_mean: number to subtract from each channel; None for 0.
        channel_scale: number to divide each channel by afterwards; None for 1.
        paired: whether a record is two sequences.
        spellings: the text of each token that is not special, for `model.hashed_words`; () for other tokens.

    Raises:
        ConfigError: an option is unknown, or its value is not allowed.
    """
    check_numbers(vocab_size=vocab_size, n_classes=n_classes, letters=letters, channels=channels)
    inputs = InputSpec(
        vocab_size=vocab_size,
        letters=letters,
        channels=channels,
        channel_mean=channel_mean,
        channel_scale=channel_scale,
        paired=paired,
        spellings=spellings,
    )
    return SequenceClassifier(config, inputs, n_classes)


def without_memory(build: Callable[[], M]) -> M:
    """Build a model on the meta device, to check shapes and options without using memory or changing the random state.

    A mixer that computes with its weights during construction cannot be built there, and is built on the CPU.

    Raises:
        RuntimeError: a tensor is so large that its size cannot be computed.
    """
    try:
        with torch.device("meta"):
            return build()
    except RuntimeError as error:
        if is_overflow(error):
            raise
        with torch.random.fork_rng(devices=[]):
            return build()


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
