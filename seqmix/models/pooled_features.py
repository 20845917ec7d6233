"""What a classifier knows of whole sequences before it standardises it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqmix.models.classifier import SequenceClassifier


class PooledFeatures(nn.Module):
    """A classifier up to its pooling.

    Args:
        classifier: the classifier, whose layers are shared.
        hidden: probability that a token is hidden.
    """

    def __init__(self, classifier: SequenceClassifier, hidden: float = 0.0) -> None:
        super().__init__()
        self.classifier, self.hidden = classifier, hidden

    @property
    def pooling(self) -> str:
        """The pooling; with "cls", sequences begin with a CLS token."""
        return self.classifier.pooling

    @property
    def paired(self) -> bool:
        """Whether a record is two sequences."""
        return self.classifier.paired

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return `(B, pooled_width)`, of pairs `(B, 2 pooled_width)`; arguments as in `SequenceClassifier.forward`."""
        found = self.classifier.unstandardised(ids, mask, hidden=self.hidden)
        return torch.cat(found.chunk(2), dim=1) if self.paired else found
