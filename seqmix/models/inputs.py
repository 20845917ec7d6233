"""The input of a model, and which options of a model suit it; nothing here waits for torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqmix.config import ModelConfig
from seqmix.data.vocabulary import Vocabulary
from seqmix.data.vocabulary.base import FIRST
from seqmix.errors import ConfigError
from seqmix.mixers import mixer_declares

_MOST_KMERS = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class InputSpec:
    """The input of a model.

    Attributes:
        vocab_size: number of token ids V, special ones included; ignored with `channels`.
        letters: number of characters (ids 2, 3, …) that k-mers are made of: 4 for DNA, 20 for proteins, else 0. A k-mer with
            any other character becomes a special token.
        channels: number of real values at each position, instead of a token; 0 for tokens.
        channel_mean: number to subtract from each channel; None for 0.
        channel_scale: number to divide each channel by afterwards; None for 1.
        paired: whether a record is two sequences.
        spellings: the text of each token from `first` on; () if tokens stand for no texts.
        first: number of special tokens.
    """

    vocab_size: int = 0
    letters: int = 4
    channels: int = 0
    channel_mean: Sequence[float] | None = None
    channel_scale: Sequence[float] | None = None
    paired: bool = False
    spellings: Sequence[str] = ()
    first: int = FIRST

    @classmethod
    def of(cls, vocabulary: Vocabulary, *, paired: bool) -> InputSpec:
        """Return the input of a model for data with this vocabulary."""
        return cls(
            vocab_size=len(vocabulary),
            letters=vocabulary.letters,
            channels=vocabulary.channels or 0,
            channel_mean=vocabulary.mean,
            channel_scale=vocabulary.scale,
            paired=paired,
            spellings=() if vocabulary.letters or vocabulary.channels else vocabulary.spellings,
            first=vocabulary.first,
        )


def check_model(config: ModelConfig, inputs: InputSpec) -> None:
    """Refuse options that cannot be combined, or do not apply to the inputs.

    Args:
        config: the options of a classifier, or of one member of a mixing branch.
        inputs: its input.

    Raises:
        ConfigError: there are such options.
    """
    if config.max_length < 1:
        raise ConfigError("model.max_length must be set to build a model: the characters of the longest sequence")
    if (config.kmer or config.words) and not inputs.letters:
        name = "model.kmer" if config.kmer else "model.words"
        raise ConfigError(
            "model.kmer and model.words need DNA or proteins, whose k-mers are of a fixed set of letters", option=name
        )
    for name, k in {"model.kmer": config.kmer, "model.words": config.words}.items():
        if (count := inputs.letters**k) > _MOST_KMERS:
            raise ConfigError(f"{name} = {k} makes {count:,} k-mers; at most {_MOST_KMERS:,} are possible", option=name)
    if config.hashed_words:
        _check_words(config, inputs)
    if config.position_start != "normal" and not config.positions:
        name = "model.position_start"
        raise ConfigError(f"{name} = {config.position_start} needs positions: set model.positions = true", option=name)
    if config.stride > 1 and config.pooling == "cls":
        raise ConfigError(
            f"model.stride = {config.stride} pools the CLS token with the tokens after it: use another model.pooling than cls, "
            "or set model.stride = 1",
            option="model.stride",
        )
    if config.stride % config.frames:
        raise ConfigError(
            f"model.frames = {config.frames} must divide model.stride = {config.stride}, the tokens of a window",
            option="model.frames",
        )
    if config.moments and config.pooling in ("cls", "flat"):
        raise ConfigError(
            f"model.moments = {config.moments} belongs to mean and mean-max pooling: got model.pooling = {config.pooling}",
            option="model.moments",
        )
    if config.block == "published" and not config.d_feedforward and mixer_declares(config.mixer, "block") == "transformer":
        raise ConfigError(
            f"model.d_feedforward = 0: the published block of '{config.mixer}' has a feed-forward layer; give it a width, "
            "or set model.block = gated",
            option="model.d_feedforward",
        )
    if inputs.channels and config.pooling == "cls":
        raise ConfigError(
            "model.pooling = cls puts a token in front, but these data are numbers, not tokens; use mean or flat",
            option="model.pooling",
        )


def _check_words(config: ModelConfig, inputs: InputSpec) -> None:
    """Raise a `ConfigError` if the tokens of a model cannot be hashed words."""
    count = config.hashed_words
    if not inputs.spellings:
        raise ConfigError(
            f"model.hashed_words = {count} needs texts; leave it out for DNA, proteins, numbers and images",
            option="model.hashed_words",
        )
    if count & (count - 1) or not 1 < count <= _MOST_KMERS:
        raise ConfigError(
            f"model.hashed_words must be a power of two from 2 to {_MOST_KMERS:,}, or 0: got {count}",
            option="model.hashed_words",
        )
