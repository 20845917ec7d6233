"""The [model] table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seqmix.config.options import check, documented, option, options_of
from seqmix.config.tables import Table
from seqmix.errors import ConfigError, param, shown, suggestion
from seqmix.system.ranges import MOST_POSITIONS, MOST_WIDTH

POOLINGS = ("mean", "cls", "flat", "mean-max")
NO_MIXER = "none"  # in model.mixer: the lexical branch alone
_OF_BOTH = ("mixer", "mixer_options", "lexical", "max_length", "second", "checkpoint_blocks")  # what members share
MODEL = "Model"  # panel of `--help`


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The classifier; `SequenceClassifier` explains how its parts work together."""

    mixer: str = option(
        "paramixer",
        "How positions are mixed: mingru, paramixer, skyformer, conv …, or none for the lexical branch alone.",
        flag=True,
        panel=MODEL,
        shown="mingru for DNA, proteins and texts; paramixer with a recipe or file that does not set it",
    )
    lexical: str = option(
        "none",
        "The lexical branch, a linear model that is fitted before the mixer is trained: kmers (DNA, proteins), ngrams (texts: "
        "words and character n-grams), auto for the one that suits the data, or none.",
        choices=("none", "auto", "kmers", "ngrams"),
        flag=True,
        panel=MODEL,
        shown="auto for DNA, proteins and texts; none with a recipe or file that does not set it",
        for_labels=True,
    )
    mixer_options: Table = option(dict, "Options of the mixer ([mixer] in TOML).")
    max_length: int = option(
        0,
        "Sequence length in characters that the model is built for, which sizes the mixers. 0 for data.max_length or the "
        "longest record with positions or flat pooling, which cannot process longer sequences; otherwise for the length that "
        "three quarters of the training records do not exceed (longer ones are still processed).",
        at_least=0,
        at_most=MOST_POSITIONS,
    )
    d_model: int = option(32, "Width of the model: channels at each position.", at_least=1, at_most=MOST_WIDTH)
    embedding_std: float = option(
        1.0, "Initial scale (standard deviation) of the embedding of tokens.", above=0, at_most=1_000_000
    )
    embedding_start: str = option(
        "normal",
        "Initial distribution of the embedding of tokens: normal, or uniform from -sqrt(3) to sqrt(3) times "
        "model.embedding_std.",
        choices=("normal", "uniform"),
    )
    scale_inputs: bool = option(
        True,
        "Real inputs are scaled: over the training records, each channel has mean 0 and variance 1. A channel that is rarely "
        "not 0, such as a mark, becomes large where it is not.",
    )
    blocks: int = option(1, "Number of mixer blocks.", at_least=1, at_most=1000)
    block: str = option(
        "published",
        "What is around the mixer in a block: published for what its paper has (attention mixers: a transformer block; others: "
        "a plain block), or gated for normed input, residuals, and gates that are nearly closed at first, which trains at any "
        "depth.",
        choices=("published", "gated"),
    )
    gate: float = option(0.1, "Initial value of the gates of gated blocks, one for each channel.", at_least=-1000, at_most=1000)
    mixed: float = option(
        0.0,
        "Share of the channels of gated blocks that begin without the block's input and with an open gate: they carry only "
        "what the mixer brings.",
        at_least=0,
        at_most=1,
    )
    drop_path: float = option(
        0.0, "Probability that, in training, a sequence skips a part of a gated block (stochastic depth).", at_least=0, below=1
    )
    d_feedforward: int = option(
        128,
        "Hidden width of the feed-forward layers in transformer and gated blocks; 0 for none in gated blocks.",
        at_least=0,
        at_most=MOST_WIDTH,
    )
    norm: bool = option(True, "LayerNorm after each plain block (other blocks have their own).")
    residual: bool = option(False, "A plain block adds its mixer's output to its input (other blocks always do).")
    pooling: str = option(
        "mean",
        "How the positions become one vector; mean-max joins their mean and their maximum in each channel.",
        choices=POOLINGS,
        flag=True,
        panel=MODEL,
    )
    positions: bool = option(False, "Add a learned positional embedding.")
    position_start: str = option(
        "normal", "Initial positional embedding: random, or sinusoids.", choices=("normal", "sinusoidal")
    )
    position_std: float = option(
        0.02, "Initial scale (root mean square) of the positional embedding.", at_least=-1_000_000, at_most=1_000_000
    )
    stem: str = option(
        "conv",
        "Convolution between the embedding and the first block: conv adds it to the embedding, motif replaces the embedding by "
        "it.",
        choices=("conv", "motif", "none"),
    )
    stem_kernel: int = option(
        9, "Width of the stem's convolution in characters, odd.", at_least=1, at_most=99_999, parity="odd"
    )
    stride: int = option(
        1,
        "Tokens that are pooled to one position after the stem, so that the blocks work on a sequence as many times shorter; "
        "not with cls pooling.",
        at_least=1,
        at_most=65_536,
    )
    stride_pooling: str = option("mean", "How these tokens become one position.", choices=("mean", "max"))
    frames: int = option(
        1,
        "Tokens of a window (model.stride) are pooled apart by their place modulo this, and each frame is mixed as a sequence "
        "of its own, with the same weights; 3 are the reading frames of DNA.",
        at_least=1,
        at_most=1000,
    )
    moments: int = option(
        0,
        "Mean pooling also averages the features weighted by this many cosines of the relative position, which tell where in "
        "a sequence they are.",
        at_least=0,
        at_most=1000,
    )
    standardise: bool = option(
        False,
        "Pooled features are standardised: over the training records, each has mean 0 and variance 1. The means of long "
        "sequences differ little, and are hardly learned from otherwise.",
    )
    head_hidden: int = option(0, "Hidden width of the head; 0 for a single linear layer.", at_least=0, at_most=MOST_WIDTH)
    dropout_tokens: float = option(
        0.0, "Probability that, in training, the embedding of a token is zeroed as a whole.", at_least=0, below=1
    )
    hidden_noise: float = option(
        0.0,
        "Most noise that hidden tokens bring to pooled features, relative to what these differ by between records. Where it is "
        "more, as on aligned genomes, fewer tokens are hidden than model.dropout_tokens says; 0 for no limit.",
        at_least=0,
        at_most=1_000_000,
    )
    dropout_embedding: float = option(0.0, "Dropout after the embedding.", at_least=0, below=1)
    dropout: float = option(0.0, "Dropout after each block's mixing and feed-forward.", at_least=0, below=1)
    dropout_head: float = option(0.0, "Dropout before the head.", at_least=0, below=1)
    kmer: int = option(
        0,
        "Tokens are k-mers of this many characters (DNA, proteins); 0 for single characters.",
        at_least=0,
        at_most=20,
        flag=True,
        panel=MODEL,
    )
    hashed_words: int = option(
        0,
        "Tokens are the words of a text (runs of letters and digits, in lower case) and its other characters except white "
        "space, each hashed to one of this many tokens, a power of two; 0 for the tokens of the data set.",
        at_least=0,
        at_most=1 << 20,
    )
    source: str = option(
        "stem",
        "What Paramixer computes its links from: the stem's output, or its input (equal tokens then have equal links, which "
        "are computed once).",
        choices=("stem", "tokens"),
    )
    words: int = option(
        0,
        "The k-mer branch, parallel to the blocks: frequencies of all k-mers of this many characters (DNA, proteins); 0 for no "
        "branch.",
        at_least=0,
        at_most=20,
    )
    d_words: int = option(64, "Width of the k-mer branch.", at_least=1, at_most=MOST_WIDTH)
    dropout_words: float = option(0.0, "Probability that a k-mer is not counted in training.", at_least=0, below=1)
    dropout_branch: float = option(
        0.0, "Probability that, in training, the head sees only one of the two branches.", at_least=0, below=1
    )
    second: Table = option(
        dict,
        "Options of this table in which a second member of the mixing branch differs, such as {kmer = 6}. It is trained beside "
        "the first, with a loss of its own, and their answers are combined with a weight chosen on validation. Empty for one "
        "member.",
        for_labels=True,
    )
    checkpoint_blocks: bool = option(False, "Activation checkpointing: less memory, but about a third more time.")

    def __post_init__(self) -> None:
        check(self, "model.", spelled=param)
        if self.second:
            self.of_second()

    def of_second(self) -> ModelConfig:
        """Return the configuration of the second member of the mixing branch.

        Raises:
            ConfigError: it has options that do not exist, that members cannot differ in, or whose values are not allowed.
        """
        allowed = [name for name in options_of(ModelConfig) if name not in _OF_BOTH]
        for name in self.second:
            if name not in allowed:
                known = f"members cannot differ in {name}" if name in _OF_BOTH else f"there is no option '{name}'"
                raise ConfigError(f"model.second: {known}{suggestion(name, allowed)}", option="model.second")
        try:
            found = replace(self, **self.second, second={})
        except ConfigError as error:
            raise ConfigError(f"model.second: {error.text}", option="model.second") from error
        if (found.pooling == "cls") != (self.pooling == "cls"):
            raise ConfigError(
                f"model.second: with cls pooling, both members need it: got {shown(self.pooling)} and {shown(found.pooling)}",
                option="model.second",
            )
        return found
