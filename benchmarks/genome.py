"""The model of the genome recipe, published and ours: 14 CHORD factors, 15 links, L = 16384, D = 32, d_hidden = 128, B = 8."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from reference import PublishedParamixer

from seqmix.config import Config
from seqmix.models.classifier import SequenceClassifier, build_model
from seqmix.recipes import read_recipe

L, B, VOCABULARY = 16384, 8, 7


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return random bases `(B, L)`, a mask of real tokens only, and classes `(B,)`."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(2, 6, (B, L), generator=generator)
    return ids, torch.ones(B, L, dtype=torch.bool), torch.randint(0, 2, (B,), generator=generator)


def published(**changes: Any) -> PublishedParamixer:
    """Build the published model with the recipe's options, except for `changes`."""
    torch.manual_seed(0)
    return PublishedParamixer(length=L, vocab_size=VOCABULARY, **changes)


def recipe(**changes: object) -> SequenceClassifier:
    """Build the model of the recipe paramixer/genome, with `changes` to its [model] table."""
    torch.manual_seed(0)
    tables = read_recipe("paramixer/genome")
    tables["model"] |= {"max_length": L, **changes}
    return build_model(Config.from_tables(tables).model, vocab_size=VOCABULARY, n_classes=2)


def published_step(model: PublishedParamixer) -> None:
    """Run forward, loss and backward of the published model."""
    ids, _, classes = batch()
    model.zero_grad(set_to_none=True)
    F.cross_entropy(model(ids), classes).backward()


def recipe_step(model: SequenceClassifier) -> None:
    """Run forward, loss and backward of the recipe's model."""
    ids, mask, classes = batch()
    model.zero_grad(set_to_none=True)
    F.cross_entropy(model(ids, mask), classes).backward()
