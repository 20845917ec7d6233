"""What is done to one sequence: truncation and augmentation."""

from __future__ import annotations

import numpy as np

from seqmix.data.vocabulary import Tokens


def cut(tokens: Tokens, max_length: int | None, keep: str) -> Tokens:
    """At most `max_length` tokens: those at the "start", the "end" or the "middle". The one truncation there is."""
    excess = 0 if max_length is None else len(tokens) - max_length
    if excess <= 0:
        return tokens
    first = {"start": 0, "end": excess, "middle": excess // 2}[keep]
    return tokens[first : first + len(tokens) - excess]


def augment(
    tokens: Tokens, order: tuple[int, ...], *, crop: float = 0.0, reverse_complement: float = 0.0, complement: bytes | None
) -> Tokens:
    """A training sequence as it is seen in one epoch: a pure function of itself, `order` and the options.

    Args:
        tokens: `(n,)`, or `(n, channels)`; left as they are.
        order: (seed, epoch, record), and 1 for the second of a pair.
        crop: a random part of it is seen, of at least ``1 - crop`` of its length.
        reverse_complement: probability with which its other strand is seen.
        complement: `Vocabulary.complement`; None: there is no other strand.
    """
    if not crop and not (reverse_complement and complement):
        return tokens
    generator = np.random.default_rng(order)
    share, place, strand = generator.random(3)
    kept = max(1, round(len(tokens) * (1.0 - crop * share)))
    start = int(place * (len(tokens) - kept + 1))
    part = tokens[start : start + kept]
    if complement and strand < reverse_complement:
        table = np.frombuffer(complement, dtype=np.uint8)
        part = table[part[::-1]]
    return part
