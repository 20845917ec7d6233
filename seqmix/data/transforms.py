"""What is done to one sequence: truncation and augmentation."""

from __future__ import annotations

import numpy as np

from seqmix.data.vocabulary import Tokens


def cut(tokens: Tokens, max_length: int | None, keep: str) -> Tokens:
    """Return at most `max_length` tokens of a sequence; nothing else truncates.

    Args:
        tokens: `(L,)`, or `(L, channels)`.
        max_length: None for all of them.
        keep: which part is kept: the "start", the "end" or the "middle".
    """
    excess = 0 if max_length is None else len(tokens) - max_length
    if excess <= 0:
        return tokens
    first = {"start": 0, "end": excess, "middle": excess // 2}[keep]
    return tokens[first : first + len(tokens) - excess]


def window_starts(length: int, window: int, count: int) -> list[int]:
    """Return where `count` windows of a sequence start: evenly spaced, from its start to its end.

    Args:
        length: length of the sequence.
        window: length of each window; a sequence that is not longer is seen whole in each.
        count: number of windows, at least 1.
    """
    spare = max(0, length - window)
    return [round(spare * number / max(1, count - 1)) for number in range(count)]


def augment(
    tokens: Tokens,
    order: tuple[int, ...],
    *,
    crop: float = 0.0,
    crop_length: int = 0,
    reverse_complement: float = 0.0,
    complement: bytes | None,
) -> Tokens:
    """Return a training sequence as it is seen in one epoch: a pure function of the arguments.

    Args:
        tokens: `(L,)`, or `(L, channels)`; left as they are.
        order: (seed, epoch, record), and 1 for the second sequence of a pair.
        crop: a random part of the sequence is seen, of at least ``1 - crop`` of its length.
        crop_length: a random part of at most this many tokens is seen; 0 for no limit.
        reverse_complement: probability that the other strand is seen.
        complement: `Vocabulary.complement`; None if there is no other strand.
    """
    longest = min(len(tokens), crop_length or len(tokens))
    if not crop and longest == len(tokens) and not (reverse_complement and complement):
        return tokens
    generator = np.random.default_rng(order)
    share, place, strand = generator.random(3)
    kept = min(longest, max(1, round(len(tokens) * (1.0 - crop * share))))
    start = int(place * (len(tokens) - kept + 1))
    part = tokens[start : start + kept]
    if complement and strand < reverse_complement:
        table = np.frombuffer(complement, dtype=np.uint8)
        part = table[part[::-1]]
    return part
