"""The lexical branch: a linear model of what occurs in a record, wherever it stands.

DNA and proteins are counts of k-mers; texts are hashed character n-grams and words. The model is convex and fitted to its
optimum by `seqmix.training.lexical`; it is a module of buffers, without anything that gradients train.

In: token indices `(B, L)` and a mask `(B, L)`, True = a real character. Out: outputs `(B, C)`, as those of
`SequenceClassifier`. The answer for a record depends on that record alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seqmix.data.vocabulary import Vocabulary
from seqmix.functional.counts import SparseRows, count_codes, paired
from seqmix.functional.kmers import SPECIAL_KMERS, kmers
from seqmix.functional.ngrams import character_ngrams, word_ngrams
from seqmix.models.lexical_spec import LexicalSpec, spec_of
from seqmix.models.spelling import CharacterTable

_LENGTHS = (3, 4, 5)  # of character n-grams


class FeatureCounter:
    """Counts k-mers or n-grams.

    Args:
        spec: what to count.
        vocabulary: the vocabulary of the tokens.
    """

    def __init__(self, spec: LexicalSpec, vocabulary: Vocabulary) -> None:
        self.spec = spec
        self._table = CharacterTable(vocabulary.spellings, vocabulary.first) if spec.features == "ngrams" else None

    def __call__(self, ids: Tensor, mask: Tensor) -> SparseRows:
        """Return the counts of each row: `(B, F)`; of pairs, whose rows are i and B + i, `(2 B, F)`."""
        spec = self.spec
        if self._table is None:
            found, _ = kmers(ids, mask, spec.k, spec.letters)
            whole = found >= SPECIAL_KMERS
            rows = torch.arange(len(found), device=ids.device)[:, None].expand(found.shape)[whole]
            return count_codes(rows, found[whole].long() - SPECIAL_KMERS, len(ids), spec.counted)
        characters = self._table.read(ids, mask)
        rows_of, codes_of = [], []
        for place, part in enumerate(spec.parts):
            if part == "words":
                rows, codes = word_ngrams(characters, spec.buckets)
            else:
                rows, codes = character_ngrams(characters, _LENGTHS, spec.buckets)
            rows_of.append(rows)
            codes_of.append(codes + place * spec.buckets)
        return count_codes(torch.cat(rows_of), torch.cat(codes_of), len(ids), spec.counted)


def weighted(counts: SparseRows, spec: LexicalSpec, scale: Tensor | None = None) -> SparseRows:
    """Return features of counts, `(B, F)`; standardised ones before they are shifted and scaled, which the weights do.

    Args:
        counts: from `FeatureCounter`.
        spec: says how they are weighted.
        scale: for tf-idf, inverse document frequencies `(F,)`.
    """
    values = counts.values
    match spec.weighting:
        case "hellinger":
            values = values.sqrt()
        case "tf-idf":
            assert scale is not None
            values = (1.0 + values.log()) * scale[counts.columns]
        case "standardised":
            totals = values.new_zeros(len(counts.offsets) - 1).index_add_(0, counts.rows, values)
            values = values / totals[counts.rows]
    features = replace(counts, values=values)
    if spec.weighting != "standardised":
        groups = counts.columns // spec.buckets if len(spec.parts) > 1 else None
        features = features.normalised(groups, max(1, len(spec.parts)))
    return paired(features, spec.counted) if spec.paired else features


class LexicalClassifier(nn.Module):
    """A linear model of counts: ``features @ weight - shift + bias``, without the shift for a record without features.

    Args:
        spec: the features.
        vocabulary: the vocabulary of the tokens.
        n_outputs: number of classes C, or of other outputs.
    """

    weight: Tensor
    bias: Tensor
    shift: Tensor
    scale: Tensor

    def __init__(self, spec: LexicalSpec, vocabulary: Vocabulary, n_outputs: int) -> None:
        super().__init__()
        self.spec, self.paired, self.pooling = spec, spec.paired, "mean"
        self._count = FeatureCounter(spec, vocabulary)
        self.register_buffer("weight", torch.zeros(spec.width, n_outputs))
        self.register_buffer("bias", torch.zeros(n_outputs))
        self.register_buffer("shift", torch.zeros(n_outputs))
        self.register_buffer("scale", torch.ones(spec.counted if spec.weighting == "tf-idf" else 1))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return outputs `(B, C)`.

        Args:
            ids: `(B, L)` integers; of pairs, all first sequences, then all second ones.
            mask: `(B, L)` bool, True = a real character.
        """
        with torch.autocast(ids.device.type, enabled=False):
            features = weighted(self._count(ids, mask), self.spec, self.scale)
            some = (features.offsets.diff() > 0)[:, None]
            return features.product(self.weight) - self.shift * some + self.bias


def restored_lexical(
    saved: Mapping[str, Any], tensors: Mapping[str, Tensor], vocabulary: Vocabulary, n_outputs: int, *, paired: bool
) -> LexicalClassifier:
    """Return a stored lexical branch, in `eval()`.

    Args:
        saved: its spec as a table.
        tensors: its buffers.
        vocabulary: the vocabulary of the tokens.
        n_outputs: number of classes C, or of other outputs.
        paired: whether records are pairs.

    Raises:
        ValueError: spec, buffers and outputs do not match.
        RuntimeError: likewise.
        TypeError: likewise.
        KeyError: a buffer is missing.
    """
    spec = spec_of(saved, vocabulary, paired=paired)
    if tuple(tensors["weight"].shape) != (spec.width, n_outputs):  # before memory is taken for it
        raise ValueError(f"the weights have the shape {tuple(tensors['weight'].shape)}, not {(spec.width, n_outputs)}")
    model = LexicalClassifier(spec, vocabulary, n_outputs)
    model.load_state_dict(dict(tensors))
    return model.eval()
