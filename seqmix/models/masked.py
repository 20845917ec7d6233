"""The model that is pretrained: the mixing branch with a head that predicts hidden characters from each position's features.

Spans of characters (or words, subwords) are hidden; from the features of their positions, before the pooling, the hidden
characters are predicted. Spans, rather than single characters, as in SpanBERT (Joshi et al., TACL 2020) and DNABERT (Ji et
al., Bioinformatics 2021): what is hidden cannot be read off its neighbours. A hidden token's embedding is zero, as with
`model.dropout_tokens`, rather than a learned one: no weights but those of the head are for pretraining alone.

Characters are predicted, whatever the tokens and positions are, except that of hashed words the words themselves are:

* With k-mers, every token that holds a hidden character is hidden, since the next k-mer would give it away (DNABERT). The
  features of a token predict its first character, and those of the tokens beside it theirs: over a span, together they
  predict the k-mer, with 4 outputs for DNA instead of 4^k.
* With `model.stride` s, a position stands for s tokens, and its features predict each hidden one: by a projection for each
  place in the window, and one classifier of characters after all of them. Masked autoencoders (He et al., CVPR 2022) predict
  all pixels of a patch from its features in the same way. Of a window that is hidden in part, the other tokens are seen.

In training, spans are drawn anew in each step; otherwise they are a fixed function of the position, so that validations of
the same records are comparable and do not depend on the batches.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqmix.config import ModelConfig
from seqmix.functional.ngrams import SPECIAL_WORDS
from seqmix.models.classifier import SequenceClassifier, token_count
from seqmix.models.inputs import InputSpec
from seqmix.models.windows import windows


class TokenHead(nn.Module):
    """Logits of the characters at each place of a window: ``classifier(gelu(places(features)))``.

    The hidden layer, as in BERT's head, keeps the features from having to be linear in the characters.

    Args:
        width: number W of features of a window, those of all frames together.
        d_model: width D of the hidden layer at each place.
        stride: tokens of a window.
        n_tokens: number V of characters.
    """

    def __init__(self, width: int, d_model: int, stride: int, n_tokens: int) -> None:
        super().__init__()
        self.places = nn.Linear(width, stride * d_model)
        self.classifier = nn.Linear(d_model, n_tokens)

    def forward(self, features: Tensor, asked: Tensor) -> Tensor:
        """Return the logits `(A, V)` of the places to predict, in their order.

        Args:
            features: `(N, W)`, of windows.
            asked: `(N, stride)` bool, True = a place to predict; A in all.
        """
        places = self.places(features).unflatten(1, (asked.shape[1], -1))
        logits: Tensor = self.classifier(F.gelu(places[asked]))
        return logits


class MaskedModel(SequenceClassifier):
    """A classifier's layers up to its pooling, which are trained to predict hidden characters.

    The names of its weights are those of a classifier, except in the head.

    Args:
        config: as for a classifier.
        inputs: as for a classifier; tokens, not numbers.
        share: share of the characters that is hidden.
        span: length of a hidden span.
        unknown: token that is not predicted, because it stands for an unknown character.
    """

    def __init__(self, config: ModelConfig, inputs: InputSpec, *, share: float, span: int, unknown: int) -> None:
        super().__init__(config, inputs, 1)
        self.share, self.span, self.unknown = share, span, SPECIAL_WORDS - 1 if config.hashed_words else unknown
        self.dropout_tokens = 0.0  # tokens are hidden in any case; others would be missing without being predicted
        count = token_count(config, inputs) if config.hashed_words else inputs.vocab_size
        self.head = TokenHead(config.d_model * config.frames, config.d_model, config.stride, count)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hide characters and predict them; arguments as in `SequenceClassifier.forward`.

        Returns:
            `(B, 2)`: the mean cross-entropy of a record's hidden characters, and the share of them that is predicted right.
        """
        tokens, kept = self._tokens(ids, mask)
        if self.hashed_words is not None:
            ids, mask = tokens, kept
        hidden = self._hidden(mask)
        features = self._features(tokens, kept, self._seen(hidden)[:, : tokens.shape[1]])
        features = features.unflatten(0, (-1, self.frames)).movedim(1, 2).flatten(2)  # those of a window in all frames
        asked = windows((hidden & (ids != self.unknown))[:, : tokens.shape[1]] & kept, self.stride)
        row, window = asked.any(2).nonzero(as_tuple=True)
        asked, targets = asked[row, window], windows(ids[:, : tokens.shape[1]], self.stride)[row, window]
        logits, targets = self.head(features[row, window], asked).float(), targets[asked].long()
        losses, right = F.cross_entropy(logits, targets, reduction="none"), logits.argmax(1) == targets
        row = row[:, None].expand(asked.shape)[asked]
        return _means(torch.stack((losses, right.float()), dim=1), row, len(mask) // 2 if self.paired else len(mask))

    def _seen(self, hidden: Tensor) -> Tensor:
        """Return which tokens are seen, `(B, L)` bool: those, of all that begin at a character, that hold no hidden one."""
        seen = ~_near(hidden, after=self.kmer - 1)
        if self.pooling == "cls":
            seen[:, 0] = True
        return seen

    def _hidden(self, mask: Tensor) -> Tensor:
        """Return which characters are hidden, `(B, L)` bool, of the mask `(B, L)`: about `share` of them, at least a span."""
        if self.training:
            draws = torch.rand(mask.shape, device=mask.device)
        else:
            draws = torch.from_numpy(np.random.default_rng(0).random(mask.shape[1], np.float32)).to(mask.device)
        real = mask.clone()
        if self.pooling == "cls":
            real[:, 0] = False
        draws = draws.expand(mask.shape).masked_fill(~real, 2.0)
        chance = 1.0 - (1.0 - self.share) ** (1.0 / self.span)  # that a span begins, so that so many are in none
        starts = (draws < chance) | (draws == draws.amin(1, keepdim=True))
        return _near(starts & real, before=self.span - 1) & real


def _means(values: Tensor, row: Tensor, records: int) -> Tensor:
    """Return the mean of the values `(A, 2)` of each record, `(B, 2)`; 0 if it has none.

    Args:
        values: what is averaged.
        row: row in the batch that each is of, `(A,)`; of pairs, rows i and B + i are one record.
        records: number B of records.
    """
    sums = values.new_zeros(records, 3).index_add_(0, row % records, F.pad(values, (0, 1), value=1.0))
    return sums[:, :2] / sums[:, 2:].clamp_min(1.0)


def _near(x: Tensor, *, before: int = 0, after: int = 0) -> Tensor:
    """Return where x `(B, L)` bool is True at a position, at one of those before it or at one of those after it."""
    before, after = max(0, before), max(0, after)
    sums = F.pad(x.long(), (before + 1, after)).cumsum(1)
    return sums[:, before + after + 1 :] > sums[:, : x.shape[1]]
