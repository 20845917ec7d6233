"""Skyformer: the Nyström approximation of kernelized attention (Chen et al., NeurIPS 2021, sections 4.2 and 4.4).

Cost: O(L M D + M^3) operations and O(L D + M^2) memory per block, with M landmarks.

As in the published code, landmarks are real tokens. Deviations from it: they are drawn uniformly from all rows of [Q; K], as
in the paper, where the code draws half of them from Q and half from K; and, so that a sequence has one answer, in `eval()` they
are fixed and evenly spread, and the inverse is scaled for each matrix on its own, not over the whole batch. The kernel's width
follows the actual head width, which the code takes to be 32.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from seqmix.functional import even_landmarks, kernelized_attention, skyformer_attention
from seqmix.mixers.base import AttentionMixer


class Skyformer(AttentionMixer):
    """Multi-head Skyformer attention.

    Args:
        n_heads: number of heads H.
        n_landmarks: number M of rows of [Q; K] from which the kernel matrix is approximated.
        gamma: ridge added to the landmarks' kernel matrix, > 0.
        iterations: steps of the iterative inverse; 0 for the exact inverse, by Cholesky decomposition.
    """

    option_ranges: ClassVar[dict[str, dict[str, Any]]] = {
        "n_landmarks": {"at_least": 1, "at_most": 65_536},
        "gamma": {"above": 0, "at_most": 1_000_000},
        "iterations": {"at_least": 0, "at_most": 1000},
    }

    def __init__(
        self,
        d_model: int,
        max_length: int,
        *,
        n_heads: int = 2,
        n_landmarks: int = 128,
        gamma: float = 0.1,
        iterations: int = 6,
    ) -> None:
        super().__init__(d_model, max_length, n_heads=n_heads)
        self.check_options(d_model, n_landmarks=n_landmarks, gamma=gamma, iterations=iterations)
        self.n_landmarks, self.gamma, self.iterations = n_landmarks, gamma, iterations

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        landmarks = self._landmarks(mask)
        return skyformer_attention(q, k, v, mask, landmarks, self.gamma, self.iterations or None)

    def exact(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        return kernelized_attention(q, k, v, mask)

    @classmethod
    def feature_options(cls, n: int) -> dict[str, Any]:
        return {"n_landmarks": n}

    def _landmarks(self, mask: Tensor) -> Tensor:
        """Return rows `(B, M)` of [Q; K], real tokens only: random in training, evenly spread in `eval()`."""
        lengths, padded = mask.sum(1), mask.shape[1]
        if not self.training:
            return even_landmarks(lengths, self.n_landmarks, padded)
        real = lengths[:, None]
        chance = torch.rand(mask.shape[0], self.n_landmarks, device=mask.device)
        rows = torch.minimum((chance * (2 * real)).long(), 2 * real - 1)
        return torch.where(rows < real, rows, rows - real + padded)
